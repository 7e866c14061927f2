"""The national settlement list 「4101 / 4101A 医疗保障基金结算清单信息上传」 as one case.

In: the message as it is, numbers kept as text; out: the columns of the case and the fields of the envelope. National
aliases are those of the case files. The list carries no total: it is the sum of its fee items. Names, addresses and
identity numbers are left where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from engine.cases.alias_table import FAMILIES
from engine.cases.columns import COLUMNS, FILES
from engine.money import fen_from_text, text_from_fen

INTERFACES = ("4101", "4101A")
ENVELOPE = (
    *("infno", "msgid", "mdtrtarea_admvs", "insuplc_admdvs", "recer_sys_code", "dev_no", "dev_safe_info", "cainfo"),
    *("signtype", "infver", "opter_type", "opter", "opter_name", "inf_time", "fixmedins_code", "fixmedins_name"),
    "sign_no",
)
KEPT = ("infno", "msgid", "infver", "cainfo", "signtype", "sign_no", "recer_sys_code")
"""Envelope fields an answer carries back, the signature among them."""
POOL_FUND = {"310": "310100", "390": "390100"}
"""The pooled fund's payment type of each insurance scheme 「统筹基金支付类型」."""
NODES = ("diseinfo", "oprninfo", "iteminfo", "payinfo", "icuinfo")


class MessageFault(ValueError):
    """A message that is no settlement list; the text names the node or field, never its value."""


@cache
def _names() -> Mapping[str, str]:
    """National field → column of the case file."""
    found = {name: name for name in FILES["cases"]}
    for family in ("national", "misspelt"):
        for line in FAMILIES[family].strip().splitlines():
            column, _, aliases = line.partition(":")
            if column in COLUMNS:
                found |= {alias.strip(): column for alias in aliases.split(",")}
    return found


def case_of(message: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(columns of the case, envelope fields to give back). Raises MessageFault."""
    if str(message.get("infno")) not in INTERFACES:
        raise MessageFault(f"infno 应为 {' 或 '.join(INTERFACES)}")
    given = message.get("input")
    if not isinstance(given, Mapping):
        raise MessageFault("缺少 input")
    about = given.get("setlinfo")
    if isinstance(about, list) and len(about) == 1:
        about = about[0]
    if not isinstance(about, Mapping):
        raise MessageFault("缺少 input.setlinfo")
    names = _names()
    columns: dict[str, Any] = {}
    for name, value in about.items():
        column = names.get(name)
        if column is None or value in (None, ""):
            continue
        if not isinstance(value, str):
            raise MessageFault(f"input.setlinfo.{column} 应为文本或数字")
        columns.setdefault(column, value)
    for name in ("fixmedins_code", "insuplc_admdvs", "mdtrtarea_admvs"):
        if isinstance(message.get(name), str) and message[name]:
            columns.setdefault(name, message[name])
    nodes = {name: _node(given, name) for name in NODES}
    columns["diseinfo"], columns["oprninfo"] = nodes["diseinfo"], nodes["oprninfo"]
    if wards := [str(item["scs_cutd_sum_dura"]) for item in nodes["icuinfo"] if item.get("scs_cutd_sum_dura")]:
        columns.setdefault("icu_hours", "+".join(wards))
    _money(columns, nodes)
    return columns, {name: message[name] for name in KEPT if isinstance(message.get(name), str)}


def _node(given: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = given.get(name)
    if found is None:
        return []
    if isinstance(found, Mapping):
        found = [found]
    if not isinstance(found, list) or len(found) > 1000:
        raise MessageFault(f"input.{name} 应为不超过 1000 项的列表")
    for item in found:
        if not isinstance(item, Mapping):
            raise MessageFault(f"input.{name} 的每一项应为对象")
        if any(isinstance(value, (list, dict)) for value in item.values()):
            raise MessageFault(f"input.{name} 的字段应为文本或数字")
    return found


def _money(columns: dict[str, Any], nodes: Mapping[str, list[Mapping[str, Any]]]) -> None:
    """Total cost from the fee items, the pooled fund's part from the payments, where the list itself has neither."""
    if "medfee_sumamt" not in columns and nodes["iteminfo"]:
        columns["medfee_sumamt"] = _sum("iteminfo", "amt", nodes["iteminfo"])
    kind = POOL_FUND.get(str(columns.get("insutype")))
    if "hifp_pay" not in columns and kind is not None and nodes["payinfo"]:
        own = [item for item in nodes["payinfo"] if str(item.get("fund_pay_type")) == kind]
        columns["hifp_pay"] = _sum("payinfo", "fund_payamt", own)


def _sum(node: str, name: str, items: list[Mapping[str, Any]]) -> str:
    try:
        return text_from_fen(sum(fen_from_text(str(item.get(name))) for item in items))
    except ValueError:
        raise MessageFault(f"input.{node}.{name} 不是以元为单位、最多两位小数的金额") from None
