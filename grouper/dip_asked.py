"""Which numbers of a record a catalogue asks for 「所需数据项」: cost, stay, age and so on.

In: DipTables; out: places in `dip_layout.NUMBERS`. What no rule reads need not be worked out for any record. It reads
no record.
"""

from __future__ import annotations

from collections.abc import Iterator

from grouper import dip_layout as at
from grouper.dip_condition import Test
from grouper.dip_tables import DipTables

COSTS = (at.COST, at.COST_FACTOR, at.BASIC_COST_FACTOR)
OF_TEST = {
    "death": (at.DEATH,),
    "long_stay": (at.STAY,),
    "stay": (at.STAY,),
    "age": (at.AGE_YEARS,),
    "age_days": (at.AGE_DAYS,),
    "age_band": (at.AGE_DAYS, at.AGE_YEARS),
    "icu_days": (at.ICU_DAYS,),
    "birth_weight": (at.WEIGHT,),
    "severity": (at.DEATH, at.STAY),
    "tumour": (at.DEATH, at.STAY, *COSTS, at.TREATMENT, at.DRUG),
}


def tests_of(tables: DipTables) -> Iterator[Test]:
    """Every test of every condition of the catalogue."""
    for condition in (*(row.condition for row in tables.auxiliary), *(group.flag for group in tables.groups)):
        for part in () if condition is None else condition.any_of:
            yield from part


def asked_numbers(tables: DipTables) -> list[int]:
    """The numbers some rule reads, ascending."""
    found = {number for name in {test.name for test in tests_of(tables)} for number in OF_TEST.get(name, ())}
    if any(rule.rule == "nearest_cost" for rule in tables.tie_rules):
        found.update(COSTS)
    for group in tables.groups:
        if group.age_days_lt is not None:
            found.add(at.AGE_DAYS)
        if group.age_min is not None or group.age_max is not None:
            found.add(at.AGE_YEARS)
        if group.weight_min_g is not None or group.weight_max_g is not None:
            found.add(at.WEIGHT)
    return sorted(found)
