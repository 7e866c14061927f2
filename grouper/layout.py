"""Where each fact of a record stands in its state vector, and every test as four numbers on it.

In: DrgTables and the code tables; out: `Layout` (slot numbers) and `AtomCompiler` (an atom → slot, mask, lo, hi).
Slot 0 is always 0: a test on an empty list reads it. It evaluates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grouper.check import MAX_I32
from grouper.codes import CodeTable, TextTable
from grouper.tables import COUNT_VARS, DX_VARS, FLAG_VARS, NULL_I32, OP_VARS, Atom, DrgTables

MAX_I64 = 2**63 - 1
KIND_OTHER, KIND_DX_MET, KIND_DX, KIND_SEX, KIND_AGE, KIND_NEWBORN, KIND_SITES = range(7)
"""What a test is about, for the reason of a failure: `DX_MET` = a diagnosis list must be met, `DX` = any other
test on diagnoses."""
KIND_OF_NUMBER = {
    "gender": KIND_SEX,
    "age_years": KIND_AGE,
    "age_days": KIND_NEWBORN,
    "birth_weight_g": KIND_NEWBORN,
    "n_sites": KIND_SITES,
}
FIRST_CODE = {"main": 0, "other": 1, "any": 0}
LAST_CODE = {"main": 1, "other": -1, "any": -1}


@dataclass(frozen=True)
class Layout:
    """Slot numbers. Regions of words first, then numbers, then counts."""

    dx_main: int
    dx_other: int
    dx_any: int
    op_main: int
    op_other: int
    op_any: int
    texts: int
    numbers: int
    """The declared numbers, then n_dx, n_op, n_sites, has_mcc, has_cc."""
    counts: int
    dx_main_words: int
    dx_every_words: int
    op_main_words: int
    op_every_words: int
    text_words: int
    slot_of: Mapping[str, int]
    """Every number and flag by name."""


def make_layout(tables: DrgTables, dx: CodeTable, op: CodeTable, texts: TextTable) -> Layout:
    """Lay the regions out one after the other, slot 0 left empty."""
    widths = {
        "dx_main": dx.main.words,
        "dx_other": dx.every.words,
        "dx_any": dx.every.words,
        "op_main": op.main.words,
        "op_other": op.every.words,
        "op_any": op.every.words,
        "texts": texts.rows.shape[1] * len(texts.spaces),
        "numbers": len(tables.numeric) + len(COUNT_VARS) + len(FLAG_VARS),
    }
    starts: dict[str, int] = {}
    at = 1
    for region, width in widths.items():
        starts[region] = at
        at += width
    names = [*(field.name for field in tables.numeric), *COUNT_VARS, *FLAG_VARS]
    return Layout(
        **starts,
        counts=at,
        dx_main_words=dx.main.words,
        dx_every_words=dx.every.words,
        op_main_words=op.main.words,
        op_every_words=op.every.words,
        text_words=texts.rows.shape[1],
        slot_of={name: starts["numbers"] + index for index, name in enumerate(names)},
    )


class AtomCompiler:
    """Turns atoms into numbers, and collects the counts they ask for."""

    def __init__(self, layout: Layout, dx: CodeTable, op: CodeTable, texts: TextTable) -> None:
        self.layout, self.dx, self.op, self.texts = layout, dx, op, texts
        self.counts: dict[tuple[str, int], tuple[int, int, int, int, int, int]] = {}

    @property
    def slots(self) -> int:
        """Length of the state vector."""
        return self.layout.counts + len(self.counts)

    def compile(self, atom: Atom) -> tuple[int, int, int, int]:
        """slot, mask, lo, hi of one test."""
        if atom.op in ("true", "false"):
            wanted = int(atom.op == "true")
            return self.layout.slot_of[atom.var], -1, wanted, wanted
        if atom.op in ("range", "count"):
            # A null number is NULL_I32, one below the lowest bound, so no range can hold it.
            lo = NULL_I32 + 1 if atom.lo is None else atom.lo
            hi = MAX_I32 if atom.hi is None else atom.hi
            slot = self.layout.slot_of[atom.var] if atom.op == "range" else self._count_slot(atom)
            return slot, -1, lo, hi
        slot, mask = self._list_bit(atom)
        return (slot, mask, 1, MAX_I64) if atom.op == "in" else (slot, mask, 0, 0)

    def asks_principal(self, atom: Atom) -> bool:
        """Whether the test reads the bits of a principal code."""
        slot, layout = self.compile(atom)[0], self.layout
        return layout.dx_main <= slot < layout.dx_other or layout.op_main <= slot < layout.op_other

    def asks_codes(self, atom: Atom) -> bool:
        """Whether the test reads what only all codes of a record tell: bits of lists, or how many there are."""
        slot, layout = self.compile(atom)[0], self.layout
        return 0 < slot < layout.texts or slot in (layout.slot_of["n_dx"], layout.slot_of["n_op"]) or self._counts(slot)

    def asks_any_place(self, atom: Atom) -> bool:
        """Whether the test looks for lists beyond the principal code, or counts codes of a list."""
        slot, layout = self.compile(atom)[0], self.layout
        return layout.dx_other <= slot < layout.op_main or layout.op_other <= slot < layout.texts or self._counts(slot)

    def _counts(self, slot: int) -> bool:
        return self.layout.counts <= slot < self.slots

    def _list_bit(self, atom: Atom) -> tuple[int, int]:
        """Slot and bit that say whether the codes of the variable meet the list."""
        assert atom.list_id is not None
        if atom.var in DX_VARS or atom.var in OP_VARS:
            table = self.dx if atom.var in DX_VARS else self.op
            space = table.main if atom.var.endswith("_main") else table.every
            start: int = getattr(self.layout, atom.var)
        else:
            space = self.texts.spaces[atom.var]
            start = self.layout.texts + list(self.texts.spaces).index(atom.var) * self.layout.text_words
        word, mask = space.place[atom.list_id]
        return (start + word, mask) if mask else (0, 0)

    def _count_slot(self, atom: Atom) -> int:
        """Slot of "how many codes of this variable lie in this list"; asked for once, however many tests use it."""
        assert atom.list_id is not None
        key = (atom.var, atom.list_id)
        kind, which = atom.var.split("_")
        table = self.dx if kind == "dx" else self.op
        word, mask = table.every.place[atom.list_id]
        if not mask:
            return 0
        if key not in self.counts:
            slot, column = self.layout.counts + len(self.counts), table.main.words + word
            self.counts[key] = (slot, int(kind == "dx"), FIRST_CODE[which], LAST_CODE[which], column, mask)
        return self.counts[key][0]


def kind_of(atom: Atom) -> int:
    """What the test is about, for the reason of a failure."""
    if atom.var in DX_VARS:
        return KIND_DX_MET if atom.op == "in" else KIND_DX
    return KIND_OF_NUMBER.get(atom.var, KIND_OTHER)


def lists_used(tables: DrgTables, valid_operations: int | None) -> dict[str, list[int]]:
    """List ids by region: dx_main, dx_every, op_main, op_every, and one per text field.

    Counting needs a bit among `every`, also for the principal code alone.
    """
    used: dict[str, list[int]] = {"op_every": [valid_operations] if valid_operations is not None else []}
    for atom in tables.atoms:
        if atom.list_id is None or atom.op not in ("in", "notin", "count"):
            continue
        region = atom.var
        if atom.var in DX_VARS or atom.var in OP_VARS:
            is_main = atom.var.endswith("_main") and atom.op != "count"
            region = atom.var[:3] + ("main" if is_main else "every")
        used.setdefault(region, []).append(atom.list_id)
    return used
