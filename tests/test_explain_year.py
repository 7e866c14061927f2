"""A hospital's year explained from its run folder alone: every amount a posting line, told with its ground."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from engine.clearing_table import lines_table
from engine.cli import app
from engine.errors import RunError
from engine.lang import choose
from engine.ledger.manifest import MANIFEST_NAME
from engine.report.figures import PostingLine
from engine.report.grounds import Grounds
from engine.report.stages import Stage, stage_of, waterfall
from engine.report.text_layout import display_width, wrapped
from engine.report.year_text import YearText
from engine.run import clear, presettle
from engine.run_parts import RunOptions
from engine.run_reader import RunBooks, read_books
from engine.sharing_table import sharing_table
from pointvalue.terms import Cause
from tests.promised_years import cleared
from tests.small_city import YEAR, demo_area, small_city

HOSPITAL = "H37000000002"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small city's first month and its year."""
    shelf, city = tmp_path_factory.mktemp("explained") / "runs", small_city()
    presettle(city.months[f"{YEAR}01"], demo_area(), YEAR, 1, RunOptions(shelf=shelf))
    clear([*city.case_files, city.later], demo_area(), YEAR, RunOptions(shelf=shelf, months="cases"))
    return shelf


@pytest.fixture
def folder(shelf: Path) -> Path:
    return next(shelf.glob("*-clear-01"))


@cache
def golden_books() -> RunBooks:
    """The contract year as a run would store it, under the rule names of the data plane."""
    result, _, _, area = cleared("as contracted")
    keys = {line.rule: (line.rule, "U") for line in result.lines}
    lines = [PostingLine(*row.values()) for row in lines_table(result.lines, keys).to_pylist()]
    sharing = sharing_table(result, area).to_pylist()
    manifest = type("M", (), {"kind": "clear", "period": "2024", "run_id": "2024-golden-clear-01"})()
    return RunBooks(manifest, tuple(lines), (), Grounds(sharing=tuple(sharing)))


def told(books: RunBooks, hospital: str, pool: str, lang: str = "zh", width: int = 100, *, months: bool = False) -> str:
    return "\n".join(YearText(books, hospital, pool, lang, width, months=months).text())


def run_cli(*words: str, columns: int = 100) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["explain", *words], env={"COLUMNS": str(columns)})
    choose(None)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


# --- the contract year, worked by hand -------------------------------------------------------------------------------


def test_the_second_hospital_of_the_contract_year_is_told_as_worked_by_hand() -> None:
    text = told(golden_books(), "H2", "310", width=140)
    for piece in (
        "比较标准 115,780.09，实际 124,900.58，超支 9,120.49，为分母 115,780.09 的 7.88 %",
        "第1档 0 %–2 %, 档宽 2 %: 2,315.6018 × 50 % = 1,157.8009",
        "第2档 2 %–4 %, 档宽 2 %: 2,315.6018 × 40 % = 926.24072",
        "第3档 4 %–6 %, 档宽 2 %: 2,315.6018 × 30 % = 694.68054",
        "第4档 6 %–8 %, 档宽 2 %: 2,173.6846 × 20 % = 434.73692",
        "第5档 8 %–10 %, 档宽 2 %: 0.00 × 10 % = 0.00",
        "第6档 10 %以上, 不封顶: 0.00 × 0 % = 0.00",
        "基金应分担合计 3,213.45908",
        "考核得分 88，考核系数 0.98",
        "考核后申请 3,149.1898984",
        "全险种申请 4,065.8847184，风险金可用 3,532.73，分担系数 k = 0.868871",
        "预留合计 10,057.20 × 返还比例 90 %，扣罚 1,005.72",
    ):
        assert piece in text, piece
    rows = [line for line in text.splitlines() if line.startswith(("= ", "  超支分担", "  审核扣减"))]
    amounts = [re.findall(r"[+−]?[\d,]+\.\d\d", row) for row in rows]
    assert amounts[1][0] == "+2,736.24"
    assert [each[0] for each in amounts if each[0].startswith("−50")] == ["−50,341.13"]
    assert "−69,861.16" in text and "+69,861.16" in text


def test_every_balance_is_the_sum_of_the_lines_above_it() -> None:
    books = golden_books()
    for hospital in ("H1", "H2", "H3"):
        for pool in ("310", "390"):
            statement = cleared("as contracted")[0].pool(pool).statements[hospital]
            stages = {each.stage: each for each in waterfall(books.lines_of(hospital, pool), year=True)}
            running = 0
            for stage in stages.values():
                for each in stage.lines:
                    running += each.line.amount_fen
                    assert each.balance_fen == running
                assert stage.balance_fen == running
            assert stages[Stage.OTHER].balance_fen == statement.entitled_fen
            assert stages[Stage.CASH].balance_fen == statement.final_fen
            assert running == statement.final_cash_fen


def test_every_cause_has_its_stage_and_an_unknown_one_is_not_lost() -> None:
    reserve_only = {"reserve_set_aside", "fixed_variance", "pool_sharing", "basis_difference", "pv_bound_spill"}
    reserve_only |= {"pv_rounding", "deposit_forfeited"}
    known = {cause.value for cause in Cause} - reserve_only
    assert {stage_of(cause) for cause in known} == set(Stage)
    assert stage_of("something_new.drg") is Stage.OTHER
    line = PostingLine(1, "H", "310", "2024", "something_new.drg", "r", "U", 7)
    assert waterfall([line], year=True)[-1].balance_fen == 7


def test_tiers_add_up_to_their_row_and_rows_to_the_posted_lines() -> None:
    result, _, _, area = cleared("as contracted")
    rows = sharing_table(result, area).to_pylist()
    for row in (row for row in rows if row["tier"] == 0):
        key = (row["fixmedins_code"], row["insutype"])
        mine = [r for r in rows if r["tier"] and (r["fixmedins_code"], r["insutype"]) == key]
        assert sum(r["part_amt"] for r in mine) == row["part_amt"]
        assert sum(r["tier_amt"] for r in mine) == row["tier_amt"]
        lines = {line.cause: line.amount_fen for line in result.pool(row["insutype"]).lines
                 if line.hospital == row["fixmedins_code"]}  # fmt: skip
        if row["side"] == "surplus":
            returned = row["fund_mult"] * (row["part_amt"] - row["tier_amt"])
            assert abs(returned * 100 + lines.get(Cause.SURPLUS_RETURNED, 0)) <= Decimal("0.5")
        else:
            assert row["shar_amt"] * 100 == lines.get(Cause.OVERSPEND_SHARED, 0)
            assert abs(row["clm_amt"] * row["shar_k"] - row["shar_amt"]) < Decimal("0.01")


def test_a_gap_that_moved_no_money_is_told_all_the_same() -> None:
    """Where k is 0 nothing is shared; a surplus kept whole returns nothing."""
    books = golden_books()
    without = RunBooks(
        books.manifest,
        tuple(line for line in books.lines if line.cause not in ("surplus_returned", "overspend_shared")),
        books.clearing, books.grounds,
    )  # fmt: skip
    assert "第1档" in told(without, "H2", "310") and "分担系数 k" in told(without, "H2", "310")
    assert "tier 1" in told(without, "H1", "310", "en")


# --- a run folder ----------------------------------------------------------------------------------------------------


def test_the_run_folder_alone_explains_a_year_in_both_languages(folder: Path, tmp_path: Path) -> None:
    """Only the small tables and the manifest are needed; no case, no policy, no pack."""
    kept = tmp_path / folder.name
    kept.mkdir()
    for name in ("lines", "clearing", "sharing", "values", "cliffs"):
        if (folder / f"{name}.parquet").exists():
            shutil.copy(folder / f"{name}.parquet", kept)
    shutil.copy(folder / MANIFEST_NAME, kept)
    code, zh = run_cli("--run", str(kept), "--hospital", HOSPITAL, "--pool", "310", "--lang", "zh")
    assert code == 0 and "基金支付标准" in zh and "演示政策" in zh and "PH 占位值" in zh
    code, en = run_cli("--run", str(kept), "--hospital", HOSPITAL, "--pool", "310", "--lang", "en")
    assert code == 0 and "Fund's standard" in en and "PH Placeholder" in en
    figures = re.compile(r"[+−]?[\d,]+\.\d\d\b")
    assert sorted(figures.findall(zh)) == sorted(figures.findall(en))


def test_every_line_of_the_hospital_stands_there_once_with_its_amount(folder: Path) -> None:
    code, text = run_cli("--run", str(folder), "--hospital", HOSPITAL, "--months")
    assert code == 0
    lines = pl.read_parquet(folder / "lines.parquet").filter(fixmedins_code=HOSPITAL)
    for row in lines.iter_rows(named=True):
        assert len(re.findall(rf"#{row['line']}\b", text)) == 1, row
        amount = f"{abs(row['amount_fen']) // 100:,}.{abs(row['amount_fen']) % 100:02d}"
        assert ("−" if row["amount_fen"] < 0 else "+") + amount in text


def test_prepayments_by_month_come_on_request_and_deposits_always(folder: Path) -> None:
    plain, full = (run_cli("--run", str(folder), "--hospital", HOSPITAL, "--pool", "310", "--lang", "zh", *more)[1]
                   for more in ((), ("--months",)))  # fmt: skip
    assert plain.count(f"{YEAR}-03") == 1 and full.count(f"{YEAR}-03") == 2


@pytest.mark.parametrize("columns", [36, 50, 72, 100, 160])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_line_is_wider_than_the_terminal_and_no_amount_is_cut(folder: Path, columns: int, lang: str) -> None:
    words = ("--run", str(folder), "--hospital", HOSPITAL, "--pool", "310", "--lang", lang)
    wide, text = (run_cli(*words, columns=each)[1] for each in (200, columns))
    longest = 36  # the key of a policy value is one word and is not broken
    assert max(display_width(line) for line in text.splitlines()) <= max(columns, longest)
    figures = re.compile(r"[\d,]+\.\d\d\b")
    assert sorted(figures.findall(text)) == sorted(figures.findall(wide))


def test_a_month_is_explained_as_well(shelf: Path) -> None:
    folder = next(shelf.glob("*-presettle-01"))
    code, text = run_cli(
        "--run", folder.name, "--runs", str(shelf), "--hospital", HOSPITAL, "--pool", "310", "--lang", "zh"
    )
    assert code == 0 and "本月实际拨付" in text
    row = pl.read_parquet(folder / "clearing.parquet").filter(fixmedins_code=HOSPITAL, insutype="310")
    assert f"{row['act_dfr_amt'][0]:,}" in text


def test_unknown_hospital_pool_or_run_says_what_there_is(folder: Path) -> None:
    for lang, words in (
        ("zh", "本次运行中没有医疗机构 H9。有：H37000000001 "),
        ("en", "no hospital H9 in this run. There are: "),
    ):
        with pytest.raises(RunError, match=words):
            run_cli("--run", str(folder), "--hospital", "H9", "--lang", lang)
    with pytest.raises(RunError, match="H37000000002"):
        run_cli("--run", str(folder), "--lang", "en")
    with pytest.raises(RunError, match=r"has no pool 340 in this run. It has: 310、390"):
        run_cli("--run", str(folder), "--hospital", HOSPITAL, "--pool", "340", "--lang", "en")
    with pytest.raises(RunError, match="no such run"):
        run_cli("--run", "2030-000000-clear-01", "--hospital", HOSPITAL, "--lang", "en")


def test_a_changed_or_missing_table_explains_nothing(folder: Path, tmp_path: Path) -> None:
    for name, spoil in (("lines", "change"), ("sharing", "change"), ("clearing", "remove")):
        copy = tmp_path / name / folder.name
        shutil.copytree(folder, copy)
        path = copy / f"{name}.parquet"
        if spoil == "remove":
            path.unlink()
        else:
            table = pl.read_parquet(path)
            table.head(table.height - 1).write_parquet(path)
        with pytest.raises(RunError, match=r"changed after the run was sealed|missing|封存后|缺少"):
            read_books(copy)


def test_case_options_and_run_options_do_not_mix(folder: Path) -> None:
    assert run_cli("--run", str(folder), "--hospital", HOSPITAL, "--case", "S1")[0] == 2
    assert run_cli("cases.csv", "--case", "S1", "--hospital", HOSPITAL)[0] == 2
    assert run_cli()[0] == 2
    assert run_cli("cases.csv")[0] == 2


def test_the_ground_of_every_line_is_a_document_and_a_tag(folder: Path) -> None:
    books = read_books(folder)
    for line in books.lines:
        assert books.grounds.document(line.rule), line
        assert line.tag in {"S", "A", "B", "C", "U", "PH"}, line


def test_long_words_stay_whole_and_no_line_begins_with_a_closing_mark() -> None:
    text = "演示政策，非任何城市的规定（第三条），surplus_and_overspend.denominator，1,234,567.89。"
    for width in range(8, 60):
        lines = list(wrapped(text, width))
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert not any(line[0] in "，。）" for line in lines)
        assert any("surplus_and_overspend.denominator" in line for line in lines)
