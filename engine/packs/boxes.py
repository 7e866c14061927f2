"""What a chain of conditions lets through, as a box: sets of codes, ranges of numbers, flags. The linter's arithmetic.

In: the lists of a pack and atoms; out: boxes that can be narrowed by atoms, asked whether they imply an atom, and
robbed of what an earlier rule takes. Code sets are bits of one Python integer.
Every answer is safe in one direction: "empty" and "implied" are certain, the opposite is not claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from grouper.tables import Atom, DrgTables

SINGLE = ("dx_main", "op_main", "dept", "leaving_type")
"""Variables with one value per record."""
INT_MIN, INT_MAX = -(2**31) + 1, 2**31 - 1
_KNOWN_NUMBERS = {"gender": (1, 2), "age_years": (INT_MIN, INT_MAX), "n_dx": (0, INT_MAX), "n_op": (0, INT_MAX)}
"""Numbers no record lacks once the checks before grouping have passed."""

Clause = tuple[Atom, ...]


class Space:
    """The codes of a pack as bit positions; two more bits stand for "a code of no list" and "no code at all"."""

    def __init__(self, tables: DrgTables) -> None:
        self.index: dict[str, dict[str, int]] = {kind: {} for kind in ("dx", "op", "dept", "leaving_type")}
        for one in tables.lists.values():
            known = self.index[one.kind]
            for code in one.codes:
                known.setdefault(code, len(known))
        self.bits = {key: self._bits(self.index[one.kind], one.codes) for key, one in tables.lists.items()}
        self.codes = {kind: list(known) for kind, known in self.index.items()}
        self.all_of = {var: (1 << len(self.index[kind_of(var)]) + 2) - 1 for var in SINGLE}
        self.everything = Box(self, dict(self.all_of), numbers=dict(_KNOWN_NUMBERS))

    @staticmethod
    def _bits(known: dict[str, int], codes: Sequence[str]) -> int:
        """Bits 0 and 1 are "no code" and "a code of no list"; listed codes start at bit 2."""
        marks = bytearray(len(known) // 8 + 2)
        for code in codes:
            position = known[code] + 2
            marks[position >> 3] |= 1 << (position & 7)
        return int.from_bytes(marks, "little")

    def names(self, kind: str, bits: int, limit: int = 5) -> list[str]:
        """The first codes of a set, sorted."""
        digits = f"{bits >> 2:b}"[::-1]
        return sorted(code for code, digit in zip(self.codes[kind], digits, strict=False) if digit == "1")[:limit]


def kind_of(var: str) -> str:
    """dx, op, or the name of the text field."""
    return var.split("_")[0] if var.startswith(("dx_", "op_")) else var


@dataclass(frozen=True)
class Box:
    """Everything a record may be after the tests so far.

    `single`: allowed values of dx_main, op_main, dept, leaving_type. `some`: (var, set) pairs of which the record must
    hold a code. `none`: codes no secondary diagnosis or procedure may have. `numbers`: ranges of numbers that must not
    be null. `flags`: has_mcc / has_cc where known.
    """

    space: Space = field(repr=False)
    single: dict[str, int]
    some: tuple[tuple[str, int], ...] = ()
    none: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, tuple[int, int]] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)

    def narrowed(self, atoms: Iterable[Atom]) -> Box | None:
        """The box after these tests, or None if certainly no record passes."""
        box: Box | None = self
        for atom in atoms:
            if box is None:
                return None
            box = box._with(atom)
        return box._consistent() if box is not None else None

    def implies(self, atom: Atom) -> bool:
        """Every record of the box certainly passes this test."""
        if atom.op in ("true", "false"):
            return self.flags.get(atom.var) is (atom.op == "true")
        if atom.op == "range":
            lo, hi = bounds(atom)
            found = self.numbers.get(atom.var)
            return found is not None and lo <= found[0] and found[1] <= hi
        if atom.list_id is None:
            raise AssertionError(f"atom of node {atom.node_id} has no list")
        wanted = self.space.bits[atom.list_id]
        if atom.op == "count":
            return atom.hi is None and (atom.lo or 0) <= 1 and self._has_some(atom.var, wanted)
        if atom.var in SINGLE:
            allowed = self.single[atom.var]
            return not (allowed & ~wanted if atom.op == "in" else allowed & wanted)
        if atom.op == "in":
            return self._has_some(atom.var, wanted)
        kind = kind_of(atom.var)
        absent = not wanted & ~self.none.get(kind, 0)
        return absent and (atom.var.endswith("_other") or not self.single[f"{kind}_main"] & wanted)

    def _has_some(self, var: str, wanted: int) -> bool:
        if var in SINGLE:
            return not self.single[var] & ~wanted
        kind = kind_of(var)
        if var.endswith("_any") and not self.single[f"{kind}_main"] & ~wanted:
            return True
        sources = (var, f"{kind}_other") if var.endswith("_any") else (var,)
        return any(name in sources and not codes & ~wanted for name, codes in self.some)

    def without(self, clause: Clause) -> Box | None:
        """What is left after an earlier rule took every record that meets `clause`; None if nothing certainly is.

        Where the rest is not one box the box is kept as it is: the answer is never too small.
        """
        open_atoms = [atom for atom in clause if not self.implies(atom)]
        if not open_atoms:
            return None
        if len(open_atoms) > 1:
            return self
        return self._minus(open_atoms[0])

    def _minus(self, atom: Atom) -> Box | None:
        if atom.op == "range":
            found = self.numbers.get(atom.var)
            if found is None:
                return self
            lo, hi = bounds(atom)
            if lo <= found[0] <= hi:
                return replace(self, numbers={**self.numbers, atom.var: (hi + 1, found[1])})._consistent()
            if lo <= found[1] <= hi:
                return replace(self, numbers={**self.numbers, atom.var: (found[0], lo - 1)})._consistent()
            return self
        opposite = {"true": "false", "false": "true", "in": "notin", "notin": "in"}.get(atom.op)
        return self.narrowed([replace(atom, op=opposite)]) if opposite else self

    def _with(self, atom: Atom) -> Box | None:
        if atom.op in ("true", "false"):
            asked = atom.op == "true"
            if self.flags.get(atom.var, asked) is not asked:
                return None
            return replace(self, flags={**self.flags, atom.var: asked})
        if atom.op == "range":
            lo, hi = bounds(atom)
            old = self.numbers.get(atom.var, (INT_MIN, INT_MAX))
            new = max(lo, old[0]), min(hi, old[1])
            return None if new[0] > new[1] else replace(self, numbers={**self.numbers, atom.var: new})
        assert atom.list_id is not None
        return self._with_list(atom, self.space.bits[atom.list_id])

    def _with_list(self, atom: Atom, codes: int) -> Box | None:
        kind = kind_of(atom.var)
        takes = atom.op == "in" or (atom.op == "count" and (atom.lo or 0) >= 1)
        bars = atom.op == "notin" or (atom.op == "count" and atom.hi == 0)
        box = self
        if atom.var in SINGLE:
            if takes or bars:
                left = self.single[atom.var] & (codes if takes else ~codes)
                return replace(self, single={**self.single, atom.var: left}) if left else None
            return self
        if takes:
            box = replace(box, some=(*box.some, (atom.var, codes)))
        elif bars:
            box = replace(box, none={**box.none, kind: box.none.get(kind, 0) | codes})
            if atom.var.endswith("_any"):
                main = f"{kind}_main"
                left = box.single[main] & ~codes
                return replace(box, single={**box.single, main: left}) if left else None
        return box

    def _consistent(self) -> Box | None:
        """The same box with what its parts say about each other; None if they contradict."""
        if any(lo > hi for lo, hi in self.numbers.values()):
            return None
        single = dict(self.single)
        for var, codes in self.some:
            kind = kind_of(var)
            by_other = codes & ~self.none.get(kind, 0)
            if not by_other and var.endswith("_any"):
                single[f"{kind}_main"] &= codes
            elif not by_other:
                return None
        if not all(single.values()):
            return None
        return replace(self, single=single) if single != self.single else self


def bounds(atom: Atom) -> tuple[int, int]:
    """The range of an atom with its open ends filled in."""
    return (INT_MIN if atom.lo is None else atom.lo), (INT_MAX if atom.hi is None else atom.hi)
