"""The large measurement: three ways of grouping agree on every case, and its page says what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.large import large_city
from bench.scale_command import main
from engine.cases.demand import Demand
from engine.cases.load import load_cases


def test_a_large_city_has_ids_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.city.work_folder", lambda: tmp_path)
    monkeypatch.setattr("bench.large.SEED_CASES", 1_000)
    monkeypatch.setattr("bench.large.ROWS_PER_FILE", 800)
    found = load_cases([large_city(2_000, 3)], Demand("settle", "strict"))
    assert found.read_count == 2_000
    assert len(found.accepted) > 1_950, "copies are no duplicates of each other"


def test_the_command_writes_figures_and_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.city.work_folder", lambda: tmp_path)
    assert main(["--cases", "3000", "--json", str(tmp_path / "scale.json")]) == 0
    facts = json.loads((tmp_path / "scale.json").read_text("utf-8"))
    assert facts["differing"] == facts["walked_differing"] == 0
    assert {"ids", "decode", "read", "group_drg", "group_dip", "encode", "kernel"} == set(facts["stages_ns"])
    assert all(value > 0 for value in (facts["stages_ns"] | facts["others_ns"]).values())
    assert facts["jobs"][0]["read_count"] == 3_000
    page = (tmp_path / "scale.html").read_text("utf-8")
    assert facts["packs"]["drg"]["fingerprint"][:16] in page and "https://" not in page
    assert "3,000 cases" in capsys.readouterr().out
