"""What can be wrong with a policy folder: one code, one Chinese and one English sentence each.

In: nothing; out: templates that `problems` fills in. Each says what is wrong and what to do about it.
Codes are append-only: a number once given keeps its meaning. No message repeats the place, which the problem carries.
"""

from __future__ import annotations

from typing import NamedTuple


class Message(NamedTuple):
    """A numbered finding; the two texts take the same fields."""

    code: str
    zh: str
    en: str


MESSAGES: dict[str, Message] = {
    # the file as YAML
    "syntax": Message(
        "P001", "YAML 语法错误：{detail}。请按此行修正", "not valid YAML: {detail}. Mend the file at this line"
    ),
    "duplicate_key": Message(
        "P002",
        "键 {found} 重复，首次出现在第 {first} 行。请删去其中一个",
        "key {found} stands twice, first on line {first}. Remove one of the two",
    ),
    "overlapping_dates": Message(
        "P003",
        "生效日期 {found} 重复（首次在第 {first} 行），两个值的有效期重叠。每个日期只写一个值",
        "start date {found} stands twice (first on line {first}), so two values overlap. Write one value per date",
    ),
    "trickery": Message(
        "P004",
        "不接受 {found}：数值必须在原处写明。请把值直接写在这里",
        "{found} is not accepted: a value must stand where it is read. Write the value out here",
    ),
    "too_deep": Message(
        "P005",
        "嵌套过深或文件过大：{detail}。表格请用 CSV",
        "nested too deep or too large: {detail}. Put tables in CSV",
    ),
    "not_utf8": Message("P006", "文件不是 UTF-8 编码。请另存为 UTF-8", "not UTF-8 text. Save the file as UTF-8"),
    "empty_folder": Message(
        "P007",
        "文件夹中没有任何 .yaml 文件。请给出政策文件夹",
        "the folder holds no .yaml file. Name a policy folder, with one YAML file per mechanism",
    ),
    "misplaced": Message(
        "P008",
        "子文件夹中的 {found} 不会被读取。请移到政策文件夹顶层",
        "{found} lies in a subfolder and would not be read. Move it to the top of the policy folder",
    ),
    "no_folder": Message("P009", "政策文件夹不存在。请核对路径", "there is no such policy folder. Check the path"),
    # keys and shapes
    "unknown_key": Message(
        "P010", "未知键 {found}{near_zh}。允许的键：{allowed}", "unknown key {found}{near_en}. Allowed: {allowed}"
    ),
    "missing_key": Message(
        "P011", "缺少键 {found}：{detail_zh}。请补上", "key {found} is missing: {detail_en}. Add it"
    ),
    "wrong_kind": Message(
        "P012",
        "此处应为{expected_zh}，写的是{found_zh}。请改写",
        "expected {expected_en} here, found {found_en}. Rewrite it",
    ),
    "missing_value": Message(
        "P013",
        "值为空。请写出值；要终止一个值，请写 null",
        "the value is empty. Write it; to end a value, write null",
    ),
    "null_refused": Message(
        "P014",
        "此处不接受 null。请写出值（null 只用于终止带日期的值或开口的上限）",
        "null is not accepted here. Write a value (null only ends a dated value or leaves an upper edge open)",
    ),
    "missing_mechanism": Message(
        "P015",
        "政策缺少机制 {found}（{detail_zh}），且没有默认值。请加一个含 {found}: 的 YAML 文件",
        "the policy has no mechanism {found} ({detail_en}) and there is no default. Add a YAML file with {found}:",
    ),
    "twice": Message(
        "P016",
        "机制 {found} 已在 {first} 中定义。每个机制只写一次",
        "mechanism {found} is already defined in {first}. Write each mechanism once",
    ),
    "must_be_dated": Message(
        "P017",
        "此值必须带生效日期。请写成 values: {{2025-01-01: …}}",
        "this value must be dated. Write values: {{2025-01-01: …}}",
    ),
    # scalars
    "not_a_date": Message(
        "P020", "{found} 不是日期。请写成 2025-01-01", "{found} is not a date. Write it as 2025-01-01"
    ),
    "not_allowed": Message(
        "P021",
        "{found} 不在允许的取值中{near_zh}。允许：{allowed}",
        "{found} is not accepted{near_en}. Allowed: {allowed}",
    ),
    "not_a_number": Message(
        "P022",
        "{found} 不是可精确读取的数。请只用数字和小数点，例如 {example}",
        "{found} is not a number that can be read exactly. Use digits and one point only, for example {example}",
    ),
    "percent": Message(
        "P023",
        "{found} 带百分号。比例请写成小数，例如 5 % 写 0.05",
        "{found} carries a percent sign. Write a share as a decimal: 5 % is 0.05",
    ),
    "out_of_range": Message("P024", "{found} 超出范围。允许：{allowed}", "{found} is out of range. Allowed: {allowed}"),
    "too_many_places": Message(
        "P025",
        "{found} 的小数位多于 {places} 位，无法精确记账。请舍入到 {places} 位",
        "{found} has more than {places} decimals and could not be booked exactly. Round it to {places}",
    ),
    "bad_text": Message(
        "P026", "{found} 的写法不对，应为{detail_zh}", "{found} is not written as it should be: {detail_en}"
    ),
    "wrong_unit": Message(
        "P027", "单位 {found} 不对。此参数的单位是 {allowed}", "unit {found} is wrong. This parameter is in {allowed}"
    ),
    "wrong_tag": Message(
        "P028",
        "证据标记 {found} 不存在{near_zh}。允许：{allowed}（地方规划、官方文本、二手、第三方代码、未核实、占位）",
        "tag {found} does not exist{near_en}. Allowed: {allowed} "
        "(S local plan, A official text, B secondary, C third-party code, U unverified, PH placeholder)",
    ),
    # meaning
    "tier_gap": Message(
        "P030",
        "{side}档位在 {edge} 处不连续（下一档从 {found} 开始）。请使每档起点等于上一档终点",
        "the {side} tiers do not meet at {edge} (the next starts at {found}). Start each tier where the last one ends",
    ),
    "tier_closed": Message(
        "P031",
        "{side}最后一档不是开口的（到 {found} 为止）。请把最后一档的上限写成 null，超出部分的比例须明写",
        "the last {side} tier is closed at {found}. Write null as its upper edge: what lies beyond must be said",
    ),
    "tier_start": Message(
        "P032",
        "{side}第一档从 {found} 开始。请从 {edge} 开始",
        "the first {side} tier starts at {found}. Start it at {edge}",
    ),
    "sum_not_one": Message(
        "P033",
        "{detail_zh}之和为 {found}，应为 1。请调整",
        "the {detail_en} sum to {found}, not to 1. Adjust them",
    ),
    "bad_pair": Message(
        "P034",
        "basis {found} 与 payable {other} 不能并用。只允许：{allowed}",
        "basis {found} cannot go with payable {other}. Only these pairs exist: {allowed}",
    ),
    "deposit_ceiling": Message(
        "P035",
        "质量保证金比例 {found} 超过 5 %（2025 版规程第二十六条，2025-01-26 起）。请降到 0.05，或写 override_reason",
        "deposit rate {found} is above 5 % (2025 rules, article 26, from 2025-01-26). "
        "Lower it to 0.05 or give an override_reason",
    ),
    "rule_order": Message(
        "P036",
        "规则 {found} 排在 {other} 之后，但不论分值的情形须先判：{detail_zh}。请前移",
        "rule {found} stands after {other}, which needs base points the case does not have: {detail_en}. Move it up",
    ),
    "rule_unreachable": Message(
        "P037",
        "规则 {found} 没有条件，其后的规则永远不会用到。请把它放在最后",
        "rule {found} has no condition, so nothing after it is ever reached. Put it last",
    ),
    "rule_no_else": Message(
        "P038",
        "最后一条规则 {found} 带有条件，不满足者没有归类。请在最后加一条无条件的规则",
        "the last rule {found} has a condition, so a case may match nothing. End with a rule without one",
    ),
    "rule_uncovered": Message(
        "P039",
        "没有规则处理 {found}（{detail_zh}）。请在需要基准点数的规则之前加一条 when: {{flag: {found}}}",
        "no rule takes {found} cases ({detail_en}). Add one with when: {{flag: {found}}} before any rule "
        "that needs base points",
    ),
    "rule_parameter": Message(
        "P040",
        "形状 {found} {detail_zh}。请按该形状补齐或删去参数",
        "shape {found} {detail_en}. Give the shape the parameters it takes and no other",
    ),
    "repeated": Message(
        "P041",
        "{found} 重复出现（首次在第 {first} 行）。请只写一次",
        "{found} appears twice (first on line {first}). Write it once",
    ),
    "unknown_name": Message(
        "P042",
        "{found} 不是{detail_zh}{near_zh}。已知：{allowed}",
        "{found} is not {detail_en}{near_en}. Known: {allowed}",
    ),
    "never_asked": Message(
        "P044",
        "付费方式 {found} 永远轮不到：前面的 {other} 没有条件，已收下所有病例。请给 {other} 写 when，或把它移到最后",
        "scheme {found} is never asked: {other} before it has no condition and takes every case. Give {other} a "
        "`when`, or move it to the end",
    ),
    "needs_also": Message(
        "P043", "{found} 要求同时给出 {other}：{detail_zh}", "{found} requires {other} as well: {detail_en}"
    ),
    # tables
    "no_table": Message(
        "P050",
        "找不到表 {found}。请把文件放在政策文件夹内并写相对路径",
        "table {found} is not there. Put the file inside the policy folder and name it by a relative path",
    ),
    "table_columns": Message(
        "P051",
        "表头不对：缺少 {missing}，多余 {extra}{near_zh}。应为：{allowed}",
        "the header is wrong: missing {missing}, unknown {extra}{near_en}. Expected: {allowed}",
    ),
    "table_row": Message(
        "P052",
        "此行有 {found} 列，表头有 {allowed} 列。请修正该行",
        "this row has {found} cells, the header has {allowed}. Mend the row",
    ),
    "empty_table": Message("P053", "表 {found} 没有数据行。请补上", "table {found} has no rows. Fill it"),
    # asking at a date, and against a pack
    "before_first": Message(
        "P060",
        "参数 {found} 在 {on} 没有值，最早的值自 {first} 起。请补上更早的值",
        "parameter {found} has no value on {on}: its first value starts on {first}. Add an earlier value",
    ),
    "ended": Message(
        "P061",
        "参数 {found} 在 {on} 没有值：{first} 起已终止（null）。请补上新值",
        "parameter {found} has no value on {on}: it was ended (null) from {first}. Add a new value",
    ),
    "not_this_year": Message(
        "P062",
        "参数 {found} 是年度值，{on} 没有当年的值（现有：{allowed}）。请为该年写一个值；没有金额则写 null",
        "parameter {found} is set year by year and has none for {on} (there are: {allowed}). "
        "Write a value for that year, or null if there is none",
    ),
    "no_value": Message(
        "P063",
        "参数 {found} 没有写，且没有默认值。请在政策中写明",
        "parameter {found} is not written and has no default. Write it in the policy",
    ),
    "groups_without_weight": Message(
        "P064",
        "分组方案 {pack} 的 {count} 个病组在权重表中没有行：{found}。请补上基准点数与例均费用",
        "{count} groups of pack {pack} have no row in the weight table: {found}. Add their base points and mean cost",
    ),
    "weights_without_group": Message(
        "P065",
        "权重表中 {count} 个病组不在分组方案 {pack} 中：{found}。请核对方案版本或删去",
        "{count} groups of the weight table are not in pack {pack}: {found}. Check the edition or remove them",
    ),
    "group_not_weighed": Message(
        "P066",
        "同病同价病组 {found} 不在 {on} 的权重表中。请核对编码",
        "same-price group {found} is not in the weight table of {on}. Check the code",
    ),
    "hospital_lacks": Message(
        "P067",
        "医院 {found} 缺少 {other}：{detail_zh}。请在医院表中补上",
        "hospital {found} has no {other}: {detail_en}. Fill it in the hospital table",
    ),
    "unsound": Message("P069", "政策在 {on} 年不能结算：{zh}", "the policy cannot be settled for {on}: {en}"),
    "editions_differ": Message(
        "P068",
        "同一点数池在 {on} 年内换用了 scale 或 base_year 不同的权重（{found}）。请统一，或按换算系数重列权重表",
        "within {on} the weights of one pot change scale or base year ({found}). "
        "Restate one table in the scale and base year of the other",
    ),
}
