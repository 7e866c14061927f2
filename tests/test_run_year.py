"""Twelve months and a clearing of a small city: the fund closes, posted months stay, bytes do not depend on chance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine.errors import RunError
from engine.ledger.manifest import MANIFEST_NAME, parse_manifest
from engine.ledger.verify import verify_shelf
from engine.run import clear, presettle
from engine.run_parts import RunOptions
from pointvalue.invariants import InvariantBroken
from tests.small_city import YEAR, demo_area, small_city

RESULTS = (
    "grouped.parquet",
    "settled.parquet",
    "clearing.parquet",
    "lines.parquet",
    "rejected.parquet",
    "sharing.parquet",
    "values.parquet",
    "cliffs.parquet",
    "summary.html",
)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shelf with twelve months and the clearing of the small city."""
    shelf = tmp_path_factory.mktemp("year") / "runs"
    city, area = small_city(), demo_area()
    for month in range(1, 13):
        presettle(city.months[f"{YEAR}{month:02d}"], area, YEAR, month, RunOptions(shelf=shelf))
    clear([*city.case_files, city.later], area, YEAR, RunOptions(shelf=shelf))
    return shelf


def run_of(shelf: Path, kind: str, period: str) -> Path:
    return next(shelf.glob(f"{period}-*-{kind}-01"))


def fen(folder: Path, name: str, *columns: str) -> pl.DataFrame:
    table = pl.read_parquet(folder / f"{name}.parquet")
    return table.with_columns(pl.col(column).to_physical().cast(pl.Int64) for column in columns)


def test_every_pool_closes_to_the_fen_from_the_files_alone(year: Path) -> None:
    folder = run_of(year, "clear", str(YEAR))
    lines = pl.read_parquet(folder / "lines.parquet")
    manifest = parse_manifest(folder / MANIFEST_NAME)
    for pool in ("310", "390"):
        totals = manifest.totals[f"pool.{pool}"]
        yuan = {key: round(float(value) * 100) for key, value in totals.items()}
        own = lines.filter(pl.col("insutype") == pool)
        hospitals = int(own.filter(pl.col("fixmedins_code") != "")["amount_fen"].sum())
        reserve = int(own.filter(pl.col("fixmedins_code") == "")["amount_fen"].sum())
        carried = int(own.filter(pl.col("cause") == "carried_to_next_year")["amount_fen"].sum())
        suppliers = -int(own.filter(pl.col("cause") == "supplier_paid")["amount_fen"].sum())
        assert yuan["fund"] + carried == yuan["outside"] + hospitals + suppliers + reserve
        assert manifest.checks[f"fund_closed_fen.{pool}"] == 0


def test_cases_sum_to_the_hospital_table_to_the_fen(year: Path) -> None:
    amounts = ("medfee_sumamt", "hifp_pay", "drg_dip_sumamt", "drg_dip_fund_payamt")
    folder = run_of(year, "clear", str(YEAR))
    cases = fen(folder, "settled", *amounts).group_by("fixmedins_code", "insutype").agg(pl.col(amounts).sum())
    table = fen(folder, "clearing", *amounts)
    of_year = table.filter(pl.col("stmt_type") == "YEAR").select("fixmedins_code", "insutype", *amounts)
    key = ("fixmedins_code", "insutype")
    assert cases.sort(key).rows() == of_year.sort(key).rows()


def test_months_are_paid_as_posted_and_the_year_takes_them_as_prepaid(year: Path) -> None:
    posted = pl.concat([pl.read_parquet(path / "lines.parquet") for path in sorted(year.glob("*presettle*"))])
    cleared = pl.read_parquet(run_of(year, "clear", str(YEAR)) / "lines.parquet")
    key = ("insutype", "fixmedins_code", "period", "cause", "amount_fen")
    months = cleared.filter(pl.col("period").str.len_chars() > 4)
    assert sorted(months.select(key).rows()) == sorted(posted.select(key).rows())
    prepaid = -int(cleared.filter(pl.col("cause") == "prepaid")["amount_fen"].sum())
    assert prepaid == int(posted.filter(pl.col("cause") == "prepayment")["amount_fen"].sum())


def test_read_is_accepted_plus_rejected_in_every_run(year: Path) -> None:
    for folder in year.glob("[!.]*"):
        counts = parse_manifest(folder / MANIFEST_NAME).counts
        assert counts["read"] == counts["accepted"] + counts["rejected"]
        assert counts["accepted"] == counts["in_period"] + counts["other_period"]
        assert pl.read_parquet(folder / "settled.parquet").height == counts["in_period"]
        assert pl.read_parquet(folder / "rejected.parquet").height == counts["rejected"]


def test_cases_discharged_in_december_and_settled_in_january_use_their_own_edition(year: Path) -> None:
    january = pl.read_parquet(run_of(year, "presettle", f"{YEAR}-01") / "grouped.parquet")
    versions = set(january["grp_ver"])
    assert len(versions) == 2, f"both editions should group January's cases, found {versions}"


def test_a_settled_month_is_not_settled_twice_but_corrected(year: Path, tmp_path: Path) -> None:
    city, area = small_city(), demo_area()
    options = RunOptions(shelf=tmp_path / "runs")
    first = presettle(city.months["202504"], area, YEAR, 4, options)
    with pytest.raises(RunError, match="--supersedes"):
        presettle(city.months["202504"], area, YEAR, 4, options)
    second = presettle(city.months["202504"], area, YEAR, 4, replace(options, supersedes=first.folder.name))
    assert parse_manifest(second.folder / MANIFEST_NAME).supersedes == first.folder.name
    assert verify_shelf(tmp_path / "runs") == (2, [])


def test_a_year_with_a_month_missing_on_the_shelf_is_not_cleared(tmp_path: Path) -> None:
    city, area = small_city(), demo_area()
    options = RunOptions(shelf=tmp_path / "runs")
    presettle(city.months["202504"], area, YEAR, 4, options)
    with pytest.raises(RunError, match="no monthly run"):
        clear(city.case_files, area, YEAR, options)
    assert [path.name for path in (tmp_path / "runs").glob("[!.]*")] == [f"{YEAR}-04-370000-presettle-01"]


def test_threads_file_order_and_batches_leave_every_result_byte_the_same(year: Path, tmp_path: Path) -> None:
    city, area = small_city(), demo_area()
    files = [*city.case_files, city.later]
    clean = RunOptions(shelf=tmp_path / "a", months="cases", threads=1)
    one = clear(files, area, YEAR, clean)
    two = clear(files[::-1], area, YEAR, replace(clean, shelf=tmp_path / "b", threads=4))
    for name in RESULTS:
        if name != "rejected.parquet":  # rejected rows name their file and row, which the order of files moves
            assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes(), name
    for book in sorted((one.folder / "statements").iterdir()):
        assert book.read_bytes() == (two.folder / "statements" / book.name).read_bytes(), book.name


def test_posted_months_equal_the_months_computed_from_the_same_cases(year: Path, tmp_path: Path) -> None:
    city, area = small_city(), demo_area()
    computed = clear([*city.case_files, city.later], area, YEAR, RunOptions(shelf=tmp_path / "runs", months="cases"))
    posted = run_of(year, "clear", str(YEAR))
    assert (computed.folder / "lines.parquet").read_bytes() == (posted / "lines.parquet").read_bytes()


def test_files_without_a_case_of_the_month_are_taken_for_the_wrong_files(tmp_path: Path) -> None:
    city, area = small_city(), demo_area()
    options = RunOptions(shelf=tmp_path / "runs")
    with pytest.raises(RunError, match="no case of 2025-05-01"):
        presettle(city.months["202504"], area, YEAR, 5, options)
    assert list(tmp_path.iterdir()) == []
    empty = presettle(city.months["202504"], area, YEAR, 5, replace(options, allow_empty=True))
    assert empty.counts["in_period"] == 0
    assert pl.read_parquet(empty.folder / "lines.parquet").height == 0


def shuffled(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Rows in another order, secondary codes in another order, the principal ones where they were."""
    rng = np.random.default_rng(seed)
    rows = frame.sample(fraction=1, shuffle=True, seed=seed)
    return rows.with_columns(
        pl.Series(
            name,
            [None if c is None else [*c[:1], *rng.permutation(c[1:]).tolist()] for c in rows[name].to_list()],
            dtype=pl.List(pl.String),
        )
        for name in ("diag_codes", "oprn_codes")
    )


def test_shuffled_rows_and_codes_split_otherwise_leave_every_result_byte_of_a_month_the_same(tmp_path: Path) -> None:
    frame = pl.read_parquet(small_city().months["202504"][0]).filter(pl.col("setl_id").is_unique())
    area = demo_area()
    found: list[dict[str, bytes]] = []
    for seed, parts, group_rows, threads in ((0, 1, 100_000, 1), (1, 3, 40, 2), (2, 5, 7, 4)):
        folder = tmp_path / f"in{seed}"
        folder.mkdir()
        mixed = shuffled(frame, seed) if seed else frame
        for part in range(parts):
            mixed[part::parts].write_parquet(folder / f"{part}.parquet", row_group_size=group_rows)
        options = RunOptions(out=tmp_path / f"out{seed}" / "april", threads=threads, case_detail=True)
        run = presettle([folder], area, YEAR, 4, options).folder
        found.append({p.relative_to(run).as_posix(): p.read_bytes() for p in run.rglob("*") if p.is_file()})
    moved = {"manifest.json", "rejected.parquet"}  # both name input files and rows
    for other in found[1:]:
        assert {name for name in found[0] if found[0][name] != other[name]} <= moved
        assert set(found[0]) == set(other)


def test_a_broken_proof_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pointvalue.annual as annual

    usual = annual.Ledger.lines

    def lines_less_one(self: annual.Ledger) -> object:
        return usual(self)[1:]

    monkeypatch.setattr(annual.Ledger, "lines", lines_less_one)
    city, area = small_city(), demo_area()
    with pytest.raises(InvariantBroken):
        clear(city.case_files, area, YEAR, RunOptions(shelf=tmp_path / "runs", months="cases"))
    assert list(tmp_path.iterdir()) == []


def test_the_shelf_verifies(year: Path) -> None:
    assert verify_shelf(year) == (13, [])
