"""A case explained from one record says what it says explained from a frame, whatever stands in files and cells."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import engine.single as single
from engine.cases.plain_row import plain_row
from engine.errors import DianzhiError
from tests.small_city import DEMO, small_city

PACKS = {kind: single.open_pack(DEMO / f"pack_{kind}") for kind in ("drg", "dip")}
ODD_TEXTS = [
    "",
    " ",
    "NULL",
    "7.0",
    "职工",
    "Ｆ",
    "x y",
    " 310",
    "一级",
    "\t1",
    "1\n",
    "310",
    "男",
    None,
    "9" * 12,
    "-3",
]
ODD_CODES: list[list[str | None] | None] = [
    *([], None, [""], [None], ["", "I10.x00"], ["I10.x00", None, "E11.900"], [" i10.X00"], ["I10.X00", "e11.900"]),
    *(["Ｉ10.x00"], ["I10.x00"] * 120, ["J44.000", "N19.x00"], ["O80.000"], ["C61.x00"], ["I10.x00" * 9]),
]
ODD_NUMBERS = [None, -1, 0, 7, 131, 28, 9999, -(2**31), 2**31 - 1]
ODD_AMOUNTS = [None, Decimal("-0.01"), Decimal("0.00"), Decimal("900000000.01"), Decimal("99999999999999.99")]

Table = pa.Table


def month() -> Table:
    return pq.read_table(small_city().months["202504"][0])


def replaced(table: Table, column: str, values: list[Any], kind: pa.DataType | None = None) -> Table:
    place = table.column_names.index(column)
    return table.set_column(place, column, pa.array(values, kind or table.schema.field(column).type))


def with_cell(table: Table, column: str, row: int, value: Any) -> Table:
    values = table[column].to_pylist()
    values[row] = value
    return replaced(table, column, values)


def odd_cell(table: Table, row: int, rng: random.Random) -> Table:
    """Some cell of the row becomes what its column's type can hold and a reader may stumble over."""
    column = rng.choice([name for name in table.column_names if name != "setl_id"])
    kind = table.schema.field(column).type
    if pa.types.is_list(kind):
        return with_cell(table, column, row, rng.choice(ODD_CODES))
    if pa.types.is_string(kind):
        return with_cell(table, column, row, rng.choice(ODD_TEXTS))
    if pa.types.is_integer(kind):
        return with_cell(
            replaced(table, column, table[column].to_pylist(), pa.int64()), column, row, rng.choice(ODD_NUMBERS)
        )
    if pa.types.is_decimal(kind):
        wide = replaced(table, column, table[column].to_pylist(), pa.decimal128(18, 2))
        return with_cell(wide, column, row, rng.choice([*ODD_AMOUNTS, Decimal("64.50"), Decimal("-0.50")]))
    return with_cell(table, column, row, rng.choice([None, *table[column].to_pylist()[:5]]))


def other_type(table: Table, row: int, rng: random.Random) -> Table:
    """A column in another type that holds the same."""
    column = rng.choice(table.column_names)
    kind, values = table.schema.field(column).type, table[column]
    place = table.column_names.index(column)
    if pa.types.is_list(kind):
        joined = [None if codes is None else "|".join(codes) for codes in values.to_pylist()]
        wider = pa.list_(pa.large_string()) if rng.random() < 0.5 else pa.large_list(pa.string())
        return (
            replaced(table, column, joined, pa.string())
            if rng.random() < 0.3
            else replaced(table, column, values.to_pylist(), wider)
        )
    choices: dict[bool, list[pa.DataType]] = {
        pa.types.is_string(kind): [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()],
        pa.types.is_integer(kind): [pa.int64(), pa.uint16(), pa.float64(), pa.string(), pa.decimal128(8, 0)],
        pa.types.is_decimal(kind): [pa.decimal128(20, 4), pa.string(), pa.float64()],
        pa.types.is_timestamp(kind): [
            pa.timestamp("us"),
            pa.timestamp("ns"),
            pa.timestamp("ms", "Asia/Tokyo"),
            pa.string(),
        ],
        pa.types.is_date(kind): [pa.string(), pa.timestamp("ms")],
    }
    try:
        return table.set_column(place, column, values.cast(rng.choice(choices[True])))
    except pa.ArrowInvalid:
        return table


def odd_id(table: Table, row: int, rng: random.Random) -> Table:
    """The id of this row, or of another one, is written so that it may be taken for this row's."""
    own = table["setl_id"][row].as_py()
    other = rng.randrange(len(table))
    written = rng.choice(
        [own, f" {own}", f"{own} ", own.translate({c: c + 0xFEE0 for c in range(33, 127)}), own[:-1], own + "x", None]
    )
    return with_cell(table, "setl_id", other, written)


def digits(table: Table, row: int, rng: random.Random) -> Table:
    ids: list[str | None] = [str(place) for place in range(len(table))]
    if rng.random() < 0.5:
        ids[rng.randrange(len(ids))] = f"{row}.0"
    return replaced(table, "setl_id", ids)


def copied(table: Table, row: int, rng: random.Random) -> Table:
    again = table.slice(row, 1)
    return pa.concat_tables([table, odd_cell(again, 0, rng).cast(table.schema) if rng.random() < 0.3 else again])


def renamed(table: Table, row: int, rng: random.Random) -> Table:
    return table.rename_columns(
        {
            rng.choice(["dscg_way", "gend", "setl_id", "diag_codes"]): rng.choice(
                ["diseinfo", "性别", "dx_codes", "结算ID"]
            )
        }
    )


def without(table: Table, row: int, rng: random.Random) -> Table:
    return table.drop_columns([rng.choice(table.column_names)])


def unchanged(table: Table, row: int, rng: random.Random) -> Table:
    return table


CHANGES: list[Callable[[Table, int, random.Random], Table]] = [
    *(odd_cell, odd_cell, odd_cell, other_type, other_type, odd_id, digits, copied, renamed, without, unchanged)
]


def told(paths: list[Path], setl_id: str, pack: str, profile: str | None) -> tuple[str, ...]:
    try:
        return tuple(single.explain_one(paths, setl_id, [DEMO / pack], profile))
    except DianzhiError as error:
        return type(error).__name__, str(error)


@pytest.fixture
def packs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "open_pack", lambda folder: PACKS[folder.name.removeprefix("pack_")])


@pytest.mark.parametrize("kind", ["drg", "dip"])
def test_what_is_read_as_a_record_is_told_as_read_from_a_frame(
    kind: str, tmp_path: Path, packs_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(f"record {kind}")
    usual, plain = month().slice(0, 60), 0
    for attempt in range(120):
        table, row = usual, rng.randrange(len(usual))
        for _ in range(rng.choice([1, 1, 2])):
            try:
                table = rng.choice(CHANGES)(table, row, rng)
            except (KeyError, ValueError, pa.ArrowException):
                continue  # an earlier change took the column away
        ids = table["setl_id" if "setl_id" in table.column_names else 0].to_pylist()
        setl_id = str(ids[row]) if rng.random() < 0.9 else "nobody"
        cut = rng.choice([0, 0, len(table) // 2])
        paths = []
        for number, part in enumerate([table.slice(0, cut), table.slice(cut)] if cut else [table]):
            paths.append(tmp_path / f"{attempt}-{number}.parquet")
            pq.write_table(part, paths[-1], row_group_size=rng.choice([7, 1000]))
        profile = rng.choice([None, "strict", "compatible"])
        found = told(paths, setl_id, f"pack_{kind}", profile)
        plain += single.plain_record(paths, setl_id, single._demand([PACKS[kind]], profile)) is not None
        with monkeypatch.context() as patched:
            patched.setattr(single, "plain_record", lambda *_: None)
            assert found == told(paths, setl_id, f"pack_{kind}", profile), (attempt, profile)
    assert 30 < plain < 110


@pytest.mark.parametrize("kind", ["drg", "dip"])
def test_every_usual_case_is_read_as_a_record(kind: str) -> None:
    path, demand = small_city().months["202504"][0], single._demand([PACKS[kind]], None)
    for setl_id in month()["setl_id"].to_pylist()[::40]:
        found = plain_row([path], setl_id, demand)
        assert found is not None and found["setl_id"] == setl_id


def test_a_file_damaged_behind_the_case_is_still_a_damaged_file(tmp_path: Path, packs_once: None) -> None:
    path = tmp_path / "cases.parquet"
    pq.write_table(month(), path, row_group_size=50, compression="zstd")
    last = pq.ParquetFile(path).metadata.row_group(2)
    column = last.column(month().column_names.index("diag_codes"))
    content = bytearray(path.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    content[start : start + column.total_compressed_size] = bytes(column.total_compressed_size)
    path.write_bytes(content)
    found = told([path], month()["setl_id"][3].as_py(), "pack_drg", None)
    assert found[0] == "CaseFileError" and "cases.parquet" in found[1]


@pytest.mark.parametrize("kind", ["drg", "dip"])
def test_a_usual_case_is_explained_without_frames(kind: str, tmp_path: Path) -> None:

    words = ["explain", str(small_city().months["202504"][0]), "--case", month()["setl_id"][3].as_py()]
    words += ["--pack", str(DEMO / f"pack_{kind}")]
    probe = (
        "import sys\nfrom engine.cli import app\n"
        f"try:\n    app({words!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('FRAMES', [name for name in ('polars', 'numba', 'yaml') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().endswith("FRAMES []"), done.stderr
