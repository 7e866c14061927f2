"""The 3.0 rule chain: its order, its exclusions, and every switch on which public readings differ."""

import pytest

from grouper.dip_expression import parse_diagnoses
from grouper.dip_reason import DipReason
from grouper.dip_tables import ExcludedDiagnosis, ExcludedProcedure, Layer
from tests.dip_tiny import CHAIN, CONSERVATIVE, SURGERY, THERAPY, case, chain, group_of, row, walked


def bar(code: str, layer: str, dx: str, main: str = "", **more):
    """A row of the national scheme: `|` or, `+` and; the procedure is the principal one unless said otherwise."""
    return row(code, layer, dx, main, sep="|", **{"op_position": "main", **more})


ECMO = bar("ECMO", "XQ", "*", "39.6500", op_position="any")
HEART = bar("心脏", "XQ", "*", "37.5100")
CRRT = bar("CRRT", "XQ", "*", "96.7201+39.9500x007", op_position="any")
VENTILATION = bar("呼吸机", "XQ", "*", "96.7201", op_position="any")
MERGED = bar("并项", "BX", "A40", "93.9000|93.9001")
PLAIN = bar("基本", "JC", "A40")
BY_PROCEDURE = bar("基本操作", "JC", "A40", "96.7101")


def test_the_first_section_with_a_fitting_row_decides():
    tables = chain(ECMO, MERGED, PLAIN, BY_PROCEDURE)
    assert group_of(tables, "A40.900", "93.9000 39.6500") == "ECMO"
    assert group_of(tables, "A40.900", "93.9001") == "并项"
    assert group_of(tables, "A40.900", "96.7101") == "基本操作"
    assert group_of(tables, "A40.900") == "基本"
    assert group_of(tables, "A40.900", "00.0000") is None


def test_ventilation_with_crrt_is_tested_before_ventilation_alone():
    tables = chain(CRRT, VENTILATION)
    assert group_of(tables, "J96.000", "31.1000 39.9500x007 96.7201") == "CRRT"
    assert group_of(tables, "J96.000", "31.1000 96.7201") == "呼吸机"


def test_only_the_principal_procedure_matches_a_row_of_that_position_unless_the_switch_says_any():
    assert group_of(chain(HEART), "I42.000", "39.6100 37.5100") is None
    assert group_of(chain(HEART, options={"xq_position": "any"}), "I42.000", "39.6100 37.5100") == "心脏"
    assert group_of(chain(MERGED, options={"xq_position": "any"}), "A40.900", "39.6100 93.9000") is None


LOW_WEIGHT = bar("极低", "XQ", "P07", op_position="any", dx_position="any", age_days_lt=29, weight_min_g=1000, weight_max_g=1499)  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    ("diagnoses", "numbers", "wanted"),
    [
        ("J18.000 P07.100", {"age_days": 28, "birth_weight_g": 1499}, "极低"),
        ("P07.100", {"age_days": 0, "birth_weight_g": 1000}, "极低"),
        ("P07.100", {"age_days": 29, "birth_weight_g": 1200}, None),
        ("P07.100", {"age_days": 20, "birth_weight_g": 999}, None),
        ("P07.100", {"age_days": 20, "birth_weight_g": None}, None),
        ("P07.100", {"age_days": None, "birth_weight_g": 1200}, None),
        ("P08.000", {"age_days": 20, "birth_weight_g": 1200}, None),
    ],
)
def test_low_birth_weight_asks_for_age_and_weight(diagnoses, numbers, wanted):
    assert group_of(chain(LOW_WEIGHT), diagnoses, **numbers) == wanted


def test_the_low_weight_diagnosis_may_be_asked_for_in_first_place():
    newborn = {"age_days": 20, "birth_weight_g": 1200}
    tables = chain(LOW_WEIGHT, options={"p07_position": "principal"})
    assert group_of(tables, "J18.000 P07.100", **newborn) is None
    assert group_of(tables, "P07.100 J18.000", **newborn) == "极低"


def test_a_longer_diagnosis_key_wins_only_where_it_has_a_fitting_row():
    rows = (bar("阑尾切除", "JC", "K35", "47.0100"), bar("阑尾炎", "JC", "K35.8"))
    assert group_of(chain(*rows), "K35.800x001") == "阑尾炎"
    assert group_of(chain(*rows), "K35.800x001", "47.0100") == "阑尾切除"


RELATED = bar("放化疗", "BX", "Z51.0", "92.3101", related="99.2503|99.2800x005")
FALLBACK = bar("放疗", "BX", "Z51.0", "92.3101")


@pytest.mark.parametrize(
    ("mismatch", "procedures", "wanted"),
    [
        ("fall_back", "92.3101 99.2503", "放化疗"),
        ("fall_back", "92.3101 54.9100", "放疗"),
        ("fall_back", "92.3101", "放疗"),
        ("no_match", "92.3101 99.2503", "放化疗"),
        ("no_match", "92.3101 54.9100", None),
        ("no_match", "92.3101", "放疗"),
    ],
)
def test_a_row_without_related_cell_takes_what_its_siblings_leave(mismatch, procedures, wanted):
    tables = chain(FALLBACK, RELATED, options={"related_mismatch": mismatch})
    assert group_of(tables, "Z51.000", procedures) == wanted


CHEMO = bar("化疗", "FZ", "Z51.1", "99.2503", op_position="any", other_diagnosis="C00-C75")
CHEMO_IMMUNE = bar("化疗免疫", "FZ", "Z51.1", "99.2503+99.2800x005", op_position="any", other_diagnosis="C00-C75")
CHEMO_TARGET = bar("化疗靶向", "FZ", "Z51.1", "99.2503+99.2800x006", op_position="any", other_diagnosis="C00-C75")


def test_the_most_specific_combination_wins_or_the_first_row_as_the_pack_says():
    rows = (CHEMO, CHEMO_IMMUNE, CHEMO_TARGET)
    assert group_of(chain(*rows), "Z51.100 C34.100", "99.2800x005 99.2503") == "化疗免疫"
    first = chain(*rows, options={"several_rows_fit": "first_row"})
    assert group_of(first, "Z51.100 C34.100", "99.2800x005 99.2503") == "化疗"
    assert group_of(chain(*rows), "Z51.100 C90.000", "99.2503") is None


def test_one_bare_code_stands_for_one_drug_not_for_two():
    both = bar("三联", "FZ", "Z51.1", "99.2503+99.2800x006+99.2800x005", op_position="any", other_diagnosis="C00-C75")
    rows = (CHEMO_IMMUNE, CHEMO_TARGET, both)
    assert group_of(chain(*rows), "Z51.100 C34.100", "99.2503 99.2800") == "化疗免疫"
    assert group_of(chain(*rows), "Z51.100 C34.100", "99.2503 99.2800x005 99.2800x006") == "三联"


@pytest.mark.parametrize(
    ("rule", "procedure", "wanted"),
    [
        ("base_accepts_extension", "93.9000x009", "并项"),
        ("exact", "93.9000x009", None),
        ("base_accepts_extension", "93.9000", "并项"),
    ],
)
def test_a_base_code_stands_for_its_extensions_as_the_pack_says(rule, procedure, wanted):
    assert group_of(chain(MERGED, options={"ext_code_rule": rule}), "A40.900", procedure) == wanted


def test_a_row_that_names_the_extension_is_meant_whatever_its_section():
    merged, plain = bar("透析", "BX", "A41", "39.9500|39.9501"), bar("连续透析", "JC", "A41", "39.9500x007")
    assert group_of(chain(merged, plain), "A41.900", "39.9500x007") == "连续透析"
    assert group_of(chain(merged, plain), "A41.900", "39.9500x009") == "透析"
    transplants = (bar("同种异体", "XQ", "*", "50.5100|50.5900x001"), bar("同种自体", "XQ", "*", "50.5100x002"))
    assert group_of(chain(*transplants), "K74.600", "50.5100x002") == "同种自体"


def test_resistance_is_a_flag_of_principal_list_or_another_diagnosis():
    rows = (
        bar("耐药", "FZ", "A15-A16", flag="principal:@resistant|other:U84.300"),
        bar("非耐药", "FZ", "A15-A16", flag="!principal:@resistant+!other:U84.300"),
    )
    tables = chain(*rows, code_lists={"resistant": frozenset(["A15.000x012"])})
    assert group_of(tables, "A15.000x012") == "耐药"
    assert group_of(tables, "A16.200 U84.300") == "耐药"
    assert group_of(tables, "A16.200") == "非耐药"
    assert group_of(tables, "A17.000") is None


@pytest.mark.parametrize(("match", "wanted"), [("exact", "基本"), ("prefix", None)])
def test_an_excluded_diagnosis_is_not_grouped_by_its_full_code_or_by_its_category(match, wanted):
    excluded = (ExcludedDiagnosis("A40.900"),)
    tables = chain(PLAIN, excluded_diagnoses=excluded, options={"excluded_dx_match": match})
    assert group_of(tables, "A40.900x001") == wanted
    outcome = walked(tables, case("A40.900"))
    assert outcome.reason is DipReason.PRINCIPAL_DIAGNOSIS_EXCLUDED


def exclusions(action: str, **options):
    rule = ExcludedProcedure("99.1000", "exact", action, parse_diagnoses("A00-A09|C15-C26"))
    return chain(
        MERGED, PLAIN, BY_PROCEDURE, bar("肠", "JC", "A09", "99.1000"), excluded_procedures=(rule,), options=options
    )


def test_a_procedure_grouped_as_conservative_takes_all_procedures_away():
    assert group_of(exclusions("conservative"), "A40.900", "99.1000 96.7101") == "基本"
    assert group_of(exclusions("conservative"), "A40.900", "96.7101 99.1000") == "基本操作"


def test_a_procedure_that_may_not_be_principal_hands_over_to_the_next():
    outcome = walked(exclusions("not_main"), case("A40.900", "99.1000 96.7101"))
    assert (outcome.code, outcome.main, outcome.unmatched) == ("基本操作", "96.7101", ("99.1000",))
    assert group_of(exclusions("not_main"), "A40.900", "99.1000") == "基本"


def test_an_endoscopy_is_principal_only_under_its_diagnoses():
    assert group_of(exclusions("main_only_if_dx"), "A09.000", "99.1000") == "肠"
    assert group_of(exclusions("main_only_if_dx"), "A40.900", "99.1000 96.7101") == "基本"


def test_all_excluded_procedures_may_be_read_as_conservative():
    always = exclusions("not_main", excluded_op_action="conservative")
    assert group_of(always, "A40.900", "99.1000 96.7101") == "基本"


def test_local_comprehensive_rows_take_the_type_of_the_principal_procedure():
    layers = (*CHAIN, Layer(5, "综合", "comprehensive"))
    rows = [row(f"A40-{n}", "综合", "A40", op_type=kind) for n, kind in ((1, CONSERVATIVE), (3, THERAPY), (4, SURGERY))]
    tables = chain(*rows, layers=layers)
    assert group_of(tables, "A40.900", "93.9000 47.0100") == "A40-3"
    assert group_of(tables, "A40.900", "47.0100 93.9000") == "A40-4"
    assert group_of(tables, "A40.900", "00.0000") == "A40-1"
    assert group_of(tables, "B40.900", "47.0100") is None


def test_primary_care_is_a_flag_of_the_row():
    outcome = walked(chain(bar("肠炎", "JC", "A09.9", is_basic=True)), case("A09.900"))
    assert outcome.group is not None and outcome.group.is_basic
