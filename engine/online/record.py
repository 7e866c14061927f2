"""One settlement list as a typed record, or why it cannot be settled 「单病例校验」, without frames.

In: a mapping of canonical column names to JSON values, and the demand of the area's packs; out: a `Record`, or the
refusals in order of precedence. The rules are those of `engine.cases.rules`; a test holds the two against each other.
No text ever repeats what stood in the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import lru_cache
from typing import Any

from engine.cases.alias_table import NODE_FIELDS, VALUE_WORDS
from engine.cases.columns import COLUMNS, TYPED
from engine.cases.demand import Demand
from engine.cases.limits import (
    AGE_MAX,
    BIRTH_WEIGHT_G,
    CODES_MAX,
    COST_MAX_FEN,
    DIAGNOSIS_LENGTH_MAX,
    DISPOSITIONS,
    NEWBORN_DAYS,
    PROCEDURE_LENGTH_MAX,
)
from engine.cases.limits import STAY_SLACK_DAYS as SLACK
from engine.cases.one_cell import FULL_WIDTH, NOTHING, one_date, one_int, repaired_code
from engine.cases.rejection import TEXT_EN, TEXT_ZH, Reject
from engine.cases.sex import FEMALE, MALE, sex_of
from engine.money import fen_from_text

_TAIL = re.compile(r"([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?")
_DAY_PART = re.compile(r"(\S+?)(?:[ T]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?")
_MONTH = re.compile(r"(19|20)[0-9]{2}(0[1-9]|1[0-2])")
_SHOWN = re.compile(r"\{\d\}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record is not settled: the code of the rejection table and the column to mend."""

    code: str
    field: str
    zh: str
    en: str


@dataclass(slots=True)
class Record:
    """One case as `columns.TYPED` types it; `numbers` are the further numbers packs read."""

    setl_id: str
    fixmedins_code: str | None = None
    hi_setl_lv: str | None = None
    insutype: str | None = None
    setl_ym: str | None = None
    gend: int | None = None
    age: int | None = None
    nwb_age: int | None = None
    nwb_bir_wt: int | None = None
    act_ipt_days: int | None = None
    dscg_way: str | None = None
    dscg_caty: str | None = None
    ipt_med_type: str | None = None
    insuplc_admdvs: str | None = None
    born_on: date | None = None
    adm_on: date | None = None
    discharged_on: date | None = None
    settled_on: date | None = None
    diag_codes: tuple[str, ...] = ()
    oprn_codes: tuple[str, ...] = ()
    medfee_sumamt_fen: int | None = None
    fund_fen: int | None = None
    numbers: dict[str, int | None] = field(default_factory=dict)

    @property
    def patient_fen(self) -> int:
        return (self.medfee_sumamt_fen or 0) - (self.fund_fen or 0)

    def number(self, column: str) -> int | None:
        """A number by its file column."""
        found: int | None = self.numbers[column] if column in self.numbers else getattr(self, column)
        return found

    def stay(self) -> int | None:
        """Days of the stay: as sent, else from the dates; a day case counts one."""
        if self.act_ipt_days is not None:
            return self.act_ipt_days
        if self.adm_on is None or self.discharged_on is None:
            return None
        return max((self.discharged_on - self.adm_on).days, 1)


@lru_cache(maxsize=256)
def refusal(reject: Reject, column: str, pools: tuple[str, ...] = ()) -> Refusal:
    """A refusal in words, numbers of the record left out."""
    label = COLUMNS[column].label if column in COLUMNS else column
    texts = []
    for template, name, joint in ((TEXT_ZH[reject], label, "、"), (TEXT_EN[reject], column, ", ")):
        text = template.replace("{field}", name).replace("{pools}", joint.join(pools))
        texts.append(_SHOWN.sub("…", text.replace("{limit}", str(CODES_MAX))))
    return Refusal(reject.value, column, texts[0], texts[1])


def read_record(raw: Mapping[str, Any], demand: Demand) -> tuple[Record, list[Refusal]]:
    """The record, and every reason why it cannot be settled (empty: it can)."""
    record, bad, mains = _typed(raw, demand)
    _complete(record, demand)
    found = [*bad, *_judged(record, demand, mains)]
    if not found:
        return record, []
    pools = tuple(sorted(demand.pools))
    told = sorted({(reject, column) for reject, column in found}, key=lambda each: each[0].value)
    return record, [
        refusal(reject, column, pools if reject is Reject.SCHEME_UNKNOWN else ()) for reject, column in told
    ]


Faults = list[tuple[Reject, str]]
_FIELDS = frozenset(each.name for each in fields(Record))
STANDING = tuple(typed for typed in TYPED if typed.name in _FIELDS)
"""The typed columns a record holds. Those only a policy asks for are read by `general`, where a policy does."""
_KINDS = tuple((typed.name, typed.column, typed.kind) for typed in STANDING if typed.kind != "codes")


def _typed(raw: Mapping[str, Any], demand: Demand) -> tuple[Record, Faults, dict[str, int]]:
    faults: Faults = []
    values: dict[str, Any] = {}
    for name, column, kind in _KINDS:
        cell = raw.get(column)
        values[name] = None if cell is None else _cell(cell, column, kind, faults)
    strict = demand.profile == "strict"
    mains: dict[str, int] = {}
    for column, node in (("diag_codes", "diseinfo"), ("oprn_codes", "oprninfo")):
        codes = raw.get(column)
        if codes is None and node in raw:
            codes, mains[column] = codes_of_node(raw[node] or ())
        values[column] = _codes(codes or (), strict)
    if values["setl_id"] is None:
        values["setl_id"] = ""
        faults.append((Reject.ID_MISSING, "setl_id"))
    record = Record(**values)
    for column in demand.extra_numbers:
        cell = raw.get(column)
        record.numbers[column] = None if cell is None else _cell(cell, column, "int", faults)
    return record, faults, mains


def _cell(cell: Any, column: str, kind: str, faults: Faults) -> Any:
    if isinstance(cell, str):
        text = cell
        if not text.isascii():
            text = text.translate(FULL_WIDTH)
        text = text.strip()
        if text in NOTHING:
            return None
        cell = text
    if kind == "text":
        word = str(cell)
        words = VALUE_WORDS.get(column)
        return words.get(word, word) if words else word
    if kind == "fen":
        return _fen(str(cell), column, faults)
    if kind == "date":
        day = _day(str(cell))
        if day is None:
            faults.append((Reject.DATE_UNREADABLE, column))
        return day
    if isinstance(cell, int) and not isinstance(cell, bool):
        number = cell if -(2**31) < cell < 2**31 else None
    else:
        number = one_int(str(cell), kind == "whole", VALUE_WORDS.get(column) or {})
    if number is None:
        faults.append((Reject.NUMBER_UNREADABLE, column))
    return number


def _fen(text: str, column: str, faults: Faults) -> int | None:
    try:
        return fen_from_text(text)
    except ValueError:
        too_fine = re.fullmatch(r"[+-]?\d*\.\d{3,}", text) is not None
        faults.append((Reject.AMOUNT_BELOW_FEN if too_fine else Reject.AMOUNT_UNREADABLE, column))
        return None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text[:10]) if len(text) >= 10 and text[4] == "-" else None
        if day is not None and not _TAIL.fullmatch(text[10:]):
            day = None
    except ValueError:
        day = None
    if day is None and (match := _DAY_PART.fullmatch(text)):
        day = one_date(match[1])
    return day if day is not None and 1900 <= day.year <= 2100 else None


_CODE, _MAIN, _SERIAL = NODE_FIELDS["code"], NODE_FIELDS["main"], NODE_FIELDS["serial"]


def _first(item: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        if (found := item.get(name)) is not None:
            return found
    return None


def codes_of_node(items: Sequence[Mapping[str, Any]]) -> tuple[list[str], int]:
    """The codes of a diseinfo or oprninfo node, principal first, and how many are marked as the principal one.

    Without any mark the first in order is the principal; with marks that all say "other" there is none.
    """
    kept: list[tuple[bool, int, int, str]] = []
    known = False
    for place, item in enumerate(items):
        stream = item.get("diag_type")
        if stream and stream != "1" and str(stream).strip() != "1":
            continue
        code, main, serial = _first(item, _CODE), _first(item, _MAIN), _first(item, _SERIAL)
        main = "" if main is None else str(main).strip()
        known = known or main != ""
        order = int(serial) if isinstance(serial, int) or (isinstance(serial, str) and serial.isdecimal()) else 10**9
        kept.append((main not in ("1", "1.0"), order, place, "" if code is None else str(code)))
    mains = sum(not each[0] for each in kept)
    codes = [each[3] for each in sorted(kept)]
    return ["", *codes] if known and not mains and codes else codes, mains


def _codes(codes: Sequence[Any], strict: bool) -> tuple[str, ...]:
    """Codes without empty slots, save a blank first one when others follow: there is no principal code then."""
    found = [_mended(str(code)) if strict else str(code) for code in ("" if code is None else code for code in codes)]
    if all(found):
        return tuple(found)
    filled = [code for code in found if code]
    return tuple(filled if not filled or found[0] else ["", *filled])


@lru_cache(maxsize=100_000)
def _mended(code: str) -> str:
    return repaired_code(code)


def _complete(record: Record, demand: Demand) -> None:
    """What follows from other cells, as `convert` completes a frame."""
    if demand.fund_unused and record.fund_fen is None:
        record.fund_fen = 0
    if record.setl_ym is None and record.settled_on is not None:
        record.setl_ym = record.settled_on.strftime("%Y%m")
    if demand.profile == "compatible":
        record.diag_codes = record.diag_codes or ("",)
        return
    if record.age is None and record.nwb_age is not None and 0 <= record.nwb_age <= 365:
        record.age = 0
    ordered = record.adm_on is not None and record.discharged_on is not None and record.discharged_on >= record.adm_on
    if record.act_ipt_days is None and ordered:
        record.act_ipt_days = record.stay()


def _judged(record: Record, demand: Demand, mains: Mapping[str, int]) -> Iterator[tuple[Reject, str]]:
    if mains.get("diag_codes", 0) > 1:
        yield Reject.TWO_PRINCIPAL_DIAGNOSES, "diag_codes"
    if mains.get("oprn_codes", 0) > 1:
        yield Reject.TWO_PRINCIPAL_PROCEDURES, "oprn_codes"
    for column in demand.required_numbers:
        if record.number(column) is None:
            yield Reject.PACK_NUMBER_MISSING, column
    if record.adm_on is not None and record.discharged_on is not None and record.adm_on > record.discharged_on:
        yield Reject.DISCHARGE_BEFORE_ADMISSION, "dscg_time"
    if demand.purpose == "settle":
        yield from _settlement(record, demand)
    elif demand.dip:
        asked = ("fixmedins_code", "insutype", "medfee_sumamt")
        yield from (each for each in _settlement(record, demand) if each[1] in asked)
    if demand.profile == "strict":
        yield from _patient(record)
        yield from _stay(record)
        yield from _code_rules(record)
        settled_on = record.settled_on if demand.purpose == "settle" else None
        if settled_on is not None and record.setl_ym != settled_on.strftime("%Y%m"):
            yield Reject.MONTH_DISAGREES, "setl_ym"


def _settlement(record: Record, demand: Demand) -> Iterator[tuple[Reject, str]]:
    cost, fund = record.medfee_sumamt_fen, record.fund_fen
    if record.fixmedins_code is None:
        yield Reject.HOSPITAL_MISSING, "fixmedins_code"
    if record.insutype not in demand.pools:
        yield Reject.SCHEME_UNKNOWN, "insutype"
    if record.settled_on is None:
        yield Reject.SETTLEMENT_DATE_MISSING, "setl_end_date"
    if record.discharged_on is None:
        yield Reject.DISCHARGE_DATE_MISSING, "dscg_time"
    if cost is None:
        yield Reject.COST_MISSING, "medfee_sumamt"
    elif cost < 0:
        yield Reject.COST_NEGATIVE, "medfee_sumamt"
    elif cost > COST_MAX_FEN:
        yield Reject.COST_IMPOSSIBLE, "medfee_sumamt"
    if fund is None:
        yield Reject.FUND_MISSING, "hifp_pay"
    elif fund < 0:
        yield Reject.FUND_NEGATIVE, "hifp_pay"
    elif cost is not None and 0 <= cost < fund:
        yield Reject.FUND_ABOVE_COST, "hifp_pay"
    if record.discharged_on is not None and record.settled_on is not None and record.discharged_on > record.settled_on:
        yield Reject.SETTLEMENT_BEFORE_DISCHARGE, "setl_end_date"
    if record.setl_ym is not None and not _MONTH.fullmatch(record.setl_ym):
        yield Reject.MONTH_UNREADABLE, "setl_ym"
    if demand.profile == "compatible" and record.stay() is None:
        yield Reject.STAY_MISSING, "act_ipt_days"


def _patient(record: Record) -> Iterator[tuple[Reject, str]]:
    age, days, weight = record.age, record.nwb_age, record.nwb_bir_wt
    if record.gend not in (1, 2):
        yield Reject.GENDER_NOT_1_OR_2, "gend"
    if age is None:
        yield Reject.AGE_MISSING, "age"
    elif not 0 <= age <= AGE_MAX:
        yield Reject.AGE_OUT_OF_RANGE, "age"
    if age == 0 and days is None:
        yield Reject.AGE_DAYS_MISSING, "nwb_age"
    if days is not None and days < 0:
        yield Reject.AGE_DAYS_NEGATIVE, "nwb_age"
    if age == 0 and days is not None and 0 <= days <= NEWBORN_DAYS:
        if not weight or weight <= 0:
            yield Reject.BIRTH_WEIGHT_MISSING, "nwb_bir_wt"
        elif not BIRTH_WEIGHT_G[0] <= weight <= BIRTH_WEIGHT_G[1]:
            yield Reject.BIRTH_WEIGHT_OUT_OF_RANGE, "nwb_bir_wt"
    if record.gend in (1, 2):
        other = FEMALE if record.gend == 1 else MALE
        if any(_sex(code) == other for code in record.diag_codes):
            yield Reject.SEX_IMPOSSIBLE, "diag_codes"


@lru_cache(maxsize=100_000)
def _sex(code: str) -> int:
    return sex_of(code)


def _stay(record: Record) -> Iterator[tuple[Reject, str]]:
    stay = record.act_ipt_days
    if stay is None:
        yield Reject.STAY_MISSING, "act_ipt_days"
    else:
        if stay < 0:
            yield Reject.STAY_NEGATIVE, "act_ipt_days"
        if record.adm_on is not None and record.discharged_on is not None:
            dates = (record.discharged_on - record.adm_on).days
            if dates >= 0 and abs(stay - dates) > SLACK:
                yield Reject.STAY_DISAGREES, "act_ipt_days"
    if record.dscg_way not in DISPOSITIONS:
        yield Reject.DISPOSITION_UNKNOWN, "dscg_way"


def _code_rules(record: Record) -> Iterator[tuple[Reject, str]]:
    diagnoses, procedures = record.diag_codes, record.oprn_codes
    if not diagnoses or not diagnoses[0]:
        yield Reject.PRINCIPAL_DIAGNOSIS_MISSING, "diag_codes"
    if any(len(code) > DIAGNOSIS_LENGTH_MAX for code in diagnoses):
        yield Reject.DIAGNOSIS_CODE_TOO_LONG, "diag_codes"
    if any(len(code) > PROCEDURE_LENGTH_MAX for code in procedures):
        yield Reject.PROCEDURE_CODE_TOO_LONG, "oprn_codes"
    if len(diagnoses) > CODES_MAX:
        yield Reject.TOO_MANY_DIAGNOSES, "diag_codes"
    if len(procedures) > CODES_MAX:
        yield Reject.TOO_MANY_PROCEDURES, "oprn_codes"
