"""The casebook columns a policy's facts add, batch by batch 「病例册附加列」.

In: accepted rows and `Facts`; out: Arrow columns. `psn_no` (a pseudonym) never leaves the casebook: no file of a run
shows it. Codes match as prefixes. Shares are rounded down. It decides nothing about a case: `engine.case_facts` does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.cases.facts import FEES, Facts
from engine.conditions import Conditions
from pointvalue.tcm import TreatmentFees, tcm_ratio_e6


def fact_schema(facts: Facts) -> list[tuple[str, pa.DataType]]:
    """Names and types of the added columns."""
    found: list[tuple[str, pa.DataType]] = []
    if facts.person:
        found += [("psn_no", pa.dictionary(pa.int32(), pa.string())), ("adm_on", pa.date32())]
    if facts.kind_of_care:
        found.append(("med_type", pa.dictionary(pa.int32(), pa.string())))
    if facts.birth_weight:
        found.append(("nwb_bir_wt", pa.int32()))
    if facts.fees:
        found.append(("tcm_ratio_e6", pa.int32()))
    if facts.operations:
        found.append(("operations", pa.int64()))
    if facts.conditions:
        found.append(("conditions", pa.int64()))
    return found


def fact_columns(frame: pl.DataFrame, facts: Facts) -> Mapping[str, pa.Array]:
    """The added columns of one batch of accepted rows."""
    found: dict[str, pa.Array] = {}
    for name, _ in fact_schema(facts):
        if name == "tcm_ratio_e6":
            found[name] = pa.array(_tcm_ratios(frame).astype(np.int32))
        elif name == "operations":
            found[name] = pa.array(_operations(frame["oprn_codes"], facts.operations))
        elif name == "conditions":
            found[name] = pa.array(_conditions(frame, facts))
        else:
            found[name] = frame[name].to_arrow()
    return found


def _tcm_ratios(frame: pl.DataFrame) -> npt.NDArray[np.int64]:
    """TCM share of every case; an empty fee cell is a fee nobody charged."""
    fees = {part: frame[f"{column}_fen"].fill_null(0).to_numpy().astype(np.int64) for part, column in FEES.items()}
    return tcm_ratio_e6(TreatmentFees(**fees))


def _operations(codes: pl.Series, prefixes: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Which listed operations each case has: bit n for the one at place n."""
    bits = np.zeros(len(codes), np.int64)
    numbered = pl.DataFrame({"row": np.arange(len(codes)), "code": codes}).explode("code")
    for place, prefix in enumerate(prefixes):
        bits[numbered.filter(pl.col("code").str.starts_with(prefix))["row"].to_numpy()] |= 1 << place
    return bits


def _conditions(frame: pl.DataFrame, facts: Facts) -> npt.NDArray[np.int64]:
    """Which conditions each case fulfils: bit n for the one at place n."""
    bits, asked = np.zeros(len(frame), np.int64), Conditions(facts.hospitals, facts.area_code)
    for place, when in enumerate(facts.conditions):
        holds = frame.select((asked.expression(when) & pl.lit(True)).alias("holds"))["holds"].to_numpy()
        bits[np.broadcast_to(holds, bits.shape)] |= 1 << place
    return bits
