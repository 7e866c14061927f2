"""One rule pack of a run, as the flow sees it, whatever its kind 「分组方案的统一接口」.

In: nothing; out: the protocol that DRG editions and DIP catalogues fulfil. The flow hands an edition frames of accepted
cases and gets casebook columns back; the reports ask it what an answer is called. Nothing here knows a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import polars as pl
import pyarrow as pa

from engine.packs.meta import PackMeta
from engine.stamps import Stamps
from grouper.tables import NumericField

RESULT_COLUMNS = (
    *("mdc_code", "mdc_name", "adrg_code", "adrg_name", "drg_code", "drg_name"),
    *("dip_type", "dip_name"),
)
"""Columns of the grouped file that follow from the answer alone."""

GroupFrame = Callable[[pl.DataFrame], Mapping[str, pa.Array]]
"""Groups one frame: the casebook columns status, reason, leaf, auxiliary, severity and the codes, row for row."""


class Edition(Protocol):
    """A loaded pack. `leaf` in the casebook is its own numbering of answers, −1 = none."""

    @property
    def meta(self) -> PackMeta: ...
    @property
    def kind(self) -> str:
        """`drg` or `dip`; the kind of scheme where a policy's own scheme stands for a pack."""
        ...

    @property
    def fingerprint(self) -> str: ...
    @property
    def profile(self) -> str:
        """Validation profile the pack names; empty where it names none."""
        ...

    @property
    def numbers(self) -> tuple[NumericField, ...]:
        """Numbers of the record its rules read."""
        ...

    @property
    def group_codes(self) -> tuple[str, ...]:
        """Groups it can give, ambiguous ones included, by leaf."""
        ...

    @property
    def ambiguous_codes(self) -> frozenset[str]: ...
    def answers(self) -> Sequence[Mapping[str, str | None]]:
        """RESULT_COLUMNS of every answer: first by leaf, then failed, then invalid."""
        ...

    def reason_text(self, reason: int) -> tuple[str, str]:
        """(code, Chinese text) of a reason."""
        ...

    def deviation_types(self) -> Mapping[str, str]:
        """LOW, NORM or HIGH by the pack's own class of cost deviation; empty where the policy classes cases."""
        ...

    def grouping(self, mapping: bool | None) -> GroupFrame:
        """What groups frames; it may be called from several threads."""
        ...


class PackEdition(Edition, Protocol):
    """An edition that was read from a rule pack on disk."""

    @property
    def folder(self) -> Path:
        """Where it was read from."""
        ...

    @property
    def stamps(self) -> Stamps | None:
        """What the file system said of that folder before it was read."""
        ...

    def with_meta(self, meta: PackMeta) -> PackEdition:
        """The same rules under another period of validity."""
        ...
