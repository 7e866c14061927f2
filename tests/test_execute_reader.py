"""The fast reader says what the slow one says, whatever form a file has and whatever stands in its cells."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.cases.demand import Demand, Profile, Purpose
from engine.cases.load import iter_cases, load_cases
from engine.cases.read import open_cases
from engine.errors import CaseFileError
from engine.execute.batches import dictionary_paths
from engine.execute.cells import Columns
from engine.execute.vocabulary import Vocabulary
from fixtures.generate import generate_city
from grouper.tables import STANDARD_NUMERIC, NumericField
from tests.input_rows import INFANT, Row, arrow_table, assert_same, load, many, row, write_csv, write_parquet
from tests.lean_cases import lean_cases

DEMANDS = [
    Demand(purpose, profile, STANDARD_NUMERIC, dip=dip)
    for purpose in ("settle", "group")
    for profile in ("strict", "compatible")
    for dip in (False, True)
]


def both(paths: Sequence[Path], demand: Demand, batch_rows: int = 1_000) -> Any:
    slow = load_cases(paths, demand, batch_rows, fast=False)
    assert_same(slow, load_cases(paths, demand, batch_rows, fast=True))
    assert_same(slow, lean_cases(paths, demand, batch_rows))
    return slow


MESSY: list[Row] = [
    *many(30),
    row("FULL", gend="１", diag_codes="Ｋ35.800"),
    row("BLANK", fixmedins_code=" H37030200001 ", insutype="310 "),
    row("POINT", insutype="310.0", age="45.0"),
    row("WORD", gend="男", insutype="职工"),
    row("CASE", diag_codes="k35.800|I10.X00"),
    row("HOLE", diag_codes="K35.800||I10.x00"),
    row("LEAD", diag_codes="|K35.800"),
    row("NONE", diag_codes=None),
    row("EMPTY", diag_codes="", oprn_codes=""),
    row("COMMA", diag_codes="K35.800,I10.x00"),
    row("WIDE COMMA", diag_codes="K35.800，I10.x00"),
    row("LONG", diag_codes="K35.8000000000000000X", oprn_codes="9" * 31),
    row("MONEY", medfee_sumamt="12,345.67"),
    row("YUAN", medfee_sumamt="¥300", hifp_pay="10"),
    row("FINE", medfee_sumamt="12.345", hifp_pay="1"),
    row("ZERO", medfee_sumamt="12.300", hifp_pay="1.5"),
    row("LESS", medfee_sumamt="-1.00", hifp_pay="0"),
    row("OVER", hifp_pay="99999.00"),
    row("HUGE", medfee_sumamt="99999999999999.99"),
    row("DATE", dscg_time="2024/3/6", setl_end_date="20240307"),
    row("SERIAL", setl_end_date="45358"),
    row("NO DAY", setl_end_date="2024-02-30"),
    row("LEAP", adm_time="2024-02-27 00:00:00", dscg_time="2024-02-29T10:00:00", act_ipt_days="2"),
    row("BEFORE", dscg_time="2024-02-06 15:00:00"),
    row("INFANT", **INFANT),
    row("SMALL", **{**INFANT, "nwb_bir_wt": None}),
    row("NO AGE", age=None, nwb_age="30"),
    row("DAYS", age="0", nwb_age="-3"),
    row("OLD", age="131"),
    row("STAY", act_ipt_days=None),
    row("STAYED", act_ipt_days="40"),
    row("SEX", gend="1", diag_codes="O80.000"),
    row("WAY", dscg_way="7"),
    row("MONTH", setl_ym="202404"),
    row("MONTH OK", setl_ym="202403"),
    row("MONTH NO", setl_ym="2024-3"),
    row("POOL", insutype="340"),
    row(" PAD "),
    row("NULL"),
    row(r"\N"),
    row(None),  # type: ignore[arg-type]
    row("编号"),
    row("S.0"),
    row("12.0"),
    *[row("COPY")] * 3,
    row("CLASH", age="44"),
    row("CLASH", age="45"),
]
for _row in MESSY:
    _row.setdefault("setl_ym", None)  # type: ignore[attr-defined]


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: f"{demand.purpose}-{demand.profile}-{demand.dip}")
@pytest.mark.parametrize("seed", range(3))
def test_messy_text_files(demand: Demand, seed: int, tmp_path: Path) -> None:
    rows = list(MESSY)
    random.Random(seed).shuffle(rows)
    found = both([write_csv(tmp_path / "a.csv", rows)], demand, batch_rows=(7, 20, 1_000)[seed])
    assert found.read_count == len(MESSY)


def text_table(rows: Sequence[Row], text: pa.DataType) -> pa.Table:
    """Every column as text of this kind."""
    return pa.table({name: pa.array([cells[name] for cells in rows]).cast(text) for name in rows[0]})


KINDS = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]


@pytest.mark.parametrize("kind", range(len(KINDS)))
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_messy_text_columns_of_parquet(kind: int, use_dictionary: bool, tmp_path: Path) -> None:
    """Every kind of text under two demands, plain pages under the other two; all kinds together meet every demand."""
    table = text_table(MESSY, KINDS[kind])
    pq.write_table(table, tmp_path / "a.parquet", use_dictionary=use_dictionary, row_group_size=25)
    first = (kind + (0 if use_dictionary else 2)) % 4
    for demand in DEMANDS[first::4]:
        both([tmp_path / "a.parquet"], demand, batch_rows=10)


GOOD_TYPED = [*many(40), row("INFANT", **INFANT), row("SEX", gend="1", diag_codes="O80.000")]


@pytest.mark.parametrize("codes", ["list", "large_list", "joined", "struct"])
@pytest.mark.parametrize("use_dictionary", [True, False], ids=["dictionary", "plain pages"])
def test_typed_columns_of_parquet(codes: str, use_dictionary: bool, tmp_path: Path) -> None:
    pq.write_table(arrow_table(GOOD_TYPED, codes), tmp_path / "a.parquet", use_dictionary=use_dictionary)
    for demand in DEMANDS:
        both([tmp_path / "a.parquet"], demand)


def test_a_plain_page_is_not_read_as_a_dictionary(tmp_path: Path) -> None:
    for use_dictionary, expected in ((True, {"gend", "diag_codes.list.element"}), (False, set())):
        pq.write_table(arrow_table(many(5)), tmp_path / "a.parquet", use_dictionary=use_dictionary)
        with pq.ParquetFile(tmp_path / "a.parquet") as file:
            assert set(dictionary_paths(file, ["setl_id", "gend", "diag_codes", "age"], ["setl_id"])) == expected


def test_a_dictionary_that_grew_too_large_goes_on_as_plain_pages(tmp_path: Path) -> None:
    rows = [row(f"S{n:05d}", diag_codes=f"K35.800x{n:05d}|I10.x00") for n in range(3_000)]
    pq.write_table(arrow_table(rows), tmp_path / "a.parquet", dictionary_pagesize_limit=4_096, data_page_size=2_048)
    assert len(both([tmp_path / "a.parquet"], Demand("settle", "strict"), batch_rows=700).accepted) == 3_000


def typed(**columns: pa.Array) -> pa.Table:
    """Good rows with some columns put in place of theirs."""
    count = len(next(iter(columns.values())))
    table = arrow_table([row(f"S{n:03d}") for n in range(count)])
    for name, cells in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, cells) if place >= 0 else table.append_column(name, cells)
    return table


def both_of(table: pa.Table, tmp_path: Path, profile: Profile = "strict", purpose: Purpose = "settle") -> Any:
    pq.write_table(table, tmp_path / "a.parquet")
    extra = NumericField("vent", "h", "vent_used_h")
    return both([tmp_path / "a.parquet"], Demand(purpose, profile, (*STANDARD_NUMERIC, extra)))


def test_null_lists_null_codes_and_empty_lists(tmp_path: Path) -> None:
    dx = pa.array([["K35.800"], None, [], [None], ["K35.800", None], [None, "K35.800"], ["", "I10.x00"]])
    op = pa.array([None, ["47.0100"], [], [None], ["47.0100", ""], None, ["47.0100"]], pa.list_(pa.string()))
    for profile in ("strict", "compatible"):
        found = both_of(typed(diag_codes=dx, oprn_codes=op), tmp_path, profile=profile)  # type: ignore[arg-type]
        assert found.accepted["oprn_codes"].null_count() == 0


def test_forty_one_diagnoses_and_codes_of_twenty_characters(tmp_path: Path) -> None:
    many_codes = [f"K35.{n:03d}" for n in range(41)]
    dx = pa.array(
        [many_codes, ["I10.x00x12345678901", "K35.8001234567890123"], ["A" * 20], ["A" * 21], ["K35.800"] * 101]
    )
    found = both_of(typed(diag_codes=dx), tmp_path)
    assert found.accepted["diag_codes"].list.len().to_list() == [41, 2, 1], "twenty characters are a code, 21 are not"


def test_sliced_lists_are_counted_once() -> None:
    columns = Columns(Demand("settle", "strict"))
    whole = pa.array([["X99.900"] * 5, ["K35.800", "I10.x00"], None, ["E11.900"], ["X99.900"] * 5])
    odd = np.zeros(3, np.bool_)
    lists, _ = columns.read_codes("oprn_codes", whole.slice(1, 3), odd)
    assert lists.offsets.tolist() == [0, 2, 2, 3]
    assert lists.series().to_list() == [["K35.800", "I10.x00"], [], ["E11.900"]]


def test_numbers_of_every_width(tmp_path: Path) -> None:
    ages: list[pa.Array] = [
        pa.array([45, 130, None, 0], pa.int64()),
        pa.array([45.0, 45.9, float("nan"), 131.0], pa.float64()),
        pa.array([Decimal("45.9"), Decimal("-0.5"), None, Decimal("130.0")], pa.decimal128(5, 1)),
        pa.array([Decimal("45"), Decimal("12345678901234567890"), None, Decimal("2147483648")], pa.decimal128(30, 0)),
        pa.array(["45", "45.9", "x", None]),
        pa.array([2**31 - 1, -(2**31), 3, 4], pa.int64()),
    ]
    for cells in ages:
        for profile in ("strict", "compatible"):
            both_of(typed(age=cells, vent_used_h=cells), tmp_path, profile=profile)  # type: ignore[arg-type]


def test_amounts_of_every_form(tmp_path: Path) -> None:
    amounts: list[pa.Array] = [
        pa.array([Decimal("9000.12"), Decimal("0.00"), None, Decimal("-1.00")], pa.decimal128(16, 2)),
        pa.array([Decimal("9000.1200"), Decimal("9000.1230"), None, Decimal("8000.0001")], pa.decimal128(20, 4)),
        pa.array([Decimal("9000"), Decimal("99999999999999"), None, Decimal("900000001")], pa.decimal128(38, 0)),
        pa.array([Decimal("1e17"), Decimal("-1e17"), None, Decimal("90000")], pa.decimal128(38, 2)),
        pa.array([9000, 10**15, None, -5], pa.int64()),
        pa.array(["9000.1", "9000.", ".5", "9,000.00"]),
        pa.array(["9000.123", "00000000000009000.00", "1e3", "+9000"]),
        pa.array([None, None, None, None], pa.null()),
    ]
    for cells in amounts:
        both_of(typed(medfee_sumamt=cells), tmp_path)
        both_of(typed(hifp_pay=cells), tmp_path)


def test_days_of_every_form(tmp_path: Path) -> None:
    at = dt.datetime(2024, 3, 7, 23, 30)
    days: list[pa.Array] = [
        pa.array([at.date(), None, dt.date(1969, 12, 31), dt.date(2200, 1, 1)], pa.date32()),
        pa.array([at, None, dt.datetime(1969, 12, 31, 1), at], pa.timestamp("us")),
        pa.array([at, None, at, at], pa.timestamp("ms", tz="UTC")),
        pa.array([at, None, at, at], pa.timestamp("ns", tz="Asia/Shanghai")),
        pa.array(["2024-03-07", "2023-02-29", "2100-02-29", "2000-02-29 10:00"]),
        pa.array(["2024-03-07 10:00:00", "2024-03-07T10:00", "2024-03-07  10:00", "2024-3-7"]),
        pa.array(["1899-12-31", "2101-01-01", "1900-02-29", "2024-13-01"]),
        pa.array([20240307, 45358, None, 7], pa.int32()),
    ]
    for cells in days:
        both_of(typed(setl_end_date=cells), tmp_path)
        both_of(typed(brdy=cells), tmp_path, purpose="group")


def test_ids_that_are_numbers_and_ids_from_other_columns(tmp_path: Path) -> None:
    both_of(typed(setl_id=pa.array([1, 2, 2, None], pa.int64())), tmp_path)
    table = typed(age=pa.array([45, 46, 47], pa.int16())).rename_columns({"setl_id": "mdtrt_id"})
    assert len(both_of(table, tmp_path).accepted) == 3


def test_copies_over_files_of_different_types(tmp_path: Path) -> None:
    first = write_parquet(tmp_path / "a.parquet", [row("A"), row("B"), row("C", age="50")], codes="joined")
    second = write_parquet(tmp_path / "b.parquet", [row("C"), row("D"), row("A")])
    third = write_csv(tmp_path / "c.csv", [row(" A"), row("E"), row("B ", gend="1")])
    found = both([first, second, third], Demand("settle", "strict"), batch_rows=2)
    assert found.accepted["setl_id"].to_list() == ["A", "D", "E"]


@pytest.mark.parametrize("held", [1, 5, 40, 1_000])
def test_hashes_on_disk_find_the_same_copies(held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.execute.id_hashes.HELD_MAX", held)
    rows = [*many(60), *many(20), row("S0003", age="99"), row("Z")]
    found = both([write_parquet(tmp_path / "a.parquet", rows), write_csv(tmp_path / "b.csv", [row("Z")])],
                 Demand("settle", "strict"), batch_rows=13)  # fmt: skip
    assert found.accepted["setl_id"].n_unique() == len(found.accepted) == 60


def test_a_crowded_vocabulary_makes_rows_slow_and_never_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.execute.cells.WORDS_MAX", 3)
    assert len(load(write_parquet(tmp_path / "a.parquet", many(60)), batch_rows=9).accepted) == 60


def test_a_vocabulary_tells_texts_apart_by_their_bytes() -> None:
    def length(texts: Sequence[str]) -> tuple[Any, ...]:
        return (np.array([len(text) for text in texts], np.int32),)

    one = Vocabulary(length)
    texts = ["", "a", "é", "twelve bytes", "thirteen byte", "thirteen bytf", "x" * 300, "诊断"]
    first = one.ids(pa.array([*texts, None, "a"]))
    assert first.tolist() == [*range(len(texts)), -1, 1]
    more = one.ids(pa.array(["new", "诊断", None, "x" * 299], pa.large_string()))
    assert more.tolist() == [8, 7, -1, 9]
    assert one.words.known[0].tolist() == [0, 1, 1, 12, 13, 13, 300, 2, 3, 299, 0]
    assert one.words.strings(np.array([6, -1, 3, 9, 5], np.int32)).to_pylist() == [
        "x" * 300, None, "twelve bytes", "x" * 299, "thirteen bytf",
    ]  # fmt: skip


def test_a_file_written_to_while_it_is_read_stops_the_run(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", many(40), row_group_size=10)
    pieces = iter_cases(open_cases([path], Demand("settle", "strict")), 10, fast=True)
    next(pieces)
    path.touch()
    with path.open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(CaseFileError, match=r"变化|changed"):
        list(pieces)


def test_a_dirty_city(tmp_path: Path) -> None:
    generate_city(tmp_path, 3_000, 11)
    for demand in DEMANDS:
        found = both([tmp_path / "cases", tmp_path / "later"], demand, batch_rows=1_000)
        assert len(found.rejected) > 3
