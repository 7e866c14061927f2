"""Hashes that stand there more than once are found, whatever fits into memory; ids are hashed as pages hold them."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.cases.demand import Demand
from engine.cases.read import open_cases
from engine.execute.id_hashes import IdHashes
from engine.execute.id_loops import page_ids, plain_ids
from engine.execute.lean_batches import Batches
from engine.execute.suspects import find_suspects
from engine.execute.vocabulary import text_buffers
from tests.input_rows import many, write_parquet


def places(parts: list[np.ndarray], threads: int) -> list[int]:
    with closing(IdHashes()) as hashes:
        for part in parts:
            hashes.add(part.astype(np.uint64))
        return [int(place) for place in hashes.repeated(threads)]


@pytest.mark.parametrize("held", [1, 3, 64, 1 << 20])
@pytest.mark.parametrize("threads", [1, 3])
def test_repeated_hashes_are_found(held: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.execute.id_hashes.HELD_MAX", held)
    rng = np.random.default_rng(held)
    few = rng.integers(0, 1 << 64, 150, dtype=np.uint64)
    few[:40] = (few[:40] >> np.uint64(8)) | np.uint64(7 << 56)  # a crowded bucket
    few[:3] = [0, (1 << 64) - 1, 1 << 20]
    parts = [rng.choice(few, size) for size in (0, 1, 30, 50, 7)]
    parts += [rng.integers(1, 1 << 64, 40, dtype=np.uint64)]
    whole = np.concatenate(parts)
    times = Counter(whole.tolist())
    wanted = [place for place, one in enumerate(whole.tolist()) if one and times[one] > 1]
    assert places(parts, threads) == wanted


def test_many_hashes_over_pieces_and_runs() -> None:
    rng = np.random.default_rng(1)
    whole = rng.integers(1, 1 << 64, 1_300_000, dtype=np.uint64)
    assert places([whole], 1) == []
    again = {5: 1_299_999, 262_143: 262_144, 70_000: 1_100_000}
    for first, second in again.items():
        whole[second] = whole[first]
    assert places(np.array_split(whole, 11), 2) == sorted([*again, *again.values()])


def test_nothing_repeats_where_nothing_is() -> None:
    assert places([], 1) == places([np.zeros(0)], 1) == places([np.zeros(500)], 2) == []


def test_a_crowd_in_one_bucket_is_told_apart() -> None:
    """Bits that several hashes share only choose what is compared."""
    rng = np.random.default_rng(2)
    whole = (rng.integers(1, 1 << 20, 30_000, dtype=np.uint64) << np.uint64(10)) | np.uint64(3)
    times = Counter(whole.tolist())
    assert places([whole], 1) == [place for place, one in enumerate(whole.tolist()) if times[one] > 1]


def page(texts: list[str | None], optional: bool, behind: int) -> tuple[np.ndarray, np.ndarray]:
    """A page of texts as Parquet has it, with bytes behind it."""
    runs = b"".join(b"\2" + bytes([text is not None]) for text in texts)
    levels = len(runs).to_bytes(4, "little") + runs if optional else b""
    cells = [text.encode() for text in texts if text is not None]
    body = levels + b"".join(len(cell).to_bytes(4, "little") + cell for cell in cells)
    data = np.frombuffer(body + b"x" * behind, np.uint8)
    return data, np.array([[0, len(body), len(texts)]])


TEXTS = ["A1", "S3700002025010000000-0000", "12345678", "x" * 200, "Nul", "n-l!", "9.01", "7" * 7, "~", "!2.1"]
ODD = ["", "NULL", "nuLL", "12.0", "\\N", " A1", "A 1", "A1\x7f", "é", "号", "a" * 8 + "\t", ".0"]


@pytest.mark.parametrize("behind", [0, 16])
@pytest.mark.parametrize("optional", [True, False])
def test_ids_of_a_page_are_hashed_as_ids_of_a_column(optional: bool, behind: int) -> None:
    rng = np.random.default_rng(3)
    for _ in range(60):
        texts: list[str | None] = [str(each) for each in rng.choice([*TEXTS, *ODD[: rng.integers(0, 2)]], 40)]
        if optional:
            texts = [text if rng.random() < 0.8 else None for text in texts]
        data, table = page(texts, optional, behind)
        found = np.empty(len(texts), np.uint64)
        odd = page_ids(data, table, optional, np.empty(len(texts), np.uint8), found)
        cells = pa.array(texts, pa.string())
        wanted, marks = np.empty(len(texts), np.uint64), np.zeros(len(texts), np.bool_)
        plain_ids(*text_buffers(cells), marks, wanted)
        missing = np.array([text is None for text in texts])
        assert found.tolist() == np.where(missing, 0, wanted).tolist()
        assert odd == int((marks & ~missing).sum()) == sum(text in ODD for text in texts)


@pytest.mark.parametrize("text", ODD)
def test_an_id_that_means_something_else_is_not_plain(text: str) -> None:
    data, table = page(["A1", text], False, 0)
    assert page_ids(data, table, False, np.empty(2, np.uint8), np.empty(2, np.uint64)) == 1


def test_a_page_that_is_cut_or_lies_about_itself_is_refused() -> None:
    data, table = page(["A1", "S-2", "S-3"], True, 0)
    levels, found = np.empty(3, np.uint8), np.empty(3, np.uint64)
    assert page_ids(data, table, True, levels, found) == 0
    for end in range(int(table[0, 1])):
        assert page_ids(data, np.array([[0, end, 3]]), True, levels, found) == -1
    for wrong in ([0, int(table[0, 1]) + 1, 3], [0, int(table[0, 1]), 4], [0, int(table[0, 1]), -1]):
        assert page_ids(data, np.array([wrong]), True, levels, found) == -1
    long = np.array(data)
    long[10:14] = 255  # the length of the first
    long.flags.writeable = False
    assert page_ids(long, table, True, levels, found) == -1


FORMS: dict[str, dict[str, Any]] = {
    "usual": {"compression": "zstd", "use_dictionary": False},
    "second version": {"use_dictionary": False, "data_page_version": "2.0"},
    "small pages": {"use_dictionary": False, "data_page_size": 300, "write_batch_size": 10},
    "by dictionary": {},
    "part by dictionary": {"dictionary_pagesize_limit": 400, "data_page_size": 300, "write_batch_size": 10},
    "by letter": {"use_dictionary": False, "column_encoding": {"setl_id": "DELTA_BYTE_ARRAY"}},
}


@pytest.mark.parametrize("ids", ["plain", "odd", "missing"])
@pytest.mark.parametrize("form", sorted(FORMS))
def test_suspects_are_the_same_from_pages_and_from_columns(
    form: str, ids: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [*many(120), *many(20)]
    rows[7]["setl_id"] = {"plain": "Z-7", "odd": " S0100", "missing": None}[ids]
    path = write_parquet(tmp_path / "a.parquet", rows)
    pq.write_table(pq.read_table(path), path, row_group_size=50, **FORMS[form])
    reader = open_cases([path], Demand("settle", "strict"))
    found = find_suspects(reader, 1_000)
    monkeypatch.setattr(Batches, "text_pages", lambda *given: None)
    wanted = find_suspects(reader, 1_000)
    assert (found.counts, found.looks) == (wanted.counts, wanted.looks)
    assert [rows.tolist() for rows in found.rows] == [rows.tolist() for rows in wanted.rows]
    assert found.total >= 38
