"""Sound records that this run cannot settle 「本次运行无法结算的病例」: the fault is in how record and area fit.

In: accepted rows and a kind of misfit. Out: rejection rows of the same form as those of validation. Codes start with R,
stand in result files, and are never changed or reused.
"""

from __future__ import annotations

from enum import StrEnum

import polars as pl

from engine.cases.validate import REJECTED_SCHEMA


class Misfit(StrEnum):
    """Why a sound record does not belong to any rule of the area."""

    HOSPITAL_UNKNOWN = "R001"
    NO_EDITION = "R002"
    NO_SCHEME = "R003"


_FIELD = {Misfit.HOSPITAL_UNKNOWN: "fixmedins_code", Misfit.NO_EDITION: "dscg_time", Misfit.NO_SCHEME: ""}
TEXT_ZH = {
    Misfit.HOSPITAL_UNKNOWN: "政策的定点医疗机构表中没有该机构。请核对编号，或在 hospitals 表中补上该机构。",
    Misfit.NO_EDITION: "该日期没有可用的分组方案版本。请核对出院、结算日期，或在政策的 area.packs 中补上当时的版本。",
    Misfit.NO_SCHEME: "没有付费方式适用于该病例。请核对病例，或在政策的 area.schemes 末尾补一个不带条件的付费方式。",
}
TEXT_EN = {
    Misfit.HOSPITAL_UNKNOWN: "The policy's hospital table lacks this hospital. Check the code, or add it there.",
    Misfit.NO_EDITION: "No edition of the rule pack is in force on its date. Check the dates, or add it to area.packs.",
    Misfit.NO_SCHEME: "No scheme takes this case. Check the case, or end area.schemes with one without a condition.",
}


def misfit_rows(frame: pl.DataFrame, misfit: Misfit) -> pl.DataFrame:
    """The rows of `frame` as rejections."""
    known = {
        "field": pl.lit(_FIELD[misfit]),
        "code": pl.lit(misfit.value),
        "reason_zh": pl.lit(TEXT_ZH[misfit]),
        "reason_en": pl.lit(TEXT_EN[misfit]),
    }
    return frame.select(known.get(name, pl.col(name)).cast(kind).alias(name) for name, kind in REJECTED_SCHEMA.items())
