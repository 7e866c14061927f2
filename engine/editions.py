"""The rule packs of one run, and which of them holds for a case 「分组方案的适用」.

In: one pack for every case, or several packs of one area with periods of validity. Out: per case the index of its
edition, and for every edition the codes and names of its results as arrays to look up in.
The date picks the pack: discharge or settlement date, as the packs say. It never falls back to a neighbouring edition.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.edition import RESULT_COLUMNS, Edition, PackEdition
from engine.edition_drg import DrgEdition
from engine.errors import PackError
from engine.packs.choose import calendar_of
from engine.packs.kind import kind_of_pack
from engine.packs.load import load_pack
from engine.routing import NO_EDITION, Router, day_number, in_force
from engine.stamps import stamps_of
from grouper.reason import GroupStatus

I64 = npt.NDArray[np.int64]


def open_edition(path: Path) -> PackEdition:
    """Load the pack in a folder, DRG or DIP. Compiled catalogues are kept where DIANZHI_CACHE_DIR says, if it does."""
    before = stamps_of(path)
    if kind_of_pack(path) == "dip":
        from engine.edition_dip import DipEdition
        from engine.packs.dip_cache import load_dip_cached
        from engine.packs.dip_load import load_dip_pack

        if cache := os.environ.get("DIANZHI_CACHE_DIR"):
            return DipEdition(*load_dip_cached(path, cache), stamps=before)
        return DipEdition(load_dip_pack(path), stamps=before)
    return DrgEdition(load_pack(path), stamps=before)


def adopted(edition: PackEdition, first: date | None, last: date | None) -> PackEdition:
    """The edition as an area uses it: from the day it takes it up to the day it gives it up, where those are not the
    pack's own."""
    if first is None and last is None:
        return edition
    meta = replace(edition.meta, valid_from=first or edition.meta.valid_from, valid_to=last or edition.meta.valid_to)
    return edition.with_meta(meta)


@dataclass(frozen=True)
class Editions:
    """`always` = a pack was named for this run, so it groups every case whatever its date. `router` = the area has
    several schemes; without one every case belongs to the packs, by date."""

    editions: tuple[Edition, ...]
    always: bool = False
    router: Router | None = None
    calendar: bool = True
    """Whether the packs follow each other; those of several schemes stand side by side until a router tells them apart.
    """

    def __post_init__(self) -> None:
        if self.always and len(self.editions) != 1:
            raise PackError("one pack groups every case of this run; several packs were named.")
        # Packs of one scheme are laid end to end: a gap or an overlap is the author's error, not a case's.
        if self.router is not None:
            for scheme in sorted(set(self.router.scheme_of)):
                calendar_of([e for e, of in zip(self.editions, self.router.scheme_of, strict=True) if of == scheme])
            if len({edition.meta.chosen_by for edition in self.editions}) > 1:
                raise PackError(
                    "the packs of one area must all be chosen by discharge date, or all by settlement date."
                )
        elif self.editions and self.calendar and not self.always:
            calendar_of(self.editions)

    @classmethod
    def of(cls, *paths: Path) -> Editions:
        """The pack in one folder for every case, or the packs of an area by their dates."""
        if not paths:
            raise PackError("no rule pack was named. Give --pack, or an area whose policy lists its packs.")
        return cls(tuple(open_edition(path) for path in paths), always=len(paths) == 1)

    def __len__(self) -> int:
        return len(self.editions)

    @property
    def packs(self) -> tuple[PackEdition, ...]:
        """The editions that are rule packs; the others are schemes of the policy."""
        return tuple(cast(PackEdition, edition) for edition in self.editions if edition.kind in ("drg", "dip"))

    @property
    def pack_versions(self) -> list[str]:
        """Id and version of each rule pack."""
        return [f"{edition.meta.id}@{edition.meta.version}" for edition in self.packs]

    @property
    def has_dip(self) -> bool:
        return any(edition.kind == "dip" for edition in self.editions)

    @property
    def chosen_by(self) -> str:
        return self.editions[0].meta.chosen_by

    @property
    def date_column(self) -> str:
        """The accepted frame's column that picks the edition."""
        return "settled_on" if self.chosen_by == "settlement_date" else "discharged_on"

    @property
    def needs_dates(self) -> bool:
        """Whether a case must have that date to be grouped."""
        return not self.always

    def place(self, frame: pl.DataFrame) -> npt.NDArray[np.int8]:
        """Edition per case; `NO_EDITION` where none is in force, `NO_SCHEME` where no scheme takes it."""
        if self.router is not None:
            return self.router.place(frame, self.editions, self.date_column)
        if self.always:
            return np.zeros(len(frame), np.int8)
        days = frame[self.date_column].to_physical().cast(pl.Int64).fill_null(np.iinfo(np.int64).min).to_numpy()
        index = np.full(len(frame), NO_EDITION, np.int8)
        for place, edition in enumerate(self.editions):
            index[in_force(edition, days)] = place
        return index

    @cached_property
    def edges(self) -> I64:
        """First and last day of every edition, as days since 1970-01-01; an open end lies as far as numbers go."""
        far = np.iinfo(np.int64)
        valid = [(edition.meta.valid_from, edition.meta.valid_to) for edition in self.editions]
        days = [
            (far.min if first is None else day_number(first), far.max if last is None else day_number(last))
            for first, last in valid
        ]
        return np.array(days, np.int64).reshape(-1, 2)

    @property
    def versions(self) -> list[str]:
        """`grp_ver` of each edition: id and version."""
        return [f"{edition.meta.id}@{edition.meta.version}" for edition in self.editions]

    @cached_property
    def _sizes(self) -> I64:
        return np.array([len(edition.group_codes) for edition in self.editions], np.int64)

    @cached_property
    def result_places(self) -> tuple[I64, I64]:
        """First row in `results`, and number of groups, of every edition."""
        return np.concatenate([[0], np.cumsum(self._sizes + 2)])[:-1].astype(np.int64), self._sizes

    def result_rows(self, edition: I64, leaf: I64, status: I64) -> I64:
        """Row of each case in `results`: its leaf, or its edition's row for failed and for invalid records."""
        bases, _ = self.result_places
        failed = self._sizes[edition] + (status == GroupStatus.INVALID)
        rows: I64 = bases[edition] + np.where(leaf >= 0, leaf, failed)
        return rows

    @cached_property
    def results(self) -> dict[str, pa.Array]:
        """Codes and names of every possible answer, all editions one after another."""
        rows = [row for edition in self.editions for row in edition.answers()]
        return {name: pa.array([row.get(name) for row in rows], pa.string()) for name in RESULT_COLUMNS}

    @cached_property
    def group_of_results(self) -> tuple[str, ...]:
        """DRG code of every row of `results`, empty where it has none."""
        return tuple(code or "" for code in self.results["drg_code"].to_pylist())

    @cached_property
    def groups_of_results(self) -> tuple[str, ...]:
        """These codes, each once, ascending; the empty one is among them."""
        return tuple(sorted({*self.group_of_results, ""}))

    @cached_property
    def deviation_types(self) -> dict[str, str]:
        """LOW, NORM or HIGH for every deviation class of the catalogues, by what the class is called."""
        return {label: kind for edition in self.editions for label, kind in edition.deviation_types().items()}

    def reasons(self, edition: I64, reason: I64) -> tuple[pa.Array, pa.Array]:
        """Code and Chinese text of every case's reason."""
        pairs, index = np.unique(edition * 256 + reason, return_inverse=True)
        texts: Sequence[tuple[str, str]] = [
            self.editions[pair // 256].reason_text(pair % 256) for pair in pairs.tolist()
        ]
        place = pa.array(index.reshape(-1).astype(np.int32))
        codes, words = (pa.array([text[n] for text in texts], pa.string()) for n in (0, 1))
        return pa.DictionaryArray.from_arrays(place, codes), pa.DictionaryArray.from_arrays(place, words)
