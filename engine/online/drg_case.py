"""A record as the rules of a DRG edition see it.

In: a record and a pack; out: the case the plain walk reads. It decides nothing, and needs nothing of DIP.
"""

from __future__ import annotations

from engine.online.record import Record
from engine.packs.load import Pack
from grouper.tables import Case


def drg_case(record: Record, pack: Pack) -> Case:
    """The record as the rules of a DRG edition see it."""
    return Case(
        setl_id=record.setl_id,
        diagnoses=record.diag_codes,
        procedures=record.oprn_codes,
        numeric={number.name: record.number(number.source) for number in pack.tables.numeric},
        text={name: getattr(record, column, None) for name, column in pack.tables.text_fields.items()},
    )
