"""A DRG edition in the flow: encode, group, and say what an answer is called 「DRG分组方案」.

In: a `Pack`; frames of accepted cases. Out: casebook columns. Codes stand in them as the rules saw them: after the code
map where mapping is on. It decides nothing: the kernel does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from engine.cases.encode import Encoder
from engine.edition import RESULT_COLUMNS, GroupFrame
from engine.execute.texts import TextLists
from engine.packs.load import Pack
from engine.packs.meta import PackMeta
from engine.stamps import Stamps
from engine.used_codes import UsedCodes
from grouper.drg import group_batch
from grouper.facts import MARK_CC, MARK_EXCLUDED, MARK_MCC
from grouper.reason import TEXT_ZH, GroupReason
from grouper.tables import NumericField


@dataclass(frozen=True)
class DrgEdition:
    """See `engine.edition.Edition`."""

    pack: Pack
    kind: str = "drg"
    stamps: Stamps | None = field(default=None, compare=False)

    @property
    def meta(self) -> PackMeta:
        return self.pack.meta

    def with_meta(self, meta: PackMeta) -> DrgEdition:
        return replace(self, pack=replace(self.pack, meta=meta))

    @property
    def fingerprint(self) -> str:
        return self.pack.fingerprint

    @property
    def folder(self) -> Path:
        return self.pack.path

    @property
    def profile(self) -> str:
        return self.pack.tables.options.validation_profile

    @property
    def numbers(self) -> tuple[NumericField, ...]:
        return self.pack.tables.numeric

    @property
    def group_codes(self) -> tuple[str, ...]:
        return self.pack.compiled().leaf_code

    @property
    def ambiguous_codes(self) -> frozenset[str]:
        compiled = self.pack.compiled()
        return frozenset(
            code for code, adrg in zip(compiled.leaf_code, compiled.leaf_adrg, strict=True) if adrg == "QY"
        )

    def answers(self) -> Sequence[Mapping[str, str | None]]:
        """Every leaf, then failed, then invalid."""
        compiled, names, options = self.pack.compiled(), self.pack.names, self.pack.tables.options
        found: list[tuple[str | None, ...]] = []
        for mdc, adrg, drg in zip(compiled.leaf_mdc, compiled.leaf_adrg, compiled.leaf_code, strict=True):
            ambiguous = "歧义组" if adrg == "QY" else None
            adrg_name, drg_name = names.adrg.get(adrg, ambiguous), names.drg.get(drg, ambiguous)
            found.append((mdc, names.mdc.get(mdc), adrg, adrg_name, drg, drg_name))
        bad_mdc, bad_adrg, bad_drg = options.failed_check_codes
        found.append(("0000", None, "00", None, options.ungrouped_code, None))
        found.append((bad_mdc, None, bad_adrg, None, bad_drg, None))
        return [dict(zip(RESULT_COLUMNS[:6], row, strict=True)) for row in found]

    def reason_text(self, reason: int) -> tuple[str, str]:
        return str(reason), TEXT_ZH[GroupReason(reason)]

    def deviation_types(self) -> Mapping[str, str]:
        return {}

    def grouping(self, mapping: bool | None) -> GroupFrame:
        encoder = Encoder(self.pack.compiled(), self.pack.tables, mapping)
        dx_map: Mapping[str, str] = encoder.tables.dx_map if encoder.mapping else {}
        op_map: Mapping[str, str] = encoder.tables.op_map if encoder.mapping else {}
        dx_used, op_used = UsedCodes(dx_map), UsedCodes(op_map)

        def group(frame: pl.DataFrame) -> Mapping[str, pa.Array]:
            dx, op = encoder.dx.lists(frame["diag_codes"]), encoder.op.lists(frame["oprn_codes"])
            answer = group_batch(encoder.compiled, encoder.encode_codes(frame, dx, op))
            shown, rank = dx_used.of(dx.words), dx_used.rank()
            dx = TextLists(dx.offsets, shown[dx.ids], dx.words)
            return {
                "status": pa.array(answer.status),
                "reason": pa.array(answer.reason),
                "leaf": pa.array(answer.leaf),
                "severity": pa.array(answer.severity),
                "maindiag_code": dx_used.array(dx.at(np.zeros(len(frame), np.int64), dx_used.blank)),
                "main_oprn_code": op_used.code_at(op, np.maximum(answer.op_used, 0)),
                "mcc_diag_codes": dx.marked(answer.dx_mark, MARK_CC, MARK_MCC, rank, dx_used.texts),
                "excl_diag_codes": dx.marked(answer.dx_mark, MARK_EXCLUDED, MARK_EXCLUDED, rank, dx_used.texts),
            }

        return group
