"""Schemes side by side: each case takes the first scheme whose condition holds, and is paid by that scheme alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from engine.area import load_area
from engine.conditions import Conditions
from engine.policy.load import load_policy
from engine.policy.nodes import Scalar, read_yaml
from engine.policy.predicates import When, condition
from engine.policy.problems import PolicyFaults, Problems, Unreadable
from engine.run import clear, presettle
from engine.run_parts import RunOptions
from pointvalue.model import Hospital
from tests.routed_area import HOSPITAL, WAYS, write_area, write_cases, write_unpointed_area


@pytest.fixture(scope="module")
def cleared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """March presettled and 2025 cleared; the folder of the clearing, the month beside it."""
    folder = tmp_path_factory.mktemp("routed")
    area, cases = load_area(write_area(folder)), write_cases(folder / "cases.csv")
    presettle([cases], area, 2025, 3, RunOptions(shelf=folder / "runs"))
    return clear([cases], area, 2025, RunOptions(shelf=folder / "runs")).folder


def test_each_case_is_taken_by_the_first_scheme_whose_condition_holds(cleared: Path) -> None:
    grouped = pl.read_parquet(cleared / "grouped.parquet")
    assert dict(grouped.select("setl_id", "pay_mode").iter_rows()) == WAYS


def test_a_case_paid_apart_says_which_scheme_and_condition_chose_it(cleared: Path) -> None:
    row = pl.read_parquet(cleared / "grouped.parquet").filter(pl.col("setl_id") == "A2").row(0, named=True)
    assert (row["grp_stas"], row["grp_ver"].partition("@")[0], row["dip_code"]) == ("APART", "psych", "severe")
    assert "F20-F29" in row["grp_rea"]


def test_lines_at_their_own_price_agree_with_paper(cleared: Path) -> None:
    """psych: A2 35 days = 30 × 200 + 5 × 160 = 6,800 × 0.8 = 5,440; A3, a minor, 12 × 100 × 0.8 = 960. Single: APP
    6,000 × 0.8 = 4,800 and CAT 2,000 × 0.8 = 1,600. B2 is paid what it booked, A5 as well in the other pool."""
    lines = pl.read_parquet(cleared / "lines.parquet").filter(
        (pl.col("fixmedins_code") == HOSPITAL) & (pl.col("period") == "2025")
    )
    found = {(pool, cause): fen for pool, cause, fen in lines.select("insutype", "cause", "amount_fen").iter_rows()}
    assert found["310", "fixed_standard.psych"] == 544_000 + 96_000
    assert found["310", "fixed_standard.single"] == 480_000 + 160_000
    assert found["310", "fixed_standard.capitation"] == 600_000
    assert found["310", "fixed_standard.ffs"] == 40_000
    assert found["390", "fixed_standard.ffs"] == 500_000
    assert found["310", "epidemic_outside"] == 700_000


def test_the_fund_closes_with_every_scheme_at_once(cleared: Path) -> None:
    """Fund + epidemic money = outside + hospitals + suppliers + reserve, from the lines and the policy alone."""
    lines = pl.read_parquet(cleared / "lines.parquet")
    fund = {"310": 694_420_000_00, "390": 1_057_890_000_00}
    outside = {"310": 254_000_000_00, "390": 357_000_000_00}
    for pool in fund:
        own = lines.filter(pl.col("insutype") == pool)
        by = dict(own.group_by("cause").agg(pl.col("amount_fen").sum()).iter_rows())
        hospitals = int(own.filter(pl.col("fixmedins_code") != "")["amount_fen"].sum())
        reserve = int(own.filter(pl.col("fixmedins_code") == "")["amount_fen"].sum())
        extra = by.get("epidemic_outside", 0) + by.get("carried_to_next_year", 0)
        assert fund[pool] + extra == outside[pool] + hospitals - by.get("supplier_paid", 0) + reserve


def test_cases_a_contract_or_another_budget_pays_declare_nothing_in_their_month(cleared: Path) -> None:
    month = next(cleared.parent.glob("2025-03-*"))
    own = pl.read_parquet(month / "clearing.parquet").filter(pl.col("insutype") == "310")
    booked = 7_000 + 7_000 + 2_000 + 5_000 + 2_500 + 6_000 + 400  # all but A8 (capitation) and A9 (excluded)
    booked += 500  # a twelfth of the capitation contract's 6,000
    declared = own.filter(pl.col("fixmedins_code") == HOSPITAL)["fund_appy_sum"].to_list()
    assert [str(amount) for amount in declared] == [f"{booked}.00"]
    settled = pl.read_parquet(cleared / "settled.parquet").filter(pl.col("setl_id").is_in(["A8", "A9"]))
    assert [str(amount) for amount in settled["drg_dip_fund_payamt"]] == ["0.00", "0.00"]


def test_a_case_no_scheme_takes_is_rejected_by_name(tmp_path: Path) -> None:
    folder = write_area(tmp_path)
    area = folder / "policy" / "area.yaml"
    text = area.read_text(encoding="utf-8")
    area.write_text(text.replace("settled: {from: 2025-01-01}", "settled: {from: 2026-01-01}"), encoding="utf-8")
    run = presettle(
        [write_cases(tmp_path / "cases.csv")], load_area(folder), 2025, 3, RunOptions(shelf=tmp_path / "runs")
    )
    rejected = pl.read_parquet(run.folder / "rejected.parquet")
    assert dict(rejected.select("setl_id", "code").iter_rows()) == {"A5": "R003", "B2": "R003"}


def test_a_column_that_a_condition_reads_must_be_in_the_files(tmp_path: Path) -> None:
    folder, cases = write_area(tmp_path), write_cases(tmp_path / "cases.csv")
    text = cases.read_text(encoding="utf-8").replace("med_type", "unknown_column", 1)
    cases.write_text(text, encoding="utf-8")
    with pytest.raises(Exception, match="med_type"):
        presettle([cases], load_area(folder), 2025, 3, RunOptions(shelf=tmp_path / "runs"))


# --- one condition at a time ----------------------------------------------------------------------------------------

CASES = pl.DataFrame(
    {
        "setl_id": ["a", "b", "c"],
        "fixmedins_code": ["H1", "H2", "H1"],
        "insutype": ["310", "390", "310"],
        "med_type": ["21", None, "11"],
        "insuplc_admdvs": ["370102", "420100", None],
        "age": pl.Series([40, None, None], dtype=pl.Int32),
        "nwb_age": pl.Series([None, 20, None], dtype=pl.Int32),
        "act_ipt_days": pl.Series([None, 3, 60], dtype=pl.Int32),
        "adm_on": [date(2025, 1, 1)] * 3,
        "discharged_on": [date(2025, 1, 11), date(2025, 2, 1), None],
        "settled_on": [date(2025, 2, 1)] * 3,
        "diag_codes": [["I63.900", "F20.0"], ["F29.x00"], [""]],
        "oprn_codes": [["36.0700", ""], [], None],
    }
)
HOSPITALS = {"H1": Hospital("H1", "3", 10**6, county="东县"), "H2": Hospital("H2", "2", 10**6, county="西县")}


def written(text: str, folder: Path = Path("p")) -> When:
    problems = Problems(folder)
    top = read_yaml(f"when: {text}\n", "t.yaml", problems)
    assert top is not None
    node = top.get("when")
    assert node is not None and not isinstance(node, Scalar)
    return condition(node, problems)


def holds(text: str) -> str:
    """Ids of the cases a condition takes."""
    expression = Conditions(HOSPITALS, "370100").expression(written(text))
    return "".join(CASES.filter(expression)["setl_id"])


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ('{pool: ["310"]}', "ac"),
        ("{hospital: [H2]}", "b"),
        ('{level: ["3"]}', "ac"),
        ("{county: [西县]}", "b"),
        ('{med_type: ["21"]}', "a"),
        ("{days_from: 10, days_upto: 10}", "a"),
        ("{days_upto: 9}", "b"),
        ("{age_upto: 0}", "b"),
        ("{age_from: 1}", "a"),
        ("{discharged: {upto: 2025-01-31}}", "a"),
        ("{discharged: {from: 2025-02-01}}", "b"),
        ("{settled: {from: 2025-02-01, upto: 2025-02-01}}", "abc"),
        ('{diagnosis: ["I63"]}', "a"),
        ('{diagnosis: ["F20-F29"]}', "b"),
        ('{any_diagnosis: ["F20-F29"]}', "ab"),
        ('{operation: ["36.07"]}', "a"),
        ("{no_operation: true}", "bc"),
        ("{no_operation: false}", "a"),
        ('{insured_in: ["3701"]}', "a"),
        ("{out_of_area: true}", "b"),
        ("{out_of_area: false}", "a"),
        ('{any: [{diagnosis: ["I63"]}, {level: ["2"]}]}', "ab"),
        ('{not: {diagnosis: ["I63"]}}', "bc"),
        ('{pool: ["310"], not: {med_type: ["11"]}}', "a"),
    ],
)
def test_a_condition_takes_exactly_these_cases(text: str, taken: str) -> None:
    assert holds(text) == taken


@pytest.mark.parametrize(
    "text",
    ["{}", "{dagnosis: [I63]}", '{diagnosis: ["F29-F20"]}', '{diagnosis: ["F2-F29"]}', "{days_from: 9, days_upto: 3}",
     "{discharged: {}}", "{settled: {from: 2025-02-01, upto: 2025-01-01}}", '{pool: ["999"]}', "{any: []}"],
)  # fmt: skip
def test_a_condition_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        problems = Problems(Path("p"))
        top = read_yaml(f"when: {text}\n", "t.yaml", problems)
        assert top is not None
        node = top.get("when")
        assert node is not None
        condition(node, problems)
        if problems.found:
            raise Unreadable("when")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("when: {any: [", "when: {listed: true, any: [", ("listed", "kind: single")),
        (", when: {settled: {from: 2025-01-01}}}", "}\n    - {id: late, kind: actual}", ("never asked", "ffs")),
        ('department: ["03"]', 'level: ["9"]', ("9", "level of the hospital table")),
        ("when: {listed: true, med_type", "when: {med_type", ("listed: true",)),
        ("{id: clinic,", "{id: psych,", ("psych", "twice")),
    ],
)
def test_schemes_that_contradict_the_rest_are_refused_at_load(
    tmp_path: Path, old: str, new: str, words: tuple[str, ...]
) -> None:
    area = write_area(tmp_path) / "policy" / "area.yaml"
    text = area.read_text(encoding="utf-8")
    assert text.count(old) == 1
    area.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(PolicyFaults) as found:
        load_policy(area.parent)
    for word in words:
        assert word in str(found.value)


# --- one case explained ---------------------------------------------------------------------------------------------


def explained(tmp_path: Path, case: str) -> str:
    from engine.single_area import explain_in_area

    folder = write_area(tmp_path) / "policy"
    return "\n".join(explain_in_area([write_cases(tmp_path / "cases.csv")], case, folder, None))


def test_an_explanation_names_every_scheme_that_was_asked_before(tmp_path: Path) -> None:
    text = explained(tmp_path, "A2")
    assert text.index("epidemic") < text.index("psych")
    assert "severe" in text
    assert "single" not in text


def test_an_explanation_of_a_grouped_case_goes_on_with_its_group(tmp_path: Path) -> None:
    text = explained(tmp_path, "B1")
    assert "drg" in text
    assert "B1  " in text


# --- an area without points -----------------------------------------------------------------------------------------


def test_an_area_without_points_pays_every_case_at_its_own_price(tmp_path: Path) -> None:
    """310: reserve 10,000, psych A2 + A3 + B2 at 100 % of tiers × 0.8; the rest as booked. Nobody has a point value."""
    area, cases = load_area(write_unpointed_area(tmp_path)), write_cases(tmp_path / "cases.csv")
    presettle([cases], area, 2025, 3, RunOptions(shelf=tmp_path / "runs"))
    folder = clear([cases], area, 2025, RunOptions(shelf=tmp_path / "runs")).folder
    lines = pl.read_parquet(folder / "lines.parquet").filter(pl.col("period") == "2025")
    paid = lines.filter((pl.col("fixmedins_code") == HOSPITAL) & pl.col("cause").str.starts_with("fixed_standard"))
    found = {(pool, cause): fen for pool, cause, fen in paid.select("insutype", "cause", "amount_fen").iter_rows()}
    # A2 35 days 6,800; A3 12 days under 18, so no category: 1,200; B2 9 days as an adult: 1,800; × 0.8
    assert found["310", "fixed_standard.psych"] == (680_000 + 120_000 + 180_000) * 8 // 10
    # A1 7,000 + A4 5,000 + A6 2,500 + A8 60 + A9 6,000 + B1 6,000 as booked
    assert found["310", "fixed_standard.ffs"] == 2_656_000
    assert found["390", "fixed_standard.ffs"] == 750_000
    assert pl.read_parquet(folder / "settled.parquet")["setl_pt"].null_count() == 11


def test_money_on_no_line_of_an_area_without_points_stops_the_clearing(tmp_path: Path) -> None:
    folder = write_unpointed_area(tmp_path)
    budget = folder / "policy" / "budget.yaml"
    budget.write_text(budget.read_text(encoding="utf-8").replace("ffs: 70000.00", "ffs: 60000.00"), encoding="utf-8")
    with pytest.raises(Exception, match="fixed_lines"):
        clear([write_cases(tmp_path / "cases.csv")], load_area(folder), 2025, RunOptions(shelf=tmp_path / "runs"))


def test_a_price_that_changes_during_the_year_is_read_at_the_date_of_the_case(tmp_path: Path) -> None:
    """A3 left on 13 March, twelve days: 12 × 110 × 0.8 = 1,056. A2 left on 8 March and keeps the old tiers: 5,440."""
    folder = write_area(tmp_path)
    bed_day = folder / "policy" / "bed_day.yaml"
    old = "        - {from: 1, to: null, rate: 100.00}\n"
    text = bed_day.read_text(encoding="utf-8").replace(
        old, old + "      2025-03-10:\n        - {from: 1, to: null, rate: 110.00}\n"
    )
    bed_day.write_text(text, encoding="utf-8")
    cases = write_cases(tmp_path / "cases.csv")
    run = clear([cases], load_area(folder), 2025, RunOptions(shelf=tmp_path / "runs", months="cases"))
    settled = pl.read_parquet(run.folder / "settled.parquet")
    paid = {case: str(fund) for case, fund in settled.select("setl_id", "drg_dip_fund_payamt").iter_rows()}
    assert (paid["A2"], paid["A3"]) == ("5440.00", "1056.00")


def test_the_run_shows_cases_and_money_of_every_scheme(cleared: Path) -> None:
    table = pl.read_parquet(cleared / "schemes.parquet").filter(pl.col("insutype") == "310")
    found = {row["scheme"]: (row["cases"], row["cost_fen"], row["fund_part_fen"]) for row in table.to_dicts()}
    assert found["single"] == (2, 1_000_000, 640_000)
    assert found["psych"] == (2, 1_200_000, 640_000)
    assert found["clinic"] == (1, 10_000, 0)
    assert table["cases"].sum() == 9


def test_a_bundle_pays_by_its_contract_and_shows_its_public_health_money(tmp_path: Path) -> None:
    """310: B2 booked 400 inside; 1,000 - 400 - 300 outside leaves 300, half kept: 550. 390: A5 booked 5,000 against a
    package of 4,000; the fund bears half of the 1,000: 4,500."""
    folder = write_area(tmp_path)
    area = folder / "policy" / "area.yaml"
    text = area.read_text(encoding="utf-8")
    county = '    - {id: county, kind: bundle, when: {department: ["04"], no_operation: true}}\n'
    area.write_text(text.replace("    - {id: drg, kind", county + "    - {id: drg, kind"), encoding="utf-8")
    contracts = folder / "policy" / "contracts.yaml"
    terms = f"kind: bundle, hospital: {HOSPITAL}, retain: 0.5, fund_bears_deficit: 0.5"
    added = (
        f'      - {{{terms}, pool: "310", package: 1000, outside: 300, public_health: 100}}\n'
        f'      - {{{terms}, pool: "390", package: 4000, outside: 0}}\n'
    )
    contracts.write_text(contracts.read_text(encoding="utf-8") + added, encoding="utf-8")
    cases = write_cases(tmp_path / "cases.csv")
    run = clear([cases], load_area(folder), 2025, RunOptions(shelf=tmp_path / "runs", months="cases"))
    rows = pl.read_parquet(run.folder / "bundles.parquet").sort("insutype").to_dicts()
    assert [(r["inside_fen"], r["surplus_fen"], r["paid_fen"], r["public_health_fen"]) for r in rows] == [
        (40_000, 30_000, 55_000, 10_000),
        (500_000, -100_000, 450_000, 0),
    ]
    lines = pl.read_parquet(run.folder / "lines.parquet").filter(pl.col("cause") == "fixed_standard.bundle")
    assert dict(lines.select("insutype", "amount_fen").iter_rows()) == {"310": 55_000, "390": 450_000}


def test_public_health_money_above_the_package_is_refused(tmp_path: Path) -> None:
    folder = write_area(tmp_path)
    contracts = folder / "policy" / "contracts.yaml"
    added = (
        f'      - {{kind: bundle, hospital: {HOSPITAL}, pool: "310", package: 10, outside: 0, retain: 0.5, '
        "fund_bears_deficit: 0.5, public_health: 10.01}\n"
    )
    contracts.write_text(contracts.read_text(encoding="utf-8") + added, encoding="utf-8")
    with pytest.raises(PolicyFaults, match=r"10\.01 is out of range"):
        load_policy(contracts.parent)
