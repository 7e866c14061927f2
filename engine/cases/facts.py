"""What a policy asks of the records beyond what every settling run reads 「政策所需的病案项目」.

In: nothing; out: `Facts`, the names of file columns and operation codes a run's policy asks for. A run whose policy
asks for nothing carries nothing, so that a million cases stay small. It decides nothing about a case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from engine.policy.predicates import When
    from pointvalue.model import Hospital

FEES: Final = {
    "tcm_treatment": "tcm_trt_fee",
    "proprietary": "tcm_patn_fee",
    "decoction": "tcm_herb_fee",
    "western_treatment": "wm_trt_fee",
    "western_drugs": "wm_drug_fee",
    "surgery": "oprn_fee",
    "materials": "mcs_fee",
}
"""The fees the TCM share is made of, and the file column of each."""
PERSON: Final = "psn_no"
BIRTH_WEIGHT: Final = "nwb_bir_wt"
KIND_OF_CARE: Final = "med_type"
BITS_MAX: Final = 62
"""How many operations, and how many conditions, a run can tell apart."""
FACT_COLUMNS: Final = frozenset({PERSON, *FEES.values()})
"""Columns that only a policy asks for."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`required` file columns must be there, `optional` ones are read if they are.

    Which of `operations` (code prefixes) a case's procedures begin with, and which of `conditions` it fulfils, is kept
    as a bit each, at most `BITS_MAX`. Conditions may ask for levels and counties of `hospitals` and the area's region.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    conditions: tuple[When, ...] = ()
    hospitals: Mapping[str, Hospital] = field(default_factory=dict)
    area_code: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.required, *self.optional)

    @property
    def person(self) -> bool:
        """Whether stays of one person are to be found: by pseudonym and day of admission."""
        return PERSON in self.columns

    @property
    def kind_of_care(self) -> bool:
        return KIND_OF_CARE in self.columns

    @property
    def birth_weight(self) -> bool:
        return BIRTH_WEIGHT in self.columns

    @property
    def fees(self) -> bool:
        return set(FEES.values()) <= set(self.columns)


NO_FACTS: Final = Facts()
