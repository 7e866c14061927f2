"""Whether the special-case decisions of a year may be cleared 「特例单议核对」.

In: the mapped cases of a clearing, their columns, the resolved policy; out: nothing, or one error that names every
decision without its case and every hospital over its quota. A month checks none of this: its cases are only a part.
It approves nothing and changes no case.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from engine.errors import PolicyError
from engine.map_cases import MappedCases
from engine.policy.problems import listed
from engine.policy.resolve import ResolvedPolicy
from pointvalue.cases import CaseColumns, row_of
from pointvalue.review import special_quota
from pointvalue.terms import Flag


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
    """Hospitals with more approved cases of a scheme than its quota allows 「特例单议例数上限」."""
    special = (columns.flags & int(Flag.SPECIAL)) != 0
    if not special.any():
        return
    hospitals, reviews = resolved.area.hospitals, resolved.facts.reviews or {}
    for place, scheme in enumerate(resolved.area.schemes):
        review = reviews.get(scheme.name)
        if review is None:
            continue
        of_scheme = columns.scheme == place
        discharged = np.bincount(columns.hospital[of_scheme], minlength=len(hospitals))
        approved = np.bincount(columns.hospital[of_scheme & special], minlength=len(hospitals))
        for row in np.flatnonzero(approved).tolist():
            rate = review.quota.rate_of(hospitals[row].level)
            allowed = special_quota(int(discharged[row]), rate, review.quota.rounding)
            if int(approved[row]) > allowed:
                rows = np.flatnonzero(of_scheme & special & (columns.hospital == row))
                ids = [columns.ids[int(case)] for case in rows]
                yield (
                    f"special_case.quota: hospital {hospitals[row].code}, scheme {scheme.name}: {int(approved[row])} "
                    f"approved, allowed {allowed} of {int(discharged[row])} discharges ({listed(ids, 10)}) 超过比例上限"
                )
