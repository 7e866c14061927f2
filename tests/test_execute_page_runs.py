"""The loops over Parquet pages against the slow obvious way, on drawn pages, whole and damaged."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from engine.execute.id_loops import plain_ids
from engine.execute.lean_kept import copy_stretches, shift_offsets
from engine.execute.lean_row_loops import NOT_PLAIN, code_rows, mark_odd_ids
from engine.execute.page_loops import BIG, LITTLE, flat_fixed, flat_texts
from engine.execute.page_runs import SLACK, TOO_WIDE, flat_ids, list_ids

GUARD = 64
"""Entries before and behind what a loop may write; they must stay as they are."""


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def hybrid(rng: random.Random, numbers: list[int], width: int) -> bytes:
    """Numbers in runs and packed, divided at random; the last packed ones filled up."""
    out, at = b"", 0
    while at < len(numbers):
        alike = 1
        while at + alike < len(numbers) and numbers[at + alike] == numbers[at]:
            alike += 1
        if alike >= 8 or (rng.random() < 0.1 and alike > 1):
            taken = rng.randint(1, alike)
            out += varint(taken << 1) + numbers[at].to_bytes((width + 7) // 8, "little")
        else:
            groups = rng.choice([1, 1, 2, 5, 63])
            taken = min(groups * 8, len(numbers) - at)
            groups = (taken + 7) // 8
            whole = sum(number << (k * width) for k, number in enumerate(numbers[at : at + taken]))
            out += varint(groups << 1 | 1) + whole.to_bytes(groups * width, "little")
        at += taken
    return out


def levels(rng: random.Random, numbers: list[int], width: int) -> bytes:
    packed = hybrid(rng, numbers, width)
    return len(packed).to_bytes(4, "little") + packed


def joined(pages: list[bytes], counts: list[int], filling: int = 0) -> tuple[npt.NDArray[np.uint8], Any]:
    """Pages as the loops want them."""
    ends = np.cumsum([len(page) for page in pages], dtype=np.int64)
    data = np.frombuffer(b"".join(pages) + bytes([filling]) * SLACK, np.uint8)
    return data, np.stack([np.append(0, ends[:-1]), ends, np.array(counts, np.int64)], axis=1)


class Guarded:
    """An array in the midst of a larger one."""

    def __init__(self, size: int, kind: Any) -> None:
        self.whole = np.full(size + 2 * GUARD, 77, np.uint8).astype(kind)
        self.array = self.whole[GUARD : GUARD + size]

    def check(self) -> None:
        for edge in (self.whole[:GUARD], self.whole[len(self.whole) - GUARD :]):
            assert (edge == np.full(1, 77).astype(edge.dtype)).all(), "written outside of the array"


def read_flat(pages: list[bytes], counts: list[int], optional: bool, limit: int, filling: int = 0) -> Any:
    """(answer, places) as the reader has them."""
    data, table = joined(pages, counts, filling)
    for kind, bits in ((np.uint16, 16), (np.int32, 31))[limit > 65_535 :]:
        most = max(counts)
        out, numbers, defs = Guarded(sum(counts), kind), Guarded(most, kind), Guarded(most, np.uint8)
        answer = flat_ids(data, table, optional, limit, bits, defs.array, numbers.array, out.array)
        for each in (out, numbers, defs):
            each.check()
        if answer != TOO_WIDE:
            break
    return answer, out.array.astype(np.int64)


@pytest.mark.parametrize("width", range(32))
def test_numbers_of_every_width(width: int) -> None:
    rng = random.Random(width)
    for nulls in (0.0, 0.3, 1.0):
        limit = max(1, min((1 << width) - rng.choice([0, 0, 1]), (1 << 31) - 2))
        pages, counts, expected = [], [], list[int]()
        for _ in range(rng.randint(1, 4)):
            count = rng.choice([1, 7, 8, 100, 3_000])
            few = [rng.randrange(limit) for _ in range(2)]
            there = [int(rng.random() >= nulls) for _ in range(count)]
            numbers = [rng.choice(few) if rng.random() < 0.8 else rng.randrange(limit) for _ in range(sum(there))]
            optional = levels(rng, there, 1) if nulls else b""
            pages.append(optional + bytes([width]) + hybrid(rng, numbers, width))
            counts.append(count)
            left = iter(numbers)
            expected += [next(left) if here else limit for here in there]
        answer, found = read_flat(pages, counts, bool(nulls), limit)
        assert answer == expected.count(limit) and found.tolist() == expected
        assert read_flat(pages, counts, bool(nulls), limit, 255)[1].tolist() == expected


def test_a_small_dictionary_with_wide_numbers() -> None:
    rng = random.Random(4)
    numbers = [rng.randrange(10) for _ in range(500)]
    page = bytes([25]) + hybrid(rng, numbers, 25)
    assert read_flat([page], [500], False, 10)[1].tolist() == numbers
    over = bytes([25]) + hybrid(rng, [*numbers[:-1], 65_536 + 3], 25)
    assert read_flat([over], [500], False, 10)[0] == -1, "cut to 16 bits it would have been 3"


def read_lists(pages: list[bytes], counts: list[int], rows: int, nullable: int, limit: int, filling: int = 0) -> Any:
    data, table = joined(pages, counts, filling)
    most, values = max(counts), sum(counts)
    reps, defs, numbers = Guarded(most, np.uint8), Guarded(most, np.uint8), Guarded(most, np.uint16)
    offsets, out, absent = Guarded(rows + 1, np.int64), Guarded(values, np.uint16), Guarded(rows + 1, np.bool_)
    none = np.zeros(1, np.int64)
    args = reps.array, defs.array, numbers.array, offsets.array, out.array, absent.array, none
    answer = list_ids(data, table, nullable, limit, 16, *args)
    for each in (reps, defs, numbers, offsets, out, absent):
        each.check()
    return answer, offsets.array, out.array, absent.array, int(none[0])


def drawn_lists(rng: random.Random, nullable: int, limit: int) -> tuple[list[list[int | None] | None], Any]:
    """Rows, and (levels and numbers by page, values of each). Pages may end within a row."""
    share = rng.choice([0.0, 0.3])
    rows: list[list[int | None] | None] = []
    for _ in range(rng.choice([1, 30, 800])):
        if nullable & 1 and rng.random() < share:
            rows.append(None)
            continue
        size = rng.choice([1, 1, 4, 9]) if share == 0 else rng.choice([0, 0, 1, 4, 9])
        rows.append(
            [None if nullable & 2 and rng.random() < share else rng.randrange(limit) for _ in range(size)],
        )
    deepest = 1 + (nullable & 1) + (nullable >> 1)
    flat: list[tuple[int, int, int | None]] = []
    for row in rows:
        if not row:
            flat.append((0, 0 if row is None else nullable & 1, None))
        for k, number in enumerate(row or []):
            flat.append((int(k > 0), deepest if number is not None else deepest - 1, number))
    pages, counts, at = [], [], 0
    while at < len(flat):
        part = flat[at : at + rng.choice([1, 50, 2_000])]
        numbers = [number for _, _, number in part if number is not None]
        width = max(1, (limit - 1).bit_length())
        page = levels(rng, [rep for rep, _, _ in part], 1) + levels(rng, [d for _, d, _ in part], 1 + (deepest > 1))
        pages.append(page + bytes([width]) + hybrid(rng, numbers, width))
        counts.append(len(part))
        at += len(part)
    return rows, (pages, counts)


@pytest.mark.parametrize("nullable", [0, 1, 2, 3])
def test_lists(nullable: int) -> None:
    rng = random.Random(nullable)
    for _ in range(25):
        limit = rng.choice([1, 5, 300, 65_000])
        rows, (pages, counts) = drawn_lists(rng, nullable, limit)
        for filling in (0, 255):
            answer, offsets, out, absent, none = read_lists(pages, counts, len(rows), nullable, limit, filling)
            flat = [limit if number is None else number for row in rows for number in row or []]
            assert answer == len(flat) and out[:answer].tolist() == flat and none == flat.count(limit)
            sizes = [len(row or []) for row in rows]
            assert offsets[:-1].tolist() == [sum(sizes[:k]) for k in range(len(rows))]
            assert absent[:-1].tolist() == [row is None for row in rows]
        assert read_lists(pages, counts, len(rows) + 1, nullable, limit)[0] == -1, "a row too few"
        assert read_lists(pages, counts, len(rows) - 1, nullable, limit)[0] == -1, "a row too many"


def damaged(rng: random.Random, page: bytes) -> bytes:
    bad = bytearray(page)
    for _ in range(rng.choice([1, 1, 3, 20])):
        bad[rng.randrange(len(bad))] = rng.choice([0, 1, 2, 3, 31, 32, 127, 128, 255, rng.randrange(256)])
    return bytes(bad[: rng.randint(1, len(bad))]) if rng.random() < 0.3 else bytes(bad)


def test_damaged_pages_of_numbers() -> None:
    """A wrong page is refused or read as it stands; no number reaches the limit but for a missing one."""
    rng = random.Random(8)
    for _ in range(3_000):
        width = rng.choice([0, 1, 2, 7, 8, 9, 12, 16, 17, 31])
        limit, count = max(1, min(1 << width, 60_000)), rng.choice([1, 8, 70, 500])
        optional = rng.random() < 0.5
        there = [int(rng.random() < 0.7) for _ in range(count)] if optional else [1] * count
        numbers = [rng.randrange(limit) for _ in range(sum(there))]
        page = (levels(rng, there, 1) if optional else b"") + bytes([width]) + hybrid(rng, numbers, width)
        counts = [count if rng.random() < 0.8 else rng.randint(1, 2 * count)]
        answer, found = read_flat([damaged(rng, page)], counts, optional, limit)
        if answer >= 0:
            assert ((found >= 0) & (found <= limit)).all() and answer == np.count_nonzero(found == limit)
        else:
            assert answer == -1


def test_damaged_pages_of_lists() -> None:
    rng = random.Random(9)
    for _ in range(1_500):
        nullable, limit = rng.randrange(4), rng.choice([1, 5, 300, 65_000])
        rows, (pages, counts) = drawn_lists(rng, nullable, limit)
        hurt = rng.randrange(len(pages))
        pages = [damaged(rng, page) if k == hurt else page for k, page in enumerate(pages)]
        answer, offsets, out, _, none = read_lists(pages, counts, len(rows), nullable, limit)
        assert answer >= TOO_WIDE
        if answer >= 0:
            places = np.append(offsets[:-1], answer)
            assert places[0] == 0 and (np.diff(places) >= 0).all()
            assert (out[:answer] <= limit).all() and np.count_nonzero(out[:answer] == limit) == none


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 12, 16])
@pytest.mark.parametrize("order", [BIG, LITTLE])
def test_whole_numbers_of_every_size(size: int, order: int) -> None:
    rng = random.Random(size)
    word = "big" if order == BIG else "little"
    for slack in (0, 3, 20):
        there = [int(rng.random() < 0.8) for _ in range(300)]
        bits = 8 * min(size, 8) - 1
        numbers = [
            rng.choice([0, -1, 1 << bits - 1, -(1 << bits), rng.randrange(1 << bits)]) for _ in range(sum(there))
        ]
        page = levels(rng, there, 1) + b"".join(n.to_bytes(size, word, signed=True) for n in numbers)  # type: ignore[arg-type]
        data = np.frombuffer(page + b"\xff" * slack, np.uint8)
        table = np.array([[0, len(page), 300]])
        out, missing, defs = Guarded(300, np.int64), Guarded(300, np.bool_), Guarded(300, np.uint8)
        answer = flat_fixed(data, table, True, size, order, defs.array, out.array, missing.array)
        for each in (out, missing, defs):
            each.check()
        if order == LITTLE and size not in (4, 8):
            assert answer == -1
            continue
        left = iter(numbers)
        assert answer == there.count(0) and missing.array.tolist() == [not here for here in there]
        assert out.array.tolist() == [next(left) if here else 0 for here in there]
        short = np.array([[0, len(page) - 1, 300]])
        assert flat_fixed(data, short, True, size, order, defs.array, out.array, missing.array) == -1


def test_a_number_that_64_bits_do_not_hold() -> None:
    for number in (1 << 63, -(1 << 63) - 1, 1 << 100):
        page = np.frombuffer(number.to_bytes(16, "big", signed=True), np.uint8)
        out, none, defs = np.zeros(1, np.int64), np.zeros(1, np.bool_), np.zeros(1, np.uint8)
        assert flat_fixed(page, np.array([[0, 16, 1]]), False, 16, BIG, defs, out, none) == -1


def test_texts_whole_and_damaged() -> None:
    rng = random.Random(5)
    for turn in range(2_000):
        texts = [bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 7, 8, 9, 25]))) for _ in range(40)]
        there = [int(rng.random() < 0.9) for _ in texts]
        kept = [text for text, here in zip(texts, there, strict=True) if here]
        page = levels(rng, there, 1) + b"".join(len(text).to_bytes(4, "little") + text for text in kept)
        good = turn % 4 == 0
        page = page if good else damaged(rng, page) + b"\0" * 8
        slack = SLACK if int.from_bytes(page[:4], "little") + 4 + SLACK > len(page) else rng.choice([0, SLACK])
        data, table = np.frombuffer(page + b"\xff" * slack, np.uint8), np.array([[0, len(page), 40]])
        out, ends = Guarded(len(page) + SLACK, np.uint8), Guarded(40, np.int32)
        missing, defs = Guarded(40, np.bool_), Guarded(40, np.uint8)
        answer = flat_texts(data, table, True, defs.array, out.array, 0, ends.array, missing.array)
        for each in (out, ends, missing, defs):
            each.check()
        if good:
            assert answer == sum(map(len, kept)) and out.array[:answer].tobytes() == b"".join(kept)
            assert missing.array.tolist() == [not here for here in there]
        elif answer >= 0:
            assert (np.diff(ends.array) >= 0).all() and ends.array[0] >= 0 and ends.array[-1] == answer <= len(page)


def test_ids_that_are_not_plain() -> None:
    rng = random.Random(6)
    odd_ones = [
        "",
        "x",
        "\\N",
        "NULL",
        "null",
        "nulx",
        "12.0",
        "1.0",
        ".0",
        "0",
        "a b",
        "中文",
        "\x7f",
        "S\x80",
        "12345.0",
    ]
    for share in (0.0, 0.01, 0.5):
        texts = [
            rng.choice(odd_ones) if rng.random() < share else f"S{rng.randrange(10 ** rng.randint(1, 25))}"
            for _ in range(1_000)
        ]
        encoded = [text.encode() for text in texts]
        bounds = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
        data = np.frombuffer(b"".join(encoded), np.uint8)
        for low, high in ((0, 1_000), (13, 700), (5, 5)):
            starts, ends = bounds[low:high], bounds[low + 1 : high + 1]
            expected, found = np.zeros(high - low, np.bool_), np.zeros(high - low, np.bool_)
            plain_ids(data, starts, ends, expected, np.empty(high - low, np.uint64))
            mark_odd_ids(data, starts, ends, found)
            assert found.tolist() == expected.tolist()


def test_marks_of_codes_by_row() -> None:
    rng = np.random.default_rng(7)
    for share in (0.0, 0.02, 0.6):
        sizes = rng.choice([0, 1, 3, 8, 9, 20], 500)
        offsets = np.append(0, np.cumsum(sizes)).astype(np.int64)
        marks = np.where(rng.random(offsets[-1] + 8) < share, rng.choice([1, 2, 4, NOT_PLAIN, 5]), 0).astype(np.uint8)
        flags, odd = np.full(500, 9, np.uint8), np.zeros(500, np.bool_)
        code_rows(offsets, marks, bool(marks[:-8].any()), 9, 1, flags, odd)
        rows = [np.bitwise_or.reduce(marks[a:b], initial=0) for a, b in pairwise(offsets)]
        assert flags.tolist() == [int(row) & (NOT_PLAIN - 1) for row in rows]
        assert odd.tolist() == [bool(row & NOT_PLAIN) or not 1 <= n <= 9 for row, n in zip(rows, sizes, strict=True)]


def test_offsets_and_values_without_some_rows() -> None:
    rng = np.random.default_rng(8)
    for gone_count in (0, 1, 40, 200):
        sizes = rng.integers(0, 5, 200)
        offsets = (np.append(0, np.cumsum(sizes)) + 7).astype(np.int32)
        gone = np.sort(rng.choice(200, gone_count, replace=False)).astype(np.int64)
        left = np.delete(sizes, gone)
        out = np.empty(len(left) + 1, np.int32)
        shift_offsets(offsets, gone, 7, out)
        assert out.tolist() == np.append(0, np.cumsum(left)).tolist()
        values = np.arange(200)
        kept = np.delete(values, gone)
        copy_stretches(values, gone, gone + 1, values)
        assert values[: len(kept)].tolist() == kept.tolist()
