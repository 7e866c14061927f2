"""One record grouped in plain Python 「单病例分组」.

In: a record and the edition of its date; out: `Grouped`, the columns of `grouped.parquet` for this one case and what
pricing needs. The walks are those the kernels are tested against.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.online.counter import Counter, Edition
from engine.online.dip_case import dip_case
from engine.online.drg_case import drg_case
from engine.online.record import Record
from engine.packs.dip_load import DipPack
from engine.packs.load import Pack
from grouper.dip_reason import TEXT_ZH as DIP_ZH
from grouper.reason import TEXT_ZH, GroupStatus
from pointvalue.dip_score_tables import Price

_SEVERITY = ("NONE", "CC", "MCC")


@dataclass(frozen=True, slots=True)
class DipFound:
    """What a catalogue says of the case beyond its group."""

    base_points_e4: int | None
    auxiliary_factor_e6: int
    reference_fen: Fraction | None
    group_mean_fen: int | None
    primary_care_factor_e6: int | None
    is_blank: bool
    price: Price | None


@dataclass(frozen=True, slots=True)
class Grouped:
    """`columns` are those of the grouped file; `group` is the code prices are looked up by."""

    status: GroupStatus
    group: str
    columns: dict[str, Any]
    dip: DipFound | None = None


def group_record(counter: Counter, edition: Edition, record: Record) -> Grouped:
    """The group of one record under one edition."""
    carried = {
        "setl_id": record.setl_id,
        "fixmedins_code": record.fixmedins_code,
        "setl_ym": record.setl_ym,
        "insutype": record.insutype,
        "grp_ver": edition.version,
    }
    if isinstance(edition.pack, DipPack):
        return _dip(counter, edition, edition.pack, record, carried)
    return _drg(counter, edition, edition.pack, record, carried)


def _drg(counter: Counter, edition: Edition, pack: Pack, record: Record, carried: dict[str, Any]) -> Grouped:
    outcome = counter.walker(edition).walk(drg_case(record, pack))
    names = pack.names
    has_group = outcome.status in (GroupStatus.OK, GroupStatus.QY)
    ambiguous = "歧义组" if outcome.adrg == "QY" else None
    columns = carried | {
        "pay_mode": "DRG",
        "grp_stas": outcome.status.name,
        "grp_rea_code": str(int(outcome.reason)),
        "grp_rea": TEXT_ZH[outcome.reason],
        "mdc_code": outcome.mdc,
        "mdc_name": names.mdc.get(outcome.mdc) if has_group else None,
        "adrg_code": outcome.adrg,
        "adrg_name": names.adrg.get(outcome.adrg, ambiguous) if has_group else None,
        "drg_code": outcome.drg,
        "drg_name": names.drg.get(outcome.drg, ambiguous) if has_group else None,
        "mcc_cc_flag": _SEVERITY[outcome.severity],
        "mcc_diag_codes": sorted(set(outcome.counted)),
        "excl_diag_codes": sorted(set(outcome.excluded)),
        "main_oprn_code": outcome.procedure or None,
    }
    return Grouped(outcome.status, outcome.drg, columns)


def _dip(counter: Counter, edition: Edition, pack: DipPack, record: Record, carried: dict[str, Any]) -> Grouped:
    case, price = dip_case(record, pack)
    outcome = counter.walker(edition).walk(case)
    group, row = outcome.group, outcome.auxiliary
    status = GroupStatus.FAIL if group is None else GroupStatus.OK
    columns = carried | {
        "pay_mode": "DIP",
        "grp_stas": status.name,
        "grp_rea_code": f"D{int(outcome.reason)}",
        "grp_rea": DIP_ZH[outcome.reason],
        "dip_code": outcome.code,
        "dip_name": None if group is None else group.name,
        "dip_type": None if group is None else group.layer,
        "dip_sup_type": None if row is None else row.dimension,
        "dip_sup_name": None if row is None else row.level,
        "dip_sup_coef": None if row is None else decimal_text(outcome.auxiliary_factor_e6, 6),
        "dip_sco": None if outcome.base_points_e4 is None else decimal_text(outcome.base_points_e4, 4),
        "main_oprn_code": outcome.main or (record.oprn_codes[0] if record.oprn_codes else None),
    }
    factor = None
    if group is not None and outcome.is_primary_care:
        from grouper.dip_search import basic_factor_e6

        factor = basic_factor_e6(group)
    found = DipFound(
        outcome.base_points_e4,
        outcome.auxiliary_factor_e6,
        outcome.reference_cost_fen,
        None if group is None else group.cost_mean_fen,
        factor,
        outcome.is_blank,
        price,
    )
    return Grouped(status, outcome.code or "", columns, found)


def decimal_text(value: int, places: int) -> str:
    """A scaled integer as a decimal with all its places: 12345 at 4 → `1.2345`."""
    digits = f"{abs(value):0{places + 1}d}"
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
