"""One case, step by step: why it is in its group, why not in the next higher one, or why in none 「分组说明」.

In: a pack and one case; out: `Explanation`, numbered steps as plain data and as lines of Chinese or English.
The walk observed is the very walk that decides, so the explanation cannot say another group than the result.
Needs no numba. It never changes a result and gives no advice on which code to choose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.packs.gate_words import GateWords
from engine.packs.load import Pack
from engine.packs.wording import amount, variable
from grouper.reason import TEXT_EN, TEXT_ZH, GroupReason, GroupStatus, status_of
from grouper.reference import Outcome
from grouper.tables import COUNT_VARS, Case
from grouper.trace import Attempt, GateTrace, Trace, trace_with

NEAR_MISSES_SHOWN = 8
"""ADRGs explained one by one because some of their tests held; the others are only counted."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. kind: record · mapping · check · complication · gate · result · why_not · advice."""

    kind: str
    text: str
    code: str = ""
    held: bool | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The steps of one case and what they end in."""

    setl_id: str
    pack_id: str
    pack_version: str
    status: str
    reason: int
    mdc: str
    adrg: str
    drg: str
    steps: tuple[Step, ...]

    @property
    def lines(self) -> list[str]:
        """The steps as text, gates marked by whether they opened."""
        marks = {True: "✓ ", False: "✗ ", None: ""}
        return [f"{number:>2}. {marks[step.held]}{step.text}" for number, step in enumerate(self.steps, 1)]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def explain_case(pack: Pack, case: Case, lang: str = "zh") -> Explanation:
    """Why this case is grouped as it is by this pack. `lang` is `zh` or `en`."""
    if lang not in ("zh", "en"):
        raise ValueError(f"unknown language {lang!r}. Allowed: zh, en.")
    trace = trace_with(pack.walker(), case)
    diagnoses = _after_mapping(trace, "dx", case.diagnoses)
    words = GateWords(pack, trace, diagnoses, lang == "zh")
    outcome = trace.outcome
    return Explanation(
        setl_id=case.setl_id,
        pack_id=pack.meta.id,
        pack_version=pack.meta.version,
        status=outcome.status.name,
        reason=int(outcome.reason),
        mdc=outcome.mdc,
        adrg=outcome.adrg,
        drg=outcome.drg,
        steps=tuple(_steps(words, case, trace)),
    )


def _after_mapping(trace: Trace, kind: str, codes: Sequence[str]) -> tuple[str, ...]:
    """The codes the rules saw."""
    mapped = [one.target or "" for one in trace.mapped if one.kind == kind]
    return tuple(mapped) if mapped else tuple(codes)


def _steps(words: GateWords, case: Case, trace: Trace) -> Iterator[Step]:
    yield from _record(words, case)
    yield from _mapping(words, trace)
    status = trace.outcome.status
    if status is GroupStatus.INVALID:
        yield Step("check", _reason(words, trace.outcome.reason), held=False)
        yield _result(words, trace.outcome)
        return
    checks = (
        "性别、年龄、日龄、出生体重检查通过"
        if words.zh
        else "gender, age, age in days and birth weight pass the checks"
    )
    yield Step("check", checks, held=True)
    for found in trace.complications:
        yield Step("complication", words.complication(found), found.code, found.counted)
    if not trace.complications:
        none = "其他诊断中没有 MCC 或 CC" if words.zh else "no secondary diagnosis is listed as MCC or CC"
        yield Step("complication", none)
    for number, attempt in enumerate(trace.attempts):
        if number:
            codes = ", ".join(words.code("op", code) for code in attempt.procedures)
            retry = f"未入组，改以其他手术 {codes} 单独重试" if words.zh else f"ungrouped; again with {codes} alone"
            yield Step("gate", retry)
        yield from _attempt(words, attempt)
    yield _result(words, trace.outcome)
    if trace.outcome.leaf_node_id is not None:
        yield from _why_not_higher(words, trace.attempts[-1], trace.outcome.leaf_node_id)
    if trace.outcome.reason is not GroupReason.GROUPED:
        yield Step("advice", _reason(words, trace.outcome.reason))


def _record(words: GateWords, case: Case) -> Iterator[Step]:
    meta = words.pack.meta
    case_word, pack_word = ("病例", "方案") if words.zh else ("case", "pack")
    head = f"{case_word} {case.setl_id}{words.comma}{pack_word} {meta.id} {meta.version}"
    yield Step("record", head)
    for kind, codes in (("dx", case.diagnoses), ("op", case.procedures)):
        first = words.code(kind, codes[0] if codes else "")
        text = f"{variable(f'{kind}_main', words.zh)}{words.colon}{first}"
        if codes[1:]:
            rest = words.enumerated([words.code(kind, code) for code in codes[1:]])
            others = {"dx": ("其他诊断", "secondary diagnoses"), "op": ("其他手术", "other procedures")}[kind]
            text += f"{words.semicolon}{others[0 if words.zh else 1]}{words.colon}{rest}"
        yield Step("record", text)
    numbers = [
        f"{variable(name, words.zh)} {amount(name, value, words.zh)}"
        for name, value in case.numeric.items()
        if value is not None and name not in COUNT_VARS
    ]
    texts = [f"{variable(name, words.zh)} {value}" for name, value in case.text.items() if value]
    yield Step("record", words.comma.join([*numbers, *texts]) or "-")


def _mapping(words: GateWords, trace: Trace) -> Iterator[Step]:
    for one in trace.mapped:
        if one.target == one.source:
            continue
        if one.target is None:
            goal = "转换表中没有" if words.zh else "not in the code map"
        else:
            goal = words.code(one.kind, one.target) if one.target else ("不再使用" if words.zh else "dropped")
        arrow = "编码转换" if words.zh else "code mapping"
        yield Step("mapping", f"{arrow} {one.source} → {goal}", one.source, one.target is not None)


def _attempt(words: GateWords, attempt: Attempt) -> Iterator[Step]:
    """MDCs in order; under each that opened its ADRGs, under each of those its DRGs."""
    below: dict[int | None, list[GateTrace]] = {}
    for gate in attempt.gates:
        below.setdefault(gate.parent_id, []).append(gate)
    closed: list[str] = []
    for mdc in below.get(None, []):
        if not mdc.held and not words.nearly(mdc):
            closed.append(mdc.code)
            continue
        yield from _passed_over(words, closed)
        yield _gate(words, mdc, attempt)
        yield from _under_mdc(words, attempt, below.get(mdc.node_id, []), below) if mdc.held else ()
    yield from _passed_over(words, closed)


def _under_mdc(
    words: GateWords, attempt: Attempt, gates: Sequence[GateTrace], below: dict[int | None, list[GateTrace]]
) -> Iterator[Step]:
    silent: list[str] = []
    shown = 0
    for gate in gates:
        near = shown < NEAR_MISSES_SHOWN and (words.nearly(gate) or words.misplaced(gate, attempt.procedures))
        if not gate.held and not near:
            silent.append(gate.code)
            continue
        shown += not gate.held
        yield from _passed_over(words, silent)
        yield _gate(words, gate, attempt)
        for drg in below.get(gate.node_id, []):
            yield _gate(words, drg, attempt)
    yield from _passed_over(words, silent)


def _passed_over(words: GateWords, codes: list[str]) -> Iterator[Step]:
    """Gates none of whose lists met the record, in one line; empties the list it is given."""
    if codes:
        shown = words.enumerated(list(dict.fromkeys(codes)))
        yield Step("gate", f"{shown}{words.colon}{'不符合' if words.zh else 'not met'}", held=False)
        codes.clear()


def _gate(words: GateWords, gate: GateTrace, attempt: Attempt) -> Step:
    level = "" if gate.level == "MDC" else f"{gate.level} "
    text = f"{level}{words.node_name(gate)}{words.colon}{words.gate(gate, attempt.procedures)}"
    return Step("gate", text, gate.code, gate.held)


def _result(words: GateWords, outcome: Outcome) -> Step:
    status = status_of(outcome.reason)
    if status in (GroupStatus.OK, GroupStatus.QY):
        names = words.pack.names
        parts = [f"{outcome.mdc} {names.mdc.get(outcome.mdc, '')}".strip()]
        parts.append(f"{outcome.adrg} {names.adrg.get(outcome.adrg, '')}".strip())
        parts.append(f"{outcome.drg} {names.drg.get(outcome.drg, '')}".strip())
        text = " → ".join(parts)
    else:
        text = f"{outcome.mdc} / {outcome.adrg} / {outcome.drg}"
    return Step("result", (f"结果：{text}" if words.zh else f"result: {text}"), outcome.drg, status is GroupStatus.OK)


def _why_not_higher(words: GateWords, attempt: Attempt, leaf_id: int) -> Iterator[Step]:
    """The neighbours tried before the result: groups of its ADRG, and ADRGs that missed by the order of codes alone."""
    gates = attempt.gates
    leaf = next(gate for gate in gates if gate.node_id == leaf_id)
    mdc_id, same_adrg = leaf.parent_id, list[GateTrace]()
    if leaf.level == "DRG":
        mdc_id = next(gate.parent_id for gate in gates if gate.node_id == leaf.parent_id)
        same_adrg = [g for g in gates if g.parent_id == leaf.parent_id and not g.held]
    same_mdc = [g for g in gates if g.parent_id == mdc_id and g.level == "ADRG" and not g.held]
    misplaced = [g for g in same_mdc if words.misplaced(g, attempt.procedures)][:NEAR_MISSES_SHOWN]
    for gate in (*misplaced, *same_adrg):
        name, cause = words.node_name(gate), words.gate(gate, attempt.procedures)
        text = f"未入 {name}，因为{cause}" if words.zh else f"not {name}, because: {cause}"
        yield Step("why_not", text, gate.code, False)


def _reason(words: GateWords, reason: GroupReason) -> str:
    return (TEXT_ZH if words.zh else TEXT_EN)[reason]
