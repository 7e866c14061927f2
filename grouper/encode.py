"""Single records as a batch: the slow, obvious encoder for tests, small requests and examples.

In: a compiled edition and `Case` records; out: `CaseBatch`. Large files go through the engine's columnar encoder.
It repairs nothing: codes are looked up verbatim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from grouper.batch import I32, I64, NO_TEXT, UNKNOWN, UNMAPPED, CaseBatch
from grouper.check import MAX_I32
from grouper.compile import CompiledDrg
from grouper.tables import NULL_I32, Case


def encode_cases(compiled: CompiledDrg, cases: Sequence[Case], mapped: bool | None = None) -> CaseBatch:
    """Records as ids and numbers; `mapped` None = as the edition's own option says."""
    mapping = compiled.options.code_mapping if mapped is None else mapped
    missing = UNMAPPED if mapping else UNKNOWN
    dx_offsets, dx_ids = _ragged([case.diagnoses for case in cases], compiled.lookup_dx(mapping), missing)
    op_offsets, op_ids = _ragged([case.procedures for case in cases], compiled.lookup_op(mapping), missing)
    numeric = [[_number(case.numeric.get(name), name) for case in cases] for name in compiled.numeric_names]
    text = [
        [compiled.text_vocab[name].get(case.text.get(name) or "", NO_TEXT) for case in cases]
        for name in compiled.text_names
    ]
    return CaseBatch(
        dx_offsets,
        dx_ids,
        op_offsets,
        op_ids,
        np.array(numeric, np.int32).reshape(len(numeric), len(cases)),
        np.array(text, np.int32).reshape(len(text), len(cases)),
        mapping,
    )


def _ragged(lists: Sequence[Sequence[str]], lookup: Mapping[str, int], missing: int) -> tuple[I64, I32]:
    offsets = [0, *accumulate(len(codes) for codes in lists)]
    ids = [lookup.get(code, missing) for codes in lists for code in codes]
    return np.array(offsets, np.int64), np.array(ids, np.int32)


def _number(value: int | None, name: str) -> int:
    if value is None:
        return NULL_I32
    if not NULL_I32 < value <= MAX_I32:
        raise ValueError(f"{name} = {value} does not fit 32 bits")
    return value
