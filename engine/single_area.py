"""One case of an area, explained: which scheme takes it and why, then its grouping 「付费方式说明」.

In: case files, a settlement id, an area's policy folder. Out: lines of text; a case of a scheme at its own price ends
with what it is paid for. It asks the same conditions in the same order as a run, without the batch kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from engine.cases.demand import Demand
from engine.cases.facts import Facts
from engine.conditions import Conditions
from engine.edition_apart import KIND_NAMES, ApartEdition
from engine.errors import CaseFileError, PackError
from engine.lang import say
from engine.packs.load import Pack
from engine.policy import case_params as case
from engine.policy.load import AreaPolicy, load_policy
from engine.policy.resolve import ResolvedPolicy, resolve
from engine.routing import Router
from engine.single import AnyPack, has_dip, open_pack
from engine.single_frame import explained, find_case
from pointvalue.terms import POINT_KINDS


def explain_in_area(paths: Sequence[Path], setl_id: str, folder: Path, profile: str | None) -> list[str]:
    """The explanation of one case under the policy of an area, a line a step."""
    policy = load_policy(folder)
    entries = policy.desk().at(case.PACKS, date.max)
    packs = {entry.path: open_pack(folder / entry.path) for entry in entries}
    frame = find_case(paths, setl_id, _demand(policy, list(packs.values()), profile))
    period = frame.select("settled_on", "discharged_on").row(0, named=True)
    by_settlement = policy.desk().at(case.PERIOD_BY, date.max) == "settle_date"
    year: date = period["settled_on" if by_settlement else "discharged_on"]
    resolved = resolve(policy, year.year)
    lines, scheme = _scheme_of(policy, resolved, frame)
    if scheme is None:
        return lines
    return [*lines, *explained(_pack_for(entries, packs, scheme, frame), frame)]


def _demand(policy: AreaPolicy, packs: Sequence[AnyPack], profile: str | None) -> Demand:
    """What a settling run would ask of the files, whatever the year."""
    desk = policy.desk()
    asked = [entry.when for entry in desk.at(case.SCHEMES, date.max) if entry.when is not None]
    asked += [category.when for category in desk.at(case.BED_DAY_CATEGORIES, date.max)]
    named = {pack.tables.options.validation_profile for pack in packs if isinstance(pack, Pack)}
    strict = profile == "strict" or (profile is None and named == {"strict"})
    demand = Demand(
        "settle",
        "strict" if strict else "compatible",
        numbers=(),
        dip=has_dip(packs),
        facts=Facts(required=tuple(sorted(frozenset().union(*(when.columns for when in asked))))),
    )
    for pack in packs:
        if isinstance(pack, Pack):
            demand = demand.with_numbers(pack.tables.numeric)
    return demand


def _scheme_of(policy: AreaPolicy, resolved: ResolvedPolicy, frame: pl.DataFrame) -> tuple[list[str], str | None]:
    """Lines on the scheme that takes the case, and its name where a pack groups for it."""
    routes = resolved.routes
    conditions = Conditions({h.code: h for h in resolved.area.hospitals}, policy.code)
    own = [place for place, route in enumerate(routes) if route.kind not in POINT_KINDS]
    apart = [
        ApartEdition(routes[place], conditions, resolved.version, resolved.fingerprint, "discharge_date")
        for place in own
    ]
    place = int(Router(routes, tuple(own), conditions).scheme_of_cases(frame, apart)[0])
    if place < 0:
        raise CaseFileError(
            say(
                f"病例没有适用的付费方式：{'、'.join(route.scheme for route in routes)} 的条件都不满足。",
                f"no scheme takes this case: no condition of {', '.join(r.scheme for r in routes)} holds.",
            )
        )
    lines = [
        say(f"付费方式 {r.scheme} 不适用：{r.when}", f"scheme {r.scheme} does not take it: {r.when}")
        for r in routes[:place]
    ]
    route = routes[place]
    asked = route.when or say("无条件", "no condition")
    lines.append(say(f"付费方式 {route.scheme} 适用：{asked}", f"scheme {route.scheme} takes it: {asked}"))
    if route.kind in POINT_KINDS:
        return lines if len(routes) > 1 else [], route.scheme
    edition = apart[own.index(place)]
    leaf = int(edition.leaves(frame)[0])
    zh, en = KIND_NAMES[route.kind]
    answer = edition.answers()[leaf] if leaf >= 0 else {}
    group = f" {edition.group_codes[leaf]} {answer.get('dip_name') or ''}".rstrip() if leaf >= 0 else ""
    lines.append(say(f"{zh}{group}，不参与分组。", f"{en}{group}: it is not grouped."))
    return lines, None


def _pack_for(
    entries: Sequence[case.PackEntry], packs: dict[str, AnyPack], scheme: str, frame: pl.DataFrame
) -> AnyPack:
    """The pack of a scheme on the case's date."""
    own = [entry for entry in entries if entry.scheme == scheme]
    for entry in own:
        pack = packs[entry.path]
        meta = replace(
            pack.meta, valid_from=entry.first or pack.meta.valid_from, valid_to=entry.last or pack.meta.valid_to
        )
        column = "settled_on" if meta.chosen_by == "settlement_date" else "discharged_on"
        day: date | None = frame[column][0]
        undated = meta.valid_from is None and meta.valid_to is None
        if undated or (day is not None and (meta.valid_from or date.min) <= day <= (meta.valid_to or date.max)):
            return pack
    raise PackError(
        say(
            f"付费方式 {scheme} 在该病例的日期没有可用的分组方案。",
            f"scheme {scheme} has no pack in force on the date of this case.",
        )
    )
