"""The file `settle` writes is the table it was given, as any reader finds it: types, values, nulls, bytes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.stream import page_write_loops as loops
from engine.stream.encode import Cells, DecimalCells, TextCells, UniqueCells, Words
from engine.stream.flat_file import flat_file

ID, WORD, POINTS, FEN = (
    pa.field("id", pa.string()),
    pa.field("word", pa.string()),
    pa.field("points", pa.decimal128(18, 8)),
    pa.field("amount", pa.decimal128(16, 2)),
)


def written(path: Path, schema: pa.Schema, groups: list[Mapping[str, Cells]]) -> pa.Table:
    """What a reader finds; all readers find the same."""
    with flat_file(path, schema) as file:
        for group in groups:
            file.write(rows_of(group), group)
    found = pq.read_table(path)
    found.validate(full=True)
    assert found.schema == schema
    theirs = pl.read_parquet(path)
    assert theirs.schema == pl.from_arrow(found).schema  # type: ignore[union-attr]
    assert theirs.equals(pl.from_arrow(found))  # type: ignore[arg-type]
    return found


def rows_of(group: Mapping[str, Cells]) -> int:
    first = next(iter(group.values()))
    if isinstance(first, TextCells):
        return len(first.numbers)
    return len(first.values) if isinstance(first, DecimalCells) else len(first.texts)


def one(path: Path, column: pa.Field, cells: Cells) -> list[object]:
    found: list[object] = written(path, pa.schema([column]), [{column.name: cells}])[column.name].to_pylist()
    return found


def amounts(values: list[int], held: list[bool] | None = None) -> DecimalCells:
    return DecimalCells(np.array(values, np.int64), 16, 1, None if held is None else np.array(held, np.bool_))


def words(numbers: list[int], texts: list[str | None]) -> TextCells:
    return TextCells(np.array(numbers, np.int32), Words(pa.array(texts, pa.string())))


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 32, 33, 128, 129, 130, 503, 504, 505, 1_009, 5_000])
@pytest.mark.parametrize("bits", [0, 1, 7, 20, 33, 53])
def test_amounts_of_any_size_come_back(tmp_path: Path, count: int, bits: int) -> None:
    drawn = np.random.default_rng([count, bits])
    most = min(1 << bits, 10**16) - 1
    values = drawn.integers(-most, most, count, endpoint=True)
    for number, held in enumerate((None, drawn.random(count) < 0.7, drawn.random(count) < 0.01)):
        cells = DecimalCells(values, 16, 1, held)
        kept = np.ones(count, np.bool_) if held is None else held
        wanted = [Decimal(int(value)).scaleb(-2) if own else None for value, own in zip(values, kept, strict=True)]
        assert one(tmp_path / f"{number}.parquet", FEN, cells) == wanted


@pytest.mark.parametrize("values", [[10**16 - 1, 1 - 10**16, 0, 10**16 - 1], [0] * 600, [-1] * 600 + [5]])
def test_amounts_at_their_limits_and_all_alike(tmp_path: Path, values: list[int]) -> None:
    assert one(tmp_path / "f.parquet", FEN, amounts(values)) == [Decimal(value).scaleb(-2) for value in values]


def test_points_get_their_places(tmp_path: Path) -> None:
    values = np.array([10**14 - 1, -1, 0, 327_051, 1 - 10**14], np.int64)
    held = np.array([True, True, True, False, True])
    found = one(tmp_path / "f.parquet", POINTS, DecimalCells(values, 18, 10_000, held))
    assert found == [Decimal("9999999999.99990000"), Decimal("-0.0001"), 0, None, Decimal("-9999999999.9999")]


@pytest.mark.parametrize("wrong", [10**16, -(10**16), 2**62, -(2**62), 2**63 - 1, -(2**63)])
def test_an_amount_beyond_its_digits_is_an_error_unless_it_is_not_shown(tmp_path: Path, wrong: int) -> None:
    with pytest.raises(OverflowError, match=f"{wrong} at index 1"):
        one(tmp_path / "f.parquet", FEN, amounts([0, wrong, 2]))
    assert one(tmp_path / "g.parquet", FEN, amounts([0, wrong, 2], [True, False, True])) == [0, None, Decimal("0.02")]
    with pytest.raises(OverflowError, match="18 digits"):
        one(tmp_path / "h.parquet", POINTS, DecimalCells(np.array([10**14]), 18, 10_000))


@pytest.mark.parametrize("count", [1, 8, 503, 504, 505, 1_008, 3_000])
@pytest.mark.parametrize("different", [1, 2, 3, 200, 1_500])
@pytest.mark.parametrize("run", [1, 700])
def test_words_of_any_number_come_back(tmp_path: Path, count: int, different: int, run: int) -> None:
    """Few and many words, mixed and in long runs, with a word named twice and one that is null."""
    drawn = np.random.default_rng([count, different, run])
    texts: list[str | None] = [f"词{number}" * (number % 5) for number in range(different)]
    texts += [texts[0], None]
    numbers = np.repeat(drawn.integers(-1, len(texts), count), run)[:count].tolist()
    assert one(tmp_path / "f.parquet", WORD, words(numbers, texts)) == [([*texts, None])[n] for n in numbers]


@pytest.mark.parametrize("texts", [["a"], [None], []])
def test_a_column_without_a_text_is_null(tmp_path: Path, texts: list[str | None]) -> None:
    numbers = [-1] * 700 if texts == ["a"] or not texts else [0] * 700
    assert one(tmp_path / "f.parquet", WORD, words(numbers, texts)) == [None] * 700
    assert one(tmp_path / "g.parquet", FEN, amounts([3] * 700, [False] * 700)) == [None] * 700


def test_a_number_that_names_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="one of a text"):
        one(tmp_path / "f.parquet", WORD, words([0, 2], ["a", "b"]))


IDS: dict[str, list[str]] = {
    "rising": [f"S{number:09d}" for number in range(1_000)],
    "falling": [f"S{number:09d}" for number in range(1_000, 0, -1)],
    "mixed": [f"{number * 7_919 % 1_000_003:x}-{'长' * (number % 9)}" for number in range(1_500)],
    "growing": ["a" * number for number in range(300)],
    "shrinking": ["a" * number for number in range(300, -1, -1)],
    "alike": ["same"] * 200,
    "empty": [""],
    "one": ["S-1"],
    "odd bytes": ["\x00", "\uffff", "𠀀", "\x7f", "é", "", "\x00\x00"],
}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
@pytest.mark.parametrize("name", sorted(IDS))
def test_ids_come_back_with_their_bounds(tmp_path: Path, name: str, kind: pa.DataType) -> None:
    texts = ["cut off", *IDS[name], "cut off"]
    cells = UniqueCells(pa.array(texts, kind).slice(1, len(texts) - 2))
    assert one(tmp_path / "f.parquet", ID, cells) == IDS[name]
    bounds = pq.read_metadata(tmp_path / "f.parquet").row_group(0).column(0).statistics
    assert (bounds.min, bounds.max, bounds.null_count) == (min(IDS[name]), max(IDS[name]), 0)


def test_groups_stand_one_behind_the_other(tmp_path: Path) -> None:
    schema = pa.schema([ID, WORD, POINTS, FEN])
    drawn, groups, wanted = np.random.default_rng(5), [], []
    for number, count in enumerate((700, 0, 1, 2_000, 3)):
        ids = [f"{number}-{row}" for row in range(count)]
        numbers, values = drawn.integers(-1, 5, count), drawn.integers(-(10**9), 10**9, count)
        held = drawn.random(count) < 0.5
        texts = [f"{number}:{each}" for each in range(5)]
        groups.append(
            {
                "id": UniqueCells(pa.array(ids, pa.string())),
                "word": TextCells(numbers.astype(np.int8), Words(pa.array(texts, pa.string()))),
                "points": DecimalCells(values, 18, 10_000, held),
                "amount": DecimalCells(values, 16),
            }
        )
        for row in range(count):
            points = Decimal(int(values[row])).scaleb(-4) if held[row] else None
            wanted.append((ids[row], [*texts, None][numbers[row]], points, Decimal(int(values[row])).scaleb(-2)))
    found = written(tmp_path / "f.parquet", schema, groups)
    assert list(zip(*(column.to_pylist() for column in found.columns), strict=True)) == wanted
    meta = pq.read_metadata(tmp_path / "f.parquet")
    assert [meta.row_group(n).num_rows for n in range(meta.num_row_groups)] == [700, 1, 2_000, 3]
    assert [each["id"] for each in pl.read_parquet(tmp_path / "f.parquet", n_rows=2).to_dicts()] == ["0-0", "0-1"]


def test_a_file_without_rows_has_its_columns(tmp_path: Path) -> None:
    schema = pa.schema([ID, WORD, POINTS, FEN])
    assert written(tmp_path / "none.parquet", schema, []).num_rows == 0


def test_bytes_follow_from_the_values_not_from_the_dictionary(tmp_path: Path) -> None:
    schema, values = pa.schema([WORD]), [2, 0, 2, 1]
    one, two = words(values, ["a", "b", "c"]), words([1, 4, 1, 3], ["never", "c", None, "b", "a", "c"])
    for name, cells in (("one", one), ("two", two)):
        written(tmp_path / name, schema, [{"word": cells}])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_differences_wrap_round_where_numbers_are_as_far_apart_as_can_be() -> None:
    """No amount is that large; the loop does not rely on it."""
    values = np.array([-(2**63), 2**63 - 1, 0, 2**62, -(2**62)] * 50, np.int64)
    room = np.zeros(loops.differences_size(len(values)), np.uint8)
    end = loops.pack_differences(values, len(values), room, 0)
    assert end <= len(room) - loops.SLACK
    assert _unpacked(room[:end].tobytes()) == values.tolist()


def _unpacked(data: bytes) -> list[int]:
    """DELTA_BINARY_PACKED by the letter of the specification, bit by bit."""
    at = 0

    def varint() -> int:
        nonlocal at
        number, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def zigzag() -> int:
        number = varint()
        return (number >> 1) ^ -(number & 1)

    block, smalls, count = varint(), varint(), varint()
    out = [zigzag()]
    size = block // smalls
    while len(out) < count:
        least, widths = zigzag(), data[at : at + smalls]
        at += smalls
        for width in widths:
            packed = int.from_bytes(data[at : at + size * width // 8], "little")
            at += size * width // 8
            for number in range(size):
                delta = packed >> (number * width) & ((1 << width) - 1)
                out.append((out[-1] + least + delta + 2**63) % 2**64 - 2**63)
    assert at == len(data)
    return out[:count]


@pytest.mark.parametrize("width", range(1, 33))
def test_numbers_of_any_width_are_packed_side_by_side(width: int) -> None:
    """Bit-packed runs by the letter of the specification; nothing behind them but the slack is touched."""
    drawn, count = np.random.default_rng(width), 1_300
    values = drawn.integers(0, 1 << width, count + 8, dtype=np.uint64).astype(np.uint32)
    values[: 3 * 8] = (1 << width) - 1
    wanted, room = values[:count].tolist(), np.full(loops.packed_size(count, width), 0xAB, np.uint8)
    end = int(loops.pack_runs(values, count, width, room, 0))
    assert end <= len(room) - loops.SLACK and (room[end + loops.SLACK :] == 0xAB).all()
    data, at, found = room[:end].tobytes(), 0, list[int]()
    while at < end:
        header, shift = 0, 0
        while True:
            header |= (data[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 0x80:
                break
        if header & 1:
            size = (header >> 1) * width
            packed = int.from_bytes(data[at : at + size], "little")
            found += [packed >> (k * width) & ((1 << width) - 1) for k in range((header >> 1) * 8)]
        else:
            size = (width + 7) // 8
            found += [int.from_bytes(data[at : at + size], "little")] * (header >> 1)
        at += size
    assert found[:count] == wanted and not any(found[count:])
