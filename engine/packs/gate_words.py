"""One gate of a walk in words a billing clerk understands: what it asked, what the record had, with code names.

In: traced gates and tests, the pack for its names and lists; out: sentences in Chinese or English.
It repeats what the walk found; it never evaluates a rule. The one thing it adds is a hint: a code that would have met
the test had it stood in first place.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.packs.load import Pack
from engine.packs.wording import amount, band, list_label, variable
from grouper.trace import AtomTrace, ComplicationTrace, GateTrace, Trace

CODES_NAMED = 4
"""Matched codes named in one sentence; a record may carry forty."""


class GateWords:
    """Speaks of the gates of one trace in one language."""

    def __init__(self, pack: Pack, trace: Trace, diagnoses: Sequence[str], zh: bool) -> None:
        self.pack = pack
        self.trace = trace
        self.diagnoses = tuple(diagnoses)
        self.zh = zh
        self.colon, self.semicolon, self.comma = ("：", "；", "，") if zh else (": ", "; ", ", ")

    def enumerated(self, words: Sequence[str]) -> str:
        """A、B、C or A, B, C."""
        return ("、" if self.zh else ", ").join(words)

    def code(self, kind: str, code: str) -> str:
        """A code with its name."""
        names = self.pack.names.dx if kind == "dx" else self.pack.names.op
        return f"{code} {names.get(code, '')}".strip() or ("（空）" if self.zh else "(empty)")

    def node_name(self, gate: GateTrace) -> str:
        """A node with its name, as far as the pack names it."""
        names = self.pack.names
        table = {"MDC": names.mdc, "ADRG": names.adrg, "DRG": names.drg}.get(gate.level, {})
        qy = ("歧义组" if self.zh else "ambiguous") if gate.level == "QY" else ""
        variant = (f"（规则 {gate.variant}）" if self.zh else f" (rule {gate.variant})") if gate.variant else ""
        name = table.get(gate.code) or names.drg.get(gate.code) or names.adrg.get(gate.code) or qy
        return f"{gate.code} {name}".strip() + variant

    def gate(self, gate: GateTrace, procedures: Sequence[str]) -> str:
        """Why a gate held, or every test that kept it closed, alternative by alternative."""
        if not gate.clauses:
            return "无条件" if self.zh else "no condition"
        if gate.held:
            met = next(clause for clause in gate.clauses if all(atom.held for atom in clause))
            return self.semicolon.join(self.atom(atom, procedures) for atom in met)
        closed = [[self.atom(a, procedures) for a in clause if not a.held] for clause in gate.clauses]
        alternatives = dict.fromkeys(self.semicolon.join(texts) for texts in closed)
        return ("；且（另一规则）" if self.zh else "; and, as an alternative, ").join(alternatives)

    def nearly(self, gate: GateTrace) -> bool:
        """A code of the record lies in one of the lists this gate asks for."""
        return any(atom.matched and atom.held for clause in gate.clauses for atom in clause)

    def misplaced(self, gate: GateTrace, procedures: Sequence[str]) -> bool:
        """Some alternative failed only because a code of the record does not stand in first place."""
        for clause in gate.clauses:
            failed = [atom for atom in clause if not atom.held]
            if failed and all(self._elsewhere(atom, procedures) for atom in failed):
                return True
        return False

    def atom(self, atom: AtomTrace, procedures: Sequence[str]) -> str:
        """One test: asked and seen."""
        name = variable(atom.var, self.zh)
        if atom.op in ("true", "false"):
            return self._flag(atom)
        if atom.op == "range":
            seen, asked = amount(atom.var, atom.value, self.zh), band(atom.var, atom.lo, atom.hi, self.zh)
            return f"{name} {seen}（要求 {asked}）" if self.zh else f"{name} {seen} (asked: {asked})"
        assert atom.list_id is not None
        label = list_label(self.pack.tables.lists[atom.list_id], self.zh)
        if atom.op == "count":
            asked = band("", atom.lo, atom.hi, self.zh)
            if self.zh:
                return f"{name}属于{label}的有 {atom.value} 个（要求 {asked}）"
            return f"{name}: {atom.value} in {label} (asked: {asked})"
        if atom.matched:
            found = self._codes(atom)
            if self.zh:
                return f"{name} {found} 属于{label}" + ("" if atom.held else "，而本组要求不属于")
            return f"{name} {found} is in {label}" + ("" if atom.held else ", which this group excludes")
        sentence = f"{name}不属于{label}" if self.zh else f"{name} is not in {label}"
        return sentence + ("" if atom.held else self._elsewhere(atom, procedures))

    def _codes(self, atom: AtomTrace) -> str:
        kind = atom.var[:2] if atom.var[:3] in ("dx_", "op_") else ""
        named = [self.code(kind, code) if kind else code for code in atom.matched[:CODES_NAMED]]
        return self.enumerated(named)

    def _elsewhere(self, atom: AtomTrace, procedures: Sequence[str]) -> str:
        """A code of the record that lies in the list but not in first place."""
        if atom.var not in ("dx_main", "op_main") or atom.list_id is None:
            return ""
        kind = atom.var[:2]
        record = self.diagnoses if kind == "dx" else procedures
        members = self.pack.tables.lists[atom.list_id].codes
        found = next((code for code in record[1:] if code in members), None)
        if found is None:
            return ""
        if self.zh:
            return f"（其他{'诊断' if kind == 'dx' else '手术'} {self.code(kind, found)} 在该目录中，但不是主要编码）"
        return f" ({self.code(kind, found)} is in it, but not as the principal code)"

    def _flag(self, atom: AtomTrace) -> str:
        level = "MCC" if atom.var == "has_mcc" else "CC"
        mine = [c for c in self.trace.complications if c.level == level]
        counted = [self.code("dx", c.code) for c in mine if c.counted][:CODES_NAMED]
        if counted:
            shown = self.enumerated(counted)
            return f"有计入的 {level}：{shown}" if self.zh else f"{level} counted: {shown}"
        sentence = f"没有计入的 {level}" if self.zh else f"no {level} counted"
        excluded = [self.code("dx", c.code) for c in mine if not c.counted][:CODES_NAMED]
        if excluded:
            shown = self.enumerated(excluded)
            cause = f"（{shown} 被主要诊断排除）" if self.zh else f" ({shown} excluded by the principal diagnosis)"
            sentence += cause
        return sentence

    def complication(self, found: ComplicationTrace) -> str:
        """A secondary diagnosis that is listed as MCC or CC: counted, or excluded and why."""
        code = self.code("dx", found.code)
        if found.counted:
            return f"{code}：{found.level}，计入" if self.zh else f"{code}: {found.level}, counted"
        if self.zh:
            return f"{code}：{found.level}，不计入——与主要诊断同在排除表 {found.exclusion_table}"
        return f"{code}: {found.level}, excluded: exclusion table {found.exclusion_table} is also the principal's"
