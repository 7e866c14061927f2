"""Whether the special-case decisions of a year may be cleared 「特例单议核对」.

In: the mapped cases of a clearing, their columns, the resolved policy; out: nothing, or one error that names every
decision without its case and every hospital over its quota. A month checks none of this: its cases are only a part.
It approves nothing and changes no case.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.errors import PolicyError
from engine.map_cases import MappedCases
from engine.policy.problems import listed
from engine.policy.resolve import ResolvedPolicy
from pointvalue.cases import CaseColumns, row_of
from pointvalue.review import ReviewRound, overruns
from pointvalue.terms import Flag

Mask = npt.NDArray[np.bool_]


def require_decisions(mapped: MappedCases, columns: CaseColumns, resolved: ResolvedPolicy) -> None:
    """Refuse a year whose decisions do not fit its cases or its quotas."""
    found = [*_without_case(mapped, columns, resolved), *_over_quota(columns, resolved)]
    if found:
        head = "decisions on cases do not fit the year 病例决定与本年度不符"
        raise PolicyError("\n  ".join([f"{head}:", *found]))


def _without_case(mapped: MappedCases, columns: CaseColumns, resolved: ResolvedPolicy) -> Iterator[str]:
    """Facts by case id that name a case this year does not have, each with what became of it."""
    facts = resolved.facts
    named = [
        *(("special_case.decisions", each.case) for each in facts.decisions),
        *(("special_case.applications", each.case) for each in facts.applications or ()),
        *(("new_tech.cases", each.case) for each in facts.new_tech_cases),
    ]
    lost = [(key, case) for key, case in named if row_of(columns.ids, case) < 0]
    if not lost:
        return
    ids = [case for _, case in lost]
    elsewhere = {
        case: f"settled {settled}, discharged {discharged}"
        for case, settled, discharged in mapped.other_period.filter(pl.col("setl_id").is_in(ids))
        .select("setl_id", "settled_on", "discharged_on")
        .iter_rows()
    }
    rejected = dict(mapped.rejected.filter(pl.col("setl_id").is_in(ids)).select("setl_id", "code").iter_rows())
    for key, case in lost:
        if case in elsewhere:
            yield (
                f"{key}: case {case} belongs to another period ({elsewhere[case]}); list it with that year "
                f"不属于本年度，请列入其所属年度"
            )
        elif case in rejected:
            yield f"{key}: case {case} was rejected ({rejected[case]}); mend the record first 病例未被接受，请先更正"
        else:
            yield f"{key}: case {case} is in none of the files of this year; check its id 没有这一病例，请核对结算ID"


def _over_quota(columns: CaseColumns, resolved: ResolvedPolicy) -> Iterator[str]:
    """Hospitals with more approved cases of a scheme than its quota allows 「特例单议例数上限」, or more exchanges."""
    special = (columns.flags & int(Flag.SPECIAL)) != 0
    if not special.any():
        return
    reviews = resolved.facts.reviews or {}
    for place, scheme in enumerate(resolved.area.schemes):
        review = reviews.get(scheme.name)
        if review is None:
            continue
        rounds = _rounds(columns, resolved, columns.scheme == place, special)
        for over in overruns(list(rounds.values()), review.quota):
            found = rounds[over.hospital]
            where = f"hospital {over.hospital}, scheme {scheme.name}: {over.found}"
            if over.what == "quota":
                yield (
                    f"special_case.quota: {where} approved, allowed {over.allowed} of {found.discharges} discharges "
                    f"({listed(sorted(found.approved), 10)}) 超过比例上限"
                )
            elif over.what == "swap":
                yield (
                    f"special_case.swap_rate: {where} exchanged, allowed {over.allowed} of {len(found.applied)} "
                    f"applied for ({listed(sorted(found.swapped), 10)}) 超过可调换比例"
                )
            else:
                raise AssertionError(f"{where} {over.what}: the policy was checked for that at load")


def _rounds(columns: CaseColumns, resolved: ResolvedPolicy, of_scheme: Mask, special: Mask) -> dict[str, ReviewRound]:
    """The year's round of every hospital with approved cases of a scheme; without a table of applications, what was
    approved was applied for."""
    hospitals = resolved.area.hospitals
    discharged = np.bincount(columns.hospital[of_scheme], minlength=len(hospitals))
    applications = resolved.facts.applications
    rows = {} if applications is None else {each.case: row_of(columns.ids, each.case) for each in applications}
    swapped = {each.case for each in applications or () if each.swapped_for}
    found = {}
    for place in np.unique(columns.hospital[of_scheme & special]).tolist():
        own = np.flatnonzero(of_scheme & special & (columns.hospital == place))
        approved = frozenset(columns.ids[int(row)] for row in own)
        asked = {case for case, row in rows.items() if row >= 0 and of_scheme[row] and columns.hospital[row] == place}
        applied = approved if applications is None else frozenset(asked)
        found[hospitals[place].code] = ReviewRound(
            hospital=hospitals[place].code,
            level=hospitals[place].level,
            discharges=int(discharged[place]),
            applied=applied,
            approved=approved,
            swapped=frozenset(applied & swapped),
        )
    return found
