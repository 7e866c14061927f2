"""DIP groups of many records at once 「DIP批量分组」.

In: a compiled catalogue and records as code strings and numbers, or as a `Batch` of ids; out: `Out`, one row each.
Codes become ids through the catalogue's vocabularies, which grow as records bring new ones. Records with more
procedures than a machine word has bits are grouped by the plain walk. It pays nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from grouper.dip_compile import CompiledDip
from grouper.dip_kernel import group_records, outside
from grouper.dip_layout import (
    BASIC_COST_FACTOR,
    COST,
    COST_FACTOR,
    I32,
    I64,
    N_NUMBERS,
    NULL,
    NUMBERS,
    PLACES_MAX,
    Batch,
    Out,
)
from grouper.dip_reference import DipWalker
from grouper.dip_tables import DipCase
from grouper.sources import SOURCES

COST_MAX_FEN = 9 * 10**10
K_MAX_E6 = 10**10
"""Bounds inside which a reference cost stays exact in 128 bits."""
_checked = threading.Event()
_checking = threading.Lock()


def batch_of(compiled: CompiledDip, cases: Sequence[DipCase]) -> Batch:
    """Records as integers, for the kernel."""
    dx_id, op_id = compiled.dx.id_of, compiled.op.id_of
    numbers = np.empty((N_NUMBERS, len(cases)), np.int64)
    for row, name in enumerate(NUMBERS):
        values = [getattr(case, name) for case in cases]
        numbers[row] = [NULL if value is None else int(value) for value in values]
    return Batch(
        dx_offsets=_offsets([case.diagnoses for case in cases]),
        dx_ids=_ids(dx_id(code) for case in cases for code in case.diagnoses),
        op_offsets=_offsets([case.procedures for case in cases]),
        op_ids=_ids(op_id(code) for case in cases for code in case.procedures),
        numbers=numbers,
    )


def group_batch(compiled: CompiledDip, batch: Batch) -> Out:
    """The group of every record of the batch."""
    count = len(batch.dx_offsets) - 1
    _assert_batch(compiled, batch, count)
    if not _checked.is_set():
        _check_kernel(compiled, batch)
    out = Out(
        row=np.empty(count, np.int32),
        auxiliary=np.empty(count, np.int32),
        type=np.empty(count, np.int32),
        reason=np.empty(count, np.uint8),
        main=np.empty(count, np.int32),
    )
    _run(compiled, batch, count, out)
    crowded = np.flatnonzero(np.diff(batch.op_offsets) > PLACES_MAX)
    if len(crowded):
        _walk_crowded(compiled, batch, out, crowded.tolist())
    return out


def _run(compiled: CompiledDip, batch: Batch, count: int, out: Out) -> int:
    """Call the kernel for the first records; returns the digest of the sources it was compiled from."""
    inputs = [_read_only(array) for array in (compiled.table(), *batch)]
    return int(group_records(0, count, *inputs, compiled.scratch(), *out))


def _check_kernel(compiled: CompiledDip, batch: Batch) -> None:
    """Once per process: a kernel kept on disk from other sources is compiled anew before it answers anything."""
    with _checking:
        if _checked.is_set():
            return
        nothing = Out(*(np.empty(0, np.int32),) * 3, np.empty(0, np.uint8), np.empty(0, np.int32))
        if _run(compiled, batch, 0, nothing) != SOURCES:
            group_records.recompile()
            assert _run(compiled, batch, 0, nothing) == SOURCES, "the kernel could not be compiled anew"
        _checked.set()


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One type for the compiled kernel, whoever made the array: contiguous and not writeable."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _walk_crowded(compiled: CompiledDip, batch: Batch, out: Out, records: Sequence[int]) -> None:
    """Records with too many procedures for a mask, one by one."""
    walker = DipWalker(replace(compiled.source, dx_map={}, op_map={}))  # the ids are of mapped codes
    dx_codes, op_codes = list(compiled.dx.ids), list(compiled.op.ids)
    for i in records:
        dx = batch.dx_ids[batch.dx_offsets[i] : batch.dx_offsets[i + 1]]
        op = batch.op_ids[batch.op_offsets[i] : batch.op_offsets[i + 1]]
        found = batch.numbers[:, i].tolist()
        values: dict[str, Any] = dict.fromkeys(NUMBERS)
        values |= {NUMBERS[n]: None if found[n] == NULL else found[n] for n in compiled.asked}
        values["is_death"] = values["is_death"] == 1
        codes = tuple(dx_codes[n] for n in dx), tuple(op_codes[n] for n in op)
        outcome = walker.walk(DipCase(str(i), *codes, **values))
        out.row[i] = -1 if outcome.group is None else outcome.group.row
        out.auxiliary[i] = -1 if outcome.auxiliary is None else outcome.auxiliary.row
        out.type[i] = -1 if outcome.type is None else int(outcome.type)
        out.reason[i] = int(outcome.reason)
        out.main[i] = -1 if outcome.main is None else codes[1].index(outcome.main)


def _assert_batch(compiled: CompiledDip, batch: Batch, count: int) -> None:
    """The kernel follows these numbers without looking: all must lie inside their tables."""
    for name, offsets, ids, size in (
        ("diagnosis", batch.dx_offsets, batch.dx_ids, len(compiled.dx)),
        ("procedure", batch.op_offsets, batch.op_ids, len(compiled.op)),
    ):
        assert offsets.dtype == np.int64 and ids.dtype == np.int32, f"{name} offsets are int64, ids int32"
        assert len(offsets) == count + 1 and offsets[0] >= 0 and offsets[-1] <= len(ids), f"{name} offsets"
        assert bool(np.all(offsets[1:] >= offsets[:-1])), f"{name} offsets must not fall"
        assert len(ids) == 0 or (ids.min() >= 0 and ids.max() < size), f"{name} ids must come from the vocabulary"
    assert batch.numbers.shape == (N_NUMBERS, count) and batch.numbers.dtype == np.int64, "numbers: int64 [NUMBERS, n]"
    for row, limit in ((COST, COST_MAX_FEN), (COST_FACTOR, K_MAX_E6), (BASIC_COST_FACTOR, K_MAX_E6)):
        if row in compiled.asked:
            assert not outside(batch.numbers[row], limit), f"{NUMBERS[row]} lies in 0..{limit}"


def _offsets(codes: Sequence[Sequence[str]]) -> I64:
    return np.cumsum([0, *map(len, codes)], dtype=np.int64)


def _ids(numbers: Iterable[int]) -> I32:
    return np.fromiter(numbers, np.int32)
