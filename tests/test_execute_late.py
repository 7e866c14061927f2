"""Rows that wait for the general way come to the same end, however few may wait in memory."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from engine.cases.demand import Demand
from engine.cases.load import load_cases
from engine.cases.read import open_cases
from engine.cases.rejection import Reject
from engine.execute.batches import RowBatch
from engine.execute.cells import Lists
from engine.execute.lean import LeanRows
from engine.execute.lean_kept import kept_rows
from engine.execute.pile import Pile
from engine.execute.raw import Copies, RawForms, RawRows, Waiting
from engine.execute.vocabulary import Vocabulary
from tests.input_rows import Row, assert_same, many, row, write_csv, write_excel, write_parquet
from tests.lean_cases import lean_cases


def messy(rng: random.Random, count: int) -> list[Row]:
    """Rows some of whose ids stand there again, alike or not, mended or null, among rows that need mending."""
    rows = list[Row]()
    for cells in many(count):
        odd = rng.random()
        changed: dict[str, str | None] = {}
        if odd < 0.25:
            changed["setl_id"] = rng.choice(["S0001", " S0002", "S0003 ", "S0004", "Ｓ0005", None, ""])
        if odd > 0.8:
            changed |= {"age": rng.choice(["45.0", "45.5", None]), "diag_codes": rng.choice([" k35.800|I10.X00", None])}
        rows.append({**cells, **changed})
    return rows


def files(tmp_path: Path, seed: int) -> list[Path]:
    """Of several kinds and headers; one has rows that cannot be split into cells."""
    rng = random.Random(seed)
    found = [write_parquet(tmp_path / f"{n}.parquet", messy(rng, 30), row_group_size=7) for n in "ab"]
    found.append(write_parquet(tmp_path / "c.parquet", messy(rng, 9), codes="joined"))
    named = {"setl_id": "结算ID", "age": "年龄"}
    found.append(write_csv(tmp_path / "d.csv", messy(rng, 20), names=named))
    found.append(write_csv(tmp_path / "e.csv", messy(rng, 20)))
    lines = found[-1].read_text("utf-8").splitlines()
    lines[5:5] = [lines[3] + ",more,cells", lines[4] + ",and more"]
    found[-1].write_text("\n".join(lines), "utf-8")
    without = [{name: cell for name, cell in cells.items() if name != "setl_id"} for cells in many(6)]
    found.append(write_csv(tmp_path / "f.csv", [{**cells, "mdtrt_id": str(n // 2)} for n, cells in enumerate(without)]))
    found.append(write_excel(tmp_path / "g.xlsx", [row("S0001"), row("S0900"), row("S0900")]))
    return found


@pytest.mark.parametrize(("turn", "limit"), [(1, 4), (9, 1), (9, 50), (16_384, 4), (16_384, 20_000)])
def test_rows_that_wait_get_the_verdicts_of_the_slow_way(
    limit: int, turn: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("raw", "fast_cases"):
        monkeypatch.setattr(f"engine.execute.{module}.IN_MEMORY_MAX", limit)
    for module in ("lean_read", "fast_cases"):
        monkeypatch.setattr(f"engine.execute.{module}.WAITING_MAX", turn)
    paths = files(tmp_path, limit + turn)
    for demand in (Demand("settle", "strict"), Demand("group", "compatible", dip=True)):
        slow = load_cases(paths, demand, 11, fast=False)
        assert {Reject.EXACT_COPY, Reject.CONFLICTING_COPY} & set(slow.rejected_by_code)
        assert_same(slow, load_cases(paths, demand, 11, fast=True))
        assert_same(slow, lean_cases(paths, demand, 11))


def picked(forms: RawForms, reader_file: int, rows: list[Row], first: int, lost: int) -> RawRows:
    table = pa.table({name: pa.array([cells[name] for cells in rows], pa.string()) for name in rows[0]})
    numbers = np.arange(first, first + len(rows), dtype=np.int64)
    return forms.rows(reader_file, RowBatch(table, numbers, list(range(1000, 1000 + lost))))


@pytest.mark.parametrize("limit", [1, 7, 1_000])
def test_raw_rows_come_back_as_they_were(limit: int, tmp_path: Path) -> None:
    paths = [write_csv(tmp_path / f"{n}.csv", many(3)) for n in "ab"]
    forms = RawForms(open_cases(paths, Demand("settle", "strict")))
    waiting, copies = Waiting(forms, limit), Copies(forms, limit)
    given = []
    rng = random.Random(limit)
    for step in range(60):
        rows: list[Row] = [{**cells, "setl_id": f"S{rng.randrange(40)}"} for cells in many(rng.randrange(1, 4))]
        raw = picked(forms, step % 2, rows, 10 * step, lost=step % 3 == 0)
        waiting.add(raw)
        copies.add(raw)
        given += [(cells["setl_id"], f"{'ab'[step % 2]}.csv", 10 * step + n) for n, cells in enumerate(rows)]
        given += [(None, f"{'ab'[step % 2]}.csv", 1000)] * (step % 3 == 0)
    assert len(waiting) == len(copies) == len(given)
    found = [each for frame in waiting.taken() for each in frame.select("setl_id", "file", "row").rows()]
    assert sorted(map(str, found)) == sorted(map(str, given))
    groups = [turn() for turn in copies.groups()]
    assert len(groups) == 1 if limit == 1_000 else len(groups) > 3
    of_id: dict[str, int] = {}
    again = []
    for number, frames in enumerate(groups):
        for frame in frames:
            again += frame.select("setl_id", "file", "row").rows()
            assert frame.filter(frame["misshapen"])["setl_id"].null_count() == frame["misshapen"].sum()
            assert all(of_id.setdefault(each, number) == number for each in frame["setl_id"].drop_nulls())
    assert sorted(map(str, again)) == sorted(map(str, given))
    assert not len(waiting) and not len(copies)


@pytest.mark.parametrize("limit", [0, 3, 10_000])
def test_heaps_keep_the_order_they_were_made_in(limit: int) -> None:
    pile, wanted = Pile(limit), {"a": list[int](), "b": list[int]()}
    for n in range(2_500):
        key = "ab"[n % 3 == 0]
        pile.add(key, pa.table({"n": [n, -n]}))
        wanted[key] += [n, -n]
    assert len(pile) == 5_000
    heaps = pile.taken()
    assert not len(pile)
    for name, heap in heaps.items():
        assert heap.rows == len(wanted[str(name)])
        assert heap.table()["n"].to_pylist() == wanted[str(name)]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_rows_left_out_are_gone_from_ids_and_lists(kind: pa.DataType) -> None:
    rng = np.random.default_rng(4)
    texts = ["x" * int(size) + str(n) for n, size in enumerate(rng.integers(0, 9, 300))]
    for nulls in (False, True):
        words: list[str | None] = [None if nulls and n % 50 == 0 else text for n, text in enumerate(texts)]
        for ids in (pa.array(words, kind), pa.array(words, kind).slice(37, 101), pa.array([], kind)):
            for share in (0, 0.02, 0.5, 1):
                gone = np.flatnonzero(rng.random(len(ids)) < share)
                offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 4, len(ids)))])
                codes = Lists(offsets, np.arange(offsets[-1], dtype=np.int32), Vocabulary(lambda _: ()).words)
                lists = [codes.ids[a:b].tolist() for a, b in pairwise(offsets)]
                keep = np.delete(np.arange(len(ids)), gone)
                found = kept_rows(LeanRows(ids, {}, {}, {"codes": codes}), gone)
                assert found.ids.to_pylist() == [ids[n].as_py() for n in keep.tolist()]
                left = found.lists["codes"]
                assert [left.ids[a:b].tolist() for a, b in pairwise(left.offsets)] == [lists[n] for n in keep.tolist()]
