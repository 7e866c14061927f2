"""One record as the tests of the rule tree see it: codes mapped, blanks gone, complications counted.

In: DrgTables and a Case; out: `Facts`, or the reason why the record is invalid before any grouping.
Used by the plain walk alone; the kernel prepares the same facts as integers. It never looks at the tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from grouper.reason import GroupReason
from grouper.tables import Case, DrgTables

MARK_NONE, MARK_CC, MARK_MCC, MARK_EXCLUDED = 0, 1, 2, 3
"""Per diagnosis: no complication · counted CC · counted MCC · complication excluded by the principal diagnosis."""
SEVERITY_NONE, SEVERITY_CC, SEVERITY_MCC = 0, 1, 2

MAPS_TO_NOTHING = "-"
"""A map target that drops a secondary code and fails a principal one."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the atoms read. `codes` gives each code variable (and text field) its codes, blanks left out."""

    diagnoses: tuple[str, ...]
    """Slot by slot as in the record, after mapping; "" = nothing in this slot."""
    procedures: tuple[str, ...]
    marks: tuple[int, ...]
    numbers: Mapping[str, int | None]
    flags: Mapping[str, bool]
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def principal_diagnosis(self) -> str:
        return self.diagnoses[0] if self.diagnoses else ""

    @property
    def principal_procedure(self) -> str:
        return self.procedures[0] if self.procedures else ""

    @property
    def severity(self) -> int:
        return SEVERITY_MCC if self.flags["has_mcc"] else SEVERITY_CC if self.flags["has_cc"] else SEVERITY_NONE

    def with_procedures(self, procedures: tuple[str, ...]) -> Facts:
        """The same record with another list of procedures."""
        numbers = {**self.numbers, "n_op": sum(code != "" for code in procedures)}
        codes = {**self.codes, **_code_variables("op", procedures)}
        return replace(self, procedures=procedures, numbers=numbers, codes=codes)


def facts_of(tables: DrgTables, case: Case) -> Facts | GroupReason:
    """The facts of a record, or why it is invalid: code mapping first, then the five checks, in their order."""
    diagnoses, procedures = case.diagnoses, case.procedures
    if tables.options.code_mapping:
        reason = _mapping_failure(tables, case)
        if reason is not None:
            return reason
        diagnoses = tuple(mapped_code(tables.dx_map, code) or "" for code in diagnoses)
        procedures = tuple(mapped_code(tables.op_map, code) or "" for code in procedures)
    numbers = {field.name: case.numeric.get(field.name) for field in tables.numeric}
    if tables.options.zero_weight_is_missing and numbers["birth_weight_g"] == 0:
        numbers["birth_weight_g"] = None
    reason = failed_check(numbers)
    if reason is not None:
        return reason

    marks = complication_marks(tables, diagnoses)
    texts = {name: (value,) if (value := case.text.get(name)) else () for name in tables.text_fields}
    derived = {
        "n_dx": sum(code != "" for code in diagnoses),
        "n_op": sum(code != "" for code in procedures),
        "n_sites": len({tables.sites[code] for code in diagnoses if code in tables.sites}),
    }
    return Facts(
        diagnoses=diagnoses,
        procedures=procedures,
        marks=marks,
        numbers={**numbers, **derived},
        flags={"has_mcc": MARK_MCC in marks, "has_cc": MARK_CC in marks},
        codes={**texts, **_code_variables("dx", diagnoses), **_code_variables("op", procedures)},
    )


def mapped_code(code_map: Mapping[str, str], code: str) -> str | None:
    """The code after code mapping; None if it is no source of the map, "" if it is dropped or was blank.

    Each code is replaced once: a target that is itself a source stays. Targets are used as the tables hold them.
    One published target carries a leading blank, and the published answers do use it so: it lies in no list.
    """
    if code == "":
        return ""
    target = code_map.get(code)
    if target is None:
        return None
    return "" if target == MAPS_TO_NOTHING else target


def _mapping_failure(tables: DrgTables, case: Case) -> GroupReason | None:
    """Why the codes cannot be mapped. An empty principal diagnosis cannot; an empty principal procedure may stay."""
    if not case.diagnoses or case.diagnoses[0] == "":
        return GroupReason.DIAGNOSIS_MISSING_FOR_MAPPING
    mapped = [mapped_code(tables.dx_map, code) for code in case.diagnoses]
    if None in mapped:
        return GroupReason.DIAGNOSIS_NOT_MAPPED
    if mapped[0] == "":
        return GroupReason.PRINCIPAL_DIAGNOSIS_MAPS_TO_NOTHING
    mapped = [mapped_code(tables.op_map, code) for code in case.procedures]
    if None in mapped:
        return GroupReason.PROCEDURE_NOT_MAPPED
    if mapped and mapped[0] == "" and case.procedures[0] != "":
        return GroupReason.PRINCIPAL_PROCEDURE_MAPS_TO_NOTHING
    return None


def failed_check(numbers: Mapping[str, int | None]) -> GroupReason | None:
    """The first check that fails 「信息校验不通过」, None if all hold."""
    gender, age_years = numbers["gender"], numbers["age_years"]
    age_days, weight = numbers["age_days"], numbers["birth_weight_g"]
    if gender is None:
        return GroupReason.GENDER_MISSING
    if gender not in (1, 2):
        return GroupReason.GENDER_NOT_1_OR_2
    if age_years is None:
        return GroupReason.AGE_MISSING
    if age_years == 0 and age_days is None:
        return GroupReason.AGE_DAYS_MISSING
    if age_years == 0 and age_days is not None and age_days <= 28 and weight is None:
        return GroupReason.BIRTH_WEIGHT_MISSING
    return None


def complication_marks(tables: DrgTables, diagnoses: tuple[str, ...]) -> tuple[int, ...]:
    """Which diagnoses count as MCC or CC 「合并症或并发症」, slot by slot.

        counts = not the first, listed, and its exclusion table is not that of the principal diagnosis

    A repeat of the principal code further down is judged like any other code.
    """
    principal_table = tables.exclusion_of.get(diagnoses[0]) if diagnoses else None
    marks = []
    for slot, code in enumerate(diagnoses):
        if slot == 0 or code not in tables.complications:
            marks.append(MARK_NONE)
            continue
        level, table = tables.complications[code]
        counted = MARK_MCC if level == "MCC" else MARK_CC
        marks.append(MARK_EXCLUDED if table == principal_table else counted)
    return tuple(marks)


def _code_variables(kind: str, slots: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """`main`, `other`, `any` of one kind of code; blank slots are no codes."""
    main = tuple(code for code in slots[:1] if code)
    other = tuple(code for code in slots[1:] if code)
    return {f"{kind}_main": main, f"{kind}_other": other, f"{kind}_any": main + other}
