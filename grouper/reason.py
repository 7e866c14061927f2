"""Why a record stands where it stands: status and reason of grouping, with the words for people.

In: nothing; out: two numbered enums and their texts in Chinese and English, complete for every member.
Numbers are stored in result files: append new ones, never change or reuse one. The members of one status are listed
in order of precedence: when several apply, the first is the answer. It decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class GroupStatus(IntEnum):
    """How grouping ended; the name is what `grp_stas` holds. APART: a scheme at its own price took the case, so it was
    not grouped."""

    OK = 1
    QY = 2
    FAIL = 3
    INVALID = 4
    APART = 5


class GroupReason(IntEnum):
    """Why it ended so. Tens: 0 grouped · 10 ambiguous · 20 code mapping · 30 checks · 40–50 nothing reached."""

    GROUPED = 1
    GROUPED_BY_SECONDARY_PROCEDURE = 2

    AMBIGUOUS_OPERATION = 10

    DIAGNOSIS_MISSING_FOR_MAPPING = 20
    DIAGNOSIS_NOT_MAPPED = 21
    PRINCIPAL_DIAGNOSIS_MAPS_TO_NOTHING = 22
    PROCEDURE_NOT_MAPPED = 23
    PRINCIPAL_PROCEDURE_MAPS_TO_NOTHING = 24

    GENDER_MISSING = 30
    GENDER_NOT_1_OR_2 = 31
    AGE_MISSING = 32
    AGE_DAYS_MISSING = 33
    BIRTH_WEIGHT_MISSING = 34

    PRINCIPAL_DIAGNOSIS_EMPTY = 40
    PRINCIPAL_DIAGNOSIS_UNKNOWN = 41
    ADRG_WITHOUT_DRG = 42
    NEWBORN_AGE_OR_WEIGHT = 43
    PRINCIPAL_PROCEDURE_UNKNOWN = 44
    NO_ADRG_WITH_OPERATION = 45
    NO_ADRG_WITHOUT_OPERATION = 46
    MDC_GATE_SEX = 47
    MDC_GATE_AGE = 48
    MDC_GATE_SITES = 49
    MDC_GATE_OTHER = 50
    PRINCIPAL_DIAGNOSIS_IN_NO_MDC = 51


def status_of(reason: GroupReason) -> GroupStatus:
    """The one status a reason belongs to."""
    if reason < 10:
        return GroupStatus.OK
    if reason < 20:
        return GroupStatus.QY
    return GroupStatus.INVALID if reason < 40 else GroupStatus.FAIL


TEXT_ZH: Mapping[GroupReason, str] = {
    GroupReason.GROUPED: "分组成功。",
    GroupReason.GROUPED_BY_SECONDARY_PROCEDURE: (
        "按主要手术无法入组，改以某一其他手术单独作为主要手术后分组成功（本方案的规定）。请核对主要手术是否选对。"
    ),
    GroupReason.AMBIGUOUS_OPERATION: (
        "歧义病案：有手术，但该手术不属于主要诊断所在 MDC 的任何外科组或操作组。请核对主要诊断与主要手术是否对应。"
    ),
    GroupReason.DIAGNOSIS_MISSING_FOR_MAPPING: "诊断不能转换：主要诊断为空。请填写主要诊断后重新分组。",
    GroupReason.DIAGNOSIS_NOT_MAPPED: (
        "诊断不能转换：至少一个诊断编码（含其他诊断）不在编码转换表中。请改用转换表收录的编码，或关闭编码转换。"
    ),
    GroupReason.PRINCIPAL_DIAGNOSIS_MAPS_TO_NOTHING: (
        "诊断不能转换：转换表规定主要诊断编码不再使用（目标为“-”）。请另选有效编码作主要诊断。"
    ),
    GroupReason.PROCEDURE_NOT_MAPPED: (
        "手术不能转换：至少一个手术操作编码（含其他手术）不在编码转换表中。请改用转换表收录的编码，或关闭编码转换。"
    ),
    GroupReason.PRINCIPAL_PROCEDURE_MAPS_TO_NOTHING: (
        "手术不能转换：转换表规定主要手术编码不再使用（目标为“-”）。请另选有效编码作主要手术。"
    ),
    GroupReason.GENDER_MISSING: "信息校验不通过：性别为空。请补填性别（1 男，2 女）。",
    GroupReason.GENDER_NOT_1_OR_2: "信息校验不通过：性别不是 1（男）或 2（女）。请更正性别。",
    GroupReason.AGE_MISSING: "信息校验不通过：年龄（周岁）为空。请补填年龄。",
    GroupReason.AGE_DAYS_MISSING: "信息校验不通过：年龄为 0 岁但日龄为空。请补填不足一周岁的日龄（天）。",
    GroupReason.BIRTH_WEIGHT_MISSING: (
        "信息校验不通过：日龄不超过 28 天但出生体重为空（部分方案把 0 也视为空）。请补填新生儿出生体重（克）。"
    ),
    GroupReason.PRINCIPAL_DIAGNOSIS_EMPTY: "无法入组：主要诊断为空。请填写主要诊断。",
    GroupReason.PRINCIPAL_DIAGNOSIS_UNKNOWN: (
        "无法入组：主要诊断不是本方案编码表中的有效编码。请核对编码版本、大小写及 x 扩展码，必要时先做编码转换。"
    ),
    GroupReason.ADRG_WITHOUT_DRG: (
        "无法入组：已进入 ADRG，但不满足其下任何 DRG 的条件。请核对年龄、住院天数等细分条件；如数据无误请报方案维护人。"
    ),
    GroupReason.NEWBORN_AGE_OR_WEIGHT: (
        "无法入组：诊断或手术符合新生儿组，但日龄或出生体重不在该组范围内。请核对日龄、出生体重及新生儿诊断、手术。"
    ),
    GroupReason.PRINCIPAL_PROCEDURE_UNKNOWN: (
        "无法入组：已进入 MDC，但主要手术不是本方案编码表中的有效编码。请核对手术编码版本，必要时先做编码转换。"
    ),
    GroupReason.NO_ADRG_WITH_OPERATION: (
        "无法入组：已进入 MDC 且有手术，但手术不属于该 MDC 的任何 ADRG，主要诊断也无内科组。请核对主要手术的选择。"
    ),
    GroupReason.NO_ADRG_WITHOUT_OPERATION: (
        "无法入组：已进入 MDC，但没有手术，而该主要诊断须有相应手术才能入组。请核对是否漏填手术或主要诊断选择不当。"
    ),
    GroupReason.MDC_GATE_SEX: "无法入组：主要诊断与性别不符，不能进入该诊断所属的 MDC。请核对性别与主要诊断。",
    GroupReason.MDC_GATE_AGE: (
        "无法入组：年龄不符合主要诊断所属 MDC 的要求（如新生儿诊断用于满一周岁患者）。请核对年龄与主要诊断。"
    ),
    GroupReason.MDC_GATE_SITES: (
        "无法入组：诊断符合多发严重创伤，但创伤部位数不足。请核对是否漏填其他部位的创伤诊断。"
    ),
    GroupReason.MDC_GATE_OTHER: (
        "无法入组：诊断符合某一 MDC，但该 MDC 的其他条件不满足。请查看分组说明中未满足的条件。"
    ),
    GroupReason.PRINCIPAL_DIAGNOSIS_IN_NO_MDC: (
        "无法入组：主要诊断不属于任何 MDC（如仅可作附加说明的编码）。请核对主要诊断的选择。"
    ),
}

TEXT_EN: Mapping[GroupReason, str] = {
    GroupReason.GROUPED: "Grouped.",
    GroupReason.GROUPED_BY_SECONDARY_PROCEDURE: (
        "Ungrouped by the principal procedure; grouped by another procedure taken alone, as this edition prescribes. "
        "Check that the principal procedure was well chosen."
    ),
    GroupReason.AMBIGUOUS_OPERATION: (
        "Ambiguous: there is an operation, but it belongs to no surgical or procedural group of the MDC of the "
        "principal diagnosis. Check that principal diagnosis and principal procedure belong together."
    ),
    GroupReason.DIAGNOSIS_MISSING_FOR_MAPPING: (
        "Diagnosis cannot be mapped: the principal diagnosis is empty. Enter it and group again."
    ),
    GroupReason.DIAGNOSIS_NOT_MAPPED: (
        "Diagnosis cannot be mapped: at least one diagnosis code, perhaps a secondary one, is not in the code map. "
        "Use a code of the map, or switch code mapping off."
    ),
    GroupReason.PRINCIPAL_DIAGNOSIS_MAPS_TO_NOTHING: (
        "Diagnosis cannot be mapped: the map retires the principal diagnosis (target '-'). Choose a valid code."
    ),
    GroupReason.PROCEDURE_NOT_MAPPED: (
        "Procedure cannot be mapped: at least one procedure code, perhaps a secondary one, is not in the code map. "
        "Use a code of the map, or switch code mapping off."
    ),
    GroupReason.PRINCIPAL_PROCEDURE_MAPS_TO_NOTHING: (
        "Procedure cannot be mapped: the map retires the principal procedure (target '-'). Choose a valid code."
    ),
    GroupReason.GENDER_MISSING: "Check failed: gender is missing. Enter 1 (male) or 2 (female).",
    GroupReason.GENDER_NOT_1_OR_2: "Check failed: gender is neither 1 (male) nor 2 (female). Correct it.",
    GroupReason.AGE_MISSING: "Check failed: age in years is missing. Enter it.",
    GroupReason.AGE_DAYS_MISSING: "Check failed: age is 0 years and age in days is missing. Enter the age in days.",
    GroupReason.BIRTH_WEIGHT_MISSING: (
        "Check failed: age is at most 28 days and birth weight is missing (some editions read 0 as missing). "
        "Enter the birth weight in grams."
    ),
    GroupReason.PRINCIPAL_DIAGNOSIS_EMPTY: "Not grouped: the principal diagnosis is empty. Enter it.",
    GroupReason.PRINCIPAL_DIAGNOSIS_UNKNOWN: (
        "Not grouped: the principal diagnosis is not in this edition's code table. Check the code edition, letter "
        "case and the x extension; map the codes first if they come from another edition."
    ),
    GroupReason.ADRG_WITHOUT_DRG: (
        "Not grouped: an ADRG was reached, but none of its DRGs. Check what the split asks for (age, stay, …); "
        "if the data are right, report it to the keeper of the edition."
    ),
    GroupReason.NEWBORN_AGE_OR_WEIGHT: (
        "Not grouped: diagnosis or procedure fits a newborn group, but age in days or birth weight is outside its "
        "range. Check age in days, birth weight and the newborn codes."
    ),
    GroupReason.PRINCIPAL_PROCEDURE_UNKNOWN: (
        "Not grouped: an MDC was reached, but the principal procedure is not in this edition's code table. "
        "Check the code edition; map the codes first if they come from another edition."
    ),
    GroupReason.NO_ADRG_WITH_OPERATION: (
        "Not grouped: an MDC was reached and there is an operation, but no ADRG of that MDC takes it and the principal "
        "diagnosis has no medical ADRG. Check the choice of the principal procedure."
    ),
    GroupReason.NO_ADRG_WITHOUT_OPERATION: (
        "Not grouped: an MDC was reached, but there is no operation and the principal diagnosis needs one. "
        "Check for a missing procedure or a wrong principal diagnosis."
    ),
    GroupReason.MDC_GATE_SEX: (
        "Not grouped: sex does not fit the principal diagnosis, so its MDC stays closed. Check both."
    ),
    GroupReason.MDC_GATE_AGE: (
        "Not grouped: age does not fit the MDC of the principal diagnosis (for example a newborn diagnosis at one "
        "year or more). Check both."
    ),
    GroupReason.MDC_GATE_SITES: (
        "Not grouped: the diagnosis fits multiple severe trauma, but too few body sites are coded. "
        "Check for missing trauma diagnoses of other sites."
    ),
    GroupReason.MDC_GATE_OTHER: (
        "Not grouped: the diagnosis fits an MDC, but another condition of that MDC does not hold. "
        "See the explanation for the condition that failed."
    ),
    GroupReason.PRINCIPAL_DIAGNOSIS_IN_NO_MDC: (
        "Not grouped: the principal diagnosis belongs to no MDC (for example a code for additional information only). "
        "Check the choice of the principal diagnosis."
    ),
}
