"""Why a row is not settled: every rejection code, and what to mend 「拒绝原因」.

In: nothing; out: a numbered enum and its texts in Chinese and English. Numbers stand in result files: append new ones,
never change or reuse one. They are listed in order of precedence: the first that applies is the row's code. `{field}`
is the column's label, `{0}`, `{1}` numbers of the row. A text never repeats what stood in a cell that could not be
read, because a shifted column may have put a name or an identity number there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Reject(StrEnum):
    """Tens: 00 the row itself · 10 what settlement needs · 30 what the strict profile asks of the record."""

    ID_MISSING = "V001"
    ROW_MISSHAPEN = "V002"
    EXACT_COPY = "V003"
    CONFLICTING_COPY = "V004"
    NUMBER_UNREADABLE = "V005"
    TEXT_UNREADABLE = "V006"
    AMOUNT_UNREADABLE = "V007"
    AMOUNT_BELOW_FEN = "V008"
    DATE_UNREADABLE = "V009"

    HOSPITAL_MISSING = "V010"
    SCHEME_UNKNOWN = "V011"
    SETTLEMENT_DATE_MISSING = "V012"
    DISCHARGE_DATE_MISSING = "V013"
    COST_MISSING = "V014"
    FUND_MISSING = "V015"
    COST_NEGATIVE = "V016"
    FUND_NEGATIVE = "V017"
    FUND_ABOVE_COST = "V018"
    DISCHARGE_BEFORE_ADMISSION = "V019"
    SETTLEMENT_BEFORE_DISCHARGE = "V020"
    MONTH_UNREADABLE = "V021"
    TWO_PRINCIPAL_DIAGNOSES = "V022"
    TWO_PRINCIPAL_PROCEDURES = "V023"
    PACK_NUMBER_MISSING = "V024"
    COST_IMPOSSIBLE = "V025"
    PERSON_MISSING = "V026"
    ADMISSION_DATE_MISSING = "V027"
    FEE_IMPOSSIBLE = "V028"

    PRINCIPAL_DIAGNOSIS_MISSING = "V030"
    GENDER_NOT_1_OR_2 = "V031"
    AGE_MISSING = "V032"
    AGE_OUT_OF_RANGE = "V033"
    AGE_DAYS_MISSING = "V034"
    AGE_DAYS_NEGATIVE = "V035"
    BIRTH_WEIGHT_MISSING = "V036"
    BIRTH_WEIGHT_OUT_OF_RANGE = "V037"
    STAY_MISSING = "V038"
    STAY_NEGATIVE = "V039"
    STAY_DISAGREES = "V040"
    DISPOSITION_UNKNOWN = "V041"
    DIAGNOSIS_CODE_TOO_LONG = "V042"
    PROCEDURE_CODE_TOO_LONG = "V043"
    TOO_MANY_DIAGNOSES = "V044"
    TOO_MANY_PROCEDURES = "V045"
    SEX_IMPOSSIBLE = "V046"
    MONTH_DISAGREES = "V047"


TEXT_ZH: Mapping[Reject, str] = {
    Reject.ID_MISSING: "结算ID为空，无法识别该病例。请补填。",
    Reject.ROW_MISSHAPEN: "该行的列数与表头不一致。请检查是否有多余或缺少的逗号、引号后重新导出。",
    Reject.EXACT_COPY: "与另一行完全相同（结算ID重复），只保留一行。无需更正；如为重复上传请去重。",
    Reject.CONFLICTING_COPY: "结算ID重复但内容不一致（{fields}），无法判断以哪一行为准，全部拒绝。请核实后只保留一行。",
    Reject.NUMBER_UNREADABLE: "{field}不是可用的数字。请填写半角数字。",
    Reject.TEXT_UNREADABLE: "{field}应为代码，却是带小数的数字。请将该列设为文本后重新导出。",
    Reject.AMOUNT_UNREADABLE: "{field}不是可用的金额。请填写以元为单位、最多两位小数的数字，如 1234.50。",
    Reject.AMOUNT_BELOW_FEN: "{field}的小数超过两位，不足一分的部分不能舍弃。请四舍五入到分后重新导出。",
    Reject.DATE_UNREADABLE: "{field}不是可用的日期。请按 2024-03-01 的格式填写。",
    Reject.HOSPITAL_MISSING: "定点医药机构编号为空，无法归属医院。请补填。",
    Reject.SCHEME_UNKNOWN: "险种类型为空或不在本次结算的险种（{pools}）之内。请核对险种代码。",
    Reject.SETTLEMENT_DATE_MISSING: "结算日期为空，无法确定结算月份。请补填。",
    Reject.DISCHARGE_DATE_MISSING: "出院日期为空，无法确定适用的分组方案。请补填。",
    Reject.COST_MISSING: "医疗费总额为空。请补填。",
    Reject.FUND_MISSING: "统筹基金支出为空；未支付时应填 0。请补填。",
    Reject.COST_NEGATIVE: "医疗费总额为负（{0} 元）。冲销请与原结算合并后上传。",
    Reject.FUND_NEGATIVE: "统筹基金支出为负（{0} 元）。冲销请与原结算合并后上传。",
    Reject.FUND_ABOVE_COST: "统筹基金支出（{0} 元）大于医疗费总额（{1} 元）。请核对两项金额。",
    Reject.DISCHARGE_BEFORE_ADMISSION: "出院日期早于入院日期。请核对两个日期。",
    Reject.SETTLEMENT_BEFORE_DISCHARGE: "结算日期早于出院日期。请核对两个日期。",
    Reject.MONTH_UNREADABLE: "结算年月不是 YYYYMM 格式的月份，如 202403。请更正或留空（由结算日期得出）。",
    Reject.TWO_PRINCIPAL_DIAGNOSES: "有 {0} 个诊断标记为主要诊断，无法判断以哪一个为准。请只标记一个。",
    Reject.TWO_PRINCIPAL_PROCEDURES: "有 {0} 个手术标记为主要手术，无法判断以哪一个为准。请只标记一个。",
    Reject.COST_IMPOSSIBLE: "医疗费总额（{0} 元）超过九亿元，不可能是一次住院。请核对单位（元）与小数点。",
    Reject.PACK_NUMBER_MISSING: "分组方案要求的{field}为空。请补填。",
    Reject.PERSON_MISSING: "人员编号为空，无法判断再入院。请补填（用化名编号，不要用身份证号）。",
    Reject.ADMISSION_DATE_MISSING: "入院日期为空，无法判断再入院。请补填。",
    Reject.FEE_IMPOSSIBLE: "{field}为负或超过九亿元（{0} 元）。请核对金额与单位（元）。",
    Reject.PRINCIPAL_DIAGNOSIS_MISSING: "主要诊断为空。请填写主要诊断。",
    Reject.GENDER_NOT_1_OR_2: "性别为空或不是 1（男）、2（女）。请更正。",
    Reject.AGE_MISSING: "年龄为空。请补填周岁年龄；不足一周岁请填 0 并填写日龄。",
    Reject.AGE_OUT_OF_RANGE: "年龄 {0} 岁不在 0 至 130 之间。请核对出生日期与入院日期。",
    Reject.AGE_DAYS_MISSING: "不足一周岁而日龄为空。请补填日龄（天）。",
    Reject.AGE_DAYS_NEGATIVE: "日龄为负（{0} 天）。请核对出生日期与入院日期。",
    Reject.BIRTH_WEIGHT_MISSING: "新生儿（日龄不超过 28 天）没有出生体重。请补填（克）。",
    Reject.BIRTH_WEIGHT_OUT_OF_RANGE: "新生儿出生体重 {0} 克不在 200 至 9999 之间。请核对，单位为克。",
    Reject.STAY_MISSING: "实际住院天数为空，且无法由出入院日期得出。请补填。",
    Reject.STAY_NEGATIVE: "实际住院天数为负（{0} 天）。请更正。",
    Reject.STAY_DISAGREES: "实际住院天数（{0} 天）与出入院日期相差过大（应约为 {1} 天）。请核对。",
    Reject.DISPOSITION_UNKNOWN: "离院方式为空或不是 1、2、3、4、5、9。请更正。",
    Reject.DIAGNOSIS_CODE_TOO_LONG: "有诊断编码超过 20 个字符。请检查是否填了名称，或多个编码没有用 | 分隔。",
    Reject.PROCEDURE_CODE_TOO_LONG: "有手术操作编码超过 30 个字符。请检查是否填了名称，或多个编码没有用 | 分隔。",
    Reject.TOO_MANY_DIAGNOSES: "诊断数量（{0}）超过 {limit} 个。请检查分隔是否正确。",
    Reject.TOO_MANY_PROCEDURES: "手术操作数量（{0}）超过 {limit} 个。请检查分隔是否正确。",
    Reject.SEX_IMPOSSIBLE: "有诊断与性别不符（性别 {0}）。请核对性别与诊断编码。",
    Reject.MONTH_DISAGREES: "结算年月与结算日期不在同一个月。请核对。",
}

TEXT_EN: Mapping[Reject, str] = {
    Reject.ID_MISSING: "The settlement id is missing, so the case cannot be told apart. Enter it.",
    Reject.ROW_MISSHAPEN: "The row has more or fewer cells than the header. Look for a stray comma or quote.",
    Reject.EXACT_COPY: "Another row is exactly the same (same settlement id); one is kept. Nothing to mend.",
    Reject.CONFLICTING_COPY: (
        "The settlement id stands in several rows that differ ({fields}); which one is right cannot be known, so all "
        "are rejected. Keep the right one."
    ),
    Reject.NUMBER_UNREADABLE: "{field} is no usable number. Write digits.",
    Reject.TEXT_UNREADABLE: "{field} should be a code, but is a number with a fraction. Format the column as text.",
    Reject.AMOUNT_UNREADABLE: "{field} is no usable amount. Write yuan with at most two decimals, such as 1234.50.",
    Reject.AMOUNT_BELOW_FEN: "{field} has more than two decimals; parts of a fen are not dropped. Round it to the fen.",
    Reject.DATE_UNREADABLE: "{field} is no usable date. Write it as 2024-03-01.",
    Reject.HOSPITAL_MISSING: "The hospital code is missing. Enter it.",
    Reject.SCHEME_UNKNOWN: "The insurance scheme is missing or none of those settled here ({pools}). Check its code.",
    Reject.SETTLEMENT_DATE_MISSING: "The settlement date is missing, so the month is unknown. Enter it.",
    Reject.DISCHARGE_DATE_MISSING: "The discharge date is missing, so the edition of groups is unknown. Enter it.",
    Reject.COST_MISSING: "The total cost is missing. Enter it.",
    Reject.FUND_MISSING: "The amount booked to the pooled fund is missing; 0 if it paid nothing. Enter it.",
    Reject.COST_NEGATIVE: "The total cost is negative ({0} yuan). Send a reversal together with what it reverses.",
    Reject.FUND_NEGATIVE: "The pooled fund's part is negative ({0} yuan). Send a reversal with what it reverses.",
    Reject.FUND_ABOVE_COST: "The pooled fund's part ({0} yuan) exceeds the total cost ({1} yuan). Check both.",
    Reject.DISCHARGE_BEFORE_ADMISSION: "Discharged before admission. Check both dates.",
    Reject.SETTLEMENT_BEFORE_DISCHARGE: "Settled before discharge. Check both dates.",
    Reject.MONTH_UNREADABLE: "The settlement month is no YYYYMM such as 202403. Mend it or leave it out.",
    Reject.TWO_PRINCIPAL_DIAGNOSES: "{0} diagnoses are marked as principal. Mark one.",
    Reject.TWO_PRINCIPAL_PROCEDURES: "{0} procedures are marked as principal. Mark one.",
    Reject.COST_IMPOSSIBLE: "A total cost of {0} yuan is no single stay. Check the unit (yuan) and the decimal point.",
    Reject.PACK_NUMBER_MISSING: "{field}, which the rule pack needs, is missing. Enter it.",
    Reject.PERSON_MISSING: "The person is missing, so readmissions cannot be found. Enter a pseudonym.",
    Reject.ADMISSION_DATE_MISSING: "The admission date is missing, so readmissions cannot be found. Enter it.",
    Reject.FEE_IMPOSSIBLE: "{field} is negative or above nine hundred million ({0} yuan). Check amount and unit.",
    Reject.PRINCIPAL_DIAGNOSIS_MISSING: "The principal diagnosis is missing. Enter it.",
    Reject.GENDER_NOT_1_OR_2: "Gender is missing or neither 1 (male) nor 2 (female). Correct it.",
    Reject.AGE_MISSING: "Age is missing. Enter completed years; under one year enter 0 and the age in days.",
    Reject.AGE_OUT_OF_RANGE: "Age {0} is not between 0 and 130. Check the dates of birth and admission.",
    Reject.AGE_DAYS_MISSING: "Under one year old and the age in days is missing. Enter it.",
    Reject.AGE_DAYS_NEGATIVE: "The age in days is negative ({0}). Check the dates of birth and admission.",
    Reject.BIRTH_WEIGHT_MISSING: "A newborn (at most 28 days) without birth weight. Enter it in grams.",
    Reject.BIRTH_WEIGHT_OUT_OF_RANGE: "A newborn's birth weight of {0} g is not between 200 and 9999 g. Check it.",
    Reject.STAY_MISSING: "The length of stay is missing and the dates do not give it. Enter it.",
    Reject.STAY_NEGATIVE: "The length of stay is negative ({0} days). Correct it.",
    Reject.STAY_DISAGREES: "The length of stay ({0} days) is far from what the dates say (about {1}). Check them.",
    Reject.DISPOSITION_UNKNOWN: "The discharge disposition is missing or none of 1, 2, 3, 4, 5, 9. Correct it.",
    Reject.DIAGNOSIS_CODE_TOO_LONG: (
        "A diagnosis code is longer than 20 characters. Is it a name, or several codes not separated by |?"
    ),
    Reject.PROCEDURE_CODE_TOO_LONG: (
        "A procedure code is longer than 30 characters. Is it a name, or several codes not separated by |?"
    ),
    Reject.TOO_MANY_DIAGNOSES: "More than {limit} diagnoses ({0}). Check the separators.",
    Reject.TOO_MANY_PROCEDURES: "More than {limit} procedures ({0}). Check the separators.",
    Reject.SEX_IMPOSSIBLE: "A diagnosis does not go with the sex ({0}). Check the sex and the codes.",
    Reject.MONTH_DISAGREES: "The settlement month is not the month of the settlement date. Check both.",
}
