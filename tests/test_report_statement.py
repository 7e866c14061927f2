"""The hospital's workbook says to the fen what the run's tables say, and stays harmless text."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path

import fastexcel
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.report.facts import HospitalFacts, ReportError
from engine.report.figures import RunFigures
from engine.report.frames import RunFrames, fen
from engine.report.shown import EXACT_LIMIT_FEN, yuan_cell, yuan_text
from engine.report.statement import safe_name, write_statement, write_statements
from engine.report.waterfall import Step, stacks
from pointvalue.invariants import InvariantBroken
from tests.report_frames import Invented, invent

HOSPITAL = "H3700001"
MONEY_HEADS = {
    "医疗总费用": "medfee_sumamt", "统筹记账": "hifp_pay", "支付标准总额": "drg_dip_sumamt",
    "应付基金": "drg_dip_fund_payamt", "盈亏": "setl_dif_amt", "基金差额": "fund_dif_amt", "申报总额": "fund_appy_sum",
    "扣款": "det_sumamt", "质量保证金": "dpst_sumamt", "已预付": "prepay_amt", "应拨付": "dfr_amt",
    "实际拨付": "act_dfr_amt",
}  # fmt: skip


@pytest.fixture(scope="module")
def run() -> Invented:
    return invent()


@pytest.fixture(scope="module")
def book(run: Invented, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "one.xlsx"
    write_statement(path, HOSPITAL, RunFigures.build(run.facts, run.frames), case_detail=True)
    return path


def sheet(path: Path, name: str) -> list[list[object]]:
    """Cells of a sheet, row by row, exactly as stored."""
    table = fastexcel.read_excel(path).load_sheet(name, header_row=None, dtypes="string").to_polars()
    return [list(row) for row in table.iter_rows()]


def as_fen(cell: object) -> int:
    return round(float(str(cell)) * 100)


def table(path: Path, name: str) -> list[dict[str, object]]:
    """Rows under the Chinese header line of a sheet."""
    rows = sheet(path, name)
    start = next(i for i, row in enumerate(rows) if sum(cell is not None for cell in row) > 3)
    heads = [str(cell) for cell in rows[start]]
    return [dict(zip(heads, row, strict=True)) for row in rows[start + 2 :]]


def test_every_month_row_and_total_equals_the_clearing_table(run: Invented, book: Path) -> None:
    rows = table(book, "月度结算表")
    mine = run.clearing.filter(fixmedins_code=HOSPITAL, stmt_type="MONTH")
    months = [row for row in rows if re.fullmatch(r"\d{4}-\d{2}", str(row["结算月"]))]
    assert len(months) == mine.height
    for head, column in MONEY_HEADS.items():
        by_month = {(r["insutype"], r["clr_ym"]): r[column] for r in mine.with_columns(fen(column)).to_dicts()}
        pools = {"职工医保": "310", "居民医保": "390"}
        for row in months:
            key = (pools[str(row["险种"])], str(row["结算月"]).replace("-", ""))
            assert as_fen(row[head]) == by_month[key], (head, key)
        total = next(row for row in rows if row["结算月"] == "合计")
        assert as_fen(total[head]) == sum(by_month.values()), head


def test_every_cause_of_the_year_sheet_is_the_sum_of_its_posting_lines(run: Invented, book: Path) -> None:
    rows = {str(row["英文"]): row for row in table(book, "年度清算表")}
    names = {
        "standard.drg": "Payment standard, DRG", "patient_borne.drg": "Borne by patients, DRG",
        "surplus_returned": "Surplus returned to the pool", "overspend_shared": "Overspend shared by the pool",
        "audit_money": "Audit deduction in money", "prepaid": "Already prepaid",
        "quality_deposit": "Quality deposit released", "carried_to_next_year": "Negative balance carried to next year",
        "prepayment": "Monthly payable", "deposit_withheld": "Quality deposit withheld",
    }  # fmt: skip
    mine = run.lines.filter(fixmedins_code=HOSPITAL)
    assert set(mine["cause"]) <= set(names)
    for cause in set(mine["cause"]):
        for pool, head in (("310", "职工医保"), ("390", "居民医保")):
            expected = mine.filter(cause=cause, insutype=pool)["amount_fen"].sum()
            assert as_fen(rows[names[cause]][head]) == expected, cause
        assert as_fen(rows[names[cause]]["合计"]) == mine.filter(cause=cause)["amount_fen"].sum()


def test_the_year_sheet_ends_at_the_clearing_tables_payable_and_cash(run: Invented, book: Path) -> None:
    rows = {str(row["项目"]): row for row in table(book, "年度清算表")}
    year = run.clearing.filter(fixmedins_code=HOSPITAL, stmt_type="YEAR").with_columns(
        fen("dfr_amt"), fen("act_dfr_amt")
    )
    assert as_fen(rows["应拨付（负数为应收回）"]["合计"]) == year["dfr_amt"].sum()
    assert as_fen(rows["实际拨付"]["合计"]) == year["act_dfr_amt"].sum()
    assert as_fen(rows["差额（应为 0.00）"]["合计"]) == 0


def test_groups_and_cases_sum_to_the_hospitals_year(run: Invented, book: Path) -> None:
    year = run.clearing.filter(fixmedins_code=HOSPITAL, stmt_type="YEAR")
    columns = {"总费用": "medfee_sumamt", "支付标准": "drg_dip_sumamt", "应付基金": "drg_dip_fund_payamt",
               "统筹记账": "hifp_pay", "盈亏": "setl_dif_amt", "基金差额": "fund_dif_amt"}  # fmt: skip
    for name, first in (("病组明细", "病组编码"), ("病例明细", "结算编号")):
        rows = table(book, name)
        total = next(row for row in rows if row[first] == "合计")
        for head, column in columns.items():
            expected = year.select(fen(column).sum()).item()
            assert as_fen(total[head]) == expected, (name, head)
            assert sum(as_fen(row[head]) for row in rows if row is not total) == expected, (name, head)


def test_the_area_mean_of_a_group_is_over_all_hospitals(run: Invented, book: Path) -> None:
    row = table(book, "病组明细")[0]
    group = run.cases.filter(drg_code=row["病组编码"])
    cost, cases = int(group["cost_fen"].sum()), group.height
    assert as_fen(row["区域例均费用"]) == (2 * cost + cases) // (2 * cases)


def test_posting_lines_of_the_workbook_sum_to_all_cash_of_the_hospital(run: Invented, book: Path) -> None:
    total = next(row for row in table(book, "分录明细") if row["期间"] == "合计")
    assert as_fen(total["金额"]) == run.lines.filter(fixmedins_code=HOSPITAL)["amount_fen"].sum()
    adjustments = run.lines.filter(pl.col("fixmedins_code") == HOSPITAL).filter(
        ~pl.col("cause")
        .str.split(".")
        .list.first()
        .is_in(["standard", "patient_borne", "fixed_standard", "prepayment"])
    )
    total = next(row for row in table(book, "扣款与调整") if row["期间"] == "合计")
    assert as_fen(total["金额"]) == adjustments["amount_fen"].sum()


def test_faulty_cases_come_with_reason_and_remedy_and_rejected_rows_below(run: Invented, book: Path) -> None:
    rows = sheet(book, "未入组与拒绝")
    failed = run.cases.filter(pl.col("fixmedins_code") == HOSPITAL, pl.col("grp_stas") != "OK")
    listed = [row for row in rows if str(row[0]) in set(failed["setl_id"])]
    assert len(listed) == failed.height > 0
    assert all(row[5] == "=主要诊断不在任何 MDC 内" and row[11] for row in listed)
    refused = [row for row in rows if str(row[0]).startswith("R0")]
    expected = run.frames.rejected.filter(pl.col("fixmedins_code") == HOSPITAL).collect()
    assert [str(row[0]) for row in refused] == sorted(expected["setl_id"])


def test_a_workbook_names_no_other_hospitals_case(run: Invented, book: Path) -> None:
    with zipfile.ZipFile(book) as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml"))
    others = run.cases.filter(pl.col("fixmedins_code") != HOSPITAL)["setl_id"]
    assert not [setl_id for setl_id in others if setl_id in text]


def test_text_that_looks_like_a_formula_stays_text(run: Invented, tmp_path: Path) -> None:
    names = {HOSPITAL: HospitalFacts(HOSPITAL, '=HYPERLINK("http://x","y")', "3")}
    facts = replace(run.facts, hospitals=names, objection_how="+cmd|' /C calc'!A0", policy_version="@SUM(1)")
    grouped = run.frames.grouped.with_columns(pl.lit("-2+3").alias("drg_name"))
    path = tmp_path / "f.xlsx"
    write_statement(path, HOSPITAL, RunFigures.build(facts, replace(run.frames, grouped=grouped)), case_detail=True)
    with zipfile.ZipFile(path) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not any("hyperlink" in name for name in archive.namelist())
    assert sheets
    assert not any("<hyperlink" in text for text in sheets)
    made = {formula for text in sheets for formula in re.findall(r"<f>(.*?)</f>", text)}
    assert made and all(re.fullmatch(r"SUM\(H\d+:H\d+\)|ROUND\([HJ]\d+\*100,0\)-K\d+|0", each) for each in made), made
    assert any("=HYPERLINK" in str(cell) for row in sheet(path, "封面") for cell in row)


@pytest.mark.parametrize("kind", ["clear", "presettle"])
def test_equal_runs_give_equal_bytes_whatever_the_row_order(kind: str, tmp_path: Path) -> None:
    run = invent(kind="clear" if kind == "clear" else "presettle", cases=300)
    frames = run.frames
    shuffled = RunFrames(
        *(getattr(frames, name).collect().sample(fraction=1, shuffle=True, seed=3).lazy() for name in
          ("settled", "grouped", "clearing", "lines", "rejected"))
    )  # fmt: skip
    first = write_statements(tmp_path / "a", RunFigures.build(run.facts, frames), case_detail=True)
    second = write_statements(tmp_path / "b", RunFigures.build(run.facts, shuffled), case_detail=True)
    assert [path.name for path in first] == [path.name for path in second]
    assert all(one.read_bytes() == two.read_bytes() for one, two in zip(first, second, strict=True))


def test_a_capped_case_list_says_where_the_rest_is_and_still_totals_all(run: Invented, tmp_path: Path) -> None:
    path = tmp_path / "c.xlsx"
    write_statement(path, HOSPITAL, RunFigures.build(run.facts, run.frames), case_detail=True, case_rows_max=10)
    rows = sheet(path, "病例明细")
    assert sum(bool(re.fullmatch(r"S\d{9}", str(row[0]))) for row in rows) == 10
    assert "settled.parquet" in str(rows[-1][0])
    total = next(row for row in table(path, "病例明细") if row["结算编号"] == "合计")
    cost = run.cases.filter(fixmedins_code=HOSPITAL)["cost_fen"].sum()
    assert as_fen(total["总费用"]) == cost


def test_a_presettlement_has_its_month_instead_of_a_year(tmp_path: Path) -> None:
    run = invent(kind="presettle", cases=200)
    path = tmp_path / "m.xlsx"
    write_statement(path, HOSPITAL, RunFigures.build(run.facts, run.frames))
    names = fastexcel.read_excel(path).sheet_names
    assert "本月结算表" in names and "年度清算表" not in names and "病例明细" not in names
    rows = {str(row["项目"]): row for row in table(path, "本月结算表")}
    assert as_fen(rows["月度实际拨付合计"]["合计"]) == run.lines.filter(fixmedins_code=HOSPITAL)["amount_fen"].sum()


def test_figures_that_disagree_write_no_workbook(run: Invented, tmp_path: Path) -> None:
    lines = run.lines.with_columns(
        pl.when(pl.col("line") == run.lines.filter(cause="standard.drg")["line"][0])
        .then(pl.col("amount_fen") + 1)
        .otherwise("amount_fen")
        .alias("amount_fen")
    )
    figures = RunFigures.build(run.facts, replace(run.frames, lines=lines.lazy()))
    with pytest.raises(InvariantBroken, match="dfr_amt = its yearly lines before carry-over"):
        write_statements(tmp_path / "none", figures)
    assert not (tmp_path / "none").exists()


def test_money_in_a_float_column_is_refused(run: Invented) -> None:
    settled = run.frames.settled.with_columns(pl.col("medfee_sumamt").cast(pl.Float64))
    with pytest.raises(ReportError, match=r"settled.medfee_sumamt is Float64; money must be a decimal"):
        replace(run.frames, settled=settled)


@pytest.mark.parametrize("code", ["", "../x", "a/b", "a b"])
def test_a_hospital_code_cannot_leave_the_folder(code: str) -> None:
    with pytest.raises(ReportError, match="cannot name a file"):
        safe_name(code)


def test_a_hospital_without_clearing_row_has_no_statement(run: Invented, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="H9 has no row in clearing"):
        write_statement(tmp_path / "x.xlsx", "H9", RunFigures.build(run.facts, run.frames))


@given(st.integers(-(EXACT_LIMIT_FEN - 1), EXACT_LIMIT_FEN - 1))
def test_a_cell_gives_back_its_fen_and_text_is_exact(fen_: int) -> None:
    stored = float(f"{yuan_cell(fen_):.16G}")
    assert int(f"{stored:.2f}".replace(".", "")) == fen_
    assert int(yuan_text(fen_).replace(",", "").replace(".", "").replace("−", "-")) == fen_


def test_an_amount_past_fifteen_digits_is_refused() -> None:
    with pytest.raises(OverflowError, match="does not fit a spreadsheet number"):
        yuan_cell(EXACT_LIMIT_FEN)


@given(st.lists(st.integers(-1000, 1000), max_size=8))
def test_waterfall_bars_cover_exactly_the_way_from_sum_to_sum(amounts: list[int]) -> None:
    running = 0
    for amount, stack in zip(amounts, stacks(Step("x", amount) for amount in amounts), strict=True):
        low, high = sorted((running, running + amount))
        above, below = stack.up_above + stack.down_above, stack.up_below + stack.down_below
        assert above >= 0 >= below
        assert above - below == high - low
        if above:
            assert max(stack.base, 0) + above == high
        if below:
            assert min(stack.base, 0) + below == low
        assert (stack.up_above, stack.up_below) == (0, 0) or amount > 0
        running += amount
