"""A DRG edition in the flow: encode, group, and say what an answer is called 「DRG分组方案」.

In: a `Pack`; frames of accepted cases. Out: casebook columns. Codes stand in them as the rules saw them: after the code
map where mapping is on. It decides nothing: the kernel does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from engine.cases.encode import Encoder
from engine.edition import RESULT_COLUMNS, GroupFrame
from engine.packs.load import Pack
from engine.packs.meta import PackMeta
from grouper.batch import GroupedBatch
from grouper.drg import group_batch
from grouper.reason import TEXT_ZH, GroupReason
from grouper.tables import NumericField

I64 = npt.NDArray[np.int64]
_COUNTED, _EXCLUDED = (1, 2), (3,)


@dataclass(frozen=True)
class DrgEdition:
    """See `engine.edition.Edition`."""

    pack: Pack
    kind: str = "drg"

    @property
    def meta(self) -> PackMeta:
        return self.pack.meta

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

        def group(frame: pl.DataFrame) -> Mapping[str, pa.Array]:
            batch = encoder.encode(frame)
            answer = group_batch(encoder.compiled, batch)
            dx, op = used_codes(frame["diag_codes"], dx_map), used_codes(frame["oprn_codes"], op_map)
            return {
                "status": pa.array(answer.status),
                "reason": pa.array(answer.reason),
                "leaf": pa.array(answer.leaf),
                "severity": pa.array(answer.severity),
                "maindiag_code": code_at(dx, batch.dx_offsets, np.zeros(len(frame), np.int64)),
                "main_oprn_code": code_at(op, batch.op_offsets, np.maximum(answer.op_used, 0)),
                "mcc_diag_codes": _marked(dx, batch.dx_offsets, answer, _COUNTED),
                "excl_diag_codes": _marked(dx, batch.dx_offsets, answer, _EXCLUDED),
            }

        return group


def used_codes(lists: pl.Series, code_map: Mapping[str, str]) -> pa.Array:
    """Every code as the rules saw it, slot for slot, as one dictionary array."""
    arrow = lists.to_arrow()
    if isinstance(arrow, pa.ChunkedArray):
        arrow = arrow.combine_chunks()
    codes = arrow.flatten().cast(pa.string()).dictionary_encode()
    if not code_map:
        return codes
    words = [code_map.get(word, word) if word else word for word in codes.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(codes.indices, pa.array(words, pa.string()))


def code_at(codes: pa.Array, offsets: I64, place: npt.NDArray[np.integer]) -> pa.Array:
    """The code at `place` of every case; none where the case has none, or where the slot is blank."""
    where = offsets[:-1] + place
    found = pa.array(where, mask=where >= offsets[1:])
    taken = codes.take(found).cast(pa.string())
    return pc.if_else(pc.equal(taken, ""), pa.scalar(None, pa.string()), taken)


def _marked(codes: pa.Array, offsets: I64, answer: GroupedBatch, marks: tuple[int, ...]) -> pa.Array:
    """Per case the distinct codes with one of these marks, ascending: their order in the record has no meaning."""
    slots = np.flatnonzero(np.isin(answer.dx_mark, marks))
    case = np.searchsorted(offsets, slots, side="right") - 1
    words = pl.Series("code", codes.take(pa.array(slots)).cast(pa.string()))
    pairs = pl.DataFrame([pl.Series("case", case), words]).unique().sort(["case", "code"])
    lengths = np.bincount(pairs["case"].to_numpy(), minlength=len(offsets) - 1)
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(bounds), pairs["code"].to_arrow().cast(pa.string()))
