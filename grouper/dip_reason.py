"""Why a case has its DIP group, or none 「DIP入组原因」: append-only numbers, in order of precedence.

In: nothing; out: the enum and its texts in Chinese and English, complete for every member.
Retired members keep their number. It decides nothing.
"""

from __future__ import annotations

from enum import IntEnum


class DipReason(IntEnum):
    """Why. Numbers go into files and never change their meaning."""

    GROUPED = 0
    PRINCIPAL_DIAGNOSIS_EMPTY = 1
    PRINCIPAL_DIAGNOSIS_EXCLUDED = 2
    BLANK_GROUP = 3
    NO_ROW_FITS = 4


TEXT_ZH = {
    DipReason.GROUPED: "已入组",
    DipReason.PRINCIPAL_DIAGNOSIS_EMPTY: "未入组：主要诊断为空，请填写主要诊断",
    DipReason.PRINCIPAL_DIAGNOSIS_EXCLUDED: "未入组：主要诊断属于不纳入分组的诊断，请核对主要诊断的选择",
    DipReason.BLANK_GROUP: "未匹配到任何病种，按空白病组处理",
    DipReason.NO_ROW_FITS: "未入组：目录中没有与该主要诊断和手术操作相符的病种，请核对主要诊断与手术操作编码及版本",
}

TEXT_EN = {
    DipReason.GROUPED: "Grouped.",
    DipReason.PRINCIPAL_DIAGNOSIS_EMPTY: "Not grouped: the principal diagnosis is empty. Enter it.",
    DipReason.PRINCIPAL_DIAGNOSIS_EXCLUDED: (
        "Not grouped: the principal diagnosis is on the list that is not grouped. Check its choice."
    ),
    DipReason.BLANK_GROUP: "No row fits; the case goes to the blank group.",
    DipReason.NO_ROW_FITS: (
        "Not grouped: no row of the catalogue fits the principal diagnosis and procedures. Check the codes and "
        "their edition."
    ),
}
