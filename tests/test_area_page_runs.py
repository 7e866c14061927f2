"""docs/add-an-area.md is run as it stands, with its mistakes and messages; and the command that shows an area."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tests.page_steps import SKIPPED, Step, run_page
from tests.test_cli import dianzhi

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "add-an-area.md"


def test_the_page_does_what_it_shows(tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    steps = list(run_page(PAGE.read_text(encoding="utf-8"), tmp_path, dianzhi))
    for step in steps:
        assert step.fits, f"{PAGE.name}: $ {step.command}\n" + "\n".join(step.printed)
    checks = [step for step in steps if step.command.startswith("dianzhi policy check")]
    assert sum("problem(s)" in step.printed[0] for step in checks) == 5
    assert checks[-1].printed[0].endswith("holds for 2025.")
    assert any("[PH] surplus_and_overspend" in line for line in checks[-1].printed)
    lines = pl.read_parquet(tmp_path / "runs" / "2025-999900-clear-01" / "lines.parquet")
    assert "PH" in set(lines["tag"]), "an amount that hangs on a placeholder carries its tag"


def test_a_page_that_shows_something_else_is_noticed() -> None:
    assert Step("x", ["a", "b"], ["a", "b"]).fits
    assert Step("x", ["a", SKIPPED, "c"], ["a", "b", "c"]).fits
    assert Step("x", ["a", SKIPPED], ["a", "b", "c"]).fits
    assert Step("x", [f"a {SKIPPED} z"], ["a 1 2 z"]).fits
    assert not Step("x", ["a"], ["a", "b"]).fits
    assert not Step("x", ["b"], ["a", "b"]).fits
    assert not Step("x", ["a", SKIPPED, "d"], ["a", "b", "c"]).fits
    assert not Step("x", ["a b"], ["a c"]).fits


def test_the_command_settles_an_area_by_its_code(tmp_path: Path) -> None:
    done = dianzhi("demo", "--area", "610926", "--cases", "150", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "hospitals and cases are invented" in done.stdout
    months = [line for line in done.stdout.splitlines() if line.startswith("2020-")]
    assert len(months) == 12 and all("rejected    0" in line for line in months)
    assert (tmp_path / "out" / "runs" / "2020-610926-clear-01" / "manifest.json").is_file()


def test_an_area_nobody_knows_is_answered_with_those_there_are(tmp_path: Path) -> None:
    done = dianzhi("demo", "--area", "atlantis", cwd=tmp_path)
    assert done.returncode == 2
    assert "zibo" in done.stderr and not any(tmp_path.iterdir())
