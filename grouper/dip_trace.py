"""Why a DIP case went where it went 「分组说明」, step by step, in Chinese or English.

In: DipTables and a case; out: the outcome and sentences made from what the walk itself wrote down.
Every sentence names the step or rule, the row and its place in the catalogue, and the codes that decided.
It decides nothing: the events come from the same walk that groups.
"""

from __future__ import annotations

from dataclasses import dataclass

from grouper.dip_log import Event, Log
from grouper.dip_reference import DipOutcome, DipWalker
from grouper.dip_tables import TYPE_ZH, DipCase, ProcedureType

RULE_ZH = {
    "most_plus": "组合操作最多",
    "most_matched": "匹配操作最多",
    "exact_cover": "操作全部匹配",
    "main_procedure": "含主要手术操作",
    "nearest_cost": "费用最接近模拟均费",
    "highest_score": "分值最高",
    "most_specific": "组合最具体",
    "row_order": "目录顺序",
    "longer_code_first": "长码优先于短码",
    "choice_order": "入组优先顺序",
    "ext_code_rule": "扩展码优先于基本码",
}
RULE_EN = {
    "most_plus": "most joined procedures",
    "most_matched": "most matched procedures",
    "exact_cover": "no procedure left over",
    "main_procedure": "holds the principal procedure",
    "nearest_cost": "nearest reference cost",
    "highest_score": "highest points",
    "most_specific": "most specific combination",
    "row_order": "catalogue order",
    "longer_code_first": "longer code before short code",
    "choice_order": "priority list",
    "ext_code_rule": "the row that names the extension",
}
TEXT_ZH = {
    "excluded_diagnosis": "主要诊断 {codes} 不纳入分组",
    "procedure_dropped": "手术操作 {codes} 属于排除目录，不参与分组",
    "main_makes_conservative": "主要手术操作 {codes} 按规定按保守治疗入组",
    "main_passed_over": "{codes} 不可作为主要手术操作，由下一操作替补",
    "case_type": "{rule}：按操作类型“{type}”查找综合病种",
    "layer_empty": "{rule}：没有符合的病种",
    "considered": "{rule}：候选 {group}（第{row}行），匹配操作 {codes}",
    "not_satisfied": "{rule}：{group}（第{row}行）所需操作未满足",
    "auxiliary_applied": "{group}：适用辅助目录 {codes}",
    "dropped_by_rule": "按“{rule}”淘汰 {group}（第{row}行）{codes}",
    "rule_decides": "“{rule}”：保留 {group}{codes}",
    "severity_row": "按严重程度取第{rule}级：{codes}",
    "added_again": "在“{rule}”之前重新加入基层病种：{codes}",
    "preempted": "未匹配操作均含手术，改入 {group}（第{row}行）",
    "chosen": "入组 {rule} {group}（第{row}行）",
    "blank_group": "无符合病种，入空白病组 {group}",
    "ungrouped": "未入组",
}
TEXT_EN = {
    "excluded_diagnosis": "principal diagnosis {codes} is not grouped",
    "procedure_dropped": "procedure {codes} is on the excluded list and does not count",
    "main_makes_conservative": "principal procedure {codes} makes the case conservative by its rule",
    "main_passed_over": "{codes} cannot be principal; the next procedure takes its place",
    "case_type": "{rule}: comprehensive rows are looked up by type {type}",
    "layer_empty": "{rule}: no row fits",
    "considered": "{rule}: candidate {group} (row {row}), matched {codes}",
    "not_satisfied": "{rule}: {group} (row {row}) asks for procedures the case lacks",
    "auxiliary_applied": "{group}: auxiliary row {codes} applies",
    "dropped_by_rule": "{group} (row {row}) loses by: {rule}{codes}",
    "rule_decides": "{rule}: keeps {group}{codes}",
    "severity_row": "severity level {rule}: {codes}",
    "added_again": "primary-care rows join again before {rule}: {codes}",
    "preempted": "every candidate leaves a surgical procedure unmatched: {group} (row {row}) instead",
    "chosen": "grouped to {rule} {group} (row {row})",
    "blank_group": "no row fits: blank group {group}",
    "ungrouped": "not grouped",
}


@dataclass(frozen=True, slots=True)
class DipTrace:
    """An outcome and how it came about."""

    outcome: DipOutcome
    events: tuple[Event, ...]

    def lines(self, lang: str) -> list[str]:
        """One sentence per event."""
        return [sentence(event, lang) for event in self.events]


def trace(walker: DipWalker, case: DipCase) -> DipTrace:
    """The walk of one case with everything it considered."""
    log = Log(wanted=True)
    outcome = walker.walk(case, log)
    return DipTrace(outcome, tuple(log.events))


def sentence(event: Event, lang: str) -> str:
    """An event in words; rows are counted from 1."""
    zh = lang == "zh"
    rules = RULE_ZH if zh else RULE_EN
    kind = ""
    if event.what == "case_type":
        found = ProcedureType[event.codes[0]]
        kind = TYPE_ZH[found] if zh else found.name.lower()
    codes = ", ".join(event.codes)
    if event.what == "dropped_by_rule":
        codes = f"，模拟均费 {codes} 元" if codes and zh else f", reference cost {codes} yuan" if codes else ""
    elif not codes and event.what != "rule_decides":
        codes = "无" if zh else "none"
    return (TEXT_ZH if zh else TEXT_EN)[event.what].format(
        rule=rules.get(event.rule, event.rule),
        group=event.group_code,
        row=event.row + 1,
        codes=codes,
        type=kind,
    )
