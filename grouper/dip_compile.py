"""A DIP catalogue as one integer table the kernel can follow without looking 「目录编译」.

In: DipTables; out: `CompiledDip`: rows, expressions, conditions, options and orders as sections of the flat array T
(see `dip_layout`), and the two code vocabularies that grow with the records. Bounds are asserted on construction:
the kernel checks none. It groups nothing.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from grouper import dip_layout as at
from grouper.dip_asked import asked_numbers
from grouper.dip_compile_aux import aux_records
from grouper.dip_compile_orders import later_ranks, options, orders
from grouper.dip_dx_codes import DxVocabulary
from grouper.dip_layout import I64, NULL, SECTIONS, WORD_BITS
from grouper.dip_op_codes import OpVocabulary
from grouper.dip_parts import Parts
from grouper.dip_search import RowIndex, basic_factor_e6, has_range_in_code, index_rows
from grouper.dip_tables import DipTables, Group

POINTS_MAX_E4 = 10**10
FACTOR_MAX_E6 = 10**8
"""Bounds that keep points × factor, and K × the row's own factor, inside 63 bits, and their product inside 127."""


@dataclass
class CompiledDip:
    """One catalogue, compiled. Its own sections are fixed; those of codes grow with the codes records bring."""

    source: DipTables
    fixed: dict[str, I64]
    counts: dict[int, int]
    dx: DxVocabulary
    op: OpVocabulary
    candidates_max: int
    _table: tuple[tuple[int, int], I64] | None = field(default=None, repr=False)
    _own: threading.local = field(default_factory=threading.local, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Plain data: arrays as bytes, and nothing that is made again from them."""
        own = {"fixed": {name: part.tobytes() for name, part in self.fixed.items()}, "_table": None, "_own": None}
        return {**vars(self), **own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._own = threading.local()
        self.fixed = {name: np.frombuffer(part, np.int64) for name, part in state["fixed"].items()}

    @cached_property
    def asked(self) -> tuple[int, ...]:
        """Numbers of a record that some rule reads; a batch may hold anything in the others."""
        return tuple(self.fixed["asked"].tolist())

    def table(self) -> I64:
        """T for the codes seen so far."""
        with self.dx.lock, self.op.lock:
            size = len(self.dx), len(self.op)
            if self._table is None or self._table[0] != size:
                self._table = size, _joined({**self.fixed, **self.dx.sections(), **self.op.sections()}, self.counts)
            return self._table[1]

    def scratch(self) -> I64:
        """Working memory S of this thread, with what it kept from batches before; fresh where codes have come since."""
        known = len(self.dx)
        if getattr(self._own, "known", None) != known:
            self._own.known, self._own.scratch = known, self._fresh_scratch(known)
        scratch: I64 = self._own.scratch
        return scratch

    def _fresh_scratch(self, diagnoses: int) -> I64:
        sizes = (
            (at.S_OTHER_BITS, self.dx.words + 1),
            (at.S_STAMPS, at.STAMP_SIZE * (len(self.op.terms) + 1)),
            (at.S_CCI, at.CCI_SIZE * (len(self.dx.cci_classes) + 1)),
            (at.S_CANDIDATE, at.CANDIDATE_SIZE * self.candidates_max),
            *((start, 2 * self.candidates_max) for start in (at.S_LEFT, at.S_KEPT)),
            *((start, self.candidates_max) for start in (at.S_CORE, at.S_BASIC, at.S_COMPREHENSIVE)),
            (at.S_BARE, diagnoses),
            (at.S_FEW, at.FEW_SIZE << at.FEW_BITS),
        )
        scratch = np.zeros(at.S_FIXED + sum(size for _, size in sizes), np.int64)
        place = at.S_FIXED
        for start, size in sizes:
            scratch[start] = place
            place += size
        return scratch


def compile_dip(tables: DipTables) -> CompiledDip:
    """The catalogue as arrays. Raises AssertionError where a value could lead the kernel astray."""
    parts = Parts(tables.options.op_sep != "|")
    index = index_rows(tables)
    layer_ids = {name: n for n, name in enumerate(dict.fromkeys(layer.name for layer in tables.layers))}
    rows, aux = _rows(tables, index, parts, layer_ids)
    for excluded in tables.excluded_procedures:
        parts.cell(excluded.diagnoses)
    dx = DxVocabulary(tables, index, parts.cell_exprs, _filters(rows, parts))
    op = OpVocabulary(tables, list(parts.terms), parts.cells)
    assert dx.id_of("") == 0 and op.id_of("") == 0, "the empty code is number 0"
    pre_rows = sorted(group.row for groups in index.in_order.values() for group in groups)
    fixed = {
        "options": _i64(options(tables, layer_ids)),
        **orders(tables, layer_ids),
        "later_ranks": later_ranks(tables, index),
        "asked": _i64(asked_numbers(tables)),
        "rows": rows,
        **parts.sections(tables.auxiliary_policy.age_bands),
        "aux": _i64(aux),
        "pre_rows": _i64(pre_rows),
    }
    compiled = CompiledDip(tables, fixed, _counts(tables, dx, pre_rows), dx, op, _candidates_max(tables, index))
    _assert_bounds(compiled, len(layer_ids), len(parts.part_terms), len(parts.condition_parts))
    return compiled


def _joined(sections: dict[str, I64], counts: dict[int, int]) -> I64:
    """T: the header with starts and counts, then every section."""
    assert sections.keys() == set(SECTIONS), f"sections differ: {sections.keys() ^ set(SECTIONS)}"
    starts, size = [], at.HEADER_SIZE
    for name in SECTIONS:
        size += -size % at.LINE
        starts.append(size)
        size += sections[name].size
    memory = np.zeros(size + at.LINE, np.int64)
    # What is a line for the layout is one for the machine.
    skipped = -(memory.ctypes.data // memory.itemsize) % at.LINE
    table = memory[skipped : skipped + size]
    table[: len(SECTIONS)] = starts
    for place, count in counts.items():
        table[place] = count
    for start, name in zip(starts, SECTIONS, strict=True):
        table[start : start + sections[name].size] = sections[name].ravel()
    return table


def _filters(rows: I64, parts: Parts) -> list[int | None]:
    """Filter bits of every row; None for one without procedures.

    A row fits only if some part has all its terms (or every part one of them): then also the first term of one of the
    parts (or a term of the shortest one) names a procedure of the record.
    """
    found: list[int | None] = []
    for first, end in rows.reshape(-1, at.ROW_SIZE)[:, [at.ROW_MAIN, at.ROW_MAIN_END]].tolist():
        of_row = parts.part_terms[first:end]
        terms = min(of_row, key=len, default=[]) if parts.conjunctive else [part[0] for part in of_row]
        assert all(of_row), "a part names at least one term"
        bits = 0
        for term in terms:
            bits |= 1 << (term % WORD_BITS)
        found.append(bits if of_row else None)
    return found


def _rows(
    tables: DipTables, index: RowIndex, parts: Parts, layer_ids: dict[str, int]
) -> tuple[I64, list[tuple[int, ...]]]:
    """Row records, and the auxiliary rows group by group."""
    aux: list[tuple[int, ...]] = []
    records = []
    pre_layers = {layer.name for layer in tables.layers if layer.source == "xq"}
    rewrites = tables.options.comprehensive_code == "category_for_range"
    for group in tables.groups:
        # A row whose code will be rewritten is looked up by its new code and finds no auxiliary rows.
        own = () if rewrites and has_range_in_code(group) else index.auxiliary.get(group.code, ())
        marks = ((int(row.level), parts.condition(row.condition)) for row in own if row.factor_e6 is None)
        level = next((mark for mark in marks if mark[0]), (0, -1))
        first = len(aux)
        aux += aux_records(own, group, parts, tables.auxiliary_policy.pick == "first")
        records.append(_record(group, parts, layer_ids, (first, len(aux)), level, group.layer in pre_layers))
    return _i64(records), aux


def _record(
    group: Group, parts: Parts, layer_ids: dict[str, int], aux: tuple[int, int], severity: tuple[int, int], is_pre: bool
) -> list[int]:
    """One row in the order of ROW_LAYER … ROW_DX_ANYWHERE."""
    days = None if group.age_days_lt is None else group.age_days_lt - 1
    bounds = (days, group.age_min, group.age_max, group.weight_min_g, group.weight_max_g)
    other, flag = parts.cell(group.other_diagnosis), parts.condition(group.flag)
    record = [
        layer_ids[group.layer],
        -1 if group.op_type is None else int(group.op_type),
        *parts.expression(group.main),
        int(other >= 0 or flag >= 0 or any(bound is not None for bound in bounds)),
        severity[0],
        *aux,
        *parts.expression(group.related),
        int(group.op_position == "main"),
        _null(group.base_points_e4),
        0 if group.main is None else group.main.joins,
        severity[1],
        basic_factor_e6(group),
        *parts.text("" if group.main is None else group.main.text),
        other,
        *(_null(bound) for bound in bounds),
        flag,
        parts.cell(group.diagnosis) if is_pre and not group.diagnosis.any else -1,
        int(group.dx_position == "any"),
    ]
    assert len(record) == at.ROW_FIELDS, "a row record has one value per field"
    return [*record, *[0] * (at.ROW_SIZE - at.ROW_FIELDS)]


def _counts(tables: DipTables, dx: DxVocabulary, pre_rows: list[int]) -> dict[int, int]:
    return {
        at.N_LAYERS: len(tables.layers),
        at.N_TIES: len(tables.tie_rules),
        at.N_CHOICES: len(tables.choices),
        at.N_BANDS: len(tables.auxiliary_policy.age_bands),
        at.N_PRE_ROWS: len(pre_rows),
        at.N_WORDS: dx.words,
        at.N_DIAGNOSIS_LAYERS: len(dx.layers),
        at.N_TYPE_LAYERS: len(dx.type_layers),
        at.N_LETTER_LAYERS: len(dx.letter_layers),
        at.N_ASKED: len(asked_numbers(tables)),
    }


def _candidates_max(tables: DipTables, index: RowIndex) -> int:
    """More candidates than any record can have: twice (the chain may walk again) the fullest level of every layer."""
    keyed = max((len(rows) for rows in index.by_key.values()), default=0)
    scanned = max((len(rows) for rows in index.by_scan.values()), default=0)
    return 2 * len(tables.layers) * (max(keyed, scanned) + 2) + 2


def _assert_bounds(compiled: CompiledDip, layers: int, parts: int, conditions: int) -> None:
    """What the kernel relies on without looking."""
    tables, rows = compiled.source, compiled.fixed["rows"].reshape(-1, at.ROW_SIZE)
    assert [g.row for g in tables.groups] == list(range(len(tables.groups))), "rows are numbered in order"
    for group in tables.groups:
        assert group.base_points_e4 is None or 0 <= group.base_points_e4 <= POINTS_MAX_E4, f"points of {group.code}"
        assert 0 <= basic_factor_e6(group) <= FACTOR_MAX_E6, f"basic_factor of {group.code}"
        assert group.op_level is None or 1 <= group.op_level <= at.TOP_LEVEL, f"op_level of {group.code} is 1, 2 or 3"
    for row in tables.auxiliary:
        assert row.factor_e6 is None or 0 <= row.factor_e6 <= FACTOR_MAX_E6, f"factor of auxiliary row {row.row}"
        assert row.base_points_e4 is None or 0 <= row.base_points_e4 <= POINTS_MAX_E4, f"points of row {row.row}"
    for field_, limit in ((at.ROW_MAIN_END, parts), (at.ROW_RELATED_END, parts), (at.ROW_LAYER, layers - 1)):
        assert rows[:, field_].min(initial=0) >= 0 and rows[:, field_].max(initial=0) <= limit, "a row points outside"
    for field_ in (at.ROW_SEVERITY_IF, at.ROW_FLAG):
        assert rows[:, field_].max(initial=-1) < conditions, "a condition lies outside its table"
    assert compiled.fixed["terms"].max(initial=-1) < len(compiled.op.terms), "a term lies outside its table"
    tests = compiled.fixed["tests"].reshape(-1, at.TEST_SIZE)
    cells = tests[tests[:, 0] == at.KIND_DIAGNOSIS][:, 5]
    assert cells.max(initial=-1) < len(compiled.dx.cells), "a diagnosis cell lies outside its table"


def _null(value: int | None) -> int:
    return NULL if value is None else value


def _i64(values: object) -> I64:
    return np.array(values, np.int64)
