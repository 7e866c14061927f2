"""The explanation of a DIP case: what was considered, why each row lost, which rule decided."""

from dataclasses import replace

from grouper.dip_condition import parse_condition
from grouper.dip_log import EVENTS
from grouper.dip_reference import DipWalker
from grouper.dip_tables import TIE_RULES, AuxiliaryRow, Choice, ExcludedProcedure, Layer, Ungrouped
from grouper.dip_trace import RULE_EN, RULE_ZH, TEXT_EN, TEXT_ZH, trace
from tests.dip_tiny import BY_TYPE, FLAT, SURGERY, case, flat, row

ROWS = (
    row("近", "核心", "K35.8", "47.0100", points=100),
    row("远", "核心", "K35.8", "47.0100", points=300),
    row("别", "核心", "K35.8", "54.1100"),
    row("综", "综合", "K35", op_type=SURGERY),
)


def lines(tables, one, lang="en"):
    return trace(DipWalker(tables), one).lines(lang)


def test_the_rule_that_decided_and_what_each_row_lost_by_are_named():
    said = lines(flat(*ROWS), case("K35.800", "47.0100"))
    assert "核心: candidate 近 (row 1), matched 47.0100" in said
    assert "核心: 别 (row 3) asks for procedures the case lacks" in said
    assert "远 (row 2) loses by: nearest reference cost, reference cost 3000.00 yuan" in said
    assert "nearest reference cost: keeps 近" in said
    assert "综 (row 4) loses by: priority list" in said
    assert said[-1] == "grouped to 核心 近 (row 1)"


def test_the_same_in_chinese():
    said = lines(flat(*ROWS), case("K35.800", "47.0100"), "zh")
    assert "按“费用最接近模拟均费”淘汰 远（第2行），模拟均费 3000.00 元" in said
    assert said[-1] == "入组 核心 近（第1行）"


def test_dropped_procedures_and_auxiliary_rows_are_told():
    auxiliary = (AuxiliaryRow(0, "近", "年龄", "66岁及以上", parse_condition("age>=66"), factor_e6=1_200_000),)
    excluded = (ExcludedProcedure("99.9999", "exact", "drop"),)
    said = lines(
        flat(*ROWS, auxiliary=auxiliary, excluded_procedures=excluded), case("K35.800", "99.9999 47.0100", age_years=70)
    )
    assert "procedure 99.9999 is on the excluded list and does not count" in said
    assert "近: auxiliary row 66岁及以上 applies" in said


def test_preemption_and_blank_group_are_told():
    choices = (Choice(0, "综合", SURGERY, "unmatched_is_surgery_for_all"), *BY_TYPE)
    said = lines(flat(ROWS[0], ROWS[3], choices=choices), case("K35.800", "47.0100 54.1100"))
    assert "every candidate leaves a surgical procedure unmatched: 综 (row 2) instead" in said
    blank = flat(*ROWS, row("空", "综合", "*"), ungrouped=Ungrouped("blank_group", "空"))
    assert lines(blank, case("Z99.900"))[-1] == "no row fits: blank group 空"
    assert lines(flat(*ROWS), case("Z99.900"))[-1] == "not grouped"


def test_rows_that_join_again_are_told():
    layers = (FLAT[0], Layer(2, "基层", "basic", "核心"), FLAT[2])
    rows = (ROWS[0], row("基", "基层", "K35.8", "47.0100", points=100))
    tables = flat(*rows, layers=layers, options={"readd_basic": "before_nearest_cost"})
    assert any(
        "join again before nearest reference cost: 基" in line for line in lines(tables, case("K35.800", "47.0100"))
    )


def test_every_event_and_rule_has_words_in_both_languages():
    assert set(TEXT_ZH) == set(TEXT_EN) == set(EVENTS)
    assert set(RULE_ZH) == set(RULE_EN) >= set(TIE_RULES)


def test_a_plain_walk_writes_nothing_down():
    walker = DipWalker(flat(*ROWS))
    one = case("K35.800", "47.0100")
    assert walker.walk(one) == trace(walker, one).outcome == walker.walk(replace(one))
