"""Worked examples of case classes: G4, G5, H5, H6, scored by the engine."""

from fractions import Fraction

from pointvalue.classes import score
from pointvalue.fixed import E6, exact
from pointvalue.model import ClassRule, ClassSet, Condition, Hospital, KLimit, PointScheme, RatioInterval
from pointvalue.terms import Flag, Shape
from pointvalue.value import expected_payment
from tests.golden_setting import OWN_FUND, Shown, area_of, case, columns, fen, yuan

F = Fraction


def point_scheme(rules, scale=100, mean_yuan=10_000, k=(), budget=120):
    return PointScheme(
        "points", scale, fen(mean_yuan), (ClassSet(0, tuple(rules), tuple(k)),), {"310": F(budget)}
    )  # fmt: skip


def points(scheme, cost_yuan, base, mean_yuan, h=1):
    """(points, review) of one case scored alone."""
    e6 = int(F(str(h)) * E6)
    area = area_of(scheme, hospitals=(Hospital("H1", "III", e6, score=F(95)),))
    one = case(cost=fen(cost_yuan), base_e4=int(F(str(base)) * 10_000), mean=fen(mean_yuan))
    scored = score(columns([one]), area)
    return exact(int(scored.points_e4[0]), 10_000), scored.classes[int(scored.class_index[0])].review


def with_review(earned):
    whole, part = divmod(int(earned * 10_000), 10_000)
    return f"{whole}.{part:04d}+review"


def when(above=None, below=None, above_in=False, below_in=False):
    return Condition(cost_ratio=RatioInterval(above, above_in, below, below_in))


def g4(example):
    given = example["in"]

    def figures(scheme, costs):
        found = {}
        for cost in costs:
            earned, review = points(scheme, cost, given["score"], given["mean"])
            found[cost] = with_review(earned) if review else earned
        return found

    plus_one, two, half = Shape.EXCESS_PLUS_ONE, F(2), F("0.5")
    usual = point_scheme(
        [
            ClassRule("low", Shape.BY_RATIO, when(below=half)),
            ClassRule("extreme", plus_one, when(above=F(5)), k=two, review=True),
            ClassRule("high", plus_one, when(above=two), k=two),
            ClassRule("normal", Shape.NORMAL),
        ],
        scale=1000,
    )
    inclusive = point_scheme(
        [
            ClassRule("low", Shape.BY_RATIO, when(below=F("0.4"), below_in=True)),
            ClassRule("high", plus_one, when(above=F("2.5"), above_in=True), k=F("2.5")),
            ClassRule("normal", Shape.NORMAL),
        ],
        scale=1000,
    )
    other = "alt_0.4_2.5_inclusive"
    return {"out": figures(usual, example["out"]), other: figures(inclusive, example[other])}


def g5(example):
    given = example["in"]
    usual = point_scheme(
        [
            ClassRule("low", Shape.BY_RATIO, when(below=F("0.4"), below_in=True)),
            ClassRule("ramp", Shape.RAMP_ADD, when(F("0.4"), F("0.8"), below_in=True), add=F("0.2"), coefficient=True),
            ClassRule("high", Shape(given["high"]), when(above="k")),
            ClassRule("normal", Shape.NORMAL),
        ],
        k=[KLimit(None, F(given["K"]))],
    )
    incomplete = point_scheme([ClassRule("incomplete", Shape.CAPPED_BASE)])
    deduct = point_scheme([ClassRule("high", Shape.DEDUCT, k=F(given["K"]))])

    def of(scheme, cost):
        return points(scheme, cost, given["base"], given["mean"], given["coef"])[0]

    return {
        "out": {cost: of(usual, cost) for cost in example["out"]},
        "incomplete_stay": {cost: of(incomplete, cost) for cost in example["incomplete_stay"]},
        "deduct_variant_42000_cityMean10000_rw1.2": of(deduct, 42_000),
    }


def h5(example):
    given = example["in"]
    scheme = point_scheme([ClassRule("low", Shape.COST_POINTS)], scale=1000, budget=given["pv"])
    earned, _ = points(scheme, given["cost"], given["score"], given["score"] * given["pv"], given["coef"])
    paid, _ = expected_payment(OWN_FUND, F(given["pv"]), int(earned * 10_000), 0)
    full = given["score"] * F(given["coef"])
    return {"out": {"factor": Shown(exact(earned, full)), "standard_paid": yuan(paid)}}


def h6(example):
    given = example["in"]
    scheme = point_scheme([ClassRule("normal", Shape.NORMAL)], given["scale"], given["region_mean"])
    one = case(cost=fen(70_000), base_e4=1, mean=1, flags=int(Flag.SPECIAL))
    scored = score(columns([one], special_approved_fen=[fen(given["approved"])]), area_of(scheme))
    return {"out": exact(int(scored.points_e4[0]), 10_000)}
