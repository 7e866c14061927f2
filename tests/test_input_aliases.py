"""Columns are recognised under every name they arrive by, and never guessed between two."""

from pathlib import Path

import pytest

from engine import lang
from engine.cases.alias_table import FAMILIES, IGNORED
from engine.cases.aliases import header_key, map_header
from engine.cases.columns import COLUMNS
from engine.cases.demand import Demand
from engine.cases.repair import Repair
from engine.errors import CaseFileError, PackError
from grouper.tables import STANDARD_NUMERIC, NumericField
from tests.input_rows import GOOD, check, content, load, many, row, write_csv

GROUP = Demand("group", "compatible")
ENOUGH = ["setl_id", "gend", "age", "diag_codes", "oprn_codes"]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lang, "_chosen", "en")


def _pairs() -> list[tuple[str, str, str]]:
    found = []
    for family, table in FAMILIES.items():
        for line in table.strip().splitlines():
            canonical, _, names = line.partition(": ")
            found += [(family, canonical, alias.replace("{n}", "01")) for alias in names.split(", ")]
    return found


@pytest.mark.parametrize(("family", "canonical", "alias"), _pairs())
def test_every_alias_leads_to_its_column(family: str, canonical: str, alias: str) -> None:
    part_of = {"diag_main": "diag_codes", "diag_other": "diag_codes", "oprn_main": "oprn_codes"}
    part_of["oprn_other"] = "oprn_codes"
    whole = part_of.get(canonical, canonical)
    others = [name for name in ENOUGH if name != whole]
    partner = {"diag_other": ["diag_main"], "oprn_other": ["oprn_main"]}.get(canonical, [])
    header = map_header("f", [*others, *partner, alias], GROUP)
    numbered = [name for pairs in header.others.values() for _, name in pairs]
    assert header.direct.get(canonical) == alias or alias in numbered
    assert not header.ignored
    assert canonical in COLUMNS or canonical in part_of


def test_the_eleven_fields_of_the_public_project_are_all_known() -> None:
    names = ["Index", "gender", "age", "ageDay", "weight", "dept", "inHospitalTime", "leavingType"]
    names += ["zdList", "ssList", "remark"]
    header = map_header("f", names, GROUP)
    assert header.ignored == []
    assert header.direct == {
        "setl_id": "Index",
        "gend": "gender",
        "age": "age",
        "nwb_age": "ageDay",
        "nwb_bir_wt": "weight",
        "dscg_caty": "dept",
        "act_ipt_days": "inHospitalTime",
        "dscg_way": "leavingType",
        "diag_codes": "zdList",
        "oprn_codes": "ssList",
    }


def test_the_twelve_chinese_headers_are_all_known() -> None:
    names = ["病案号", "性别", "年龄", "新生儿年龄天", "新生儿出生体重", "出院科室", "住院天数", "离院方式"]
    names += ["总费用", "诊断编码", "手术操作编码", "医保类型"]
    header = map_header("f", names, GROUP)
    assert header.ignored == []
    assert set(header.direct) == {
        *("medcasno", "gend", "age", "nwb_age", "nwb_bir_wt", "dscg_caty", "act_ipt_days", "dscg_way"),
        *("medfee_sumamt", "diag_codes", "oprn_codes", "insutype"),
    }
    assert header.id_from == ("medcasno",), "the record number stands in for the missing settlement id"


@pytest.mark.parametrize("name", [" SETL_ID ", "ｓｅｔｌ＿ｉｄ", "\ufeffSetl_Id", "结算ID", "结算ｉｄ"])
def test_case_blanks_and_full_width_forms_of_a_header_do_not_matter(name: str) -> None:
    assert map_header("f", [name, *ENOUGH[1:]], GROUP).direct["setl_id"] == name


def test_an_answer_file_is_read_and_its_answers_are_ignored() -> None:
    names = "rec_id gender age_years age_days birth_weight_g dept los_days leaving_type icu_hours dx_codes proc_codes"
    header = map_header("f", [*names.split(), "status", "status_zh", "mdc", "adrg", "drg"], GROUP)
    assert header.ignored == [] and len(header.direct) == 11
    assert {"status", "drg"} <= IGNORED


def test_two_columns_of_one_meaning_are_an_error_naming_both() -> None:
    with pytest.raises(CaseFileError, match=r"cases\.csv: the columns '年龄' and 'age' both mean age .*Keep one"):
        map_header("cases.csv", ["setl_id", "gend", "年龄", "age", "diag_codes", "oprn_codes"], GROUP)
    with pytest.raises(CaseFileError, match="'nwb_age' and 'age_days' both mean nwb_age"):
        map_header("f", [*ENOUGH, "nwb_age", "age_days"], GROUP)


@pytest.mark.parametrize(
    ("first", "second"), [("diag_codes", "diseinfo"), ("diseinfo", "主要诊断编码"), ("诊断编码", "主要诊断")]
)
def test_two_forms_of_one_list_are_an_error_naming_both(first: str, second: str) -> None:
    names = ["setl_id", "gend", "age", "oprn_codes", first, second]
    with pytest.raises(CaseFileError, match=f"'{first}' and '{second}' both mean diag_codes"):
        map_header("f", names, GROUP)


def test_a_numbered_column_that_is_there_twice_is_an_error() -> None:
    names = ["setl_id", "gend", "age", "oprn_codes", "主要诊断", "其他诊断1", "其他诊断编码01"]
    with pytest.raises(CaseFileError, match="'其他诊断1' and '其他诊断编码01'"):
        map_header("f", names, GROUP)


def test_missing_columns_are_named_with_their_aliases_and_what_the_file_has() -> None:
    with pytest.raises(CaseFileError) as caught:
        map_header("cases.csv", ["setl_id", "age", "诊断", "foo"], GROUP)
    text = str(caught.value)
    assert text.startswith("cases.csv: required columns are missing:")
    assert "gend (性别): accepted as gend, 性别" in text
    assert "diag_codes (诊断编码)" in text and "zdList" in text and "oprn_codes" in text
    assert "The file has: setl_id, age, 诊断, foo." in text


def test_errors_are_said_in_chinese_to_a_chinese_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lang, "_chosen", "zh")
    with pytest.raises(CaseFileError, match=r"cases\.csv：缺少必需的列"):
        map_header("cases.csv", ["setl_id"], GROUP)


def test_other_codes_without_a_principal_one_are_no_list() -> None:
    with pytest.raises(CaseFileError, match="diag_codes"):
        map_header("f", ["setl_id", "gend", "age", "oprn_codes", "其他诊断"], GROUP)


def test_settlement_asks_for_more_than_grouping() -> None:
    map_header("f", ENOUGH, GROUP)
    with pytest.raises(CaseFileError) as caught:
        map_header("f", ENOUGH, Demand("settle", "compatible"))
    for column in ("fixmedins_code", "insutype", "dscg_time", "setl_end_date", "medfee_sumamt", "hifp_pay"):
        assert column in str(caught.value)


def test_age_in_days_alone_will_do_for_age() -> None:
    assert map_header("f", ["setl_id", "gend", "nwb_age", "diag_codes", "oprn_codes"], GROUP).direct["nwb_age"]


def test_a_column_a_pack_declares_is_taken_and_all_others_are_reported(tmp_path: Path) -> None:
    demand = Demand("group", "compatible", (*STANDARD_NUMERIC, NumericField("bed", "d", "bed_days")))
    header = map_header("f", [*ENOUGH, "BED_DAYS", "foo"], demand)
    assert header.direct["bed_days"] == "BED_DAYS" and header.ignored == ["foo"]


def test_a_pack_must_name_a_column_by_its_canonical_name() -> None:
    demand = Demand("group", "compatible", (*STANDARD_NUMERIC, NumericField("vent", "h", "vent_used_dura")))
    with pytest.raises(PackError, match='from = "vent_used_h"'):
        map_header("f", ENOUGH, demand)


def test_a_pack_cannot_read_an_amount_as_a_number() -> None:
    with pytest.raises(ValueError, match="medfee_sumamt"):
        Demand("group", "compatible", (NumericField("cost", "yuan", "medfee_sumamt"),))


def test_unknown_and_absent_columns_are_reported_not_fatal(tmp_path: Path) -> None:
    loaded = check(tmp_path, [row(surprise="x")])
    said = " ".join(note.en for note in loaded.notes)
    assert "ignored: surprise" in said and "read as empty: setl_ym, icu_hours" in said
    assert len(loaded.accepted) == 1


def test_a_file_of_front_page_codes_gives_the_same_cases(tmp_path: Path) -> None:
    """HQMS 「病案首页」: wide columns of codes, the record number and the count of stays instead of an id."""
    names = {"gend": "A12C", "age": "A14", "adm_time": "B12", "dscg_time": "B15", "setl_id": "A48"}
    rows = []
    for cells in many(12):
        diagnoses, procedures = (cells["diag_codes"] or "").split("|"), (cells["oprn_codes"] or "").split("|")
        wide = {key: value for key, value in cells.items() if key not in ("diag_codes", "oprn_codes")}
        wide |= {"A49": "1", "C03C": diagnoses[0], "C14x01C": procedures[0]}
        wide |= {f"C06x{n:02d}C": diagnoses[n] if n < len(diagnoses) else None for n in (2, 1, 3)}
        wide |= {f"C35x{n:02d}C": procedures[n] if n < len(procedures) else None for n in (1, 2)}
        rows.append(wide)
    found = content(load(write_csv(tmp_path / "hqms.csv", rows, names=names)).accepted)
    plain = content(check(tmp_path, many(12)).accepted)
    assert found["setl_id"].to_list() == [f"{setl_id}-1" for setl_id in plain["setl_id"]]
    assert found.drop("setl_id").equals(plain.drop("setl_id"))


def test_chinese_headers_and_words_give_the_same_cases(tmp_path: Path) -> None:
    chinese = (
        "结算ID 医疗机构编码 医院等级 险种 性别 年龄（岁） 日龄 新生儿出生体重（克） 入院日期 出院日期 "
        "实际住院天数 离院方式 出院科别 住院医疗类型 诊断编码 手术操作编码 医疗费总额 统筹基金支付 结算日期"
    )
    names = dict(zip(GOOD, chinese.split(), strict=True))
    words = {
        "gend": {"1": "男", "2": "女"},
        "insutype": {"310": "职工", "390": "城乡居民"},
        "dscg_way": {"1": "医嘱离院"},
    }
    rows = [{key: words.get(key, {}).get(value or "", value) for key, value in cells.items()} for cells in many(6)]
    found = load(write_csv(tmp_path / "zh.csv", rows, names=names))
    assert content(found.accepted).equals(content(check(tmp_path, many(6)).accepted))
    assert found.repairs[Repair.WORD] == 3 * 6


def test_header_keys_fold_what_people_vary() -> None:
    assert header_key("年龄（岁）") == header_key("年龄 (岁)\n")
