"""`runs diff` names the cases that moved and the rule that moved them, for every kind of rule."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from engine.area import load_area
from engine.diff import RunDiff, diff_runs, write_diff
from engine.diff_cases import STEPS
from engine.diff_words import PHRASES_ZH, STEPS_ZH, in_chinese
from engine.editions import Editions
from engine.errors import RunError
from engine.run import clear, group, presettle
from engine.run_parts import RunOptions
from tests.routed_area import write_area, write_cases
from tests.small_city import DEMO, YEAR, small_city
from tests.test_replay import copied_area

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def april(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cases of April in one file that a test may change."""
    path = tmp_path_factory.mktemp("april") / "april.parquet"
    pl.concat([pl.read_parquet(each) for each in small_city().months[f"{YEAR}04"]]).write_parquet(path)
    return path


@pytest.fixture
def area(tmp_path: Path) -> Path:
    (tmp_path / "area").mkdir()
    return copied_area(tmp_path / "area")


def settled(area: Path, cases: Path, shelf: Path, supersedes: str | None = None) -> Path:
    options = RunOptions(shelf=shelf, supersedes=supersedes)
    return presettle([cases], load_area(area), YEAR, 4, options).folder


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def before_and_after(area: Path, cases: Path, *edits: tuple[str, str, str]) -> RunDiff:
    shelf = area.parent / "runs"
    first = settled(area, cases, shelf)
    for name, old, new in edits:
        edited(area / name, old, new)
    return diff_runs(first, settled(area, cases, shelf, first.name))


def test_two_runs_of_the_same_have_nothing_to_tell(area: Path, april: Path) -> None:
    found = before_and_after(area, april)
    assert found.is_empty
    assert [row.name for row in found.changes.rows] == []


def test_a_weight_moves_the_cases_of_its_group_and_no_other(area: Path, april: Path) -> None:
    grouped = pl.read_parquet(settled(area, april, area.parent / "trial") / "grouped.parquet")
    code = grouped.filter(pl.col("grp_stas") == "OK")["drg_code"].mode().sort()[0]
    table = area / "policy" / "weights_2025.csv"
    row = next(line for line in table.read_text().splitlines() if line.startswith(f"{code},"))
    points = row.split(",")[1]
    heavier = f"{code},9{points},{row.split(',')[2]}"
    found = before_and_after(area, april, ("policy/weights_2025.csv", row, heavier))
    own = set(grouped.filter(pl.col("drg_code") == code)["setl_id"])
    assert set(found.cases["setl_id"]) == own
    (reason,) = set(found.cases["reason"])
    assert reason.startswith("policy points.weights") and f"[{code}]" in reason
    assert set(found.cases["step"]) == {"price"}


def test_a_class_limit_moves_cases_by_its_key_from_and_to(area: Path, april: Path) -> None:
    low = "{id: low, when: {cost_ratio: {upto: 0.4}}, shape: by_ratio}"
    ramp = "{above: 0.4, upto: 0.8}"
    edits = ("policy/case_classes.yaml", low, low.replace("0.4", "0.5"))
    found = before_and_after(area, april, edits, ("policy/case_classes.yaml", ramp, "{above: 0.5, upto: 0.8}"))
    assert found.cases.height > 0
    for row in found.cases.iter_rows(named=True):
        assert (row["class_id"], row["class_id_b"], row["step"]) == ("low_normal", "low", "class")
        assert row["reason"].startswith("policy case_classes 2024-01-01:")
        assert "2/5 →" in row["reason"].replace("0.4", "2/5") or "→" in row["reason"]
    moved = found.hospitals.filter(pl.col("moved_cases") > 0)
    assert moved["moved_cases"].sum() == found.cases.height
    assert all(text.startswith("policy case_classes") for text in moved["reason"])


def test_a_pack_that_changed_is_named_for_cases_that_changed_group(area: Path, april: Path) -> None:
    shelf = area.parent / "runs"
    first = settled(area, april, shelf)
    edited(area / "pack_drg" / "pack.toml", '"2025.1"', '"2025.2"')
    (area / "pack_drg" / "cc.csv").write_text((area / "pack_drg" / "cc.csv").read_text().splitlines()[0] + "\n")
    found = diff_runs(first, settled(area, april, shelf, first.name))
    assert found.cases.height > 0
    assert set(found.cases["reason"]) == {"pack demo_drg@2025.1 → demo_drg@2025.2"}
    assert set(found.cases["step"]) == {"group"}
    names = [row.name for row in found.changes.felt("pack")]
    assert names == ["demo_drg@2025.1", "demo_drg@2025.2"]


def test_other_case_files_move_cases_by_field_and_by_presence(area: Path, april: Path, tmp_path: Path) -> None:
    cases = pl.read_parquet(april)
    first = settled(area, april, tmp_path / "runs")
    accepted = pl.read_parquet(first / "settled.parquet")["setl_id"].to_list()
    dearer, gone, broken = accepted[:3]
    changed = cases.filter(pl.col("setl_id") != gone).with_columns(
        pl.when(pl.col("setl_id") == dearer).then(pl.col("medfee_sumamt") + 5000).otherwise(pl.col("medfee_sumamt")),
        pl.when(pl.col("setl_id") == broken).then(pl.lit(None)).otherwise(pl.col("gend")).alias("gend"),
    )
    path = tmp_path / "april.parquet"
    changed.write_parquet(path)
    found = diff_runs(first, settled(area, path, tmp_path / "runs", first.name))
    told = {row["setl_id"]: row for row in found.cases.iter_rows(named=True)}
    assert {dearer, gone, broken} <= set(told)
    assert "input medfee_sumamt: " in told[dearer]["reason"] and told[dearer]["step"] == "input"
    assert (told[gone]["step"], told[gone]["reason"]) == ("only_first", "input: not in the files of the other run")
    assert told[broken]["reason"].startswith("rejected in the other run: V")


def test_an_audit_decision_is_the_reason_for_the_case_it_names(area: Path, tmp_path: Path) -> None:
    city = small_city()
    files = [*city.case_files, city.later]
    options = RunOptions(shelf=tmp_path / "runs", months="cases")
    first = clear(files, load_area(area), YEAR, options).folder
    rows = pl.read_parquet(first / "settled.parquet").filter(pl.col("class_id") == "normal")
    case = rows["setl_id"][0]
    audits = area / "policy" / "audits.yaml"
    text = audits.read_text(encoding="utf-8")
    entry = f"- {{kind: cancel, case: {case}, behaviour: upcoding}}\n"
    indent, marker = text.split("- {kind", 1)[0].rsplit("\n", 1)[1], "- {kind"
    audits.write_text(text.replace(marker, f"{entry}{indent}{marker}", 1), encoding="utf-8")
    second = clear(files, load_area(area), YEAR, replace(options, supersedes=first.name)).folder
    found = diff_runs(first, second)
    own = found.cases.row(by_predicate=pl.col("setl_id") == case, named=True)
    assert own["step"] == "decision" and own["reason"].startswith("policy audits")
    assert found.lines.height > 0


def test_a_value_of_next_year_is_told_but_moves_nothing(area: Path, april: Path) -> None:
    old, new = "2024-01-01: 0.05", "2024-01-01: 0.05\n      2026-01-01: 0.03"
    found = before_and_after(area, april, ("policy/deposit.yaml", old, new))
    assert found.is_empty
    assert [(row.name, row.since, row.felt) for row in found.changes.rows] == [("deposit.rate", "2026-01-01", False)]


def test_a_deposit_rate_moves_lines_and_hospitals_but_no_case(area: Path, april: Path) -> None:
    found = before_and_after(area, april, ("policy/deposit.yaml", "2024-01-01: 0.05", "2024-01-01: 0.04"))
    assert found.cases.height == 0 and found.hospitals.height > 0
    assert set(found.lines["cause"]) == {"deposit_withheld"}
    assert set(found.lines["reason"]) == {"policy deposit.rate 2024-01-01: 0.05 → 0.04"}
    assert (found.hospitals["delta_fen"] > 0).all(), "less is withheld, so more is due"
    assert found.hospitals["delta_fen"].sum() == found.lines["delta_fen"].sum()


def test_grouping_runs_compare_without_money_and_kinds_do_not_mix(area: Path, april: Path, tmp_path: Path) -> None:
    one = group([april], Editions.of(DEMO / "pack_drg"), RunOptions(out=tmp_path / "one")).folder
    two = group([april], Editions.of(DEMO / "pack_drg_2024"), RunOptions(out=tmp_path / "two")).folder
    found = diff_runs(one, two)
    assert found.lines.width == 0 and found.hospitals.width == 0
    assert all(reason.startswith("pack demo_drg@") for reason in found.cases["reason"])
    with pytest.raises(RunError, match="two of one kind"):
        diff_runs(one, settled(area, april, tmp_path / "runs"))


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_the_tables_are_written_and_no_text_is_a_formula(area: Path, april: Path, tmp_path: Path, suffix: str) -> None:
    found = before_and_after(area, april, ("policy/deposit.yaml", "2024-01-01: 0.05", "2024-01-01: 0.04"))
    odd = replace(found, cases=pl.DataFrame({"setl_id": ["=1+1", "S2"]}))
    written = write_diff(odd, tmp_path / f"moved{suffix}")
    assert [path.name for path in written] == [
        f"moved{part}{suffix}" for part in ("", ".hospitals", ".lines", ".rules")
    ]
    if suffix == ".csv":
        assert written[0].read_text() == "setl_id\n'=1+1\nS2\n"
    else:
        assert pl.read_parquet(written[2]).equals(found.lines)
    with pytest.raises(RunError, match="ending in"):
        write_diff(found, tmp_path / "moved.txt")


def test_the_command_shows_rules_reasons_and_hospitals(area: Path, april: Path) -> None:
    found = before_and_after(area, april, ("policy/deposit.yaml", "2024-01-01: 0.05", "2024-01-01: 0.04"))
    words = [
        "runs",
        "diff",
        found.first.run_id,
        found.second.run_id,
        "--runs",
        str(area.parent / "runs"),
        "--exit-code",
    ]
    environment = {**os.environ, "DIANZHI_LANG": "en", "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "engine.cli", *words]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 7, done.stderr
    assert "policy deposit.rate 2024-01-01: 0.05 → 0.04" in done.stdout
    assert "hospitals (" in done.stdout and "posting lines (" in done.stdout


def test_a_case_another_scheme_takes_is_moved_by_the_schemes(tmp_path: Path) -> None:
    place, cases = write_area(tmp_path / "area"), write_cases(tmp_path / "cases.csv")
    options = RunOptions(shelf=tmp_path / "runs", profile="compatible")
    first = presettle([cases], load_area(place), YEAR, 3, options).folder
    edited(place / "policy" / "area.yaml", "days_from: 10", "days_from: 9")
    second = presettle([cases], load_area(place), YEAR, 3, replace(options, supersedes=first.name)).folder
    found = diff_runs(first, second)
    (row,) = found.cases.to_dicts()
    assert (row["setl_id"], row["step"], row["pay_mode"], row["pay_mode_b"]) == ("B2", "scheme", "ACTUAL", "BED_DAY")
    assert row["reason"].startswith("policy area.schemes: ") and "days_from" in row["reason"]


def test_every_reason_and_step_has_its_chinese() -> None:
    assert set(STEPS_ZH) == set(STEPS)
    written = (ROOT / "engine" / "diff_cases.py").read_text() + (ROOT / "engine" / "diff.py").read_text()
    for phrase in PHRASES_ZH:
        assert phrase in written, phrase
    two = "policy deposit.rate 2024-01-01: 0.05 → 0.04; the point value moved with the points of other cases"
    assert in_chinese(two) == "政策 deposit.rate 2024-01-01: 0.05 → 0.04; 点值随其他病例的点数变动"
