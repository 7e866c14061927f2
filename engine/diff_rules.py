"""What two runs were made with, side by side 「规则与输入之差」: packs, policy values, program, parameters, case files.

In: two manifests and the rules their shelves keep. Out: one row for everything that is not the same, a policy value
with its key, its first day and from → to. A change that no case of the period can feel is told, and marked as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

from engine.errors import DianzhiError
from engine.ledger.kept import POLICIES, rules_place
from engine.ledger.manifest import Manifest
from engine.policy.canon import as_text, canonical, written_text
from engine.policy.load import AreaPolicy, load_policy
from engine.policy.settings import Setting, Start

DECIDED_BY = {"audits": "", "special_case.decisions": "decisions", "new_tech.cases": "cases"}
"""Policy keys that decide on single cases, and the field of the table that lists them where it is one."""
_SHOWN = 3
_NOT_SET = "–"
_ALWAYS, _NEVER = date.min, date.max


@dataclass(frozen=True)
class RuleChange:
    """One thing two runs do not share. `kind`: pack, policy, engine, parameter, input. `felt`: within the period."""

    kind: str
    name: str
    since: str
    was: str
    now: str
    felt: bool = True

    def __str__(self) -> str:
        since = f" {self.since}" if self.since else ""
        return f"{self.kind} {self.name}{since}: {self.was} → {self.now}"


@dataclass(frozen=True)
class RuleChanges:
    """All of them; which pack texts changed; which cases an audit decision differs for."""

    rows: tuple[RuleChange, ...]
    packs: tuple[Mapping[str, str], Mapping[str, str]]
    """Of either run: `grp_ver` → fingerprint."""
    decided: frozenset[str]

    def felt(self, kind: str) -> tuple[RuleChange, ...]:
        return tuple(row for row in self.rows if row.kind == kind and row.felt)

    def keys(self, *mechanisms: str) -> str:
        """The changed policy values of some mechanisms, as a reason; empty if there are none."""
        found = [row for row in self.felt("policy") if row.name in mechanisms or row.name.split(".")[0] in mechanisms]
        return "; ".join(str(row) for row in found)


def rule_changes(first: tuple[Path, Manifest], second: tuple[Path, Manifest]) -> RuleChanges:
    """Compare what two runs recorded. `first` and `second`: shelf and manifest."""
    was, now = first[1], second[1]
    rows = [*_packs(was, now), *_engine(was, now), *_parameters(was, now), *_inputs(was, now)]
    decided: frozenset[str] = frozenset()
    before, after = (_policy(shelf, manifest) for shelf, manifest in (first, second))
    if before is not None and after is not None:
        window = _window(was, now)
        rows += _policy_rows(before, after, window)
        decided = frozenset(case for case, _ in _decisions(before).symmetric_difference(_decisions(after)))
    elif [p["fingerprint"] for p in was.policies] != [p["fingerprint"] for p in now.policies]:
        versions = [", ".join(p["version"] for p in manifest.policies) or _NOT_SET for manifest in (was, now)]
        rows.append(RuleChange("policy", "(not kept)", "", versions[0], versions[1]))
    return RuleChanges(tuple(rows), (_versions(was), _versions(now)), decided)


def _versions(manifest: Manifest) -> dict[str, str]:
    return {f"{pack['id']}@{pack['version']}": pack["fingerprint"] for pack in manifest.packs}


def _packs(was: Manifest, now: Manifest) -> Iterator[RuleChange]:
    before, after = _versions(was), _versions(now)
    for name in sorted(set(before) | set(after)):
        if before.get(name) != after.get(name):
            yield RuleChange("pack", name, "", before.get(name, _NOT_SET)[:12], after.get(name, _NOT_SET)[:12])


def _engine(was: Manifest, now: Manifest) -> Iterator[RuleChange]:
    for part in sorted({*was.engine, *now.engine}):
        before, after = was.engine.get(part, _NOT_SET), now.engine.get(part, _NOT_SET)
        if before != after:
            yield RuleChange("engine", part, "", before[:19], after[:19])


def _parameters(was: Manifest, now: Manifest) -> Iterator[RuleChange]:
    for key in sorted({*was.parameters, *now.parameters} - {"defaults_used"}):
        before, after = str(was.parameters.get(key, _NOT_SET)), str(now.parameters.get(key, _NOT_SET))
        if before != after:
            yield RuleChange("parameter", key, "", before, after)


def _inputs(was: Manifest, now: Manifest) -> Iterator[RuleChange]:
    before, after = ({item.sha256: item.name for item in manifest.inputs} for manifest in (was, now))
    gone = [name for sha, name in before.items() if sha not in after]
    come = {name: sha for sha, name in after.items() if sha not in before}
    for name in gone:
        now_text = f"sha256 {come.pop(name)[:12]}" if name in come else _NOT_SET
        sha = next(sha for sha, other in before.items() if other == name and sha not in after)
        yield RuleChange("input", name, "", f"sha256 {sha[:12]}", now_text)
    for name, sha in come.items():
        yield RuleChange("input", name, "", _NOT_SET, f"sha256 {sha[:12]}")


def _policy(shelf: Path, manifest: Manifest) -> AreaPolicy | None:
    """The policy a run kept; None if it kept none or it cannot be read by this version."""
    if len(manifest.policies) != 1 or "kept" not in manifest.policies[0]:
        return None
    place = rules_place(shelf, POLICIES, manifest.policies[0]["fingerprint"])
    try:
        return load_policy(place) if place.is_dir() else None
    except DianzhiError:
        return None


def _window(*manifests: Manifest) -> tuple[date, date]:
    """Days that can price a case: the years of the periods, and the year before, when a stay may have ended."""
    years = [int(manifest.period[:4]) for manifest in manifests if manifest.period[:4].isdigit()]
    return (date(min(years) - 1, 1, 1), date(max(years), 12, 31)) if years else (_ALWAYS, _NEVER)


def _policy_rows(before: AreaPolicy, after: AreaPolicy, window: tuple[date, date]) -> Iterator[RuleChange]:
    for key in sorted({*before.settings, *after.settings}):
        spans = [_spans(policy.settings.get(key)) for policy in (before, after)]
        for on in sorted({*spans[0], *spans[1]}):
            was, now = (each.get(on) for each in spans)
            texts = _moved(was and was[0], now and now[0])
            if texts is None:
                continue
            felt = any(each is not None and on <= window[1] and each[1] >= window[0] for each in (was, now))
            yield RuleChange("policy", key, "" if on == _ALWAYS else on.isoformat(), *texts, felt)


def _spans(setting: Setting | None) -> dict[date, tuple[Start, date]]:
    """First day → the value and the last day before the next one."""
    starts = setting.starts if setting is not None else ()
    ends = [*(start.on or _ALWAYS for start in starts[1:]), _NEVER][: len(starts)]
    return {start.on or _ALWAYS: (start, end) for start, end in zip(starts, ends, strict=True)}


def _moved(was: Start | None, now: Start | None) -> tuple[str, str] | None:
    """From → to of one dated value; None if it says the same."""
    if was is None or now is None:
        return (_text(was), _text(now))
    if canonical(was.value) == canonical(now.value):
        return None
    before, after = written_text(was.node), written_text(now.node)
    if before != after and max(len(before), len(after)) <= 80:
        return before, after
    leaves = list(_leaves("", was.value, now.value))
    more = f" and {len(leaves) - _SHOWN} more" if len(leaves) > _SHOWN else ""
    told = [", ".join(f"{path} {pair[side]}".strip() for path, *pair in leaves[:_SHOWN]) for side in (0, 1)]
    return told[0] + more, told[1] + more


def _text(start: Start | None) -> str:
    if start is None or start.ended:
        return _NOT_SET
    text = written_text(start.node)
    return text if len(text) <= 80 else text[:77] + "…"


def _leaves(path: str, was: Any, now: Any) -> Iterator[tuple[str, str, str]]:
    """The innermost values that differ, each with the way to it; rows of a table go by their group."""
    if canonical(was) == canonical(now):
        return
    if is_dataclass(was) and type(was) is type(now) and not isinstance(was, type):
        for name in vars(was) if hasattr(was, "__dict__") else was.__slots__:  # type: ignore[attr-defined]
            if not name.startswith("_"):
                yield from _leaves(f"{path}.{name}".lstrip("."), *_keyed(was, now, name))
    elif isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in sorted({*was, *now}, key=str):
            yield from _leaves(f"{path}[{key}]", was.get(key), now.get(key))
    elif isinstance(was, list | tuple) and isinstance(now, list | tuple):
        for at in range(max(len(was), len(now))):
            yield from _leaves(f"{path}[{at + 1}]", *(each[at] if at < len(each) else None for each in (was, now)))
    else:
        yield path, _NOT_SET if was is None else as_text(was), _NOT_SET if now is None else as_text(now)


def _keyed(was: Any, now: Any, name: str) -> tuple[Any, Any]:
    """A column of a table as a mapping from group to value; anything else as it is."""
    values = tuple(getattr(each, name) for each in (was, now))
    groups = tuple(getattr(each, "groups", None) for each in (was, now))
    columns = zip(values, groups, strict=True)
    if name != "groups" and all(isinstance(v, tuple) and isinstance(g, tuple) and len(v) == len(g) for v, g in columns):
        made = [dict(zip(g, v, strict=True)) for v, g in zip(values, groups, strict=True)]  # type: ignore[arg-type]
        return made[0], made[1]
    return values[0], values[1]


def _decisions(policy: AreaPolicy) -> set[tuple[str, str]]:
    """(case, decision in one text) of every audit, review and extra points that name a case."""
    found = set()
    for key, listed in DECIDED_BY.items():
        setting = policy.settings.get(key)
        for start in setting.starts if setting is not None else ():
            for decision in (getattr(start.value, listed) if listed and start.value else start.value) or ():
                if getattr(decision, "case", None):
                    found.add((decision.case, str(canonical(decision))))
    return found
