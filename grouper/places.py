"""The single numbers the kernel needs beside its arrays: slots, widths and options, in one vector.

In: a `CompiledDrg`; out: int64 vector, indexed by the constants below. Passing one array is cheaper than 25 arguments.
"""

from __future__ import annotations

import numpy as np

from grouper.batch import I64
from grouper.compile import CompiledDrg

(
    DX_MAIN,
    DX_OTHER,
    OP_MAIN,
    OP_OTHER,
    TEXTS,
    NUMBERS,
    DX_MAIN_WORDS,
    DX_EVERY_WORDS,
    OP_MAIN_WORDS,
    OP_EVERY_WORDS,
    TEXT_WORDS,
    N_NUMBERS,
    GENDER,
    AGE_YEARS,
    AGE_DAYS,
    WEIGHT,
    VALID_SLOT,
    VALID_MASK,
    DX_IS_CHECKED,
    OP_IS_CHECKED,
    RETRIES,
    ZERO_WEIGHT_IS_NULL,
    IS_MAPPED,
    OPEN_WORDS,
    DX_KNOWN,
    OP_KNOWN,
) = range(26)


def places(compiled: CompiledDrg, is_mapped: bool) -> I64:
    """The vector of an edition; slots of the four checked numbers are slots of the state."""
    layout, slot_of = compiled.layout, compiled.layout.slot_of
    values = {
        DX_MAIN: layout.dx_main,
        DX_OTHER: layout.dx_other,
        OP_MAIN: layout.op_main,
        OP_OTHER: layout.op_other,
        TEXTS: layout.texts,
        NUMBERS: layout.numbers,
        DX_MAIN_WORDS: layout.dx_main_words,
        DX_EVERY_WORDS: layout.dx_every_words,
        OP_MAIN_WORDS: layout.op_main_words,
        OP_EVERY_WORDS: layout.op_every_words,
        TEXT_WORDS: layout.text_words,
        N_NUMBERS: len(compiled.numeric_names),
        GENDER: slot_of["gender"],
        AGE_YEARS: slot_of["age_years"],
        AGE_DAYS: slot_of["age_days"],
        WEIGHT: slot_of["birth_weight_g"],
        VALID_SLOT: compiled.valid_operations[0],
        VALID_MASK: compiled.valid_operations[1],
        DX_IS_CHECKED: int(compiled.dx.is_checked),
        OP_IS_CHECKED: int(compiled.op.is_checked),
        RETRIES: int(compiled.options.retry_with_each_secondary_op_when_ungrouped),
        ZERO_WEIGHT_IS_NULL: int(compiled.options.zero_weight_is_missing),
        IS_MAPPED: int(is_mapped),
        OPEN_WORDS: compiled.dx_candidates.shape[1],
        DX_KNOWN: len(compiled.dx.rows),
        OP_KNOWN: len(compiled.op.rows),
    }
    return np.array([values[place] for place in range(len(values))], np.int64)
