"""Codes as integers: vocabularies, and which lists each code lies in.

In: the lists an edition's tests use; out: `CodeTable` per kind of code (dx, op) and `TextTable` for text fields.
Codes that lie in the same lists share a class, and a class owns one row of bits, so the hot tables stay small:
a national edition has 33,000 diagnosis codes but about 400 classes. It knows nothing of the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grouper.batch import EMPTY, I32, I64
from grouper.tables import CodeList, DrgTables

WORD_BITS = 63
"""Bits a word carries: the sign bit stays free, so a masked word compares as a plain number."""
MAX_CLASSES = 2**16
MAX_TABLES = 2**16 - 1

CLASS_MASK, KNOWN_SHIFT = 0xFFFF, 16
"""An attribute: class in the low 16 bits, then one bit "is in the edition's code table", then for a diagnosis:"""
LEVEL_SHIFT, SITE_SHIFT, TABLE_SHIFT, PRINCIPAL_SHIFT = 17, 19, 24, 40
"""level (2 bits: 1 CC, 2 MCC), site (5 bits, 0 none), its exclusion table, that as a principal code (16 bits each)."""


@dataclass(frozen=True)
class BitSpace:
    """A bit for every distinct list that some tests use; lists with the same codes share one."""

    place: Mapping[int, tuple[int, int]]
    """list id → (word, mask); mask 0: the list is empty, nothing is ever in it."""
    members: tuple[frozenset[str], ...]
    """bit → codes."""

    @property
    def words(self) -> int:
        return -(-len(self.members) // WORD_BITS)


@dataclass(frozen=True)
class CodeTable:
    """One kind of code. A row of `rows` = words for tests on the principal code, then words for all other tests."""

    vocabulary: Mapping[str, int]
    attributes: I64
    rows: I64
    main: BitSpace
    every: BitSpace
    is_checked: bool
    """The edition ships a code table, so "not a code" can be said."""


@dataclass(frozen=True)
class TextTable:
    """Text fields: value ids per field, and the bits of the lists each value lies in."""

    vocabulary: Mapping[str, Mapping[str, int]]
    rows: I64
    """[base + 1 + value id, word]; the first row of a field is the missing value's."""
    bases: I32
    spaces: Mapping[str, BitSpace]


def bit_space(lists: Mapping[int, CodeList], used: Iterable[int]) -> BitSpace:
    """Give every distinct non-empty list a bit."""
    bits: dict[frozenset[str], int] = {}
    place: dict[int, tuple[int, int]] = {}
    for list_id in sorted(set(used)):
        codes = frozenset(lists[list_id].codes) - {""}
        if not codes:
            place[list_id] = (0, 0)
            continue
        bit = bits.setdefault(codes, len(bits))
        place[list_id] = (bit // WORD_BITS, 1 << (bit % WORD_BITS))
    return BitSpace(place, tuple(bits))


def vocabulary(codes: Iterable[str]) -> dict[str, int]:
    """Ids in the order of the codes; the blank code is always `EMPTY`."""
    found = {"": EMPTY}
    for code in sorted(set(codes) - {""}):
        found[code] = len(found)
    return found


def code_table(known: frozenset[str], others: Iterable[str], main: BitSpace, every: BitSpace) -> CodeTable:
    """Vocabulary, classes and rows of one kind of code."""
    listed = [code for space in (main, every) for codes in space.members for code in codes]
    ids = vocabulary([*known, *others, *listed])
    bits_of: dict[str, list[int]] = {}
    for bit, codes in enumerate([*main.members, *every.members]):
        for code in codes:
            bits_of.setdefault(code, []).append(bit)
    classes: dict[tuple[int, ...], int] = {(): 0}
    attributes = np.zeros(len(ids), np.int64)
    for code, code_id in ids.items():
        class_id = classes.setdefault(tuple(bits_of.get(code, ())), len(classes))
        attributes[code_id] = class_id | (int(code in known) << KNOWN_SHIFT)
    assert len(classes) <= MAX_CLASSES, f"{len(classes)} classes of codes; at most {MAX_CLASSES}"
    rows = np.zeros((len(classes), main.words + every.words), np.int64)
    for bits, class_id in classes.items():
        for bit in bits:
            in_main = bit < len(main.members)
            place = bit if in_main else bit - len(main.members)
            rows[class_id, place // WORD_BITS + (0 if in_main else main.words)] |= 1 << (place % WORD_BITS)
    return CodeTable(ids, attributes, rows, main, every, bool(known))


def add_complications(table: CodeTable, tables: DrgTables) -> CodeTable:
    """Pack level, exclusion tables and body site into the attributes of the diagnoses."""
    ids, packed = table.vocabulary, table.attributes
    numbers = sorted({*tables.exclusion_of.values(), *(number for _, number in tables.complications.values())})
    assert len(numbers) <= MAX_TABLES, f"{len(numbers)} exclusion tables; at most {MAX_TABLES}"
    dense = {number: index for index, number in enumerate(numbers, start=1)}
    for code, (level, number) in tables.complications.items():
        packed[ids[code]] |= ((2 if level == "MCC" else 1) << LEVEL_SHIFT) | (dense[number] << TABLE_SHIFT)
    for code, number in tables.exclusion_of.items():
        packed[ids[code]] |= dense[number] << PRINCIPAL_SHIFT
    sites = {site: index for index, site in enumerate(sorted(set(tables.sites.values())), start=1)}
    for code, site in tables.sites.items():
        packed[ids[code]] |= sites[site] << SITE_SHIFT
    packed[EMPTY] = 0
    return table


def text_table(tables: DrgTables, used: Mapping[str, Sequence[int]]) -> TextTable:
    """Value ids and rows of the text fields, in the order the edition declares them."""
    spaces = {name: bit_space(tables.lists, used.get(name, ())) for name in tables.text_fields}
    ids: dict[str, dict[str, int]] = {}
    words = max((space.words for space in spaces.values()), default=0)
    rows: list[list[int]] = []
    bases: list[int] = []
    for name, space in spaces.items():
        values = sorted({value for codes in space.members for value in codes})
        ids[name] = {value: index for index, value in enumerate(values)}
        bases.append(len(rows))
        for value in ("", *values):
            row = [0] * words
            for bit, codes in enumerate(space.members):
                if value in codes:
                    row[bit // WORD_BITS] |= 1 << (bit % WORD_BITS)
            rows.append(row)
    filled = np.array(rows, np.int64).reshape(len(rows), words)
    return TextTable(ids, filled, np.array(bases, np.int32), spaces)
