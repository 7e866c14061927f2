"""Many records as integers: what the kernel reads and what it answers.

In: code ids of a `CompiledDrg` (see `lookup_dx`, `lookup_op`, `text_vocab`), numbers as int32; out: one row per record.
Ragged columns are offsets plus ids; numbers and texts are one row per field. It holds no strings and owns no rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

I32: TypeAlias = npt.NDArray[np.int32]
I64: TypeAlias = npt.NDArray[np.int64]
U8: TypeAlias = npt.NDArray[np.uint8]

EMPTY = 0
"""Id of the blank code in every code vocabulary: a slot that holds nothing."""
UNKNOWN = -1
"""A code the edition knows nothing about: it lies in no list."""
UNMAPPED = -2
"""Code mapping is on and the code is no source of the map: the record fails."""
DROPPED = -3
"""The map's target is `-`: a secondary code is dropped, a principal one fails the record."""
NO_TEXT = -1


@dataclass(frozen=True)
class CaseBatch:
    """n records. Principal codes stand first in their record; `mapped` = the ids went through the code map."""

    dx_offsets: I64
    dx_ids: I32
    op_offsets: I64
    op_ids: I32
    numeric: Sequence[I32] | I32
    """A number a record for every field of `CompiledDrg.numeric_names`; NULL_I32 = null."""
    text: Sequence[I32] | I32
    """As `numeric`, for every field of `CompiledDrg.text_names`; −1 = none or a value no rule names."""
    mapped: bool = False

    def __post_init__(self) -> None:
        for offsets, ids in ((self.dx_offsets, self.dx_ids), (self.op_offsets, self.op_ids)):
            assert offsets.dtype == np.int64 and ids.dtype == np.int32, "offsets are int64, ids int32"
            assert offsets.ndim == 1 and ids.ndim == 1 and len(offsets) > 0, "offsets have one entry more than records"
            assert offsets[0] >= 0 and offsets[-1] <= len(ids), "offsets point outside the ids"
            assert bool(np.all(offsets[1:] >= offsets[:-1])), "offsets must not fall"
        assert len(self.op_offsets) == len(self.dx_offsets), "diagnoses and procedures disagree on the record count"
        for field in (*self.numeric, *self.text):
            assert field.dtype == np.int32 and field.ndim == 1, "fields are int32, one value a record"
            assert len(field) == len(self), "fields and codes disagree on the record count"

    def __len__(self) -> int:
        return len(self.dx_offsets) - 1


@dataclass(frozen=True)
class GroupedBatch:
    """The answers, row by row as in the batch."""

    status: U8
    """GroupStatus."""
    reason: U8
    """GroupReason."""
    leaf: I32
    """Index into the leaf tables of `CompiledDrg`; −1 = no group."""
    severity: U8
    """0 none, 1 CC, 2 MCC."""
    dx_mark: U8
    """Per entry of `dx_ids`: 0 none, 1 CC counted, 2 MCC counted, 3 excluded."""
    op_used: I32
    """Which procedure of the record acted as the principal one: above 0 only after a retry; −1 none."""
