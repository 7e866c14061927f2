"""Next year's pack and policy arrive: every month of this year, and the year, come out again to the byte."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.area import Area, load_area
from engine.ledger.manifest import MANIFEST_NAME, parse_manifest
from engine.ledger.verify import verify_shelf
from engine.run import clear, presettle
from engine.run_parts import RunOptions
from tests.small_city import YEAR, small_city
from tests.test_replay import command, content_of, copied_area, runs

TABLES = ("grouped.parquet", "settled.parquet", "lines.parquet", "clearing.parquet", "rejected.parquet")
NAMES = ("plcy_ver", "grp_ver", "rslt_hash")


def settled_year(area: Area, shelf: Path) -> Path:
    city = small_city()
    for month in range(1, 13):
        presettle(city.months[f"{YEAR}{month:02d}"], area, YEAR, month, RunOptions(shelf=shelf))
    clear([*city.case_files, city.later], area, YEAR, RunOptions(shelf=shelf))
    return shelf


def with_next_year(place: Path) -> Area:
    """The area with a pack of next year, and a policy value that begins then."""
    last, following = place / "pack_drg", place / "pack_drg_next"
    following.mkdir()
    for path in last.iterdir():
        following.joinpath(path.name).write_bytes(path.read_bytes())
    header = following / "pack.toml"
    text = header.read_text(encoding="utf-8").replace(f'"{YEAR}.1"', f'"{YEAR + 1}.1"')
    header.write_text(text.replace(f"{YEAR}-01-01", f"{YEAR + 1}-01-01").replace(f"{YEAR}-12-31", f"{YEAR + 1}-12-31"))
    names = following / "drg_names.csv"
    names.write_text(names.read_text(encoding="utf-8").replace("AA19,", "AA19,新 "), encoding="utf-8")
    policy = place / "policy" / "area.yaml"
    known = "    - {scheme: drg, path: ../pack_drg}\n"
    text = policy.read_text(encoding="utf-8")
    assert known in text
    policy.write_text(text.replace(known, known + "    - {scheme: drg, path: ../pack_drg_next}\n"), encoding="utf-8")
    deposit = place / "policy" / "deposit.yaml"
    text = deposit.read_text(encoding="utf-8")
    deposit.write_text(text.replace("2024-01-01: 0.05\n", f"2024-01-01: 0.05\n      {YEAR + 1}-01-01: 0.03\n"))
    return load_area(place)


@pytest.mark.slow
def test_next_years_rules_change_no_month_of_this_year(tmp_path: Path) -> None:
    place = copied_area(tmp_path / "area")
    before = load_area(place)
    shelf = settled_year(before, tmp_path / "runs")
    was = content_of(shelf)
    after = with_next_year(place)
    assert len(after.editions.packs) == len(before.editions.packs) + 1, "the new pack is really there"
    assert after.policy.fingerprint != before.policy.fingerprint
    assert len(runs(shelf)) == 13
    compared = 0
    for folder in runs(shelf):
        for threads in ("1", "2"):
            done = command("runs", "replay", folder, "--threads", threads, cwd=tmp_path)
            assert done.returncode == 0 and "every byte the same" in done.stdout, (
                f"{folder.name}: {done.stdout}{done.stderr}"
            )
            compared += len(parse_manifest(folder / MANIFEST_NAME).outputs)
    print(f"{len(runs(shelf))} runs, each twice in fresh processes: {compared} files compared, every byte the same")
    assert content_of(shelf) == was and verify_shelf(shelf) == (13, [])
    again = settled_year(after, tmp_path / "again")
    tables = [name for name in was if name.endswith(TABLES)]
    assert len(tables) == 13 * len(TABLES)
    assert [name for name in tables if not results(again / name).equals(results(shelf / name))] == []
    print(f"settled anew under both years' rules: {len(tables)} tables, every value the same")


def results(path: Path) -> pl.DataFrame:
    """A table without the names of the rules that stood there when it was made."""
    return pl.read_parquet(path).drop(NAMES, strict=False)
