"""A DIP catalogue in the flow: encode, group, and say what an answer is called 「DIP病种目录」.

In: a `DipPack`; frames of accepted cases. Out: casebook columns; `leaf` is the catalogue row, `auxiliary` that of the
auxiliary catalogue. The mean-cost factor K that decides ties comes from the pack's price table by hospital, scheme,
month and insured place. Days in intensive care are begun days of `icu_hours`. It decides nothing: the kernel does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.class_kind import deviation_types
from engine.edition import GroupFrame
from engine.packs.dip_load import DipPack
from engine.packs.meta import PackMeta
from engine.stamps import Stamps
from grouper.dip_compile import CompiledDip, compile_dip
from grouper.dip_layout import NULL, NUMBERS, Batch
from grouper.dip_reason import TEXT_ZH, DipReason
from grouper.dip_search import rewritten_code
from grouper.dip_tables import DipCase
from grouper.reason import GroupStatus
from grouper.tables import NumericField
from pointvalue.dip_score_tables import CaseKeys, Price, ScoringError
from pointvalue.dip_scoring import look_up

if TYPE_CHECKING:
    from engine.execute.texts import TextReader

I64 = npt.NDArray[np.int64]
_DEATH = "5"
_TABLE_MAX = 1 << 18
PRICE_KEYS = ("fixmedins_code", "insutype", "setl_ym", "insuplc_admdvs")


@dataclass(frozen=True, eq=False)
class DipEdition:
    """See `engine.edition.Edition`."""

    pack: DipPack
    built: CompiledDip | None = None
    """The pack's compiled form where it is at hand; compiled on first use otherwise."""
    kind: str = "dip"
    profile: str = ""
    numbers: tuple[NumericField, ...] = (NumericField("icu_hours", "h", "icu_hours"),)
    ambiguous_codes: frozenset[str] = frozenset()
    stamps: Stamps | None = None

    @property
    def meta(self) -> PackMeta:
        return self.pack.meta

    def with_meta(self, meta: PackMeta) -> DipEdition:
        return replace(self, pack=replace(self.pack, meta=meta))

    @property
    def fingerprint(self) -> str:
        return self.pack.fingerprint

    @property
    def folder(self) -> Path:
        return self.pack.path

    @cached_property
    def compiled(self) -> CompiledDip:
        return compile_dip(self.pack.tables) if self.built is None else self.built

    @property
    def group_codes(self) -> tuple[str, ...]:
        return tuple(group.code for group in self.pack.tables.groups)

    def answers(self) -> Sequence[Mapping[str, str | None]]:
        """Every catalogue row, then failed, then invalid."""
        rows: list[Mapping[str, str | None]] = [
            {"dip_type": group.layer, "dip_name": group.name} for group in self.pack.tables.groups
        ]
        return [*rows, {}, {}]

    def reason_text(self, reason: int) -> tuple[str, str]:
        return f"D{reason}", TEXT_ZH[DipReason(reason)]

    def deviation_types(self) -> Mapping[str, str]:
        return deviation_types(self.pack.scoring.bands)

    def grouping(self, mapping: bool | None) -> GroupFrame:
        # The kernel's compiler is loaded where there is a batch to group, not to explain one case.
        from engine.used_codes import UsedCodes
        from grouper.dip import group_batch

        used, texts = UsedCodes({}), _Readers(self)

        def group(frame: pl.DataFrame) -> Mapping[str, pa.Array]:
            dx, op = texts.codes.lists(frame["diag_codes"]), texts.codes.lists(frame["oprn_codes"])
            dx_ids, op_ids = texts.dx.take(dx), texts.op.take(op)
            numbers = self._numbers(frame, *texts.cost_factors(frame))
            out = group_batch(self.compiled, Batch(dx.offsets, dx_ids, op.offsets, op_ids, numbers))
            first = np.zeros(len(frame), np.int64)
            status = np.where(out.row >= 0, int(GroupStatus.OK), int(GroupStatus.FAIL)).astype(np.uint8)
            principal = used.code_at(dx, first)
            return {
                "status": pa.array(status),
                "reason": pa.array(out.reason),
                "leaf": pa.array(out.row),
                "auxiliary": pa.array(out.auxiliary),
                "severity": pa.array(np.zeros(len(frame), np.uint8)),
                "maindiag_code": principal,
                "main_oprn_code": used.code_at(op, np.maximum(out.main, 0)),
                "dip_code": self._codes(out.row, principal),
            }

        return group

    def case_of(self, frame: pl.DataFrame) -> DipCase:
        """The one case of a frame as the plain walk reads it."""
        row = frame.row(0, named=True)
        hospital, insurance, month, place = (row[name] for name in PRICE_KEYS)
        price = self.price_of(hospital or "", insurance or "", month, place)
        factors = (None, None) if price is None else (price.cost_factor_e6, price.basic_cost_factor_e6)
        k, basic_k = (np.array([NULL if each is None else each], np.int64) for each in factors)
        numbers = self._numbers(frame, k, basic_k)[:, 0].tolist()
        known: dict[str, Any] = dict(zip(NUMBERS, (None if n == NULL else n for n in numbers), strict=True))
        known["is_death"] = known["is_death"] == 1
        diagnoses, procedures = (tuple(code or "" for code in row[f"{kind}_codes"] or ()) for kind in ("diag", "oprn"))
        return DipCase(row["setl_id"], diagnoses, procedures, **known)

    def _codes(self, rows: npt.NDArray[np.int32], principal: pa.Array) -> pa.Array:
        """Group codes; comprehensive ones rewritten to the case's category where the catalogue says so."""
        tables = self.pack.tables
        codes = pa.array([*(group.code for group in tables.groups), None], pa.string())
        found = codes.take(pa.array(np.where(rows >= 0, rows, len(tables.groups))))
        if tables.options.comprehensive_code != "category_for_range":
            return found
        rewritten = found.to_pylist()
        sources = {layer.name for layer in tables.layers if layer.source in ("comprehensive", "fallback")}
        for place in np.flatnonzero(rows >= 0).tolist():
            group = tables.groups[int(rows[place])]
            if group.layer in sources:
                rewritten[place] = rewritten_code(group, principal[place].as_py() or "")
        return pa.array(rewritten, pa.string())

    def _numbers(self, frame: pl.DataFrame, k: I64, basic_k: I64) -> I64:
        days = _age_days(frame)
        stay = (pl.col("discharged_on") - pl.col("adm_on")).dt.total_days()
        icu = pl.col("icu_hours").cast(pl.Int64) if "icu_hours" in frame.columns else pl.lit(None, pl.Int64)
        known = frame.select(
            cost_total_fen=pl.col("medfee_sumamt_fen"),
            stay_days=pl.coalesce(stay, pl.col("act_ipt_days").cast(pl.Int64)),
            age_days=days,
            # Completed years as the regional catalogues count them: days ÷ 365.25, cut.
            age_years=pl.coalesce(days * 4 // 1461, pl.col("age").cast(pl.Int64)),
            birth_weight_g=pl.col("nwb_bir_wt").cast(pl.Int64),
            icu_days=(icu + 23) // 24,
            is_death=(pl.col("dscg_way") == _DEATH).fill_null(False).cast(pl.Int64),
        )
        numbers = np.full((len(NUMBERS), len(frame)), NULL, np.int64)
        for name in known.columns:
            numbers[NUMBERS.index(name)] = known[name].fill_null(NULL).to_numpy()
        numbers[NUMBERS.index("cost_factor_e6")] = k
        numbers[NUMBERS.index("basic_cost_factor_e6")] = basic_k
        return numbers

    def price_of(self, hospital: str, insurance: str, month: str | None, place: str | None) -> Price | None:
        """The row of the price table for a case, None where there is none."""
        try:
            return look_up(self.pack.scoring.prices, CaseKeys(hospital, insurance, month, place), "price")
        except ScoringError:
            return None


def _age_days(frame: pl.DataFrame) -> pl.Expr:
    """Age in days at admission: from the date of birth, else as sent for infants, else unknown."""
    born = (pl.coalesce("adm_on", "discharged_on") - pl.col("born_on")).dt.total_days()
    return pl.coalesce(born, pl.col("nwb_age").cast(pl.Int64))


class _Readers:
    """Texts of a run as numbers: codes by the catalogue's vocabularies, and the keys of its price table."""

    def __init__(self, edition: DipEdition) -> None:
        from engine.execute.texts import Answers, TextReader

        self._edition = edition
        self.codes = TextReader()
        # The catalogue's vocabularies grow with every new code.
        self.dx = Answers(edition.compiled.dx.id_of, 0)
        self.op = Answers(edition.compiled.op.id_of, 0)
        self._keys: list[TextReader] = [TextReader() for _ in PRICE_KEYS]

    def cost_factors(self, frame: pl.DataFrame) -> tuple[I64, I64]:
        """K 「均费系数」 of every case, NULL where the price table has no row for it."""
        keys = [reader.texts(frame[name]) for reader, name in zip(self._keys, PRICE_KEYS, strict=True)]
        sizes = [len(key.words) + 1 for key in keys]
        place = np.zeros(len(frame), np.int64)
        for key, size in zip(keys, sizes, strict=True):
            place = place * size + (key.ids + 1)
        found, which = _distinct(place, prod(sizes))
        factors = np.full((2, len(found)), NULL, np.int64)
        for at, number in enumerate(found.tolist()):
            texts = list[str | None]()
            for key, size in zip(reversed(keys), reversed(sizes), strict=True):
                number, word = divmod(number, size)
                texts.append(key.words.texts[word - 1] if word else None)
            insured, month, insurance, hospital = texts
            price = self._edition.price_of(hospital or "", insurance or "", month, insured)
            if price:
                k, basic = price.cost_factor_e6, price.basic_cost_factor_e6
                factors[:, at] = NULL if k is None else k, NULL if basic is None else basic
        return factors[0][which], factors[1][which]


def _distinct(numbers: I64, size: int) -> tuple[I64, npt.NDArray[np.intp]]:
    """The different numbers, ascending, and which of them each is; all lie in 0..size−1."""
    if size > _TABLE_MAX:
        found, back = np.unique(numbers, return_inverse=True)
        return found, back
    present = np.zeros(size, np.bool_)
    present[numbers] = True
    found = np.flatnonzero(present)
    order = np.zeros(size, np.intp)
    order[found] = np.arange(len(found))
    return found, order[numbers]
