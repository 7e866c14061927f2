"""A record as a DIP catalogue sees it.

In: a record and a catalogue; out: the case the plain walk reads, and its row of the price table. It decides nothing,
and needs nothing of DRG.
"""

from __future__ import annotations

from engine.online.record import Record
from engine.packs.dip_load import DipPack
from grouper.dip_tables import DipCase
from pointvalue.dip_score_tables import CaseKeys, Price, ScoringError
from pointvalue.dip_scoring import look_up

_DEATH = "5"


def dip_case(record: Record, pack: DipPack) -> tuple[DipCase, Price | None]:
    """The record as a catalogue sees it, and the row of its price table, if there is one."""
    try:
        keys = CaseKeys(record.fixmedins_code or "", record.insutype or "", record.setl_ym, record.insuplc_admdvs)
        price = look_up(pack.scoring.prices, keys, "price")
    except ScoringError:
        price = None
    arrived = record.adm_on or record.discharged_on
    days = (arrived - record.born_on).days if arrived and record.born_on else record.nwb_age
    stay = record.act_ipt_days
    if record.adm_on is not None and record.discharged_on is not None:
        stay = (record.discharged_on - record.adm_on).days
    icu = record.numbers.get("icu_hours")
    case = DipCase(
        record.setl_id,
        record.diag_codes,
        record.oprn_codes,
        cost_total_fen=record.medfee_sumamt_fen,
        cost_factor_e6=price.cost_factor_e6 if price else None,
        basic_cost_factor_e6=price.basic_cost_factor_e6 if price else None,
        stay_days=stay,
        age_years=days * 4 // 1461 if days is not None else record.age,
        age_days=days,
        birth_weight_g=record.nwb_bir_wt,
        icu_days=None if icu is None else (icu + 23) // 24,
        is_death=record.dscg_way == _DEATH,
    )
    return case, price
