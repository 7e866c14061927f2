"""An edition's tables as immutable integer arrays: the form the kernel reads.

In: DrgTables; out: `CompiledDrg`. Before a search every record becomes one vector of int64, its *state*, and every
test of the rules becomes the same four numbers: lo ≤ (state[slot] & mask) ≤ hi. Which lists a code lies in are bits
of a word of the state; a number or a count is a slot with mask −1.
The kernel has no bounds checks: everything it indexes with is asserted here. It reads no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grouper.anywhere import any_place
from grouper.batch import DROPPED, EMPTY, I32, I64, UNKNOWN
from grouper.check import MAX_I32
from grouper.codes import CodeTable, TextTable, add_complications, bit_space, code_table, text_table
from grouper.facts import MAPS_TO_NOTHING
from grouper.layout import AtomCompiler, Layout, kind_of, lists_used, make_layout
from grouper.plan import (
    FIRST_NODE,
    LEVELS,
    NODE_NO,
    NODE_SIZE,
    NODE_YES,
    PLAN_SIZE,
    PLAN_SKIP,
    ROW_WORDS,
    left_to_ask,
    only_mdcs,
    plan_of,
    searched,
)
from grouper.reference import leaf_codes
from grouper.rules import Rules, valid_operations_list
from grouper.tables import Atom, DrgOptions, DrgTables, Node

GATE_SKIP, GATE_MDC, GATE_LEAF, GATE_IS_ADRG = range(4)
"""Columns of a gate: where to go on if it is closed · its MDC (itself if it is one) · its first leaf · ADRG or not."""


@dataclass(frozen=True)
class CompiledDrg:
    """One edition, compiled. Gates are MDC, ADRG and QY nodes in the order of the walk; leaves are the results."""

    dx: CodeTable
    op: CodeTable
    texts: TextTable
    layout: Layout
    slots: int
    """Length of the state vector."""
    gates: I32
    """[gate, column]; one row more than gates, which ends the leaves of the last."""
    condition_first: I32
    """First clause of the condition of every gate. A condition without clauses always holds."""
    clause_first: I32
    atoms: I64
    """[atom, 4]: slot, mask, lo, hi."""
    atom_kind: I32
    counts: I64
    """[count, 6]: slot, is it diagnoses, first code, one past the last (−1 to the end), column of the row, mask."""
    dx_packed: I64
    """What the kernel reads of every diagnosis: see `anywhere`."""
    op_packed: I64
    dx_candidates: npt.NDArray[np.uint64]
    """[class, word]: gates, a bit each, that the principal diagnosis by itself does not rule out; then the same rows
    again for records whose other diagnoses change nothing, see `anywhere`."""
    op_candidates: npt.NDArray[np.uint64]
    """The same of procedures."""
    dx_mdcs: npt.NDArray[np.uint64]
    """[class, word]: the MDCs, a bit each among the gates, that the principal diagnosis by itself does not rule out."""
    plan: I32
    """See `plan`: where every gate leads that is a candidate of both principal codes."""
    nodes: I64
    """The tests that are left to ask on the way."""
    valid_operations: tuple[int, int]
    """Slot and mask that say whether some procedure counts as surgery; mask 0 = the edition has no such list."""
    leaf_is_qy: npt.NDArray[np.uint8]
    leaf_node: tuple[int, ...]
    leaf_mdc: tuple[str, ...]
    leaf_adrg: tuple[str, ...]
    leaf_code: tuple[str, ...]
    numeric_names: tuple[str, ...]
    text_names: tuple[str, ...]
    options: DrgOptions
    dx_map: Mapping[str, str]
    op_map: Mapping[str, str]

    @property
    def dx_vocab(self) -> Mapping[str, int]:
        return self.dx.vocabulary

    @property
    def op_vocab(self) -> Mapping[str, int]:
        return self.op.vocabulary

    @property
    def text_vocab(self) -> Mapping[str, Mapping[str, int]]:
        """field → value → id; a value that is not there is no value of any rule: −1."""
        return self.texts.vocabulary

    def lookup_dx(self, mapping: bool) -> Mapping[str, int]:
        """Diagnosis code → id for the kernel; a code that is not there is UNKNOWN, with mapping on UNMAPPED."""
        return mapped_ids(self.dx_vocab, self.dx_map) if mapping else self.dx_vocab

    def lookup_op(self, mapping: bool) -> Mapping[str, int]:
        """As `lookup_dx`, for procedures."""
        return mapped_ids(self.op_vocab, self.op_map) if mapping else self.op_vocab


def mapped_ids(vocabulary: Mapping[str, int], code_map: Mapping[str, str]) -> dict[str, int]:
    """Source code → id of its target; each code is replaced once. The blank code stays blank."""
    found = {
        source: DROPPED if target == MAPS_TO_NOTHING else vocabulary.get(target, UNKNOWN)
        for source, target in code_map.items()
    }
    found[""] = EMPTY
    return found


def compile_drg(tables: DrgTables) -> CompiledDrg:
    """Compile an edition; `TablesError` if its form is wrong."""
    rules = Rules(tables)
    valid = valid_operations_list(tables)
    used = lists_used(tables, valid)
    spaces = {r: bit_space(tables.lists, used.get(r, ())) for r in ("dx_main", "dx_every", "op_main", "op_every")}
    others = (*tables.complications, *tables.exclusion_of, *tables.sites)
    dx = code_table(tables.dx_known, others, spaces["dx_main"], spaces["dx_every"])
    add_complications(dx, tables)
    op = code_table(tables.op_known, (), spaces["op_main"], spaces["op_every"])
    texts = text_table(tables, used)
    layout = make_layout(tables, dx, op, texts)
    gates, leaves, gate_rows = _flatten(rules)
    atoms = AtomCompiler(layout, dx, op, texts)
    conditions = [rules.clauses.get(node.node_id, ()) for node in gates]
    leaf_conditions = [rules.clauses.get(node.node_id, ()) for node in _conditions_of(leaves)]
    asked = [atom for clauses in (*conditions, *leaf_conditions) for clause in clauses for atom in clause]
    left = [left_to_ask(clauses, atoms) for clauses in conditions]
    condition_first, clause_first, atom_rows, atom_kind = _conditions(conditions, atoms)
    plan, nodes = plan_of(gate_rows, left, leaf_conditions, atoms)
    dx_open = _candidates(conditions, gate_rows, atoms, dx, layout.dx_main)
    op_open = _candidates(conditions, gate_rows, atoms, op, layout.op_main)
    dx_any, op_any = (any_place(asked, atoms, is_dx) for is_dx in (True, False))
    word, mask = spaces["op_every"].place[valid] if valid is not None else (0, 0)
    codes = [leaf_codes(leaf) for leaf in leaves]
    compiled = CompiledDrg(
        dx=dx,
        op=op,
        texts=texts,
        layout=layout,
        slots=atoms.slots,
        gates=gate_rows,
        condition_first=condition_first,
        clause_first=clause_first,
        atoms=atom_rows,
        atom_kind=atom_kind,
        counts=np.array(list(atoms.counts.values()), np.int64).reshape(-1, 6),
        dx_packed=dx_any.packed(),
        op_packed=op_any.packed(),
        dx_candidates=dx_any.with_known_rows(searched(dx_open, gate_rows), gate_rows, left, atoms),
        op_candidates=op_any.with_known_rows(op_open, gate_rows, left, atoms),
        dx_mdcs=only_mdcs(dx_open, gate_rows),
        plan=plan,
        nodes=nodes,
        valid_operations=(layout.op_any + word, mask) if mask else (0, 0),
        leaf_is_qy=np.array([leaf.level == "QY" for leaf in leaves], np.uint8),
        leaf_node=tuple(leaf.node_id for leaf in leaves),
        leaf_mdc=tuple(mdc for mdc, _, _ in codes),
        leaf_adrg=tuple(adrg for _, adrg, _ in codes),
        leaf_code=tuple(drg for _, _, drg in codes),
        numeric_names=tuple(field.name for field in tables.numeric),
        text_names=tuple(tables.text_fields),
        options=tables.options,
        dx_map=tables.dx_map,
        op_map=tables.op_map,
    )
    _assert_bounds(compiled)
    _freeze(compiled)
    return compiled


def _flatten(rules: Rules) -> tuple[list[Node], list[Node], I32]:
    """Gates and leaves in the order of the walk, and the table of the gates.

    A QY node is a gate with one leaf of its own, which asks nothing more.
    """
    gates: list[Node] = []
    leaves: list[Node] = []
    rows: list[list[int]] = []
    for mdc in rules.children.get(None, ()):
        mdc_at = len(gates)
        gates.append(mdc)
        rows.append([0, mdc_at, len(leaves), 0])
        for gate in rules.children.get(mdc.node_id, ()):
            gates.append(gate)
            rows.append([len(gates), mdc_at, len(leaves), int(gate.level == "ADRG")])
            leaves.extend([gate] if gate.level == "QY" else rules.children.get(gate.node_id, ()))
        rows[mdc_at][GATE_SKIP] = len(gates)
    rows.append([len(gates), -1, len(leaves), 0])
    return gates, leaves, np.array(rows, np.int32)


def _conditions_of(leaves: Sequence[Node]) -> list[Node]:
    """Nodes whose conditions the leaves carry: a QY leaf carries none, its gate asked already."""
    always = Node(-1, None, "QY", 0, "")
    return [always if leaf.level == "QY" else leaf for leaf in leaves]


def _conditions(
    conditions: Sequence[tuple[tuple[Atom, ...], ...]], compiler: AtomCompiler
) -> tuple[I32, I32, I64, I32]:
    """Conditions → clauses → atoms as offsets, the atoms as numbers."""
    condition_first, clause_first = [0], [0]
    rows: list[tuple[int, int, int, int]] = []
    kinds: list[int] = []
    for clauses in conditions:
        for clause in clauses:
            rows.extend(compiler.compile(atom) for atom in clause)
            kinds.extend(kind_of(atom) for atom in clause)
            clause_first.append(len(rows))
        condition_first.append(len(clause_first) - 1)
    atoms = np.array(rows, np.int64).reshape(-1, 4)
    return np.array(condition_first, np.int32), np.array(clause_first, np.int32), atoms, np.array(kinds, np.int32)


def _candidates(
    conditions: Sequence[tuple[tuple[Atom, ...], ...]], gates: I32, compiler: AtomCompiler, table: CodeTable, start: int
) -> npt.NDArray[np.uint64]:
    """Gates that a principal code of each class does not rule out.

        open = some clause none of whose tests on the principal code fails, and the same for its MDC

    A gate without its bit would be tried and found closed.
    """
    count = len(gates) - 1
    full = 64 * ROW_WORDS
    possible = np.zeros((len(table.rows), -(-count // full) * full or full), np.bool_)
    for gate in range(count):
        held = np.zeros(len(table.rows), np.bool_) if conditions[gate] else np.ones(len(table.rows), np.bool_)
        for clause in conditions[gate]:
            passes = np.ones(len(table.rows), np.bool_)
            for slot, mask, lo, hi in (compiler.compile(atom) for atom in clause):
                if start <= slot < start + table.main.words:
                    seen = table.rows[:, slot - start] & mask
                    passes &= (seen >= lo) & (seen <= hi)
            held |= passes
        possible[:, gate] = held & possible[:, gates[gate, GATE_MDC]] if gates[gate, GATE_MDC] != gate else held
    return np.packbits(possible, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def _assert_bounds(compiled: CompiledDrg) -> None:
    """Every index the kernel will follow lies inside its array."""
    gates, leaves, layout = len(compiled.gates) - 1, len(compiled.leaf_node), compiled.layout
    assert max(gates, leaves, len(compiled.atoms)) < MAX_I32
    assert len(compiled.condition_first) == gates + 1 and len(compiled.atom_kind) == len(compiled.atoms)
    for offsets, end in (
        (compiled.condition_first, len(compiled.clause_first) - 1),
        (compiled.clause_first, len(compiled.atoms)),
        (compiled.gates[:, GATE_LEAF], leaves),
    ):
        assert offsets[0] == 0 and offsets[-1] == end and bool(np.all(np.diff(offsets) >= 0))
    plan, nodes = compiled.plan.reshape(gates, PLAN_SIZE), compiled.nodes.reshape(-1, NODE_SIZE)
    of_gates, of_tests = plan[:, : 2 * LEVELS], nodes[:, NODE_YES : NODE_NO + 1]
    for answers, last in ((of_gates, len(nodes)), (of_tests, np.arange(len(nodes))[:, None])):
        assert answers.max(initial=0) < max(leaves, 1), "a leaf outside its table"
        assert bool(np.all(FIRST_NODE - answers < last)) or not len(answers), "a test leads to tests before it only"
    assert nodes[:, 0].min() >= 0 and nodes[:, 0].max() < compiled.slots, "a slot outside the state"
    assert bool(np.all(plan[:, PLAN_SKIP] > np.arange(gates))), "a skip must lead onwards"
    skips = compiled.gates[:gates, GATE_SKIP]
    assert bool(np.all(skips > np.arange(gates))) and bool(np.all(skips <= gates)), "a skip must lead onwards"
    for slots in (compiled.atoms[:, 0], compiled.counts[:, 0], np.array([compiled.valid_operations[0]])):
        assert len(slots) == 0 or (slots.min() >= 0 and slots.max() < compiled.slots), "a slot outside the state"
    for table, packed, candidates in (
        (compiled.dx, compiled.dx_packed, compiled.dx_candidates),
        (compiled.op, compiled.op_packed, compiled.op_candidates),
    ):
        assert len(packed) + DROPPED == len(table.attributes) == len(table.vocabulary) < MAX_I32
        assert int((table.attributes & 0xFFFF).max()) < len(table.rows) == len(candidates) / 2, "a class without a row"
        assert candidates.shape[1] * 64 >= gates and candidates.shape[1] % ROW_WORDS == 0
        assert table.rows.shape[1] == table.main.words + table.every.words
    assert compiled.dx_mdcs.shape == (len(compiled.dx.rows), compiled.dx_candidates.shape[1])
    for is_dx, table in ((1, compiled.dx), (0, compiled.op)):
        columns = compiled.counts[compiled.counts[:, 1] == is_dx, 4]
        assert len(columns) == 0 or (columns.min() >= 0 and columns.max() < table.rows.shape[1])
    assert layout.counts == layout.numbers + len(layout.slot_of) and compiled.slots == layout.counts + len(
        compiled.counts
    )
    assert len(compiled.texts.bases) == len(compiled.text_names)


def _freeze(compiled: CompiledDrg) -> None:
    arrays = [value for value in vars(compiled).values() if isinstance(value, np.ndarray)]
    for owner in (compiled.dx, compiled.op, compiled.texts):
        arrays += [value for value in vars(owner).values() if isinstance(value, np.ndarray)]
    for array in arrays:
        array.flags.writeable = False
