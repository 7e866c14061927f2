"""What a run asks of its case files: purpose, profile, and the numbers its packs read 「读取要求」.

In: a choice of the run and the numeric fields packs declare; out: which columns are read, which must be there.
Purpose `group` needs an id and the clinical columns; `settle` also hospital, scheme, dates and money.
It looks at no file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from engine.cases.columns import TYPED, Typed, typed_by_column
from engine.cases.facts import FACT_COLUMNS, NO_FACTS, Facts
from grouper.tables import STANDARD_NUMERIC, NumericField

Purpose = Literal["group", "settle"]
Profile = Literal["compatible", "strict"]

GROUP_COLUMNS = ("setl_id", "gend", "age", "diag_codes", "oprn_codes")
"""Without procedures every case would be grouped as medical and nobody would notice, so their column must be there."""
STRICT_COLUMNS = ("act_ipt_days", "dscg_way")
SETTLE_COLUMNS = ("fixmedins_code", "insutype", "dscg_time", "setl_end_date", "medfee_sumamt", "hifp_pay")
DIP_COLUMNS = ("fixmedins_code", "insutype", "medfee_sumamt")
"""A DIP tie may be decided by which group's cost is nearest, and that cost depends on hospital and scheme."""
DIP_ONLY = frozenset({"brdy", "insuplc_admdvs"})
ON_DEMAND = DIP_ONLY | {"med_type"}
"""Columns that are read only for whoever asks."""
DRG_PERSON = frozenset({"gend", "age"})
"""What every DRG edition checks and a DIP catalogue may never ask for."""

SUBSTITUTES: dict[str, tuple[tuple[str, ...], ...]] = {
    "setl_id": (("mdtrt_id",), ("medcasno", "ipt_cnt"), ("medcasno",)),
    "age": (("nwb_age",),),
    "act_ipt_days": (("adm_time", "dscg_time"),),
}
"""A missing required column is made good by any one of these sets."""

POOLS = frozenset({"310", "390"})
"""Schemes that settle under a budget of their own: employees and residents."""


@dataclass(frozen=True)
class Demand:
    """One run's demand. `numbers` are the numeric fields of all its packs; `pools` the schemes that can be settled."""

    purpose: Purpose
    profile: Profile
    numbers: tuple[NumericField, ...] = STANDARD_NUMERIC
    pools: frozenset[str] = POOLS
    dip: bool = False
    """A DIP catalogue takes part: it looks at cost, hospital and scheme, and finds the age from the date of birth."""
    fund_unused: bool = False
    """The policy pays standards whole and declares points, so what was booked item by item may be absent."""
    facts: Facts = NO_FACTS
    """What the policy asks of the record beyond the standing columns."""

    def __post_init__(self) -> None:
        kinds = {typed.column: typed.kind for typed in TYPED}
        for number in self.numbers:
            if kinds.get(number.source, "int") not in ("int", "whole"):
                raise ValueError(
                    f"numeric field {number.name!r} reads column {number.source!r}, which holds no plain number. "
                    f"Name a column of days, hours, grams, years or counts."
                )

    def with_numbers(self, numbers: Iterable[NumericField]) -> Demand:
        """The same demand with the fields of one more pack."""
        return replace(self, numbers=(*self.numbers, *(field for field in numbers if field not in self.numbers)))

    @property
    def typed(self) -> tuple[Typed, ...]:
        """The typed columns of this run: those only a policy asks for are there when it does."""
        asked = self.facts.columns
        return tuple(typed for typed in TYPED if typed.column not in FACT_COLUMNS or typed.column in asked)

    @cached_property
    def extra_numbers(self) -> tuple[str, ...]:
        """Columns that packs read beyond the standing ones, each once, in order of declaration."""
        standing = typed_by_column()
        return tuple(dict.fromkeys(field.source for field in self.numbers if field.source not in standing))

    @cached_property
    def required_numbers(self) -> frozenset[str]:
        """Columns that must hold a number in every row."""
        return frozenset(field.source for field in self.numbers if not field.null_allowed)

    @property
    def wanted(self) -> tuple[str, ...]:
        """File columns that are read if they are there. Grouping reads no money, so no fault of money can stop it."""
        money = self.purpose == "settle" or self.dip
        standing = (typed.column for typed in self.typed if money or typed.kind != "fen")
        return (*(name for name in standing if name not in ON_DEMAND or self._asked(name)), *self.extra_numbers)

    def _asked(self, name: str) -> bool:
        return name in self.facts.columns or (self.dip and name in DIP_ONLY)

    @property
    def required(self) -> tuple[str, ...]:
        """File columns without which nothing is read."""
        names = [name for name in GROUP_COLUMNS if not self.dip or name not in DRG_PERSON]
        if self.profile == "strict":
            names += STRICT_COLUMNS
        if self.dip:
            names += DIP_COLUMNS
        if self.purpose == "settle":
            names += [name for name in SETTLE_COLUMNS if name != "hifp_pay" or not self.fund_unused]
        return tuple(dict.fromkeys([*names, *sorted(self.required_numbers), *self.facts.required]))
