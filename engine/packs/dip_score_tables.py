"""The tables of a DIP pack that turn a group into points: hospitals, prices, deviation bands, the ungrouped.

In: typed tables; out: `ScoringTables` for pointvalue, and the code of the blank group if there is one.
Bands that overlap or leave a gap, and references to groups that are not there, are problems with file and line.
It scores nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from engine.packs.dip_errors import DipProblems
from engine.packs.dip_read import DipTable, decimal_text
from pointvalue.dip_score_tables import DeviationBand, HospitalFactor, Price, ScoringTables, UngroupedPay
from pointvalue.fixed import E6


def read_scoring(
    sources: Mapping[str, DipTable], codes: set[str], problems: DipProblems
) -> tuple[ScoringTables, str | None]:
    """Scoring tables and the blank group's code."""
    ungrouped, blank = _ungrouped(sources.get("ungrouped"), codes, problems)
    scoring = ScoringTables(
        bands=_bands(sources.get("deviation"), problems),
        hospitals=tuple(
            HospitalFactor(
                r["code"], r["insurance"], r["month"], r["insured_place"], r["factor"] or 0, r["level"], r["class"]
            )
            for r in _rows(sources, "hospital")
        ),
        prices=tuple(
            Price(
                r["hospital"],
                r["insurance"],
                r["month"],
                r["insured_place"],
                r["point_value"],
                r["cost_factor"],
                r["basic_cost_factor"],
            )
            for r in _rows(sources, "price")
        ),
        group_factors_e6=_group_factors(sources, codes, problems),
        ungrouped=ungrouped,
    )
    return scoring, blank


def _rows(sources: Mapping[str, DipTable], stem: str) -> list[dict[str, Any]]:
    return list(sources[stem].rows()) if stem in sources else []


def _group_factors(
    sources: Mapping[str, DipTable], codes: set[str], problems: DipProblems
) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for row, r in enumerate(_rows(sources, "hospital_group_factor")):
        at = sources["hospital_group_factor"].at(row, "group_code")
        if r["group_code"] not in codes:
            problems.add("dip.group", at, f"group {r['group_code']!r} is not in table group.")
        key = (r["group_code"] or "", r["level"] or "")
        if key in found:
            problems.add("dip.duplicate", at, f"{key[0]} has two factors for level {key[1]}; keep one.")
        found[key] = r["factor"] or 0
    return found


def _bands(table: DipTable | None, problems: DipProblems) -> tuple[DeviationBand, ...]:
    found: list[tuple[int, DeviationBand]] = []
    for row, r in enumerate(table.rows() if table is not None else ()):
        assert table is not None
        if r["lo"] is not None and r["hi"] is not None and r["lo"] > r["hi"]:
            problems.add("dip.band", table.at(row, "lo"), "lo is above hi; exchange them.")
        band = DeviationBand(
            r["seq"] or 0,
            r["label"] or "",
            r["formula"] or "",
            r["lo"],
            bool(r["lo_inclusive"]),
            r["hi"],
            bool(r["hi_inclusive"]),
            r["apply_hospital"] is not False,
            r["apply_aux"] is not False,
        )
        found.append((row, band))
    found.sort(key=lambda pair: (pair[1].lo_e6 is not None, pair[1].lo_e6 or 0))
    for (_, below), (row, above) in pairwise(found):
        assert table is not None
        _check_meeting(below, above, table.at(row), problems)
    return tuple(band for _, band in found)


def _check_meeting(below: DeviationBand, above: DeviationBand, where: str, problems: DipProblems) -> None:
    """Neighbouring bands share exactly their limit, and exactly one of them holds it."""
    if below.hi_e6 is None or above.lo_e6 is None or below.hi_e6 > above.lo_e6:
        problems.add(
            "dip.band", where, f"band {above.label!r} overlaps {below.label!r}; let one end where the next begins."
        )
    elif below.hi_e6 < above.lo_e6:
        problems.add(
            "dip.band", where, f"no band holds ratios between {below.label!r} and {above.label!r}; close the gap."
        )
    elif below.hi_inclusive == above.lo_inclusive:
        both = "both hold" if below.hi_inclusive else "neither holds"
        what = f"limit {below.hi_e6}e-6: {both} it; set hi_inclusive of one or lo_inclusive of the other, not both."
        problems.add("dip.band", where, what)


def _ungrouped(table: DipTable | None, codes: set[str], problems: DipProblems) -> tuple[UngroupedPay, str | None]:
    if table is None or table.height == 0:
        return UngroupedPay(), None
    if table.height > 1:
        problems.add("dip.duplicate", table.file, f"{table.height} rows; table ungrouped has exactly one.")
    r = next(table.rows())
    mode, blank, base = r["mode"] or "none", r["group_code"], None
    if mode == "blank_group" and blank not in codes:
        what = f"group_code {blank!r} is not in table group; name the blank group 「空白病组」."
        problems.add("dip.group", table.at(0, "group_code"), what)
    if mode == "blank_group" and r["base"] not in (None, "row_mean"):
        what = f"base {r['base']!r}; a blank group is paid by row_mean (its own mean cost)."
        problems.add("dip.row", table.at(0, "base"), what)
    if mode == "city_mean":
        base = decimal_text(r["base"] or "", 4)
        if base is None:
            problems.add("dip.row", table.at(0, "base"), "mode city_mean needs the city's mean points as a decimal.")
    return UngroupedPay(mode, r["factor"] if r["factor"] is not None else E6, base), blank
