"""One case out of the files, explained 「单病例说明」; a DRG case without the batch kernels.

In: case files, a settlement id, the packs that may hold. Out: the lines of its explanation, or why it was rejected.
It reads and validates exactly as a run does, so it explains what the run decided. A case that is plainly written and
accepted is read as one record, which needs no frames; `single_frame` reads every other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from engine.cases.demand import Demand, Profile
from engine.cases.plain_row import plain_row
from engine.errors import PackError
from engine.lang import current
from engine.online.record import Record, read_record
from engine.packs.kind import kind_of_pack
from engine.packs.load import Pack, load_pack
from grouper.tables import Case

if TYPE_CHECKING:
    from engine.packs.dip_load import DipPack
    from grouper.dip_tables import DipCase

AnyPack: TypeAlias = "Pack | DipPack"


def explain_one(paths: Sequence[Path], setl_id: str, folders: Sequence[Path], profile: str | None) -> list[str]:
    """The explanation of one case, a line a step. Raises CaseFileError if it is not there or was rejected."""
    packs = [open_pack(folder) for folder in folders]
    demand = _demand(packs, profile)
    record = plain_record(paths, setl_id, demand)
    if record is not None:
        return _of_record(pack_for(packs, record.settled_on, record.discharged_on), record)
    # Frames are loaded for the cases that need them.
    from engine.single_frame import explained, find_case

    found = find_case(paths, setl_id, demand)
    days = found.select("settled_on", "discharged_on").row(0)
    return explained(pack_for(packs, *days), found)


def plain_record(paths: Sequence[Path], setl_id: str, demand: Demand) -> Record | None:
    """The record where it is plainly written and accepted; None leaves it to the general way."""
    row = plain_row(paths, setl_id, demand)
    if row is None:
        return None
    record, refusals = read_record(row, demand)
    return None if refusals else record


def open_pack(folder: Path) -> AnyPack:
    """A rule pack of either kind, without the batch kernels."""
    if kind_of_pack(folder) != "dip":
        return load_pack(folder)
    from engine.packs.dip_load import load_dip_pack

    return load_dip_pack(folder)


def _demand(packs: Sequence[AnyPack], profile: str | None) -> Demand:
    named = {pack.tables.options.validation_profile for pack in packs if isinstance(pack, Pack)}
    chosen: Profile = "strict" if profile == "strict" or (profile is None and named == {"strict"}) else "compatible"
    demand = Demand("group", chosen, numbers=(), dip=has_dip(packs))
    for pack in packs:
        if isinstance(pack, Pack):
            demand = demand.with_numbers(pack.tables.numeric)
    return demand


def has_dip(packs: Sequence[AnyPack]) -> bool:
    """Whether a DIP catalogue is among them."""
    return any(not isinstance(pack, Pack) for pack in packs)


def pack_for(packs: Sequence[AnyPack], settled_on: date | None, discharged_on: date | None) -> AnyPack:
    """The pack in force on the case's date."""
    if len(packs) == 1:
        return packs[0]
    day = settled_on if packs[0].meta.chosen_by == "settlement_date" else discharged_on
    for pack in packs:
        first, last = pack.meta.valid_from or date.min, pack.meta.valid_to or date.max
        if day is not None and first <= day <= last:
            return pack
    raise PackError(f"no pack of the area is in force on {day}; give --pack to explain the case under one of them.")


def _of_record(pack: AnyPack, record: Record) -> list[str]:
    if isinstance(pack, Pack):
        from engine.online.drg_case import drg_case

        return explained_drg(pack, drg_case(record, pack))
    from engine.online.dip_case import dip_case

    return explained_dip(pack, dip_case(record, pack)[0])


def explained_drg(pack: Pack, case: Case) -> list[str]:
    """The lines of one case under a DRG edition."""
    from engine.explain import explain_case

    explanation = explain_case(pack, case, current())
    return [f"{explanation.setl_id}  {_version(pack)}  {explanation.drg}", *explanation.lines]


def explained_dip(pack: DipPack, case: DipCase) -> list[str]:
    """The lines of one case under a DIP catalogue."""
    from grouper.dip_reference import DipWalker
    from grouper.dip_trace import trace

    found = trace(DipWalker(pack.tables), case)
    return [f"{found.outcome.setl_id}  {_version(pack)}  {found.outcome.code or '–'}", *found.lines(current())]


def _version(pack: AnyPack) -> str:
    return f"{pack.meta.id}@{pack.meta.version}"
