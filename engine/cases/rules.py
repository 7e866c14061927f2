"""Which rows may pass: a plain table of named conditions 「校验规则」.

In: what the run demands, and the typed frame's columns; out: rules in order of precedence, each a condition that must
hold. A condition that comes out null is a rejection, not a pass. Which rules are active depends on the profile
(compatible or strict) and the purpose (group or settle) alone. Rules look at one row; duplicates are found elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from engine.cases.codes import TOO_LONG
from engine.cases.columns import TYPED
from engine.cases.convert import TOO_FINE, UNREADABLE
from engine.cases.demand import Demand
from engine.cases.facts import FEES, PERSON
from engine.cases.gather import MAINS
from engine.cases.limits import (
    AGE_MAX,
    BIRTH_WEIGHT_G,
    CODES_MAX,
    COST_MAX_FEN,
    DISPOSITIONS,
    NEWBORN_DAYS,
    STAY_SLACK_DAYS,
)
from engine.cases.read import MISSHAPEN
from engine.cases.rejection import Reject
from engine.cases.sex import FEMALE, MALE


@dataclass(frozen=True)
class Rule:
    """`ok` must hold. `field` is the file column at fault, `shown` what of the row its text may say."""

    reject: Reject
    field: str
    ok: pl.Expr
    shown: tuple[pl.Expr, ...] = ()


def rules_for(demand: Demand, columns: Collection[str]) -> list[Rule]:
    """The active rules, in order of precedence."""
    rules = [
        Rule(Reject.ROW_MISSHAPEN, "", ~pl.col(MISSHAPEN)),
        Rule(Reject.ID_MISSING, "setl_id", pl.col("setl_id").is_not_null() | pl.col(MISSHAPEN)),
        *_readable(demand, columns),
        *_principals(columns),
        *_pack_numbers(demand),
        Rule(Reject.DISCHARGE_BEFORE_ADMISSION, "dscg_time", _ordered("adm_on", "discharged_on")),
    ]
    if demand.purpose == "settle":
        rules += _settlement(demand)
    elif demand.dip:
        rules += _asked_by_catalogues(demand)
    rules += _asked_by_policies(demand)
    if demand.profile == "strict":
        rules += _patient() + _stay() + _codes()
        if demand.purpose == "settle":
            month = pl.col("settled_on").dt.strftime("%Y%m")
            rules.append(Rule(Reject.MONTH_DISAGREES, "setl_ym", month.is_null() | (pl.col("setl_ym") == month)))
    return sorted(rules, key=lambda rule: rule.reject.value)


def _readable(demand: Demand, columns: Collection[str]) -> list[Rule]:
    """One rule per column that holds a cell nobody can read."""
    kinds = {typed.column: typed.kind for typed in TYPED} | dict.fromkeys(demand.extra_numbers, "int")
    codes = {"text": Reject.TEXT_UNREADABLE, "fen": Reject.AMOUNT_UNREADABLE, "date": Reject.DATE_UNREADABLE}
    rules = []
    for column, kind in kinds.items():
        if (mark := column + UNREADABLE) in columns:
            rules.append(Rule(codes.get(kind, Reject.NUMBER_UNREADABLE), column, ~pl.col(mark)))
        if (mark := column + TOO_FINE) in columns:
            rules.append(Rule(Reject.AMOUNT_BELOW_FEN, column, ~pl.col(mark)))
    return rules


def _pack_numbers(demand: Demand) -> list[Rule]:
    """Numbers a pack declares as never null."""
    names = {typed.column: typed.name for typed in TYPED}
    return [
        Rule(Reject.PACK_NUMBER_MISSING, column, pl.col(names.get(column, column)).is_not_null())
        for column in sorted(demand.required_numbers)
    ]


def _principals(columns: Collection[str]) -> list[Rule]:
    """Two marked principals decide two groups; taking the first would make the order of rows decide the money."""
    marks = {"diag_codes": Reject.TWO_PRINCIPAL_DIAGNOSES, "oprn_codes": Reject.TWO_PRINCIPAL_PROCEDURES}
    return [
        Rule(reject, name, pl.col(MAINS[name]) <= 1, (pl.col(MAINS[name]),))
        for name, reject in marks.items()
        if MAINS[name] in columns
    ]


def _ordered(first: str, then: str) -> pl.Expr:
    return pl.col(first).is_null() | pl.col(then).is_null() | (pl.col(first) <= pl.col(then))


def _asked_by_catalogues(demand: Demand) -> list[Rule]:
    """What a DIP catalogue looks at even when nothing is settled: whose case it is, and what it cost."""
    asked = ("fixmedins_code", "insutype", "medfee_sumamt")
    return [rule for rule in _settlement(demand) if rule.field in asked]


def _asked_by_policies(demand: Demand) -> list[Rule]:
    """What a mechanism of the policy cannot do without: a row that lacks it would be judged by a fact nobody knows."""
    rules = []
    if demand.facts.person:
        rules.append(Rule(Reject.PERSON_MISSING, PERSON, pl.col(PERSON).is_not_null()))
        rules.append(Rule(Reject.ADMISSION_DATE_MISSING, "adm_time", pl.col("adm_on").is_not_null()))
    for column in FEES.values() if demand.facts.fees else ():
        fee = pl.col(f"{column}_fen")
        rules.append(
            Rule(Reject.FEE_IMPOSSIBLE, column, fee.is_null() | fee.is_between(0, COST_MAX_FEN), (_yuan(fee),))
        )
    return rules


def _settlement(demand: Demand) -> list[Rule]:
    cost, fund = pl.col("medfee_sumamt_fen"), pl.col("fund_fen")
    month = pl.col("setl_ym").str.contains(r"^(19|20)\d{2}(0[1-9]|1[0-2])$")
    return [
        Rule(Reject.HOSPITAL_MISSING, "fixmedins_code", pl.col("fixmedins_code").is_not_null()),
        Rule(Reject.SCHEME_UNKNOWN, "insutype", pl.col("insutype").is_in(sorted(demand.pools))),
        Rule(Reject.SETTLEMENT_DATE_MISSING, "setl_end_date", pl.col("settled_on").is_not_null()),
        Rule(Reject.DISCHARGE_DATE_MISSING, "dscg_time", pl.col("discharged_on").is_not_null()),
        Rule(Reject.COST_MISSING, "medfee_sumamt", cost.is_not_null()),
        Rule(Reject.FUND_MISSING, "hifp_pay", fund.is_not_null()),
        Rule(Reject.COST_NEGATIVE, "medfee_sumamt", cost.is_null() | (cost >= 0), (_yuan(cost),)),
        Rule(Reject.COST_IMPOSSIBLE, "medfee_sumamt", cost.is_null() | (cost <= COST_MAX_FEN), (_yuan(cost),)),
        Rule(Reject.FUND_NEGATIVE, "hifp_pay", fund.is_null() | (fund >= 0), (_yuan(fund),)),
        Rule(
            Reject.FUND_ABOVE_COST,
            "hifp_pay",
            cost.is_null() | fund.is_null() | (cost < 0) | (fund <= cost),
            (_yuan(fund), _yuan(cost)),
        ),
        Rule(Reject.SETTLEMENT_BEFORE_DISCHARGE, "setl_end_date", _ordered("discharged_on", "settled_on")),
        Rule(Reject.MONTH_UNREADABLE, "setl_ym", pl.col("setl_ym").is_null() | month),
        *([_stay_known()] if demand.profile == "compatible" else ()),
    ]


def _stay_known() -> Rule:
    """Class rules may ask for days; the strict profile fills the stay in from the dates before it asks."""
    from_dates = pl.col("adm_on").is_not_null() & pl.col("discharged_on").is_not_null()
    return Rule(Reject.STAY_MISSING, "act_ipt_days", pl.col("act_ipt_days").is_not_null() | from_dates)


def _patient() -> list[Rule]:
    age, days, weight = pl.col("age"), pl.col("nwb_age"), pl.col("nwb_bir_wt")
    newborn = ((age == 0) & days.is_between(0, NEWBORN_DAYS)).fill_null(False)
    weighed = weight.fill_null(0) > 0
    male_only = (pl.col("diag_codes!flags") & MALE) > 0
    female_only = (pl.col("diag_codes!flags") & FEMALE) > 0
    impossible = (male_only & (pl.col("gend") == 2)) | (female_only & (pl.col("gend") == 1))
    return [
        Rule(Reject.GENDER_NOT_1_OR_2, "gend", pl.col("gend").is_in([1, 2])),
        Rule(Reject.AGE_MISSING, "age", age.is_not_null()),
        Rule(Reject.AGE_OUT_OF_RANGE, "age", age.is_null() | age.is_between(0, AGE_MAX), (age,)),
        Rule(Reject.AGE_DAYS_MISSING, "nwb_age", (age != 0).fill_null(True) | days.is_not_null()),
        Rule(Reject.AGE_DAYS_NEGATIVE, "nwb_age", days.is_null() | (days >= 0), (days,)),
        Rule(Reject.BIRTH_WEIGHT_MISSING, "nwb_bir_wt", ~newborn | weighed),
        Rule(
            Reject.BIRTH_WEIGHT_OUT_OF_RANGE,
            "nwb_bir_wt",
            ~newborn | ~weighed | weight.is_between(*BIRTH_WEIGHT_G),
            (weight,),
        ),
        Rule(Reject.SEX_IMPOSSIBLE, "diag_codes", ~impossible.fill_null(False), (pl.col("gend"),)),
    ]


def _stay() -> list[Rule]:
    stay = pl.col("act_ipt_days")
    dates = (pl.col("discharged_on") - pl.col("adm_on")).dt.total_days()
    close = stay.is_null() | dates.is_null() | (dates < 0) | ((stay - dates).abs() <= STAY_SLACK_DAYS)
    return [
        Rule(Reject.STAY_MISSING, "act_ipt_days", stay.is_not_null()),
        Rule(Reject.STAY_NEGATIVE, "act_ipt_days", stay.is_null() | (stay >= 0), (stay,)),
        Rule(Reject.STAY_DISAGREES, "act_ipt_days", close, (stay, dates)),
        Rule(Reject.DISPOSITION_UNKNOWN, "dscg_way", pl.col("dscg_way").is_in(DISPOSITIONS)),
    ]


def _codes() -> list[Rule]:
    diagnoses, procedures = pl.col("diag_codes").list.len(), pl.col("oprn_codes").list.len()
    principal = pl.col("diag_codes").list.first()
    return [
        Rule(Reject.PRINCIPAL_DIAGNOSIS_MISSING, "diag_codes", (principal != "").fill_null(False)),
        Rule(Reject.DIAGNOSIS_CODE_TOO_LONG, "diag_codes", (pl.col("diag_codes!flags") & TOO_LONG) == 0),
        Rule(Reject.PROCEDURE_CODE_TOO_LONG, "oprn_codes", (pl.col("oprn_codes!flags") & TOO_LONG) == 0),
        Rule(Reject.TOO_MANY_DIAGNOSES, "diag_codes", diagnoses <= CODES_MAX, (diagnoses,)),
        Rule(Reject.TOO_MANY_PROCEDURES, "oprn_codes", procedures <= CODES_MAX, (procedures,)),
    ]


def _yuan(fen: pl.Expr) -> pl.Expr:
    """Fen as yuan for the eye; a decimal shift, no division."""
    digits = fen.abs().cast(pl.String).str.zfill(3)
    text = pl.concat_str([digits.str.head(-2), pl.lit("."), digits.str.tail(2)])
    return pl.when(fen < 0).then(pl.concat_str([pl.lit("-"), text])).otherwise(text)
