"""Worked example G12: bed-days, single diseases, contracts, TCM, VBP, quotas and prices, worked by the engine."""

from fractions import Fraction

import numpy as np

from pointvalue.bundle import package_fen, quota_points_e4
from pointvalue.classes import score
from pointvalue.fixed import E6, exact
from pointvalue.model import (
    BedDayTier,
    BundleContract,
    CapitationContract,
    ClassRule,
    ClassSet,
    FixedScheme,
    Hospital,
    PointScheme,
)
from pointvalue.review import special_quota
from pointvalue.single import single_bill
from pointvalue.special import bundle_payment, contract_amount, price_fixed_lines
from pointvalue.tcm import TreatmentFees, tcm_ratio_e6
from pointvalue.terms import SchemeKind, Shape
from pointvalue.value import expected_payment
from pointvalue.vbp import vbp_retention
from pointvalue.view import pool_view
from tests.golden_setting import OWN_FUND, area_of, case, columns, fen, yuan
from tests.pointvalue_years import plain_pool

F = Fraction


def other_prices(example):
    quota, fund = bed_days(120)
    single = single_bill(fen(6_000), F("0.8"), fen(5_500))
    return {
        "bed_day_120d_200_160_120": yuan(quota),
        "bed_day_fund_85": yuan(fund),
        "single_6000_80": {
            "fund": yuan(single.fund_fen),
            "patient": yuan(single.patient_fen),
            "hospital_margin_cost5500": yuan(single.margin_fen),
        },
        "capitation_60x12000x0.95": yuan(contract_amount(CapitationContract("H1", "310", 6_000, 12_000, F("0.95")))),
        "bundle": bundle(),
        "tcm": {"ratio_pct": exact(tcm_ratio(), E6) * 100, **tcm_prices()},
        "vbp": yuan(vbp_retention(fen(1_000_000), fen(400_000), F("0.6"), F("0.5"), F("0.9"))),
        "quota_1234": {
            name: special_quota(1234, rate)
            for name, rate in (
                ("drg5pct", F("0.05")),
                ("dip5permille", F("0.005")),
                ("l2_3permille", F("0.003")),
                ("l1_1permille", F("0.001")),
            )
        },
        "bed_day_points_region_mean_10000": exact(quota_points_e4(quota, fen(10_000), 100), 10_000),
        "linfen_rw1.25": [priced("1.25", h, "4676.74") for h in ("1.0", "0.8", "0.6")],
    }


def bed_days(days):
    """(quota, fund part) of one stay on the line `bed_day`, 85 % borne by the fund."""
    tiers = (BedDayTier(1, 30, 20_000), BedDayTier(31, 90, 16_000), BedDayTier(91, None, 12_000))
    scheme = FixedScheme("bed_day", SchemeKind.BED_DAY, tiers, fund_ratio={"310": F("0.85")})
    area = area_of(scheme, plain_pool(pots=()))
    cases = columns([case(cost=fen(30_000), days=days)])
    funds = np.zeros(1, np.int64)
    lines = price_fixed_lines(pool_view(cases, score(cases, area), area, 0), funds)
    return lines.lines["bed_day"].gross_fen["H1"], int(funds[0])


def bundle():
    """80,000 people × 600; 35 million spent inside, 9 million outside; 80 % of the surplus retained."""
    package, inside, outside = package_fen(fen(600), 80_000), fen(35_000_000), fen(9_000_000)
    contract = BundleContract("H1", "390", package, outside, F("0.8"), F("0.5"))
    kept = bundle_payment(contract, inside) - inside
    return {"package": yuan(package), "surplus": yuan(package - inside - outside), "retained80": yuan(kept)}


def tcm_ratio():
    """4,800 of 6,000 of treatment cost is Chinese medicine; consultation and beds count on neither side."""
    fees = [fen(each) for each in (3_000, 800, 1_000, 200, 600, 300, 100)]
    return int(tcm_ratio_e6(TreatmentFees(*(np.array([each], np.int64) for each in fees)))[0])


def tcm_prices():
    return {f"w{weight}": priced(weight, "0.92", "9575.25") for weight in ("0.90", "0.60")}


def priced(weight, h, rate):
    """S = weight × coefficient × rate: points at scale 1, paid at a price 「费率」."""
    hospital = Hospital("H1", "III", int(F(h) * E6), score=F(95))
    scheme = PointScheme("drg_price", 1, fen(10_000), (ClassSet(0, (ClassRule("normal", Shape.NORMAL),)),), {})
    cases = columns([case(cost=1, base_e4=int(F(weight) * 10_000), mean=1)])
    scored = score(cases, area_of(scheme, hospitals=(hospital,)))
    return yuan(expected_payment(OWN_FUND, F(rate), int(scored.points_e4[0]), 0)[0])
