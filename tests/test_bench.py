"""`python -m bench`: every figure is there and hangs together. Nothing here looks at a clock."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import city
from bench.__main__ import main
from bench.job import STAGES
from bench.throughput import Asked, Throughput, broken_claims
from engine.report import figures
from tests.report_frames import invent

CASES = 2_000
GROUPING = {"name", "pack", "case_count", "codes_per_case", "read_ns", "encode_ns", "kernel_ns", "walk_ns"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSON file of a tiny measurement; cities are kept in a folder of the test's own."""
    folder = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(city, "work_folder", lambda: folder)
        out = folder / "found.json"
        words = ["--cases", str(CASES), "--seed", "5", "--sample", "100", "--json", str(out)]
        assert main([*words, "--assert-memory-mb", "1"]) == 1, "no run fits into one megabyte"
    return out


def test_the_file_says_what_was_measured_on_what_with_what(measured: Path) -> None:
    found = json.loads(measured.read_text("utf-8"))
    assert (found["bench"], found["cases"], found["seed"]) == ("throughput", CASES, 5)
    assert found["machine"]["cores"] >= 1 and "polars" in found["machine"]["libraries"]
    assert found["engine"]["source"].startswith("sha256:")
    for grouping in found["groupings"]:
        assert set(grouping) > GROUPING
        assert len(grouping["pack"]["fingerprint"]) == 64
        assert grouping["ratio"] == pytest.approx(grouping["walk_ns"] / grouping["kernel_ns"])
    assert len(found["asserted"]["broken"]) == 1


def test_kernel_and_walk_agree_on_every_case_that_was_walked(measured: Path) -> None:
    grouping = json.loads(measured.read_text("utf-8"))["groupings"][0]
    assert grouping["walked_count"] in range(95, 106)
    assert grouping["differing"] == 0


def test_the_job_names_every_stage_and_its_memory_is_sampled(measured: Path) -> None:
    job = json.loads(measured.read_text("utf-8"))["job"]
    assert {stage["name"] for stage in job["stages"]} == set(STAGES)
    assert CASES * 0.98 < job["read_count"] < CASES * 1.02
    assert job["case_count"] <= job["read_count"]
    if Path("/proc/self/status").exists():
        assert job["sample_count"] > 10 and job["peak_mb"] > 20
        assert max(stage["peak_mb"] or 0 for stage in job["stages"]) <= job["peak_mb"]


def test_a_claim_that_does_not_hold_is_named(measured: Path) -> None:
    from bench.grouping import GroupingFigures
    from bench.job import Job

    good = GroupingFigures("demo", {}, 10, 5.0, None, 100.0, 100.0, 4_000.0, 5, 0)
    job = Job(10, 10, 2, 1.0, 1.0, 800.0, 100, ())
    found = Throughput(Asked(), {}, (good,), None, job)
    assert broken_claims(found, 30, 1000) == []
    assert len(broken_claims(found, 41, 799)) == 2
    assert "cannot be sampled" in broken_claims(replace(found, job=replace(job, peak_mb=None)), None, 1000)[0]
    assert "differ" in broken_claims(replace(found, groupings=(replace(good, differing=1),)), None, None)[0]


def test_a_city_is_made_once_and_never_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def generate(folder: Path, cases: int, seed: int) -> None:
        folder.mkdir()
        made.append((cases, seed))
        if seed == 2:
            raise OSError("disk full")

    monkeypatch.setattr(city, "work_folder", lambda: tmp_path)
    monkeypatch.setattr(city, "generate_city", generate)
    assert city.demo_city(10, 1) == city.demo_city(10, 1)
    with pytest.raises(OSError, match="disk full"):
        city.demo_city(10, 2)
    assert made == [(10, 1), (10, 2)]
    assert len(list(tmp_path.iterdir())) == 1


def test_counting_some_cases_at_a_time_changes_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    run = invent(cases=500)
    whole = figures.RunFigures.build(run.facts, run.frames)
    monkeypatch.setattr(figures, "ROWS_AT_A_TIME", 37)
    parts = figures.RunFigures.build(run.facts, run.frames)
    for name in ("cube", "reasons", "ungrouped"):
        assert getattr(whole, name).equals(getattr(parts, name)), name
        assert getattr(whole, name).schema == getattr(parts, name).schema
