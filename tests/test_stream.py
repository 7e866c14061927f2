"""A year settled in two passes is the year as the clearing settles it, whatever the order of files and threads."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from engine.area import Area, load_area
from engine.editions import Editions
from engine.errors import CaseFileError
from engine.ledger.verify import verify_run
from engine.replay import replay
from engine.run import clear, group_to_file
from engine.run_parts import RunOptions, record_inputs
from engine.stream import settle as stream
from engine.stream.allow import NeedsAllCasesError, require_two_passes
from fixtures import random_policies
from tests.small_city import DEMO, YEAR, small_city

ALSO = {"policy": DEMO / "pack_dip", "policy_dip": DEMO / "pack_drg"}


@cache
def area(name: str) -> Area:
    return load_area(DEMO / name)


@cache
def cleared(name: str) -> Path:
    """The same year in one pass over all cases."""
    out = Path(mkdtemp(prefix="cleared-")) / "run"
    options = RunOptions(out=out, months="cases", threads=2)
    return clear(city_files(), area(name), YEAR, options).folder


def settled(out: Path, files: list[Path], name: str = "policy", threads: int = 2, also: Path | None = None) -> Path:
    return stream.settle(files, area(name), YEAR, RunOptions(out=out, threads=threads), also).folder


def cases_of(folder: Path) -> pl.DataFrame:
    files = sorted((folder / "settled").glob("*.parquet"))
    return pl.concat([pl.read_parquet(path) for path in files]).sort("setl_id")


def city_files() -> list[Path]:
    city = small_city()
    return [*city.case_files, city.later]


@pytest.mark.parametrize("name", ["policy", "policy_dip"])
def test_two_passes_say_what_the_clearing_says(tmp_path: Path, name: str) -> None:
    found, whole = settled(tmp_path / "run", city_files(), name), cleared(name)
    assert verify_run(found) == []
    cases = cases_of(found)
    assert len(cases) > 2_000
    assert_frame_equal(cases, pl.read_parquet(whole / "settled.parquet").select(cases.columns))
    for file, by in (("lines", None), ("rejected", ["file", "row"]), ("other_period", ["setl_id"])):
        mine, theirs = (pl.read_parquet(folder / f"{file}.parquet") for folder in (found, whole))
        if by is not None:
            mine, theirs = mine.sort(by), theirs.sort(by)
        assert_frame_equal(mine.select(theirs.columns), theirs)


def test_the_other_pack_stands_beside(tmp_path: Path) -> None:
    cases = cases_of(settled(tmp_path / "run", city_files(), also=ALSO["policy"]))
    group_to_file(city_files(), Editions.of(ALSO["policy"]), tmp_path / "dip.parquet", RunOptions(profile="strict"))
    beside = pl.read_parquet(tmp_path / "dip.parquet").select("setl_id", "dip_code")
    joined = cases.join(beside, on="setl_id", how="left", maintain_order="left")
    assert joined["dip_code"].null_count() < len(joined)
    assert joined["dip_code"].equals(joined["dip_code_right"])


def test_a_run_is_replayed_to_the_byte(tmp_path: Path) -> None:
    folder = settled(tmp_path / "run", city_files(), also=ALSO["policy"])
    again = replay(folder, threads=1)
    assert again.differences == () and again.compared >= 4


def test_a_pack_of_the_same_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="other kind"):
        settled(tmp_path / "run", city_files(), also=DEMO / "pack_drg")
    assert not (tmp_path / "run").exists()


def test_threads_change_no_byte(tmp_path: Path) -> None:
    one, two = (settled(tmp_path / str(threads), city_files(), threads=threads) for threads in (1, 3))
    names = sorted(path.relative_to(one) for path in one.rglob("*.parquet"))
    assert names == sorted(path.relative_to(two) for path in two.rglob("*.parquet"))
    for name in names:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_how_the_cases_are_divided_changes_no_amount(tmp_path: Path) -> None:
    """One large file in small row groups, last cases first: other pieces, other order, the same money."""
    frames = [pl.read_parquet(path) for path in city_files() if path.suffix == ".parquet"]
    kind = max((frame.schema for frame in frames), key=lambda schema: sum(f.schema == schema for f in frames))
    whole = pl.concat([frame for frame in frames if frame.schema == kind])
    plain, turned = tmp_path / "plain.parquet", tmp_path / "turned.parquet"
    whole.write_parquet(plain)
    pq.write_table(whole.reverse().to_arrow().cast(_plain(whole)), turned, row_group_size=173)
    one, two = settled(tmp_path / "one", [plain]), settled(tmp_path / "two", [turned])
    assert_frame_equal(cases_of(one), cases_of(two))
    assert (one / "lines.parquet").read_bytes() == (two / "lines.parquet").read_bytes()


def _plain(frame: pl.DataFrame) -> pa.Schema:
    schema = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    return pa.schema(schema)


def test_equal_remainders_go_by_case_id_not_by_place(tmp_path: Path) -> None:
    """The same case again and again: a fen left over must not go to whoever stands first in the files."""
    path = next(path for path in small_city().case_files if path.suffix == ".parquet")
    one = pl.read_parquet(path).filter(pl.col("diag_codes").list.len() > 0).head(1)
    many = pl.concat([one.with_columns(setl_id=pl.lit(f"T{n:05d}")) for n in range(997)])
    up, down = tmp_path / "up.parquet", tmp_path / "down.parquet"
    many.write_parquet(up, row_group_size=100)
    many.reverse().write_parquet(down, row_group_size=83)
    ways = [cases_of(settled(tmp_path / name, [file])) for name, file in (("a", up), ("b", down))]
    assert_frame_equal(*ways)
    options = RunOptions(out=tmp_path / "c", months="cases")
    whole = pl.read_parquet(clear([down], area("policy"), YEAR, options).folder / "settled.parquet")
    assert_frame_equal(ways[0], whole.select(ways[0].columns))
    assert ways[0]["drg_dip_sumamt"].n_unique() == 2, "some cases got the fen, others not"


def test_a_rule_that_looks_at_other_cases_is_refused_by_name() -> None:
    whole = area("policy")
    resolved = whole.for_year(YEAR)
    require_two_passes(whole, resolved, None)
    facts = replace(resolved.facts, readmission_days=15)
    with pytest.raises(NeedsAllCasesError, match="readmission"):
        require_two_passes(whole, replace(resolved, facts=facts), None)


def test_a_run_that_breaks_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(stream, "record_inputs", broken)
    with pytest.raises(RuntimeError, match="disk"):
        settled(tmp_path / "run", city_files())
    assert list(tmp_path.iterdir()) == []


def test_a_case_lost_between_the_passes_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums know how many points each pot has; a spill that lacks one pays less than the total."""
    from engine.stream.spill import PotSpill

    def short(self: PotSpill, columns: Any) -> None:
        kept = {name: values[1:] for name, values in columns.items()} if columns else columns
        return whole(self, kept)

    whole = PotSpill.add
    monkeypatch.setattr(PotSpill, "add", short)
    with pytest.raises(Exception):  # noqa: B017 - whichever identity notices first
        settled(tmp_path / "run", city_files())
    assert not (tmp_path / "run").exists()


def test_amounts_of_the_pots_find_their_cases() -> None:
    from engine.stream.write import _put_in_place

    drawn = np.random.default_rng(11)
    pot = drawn.integers(-1, 3, 500).astype(np.int16)
    outside = pot < 0
    counts = np.bincount(pot + 1, minlength=4)[1:]
    begin = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    paid, price = drawn.integers(-(2**62), 2**62, (2, int(begin[-1]))), drawn.integers(0, 2**62, int(outside.sum()))
    priced = drawn.random(len(price)) < 0.5
    found, valued = np.empty((2, len(pot)), np.int64), np.empty(len(pot), np.bool_)
    assert _put_in_place(pot, begin, *paid, price, priced, *found, valued) == begin[-1]
    for number in range(3):
        assert np.array_equal(found[:, pot == number], paid[:, begin[number] : begin[number + 1]])
    assert np.array_equal(found[1, outside], price) and not found[0, outside].any()
    assert valued[~outside].all() and np.array_equal(valued[outside], priced)
    for wrong in (begin[:-1], np.array([0, *(begin[1:] - 1)])):
        assert _put_in_place(pot, wrong, *paid, price, priced, *found, valued) == -1
    for less in (price[1:], np.append(price, 0)):
        assert _put_in_place(pot, begin, *paid, less, np.zeros(len(less), np.bool_), *found, valued) == -1


@pytest.mark.parametrize("ordered", [True, False])
def test_first_ids_are_found_by_the_bounds_of_their_pieces(ordered: bool) -> None:
    """Pieces taken whole, pieces to be looked at and pieces left out give the smallest ids, whatever overlaps."""
    from engine.stream.pay import surely_first

    drawn = np.random.default_rng(5)
    for _ in range(300):
        ids = [f"{each:04d}".encode() for each in drawn.permutation(400)[: drawn.integers(1, 60)]]
        ids = sorted(ids) if ordered else ids
        cuts = sorted({0, len(ids), *drawn.integers(0, len(ids) + 1, 4).tolist()})
        heaps = [ids[low:high] for low, high in pairwise(cuts)]
        bounds = [(min(heap), max(heap)) for heap in heaps]
        for count in range(1, len(ids) + 1):
            taken, torn = surely_first(bounds, [len(heap) for heap in heaps], count)
            found = [each for heap in taken for each in heaps[heap]]
            others = sorted(each for heap in torn for each in heaps[heap])
            assert sorted([*found, *others[: count - len(found)]]) == sorted(ids)[:count]
            assert not ordered or len(torn) <= 1


def test_what_a_piece_shows_is_read_again(tmp_path: Path) -> None:
    from engine.stream.encode import DecimalCells, Encoder, UniqueCells
    from engine.stream.shown import Shown
    from engine.stream.spill import ShownSpill

    for pots, kind in ((3, np.int8), (200, np.int16)):
        spill, pieces = ShownSpill(tmp_path / f"shown-{pots}", pots), list[Shown]()
        for count in (700, 0, 1, 900):
            ids = [f"{count}-{row * 7919 % 1000}-长" for row in range(count)]
            cells = {"setl_id": UniqueCells(pa.array(ids, pa.string())), "p": DecimalCells(np.arange(count), 18)}
            chunks = {name: Encoder().chunk(each) for name, each in cells.items()} if count else {}
            pot = np.arange(count, dtype=np.int16) % (pots + 1) - 1
            apart = np.arange(int((pot < 0).sum()), dtype=np.int64)
            pieces.append(Shown(chunks, pot, apart, apart % 2 == 0))
            spill.add(pieces[-1])
        spill.close()
        assert len(spill) == len(pieces)
        for number, shown in enumerate(pieces):
            found = spill.read(number)
            assert found.pot.dtype == kind and len(found) == len(shown)
            for one, other in ((found.pot, shown.pot), (found.apart, shown.apart), (found.valued, shown.valued)):
                assert one.tolist() == other.tolist()
            assert spill.pot(number).tolist() == shown.pot.tolist()
            for name, chunk in shown.chunks.items():
                assert b"".join(found.chunks[name].pages) == b"".join(chunk.pages)
                assert replace(found.chunks[name], pages=()) == replace(chunk, pages=())
        for _ in range(2):
            assert spill.ids(0).to_pylist() == [f"700-{row * 7919 % 1000}-长" for row in range(700)]
        assert spill.id_bounds(0) == (min(spill.ids(0).to_pylist()).encode(), max(spill.ids(0).to_pylist()).encode())


def test_drawn_policies_in_two_passes() -> None:
    """Policies drawn from the schema; the oracle settles each a third way, and all three must agree."""
    tally = random_policies.run(years=8, cases=None, seed=40_000, size=120, alone=True)
    assert tally.differences == []
    assert tally.streamed >= 3


def test_a_file_written_to_before_its_digest_is_taken_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cases.parquet"
    pl.read_parquet(city_files()[0]).write_parquet(path)

    def record(*args: Any) -> None:
        with path.open("ab") as stream:
            stream.write(b"x")
        record_inputs(*args)

    monkeypatch.setattr(stream, "record_inputs", record)
    with pytest.raises(CaseFileError, match=r"变化|changed"):
        settled(tmp_path / "run", [path])
    assert not (tmp_path / "run").exists()
