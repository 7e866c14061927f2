"""Worked examples of budget, point value, audits and cash: G1, G6, G7, G10, G11, H3, settled by the engine."""

from dataclasses import replace
from fractions import Fraction

from pointvalue.annual import clear_year
from pointvalue.budget import sharing_adjustment, waterfall
from pointvalue.cash import settle_cash
from pointvalue.check import check_area
from pointvalue.classes import score
from pointvalue.fixed import E6, exact, half_up
from pointvalue.lines import Ledger
from pointvalue.model import (
    AuditCancel,
    Hospital,
    MonthTerms,
    PointValueTerms,
    PoolSharing,
    PotTerms,
    ReserveTerms,
    ScoreSlope,
)
from pointvalue.monthly import settle_month
from pointvalue.terms import AuditValue, Basis, Cause, MonthlyBasis, NegativeFinal, Payable, ReserveBase
from pointvalue.value import expected_payment, find_value, pot_left, pot_total
from tests.golden_setting import OWN_FUND, PLAIN, Shown, area_of, case, columns, fen, yuan
from tests.pointvalue_years import plain_pool

F = Fraction
RATIO = PointValueTerms(Basis.TOTAL_COST_RATIO, Payable.TIMES_RATIO, 4)
OBSERVED = PointValueTerms(Basis.TOTAL_COST_OBSERVED, Payable.MINUS_PATIENT, 4)


def g1(example):
    given = example["in"]
    outpatient, out_of_area, bed_day, single, maternity = (fen(each) for each in given["carve"])
    pool = plain_pool(
        "drg",
        plan_fen=fen(given["total"]),
        outside_fen={"outpatient": outpatient, "out_of_area": out_of_area, "maternity": maternity},
        fixed_lines_fen={"bed_day": bed_day, "single": single},
    )
    found = {}
    for key, base in (("out", given["base"]), ("alt", example["alt"]["base"])):
        terms = ReserveTerms(F(given["reserve"]), ReserveBase(base))
        budget = waterfall(replace(pool, reserve=terms))
        found[key] = {"reserve": yuan(budget.reserve_fen), "payable": yuan(budget.point_fund_fen)}
    found["alt"]["base"] = example["alt"]["base"]
    return found


def g6(example):
    given = example["in"]
    fund, points_e4 = fen(given["fund"]), given["points"] * 10_000
    times = replace(RATIO, ratio=F(given["ratio"]))
    minus = replace(times, payable=Payable.MINUS_PATIENT)
    value = find_value(minus, fund, 0, points_e4, None, 0, None)

    def paid(case_points, patient):
        return yuan(expected_payment(minus, value.published, case_points * 10_000, fen(patient))[1])

    fewer = example["bounds"]["points"] * 10_000
    capped = find_value(replace(times, upper=F("1.05")), fund, 0, fewer, F(8), 0, None)
    left = pot_left(times, capped, fund, 0, fewer, pot_total(capped, fewer))
    return {
        "out": {
            "pv": value.published,
            "pv_fund_basis": find_value(OWN_FUND, fund, 0, points_e4, None, 0, None).published,
            "case_1250_patient_3600": paid(1250, 3600),
            "case_500_patient_4300": paid(500, 4300),
        },
        "bounds": {
            "points": example["bounds"]["points"],
            "raw": Shown(capped.raw),
            "cap_+5%_of_8": capped.published,
            "spill_to_reserve": yuan(left.bound_spill_fen),
        },
    }


def g7(example):
    given = example["in"]
    part, budget = F(given["hospitals_share"]), fen(given["B"])
    pool = plain_pool("drg", pool_sharing=PoolSharing(part, part))

    def shared(spent):
        return budget + sharing_adjustment(pool, budget, fen(spent), budget)

    def value(fund):
        return find_value(OBSERVED, fund, fen(28_000_000), 97_000_000_000, None, 0, None).published

    over = shared(54_000_000)
    return {
        "out": {
            "E54m": yuan(over),
            "E46m": yuan(shared(46_000_000)),
            "pv_E54m_patient28m_points9.7m": value(over),
            "pv_without_sharing": value(budget),
        }
    }


def g10(example):
    given = example["in"]
    other = given["region_points"] - given["points"]
    sound = given["points"] - given["upcoded"]
    hospitals = tuple(Hospital(code, "III", E6, score=F(95)) for code in ("H1", "H2"))
    pool = plain_pool(
        plan_fen=half_up(F(given["pv"]) * 100 * given["region_points"]), reserve=ReserveTerms(F(0)),
        point_value=OWN_FUND, pots=(PotTerms("points", F(1)),),
    )  # fmt: skip
    cases = columns(
        [
            case(cost=1, base_e4=sound * 10_000, mean=1),
            case(cost=1, base_e4=given["base"] * 10_000, mean=1),
            case(cost=1, base_e4=other * 10_000, mean=1, hospital=1),
        ],
        coefficient_e6=[E6, int(exact(given["upcoded"], given["base"]) * E6), E6],
    )

    def year(pv):
        audits = (AuditCancel(cases.ids[1], pv, F(given["multiple"])),)
        area = area_of(PLAIN, pool, hospitals, audits=audits)
        return clear_year(cases, score(cases, area), area)

    frozen, recomputed = year(AuditValue.FROZEN).pools[0], year(AuditValue.RECOMPUTED)
    (claw_back,), pot = frozen.pots[0].penalties, recomputed.pools[0].pots[0]
    amount = recomputed.pools[0].statements["H1"].entitled_fen
    before = half_up(frozen.pots[0].value.published * 100 * given["points"])
    kept = exact(pot.points_e4, 10_000) - other
    return {
        "out": {
            "points": kept,
            "frozen_clawback": yuan(-claw_back.amount_fen),
            "recomputed_pv": pot.value.published,
            "new_amount": yuan(amount),
            "change": yuan(amount - before),
        }
    }


def g11(example):
    given = example["in"]
    deposit, cash = fen(given["deposit"]), fen(given["prepaid_monthly"]) * given["months"]
    pool = plain_pool(
        "drg", deposit_release=ScoreSlope(F(90), F("0.01")), negative_final=NegativeFinal.COLLECT
    )  # fmt: skip

    def final(score_points):
        ledger = Ledger("310", "2024")
        ledger.post("H1", Cause.FIXED_STANDARD, fen(given["final"]))
        ledger.post("H1", Cause.AUDIT_MONEY, -fen(given["audit"]))
        months = {("H1", Cause.PREPAYMENT): cash + deposit, ("H1", Cause.DEPOSIT_WITHHELD): -deposit}
        hospital = Hospital("H1", "III", E6, score=F(score_points))
        return yuan(settle_cash(ledger, pool, hospital, months).final_fen)

    assert final(90) == final(100)
    return {"out": {"score_ge_90": final(90), "score_85_1pct_per_point": final(85)}}


def h3(example):
    declared = fen(example["in"]["declared"])
    cases = columns([case(cost=declared, base_e4=1, mean=1)])

    def deposit(percent):
        terms = MonthTerms(MonthlyBasis.BOOKED_FUND, F(1), exact(percent, 100))
        area = area_of(PLAIN, plain_pool("points", months=(terms,) * 12), year=2025)
        if any("national ceiling" in fault.text_en for fault in check_area(area)):
            return "REFUSE"
        return yuan(settle_month(cases, score(cases, area), area, 1).table[0].deposit_fen)

    return {"out": {key: deposit(int(key.removesuffix("pct"))) for key in example["out"]}}
