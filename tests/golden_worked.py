"""Every worked example of the settlement rules, worked by the engine, by its key in the contract files.

In: one example as read from `settlement-golden*.json`, decimals as text; out: all it holds beside its inputs, in the
same shape. A figure is a number that must be equal, or `Shown` where the page prints fewer decimals than the engine
keeps. The functions called are the engine's; only what an example leaves to the page it stands on is written here.
"""

from fractions import Fraction

from pointvalue.coefficient import (
    Clamp,
    CompositeForm,
    HospitalFacts,
    Increment,
    IncrementForm,
    clamp,
    composite,
    incremented,
)
from pointvalue.review import special_quota
from pointvalue.weights import WeightTerms, base_points, relative_weight, weighted_mean
from tests import golden_classes as classes
from tests import golden_money as money
from tests import golden_sharing as sharing
from tests.golden_other import other_prices
from tests.golden_setting import Shown, fen

F = Fraction


def g2(example):
    def of(weights, scale, dp):
        terms = WeightTerms(tuple(F(each) for each in weights), scale, dp=dp)
        means = [
            weighted_mean([F(fen(each)) for each in example["in"][which]], terms.year_weights)
            for which in ("group", "region")
        ]
        return relative_weight(*means), base_points(*means, terms)

    rw, points = of((2, 3, 5), 100, 4)
    _, score_1000 = of((1, 2, 7), 1000, 2)
    return {"out": {"w235": {"rw": Shown(rw), "points100": points}, "w127": {"score1000": score_1000}}}


def g3(example):
    given = example["in"]
    names = [f"factor{n}" for n in range(len(given["w"]))]
    form = CompositeForm(dict(zip(names, (F(each) for each in given["w"]), strict=True)))
    value = composite(form, dict(zip(names, (F(each) for each in given["v"]), strict=True)))
    return {"out": {"coef": value, "capped_1.10": clamp(value, Clamp(high=F("1.10")))}}


CENT = F("0.01")
SAME_LEVEL = (
    Increment("cmi", F("0.05"), CENT, {"III": F("0.13"), "II": F("0.06")}),
    Increment("child", F("0.10"), CENT, {"III": F("0.06"), "II": F("0.03")}),
    Increment("old", F("0.20"), CENT, {"III": F("0.03"), "II": F("0.01")}, at_once=True),
)
"""Steps and caps as the page gives them beside the example."""


def h4(example):
    def of(given):
        form = IncrementForm({given["level"]: F(given["L0"])}, SAME_LEVEL)
        over = {name: F(given[f"{name}_over"]) for name in ("cmi", "child", "old")}
        return incremented(form, HospitalFacts("H1", given["level"]), over)

    return {"out": of(example["in"]), "out2": of(example["in2"])}


def h7(example):
    rates = {"DRG_5pct": F("0.05"), "DIP_5permille": F("0.005"), "DRG_5permille": F("0.005")}
    return {"out": {name: special_quota(example["in"]["n"], rates[name]) for name in example["out"]}}


WORKED = {
    "G1_budget": money.g1,
    "G2_base_points": g2,
    "G3_coefficient": g3,
    "G4_dip_classes": classes.g4,
    "G5_drg_classes": classes.g5,
    "G6_point_value": money.g6,
    "G7_pool_sharing": money.g7,
    "G8_bands": sharing.g8,
    "G9_scale_back": sharing.g9,
    "G10_audit": money.g10,
    "G11_cash": money.g11,
    "G12_other": other_prices,
    "H1_five_tier_bands": sharing.h1,
    "H2_single_disease_60pct_20pct": sharing.h2,
    "H3_deposit_ceiling": money.h3,
    "H4_level_base_plus_increments": h4,
    "H5_dip3_low_pays_cost": classes.h5,
    "H6_special_points_from_cost": classes.h6,
    "H7_quota": h7,
}
"""One worked example per key of the contract files; nothing else."""
