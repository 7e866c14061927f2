"""Diagnosis codes as numbers the DIP kernel can follow 「诊断编码字典」.

In: DipTables, the row index, the diagnosis cells rules test; out: an id per distinct code, and by id what the rules
know of it: which rows it finds as principal, which cells name it, what it counts for as another diagnosis.
Catalogue keys are prefixes and ranges, so any code a record brings gets an id the first time it is seen.
The pack's code map is applied here. It looks at no record.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from threading import RLock
from typing import Any, TypeVar

import numpy as np

from grouper.dip_expression import DiagnosisExpr
from grouper.dip_layout import BY_LEVEL, DX_FIELDS, DX_SIZE, I64, TOP_LEVEL, WORD_BITS
from grouper.dip_normalise import is_excluded_diagnosis
from grouper.dip_search import RowIndex
from grouper.dip_tables import CHAIN_SOURCES, FLAT_SOURCES, DipTables, Group, ProcedureType
from grouper.dip_terms import in_diagnoses, keys

Value = TypeVar("Value")
LEVELS = ("cc", "mcc", "moderate", "severe")
DIAGNOSIS_SOURCES = (*FLAT_SOURCES, *CHAIN_SOURCES[1:])
"""Sources whose rows are found by diagnosis key; pre-groups are tried one by one."""


class DxVocabulary:
    """Ids of diagnosis codes; grows as records bring new ones, from several threads if need be."""

    def __init__(
        self, tables: DipTables, index: RowIndex, cells: Sequence[DiagnosisExpr], filters: Sequence[int | None]
    ) -> None:
        self.tables, self.index, self.cells = tables, index, cells
        self._filters = filters
        self.ids: dict[str, int] = {}
        self.lock = RLock()
        self.words = (len(cells) + WORD_BITS - 1) // WORD_BITS
        self.layers = [layer.name for layer in tables.layers if layer.source in DIAGNOSIS_SOURCES]
        self.type_layers = [layer.name for layer in tables.layers if layer.source == "comprehensive"]
        self.letter_layers = [layer.name for layer in tables.layers if layer.source == "fallback"]
        self.cci_classes = {name: n for n, name in enumerate(sorted({c for c, _ in tables.cci_weights.values()}))}
        self._exclusions = _numbered(e.exclusion for entries in tables.complications.values() for e in entries)
        self._prefixes = _numbered(e.include_prefix for entries in tables.complications.values() for e in entries)
        self._prefix_lengths = sorted({len(prefix) for prefix in self._prefixes})
        self._lists_of: dict[str, list[int]] = {}
        for name, number in self._exclusions.items():
            for code in tables.code_lists[name]:
                self._lists_of.setdefault(code, []).append(number)
        self._records: list[list[int]] = []
        self._bits: list[list[int]] = []
        self._complications: list[tuple[int, int, int]] = []
        self._lists: list[int] = []
        self._prefix_hits: list[int] = []
        self._key_rows: list[tuple[int, int]] = []
        self._key_spans: dict[tuple[int, ...], tuple[int, int, int, int]] = {}
        self._places: dict[tuple[object, ...], int] = {}
        self._spans, self._span_rows = [0], list[tuple[int, int, int, int]]()
        self._types_of: dict[tuple[str, tuple[int, ...]], int] = {}
        self._by_type: list[list[int]] = []
        self._ranges = [
            (key, term.lo, term.hi, group.row)
            for key, groups in index.by_range.items()
            for group in groups
            for term in group.diagnosis.terms
            if term.kind == "range"
        ]
        self._bounds: dict[int, list[str]] = {
            size: sorted({bound for _, *bounds, _ in self._ranges for bound in bounds if len(bound) == size})
            for size in sorted({len(lo) for _, lo, _, _ in self._ranges})
        }
        self._rows_between: dict[tuple[int, ...], dict[tuple[str, ProcedureType], int]] = {}
        self._letters_of: dict[str, int] = {}
        self._letters: list[list[int]] = []
        self._categories: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the lock, which belongs to its process."""
        return {name: value for name, value in vars(self).items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.lock = RLock()

    def id_of(self, code: str) -> int:
        """The id of a code as records write it, mapped by the pack's code map."""
        code = self.tables.dx_map.get(code, code)
        found = self.ids.get(code)
        if found is not None:
            return found
        with self.lock:
            return self.ids[code] if code in self.ids else self._add(code)

    def sections(self) -> dict[str, I64]:
        """The sections of T for the codes seen so far."""
        return {
            "dx": np.array(self._records, np.int64),
            "dx_bits": np.array(self._bits, np.int64),
            "complications": np.array(self._complications, np.int64),
            "lists": np.array(self._lists, np.int64),
            "prefixes": np.array(self._prefix_hits, np.int64),
            "spans": np.array(self._spans, np.int64),
            "span_rows": np.array(self._span_rows, np.int64),
            "key_rows": np.array(self._key_rows, np.int64),
            "by_type": np.array(self._by_type, np.int64),
            "letters": np.array(self._letters, np.int64),
        }

    def _add(self, code: str) -> int:
        """A new id; the record's fields stand in the order of DX_PLACE … DX_CATEGORY."""
        tables = self.tables
        number = len(self._records)
        category = self._categories.setdefault(code[:3], len(self._categories))
        malignant = tables.auxiliary_policy.malignant
        is_malignant = malignant is not None and in_diagnoses(tables, malignant, code)
        disease, weight = tables.cci_weights.get(code, ("", 0))
        prefixes = [self._prefixes[code[:n]] for n in self._prefix_lengths if code[:n] in self._prefixes]
        record = [
            self._place_of(code),
            int(is_excluded_diagnosis(tables, code)),
            self._types(code),
            self._letter(code[:1]),
            *_append(self._complications, self._complications_of(code)),
            *_append(self._lists, self._lists_of.get(code, ())),
            *_append(self._prefix_hits, prefixes),
            self.cci_classes.get(disease, -1),
            weight,
            category if is_malignant else -1,
            category,
        ]
        assert len(record) == DX_FIELDS, "a diagnosis record has one value per field"
        self._records.append([*record, *[0] * (DX_SIZE - DX_FIELDS)])
        words = [0] * self.words
        for n, cell in enumerate(self.cells):
            if in_diagnoses(tables, cell, code):
                words[n // WORD_BITS] |= 1 << (n % WORD_BITS)
        self._bits.append(words)
        self.ids[code] = number
        return number

    def _complications_of(self, code: str) -> Iterable[tuple[int, int, int]]:
        for entry in self.tables.complications.get(code, ()):
            exclusion = -1 if entry.exclusion is None else self._exclusions[entry.exclusion]
            prefix = -1 if entry.include_prefix is None else self._prefixes[entry.include_prefix]
            yield LEVELS.index(entry.level), exclusion, prefix

    def _place_of(self, code: str) -> int:
        """The number of the spans of rows the code finds as principal, layer by layer, longest key first."""
        spans = tuple(tuple(self._layer_spans(layer, code)) for layer in self.layers)
        known = self._places.get(spans)
        if known is None:
            known = self._places[spans] = len(self._places)
            for of_layer in spans:
                self._span_rows += of_layer
                self._spans.append(len(self._span_rows))
        return known

    def _layer_spans(self, layer: str, code: str) -> Iterable[tuple[int, int, int, int]]:
        levels = [self.index.by_key.get((layer, key), []) for key in keys(self.tables.options.dx_levels, code)]
        scanned = [
            group
            for group in self.index.by_scan.get(layer, [])
            if group.dx_position == "principal" and in_diagnoses(self.tables, group.diagnosis, code)
        ]
        for groups in (*levels, scanned):
            if groups:
                rows = tuple(group.row for group in groups)
                if rows not in self._key_spans:
                    self._key_spans[rows] = self._span_of(rows)
                yield self._key_spans[rows]

    def _span_of(self, rows: Sequence[int]) -> tuple[int, int, int, int]:
        """Rows with procedures, then those without; where they stand, and the filter bits of the former."""
        filters = [(row, self._filters[row]) for row in rows]
        first, empty = _append(self._key_rows, [(row, bits) for row, bits in filters if bits is not None])
        _, end = _append(self._key_rows, [(row, 0) for row, bits in filters if bits is None])
        every = 0
        for _, bits in self._key_rows[first:empty]:
            every |= bits
        return first, empty, end, every

    def _types(self, code: str) -> int:
        """The table of comprehensive rows by type; codes of one category between the same bounds share it."""
        key = code[:3], self._place_among_bounds(code)
        known = self._types_of.get(key)
        if known is None:
            in_range = self._in_range(key[1], code)
            table = [
                cell
                for layer in self.type_layers
                for kind in ProcedureType
                for cell in self._comprehensive(layer, kind, code, in_range)
            ]
            known = self._types_of[key] = len(self._by_type)
            self._by_type.append(table)
        return known

    def _comprehensive(
        self, layer: str, kind: ProcedureType, code: str, in_range: Mapping[tuple[str, ProcedureType], int]
    ) -> list[int]:
        exact: list[Group] = []
        for width in (3, 2, 1):
            exact = self.index.by_category.get((layer, code[:width], kind), [])
            if exact:
                break
        if any(group.op_level is not None for group in exact):
            levels = [_first([g for g in exact if g.op_level == n]) for n in range(1, TOP_LEVEL + 1)]
            return [BY_LEVEL, -1, *levels, -1]
        return [1, _first(exact), *[-1] * TOP_LEVEL, in_range.get((layer, kind), -1)]

    def _in_range(self, place: tuple[int, ...], code: str) -> dict[tuple[str, ProcedureType], int]:
        """By layer and type, the first row with a range that holds the code, or any other at its place."""
        rows = self._rows_between.get(place)
        if rows is None:
            rows = self._rows_between[place] = {}
            for key, lo, hi, row in self._ranges:
                if lo <= code[: len(lo)] <= hi:
                    rows.setdefault(key, row)
        return rows

    def _place_among_bounds(self, code: str) -> tuple[int, ...]:
        """What comparing the code with every bound of a range comes to."""
        places = list[int]()
        for size, bounds in self._bounds.items():
            places += bisect_left(bounds, code[:size]), bisect_right(bounds, code[:size])
        return tuple(places)

    def _letter(self, letter: str) -> int:
        known = self._letters_of.get(letter)
        if known is None:
            known = self._letters_of[letter] = len(self._letters)
            rows = [_first(self.index.by_letter.get((layer, letter), [])) for layer in self.letter_layers]
            self._letters.append(rows)
        return known


def _first(groups: Sequence[Group]) -> int:
    return groups[0].row if groups else -1


def _numbered(names: Iterable[str | None]) -> dict[str, int]:
    return {name: n for n, name in enumerate(sorted({name for name in names if name is not None}))}


def _append(values: list[Value], more: Iterable[Value]) -> tuple[int, int]:
    """Appends, and says where: (first, end)."""
    first = len(values)
    values.extend(more)
    return first, len(values)
