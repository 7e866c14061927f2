"""What a policy asks of the records beyond what every settling run reads 「政策所需的病案项目」.

In: nothing; out: `Facts`, the names of file columns and operation codes a run's policy asks for. A run whose policy
asks for nothing carries nothing, so that a million cases stay small. It decides nothing about a case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
OPERATIONS_MAX: Final = 62
FACT_COLUMNS: Final = frozenset({PERSON, *FEES.values()})
"""Columns that only a policy asks for."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`required` file columns must be there, `optional` ones are read if they are. Of `operations` (code prefixes, at
    most `OPERATIONS_MAX`) it is kept which ones a case's procedures begin with, a bit each."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.required, *self.optional)

    @property
    def person(self) -> bool:
        """Whether stays of one person are to be found: by pseudonym and day of admission."""
        return PERSON in self.columns

    @property
    def kind_of_care(self) -> bool:
        return "med_type" in self.columns

    @property
    def birth_weight(self) -> bool:
        return BIRTH_WEIGHT in self.columns

    @property
    def fees(self) -> bool:
        return set(FEES.values()) <= set(self.columns)


NO_FACTS: Final = Facts()
