"""Weights, region mean and hospital coefficients from past years' cases 「权重与系数测算」.

In: case files of past years, a policy with `weight_measurement`, a rule pack that groups them all, whatever their date.
Out: per group the measured and the proposed base points beside those in force, the region's mean, and computed hospital
coefficients beside theirs. Sums are integers and means exact; each figure is rounded once. It writes no file
(`measure_files` does) and changes no policy: a proposal becomes policy when somebody puts it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.cases.demand import POOLS, Demand, Profile
from engine.cases.facts import Facts
from engine.editions import Editions, open_edition
from engine.errors import CaseFileError, PolicyError
from engine.map_cases import MappedCases, map_cases
from engine.measure_coefficients import CoefficientMove, coefficient_moves, group_coefficients
from engine.measure_routes import editions_for
from engine.policy import case_params as case
from engine.policy.ask import value_band, weight_terms
from engine.policy.load import AreaPolicy
from engine.policy.tables import WeightTable
from grouper.reason import GroupStatus
from pointvalue.fixed import half_up
from pointvalue.value_band import InitialValue, ValueBand, YearOfCases, initial_value
from pointvalue.weights import GroupState, GroupWeight, HistoryFault, Weights, WeightTerms, measure

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class GroupMove:
    """One group: what was measured, what is in force, and what is proposed. None: there is no such value.

    A group that is not stable keeps the value in force; without one it takes what was measured, if anything was.
    """

    code: str
    name: str
    measured: GroupWeight
    in_force_points_e4: int | None
    in_force_mean_fen: int | None
    points_e4: int | None
    mean_fen: int | None

    @property
    def kept_in_force(self) -> bool:
        return self.measured.state is not GroupState.STABLE and self.in_force_points_e4 is not None

    @property
    def moved_e4(self) -> int | None:
        """Proposed less in force, points ×10⁴ of one case."""
        if self.points_e4 is None or self.in_force_points_e4 is None:
            return None
        return self.points_e4 - self.in_force_points_e4

    @property
    def effect_e4(self) -> int | None:
        """What the move changes over the cases read, points ×10⁴."""
        return None if self.moved_e4 is None else self.moved_e4 * self.measured.read_count


@dataclass(frozen=True)
class Measured:
    """The answer. `ambiguous` are rows in force that no measurement touches: groups of cases without a single group."""

    scheme: str
    years: tuple[int, ...]
    day: date
    pack: str
    terms: WeightTerms
    mapped: MappedCases
    counts: Mapping[str, int]
    cases_by_year: Mapping[int, int]
    region_mean_fen: int
    region_in_force_fen: int | None
    groups: tuple[GroupMove, ...]
    ambiguous: tuple[tuple[str, int, int], ...]
    level_means_fen: Mapping[str, tuple[int | None, ...]]
    """Mean of every group in hospitals of a level, for the levels whose means the table in force has."""
    coefficient_form: str
    coefficients: tuple[CoefficientMove, ...]
    group_coefficients: tuple[tuple[str, str, int], ...]
    """(hospital, group, ×10⁶) where the policy's form is `group_cost`."""
    missing: tuple[str, ...]
    """Groups of the pack for which there is nothing to propose."""
    value_band: ValueBand
    point_values: Mapping[str, InitialValue]
    """Initial point value by pool at the proposed points, without coefficients and classes."""

    @property
    def empty_years(self) -> tuple[int, ...]:
        """Years without a case, whose weight the others take."""
        return tuple(year for year, count in self.cases_by_year.items() if not count)


@dataclass(frozen=True)
class MeasureOptions:
    """How cases are read, and which pack groups them; None = the newest the policy names for the scheme."""

    pack: Path | None = None
    profile: Profile = "compatible"
    mapping: bool | None = None
    threads: int = 2
    progress: Callable[[int], None] | None = None


def measure_policy(
    cases: Sequence[str | Path], policy: AreaPolicy, scheme: str, years: Sequence[int], options: MeasureOptions
) -> Measured:
    """Measure a point scheme from the cases discharged in `years`, oldest first.

    Terms and the table in force are read on 1 January after the newest year. Raises PolicyError where the policy does
    not say how to measure, CaseFileError where the files hold no case to measure by.
    """
    day = date(max(years) + 1, 1, 1)
    terms = _terms(policy, scheme, years, day)
    editions, facts = editions_for(policy, scheme, day, options.pack or _newest_pack(policy, scheme))
    mapped = map_cases(
        cases, _demand(editions, options.profile, facts), editions,
        mapping=options.mapping, threads=options.threads, progress=options.progress,
    )  # fmt: skip
    book = mapped.book
    year = book.ints("discharged_on").astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    own = book.ints("edition") == 0
    grouped = own & (book.ints("status") == GroupStatus.OK)
    wanted = np.isin(year, years)
    cost = book.ints("medfee_sumamt_fen")
    rows = np.flatnonzero(grouped & wanted & (cost > 0))
    if not rows.size:
        held = ", ".join(str(each) for each in sorted(set(year.tolist()))) or "no accepted case"
        raise CaseFileError(f"no grouped case discharged in {', '.join(map(str, years))}; the files hold: {held}.")
    edition = editions.editions[0]
    groups = tuple(sorted(set(edition.group_codes) - edition.ambiguous_codes))
    group = _group_index(editions, mapped, rows, groups)
    place = np.searchsorted(np.array(years, np.int64), year[rows]).astype(np.int32)
    weights = measure(group, place, cost[rows], groups, terms)
    in_force = _in_force(policy, scheme, day)
    moves = _moves(weights, in_force, _names(editions))
    form, coefficients = coefficient_moves(policy, day, mapped, rows, group, weights)
    return Measured(
        scheme=scheme,
        years=tuple(years),
        day=day,
        pack=editions.versions[0],
        terms=terms,
        mapped=mapped,
        counts={
            "measured": int(rows.size),
            "not_grouped": int((wanted & own & ~grouped).sum()),
            "other_schemes": int((wanted & ~own).sum()),
            "without_cost": int((wanted & grouped & (cost <= 0)).sum()),
            "other_years": int((~wanted).sum()),
        },
        cases_by_year={each: int((year[rows] == each).sum()) for each in years},
        region_mean_fen=half_up(weights.region_mean_fen),
        region_in_force_fen=_region_in_force(policy, scheme, day),
        groups=moves,
        ambiguous=_ambiguous(in_force, edition.ambiguous_codes),
        level_means_fen=_level_means(
            _levels(policy, day, mapped, rows), in_force, group, place, cost[rows], groups, terms
        ),
        coefficient_form=form,
        coefficients=coefficients,
        group_coefficients=group_coefficients(policy, day, mapped, rows, group, groups, terms.min_cases),
        missing=tuple(move.code for move in moves if move.points_e4 is None),
        value_band=value_band(policy, scheme, day),
        point_values=_point_values(mapped, rows, group, place, moves, terms, value_band(policy, scheme, day)),
    )


def _point_values(
    mapped: MappedCases,
    rows: npt.NDArray[np.intp],
    group: npt.NDArray[np.int32],
    year: npt.NDArray[np.int32],
    moves: Sequence[GroupMove],
    terms: WeightTerms,
    band: ValueBand,
) -> dict[str, InitialValue]:
    """Initial value of every pool that has cases 「年初点值」, each case at the proposed points of its group."""
    points = np.array([move.points_e4 or 0 for move in moves], np.int64)[group]
    means = np.array([move.mean_fen or 0 for move in moves], np.int64)[group]
    cost = mapped.book.ints("medfee_sumamt_fen")[rows]
    index, pools = mapped.book.codes("insutype")
    found = {}
    for place, pool in enumerate(pools):
        own = (index[rows] == place) & (points > 0)
        cells = [np.flatnonzero(own & (year == each)) for each in range(len(terms.year_weights))]
        cases = [YearOfCases(cost[cell], points[cell], means[cell]) for cell in cells]
        with suppress(HistoryFault):  # a pool without a case in the band has no value to propose
            found[pool] = initial_value(cases, terms.year_weights, band)
    return found


def _terms(policy: AreaPolicy, scheme: str, years: Sequence[int], day: date) -> WeightTerms:
    entries = {entry.id: entry.kind for entry in policy.desk().at(case.SCHEMES, date.max)}
    if entries.get(scheme) != "points":
        allowed = ", ".join(name for name, kind in entries.items() if kind == "points") or "none"
        raise PolicyError(
            f"--scheme {scheme}: weights are measured for schemes of kind points; this policy has: {allowed}."
        )
    terms = weight_terms(policy, scheme, day)
    if terms is None:
        raise PolicyError(
            f"weight_measurement.{scheme}: the policy does not say how its weights are measured. Write the file "
            "weight_measurement.yaml with year_weights, trim and min_cases for this scheme. 缺少权重测算办法"
        )
    if len(terms.year_weights) != len(years):
        raise PolicyError(
            f"weight_measurement.{scheme}.year_weights has {len(terms.year_weights)} weights, but {len(years)} years "
            "were named. Name one year for each weight, oldest first. 年度数与年度权重个数不一致"
        )
    return terms


def _newest_pack(policy: AreaPolicy, scheme: str) -> Path:
    paths = [path for of, path in policy.pack_paths if of == scheme]
    if not paths:
        raise PolicyError(f"area.packs names no rule pack for scheme {scheme}. List one there, or give --pack.")
    return max(paths, key=lambda path: open_edition(path).meta.valid_from or date.min)


def _demand(editions: Editions, profile: Profile, facts: Facts) -> Demand:
    """Cost and hospital of every case; what the fund booked is not asked for."""
    numbers = editions.editions[0].numbers
    demand = Demand("settle", profile, numbers=(), pools=POOLS, dip=False, fund_unused=True, facts=facts)
    return demand.with_numbers(numbers)


def _group_index(
    editions: Editions, mapped: MappedCases, rows: npt.NDArray[np.intp], groups: Sequence[str]
) -> npt.NDArray[np.int32]:
    book = mapped.book
    at = editions.result_rows(book.ints("edition")[rows], book.ints("leaf")[rows], book.ints("status")[rows])
    place = {code: index for index, code in enumerate(groups)}
    codes = [place.get(code or "", -1) for code in editions.results["drg_code"].to_pylist()]
    found = np.array(codes, np.int32)[at]
    assert not found.size or int(found.min()) >= 0, "a grouped case without a group of its pack"
    return found


def _in_force(policy: AreaPolicy, scheme: str, day: date) -> WeightTable | None:
    """The table in force on the day; None where the policy has none yet."""
    setting = policy.settings.get(case.WEIGHTS.key)
    held = [start for start in setting.starts if start.on is None or start.on <= day] if setting else []
    if not held or held[-1].ended:
        return None
    table: WeightTable | None = held[-1].value.get(scheme)
    return table


def _region_in_force(policy: AreaPolicy, scheme: str, day: date) -> int | None:
    setting = policy.settings.get(case.REGION_MEAN.key)
    held = [start for start in setting.starts if start.on is None or start.on <= day] if setting else []
    return None if not held or held[-1].ended else held[-1].value.get(scheme)


def _names(editions: Editions) -> dict[str, str]:
    codes, names = (editions.results[name].to_pylist() for name in ("drg_code", "drg_name"))
    return {code: name or "" for code, name in zip(codes, names, strict=True) if code}


def _moves(weights: Weights, in_force: WeightTable | None, names: Mapping[str, str]) -> tuple[GroupMove, ...]:
    return tuple(_move(each, in_force, names.get(each.group, "")) for each in weights.groups)


def _move(each: GroupWeight, in_force: WeightTable | None, name: str) -> GroupMove:
    row = -1 if in_force is None else in_force.row(each.group)
    points = None if in_force is None or row < 0 else in_force.base_points_e4[row]
    mean = None if in_force is None or row < 0 else in_force.cost_mean_fen[row]
    found = GroupMove(each.group, name, each, points, mean, points, mean)
    if found.kept_in_force or each.mean_fen is None or each.base_points_e4 <= 0:
        return found
    return replace(found, points_e4=each.base_points_e4, mean_fen=half_up(each.mean_fen))


def _levels(policy: AreaPolicy, day: date, mapped: MappedCases, rows: npt.NDArray[np.intp]) -> list[str]:
    """Level of every case's hospital on the day, empty for one the policy does not list."""
    level = {each.code: each.level for each in policy.desk().at(case.HOSPITALS, day).hospitals}
    index, codes = mapped.book.codes("fixmedins_code")
    by_place = [level.get(code, "") for code in codes]
    return [by_place[place] for place in index[rows].tolist()]


def _level_means(
    levels: Sequence[str],
    in_force: WeightTable | None,
    group: npt.NDArray[np.int32],
    year: npt.NDArray[np.int32],
    cost: I64,
    groups: Sequence[str],
    terms: WeightTerms,
) -> dict[str, tuple[int | None, ...]]:
    """Means within each level that the table in force gives means for, measured as the region's are."""
    found: dict[str, tuple[int | None, ...]] = {}
    of_case = np.array(levels, np.str_)
    for wanted in sorted(in_force.cost_mean_fen_by_level) if in_force else ():
        own = of_case == wanted
        if own.any():
            means = [each.mean_fen for each in measure(group[own], year[own], cost[own], groups, terms).groups]
            found[wanted] = tuple(None if mean is None else half_up(mean) for mean in means)
    return found


def _ambiguous(in_force: WeightTable | None, codes: frozenset[str]) -> tuple[tuple[str, int, int], ...]:
    if in_force is None:
        return ()
    rows = [(code, in_force.row(code)) for code in sorted(codes)]
    return tuple((code, in_force.base_points_e4[row], in_force.cost_mean_fen[row]) for code, row in rows if row >= 0)
