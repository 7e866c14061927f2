"""City and county 「市县两级基金收支责任分担」: who bears a county's overrun, and who keeps what it saved.

In: what each county's hospitals were paid and what it was allotted, in fen; out: its gap, split between county and
city to the fen. A statement between two treasuries: no hospital is paid a fen more or less for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from pointvalue.fixed import half_up


class CountyFault(ValueError):
    """A county spends without an allotment, or a ratio is no share."""


@dataclass(frozen=True, slots=True)
class CountyTerms:
    """The county's part of a deficit, and of a surplus (0: all of it stays with the city's fund)."""

    deficit_ratio: Fraction
    surplus_ratio: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        for ratio in (self.deficit_ratio, self.surplus_ratio):
            if not 0 <= ratio <= 1:
                raise CountyFault(f"a county's part of {ratio} is not between 0 and 1 比例须在 0 与 1 之间")


@dataclass(frozen=True, slots=True)
class CountyGap:
    """One county. Above zero: the county pays, or the city covers; below zero: what each keeps of a surplus."""

    spent_fen: int
    allotted_fen: int
    county_fen: int

    @property
    def gap_fen(self) -> int:
        return self.spent_fen - self.allotted_fen

    @property
    def city_fen(self) -> int:
        """The rest of the gap, so that both parts make up the whole."""
        return self.gap_fen - self.county_fen


def county_gaps(
    spent_fen: Mapping[str, int], allotted_fen: Mapping[str, int], terms: CountyTerms
) -> dict[str, CountyGap]:
    """The gap of every allotted county and the county's part of it, counties in order.

    county part = half_up(ratio × (spent − allotted)), by the deficit's or the surplus's ratio
    """
    strangers = sorted(set(spent_fen) - set(allotted_fen))
    if strangers:
        raise CountyFault(f"no allotment for {', '.join(strangers)}; give county_share.allotment 缺少县级额度")
    found = {}
    for county in sorted(allotted_fen):
        spent, allotted = spent_fen.get(county, 0), allotted_fen[county]
        ratio = terms.deficit_ratio if spent > allotted else terms.surplus_ratio
        found[county] = CountyGap(spent, allotted, half_up(ratio * (spent - allotted)))
    return found
