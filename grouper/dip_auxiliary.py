"""The auxiliary catalogue 「辅助目录」: which rows of a group hold for a record, and which factor is taken.

In: DipTables, a prepared record, a group's auxiliary rows; out: one row (highest trigger factor) or none.
Conditions are the closed grammar of `dip_condition`. Each row is tested by itself; classes that exclude each other
(severity, tumour) are numbers a condition may compare. It never changes the points used by the highest-score rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from grouper.dip_condition import Condition, Test
from grouper.dip_expression import Term
from grouper.dip_normalise import Prepared
from grouper.dip_tables import AgeBand, AuxiliaryRow, DipTables
from grouper.dip_terms import in_diagnoses, term_has_diagnosis, term_has_procedure

TUMOUR_COST_MULTIPLE = 3
"""A tumour case is extreme from this multiple of its group's standard on (SPEC3 ch.5 §2)."""


def choose_auxiliary(
    tables: DipTables, prepared: Prepared, rows: Sequence[AuxiliaryRow], standard_fen: Fraction | None
) -> AuxiliaryRow | None:
    """The row whose factor applies: of all that hold, the highest factor, the first on ties (or simply the first).

    standard_fen: the group's reference cost without any auxiliary, for classes that compare the cost with it.
    """
    held = [
        row
        for row in rows
        if row.factor_e6 is not None and condition_holds(tables, prepared, row.condition, standard_fen)
    ]
    if not held:
        return None
    if tables.auxiliary_policy.pick == "first":
        return held[0]
    return max(held, key=lambda row: (row.factor_e6 or 0, -row.row))


def condition_holds(tables: DipTables, prepared: Prepared, condition: Condition, standard_fen: Fraction | None) -> bool:
    """Whether any alternative of the condition holds in all its tests."""
    return any(all(_test(tables, prepared, test, standard_fen) for test in part) for part in condition.any_of)


def _test(tables: DipTables, prepared: Prepared, test: Test, standard_fen: Fraction | None) -> bool:
    if test.term is not None:
        return _has_code(tables, prepared, test.name, test.term) is not test.denied
    if test.comparison:
        value = _number(tables, prepared, test.name, standard_fen)
        return value is not None and _compare(value, test.comparison, test.limit) is not test.denied
    return _flag(tables, prepared, test.name) is not test.denied


def _compare(value: int, comparison: str, limit: int) -> bool:
    return {
        "<": value < limit,
        "<=": value <= limit,
        ">": value > limit,
        ">=": value >= limit,
        "=": value == limit,
    }[comparison]


def _has_code(tables: DipTables, prepared: Prepared, where: str, term: Term) -> bool:
    if where == "procedure":
        return any(term_has_procedure(tables, term, code) for code in prepared.procedures)
    codes = {
        "principal": (prepared.principal,),
        "other": prepared.others,
        "any": (prepared.principal, *prepared.others),
    }[where]
    return any(term_has_diagnosis(tables, term, code) for code in codes)


def _flag(tables: DipTables, prepared: Prepared, name: str) -> bool:
    if name == "always":
        return True
    if name == "death":
        return prepared.case.is_death
    if name == "long_stay":
        return long_stay(tables, prepared)
    return has_complication(tables, prepared, name)


def _number(tables: DipTables, prepared: Prepared, name: str, standard_fen: Fraction | None) -> int | None:
    case = prepared.case
    if name == "cci":
        return cci(tables, prepared)
    if name == "age_band":
        return age_band(tables.auxiliary_policy.age_bands, case.age_days, case.age_years)
    if name == "severity":
        return severity_class(tables, prepared)
    if name == "tumour":
        return tumour_class(tables, prepared, standard_fen)
    return {
        "stay": case.stay_days,
        "age": case.age_years,
        "age_days": case.age_days,
        "icu_days": case.icu_days,
        "birth_weight": case.birth_weight_g,
    }[name]


def long_stay(tables: DipTables, prepared: Prepared) -> bool:
    """Stay over the threshold 「住院天数3天以上」; whether the threshold itself counts is the pack's los_inclusive."""
    stay, policy = prepared.case.stay_days, tables.auxiliary_policy
    return stay is not None and (stay > policy.los_threshold or (policy.los_inclusive and stay == policy.los_threshold))


def has_complication(tables: DipTables, prepared: Prepared, level: str) -> bool:
    """Whether a secondary diagnosis of that level counts 「有效的CC/MCC」.

    One counts unless the principal (full code) is on its exclusion list; an include prefix, where given, replaces
    that test: the principal must start with it. Only other diagnoses count, and a case may have both levels.
    """
    for code in prepared.others:
        for entry in tables.complications.get(code, ()):
            if entry.level != level:
                continue
            if entry.include_prefix is not None:
                if prepared.principal.startswith(entry.include_prefix):
                    return True
            elif entry.exclusion is None or prepared.principal not in tables.code_lists[entry.exclusion]:
                return True
    return False


def cci(tables: DipTables, prepared: Prepared) -> int:
    """Comorbidity score 「CCI」: sum over disease classes of the highest weight among the other diagnoses."""
    by_class: dict[str, int] = {}
    for code in prepared.others:
        if (entry := tables.cci_weights.get(code)) is not None:
            by_class[entry[0]] = max(by_class.get(entry[0], 0), entry[1])
    return sum(by_class.values())


def age_band(bands: Sequence[AgeBand], age_days: int | None, age_years: int | None) -> int | None:
    """The number of the first age band that holds, counted from 1 「年龄特征」; 0 = none, None = age unknown."""
    if age_days is None and age_years is None:
        return None
    for number, band in enumerate(bands, start=1):
        value = age_days if band.unit == "d" else age_years
        if value is not None and band.lo <= value and (band.hi is None or value <= band.hi):
            return number
    return 0


def severity_class(tables: DipTables, prepared: Prepared) -> int:
    """Severity of a non-tumour case 「疾病严重程度」: 4 death, 3 重度, 2 中度 (both with a long stay), 1 轻度."""
    if prepared.case.is_death:
        return 4
    if long_stay(tables, prepared):
        for level, number in (("severe", 3), ("moderate", 2)):
            if has_complication(tables, prepared, level):
                return number
    return 1


def tumour_class(tables: DipTables, prepared: Prepared, standard_fen: Fraction | None) -> int:
    """Severity of a tumour case 「肿瘤严重程度」, the first that holds:

        1 death · 2 cost ≥ 3 × standard and 治疗费 ≥ 50 % · 3 cost ≥ 3 × standard and 药品费 ≥ 50 % ·
        4 secondary malignancy of another category · 5 list 重度 · 6 list 中度 (4–6 with a long stay) · 7 other

    Without a standard or without the parts of the cost, 2 and 3 cannot hold.
    """
    case = prepared.case
    if case.is_death:
        return 1
    cost = case.cost_total_fen
    if cost is not None and standard_fen is not None and cost >= TUMOUR_COST_MULTIPLE * standard_fen > 0:
        for part, number in ((case.treatment_fen, 2), (case.drug_fen, 3)):
            if part is not None and 2 * part >= cost:
                return number
    if long_stay(tables, prepared):
        if _other_malignancy(tables, prepared):
            return 4
        for level, number in (("severe", 5), ("moderate", 6)):
            if has_complication(tables, prepared, level):
                return number
    return 7


def _other_malignancy(tables: DipTables, prepared: Prepared) -> bool:
    malignant = tables.auxiliary_policy.malignant
    category = prepared.principal[:3]
    return malignant is not None and any(
        in_diagnoses(tables, malignant, code) and code[:3] != category for code in prepared.others
    )
