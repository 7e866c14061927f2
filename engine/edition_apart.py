"""A scheme at its own price, in the flow 「定额类付费方式」: it groups nothing, it names what the case is paid for.

In: the route of one scheme and the conditions of its year; frames of cases the scheme has taken. Out: casebook columns
with status APART; `leaf` is the single disease, the bed-day category, or the one answer of a scheme without groups.
It has no pack on disk: its edition is the policy. It prices nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.conditions import Conditions
from engine.edition import GroupFrame
from engine.packs.meta import PackMeta, PackSource
from engine.policy.resolve import Route
from grouper.reason import GroupStatus
from grouper.tables import NumericField
from pointvalue.terms import SchemeKind

KIND_NAMES: Mapping[SchemeKind, tuple[str, str]] = {
    SchemeKind.BED_DAY: ("按床日付费", "per bed-day"),
    SchemeKind.SINGLE: ("单病种付费", "single disease"),
    SchemeKind.ACTUAL: ("按项目付费", "fee for service"),
    SchemeKind.EPIDEMIC: ("疫情病例，预算外支付", "epidemic case, outside the budget"),
    SchemeKind.BUNDLE: ("医共体打包付费", "consortium bundle"),
    SchemeKind.CAPITATION: ("按人头付费", "capitation"),
    SchemeKind.EXCLUDED: ("由其他预算支付", "another budget pays"),
}
_APART = 1
_NO_LEAF = -1


@dataclass(frozen=True, eq=False)
class ApartEdition:
    """See `engine.edition.Edition`."""

    route: Route
    conditions: Conditions
    version: str
    fingerprint: str
    chosen_by: str
    profile: str = ""
    numbers: tuple[NumericField, ...] = ()
    ambiguous_codes: frozenset[str] = frozenset()
    _found: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> str:
        return str(self.route.kind)

    @cached_property
    def meta(self) -> PackMeta:
        source = PackSource("policy")
        return PackMeta(
            self.route.scheme, self.kind, self.version, "CN", None, None, self.chosen_by, "", "", source
        )  # fmt: skip

    @property
    def group_codes(self) -> tuple[str, ...]:
        """Diseases, then categories; the last stands for a case that has no group of its own."""
        return tuple(code for code, _ in self._groups)

    @cached_property
    def _groups(self) -> tuple[tuple[str, str | None], ...]:
        named = [(disease.code, disease.name) for disease in self.route.diseases]
        return (*named, *((category.name, None) for category in self.route.categories), ("", None))

    def answers(self) -> Sequence[Mapping[str, str | None]]:
        zh = KIND_NAMES[self.route.kind][0]
        rows: list[Mapping[str, str | None]] = [
            {"dip_type": zh, "dip_name": name} if code else {} for code, name in self._groups
        ]
        return [*rows, {}, {}]

    def reason_text(self, reason: int) -> tuple[str, str]:
        zh = KIND_NAMES[self.route.kind][0]
        asked = f"，适用条件：{self.route.when}" if self.route.when else ""
        return f"A{reason}", f"{zh}，不参与分组（付费方式 {self.route.scheme}{asked}）。"

    def deviation_types(self) -> Mapping[str, str]:
        return {}

    def grouping(self, mapping: bool | None) -> GroupFrame:
        def group(frame: pl.DataFrame) -> Mapping[str, pa.Array]:
            leaf = self.leaves(frame)
            none = len(self._groups) - 1
            codes = pa.array([*self.group_codes[:-1], None], pa.string())
            return {
                "status": pa.array(np.full(len(frame), int(GroupStatus.APART), np.uint8)),
                "reason": pa.array(np.full(len(frame), _APART, np.uint8)),
                "leaf": pa.array(np.where(leaf < 0, none, leaf).astype(np.int32)),
                "severity": pa.array(np.zeros(len(frame), np.uint8)),
                "maindiag_code": frame["diag_codes"].list.first().to_arrow(),
                "main_oprn_code": frame["oprn_codes"].list.first().to_arrow(),
                "dip_code": codes.take(pa.array(np.where(leaf < 0, none, leaf))),
            }

        return group

    def leaves(self, frame: pl.DataFrame) -> npt.NDArray[np.int64]:
        """The disease or category of every case, −1 = none."""
        if self.route.diseases:
            return self._diseases(frame)
        if not self.route.categories:
            return np.full(len(frame), _NO_LEAF, np.int64)
        asked = [
            pl.when(self.conditions.expression(category.when)).then(pl.lit(place))
            for place, category in enumerate(self.route.categories)
        ]
        found = frame.select(pl.coalesce([*asked, pl.lit(_NO_LEAF)]).cast(pl.Int64)).to_series()
        return np.asarray(found.to_numpy())

    def _diseases(self, frame: pl.DataFrame) -> npt.NDArray[np.int64]:
        """The first disease whose diagnosis and operation fit and that has a quota here, by the plain rule."""
        found = np.full(len(frame), _NO_LEAF, np.int64)
        principal = frame["diag_codes"].list.first().fill_null("").to_list()
        fitting = [self._by_diagnosis(code) for code in principal]
        rows = [row for row, fits in enumerate(fitting) if fits]
        if not rows:
            return found
        picked = frame[rows].select("fixmedins_code", "insutype", "oprn_codes")
        for row, (hospital, pool, operations) in zip(rows, picked.iter_rows(), strict=True):
            known = self.conditions.hospitals.get(hospital)
            for place in fitting[row] if known is not None else ():
                disease = self.route.diseases[place]
                assert known is not None
                priced = (disease.code, known.level, pool) in self.route.priced
                if priced and disease.takes([text for text in operations or () if text]):
                    found[row] = place
                    break
        return found

    def _by_diagnosis(self, code: str) -> tuple[int, ...]:
        if code not in self._found:
            self._found[code] = tuple(
                place
                for place, disease in enumerate(self.route.diseases)
                if code and any(pattern.holds(code) for pattern in disease.diagnosis)
            )
        return self._found[code]
