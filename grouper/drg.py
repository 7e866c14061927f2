"""The DRG kernel: a batch of records × a compiled edition → group and reason of each.

In: `CompiledDrg` and `CaseBatch` (ids and numbers); out: `GroupedBatch`. Work per record is bounded by the rules and
its own codes. It says exactly what `reference.walk` says; the loops stand in `kernel`.
It knows no strings, and nothing passes from one record to the next.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from grouper.batch import DROPPED, NO_TEXT, UNKNOWN, CaseBatch, GroupedBatch
from grouper.compile import CompiledDrg
from grouper.kernel import AT_ONCE, group_records
from grouper.places import places
from grouper.sources import SOURCES

_checked = threading.Event()
_checking = threading.Lock()


def group_batch(compiled: CompiledDrg, batch: CaseBatch, marks: bool = True) -> GroupedBatch:
    """Group every record of the batch. Threads may call it at the same time: the kernel releases the GIL.

    Without `marks` the answer says nothing of single diagnoses.
    """
    _assert_ids(compiled, batch)
    if not _checked.is_set():
        _check_kernel(compiled, batch)
    out = _answers(batch, marks)
    _run(compiled, batch, out)
    return out


def _answers(batch: CaseBatch, marks: bool) -> GroupedBatch:
    return GroupedBatch(
        status=np.empty(len(batch), np.uint8),
        reason=np.empty(len(batch), np.uint8),
        leaf=np.empty(len(batch), np.int32),
        severity=np.empty(len(batch), np.uint8),
        dx_mark=np.zeros(len(batch.dx_ids) if marks else 0, np.uint8),
        op_used=np.empty(len(batch), np.int32),
    )


def _run(compiled: CompiledDrg, batch: CaseBatch, out: GroupedBatch) -> int:
    """Call the kernel; returns the digest of the sources it was compiled from."""
    fields = [[np.ascontiguousarray(field) for field in each] for each in (batch.numeric, batch.text)]
    numeric, text = (np.array([field.ctypes.data for field in each], np.int64) for each in fields)
    return int(
        group_records(
            _read_only(batch.dx_offsets), _read_only(batch.dx_ids),
            _read_only(batch.op_offsets), _read_only(batch.op_ids), numeric, text,
            compiled.dx_packed, _flat(compiled.dx.rows), compiled.op_packed, _flat(compiled.op.rows),
            _flat(compiled.texts.rows), compiled.texts.bases, compiled.gates,
            compiled.condition_first, compiled.clause_first, _flat(compiled.atoms), compiled.atom_kind,
            _flat(compiled.counts), _flat(compiled.dx_candidates), _flat(compiled.op_candidates),
            _flat(compiled.dx_mdcs), compiled.plan, compiled.nodes,
            places(compiled, is_mapped=batch.mapped), np.zeros(compiled.slots * AT_ONCE, np.int64),
            out.status, out.reason, out.leaf, out.severity, out.dx_mark, out.op_used, compiled.leaf_is_qy,
        )
    )  # fmt: skip


def _check_kernel(compiled: CompiledDrg, batch: CaseBatch) -> None:
    """Once per process: a kernel kept on disk from other sources is compiled anew before it answers anything."""
    with _checking:
        if _checked.is_set():
            return
        nothing = CaseBatch(
            batch.dx_offsets[:1], batch.dx_ids, batch.op_offsets[:1], batch.op_ids,
            [field[:0] for field in batch.numeric], [field[:0] for field in batch.text], batch.mapped,
        )  # fmt: skip
        if _run(compiled, nothing, _answers(nothing, False)) != SOURCES:
            group_records.recompile()
            assert _run(compiled, nothing, _answers(nothing, False)) == SOURCES, "the kernel could not be compiled anew"
        _checked.set()


def _assert_ids(compiled: CompiledDrg, batch: CaseBatch) -> None:
    """The kernel follows these ids without looking: all must lie inside the edition's tables."""
    lowest = DROPPED if batch.mapped else UNKNOWN
    for name, ids, size in (
        ("diagnosis", batch.dx_ids, len(compiled.dx_vocab)),
        ("procedure", batch.op_ids, len(compiled.op_vocab)),
    ):
        if len(ids):
            assert lowest <= ids.min() and ids.max() < size, f"{name} ids must lie in {lowest}..{size - 1}"
    assert len(batch.numeric) == len(compiled.numeric_names), f"numeric rows are {compiled.numeric_names}"
    assert len(batch.text) == len(compiled.text_names), f"text rows are {compiled.text_names}"
    for name, values in zip(compiled.text_names, batch.text, strict=True):
        size = len(compiled.text_vocab[name])
        if len(values):
            assert values.min() >= NO_TEXT and values.max() < size, f"{name} ids must lie in {NO_TEXT}..{size - 1}"


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One type for the compiled kernel, whoever made the array: contiguous and not writeable."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _flat(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return _read_only(array).reshape(-1)
