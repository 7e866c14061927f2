"""The state vector of a record: what its tests read.

In: columns of numbers and texts, ids of codes with what is packed of them; out: written into slots of the state.
`fill_diagnoses` and `fill_procedures` are called only for records of which a test asks more than what the principal codes
say. Nothing here checks bounds or evaluates a test.
"""

from __future__ import annotations

import numpy as np

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
from grouper.words import ids_at

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


@inlined
def add_codes(
    first: int, end: int, ids: I32, packed: I64, rows: I64, main_words: int, words: int, main: int, other: int, state: I64
) -> int:
    """Bits of the lists met by the principal code, by the others and by any; returns how many codes there are."""
    width, found = main_words + words, 0
    code = ids[u(first)] if first < end else EMPTY
    row = (packed[u(code - DROPPED)] & CLASS_MASK) * width
    for word in range(main_words):
        state[u(main + word)] = rows[u(row + word)]
    for word in range(words):
        state[u(other + word)] = 0
        state[u(other + words + word)] = rows[u(row + main_words + word)]
    for at in range(first, end):
        code = ids[u(at)]
        # What the map drops is no code, but for the principal one, which stands for what was written.
        found += code != EMPTY and (code != DROPPED or at == first)
        if code > EMPTY and at != first:
            row = (packed[u(code - DROPPED)] & CLASS_MASK) * width + main_words
            for word in range(words):
                state[u(other + word)] |= rows[u(row + word)]
    for word in range(words):
        state[u(other + words + word)] |= state[u(other + word)]
    return found


@inlined
def count_listed(
    is_dx: int, first: int, end: int, ids: I32, packed: I64, rows: I64, width: int, counts: I64, state: I64
) -> None:
    """How many codes lie in each list that some test counts; a code written twice counts twice."""
    for count in range(0, len(counts), COUNT_SIZE):
        if counts[u(count + 1)] != is_dx:
            continue
        last = end if counts[u(count + 3)] < 0 else min(end, first + counts[u(count + 3)])
        column, mask, total = counts[u(count + 4)], counts[u(count + 5)], 0
        for at in range(first + counts[u(count + 2)], last):
            code = ids[u(at)]
            if code > EMPTY and rows[u((packed[u(code - DROPPED)] & CLASS_MASK) * width + column)] & mask:
                total += 1
        state[u(counts[u(count)])] = total


@kernel
def fill_diagnoses(
    first: int, end: int, ids: I32, packed: I64, rows: I64, counts: I64, places: I64, state: I64
) -> None:
    """All that diagnoses say, but for levels of complications and sites."""
    main_words, words, derived = places[DX_MAIN_WORDS], places[DX_EVERY_WORDS], places[NUMBERS] + places[N_NUMBERS]
    state[u(derived)] = add_codes(
        first, end, ids, packed, rows, main_words, words, places[DX_MAIN], places[DX_OTHER], state
    )
    count_listed(1, first, end, ids, packed, rows, main_words + words, counts, state)


@kernel
def fill_procedures(
    first: int, end: int, ids: I32, packed: I64, rows: I64, counts: I64, places: I64, state: I64
) -> None:
    """All that procedures say."""
    main_words, words = places[OP_MAIN_WORDS], places[OP_EVERY_WORDS]
    state[u(places[NUMBERS] + places[N_NUMBERS] + 1)] = add_codes(
        first, end, ids, packed, rows, main_words, words, places[OP_MAIN], places[OP_OTHER], state
    )
    count_listed(0, first, end, ids, packed, rows, main_words + words, counts, state)
