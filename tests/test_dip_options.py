"""The regional options of flat DIP catalogues (V1–V21), each as the smallest catalogue that shows it."""

from dataclasses import replace

import pytest

from grouper.dip_condition import parse_condition
from grouper.dip_reason import DipReason
from grouper.dip_tables import (
    DEFAULT_TYPE_ORDER,
    AuxiliaryRow,
    Choice,
    Complication,
    ExcludedProcedure,
    Layer,
    TieRule,
    TypeRank,
    Ungrouped,
)
from tests.dip_tiny import (
    BY_TYPE,
    CONSERVATIVE,
    DIAGNOSTIC,
    FLAT,
    INTERVENTION,
    NEAREST,
    SURGERY,
    THERAPY,
    case,
    flat,
    group_of,
    row,
    walked,
)

OPERATION = row("操作", "核心", "K35.8", "47.0100")
NO_OPERATION = row("保守", "核心", "K35.8")


def test_extra_procedures_never_block_a_match():
    assert group_of(flat(OPERATION, NO_OPERATION), "K35.800", "93.9000 47.0100 54.1100") == "操作"


def test_a_row_without_procedures_is_open_only_to_conservative_cases():
    tables = flat(OPERATION, NO_OPERATION)
    assert group_of(tables, "K35.800") == "保守"
    assert group_of(tables, "K35.800", "99.9999") == "保守"  # unknown to the dictionary
    assert group_of(tables, "K35.800", "93.9000") is None


def test_a_matched_unknown_procedure_gives_the_row_the_conservative_type():
    assert walked(flat(row("未知", "核心", "K35.8", "99.9999")), case("K35.800", "99.9999")).type is CONSERVATIVE


def test_an_excluded_procedure_counts_neither_as_first_nor_as_unmatched():
    tables = flat(OPERATION, NO_OPERATION, excluded_procedures=(ExcludedProcedure("54.1100", "exact", "drop"),))
    outcome = walked(tables, case("K35.800", "54.1100 47.0100"))
    assert (outcome.main, outcome.unmatched) == ("47.0100", ())


def test_most_joined_procedures_win_before_most_matched_ones():
    rows = (row("一", "核心", "K35.8", "47.0100/54.1100/96.0400"), row("二", "核心", "K35.8", "47.0100+54.1100"))
    assert group_of(flat(*rows), "K35.800", "47.0100 54.1100 96.0400") == "二"


def test_the_nearest_reference_cost_decides_and_on_equal_distance_the_later_row():
    rows = [row(name, "核心", "K35.8", "47.0100", points=p) for name, p in (("a", 80), ("b", 120), ("c", 120))]
    assert group_of(flat(*rows), "K35.800", "47.0100", cost=900) == "a"
    assert group_of(flat(*rows), "K35.800", "47.0100", cost=1000) == "c"  # 200 yuan from each


def test_without_a_cost_the_tie_side_alone_decides():
    rows = [row(name, "核心", "K35.8", "47.0100", points=p) for name, p in (("a", 80), ("b", 120))]
    assert group_of(flat(*rows), "K35.800", "47.0100", cost=None) == "b"  # type: ignore[arg-type]


def test_the_core_group_of_a_weaker_type_loses_to_a_surgical_primary_care_group():
    tables = flat(row("核", "核心", "K35.8", "93.9000"), row("基", "基层", "K35.8", "47.0100"))
    assert group_of(tables, "K35.800", "93.9000 47.0100") == "基"


def test_comprehensive_rows_are_found_by_the_longest_category_and_exact_before_range():
    rows = (
        row("范围", "综合", "K00-K93", op_type=SURGERY),
        row("字母", "综合", "K", op_type=SURGERY),
        row("类目", "综合", "K35", op_type=SURGERY),
    )
    assert group_of(flat(*rows), "K35.800", "47.0100") == "类目"
    assert group_of(flat(*rows), "K36.x00", "47.0100") == "字母"
    assert group_of(flat(rows[0]), "K36.x00", "47.0100") == "范围"
    assert group_of(flat(*rows), "K35.800", "93.9000") is None


def test_v1_a_priority_list_by_type_puts_comprehensive_surgery_before_core_treatment():
    rows = (row("核", "核心", "K35.8", "93.9000"), row("综", "综合", "K35", op_type=SURGERY))
    choices = tuple(Choice(n, layer, kind) for n, (layer, kind) in enumerate(
        [(layer, kind) for kind in (SURGERY, THERAPY) for layer in ("核心", "基层", "综合")]
    ))  # fmt: skip
    assert group_of(flat(*rows), "K35.800", "93.9000 47.0100") == "核"
    assert group_of(flat(*rows, choices=choices), "K35.800", "93.9000 47.0100") == "综"


def test_v2_a_case_whose_every_candidate_leaves_surgery_unmatched_goes_to_comprehensive_surgery():
    rows = (row("核", "核心", "K35.8", "47.0100"), row("综", "综合", "K35", op_type=SURGERY))
    choices = (Choice(0, "综合", SURGERY, "unmatched_is_surgery_for_all"), *BY_TYPE)
    tables = flat(*rows, choices=choices)
    assert group_of(tables, "K35.800", "47.0100 54.1100") == "综"
    assert group_of(tables, "K35.800", "47.0100 93.9000") == "核"
    assert group_of(tables, "K35.800", "47.0100") == "核"
    assert group_of(tables, "K36.x00", "47.0100") is None
    assert group_of(tables, "K35.100", "47.0100") == "综"  # true without candidates


def test_v3_a_priority_list_by_layer_takes_the_first_row_of_the_layer():
    rows = (row("核", "核心", "K35.8", "93.9000"), row("基", "基层", "K35.8", "47.0100"))
    choices = tuple(Choice(n, layer) for n, layer in enumerate(("核心", "基层", "综合")))
    assert group_of(flat(*rows, choices=choices), "K35.800", "93.9000 47.0100") == "核"


def test_v4_minor_procedures_leave_a_case_conservative():
    tables = flat(OPERATION, NO_OPERATION, options={"conservative_test": "minor_procedures"})
    assert group_of(tables, "K35.800", "93.9000 99.9999") == "保守"  # 0类 level 2, and unknown
    assert group_of(tables, "K35.800", "54.1100") is None


def test_v5_a_short_catalogue_code_names_every_code_it_begins():
    tables = flat(row("前缀", "核心", "K35.8", "47.0"), options={"prefix_len": 7})
    assert group_of(tables, "K35.800", "47.0100") == "前缀"
    assert group_of(flat(row("前缀", "核心", "K35.8", "47.0")), "K35.800", "47.0100") is None


def test_v6_a_full_code_beats_the_prefix_it_begins_with():
    rows = (row("短", "核心", "K35.8", "47.01"), row("长", "核心", "K35.8", "47.0100", points=900))
    options = {"prefix_len": 7}
    assert group_of(flat(*rows, options=options), "K35.800", "47.0100") == "短"
    assert group_of(flat(*rows, options={**options, "longer_code_first": "lt7"}), "K35.800", "47.0100") == "长"


def test_v6_in_the_second_form_only_five_characters_are_short():
    rows = (row("四", "核心", "K35.8", "47.0"), row("长", "核心", "K35.8", "47.0100", points=900))
    for form, wanted in (("lt7", "长"), ("eq5", "四")):
        tables = flat(*rows, options={"prefix_len": 7, "longer_code_first": form})
        assert group_of(tables, "K35.800", "47.0100") == wanted


def test_v7_with_a_surgical_candidate_the_highest_score_among_all_wins_the_first_on_ties():
    rule = TieRule(0, SURGERY, "highest_score", "first")
    rows = (
        row("治1", "核心", "K35.8", "93.9000", points=300),
        row("治2", "核心", "K35.8", "93.9000", points=300),
        row("手", "核心", "K35.8", "47.0100", points=100),
    )
    tables = flat(*rows, tie_rules=(rule, *NEAREST))
    assert group_of(tables, "K35.800", "93.9000 47.0100") == "治1"
    assert group_of(tables, "K35.800", "93.9000", cost=10) == "治2"  # no surgical candidate: nearest cost, the later


def test_v8_an_exact_cover_comes_first_then_the_highest_score_the_later_on_ties():
    rules = (TieRule(1, None, "exact_cover"), TieRule(2, None, "highest_score", "last"))
    rows = (
        row("富", "核心", "K35.8", "47.0100", points=900),
        row("全1", "核心", "K35.8", "47.0100+54.1100", points=100),
        row("全2", "核心", "K35.8", "54.1100+47.0100", points=100),
    )
    assert group_of(flat(*rows, tie_rules=rules), "K35.800", "47.0100 54.1100") == "全2"
    assert group_of(flat(*rows, tie_rules=rules), "K35.800", "47.0100 54.1100 96.0400") == "富"


TOGETHER = (FLAT[0], Layer(2, "基层", "basic", "核心"), FLAT[2])


@pytest.mark.parametrize(("readd", "wanted"), [("none", "核"), ("before_nearest_cost", "近"), ("before_final", "手")])
def test_v9_primary_care_rows_compete_and_may_come_back(readd, wanted):
    rows = (
        row("核", "核心", "K35.8", "93.9000+45.1300", points=500),
        row("近", "基层", "K35.8", "93.9000", points=100),
        row("手", "基层", "K35.8", "47.0100", points=900),
    )
    tables = flat(*rows, layers=TOGETHER, options={"readd_basic": readd})
    assert group_of(tables, "K35.800", "93.9000 45.1300 47.0100") == wanted


def test_v10_a_primary_care_layer_may_have_rows_by_category_and_type():
    layers = (*FLAT[:2], Layer(3, "基层", "comprehensive"), FLAT[2])
    rows = (row("基类", "基层", "K00-K93", op_type=SURGERY), row("综类", "综合", "K35", op_type=SURGERY))
    outcome = walked(flat(*rows, layers=layers), case("K35.800", "47.0100"))
    assert (outcome.code, outcome.is_primary_care, outcome.matched) == ("基类", True, ())


def test_v11_the_last_resort_is_the_first_row_of_the_letter_with_its_own_type():
    layers = (*FLAT, Layer(4, "综合", "fallback"))
    rows = (row("保守", "核心", "K35.8"), row("保底", "综合", "K", op_type=SURGERY))
    assert group_of(flat(*rows, layers=layers), "K35.800") == "保底"  # surgery beats core conservative
    assert group_of(flat(*rows), "K35.800") == "保守"


def test_v12_the_blank_group_takes_what_nothing_else_does():
    rows = (OPERATION, row("空白", "综合", "*"))
    outcome = walked(flat(*rows, ungrouped=Ungrouped("blank_group", "空白")), case("Z99.900"))
    assert (outcome.code, outcome.reason, outcome.is_blank) == ("空白", DipReason.BLANK_GROUP, True)


def test_v13_a_row_with_the_first_procedure_is_kept_before_joins_are_counted():
    rows = (row("首", "核心", "K35.8", "99.9999"), row("合", "核心", "K35.8", "47.0100+54.1100"))
    main_first = (TieRule(0, None, "main_procedure"), *NEAREST)
    assert group_of(flat(*rows, tie_rules=main_first), "K35.800", "99.9999 47.0100 54.1100") == "首"
    assert group_of(flat(*rows, tie_rules=main_first), "K35.800", "54.1100 47.0100 99.9999") == "合"


def test_v14_the_comprehensive_type_may_come_from_the_first_procedure_only():
    rows = (row("治", "综合", "K35", op_type=THERAPY), row("手", "综合", "K35", op_type=SURGERY))
    assert group_of(flat(*rows), "K35.800", "93.9000 47.0100") == "手"
    first = flat(*rows, row("保", "综合", "K35", op_type=CONSERVATIVE), options={"type_from": "first"})
    assert group_of(first, "K35.800", "93.9000 47.0100") == "治"
    assert group_of(first, "K35.800", "99.9999 47.0100") == "保"  # unknown first procedure


def test_v15_rows_split_by_level_take_the_level_of_the_first_procedure_and_no_range_row():
    levels = [row(f"{n}级", "综合", "K35", op_type=SURGERY, op_level=n) for n in (2, 3)]
    tables = flat(*levels, row("范围", "综合", "K00-K93", op_type=SURGERY))
    assert group_of(tables, "K35.800", "47.0100") == "3级"
    assert group_of(tables, "K35.800", "54.1100 47.0100") == "2级"
    one_level = flat(levels[0], row("范围", "综合", "K00-K93", op_type=SURGERY))
    assert group_of(one_level, "K35.800", "47.0100") is None  # no row of level 3, and the range row is gone too


def test_v15_level_four_counts_as_three():
    dictionary = {"47.0100": replace(flat(OPERATION).procedures["47.0100"], level=4)}
    rows = [row(f"{n}级", "综合", "K35", op_type=SURGERY, op_level=n) for n in (1, 2, 3)]
    assert group_of(flat(*rows, procedures=dictionary), "K35.800", "47.0100") == "3级"


def test_v16_with_a_comma_every_procedure_of_the_cell_is_needed():
    tables = flat(row("全", "核心", "K35.8", "47.0100,54.1100", sep=","), options={"op_sep": ","})
    assert group_of(tables, "K35.800", "54.1100 47.0100") == "全"
    assert group_of(tables, "K35.800", "47.0100") is None


def severity_catalogue(layer: str):
    rows = [row(f"code_{n}", layer, "K35.8", "47.0100", points=100 * n) for n in (1, 2, 3)]
    conditions = {"code_1": "always", "code_2": "cc+long_stay", "code_3": "mcc+long_stay"}
    marks = [
        AuxiliaryRow(n, code, "疾病严重程度", code[-1], parse_condition(text))
        for n, (code, text) in enumerate(conditions.items())
    ]
    complications = {"I10.x00": (Complication("I10.x00", "cc"),), "J96.000": (Complication("J96.000", "mcc"),)}
    return flat(*rows, auxiliary=tuple(marks), complications=complications)


@pytest.mark.parametrize("layer", ["核心", "基层"])
def test_v17_severity_rows_give_way_to_the_level_the_case_has(layer):
    tables = severity_catalogue(layer)
    assert group_of(tables, "K35.800 J96.000", "47.0100", stay_days=4) == "code_3"
    assert group_of(tables, "K35.800 I10.x00", "47.0100", stay_days=4, cost=3000) == "code_2"
    assert group_of(tables, "K35.800 J96.000", "47.0100", stay_days=3, cost=3000) == "code_1"  # a short stay is level 1


def test_v17_an_ordinary_result_stays_beside_severity_rows():
    tables = severity_catalogue("核心")
    ordinary = replace(row("普通", "核心", "K35.8", "47.0100+54.1100"), row=3)
    tables = replace(tables, groups=(*tables.groups, ordinary))
    assert group_of(tables, "K35.800 J96.000", "47.0100 54.1100") == "普通"


def test_v18_codes_of_another_version_are_mapped_first():
    tables = flat(OPERATION, dx_map={"K35.900": "K35.800"}, op_map={"47.0901": "47.0100"})
    assert group_of(tables, "K35.900", "47.0901") == "操作"


def test_v19_a_rewritten_range_row_finds_no_auxiliary_rows():
    rows = (row("K00-K93:手术", "综合", "K00-K93", op_type=SURGERY),)
    auxiliary = (AuxiliaryRow(0, "K00-K93:手术", "年龄", "任意", factor_e6=1_500_000),)
    as_is = walked(flat(*rows, auxiliary=auxiliary), case("K35.800", "47.0100"))
    assert (as_is.code, as_is.auxiliary_factor_e6) == ("K00-K93:手术", 1_500_000)
    options = {"comprehensive_code": "category_for_range"}
    rewritten = walked(flat(*rows, auxiliary=auxiliary, options=options), case("K35.800", "47.0100"))
    assert (rewritten.code, rewritten.auxiliary) == ("K35:手术", None)


def test_v20_a_local_auxiliary_may_ask_for_a_list_of_full_diagnoses():
    condition = parse_condition("principal:@resistant")
    auxiliary = (AuxiliaryRow(0, "保守", "耐药", "耐药", condition, factor_e6=1_300_000),)
    tables = flat(
        row("保守", "核心", "A15.0"), auxiliary=auxiliary, code_lists={"resistant": frozenset(["A15.000x010"])}
    )
    assert walked(tables, case("A15.000x010")).auxiliary_factor_e6 == 1_300_000
    assert walked(tables, case("A15.000x011")).auxiliary is None


@pytest.mark.parametrize(("counts_as", "wanted"), [(SURGERY, "手"), (THERAPY, "治")])
def test_an_intervention_counts_as_the_pack_says(counts_as, wanted):
    order = (*DEFAULT_TYPE_ORDER[:3], TypeRank(INTERVENTION, 3, counts_as), DEFAULT_TYPE_ORDER[4])
    rows = (row("手", "综合", "I20", op_type=SURGERY), row("治", "综合", "I20", op_type=THERAPY))
    assert group_of(flat(*rows, type_order=order), "I20.000", "88.5500") == wanted


def test_every_empty_row_or_only_the_first_is_a_candidate_as_the_pack_says():
    rows = (row("远", "核心", "K35.8", points=900), row("近", "核心", "K35.8", points=100))
    assert group_of(flat(*rows), "K35.800") == "远"
    assert group_of(flat(*rows, options={"empty_rows": "all"}), "K35.800") == "近"


def test_the_auxiliary_factor_moves_the_reference_cost_but_not_the_score_rule():
    rows = (row("甲", "核心", "K35.8", "47.0100", points=100), row("乙", "核心", "K35.8", "47.0100", points=200))
    auxiliary = (AuxiliaryRow(0, "甲", "年龄", "任意", factor_e6=3_000_000),)
    assert group_of(flat(*rows, auxiliary=auxiliary), "K35.800", "47.0100", cost=3000) == "甲"
    by_score = (TieRule(1, None, "highest_score", "last"),)
    assert group_of(flat(*rows, auxiliary=auxiliary, tie_rules=by_score), "K35.800", "47.0100", cost=3000) == "乙"


def test_i10_and_i10_x_are_one_key():
    assert group_of(flat(row("高血压", "核心", "I10.x")), "I10.x00") == "高血压"
    levels = {"dx_levels": ("full", "4", "3")}
    assert group_of(flat(row("高血压", "核心", "I10"), options=levels), "I10.x00x002") == "高血压"


def test_order_of_secondary_codes_changes_nothing():
    tables = severity_catalogue("核心")
    diagnoses, procedures = ["I10.x00", "J96.000", "E11.900"], ["54.1100", "93.9000", "96.0400"]
    wanted = group_of(tables, "K35.800 " + " ".join(diagnoses), "47.0100 " + " ".join(procedures))
    for turn in range(3):
        dx, op = diagnoses[turn:] + diagnoses[:turn], procedures[turn:] + procedures[:turn]
        assert group_of(tables, "K35.800 " + " ".join(dx), "47.0100 " + " ".join(op)) == wanted


def test_a_case_without_principal_diagnosis_says_so():
    assert walked(flat(OPERATION), case("")).reason is DipReason.PRINCIPAL_DIAGNOSIS_EMPTY


def test_a_diagnostic_case_fits_no_conservative_row():
    assert group_of(flat(NO_OPERATION, row("诊", "综合", "K", op_type=DIAGNOSTIC)), "K35.800", "45.1300") == "诊"
