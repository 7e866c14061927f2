"""No posting line can be lost: a year, a month, a run from files or its reports without any one line is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import engine.run
from engine.area import load_area
from engine.clearing_table import Period
from engine.report.closing import check
from engine.report.facts import ReportError
from engine.run import clear, presettle
from engine.run_parts import RunOptions, RunResult
from fixtures.generate import CityFiles, generate_city
from pointvalue.invariants import InvariantBroken, prove, require_months
from pointvalue.lines import PostingLine
from pointvalue.terms import Cause
from tests.promised_years import YEARS, causes_of, cleared
from tests.small_city import DEMO, YEAR, demo_area


def test_the_rich_years_post_every_cause_there_is() -> None:
    posted = {cause for name in YEARS for cause in causes_of(name)}
    assert {cause.value for cause in Cause} == posted


@pytest.mark.parametrize(("name", "cause"), [(name, cause) for name in YEARS for cause in causes_of(name)])
def test_a_year_without_any_one_line_of_this_cause_is_not_published(name: str, cause: str) -> None:
    """`prove` is the last step before a result leaves the clearing. Random years: test_pointvalue_properties."""
    result, cases, scored, area = cleared(name)
    prove(result, cases, scored, area)
    places = [place for place, line in enumerate(result.lines) if line.cause.value == cause]
    assert places
    for place in places:
        without = replace(result, lines=(*result.lines[:place], *result.lines[place + 1 :]))
        with pytest.raises(InvariantBroken, match="不得发布"):
            prove(without, cases, scored, area)
            pytest.fail(f"nothing misses {result.lines[place]}")


@pytest.mark.parametrize(("name", "cause"), [(name, cause) for name in YEARS for cause in causes_of(name)])
def test_a_year_with_a_line_of_this_cause_moved_to_another_hospital_is_not_published(name: str, cause: str) -> None:
    """The sums stay; whose money it is does not."""
    result, cases, scored, area = cleared(name)
    for place, line in enumerate(result.lines):
        if line.cause.value != cause:
            continue
        other = next(code for code in (*area.hospital_codes, "") if code != line.hospital)
        astray = replace(
            result, lines=(*result.lines[:place], replace(line, hospital=other), *result.lines[place + 1 :])
        )
        with pytest.raises(InvariantBroken):
            prove(astray, cases, scored, area)
            pytest.fail(f"nobody minds {line} at {other or 'the reserve'}")


def test_a_month_line_too_many_is_refused() -> None:
    result = cleared("as contracted")[0]
    months = [line for line in result.lines if line.is_month]
    require_months(result.months, months)
    stray = PostingLine("310", "H1", Period(2024, 2).line_period, Cause.ADVANCE_PAID, "", 1)
    with pytest.raises(InvariantBroken, match="H1 month 2"):
        require_months(result.months, [*months, stray])
    stranger = replace(stray, hospital="H9")
    with pytest.raises(InvariantBroken, match="H9 month 2 advance_paid"):
        require_months(result.months, [*months, stranger])


# --- runs from files -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> CityFiles:
    """A city of some six hundred cases in files."""
    return generate_city(tmp_path_factory.mktemp("promised"), 600, 5)


@pytest.fixture(scope="module")
def whole_run(city: CityFiles, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """The city's year as it should be."""
    return clear(
        [*city.case_files, city.later], demo_area(), YEAR, RunOptions(tmp_path_factory.mktemp("w"), months="cases")
    )


def test_a_run_from_files_that_loses_one_line_of_any_cause_leaves_no_folder(
    city: CityFiles, whole_run: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost after the clearing has proved itself, on the way to the files: publishing proves its lines again."""
    real = engine.run.clear_year
    causes = sorted({line.cause.partition(".")[0] for line in whole_run.published.figures.lines})
    assert len(causes) >= 14

    def losing(cause: str) -> Callable[..., Any]:
        def clear_year(*given: Any, **named: Any) -> Any:
            result = real(*given, **named)
            place = next(n for n, line in enumerate(result.lines) if line.cause.value == cause)
            return replace(result, lines=(*result.lines[:place], *result.lines[place + 1 :]))

        return clear_year

    for cause in causes:
        monkeypatch.setattr(engine.run, "clear_year", losing(cause))
        with pytest.raises(InvariantBroken):
            clear([*city.case_files, city.later], demo_area(), YEAR, RunOptions(tmp_path / "runs", months="cases"))
            pytest.fail(f"a run without a line of {cause} was published")
        assert not (tmp_path / "runs").exists()


def test_reports_refuse_figures_without_any_one_line(whole_run: RunResult) -> None:
    figures = whole_run.published.figures
    check(figures)
    for place, line in enumerate(figures.lines):
        with pytest.raises((InvariantBroken, ReportError)):
            check(replace(figures, lines=(*figures.lines[:place], *figures.lines[place + 1 :])))
            pytest.fail(f"the reports do not miss {line}")


def test_a_month_that_loses_any_line_leaves_no_folder(
    city: CityFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = engine.run.settle_month
    month = city.months[f"{YEAR}01"]
    kept = presettle(month, demo_area(), YEAR, 1, RunOptions(tmp_path / "kept"))
    assert kept.published is not None
    causes = {line.cause for line in kept.published.figures.lines}
    assert causes == {"prepayment", "deposit_withheld", "advance_paid"}

    def losing(cause: str) -> Callable[..., Any]:
        def settle_month(*given: Any) -> Any:
            result = real(*given)
            place = next(n for n, line in enumerate(result.lines) if line.cause.value == cause)
            return replace(result, lines=(*result.lines[:place], *result.lines[place + 1 :]))

        return settle_month

    for cause in sorted(causes):
        monkeypatch.setattr(engine.run, "settle_month", losing(cause))
        with pytest.raises(InvariantBroken, match="2 mid-year"):
            presettle(month, demo_area(), YEAR, 1, RunOptions(tmp_path / "runs"))
            pytest.fail(f"a month without a line of {cause} was published")
        assert not (tmp_path / "runs").exists()


def test_coefficients_of_1_in_the_list_settle_like_no_coefficients_at_all(city: CityFiles, tmp_path: Path) -> None:
    """Column `medins_coef` all 1 against `hospital_coefficient: none`."""
    lines = []
    for name in ("ones", "none"):
        folder = tmp_path / name
        shutil.copytree(DEMO, folder)
        hospitals, points = folder / "policy" / "hospitals.csv", folder / "policy" / "points.yaml"
        if name == "ones":
            rows = [row.split(",") for row in hospitals.read_text(encoding="utf-8").splitlines()]
            place = rows[0].index("medins_coef")
            assert len({row[place] for row in rows[1:]}) > 1
            listed = [rows[0], *([*row[:place], "1.000000", *row[place + 1 :]] for row in rows[1:])]
            hospitals.write_text("\n".join(",".join(row) for row in listed) + "\n", encoding="utf-8")
        else:
            text = points.read_text(encoding="utf-8")
            assert "hospital_coefficient: by_hospital" in text
            points.write_text(text.replace("hospital_coefficient: by_hospital", "hospital_coefficient: none"), "utf-8")
        options = RunOptions(tmp_path / f"runs-{name}", months="cases")
        result = clear([*city.case_files, city.later], load_area(folder), YEAR, options)
        lines.append(pl.read_parquet(result.folder / "lines.parquet").drop("line", "rule", "tag"))
    assert lines[0].equals(lines[1])
