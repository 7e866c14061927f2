"""Policies drawn from the schema, settled from files by the engine and by a second reader: not one difference."""

from __future__ import annotations

import csv
import io
import shutil
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from engine.policy.catalogue import MECHANISMS, PARAMS
from fixtures import policy_coverage as coverage
from fixtures.random_policies import Tally, compare, run, settle, without_reports, write_year
from tests.facts_area import write_cases


def test_a_few_years_differ_in_nothing() -> None:
    tally = run(years=5, cases=None, seed=4, size=40)
    assert tally.differences == []
    assert tally.years == 5 and tally.lines > 300 and tally.scores > 80


@pytest.mark.slow
def test_many_years_differ_in_nothing_and_leave_nothing_out() -> None:
    tally = run(years=400, cases=None, seed=1_000)
    assert tally.differences == []
    assert coverage.never_reached(tally.reached) == []
    assert coverage.never_drawn(tally.drawn) == []


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_year(7, tmp_path / name, Counter(), size=20)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) > 15
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_one_fen_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: the engine gets a file in which the fund booked one fen less a case."""
    year, drawn = write_year(4, tmp_path / "year", Counter(), size=60), Tally()
    other = replace(year, folder=shutil.copytree(year.folder, tmp_path / "other"))
    rows = list(csv.DictReader(io.StringIO(other.cases.read_text(encoding="utf-8"))))
    for row in rows:
        row["hifp_pay"] = str(max(Decimal(0), Decimal(row["hifp_pay"]) - Decimal("0.01")))
    write_cases(other.cases, rows)
    with without_reports():
        assert list(compare(year, drawn)) == []
        monkeypatch.setattr("fixtures.random_policies.settle", lambda _: settle(other))
        assert list(compare(year, drawn)) != []


def test_what_is_excused_exists() -> None:
    known = {key for name in coverage.LISTS for key in coverage.members(name)}
    assert set(coverage.UNREACHED) <= known
    assert set(coverage.NOT_DRAWN) <= {*PARAMS, *MECHANISMS}
