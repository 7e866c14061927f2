"""Words for codes: pools, levels, case classes, grouping results, evidence tags.

In: a code of the national tables or of the policy; out: its Chinese and English name.
A code it does not know is shown as it stands, never hidden.
"""

from __future__ import annotations

from typing import NamedTuple


class Label(NamedTuple):
    """A name in both languages."""

    zh: str
    en: str


POOLS = {"310": Label("职工医保", "Employee scheme"), "390": Label("居民医保", "Resident scheme")}

LEVELS = {
    "3": Label("三级", "Level III"),
    "2": Label("二级", "Level II"),
    "1": Label("一级", "Level I"),
    "": Label("未定级", "No level"),
}

SCHEMES = {
    "drg": Label("DRG", "DRG"),
    "dip": Label("DIP", "DIP"),
    "bed_day": Label("按床日", "per bed-day"),
    "single": Label("单病种", "single disease"),
    "capitation": Label("按人头", "capitation"),
    "bundle": Label("打包付费", "bundle"),
    "ffs": Label("按项目", "fee for service"),
    "special": Label("特例单议", "special-case review"),
    "actual": Label("按实际", "at actual cost"),
    "epidemic": Label("疫情病例", "epidemic cases"),
}

CLASSES = {
    "LOW": Label("低倍率", "Low outlier"),
    "NORM": Label("正常倍率", "Inlier"),
    "HIGH": Label("高倍率", "High outlier"),
    "SP": Label("特例单议", "Special case"),
    "BYITEM": Label("按项目", "By item"),
    "AMBIGUOUS": Label("歧义", "Ambiguous"),
    "UNGRP": Label("未入组", "Ungrouped"),
}
"""Case classes in the order they are drawn. AMBIGUOUS is no `mult_type`: it is the ungrouped case with status QY."""

STATUSES = {
    "OK": Label("入组成功", "Grouped"),
    "QY": Label("歧义", "Ambiguous"),
    "FAIL": Label("无法入组", "Ungrouped"),
    "INVALID": Label("校验不通过", "Invalid record"),
}

MEND = {
    "QY": "核对主要诊断与主要手术操作是否相符，必要时更正主诊断选择后重新上传清单",
    "FAIL": "核对主要诊断编码是否为医保版有效编码，并补全手术操作编码",
    "INVALID": "补全或更正性别、年龄、新生儿体重、住院天数等基本信息",
}
"""What a hospital can do about a case that found no group."""

TAGS = {
    "S": Label("地方规划", "Said by a local plan"),
    "A": Label("官方文件", "Official text"),
    "B": Label("二手来源", "Secondary source"),
    "C": Label("第三方代码", "Third-party code"),
    "U": Label("未核实", "Unverified"),
    "PH": Label("占位值", "Placeholder"),
}


def label(table: dict[str, Label], code: str) -> Label:
    """The code's names, or the code itself in both languages."""
    return table.get(code) or Label(code, code)
