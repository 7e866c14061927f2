"""The state vector of a record: what its tests read.

In: columns of numbers and texts, ids of codes with what is packed of them; out: written into slots of the state.
`fill_state` is for records of which a test asks more than what the principal codes say. Nothing here checks bounds or
evaluates a test.
"""

from __future__ import annotations

from grouper.batch import DROPPED, EMPTY, I32, I64
from grouper.codes import CLASS_MASK
from grouper.jit import inlined, kernel, u
from grouper.places import (
    DX_EVERY_WORDS,
    DX_MAIN,
    DX_MAIN_WORDS,
    DX_OTHER,
    N_NUMBERS,
    NUMBERS,
    OP_EVERY_WORDS,
    OP_MAIN,
    OP_MAIN_WORDS,
    OP_OTHER,
    TEXT_WORDS,
    TEXTS,
    WEIGHT,
    ZERO_WEIGHT_IS_NULL,
)
from grouper.tables import NULL_I32
from grouper.words import address, ids_at, words_at

COUNT_SIZE = 6


@inlined
def load_numbers(
    first: int,
    count: int,
    numeric: I64,
    text: I64,
    text_rows: I64,
    text_bases: I32,
    places: I64,
    slots: int,
    states: I64,
) -> None:
    """Numbers and the bits of the text values of some records, field by field, into state vectors side by side."""
    start = places[NUMBERS]
    for field in range(len(numeric)):
        values, at = ids_at(numeric[u(field)] + 4 * first), start + field
        for record in range(count):
            states[u(at)] = values[u(record)]
            at += slots
    if places[ZERO_WEIGHT_IS_NULL]:
        for record in range(count):
            at = record * slots + places[WEIGHT]
            if states[u(at)] == 0:
                states[u(at)] = NULL_I32
    words = places[TEXT_WORDS]
    for field in range(len(text_bases) if words else 0):
        values, base = ids_at(text[u(field)] + 4 * first), text_bases[u(field)] + 1
        for word in range(words):
            at = places[TEXTS] + field * words + word
            for record in range(count):
                states[u(at)] = text_rows[u((base + values[u(record)]) * words + word)]
                at += slots


@kernel
def fill_codes(
    is_dx: int, first: int, end: int, ids_from: int, packed_from: int, rows_from: int,
    main: int, main_words: int, other: int, words: int, found_slot: int, counts: int, counts_end: int, states: int,
) -> None:  # fmt: skip
    """Lists met by the principal code, by others and by any, how many codes there are, and how many lie in each list
    that some test counts; a code written twice counts twice. Arrays come as addresses: they are scalars.
    """
    ids, packed, rows, state = ids_at(ids_from), words_at(packed_from), words_at(rows_from), words_at(states)
    width = main_words + words
    code = ids[u(first)] if first < end else EMPTY
    row = (packed[u(code - DROPPED)] & CLASS_MASK) * width
    for word in range(main_words):
        state[u(main + word)] = rows[u(row + word)]
    for word in range(words):
        state[u(other + word)] = 0
        state[u(other + words + word)] = rows[u(row + main_words + word)]
    # A principal code that the map drops is one all the same.
    found = int(code != EMPTY)
    for at in range(first + 1, end):
        code = ids[u(at)]
        found += int((code != EMPTY) & (code != DROPPED))
        row = (packed[u(code - DROPPED)] & CLASS_MASK) * width + main_words
        for word in range(words if row != main_words else 0):
            met = rows[u(row + word)]
            state[u(other + word)] |= met
            state[u(other + words + word)] |= met
    state[u(found_slot)] = found
    while counts < counts_end:
        count = words_at(counts)
        counts += 8 * COUNT_SIZE
        if count[u(1)] == is_dx:
            last = end if count[u(3)] < 0 else min(end, first + count[u(3)])
            total = 0
            for at in range(first + count[u(2)], last):
                row = (packed[u(ids[u(at)] - DROPPED)] & CLASS_MASK) * width
                total += int((rows[u(row + count[u(4)])] & count[u(5)]) != 0)
            state[u(count[u(0)])] = total


@inlined
def fill_state(
    dx_first: int, dx_end: int, dx_ids: I32, dx_packed: I64, dx_rows: I64,
    op_first: int, op_end: int, op_ids: I32, op_packed: I64, op_rows: I64, counts: I64, places: I64, state: int,
) -> None:  # fmt: skip
    """All that codes say, but for levels of complications and sites."""
    found, start = places[NUMBERS] + places[N_NUMBERS], address(counts)
    fill_codes(
        1, dx_first, dx_end, address(dx_ids), address(dx_packed), address(dx_rows), places[DX_MAIN],
        places[DX_MAIN_WORDS], places[DX_OTHER], places[DX_EVERY_WORDS], found, start, start + 8 * len(counts), state,
    )  # fmt: skip
    fill_codes(
        0, op_first, op_end, address(op_ids), address(op_packed), address(op_rows), places[OP_MAIN],
        places[OP_MAIN_WORDS], places[OP_OTHER], places[OP_EVERY_WORDS], found + 1, start,
        start + 8 * len(counts), state,
    )  # fmt: skip
