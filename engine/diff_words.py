"""Reasons and steps of a comparison in Chinese 「变动原因的中文」.

In: the English text of a reason, as the tables hold it. Out: the same in Chinese; keys, codes and values stay. It
decides nothing: a phrase it does not know stays as it is.
"""

from __future__ import annotations

import re

STEPS_ZH = {
    "only_first": "仅在前次", "only_second": "仅在后次", "decision": "病例决定", "input": "输入", "scheme": "付费方式",
    "group": "入组", "price": "基准与标准", "coefficient": "医院系数", "class": "病例分类", "points": "点数",
    "value": "点值", "amount": "金额",
}  # fmt: skip
PHRASES_ZH = {
    "input: not in the files of the other run": "另一次运行的病例文件中没有",
    "input: other codes or fields of the record": "病案的编码或其他字段不同",
    "belongs to another period in the other run": "在另一次运行中属于其他期间",
    "rejected in the other run:": "在另一次运行中被拒绝：",
    "a decision about this case": "针对本病例的决定",
    "the point value moved with the points of other cases": "点值随其他病例的点数变动",
    "the fen left over by rounding went to other cases": "取整余下的分归入其他病例",
    "nothing recorded explains it": "记录中没有可解释的变化",
    "follows from cases and from earlier lines": "由病例与前序分录得出",
    "follows from other hospitals' cases": "由其他医院的病例引起",
}
_KINDS_ZH = {"policy": "政策", "pack": "分组方案", "engine": "程序", "parameter": "参数", "input": "输入"}
_KIND = re.compile(rf"(^|; )({'|'.join(_KINDS_ZH)}) ")


def in_chinese(reason: str) -> str:
    """A reason, or several joined by `; `, in Chinese."""
    for phrase, zh in PHRASES_ZH.items():
        reason = reason.replace(phrase, zh)
    return _KIND.sub(lambda found: f"{found[1]}{_KINDS_ZH[found[2]]} ", reason)
