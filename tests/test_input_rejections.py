"""Every rejection code has a row that produces it; the enum is the checklist."""

import re
from pathlib import Path

import polars as pl
import pytest

from engine.cases.columns import COLUMNS, TYPED
from engine.cases.demand import Demand
from engine.cases.facts import FACT_COLUMNS
from engine.cases.limits import CODES_MAX
from engine.cases.load import load_cases
from engine.cases.read import open_cases
from engine.cases.rejection import Reject
from engine.cases.rules import rules_for
from engine.cases.validate import REJECTED_SCHEMA, validate
from grouper.tables import STANDARD_NUMERIC, NumericField
from tests.input_rows import INFANT, check, content, load, many, row, write_csv, write_parquet

NONE: dict[str, str | None] = {}

FAULTS: list[tuple[Reject, str, dict[str, str | None]]] = [
    (Reject.ID_MISSING, "setl_id", {"setl_id": " "}),
    (Reject.NUMBER_UNREADABLE, "age", {"age": "forty"}),
    (Reject.NUMBER_UNREADABLE, "gend", {"gend": "man"}),
    (Reject.NUMBER_UNREADABLE, "act_ipt_days", {"act_ipt_days": "5.5"}),
    (Reject.NUMBER_UNREADABLE, "nwb_bir_wt", {"nwb_bir_wt": "3 kg"}),
    (Reject.AMOUNT_UNREADABLE, "medfee_sumamt", {"medfee_sumamt": "12,50"}),
    (Reject.AMOUNT_UNREADABLE, "hifp_pay", {"hifp_pay": "none"}),
    (Reject.AMOUNT_BELOW_FEN, "medfee_sumamt", {"medfee_sumamt": "12345.678"}),
    (Reject.DATE_UNREADABLE, "dscg_time", {"dscg_time": "2024-02-30"}),
    (Reject.DATE_UNREADABLE, "adm_time", {"adm_time": "soon"}),
    (Reject.HOSPITAL_MISSING, "fixmedins_code", {"fixmedins_code": None}),
    (Reject.SCHEME_UNKNOWN, "insutype", {"insutype": None}),
    (Reject.SCHEME_UNKNOWN, "insutype", {"insutype": "999"}),
    (Reject.SETTLEMENT_DATE_MISSING, "setl_end_date", {"setl_end_date": None}),
    (Reject.DISCHARGE_DATE_MISSING, "dscg_time", {"dscg_time": None}),
    (Reject.COST_MISSING, "medfee_sumamt", {"medfee_sumamt": None}),
    (Reject.FUND_MISSING, "hifp_pay", {"hifp_pay": None}),
    (Reject.COST_NEGATIVE, "medfee_sumamt", {"medfee_sumamt": "-0.01", "hifp_pay": "-0.01"}),
    (Reject.COST_IMPOSSIBLE, "medfee_sumamt", {"medfee_sumamt": "900000000.01"}),
    (Reject.FUND_NEGATIVE, "hifp_pay", {"hifp_pay": "-0.01"}),
    (Reject.FUND_ABOVE_COST, "hifp_pay", {"hifp_pay": "12345.68"}),
    (Reject.DISCHARGE_BEFORE_ADMISSION, "dscg_time", {"adm_time": "2024-03-07"}),
    (Reject.SETTLEMENT_BEFORE_DISCHARGE, "setl_end_date", {"setl_end_date": "2024-03-05"}),
    (Reject.MONTH_UNREADABLE, "setl_ym", {"setl_ym": "2024-03"}),
    (Reject.MONTH_UNREADABLE, "setl_ym", {"setl_ym": "202413"}),
    (Reject.PRINCIPAL_DIAGNOSIS_MISSING, "diag_codes", {"diag_codes": None}),
    (Reject.PRINCIPAL_DIAGNOSIS_MISSING, "diag_codes", {"diag_codes": "|I10.x00"}),
    (Reject.GENDER_NOT_1_OR_2, "gend", {"gend": None}),
    (Reject.GENDER_NOT_1_OR_2, "gend", {"gend": "9"}),
    (Reject.AGE_MISSING, "age", {"age": None}),
    (Reject.AGE_OUT_OF_RANGE, "age", {"age": "-1"}),
    (Reject.AGE_OUT_OF_RANGE, "age", {"age": "131"}),
    (Reject.AGE_DAYS_MISSING, "nwb_age", {"age": "0"}),
    (Reject.AGE_DAYS_NEGATIVE, "nwb_age", {**INFANT, "nwb_age": "-3"}),
    (Reject.BIRTH_WEIGHT_MISSING, "nwb_bir_wt", {**INFANT, "nwb_bir_wt": None}),
    (Reject.BIRTH_WEIGHT_MISSING, "nwb_bir_wt", {**INFANT, "nwb_bir_wt": "0"}),
    (Reject.BIRTH_WEIGHT_MISSING, "nwb_bir_wt", {**INFANT, "nwb_age": "28", "nwb_bir_wt": None}),
    (Reject.BIRTH_WEIGHT_OUT_OF_RANGE, "nwb_bir_wt", {**INFANT, "nwb_bir_wt": "3"}),
    (Reject.STAY_MISSING, "act_ipt_days", {"act_ipt_days": None, "adm_time": None}),
    (Reject.STAY_NEGATIVE, "act_ipt_days", {"act_ipt_days": "-5", "adm_time": None}),
    (Reject.STAY_DISAGREES, "act_ipt_days", {"act_ipt_days": "9"}),
    (Reject.DISPOSITION_UNKNOWN, "dscg_way", {"dscg_way": "7"}),
    (Reject.DISPOSITION_UNKNOWN, "dscg_way", {"dscg_way": None}),
    (Reject.DIAGNOSIS_CODE_TOO_LONG, "diag_codes", {"diag_codes": "K35.800|" + "A" * 21}),
    (Reject.PROCEDURE_CODE_TOO_LONG, "oprn_codes", {"oprn_codes": "4" * 31}),
    (Reject.TOO_MANY_DIAGNOSES, "diag_codes", {"diag_codes": "|".join(["I10.x00"] * (CODES_MAX + 1))}),
    (Reject.TOO_MANY_PROCEDURES, "oprn_codes", {"oprn_codes": "|".join(["47.0100"] * (CODES_MAX + 1))}),
    (Reject.SEX_IMPOSSIBLE, "diag_codes", {"gend": "1", "diag_codes": "O80.000"}),
    (Reject.SEX_IMPOSSIBLE, "diag_codes", {"gend": "2", "diag_codes": "I10.x00|N40.x00"}),
    (Reject.MONTH_DISAGREES, "setl_ym", {"setl_ym": "202404"}),
]
ELSEWHERE = {
    Reject.ROW_MISSHAPEN: "test_input_readers",
    Reject.EXACT_COPY: "test_input_duplicates",
    Reject.CONFLICTING_COPY: "test_input_duplicates",
    Reject.TWO_PRINCIPAL_DIAGNOSES: "test_input_nodes",
    Reject.TWO_PRINCIPAL_PROCEDURES: "below",
    Reject.PACK_NUMBER_MISSING: "below",
    Reject.TEXT_UNREADABLE: "below",
    Reject.PERSON_MISSING: "test_run_facts",
    Reject.ADMISSION_DATE_MISSING: "test_run_facts",
    Reject.FEE_IMPOSSIBLE: "test_run_facts",
}
SETTLE_ONLY = {
    *(Reject.AMOUNT_UNREADABLE, Reject.AMOUNT_BELOW_FEN, Reject.HOSPITAL_MISSING, Reject.SCHEME_UNKNOWN),
    *(Reject.SETTLEMENT_DATE_MISSING, Reject.DISCHARGE_DATE_MISSING, Reject.COST_MISSING, Reject.FUND_MISSING),
    *(
        Reject.COST_NEGATIVE,
        Reject.COST_IMPOSSIBLE,
        Reject.FUND_NEGATIVE,
        Reject.FUND_ABOVE_COST,
        Reject.SETTLEMENT_BEFORE_DISCHARGE,
    ),
    *(Reject.MONTH_UNREADABLE, Reject.MONTH_DISAGREES),
}


def _label(case: tuple[Reject, str, dict[str, str | None]]) -> str:
    return f"{case[0].value}-{case[1]}"


def test_every_code_has_a_row_that_produces_it() -> None:
    assert {reject for reject, _, _ in FAULTS} | set(ELSEWHERE) == set(Reject)


@pytest.mark.parametrize("case", FAULTS, ids=_label)
def test_a_faulty_row_is_rejected_with_its_code_and_field(
    case: tuple[Reject, str, dict[str, str | None]], tmp_path: Path
) -> None:
    reject, field, changes = case
    loaded = check(tmp_path, [row("S1", setl_ym=None), {**row("S2", setl_ym=None), **changes}])
    assert loaded.read_count == 2
    assert loaded.rejected.select("file", "row", "code", "field").rows() == [("cases.csv", 2, reject.value, field)]
    assert loaded.accepted["row"].to_list() == [1]


@pytest.mark.parametrize("case", FAULTS, ids=_label)
def test_profile_and_purpose_decide_which_rules_are_active(
    case: tuple[Reject, str, dict[str, str | None]], tmp_path: Path
) -> None:
    reject, _, changes = case
    rows = [row("S1", setl_ym=None), {**row("S2", setl_ym=None), **changes}]
    found = {
        (purpose, profile): check(tmp_path, rows, purpose, profile).rejected["code"].to_list()
        for purpose in ("group", "settle")
        for profile in ("compatible", "strict")
    }
    assert found["settle", "strict"] == [reject.value]
    strict_only = reject.value >= "V030" and reject is not Reject.STAY_MISSING
    assert found["settle", "compatible"] == ([] if strict_only else [reject.value])
    if reject in SETTLE_ONLY:
        assert found["group", "strict"] == [] or found["group", "strict"] != [reject.value]
        assert found["group", "compatible"] == []


@pytest.mark.parametrize(
    "changes",
    [
        NONE,
        INFANT,
        {"age": "0", "nwb_age": "29", "nwb_bir_wt": None},
        {"age": None, "nwb_age": "40"},
        {"age": "130"},
        {"hifp_pay": "0"},
        {"hifp_pay": "12345.67"},
        {"act_ipt_days": "8"},
        {"act_ipt_days": None},
        {"oprn_codes": None},
        {"dscg_way": "9"},
        {"setl_end_date": "2024-03-06"},
        {"diag_codes": "|".join(["I10.x00"] * CODES_MAX)},
        {"diag_codes": "A" * 20},
        {"gend": "2", "diag_codes": "O80.000|Z37.000"},
        {"gend": "1", "diag_codes": "C61.x00"},
        {"adm_time": None},
        {"ipt_med_type": None, "hi_setl_lv": None, "dscg_caty": None},
    ],
    ids=str,
)
def test_a_row_at_the_edge_of_a_rule_passes(changes: dict[str, str | None], tmp_path: Path) -> None:
    loaded = check(tmp_path, [{**row("S1"), **changes}])
    assert loaded.rejected.select("code", "reason_en").rows() == []


@pytest.mark.parametrize(
    ("changes", "column", "value", "kind"),
    [
        ({"diag_codes": " k35.800|i10.X00"}, "diag_codes", ["K35.800", "I10.x00"], "letter_case"),
        ({"diag_codes": "Ｋ３５．８００"}, "diag_codes", ["K35.800"], "full_width"),
        ({"diag_codes": "K35.800||I10.x00"}, "diag_codes", ["K35.800", "I10.x00"], "empty_code"),
        ({"oprn_codes": " 47.0100 "}, "oprn_codes", ["47.0100"], "blanks"),
        ({"age": "45.0"}, "age", 45, "decimal_ending"),
        ({"insutype": "310.0"}, "insutype", "310", "decimal_ending"),
        ({"gend": "女"}, "gend", 2, "word"),
        ({"fixmedins_code": "　Ｈ37030200001 "}, "fixmedins_code", "H37030200001", "full_width"),
        ({"medfee_sumamt": "¥12,345.67"}, "medfee_sumamt_fen", 1234567, "money_sign"),
        ({"age": None, "nwb_age": "200"}, "age", 0, "age_from_days"),
        ({"act_ipt_days": None}, "act_ipt_days", 5, "stay_from_dates"),
    ],
)
def test_dirty_cells_are_repaired_and_counted(
    changes: dict[str, str | None], column: str, value: object, kind: str, tmp_path: Path
) -> None:
    loaded = check(tmp_path, [{**row("S1"), **changes}])
    assert loaded.accepted[column].to_list() == [value]
    assert loaded.repairs[kind] >= 1  # type: ignore[index]


def test_a_clean_file_is_repaired_nowhere(tmp_path: Path) -> None:
    assert check(tmp_path, many(30)).repairs == {}


def test_the_compatible_profile_touches_no_code_and_groups_an_empty_list_as_one_blank_code(tmp_path: Path) -> None:
    rows = [row("1", diag_codes=" k35.800|I10.X00"), row("2", diag_codes=None), row("3", age=None, nwb_age="40")]
    loaded = check(tmp_path, rows, "settle", "compatible")
    assert loaded.accepted["diag_codes"].to_list() == [[" k35.800", "I10.X00"], [""], ["K35.800", "I10.x00"]]
    assert loaded.accepted["age"].to_list() == [45, 45, None], "the grouper judges a missing age"


def test_the_accepted_frame_has_the_promised_columns_and_types(tmp_path: Path) -> None:
    kinds = {"text": pl.String(), "int": pl.Int32(), "whole": pl.Int32(), "fen": pl.Int64(), "date": pl.Date()}
    schema = check(tmp_path, many(5)).accepted.schema
    for typed in TYPED:
        if typed.column in FACT_COLUMNS:
            assert typed.name not in schema  # only a policy asks for it
            continue
        assert schema[typed.name] == kinds.get(typed.kind, pl.List(pl.String)), typed.name
    assert list(schema)[-4:] == ["patient_fen", "icu_hours", "file", "row"]
    accepted = check(tmp_path, [row("1"), row("2", setl_ym="202403")]).accepted
    assert accepted["setl_ym"].to_list() == ["202403", "202403"], "the month comes from the settlement date"
    assert accepted["patient_fen"].to_list() == [1234567 - 800000] * 2


def test_an_empty_result_has_the_same_columns(tmp_path: Path) -> None:
    none, some = check(tmp_path, [row("1", age="x")]), check(tmp_path, [row("1")])
    assert none.accepted.schema == some.accepted.schema and len(none.accepted) == 0
    assert none.rejected.schema == some.rejected.schema == pl.Schema(REJECTED_SCHEMA)


def test_a_rejection_says_in_two_languages_what_to_mend_and_what_else_is_wrong(tmp_path: Path) -> None:
    loaded = check(tmp_path, [row("S1", age="-1", gend="9", insutype="999")])
    zh, en = loaded.rejected.select("reason_zh", "reason_en").row(0)
    assert zh == "险种类型为空或不在本次结算的险种（310、390）之内。请核对险种代码。另有：V031 性别、V033 年龄。"
    assert en.endswith("(310, 390). Check its code. Also: V031 gend, V033 age.")
    assert loaded.rejected["fixmedins_code"].to_list() == ["H37030200001"], "a hospital must find its own rows"


def test_amounts_and_ages_are_shown_because_they_name_nobody(tmp_path: Path) -> None:
    loaded = check(
        tmp_path, [row("1", hifp_pay="99999.05"), row("2", age="-1"), row("3", medfee_sumamt="-0.05", hifp_pay="0")]
    )
    texts = loaded.rejected["reason_en"].to_list()
    assert "(99999.05 yuan) exceeds the total cost (12345.67 yuan)" in texts[0]
    assert "Age -1 is not" in texts[1]
    assert "(-0.05 yuan)" in texts[2]


def test_a_cell_that_cannot_be_read_is_never_repeated(tmp_path: Path) -> None:
    """A shifted column may put a name or an identity number into any cell."""
    person = "张三370303199001011234"
    fields = [name for name in row() if name not in ("setl_id", "diag_codes", "oprn_codes", "fixmedins_code")]
    rows = [row(f"S{n}", **{name: person}) for n, name in enumerate(fields)]
    loaded = check(tmp_path, rows)
    assert len(loaded.rejected) >= 12
    for column in ("field", "reason_zh", "reason_en"):
        assert not loaded.rejected[column].str.contains("张三|370303199001011234").any()
    texts = [*loaded.rejected["reason_zh"], *loaded.rejected["reason_en"]]
    assert not any(re.search(r"[{}]", text) for text in texts), "every placeholder is filled"


def test_a_condition_that_comes_out_null_is_a_rejection(tmp_path: Path) -> None:
    """Whoever writes a rule and forgets the null must not let rows through."""
    demand = Demand("settle", "strict")
    rules = rules_for(demand, [])
    frame = pl.DataFrame({"insutype": pl.Series([None], dtype=pl.String)})
    scheme = next(rule for rule in rules if rule.reject is Reject.SCHEME_UNKNOWN)
    assert frame.select(scheme.ok).item() is None, "this rule does come out null"
    assert check(tmp_path, [row("1", insutype=None)]).rejected["code"].to_list() == ["V011"]


def test_rules_are_in_order_of_precedence_and_name_known_columns() -> None:
    for purpose in ("group", "settle"):
        for profile in ("compatible", "strict"):
            rules = rules_for(Demand(purpose, profile), [])
            assert [rule.reject for rule in rules] == sorted(rule.reject for rule in rules)
            assert all(rule.field == "" or rule.field in COLUMNS for rule in rules)


def test_a_number_the_pack_must_have_is_asked_of_every_row(tmp_path: Path) -> None:
    vent = NumericField("vent_hours", "h", "vent_used_h", null_allowed=False)
    demand = Demand("group", "compatible", (*STANDARD_NUMERIC, vent))
    rows = [row("1", vent_used_h="3"), row("2", vent_used_h=None)]
    loaded = load_cases([write_csv(tmp_path / "a.csv", rows)], demand)
    assert loaded.accepted["vent_used_h"].to_list() == [3]
    assert loaded.rejected.select("row", "code", "field").rows() == [(2, "V024", "vent_used_h")]


def test_a_code_that_is_a_fraction_is_rejected(tmp_path: Path) -> None:
    table = pl.read_parquet(write_parquet(tmp_path / "a.parquet", many(2)))
    table.with_columns(insutype=pl.Series([310.0, 310.5])).write_parquet(tmp_path / "a.parquet")
    assert load(tmp_path / "a.parquet").rejected.select("row", "code", "field").rows() == [(2, "V006", "insutype")]


def test_two_main_operations_are_rejected(tmp_path: Path) -> None:
    node = [
        [{"oprn_oprt_code": code, "oprn_oprt_type": kind} for code, kind in pairs]
        for pairs in ([("1", "1"), ("2", "1")], [("1", "1"), ("2", "2")])
    ]
    table = pl.read_parquet(write_parquet(tmp_path / "a.parquet", many(2))).drop("oprn_codes")
    table.with_columns(oprninfo=pl.Series(node)).write_parquet(tmp_path / "a.parquet")
    assert load(tmp_path / "a.parquet").rejected.select("row", "code").rows() == [(1, "V023")]


def test_only_schemes_with_a_budget_here_can_be_settled(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [row("1", insutype="310"), row("2", insutype="390")])
    loaded = load_cases([path], Demand("settle", "strict", pools=frozenset({"310"})))
    assert loaded.rejected.select("row", "code").rows() == [(2, "V011")]


def test_one_piece_can_be_validated_on_its_own(tmp_path: Path) -> None:
    demand = Demand("settle", "strict")
    reader = open_cases([write_csv(tmp_path / "a.csv", [row("1"), row("2", gend="9")])], demand)
    parts = [validate(raw, demand) for raw in reader.iter_batches()]
    assert [(part.read_count, len(part.accepted), len(part.rejected)) for part in parts] == [(2, 1, 1)]
    assert content(parts[0].accepted).height == 1
