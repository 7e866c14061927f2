"""Case rows for the tests of reading and validating, and the files they are written to."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from polars.testing import assert_frame_equal

from engine.cases.demand import Demand, Profile, Purpose
from engine.cases.load import LoadedCases, load_cases

Row = Mapping[str, str | None]

GOOD: Row = {
    "setl_id": "S0001",
    "fixmedins_code": "H37030200001",
    "hi_setl_lv": "3",
    "insutype": "310",
    "gend": "2",
    "age": "45",
    "nwb_age": None,
    "nwb_bir_wt": None,
    "adm_time": "2024-03-01 08:10:00",
    "dscg_time": "2024-03-06 15:00:00",
    "act_ipt_days": "5",
    "dscg_way": "1",
    "dscg_caty": "03",
    "ipt_med_type": "1",
    "diag_codes": "K35.800|I10.x00",
    "oprn_codes": "47.0100",
    "medfee_sumamt": "12345.67",
    "hifp_pay": "8000.00",
    "setl_end_date": "2024-03-07",
}
"""A row that passes every rule of both profiles, as text."""

INFANT = {"age": "0", "nwb_age": "3", "nwb_bir_wt": "3250", "diag_codes": "Z38.000"}


def row(setl_id: str = "S0001", **changes: str | None) -> dict[str, str | None]:
    """The good row with changes."""
    return {**GOOD, "setl_id": setl_id, **changes}


def many(count: int) -> list[dict[str, str | None]]:
    """Good rows that differ in most columns."""
    rows = []
    for n in range(count):
        admitted = dt.date(2024, 1, 1) + dt.timedelta(days=n)
        stay = n % 9 + 1
        left = admitted + dt.timedelta(days=stay)
        cost = Decimal(100_000 + 7_919 * n) / 100
        rows.append(
            row(
                f"S{n:04d}",
                gend=str(n % 2 + 1),
                age=str(20 + n % 60),
                insutype=("310", "390")[n % 2],
                adm_time=f"{admitted} 08:10:00",
                dscg_time=f"{left} 15:00:{n % 60:02d}",
                setl_end_date=str(left),
                act_ipt_days=str(stay),
                diag_codes="|".join(["K35.800", "I10.x00", "E11.900", "J18.900x001"][: n % 4 + 1]),
                oprn_codes="|".join(["47.0100", "54.1100"][: n % 3]) or None,
                medfee_sumamt=f"{cost:.2f}",
                hifp_pay=f"{n}.{n % 100:02d}",
            )
        )
    return rows


def write_csv(
    path: Path, rows: Sequence[Row], encoding: str = "utf-8", names: Mapping[str, str] | None = None, sep: str = ","
) -> Path:
    """The rows as text; `names` renames columns."""
    columns = list(rows[0])
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream, delimiter=sep)
        writer.writerow([(names or {}).get(column, column) for column in columns])
        writer.writerows([["" if cells[column] is None else cells[column] for column in columns] for cells in rows])
    return path


def write_excel(path: Path, rows: Sequence[Row]) -> Path:
    """As a person's workbook: numbers as numbers, dates as dates, codes and ids as text."""
    numbers = {"gend", "age", "act_ipt_days", "medfee_sumamt", "hifp_pay", "nwb_age", "nwb_bir_wt"}
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("病例")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for place, column in enumerate(rows[0]):
            sheet.write_string(0, place, column)
            for number, cells in enumerate(rows, start=1):
                cell = cells[column]
                if cell is None:
                    continue
                if column in numbers:
                    sheet.write_number(number, place, float(cell))
                elif column.endswith("_time"):
                    sheet.write_datetime(number, place, dt.datetime.fromisoformat(cell), time)
                elif column.endswith("_date"):
                    sheet.write_datetime(number, place, dt.datetime.fromisoformat(cell), day)
                else:
                    sheet.write_string(number, place, cell)
    return path


def arrow_table(rows: Sequence[Row], codes: str = "list") -> pa.Table:
    """The rows with the types of the national columns; codes as `list`, `large_list`, `joined` text or `struct`."""
    types: dict[str, pa.DataType] = {
        "age": pa.decimal128(4, 1),
        "nwb_age": pa.int16(),
        "nwb_bir_wt": pa.decimal128(6, 2),
        "act_ipt_days": pa.int16(),
        "medfee_sumamt": pa.decimal128(16, 2),
        "hifp_pay": pa.decimal128(16, 2),
        "adm_time": pa.timestamp("s"),
        "dscg_time": pa.timestamp("s"),
        "setl_end_date": pa.date32(),
    }
    columns: dict[str, pa.Array] = {}
    for name in rows[0]:
        cells = [cells[name] for cells in rows]
        if name in ("diag_codes", "oprn_codes"):
            columns |= _code_column(name, cells, codes)
        else:
            columns[name] = pa.array([_cell(cell, types.get(name, pa.string())) for cell in cells], types.get(name))
    return pa.table(columns)


def _cell(cell: str | None, kind: pa.DataType) -> Any:
    if cell is None or pa.types.is_string(kind):
        return cell
    if pa.types.is_decimal(kind):
        return Decimal(cell)
    if pa.types.is_integer(kind):
        return int(cell)
    return dt.date.fromisoformat(cell) if pa.types.is_date(kind) else dt.datetime.fromisoformat(cell)


def _code_column(name: str, cells: Sequence[str | None], codes: str) -> dict[str, pa.Array]:
    if codes == "joined":
        return {name: pa.array(cells, pa.string())}
    lists = [cell.split("|") if cell else [] for cell in cells]
    if codes == "list":
        return {name: pa.array(lists, pa.list_(pa.string()))}
    if codes == "large_list":
        return {name: pa.array(lists, pa.large_list(pa.large_string()))}
    node, code, mark, other = {
        "diag_codes": ("diseinfo", "diag_code", "maindiag_flag", "0"),
        "oprn_codes": ("oprninfo", "oprn_oprt_code", "oprn_oprt_type", "2"),
    }[name]
    # The principal one stands last here: only its mark says what it is.
    elements = [
        [{code: text, mark: "1" if place == 0 else other} for place, text in enumerate(some)][::-1] for some in lists
    ]
    for some in elements:
        some[:-1] = some[:-1][::-1]
    return {node: pa.array(elements, pa.list_(pa.struct([(code, pa.string()), (mark, pa.string())])))}


def write_parquet(path: Path, rows: Sequence[Row], codes: str = "list", row_group_size: int | None = None) -> Path:
    """The typed rows as Parquet."""
    pq.write_table(arrow_table(rows, codes), path, row_group_size=row_group_size)
    return path


def load(
    path: Path | Iterable[Path], purpose: Purpose = "settle", profile: Profile = "strict", batch_rows: int = 131_072
) -> LoadedCases:
    """Read and validate, by the slow path and by the fast one, which must say the same."""
    paths, demand = [path] if isinstance(path, Path) else list(path), Demand(purpose, profile)
    slow = load_cases(paths, demand, batch_rows, fast=False)
    assert_same(slow, load_cases(paths, demand, batch_rows, fast=True))
    return slow


def assert_same(slow: LoadedCases, fast: LoadedCases) -> None:
    """Rows, verdicts, texts and repairs of the fast path are those of the slow one."""
    assert_frame_equal(slow.accepted, fast.accepted)
    assert_frame_equal(slow.rejected, fast.rejected)
    assert (slow.read_count, slow.repairs) == (fast.read_count, fast.repairs)


def check(tmp_path: Path, rows: Sequence[Row], purpose: Purpose = "settle", profile: Profile = "strict") -> LoadedCases:
    """The rows through a CSV file."""
    return load(write_csv(tmp_path / "cases.csv", rows), purpose, profile)


def content(frame: pl.DataFrame) -> pl.DataFrame:
    """Accepted cases without their place, in order of id."""
    return frame.drop("file", "row").sort("setl_id")
