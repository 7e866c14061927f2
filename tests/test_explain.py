"""A case explained step by step: the steps end in the very result of the walk, and say why in the reader's words."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

from engine.explain import Explanation, explain_case
from engine.packs.load import Pack, load_pack
from fixtures.broken_packs import TINY
from grouper.reason import TEXT_EN, TEXT_ZH, GroupReason
from grouper.tables import Case
from tests.shared_data import EDITIONS_ROOT, needs_shared


@cache
def tiny() -> Pack:
    return load_pack(TINY)


def with_options(**options: object) -> Pack:
    pack = tiny()
    return replace(pack, tables=replace(pack.tables, options=replace(pack.tables.options, **options)))  # type: ignore[arg-type]


def case(dx: str, op: str = "", **fields: int | str | None) -> Case:
    numbers: dict[str, int | None] = {"gender": 1, "age_years": 60, "los_days": 9}
    texts: dict[str, str | None] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            texts[name] = value
        else:
            numbers[name] = value
    return Case("C1", tuple(dx.split()), tuple(op.split()), numbers, texts)


def said(explanation: Explanation, kind: str) -> list[str]:
    return [step.text for step in explanation.steps if step.kind == kind]


def test_a_grouped_case_names_record_checks_gates_and_result() -> None:
    found = explain_case(tiny(), case("I50.900 J96.000"), "zh")
    assert (found.status, found.mdc, found.adrg, found.drg) == ("OK", "MDCF", "FR2", "FR21")
    assert said(found, "record")[0] == "病例 C1，方案 tiny_drg 2024.1"
    assert said(found, "record")[1] == "主要诊断：I50.900 心力衰竭；其他诊断：J96.000 急性呼吸衰竭"
    assert said(found, "complication") == ["J96.000 急性呼吸衰竭：MCC，计入"]
    gates = said(found, "gate")
    assert "MDCF 循环系统疾病及功能障碍：主要诊断 I50.900 心力衰竭 属于目录 6（MDCF 主要诊断，5 个编码）" in gates
    assert "DRG FR21 心力衰竭，伴严重并发症或合并症：有计入的 MCC：J96.000 急性呼吸衰竭" in gates
    assert said(found, "result") == [
        "结果：MDCF 循环系统疾病及功能障碍 → FR2 心力衰竭 → FR21 心力衰竭，伴严重并发症或合并症"
    ]
    assert said(found, "advice") == []


def test_why_not_the_higher_group_names_the_excluded_complication() -> None:
    """I50.100 shares exclusion table 1 with I50.900, so the MCC does not count; E11.900 is a CC."""
    found = explain_case(tiny(), case("I50.100 I50.900 E11.900"), "zh")
    assert found.drg == "FR23"
    assert "I50.900 心力衰竭：MCC，不计入——与主要诊断同在排除表 1" in said(found, "complication")
    assert said(found, "why_not") == [
        "未入 FR20 心力衰竭，五日内死亡或转院，因为离院方式不属于目录 10（转院或死亡，2 个编码）；"
        "住院天数 9 天（要求 ≤ 4 天）",
        "未入 FR21 心力衰竭，伴严重并发症或合并症，因为没有计入的 MCC（I50.900 心力衰竭 被主要诊断排除）",
    ]


def test_the_same_in_english() -> None:
    found = explain_case(tiny(), case("I50.100 I50.900 E11.900"), "en")
    assert said(found, "why_not")[1].endswith(
        "because: no MCC counted (I50.900 心力衰竭 excluded by the principal diagnosis)"
    )
    assert "gender male, age 60 years, length of stay 9 days" in said(found, "record")
    assert found.drg == "FR23"


def test_a_procedure_that_would_have_counted_in_first_place_is_named() -> None:
    found = explain_case(tiny(), case("I50.900", "00.4100 36.0600"), "zh")
    assert (found.status, found.drg) == ("QY", "FQY")
    assert said(found, "why_not") == [
        "未入 FM2 支架置入，因为主要手术不属于目录 7（冠状动脉支架，2 个编码）"
        "（其他手术 36.0600 冠状动脉裸支架置入术 在该目录中，但不是主要编码）"
    ]
    assert said(found, "advice") == [TEXT_ZH[GroupReason.AMBIGUOUS_OPERATION]]


def test_a_count_of_procedures_is_told_with_what_was_asked() -> None:
    found = explain_case(tiny(), case("I21.900", "36.0600 36.0700"), "en")
    assert found.drg == "FM19"
    assert any(
        "any procedure: 2 in list 7 (冠状动脉支架, 2 codes) (asked: ≥ 2)" in text for text in said(found, "gate")
    )


def test_a_declared_number_and_a_missing_one_are_told_as_such() -> None:
    long = explain_case(tiny(), case("I21.900", "96.7201", vent_hours=120), "zh")
    assert long.drg == "AH15"
    assert any("vent_hours 120（要求 ≥ 96）" in text for text in said(long, "gate"))
    unknown = explain_case(tiny(), case("I21.900", "96.7201"), "zh")
    assert unknown.drg != "AH15"
    assert any("vent_hours 空（要求 ≥ 96）" in text for text in said(unknown, "gate"))


def test_a_case_without_group_ends_with_the_reason_and_the_gate_that_nearly_opened() -> None:
    found = explain_case(tiny(), case("N40.x00", gender=2), "zh")
    assert (found.status, found.drg) == ("FAIL", "0000")
    assert any("MDCM" in text and "性别 女（要求 男）" in text for text in said(found, "gate"))
    assert said(found, "advice") == [TEXT_ZH[GroupReason.MDC_GATE_SEX]]


def test_a_failed_check_stops_before_any_gate() -> None:
    found = explain_case(tiny(), case("I50.900", gender=None), "en")
    assert found.status == "INVALID"
    assert said(found, "check") == [TEXT_EN[GroupReason.GENDER_MISSING]]
    assert said(found, "gate") == []
    assert said(found, "result") == ["result: 0000 / 00 / 0000"]


def test_mapped_codes_are_told_before_and_after() -> None:
    pack = with_options(code_mapping=True)
    found = explain_case(pack, case("I50.900x001"), "zh")
    assert said(found, "mapping") == ["编码转换 I50.900x001 → I50.900 心力衰竭"]
    assert found.drg == "FR25"
    unknown = explain_case(pack, case("I50.900 X99.999"), "zh")
    assert said(unknown, "mapping") == ["编码转换 X99.999 → 转换表中没有"]
    assert unknown.status == "INVALID"


def test_a_retry_says_with_which_procedure() -> None:
    pack = with_options(retry_with_each_secondary_op_when_ungrouped=True)
    found = explain_case(pack, case("Z00.000", "47.0100 37.5100"), "zh")
    assert found.drg == "AA19"
    assert "未入组，改以其他手术 37.5100 心脏移植术 单独重试" in said(found, "gate")
    assert said(found, "advice") == [TEXT_ZH[GroupReason.GROUPED_BY_SECONDARY_PROCEDURE]]


def test_lines_are_numbered_and_gates_marked_and_the_whole_is_json() -> None:
    found = explain_case(tiny(), case("I50.900"), "zh")
    assert found.lines[0].startswith(" 1. 病例 C1")
    assert any(line[4:].startswith("✓ ADRG FR2") for line in found.lines)
    assert any(line[4:].startswith("✗ ") for line in found.lines)
    assert json.loads(json.dumps(found.as_dict()))["drg"] == "FR25"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="Allowed: zh, en"):
        explain_case(tiny(), case("I50.900"), "fr")


@needs_shared
@pytest.mark.parametrize(("edition", "answers"), [("chs_drg_11", "oracle"), ("fuzhou_2022", "oracle")])
def test_explanations_of_published_records_end_in_the_published_group(edition: str, answers: str) -> None:
    import polars as pl

    pack = load_pack(EDITIONS_ROOT / edition)
    numbers = ("gender", "age_years", "age_days", "birth_weight_g", "los_days", "icu_hours")
    for row in pl.read_parquet(EDITIONS_ROOT / edition / f"{answers}.parquet").head(1500).to_dicts():
        record = Case(
            str(row["rec_id"]),
            tuple(row["dx_codes"]),
            tuple(row["proc_codes"]),
            {name: row[name] for name in numbers},
            {"dept": row["dept"], "leaving_type": row["leaving_type"]},
        )
        for lang in ("zh", "en"):
            found = explain_case(pack, record, lang)
            assert (found.mdc, found.adrg, found.drg) == (row["mdc"], row["adrg"], row["drg"])
            assert 4 <= len(found.lines) <= 60
