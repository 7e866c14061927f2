"""What follows from other cells, and the validation rules, over arrays 「数组校验」.

In: the plain columns of a batch; out: the same with what `engine.cases.convert.complete` fills in, what it filled in,
and the rows that may break a rule of `engine.cases.rules`. A rule over one text is asked once per text, the usual ones
over numbers in one compiled pass, any other as it is written. A row that is marked is judged by the rules themselves
later, so a mark too many costs time and no row; that none is missing is tested rule by rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.cases.codes import TOO_LONG
from engine.cases.columns import TYPED
from engine.cases.convert import EMPTY_DTYPES
from engine.cases.demand import Demand
from engine.cases.limits import AGE_MAX, BIRTH_WEIGHT_G, COST_MAX_FEN, NEWBORN_DAYS, STAY_SLACK_DAYS
from engine.cases.read import MISSHAPEN
from engine.cases.rejection import Reject
from engine.cases.repair import Repair, Repairs
from engine.cases.rules import Rule, rules_for
from engine.cases.sex import FEMALE, MALE
from engine.execute.cells import Coded, Columns, Odd
from engine.execute.checks import MET
from engine.execute.lean import Numbers
from engine.execute.lean_later import AnyLists, AnyNumbers, AnyTexts
from engine.execute.lean_row_loops import (
    NUMBERS,
    add_bit,
    fill_in,
    fill_months,
    judge_rows,
    mark_by_text,
    mark_other_month,
)
from engine.execute.vocabulary import I32, U8, Words

ROW_RULES: Final[tuple[tuple[Reject, str], ...]] = (
    (Reject.DISCHARGE_BEFORE_ADMISSION, ""),
    (Reject.SETTLEMENT_DATE_MISSING, ""),
    (Reject.DISCHARGE_DATE_MISSING, ""),
    (Reject.COST_MISSING, ""),
    (Reject.FUND_MISSING, ""),
    (Reject.COST_NEGATIVE, ""),
    (Reject.COST_IMPOSSIBLE, ""),
    (Reject.FUND_NEGATIVE, ""),
    (Reject.FUND_ABOVE_COST, ""),
    (Reject.SETTLEMENT_BEFORE_DISCHARGE, ""),
    (Reject.STAY_MISSING, "strict"),
    (Reject.STAY_MISSING, "compatible"),
    (Reject.GENDER_NOT_1_OR_2, ""),
    (Reject.AGE_MISSING, ""),
    (Reject.AGE_OUT_OF_RANGE, ""),
    (Reject.AGE_DAYS_MISSING, ""),
    (Reject.AGE_DAYS_NEGATIVE, ""),
    (Reject.BIRTH_WEIGHT_MISSING, ""),
    (Reject.SEX_IMPOSSIBLE, ""),
    (Reject.STAY_NEGATIVE, ""),
    (Reject.STAY_DISAGREES, ""),
    (Reject.BIRTH_WEIGHT_OUT_OF_RANGE, ""),
    (Reject.DIAGNOSIS_CODE_TOO_LONG, ""),
    (Reject.PROCEDURE_CODE_TOO_LONG, ""),
)
"""The rules `judge_rows` knows, by place; beside a rule that differs between profiles, which of them."""
_LIMITS: Final = (MALE, FEMALE, TOO_LONG, AGE_MAX, NEWBORN_DAYS, *BIRTH_WEIGHT_G, COST_MAX_FEN, STAY_SLACK_DAYS)
"""What `judge_rows` holds numbers against, in its order."""
_KINDS: Final = {typed.name: typed.kind for typed in TYPED}
_TEXTS: Final = frozenset(name for name, kind in _KINDS.items() if kind == "text")
_MONTHS_FROM, _MONTHS_TO = "2000-01", "2100-01"
"""Days whose month is looked up; a row that needs the month of another day takes the slow path."""


@dataclass
class LeanColumns:
    """The columns of one batch as arrays; one that the file does not have is in none of the mappings."""

    ids: pa.Array
    texts: dict[str, AnyTexts] = field(default_factory=dict)
    numbers: dict[str, AnyNumbers] = field(default_factory=dict)
    lists: dict[str, AnyLists] = field(default_factory=dict)
    flags: dict[str, U8] = field(default_factory=dict)
    """Of every row's codes, by list column."""
    at_most: dict[str, I32] = field(default_factory=dict)
    """By text column, where it is known: all the numbers that rows may have, and few others."""

    def __len__(self) -> int:
        return len(self.ids)


class LeanRules:
    """The rules of a run. Threads may ask at the same time."""

    def __init__(self, columns: Columns) -> None:
        demand = columns.demand
        self._demand, self._columns = demand, columns
        self._strict = demand.profile == "strict"
        self._settle = demand.purpose == "settle"
        self.asked = np.int64(0)
        self._by_text: dict[str, list[Rule]] = {}
        self._others: list[Rule] = []
        self._months_compared = False
        for rule in rules_for(demand, _frame_columns(demand)):
            self._place(rule)
        self._good: dict[str, tuple[Words, npt.NDArray[np.bool_]]] = {}
        self._known_months: tuple[int, I32] | None = None

    def only_row_rule(self, place: int) -> None:
        """For a test: nothing but one rule of the compiled pass."""
        self.asked, self._by_text, self._others, self._months_compared = np.int64(1 << place), {}, [], False

    @property
    def columns(self) -> frozenset[str]:
        """The typed columns that are looked at."""
        others = {name for rule in self._others for name in rule.ok.meta.root_names()}
        return frozenset({*NUMBERS, *self._by_text, *others, "setl_ym"})

    def _place(self, rule: Rule) -> None:
        roots = set(rule.ok.meta.root_names())
        if rule.reject in MET:
            return
        known = (rule.reject, ""), (rule.reject, self._demand.profile)
        places = [place for place, row_rule in enumerate(ROW_RULES) if row_rule in known]
        if places:
            self.asked |= np.int64(1 << places[0])
        elif rule.reject is Reject.MONTH_DISAGREES:
            self._months_compared = True
        elif len(roots) == 1 and roots <= _TEXTS:
            self._by_text.setdefault(roots.pop(), []).append(rule)
        else:
            self._others.append(rule)

    def apply(self, found: LeanColumns, odd: Odd) -> tuple[npt.NDArray[np.bool_], dict[Repair, npt.NDArray[np.bool_]]]:
        """Fills in, and gives the rows that may break a rule, and those that were filled in. Rows that turn out not to
        be plain are marked in `odd`."""
        count = len(found)
        missing = np.zeros(count, np.int32)
        if self._demand.fund_unused:
            _no_fund_is_none(found, count)
        arrays: list[npt.NDArray[Any]] = []
        for place, name in enumerate(NUMBERS):
            column = found.numbers.get(name)
            wide = name.endswith("_fen")
            if column is None:
                missing |= np.int32(1 << place)
                arrays.append(np.zeros(count, np.int64 if wide else np.int32))
                continue
            if column.missing is not None:
                add_bit(column.missing, np.int32(1 << place), missing)
            arrays.append(column.values)
        repaired = self._fill_in(found, missing, arrays) if self._strict else {}
        self._fill_months(found, missing, arrays, odd)
        bad = np.zeros(count, np.bool_)
        none = np.zeros(count, np.uint8)
        flags = [found.flags.get(name, none) for name in ("diag_codes", "oprn_codes")]
        judge_rows(self.asked, missing, tuple(arrays), flags[0], flags[1], _LIMITS, bad)
        self._judge_texts(found, missing, arrays, bad)
        self._judge_others(found, bad)
        return bad, repaired

    def _fill_in(
        self, found: LeanColumns, missing: I32, arrays: list[npt.NDArray[Any]]
    ) -> dict[Repair, npt.NDArray[np.bool_]]:
        """Only where a row has no age or no stay."""
        places = {name: NUMBERS.index(name) for name in ("age", "act_ipt_days")}
        bits = np.int32(sum(1 << place for place in places.values()))
        if not (missing & bits).any():
            return {}
        for place in places.values():
            arrays[place] = arrays[place].copy()  # Arrow's memory is not ours to write to
        filled = np.empty(len(missing), np.int32)
        age, days, _, stay, adm, discharged = arrays[1:7]
        fill_in(missing, age, days, stay, adm, discharged, filled)
        for name, place in places.items():
            still = (missing & np.int32(1 << place)) != 0
            if name in found.numbers or not still.all():
                found.numbers[name] = Numbers(arrays[place], still if still.any() else None)
        kinds = {"age": Repair.AGE_FROM_DAYS, "act_ipt_days": Repair.STAY_FROM_DATES}
        return {kinds[name]: (filled & np.int32(1 << place)) != 0 for name, place in places.items()}

    def _fill_months(self, found: LeanColumns, missing: I32, arrays: list[npt.NDArray[Any]], odd: Odd) -> None:
        place = NUMBERS.index("settled_on")
        coded = found.texts.get("setl_ym")
        if "settled_on" not in found.numbers:
            return
        if coded is not None and not (found.at_most.get("setl_ym", coded.ids) < 0).any():
            return
        low, months = self._months()
        ids = np.full(len(found), -1, np.int32) if coded is None else coded.ids.copy()
        fill_months(ids, arrays[place], missing, np.int32(1 << place), low, months, odd)
        found.at_most.pop("setl_ym", None)
        # The latest words know every number given so far.
        found.texts["setl_ym"] = Coded(ids, self._columns.vocabularies["setl_ym"].words)

    def _months(self) -> tuple[int, I32]:
        """The first day, and the number of every day's month as text."""
        if self._known_months is None:
            months = np.arange(_MONTHS_FROM, _MONTHS_TO, dtype="datetime64[M]")
            texts = [month.replace("-", "") for month in months.astype(str).tolist()]
            numbers = self._columns.vocabularies["setl_ym"].ids(pa.array(texts, pa.string()))
            days = months.astype("datetime64[D]").astype(np.int64)
            end = int(np.datetime64(_MONTHS_TO, "D").astype(np.int64))
            self._known_months = int(days[0]), np.repeat(numbers, np.diff([*days.tolist(), end]))
        return self._known_months

    def _judge_texts(self, found: LeanColumns, missing: I32, arrays: list[npt.NDArray[Any]], bad: Odd) -> None:
        for column in self._by_text:
            coded = found.texts.get(column)
            if coded is None:
                bad |= not self._good_texts(column, None)[-1]
                continue
            good, here = self._good_texts(column, coded.words), found.at_most.get(column)
            if here is None or not good[here].all():
                mark_by_text(coded.ids, good, bad)
        month = found.texts.get("setl_ym")
        if self._months_compared and month is not None:
            place = NUMBERS.index("settled_on")
            low, months = self._months()
            mark_other_month(month.ids, arrays[place], missing, np.int32(1 << place), low, months, bad)

    def _good_texts(self, column: str, words: Words | None) -> npt.NDArray[np.bool_]:
        """By number, whether a text meets every rule that asks for nothing else; the last answers for no text."""
        known = self._good.get(column)
        if known is not None and words is known[0]:
            return known[1]
        texts = pl.Series(column, [*(() if words is None else words.texts), None], dtype=pl.String)
        good = _met(pl.DataFrame([texts]), self._by_text[column])
        if words is not None:
            self._good[column] = words, good
        return good

    def _judge_others(self, found: LeanColumns, bad: Odd) -> None:
        if not self._others:
            return
        roots = sorted({name for rule in self._others for name in rule.ok.meta.root_names()})
        bad |= ~_met(pl.DataFrame([_series(found, name) for name in roots]), self._others)


def _met(frame: pl.DataFrame, rules: list[Rule]) -> npt.NDArray[np.bool_]:
    met = frame.select(pl.all_horizontal([rule.ok.fill_null(False) for rule in rules])).to_series()
    return np.asarray(met.to_numpy(), np.bool_)


def _frame_columns(demand: Demand) -> list[str]:
    """Columns of the frame the rules are written for; marks and counts of the slow path are not among them, as no plain
    row has any."""
    lists = ("diag_codes", "oprn_codes")
    return [
        *(typed.name for typed in demand.typed),
        *demand.extra_numbers,
        *(f"{name}!flags" for name in lists),
        MISSHAPEN,
    ]


def _series(found: LeanColumns, name: str) -> pl.Series:
    """One column as the typed frame has it."""
    if name in found.numbers:
        column = found.numbers[name]
        series = pl.from_arrow(pa.array(column.values, mask=column.missing))
        assert isinstance(series, pl.Series)
        return (series.cast(pl.Date) if _KINDS.get(name) == "date" else series).alias(name)
    if name in found.texts:
        return found.texts[name].series().alias(name)
    if name in found.lists:
        return found.lists[name].series().alias(name)
    if name.endswith("!flags"):
        flags = found.flags.get(name.removesuffix("!flags"), np.zeros(len(found), np.uint8))
        return pl.Series(name, flags)
    kind = _KINDS.get(name, "int")
    assert kind != "codes", "lists are always there"
    return pl.repeat(None, len(found), dtype=EMPTY_DTYPES[kind], eager=True).alias(name)


def _no_fund_is_none(found: LeanColumns, count: int) -> None:
    fund = found.numbers.get("fund_fen")
    values = np.zeros(count, np.int64) if fund is None else fund.filled(0)
    found.numbers["fund_fen"] = Numbers(values)


def patient_of(numbers: Mapping[str, Numbers]) -> Numbers | None:
    """The patient's part, where cost and fund are known."""
    cost, fund = numbers.get("medfee_sumamt_fen"), numbers.get("fund_fen")
    if cost is None or fund is None:
        return None
    marks = [mark for mark in (cost.missing, fund.missing) if mark is not None]
    missing = np.logical_or.reduce(marks) if marks else None
    return Numbers(cost.values - fund.values, missing)


def counted(repaired: Mapping[Repair, npt.NDArray[np.bool_]], keep: Odd) -> Repairs:
    """How often the kept rows were repaired."""
    return +Repairs({kind: int(np.count_nonzero(marks & keep)) for kind, marks in repaired.items()})
