"""The rule packs of one run, and which of them holds for a case 「分组方案的适用」.

In: one pack for every case, or several packs of one area with periods of validity. Out: per case the index of its
edition, and for every edition the codes and names of its results as arrays to look up in.
The date picks the pack: discharge or settlement date, as the packs say. It never falls back to a neighbouring edition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.errors import PackError
from engine.packs.choose import calendar_of
from engine.packs.load import Pack
from grouper.reason import GroupStatus

_EPOCH = date(1970, 1, 1)
RESULT_COLUMNS = ("mdc_code", "mdc_name", "adrg_code", "adrg_name", "drg_code", "drg_name")


@dataclass(frozen=True)
class Editions:
    """`always` = a pack was named for this run, so it groups every case whatever its date."""

    packs: tuple[Pack, ...]
    always: bool = False

    def __post_init__(self) -> None:
        if not self.packs:
            raise PackError("no rule pack was named. Give --pack, or an area whose policy lists its packs.")
        if self.always and len(self.packs) != 1:
            raise PackError("one pack groups every case of this run; several packs were named.")
        if not self.always:
            # Packs of one area are laid end to end: a gap or an overlap is the author's error, not a case's.
            calendar_of(self.packs)

    @property
    def date_column(self) -> str:
        """The accepted frame's column that picks the edition."""
        return "settled_on" if self.packs[0].meta.chosen_by == "settlement_date" else "discharged_on"

    @property
    def needs_dates(self) -> bool:
        """Whether a case must have that date to be grouped."""
        return not self.always

    def index_of(self, days: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
        """Edition per case from days since 1970-01-01; −1 where no edition is in force."""
        if self.always:
            return np.zeros(len(days), np.int8)
        index = np.full(len(days), -1, np.int8)
        for place, pack in enumerate(self.packs):
            first, last = pack.meta.valid_from, pack.meta.valid_to
            within = np.ones(len(days), np.bool_)
            if first is not None:
                within &= days >= (first - _EPOCH).days
            if last is not None:
                within &= days <= (last - _EPOCH).days
            index[within] = place
        return index

    @property
    def versions(self) -> list[str]:
        """`grp_ver` of each edition: id and version."""
        return [_name(pack) for pack in self.packs]

    @cached_property
    def group_codes(self) -> list[tuple[str, ...]]:
        """The groups each edition can give (not ambiguous, not failed), in leaf order."""
        return [pack.compiled().leaf_code for pack in self.packs]

    @cached_property
    def _bases(self) -> npt.NDArray[np.int64]:
        sizes = [len(pack.compiled().leaf_code) + 2 for pack in self.packs]
        return np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)

    def result_rows(
        self, casebook_edition: npt.NDArray[np.int64], leaf: npt.NDArray[np.int64], status: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Row of each case in `results`: its leaf, or its edition's row for failed and for invalid records."""
        sizes = np.array([len(codes) for codes in self.group_codes], np.int64)
        failed = sizes[casebook_edition] + (status == GroupStatus.INVALID)
        return self._bases[casebook_edition] + np.where(leaf >= 0, leaf, failed)

    @cached_property
    def results(self) -> dict[str, pa.Array]:
        """Codes and names of every possible answer, all editions one after another."""
        rows = [row for pack in self.packs for row in _answers(pack)]
        return {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(RESULT_COLUMNS)}


def _answers(pack: Pack) -> Sequence[tuple[str, str | None, str, str | None, str, str | None]]:
    compiled, names, options = pack.compiled(), pack.names, pack.tables.options
    answers: list[tuple[str, str | None, str, str | None, str, str | None]] = []
    for mdc, adrg, drg in zip(compiled.leaf_mdc, compiled.leaf_adrg, compiled.leaf_code, strict=True):
        ambiguous = "歧义组" if adrg == "QY" else None
        answers.append(
            (mdc, names.mdc.get(mdc), adrg, names.adrg.get(adrg, ambiguous), drg, names.drg.get(drg, ambiguous))
        )
    bad_mdc, bad_adrg, bad_drg = options.failed_check_codes
    answers.append(("0000", None, "00", None, options.ungrouped_code, None))
    answers.append((bad_mdc, None, bad_adrg, None, bad_drg, None))
    return answers


def _name(pack: Pack) -> str:
    return f"{pack.meta.id}@{pack.meta.version}"
