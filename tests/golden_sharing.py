"""Worked examples of sharing and scaling back: G8, G9, H1, H2, settled by the engine."""

from dataclasses import replace
from fractions import Fraction

from pointvalue.annual import clear_year
from pointvalue.classes import score
from pointvalue.fixed import E6, exact, half_up
from pointvalue.model import Hospital, PotTerms, ReserveTerms, Sharing, SharingTier
from pointvalue.sharing import Standing, hospital_share
from pointvalue.single import SingleDeviation, deviated_fund
from pointvalue.terms import SharingAmount, SharingDenominator, Side
from tests.golden_setting import OWN_FUND, PLAIN, Shown, area_of, case, columns, fen, yuan
from tests.pointvalue_years import plain_pool

F = Fraction


def tiers(side, edges, shares):
    """Marginal tiers of one side; the last share is that of the open tier."""
    bounds = [F(0), *edges, None]
    return tuple(SharingTier(side, bounds[n], bounds[n + 1], F(share)) for n, share in enumerate(shares))


def sharing_of(*parts, **more):
    rows = tuple(tier for part in parts for tier in part)
    return Sharing(SharingAmount.FUND, SharingDenominator.STANDARD, rows, **more)


def settled(sharing, standard_yuan, actual_yuan):
    """What a hospital ends with while the reserve covers every claim."""
    standard, actual = fen(standard_yuan), fen(actual_yuan)
    standing = Standing("H1", F(95), standard, actual, F(standard), actual, 1)
    share = hospital_share(plain_pool("drg", sharing=sharing), standing)
    return yuan(standard - share.returned_fen + half_up(share.claim_fen))


TYPICAL = sharing_of(
    tiers(Side.SURPLUS, [], [1]), tiers(Side.OVERSPEND, [F("0.1")], ["0.7", 0]), actual_below=F("0.85")
)  # fmt: skip
TAICANG = sharing_of(
    tiers(Side.SURPLUS, [], ["0.3"]), tiers(Side.OVERSPEND, [F("0.2")], ["0.5", 0]), surplus_cap=F("0.03")
)  # fmt: skip


def g8(example):
    return {
        name: {actual: settled(sharing, example["in"]["S"], actual) for actual in example[name]}
        for name, sharing in (("typical", TYPICAL), ("taicang", TAICANG))
    }


def h1(example):
    given = example["in"]
    edges = [exact(edge, 100) for edge in given["edges_pct"]]
    sharing = sharing_of(
        tiers(Side.OVERSPEND, edges, [*given["overspend_share"], 0]),
        tiers(Side.SURPLUS, edges, [*given["surplus_keep"], given["surplus_keep_beyond"]]),
    )
    return {"out": {actual: settled(sharing, given["S"], actual) for actual in example["out"]}}


def h2(example):
    given = example["in"]
    own = F(given["hospital_avg_fund_ratio"])
    deviation = SingleDeviation(F("0.6"), F("0.2"), {})
    return {
        "out": {
            cost: yuan(deviated_fund(fen(given["quota"]), fen(cost), F(given["fund_ratio"]), own, deviation))
            for cost in example["out"]
        }
    }


def cleared_year(standards, booked, fund, audits=(), price="1", **pool_terms):
    """Three hospitals and one pot, points paid one yuan each, nothing set aside: S, A and fund are what is given."""
    hospitals = tuple(Hospital(f"H{n + 1}", "III", E6, score=F(95)) for n in range(len(standards)))
    pool = plain_pool(
        plan_fen=fund, reserve=ReserveTerms(F(0)), point_value=OWN_FUND,
        pots=(PotTerms("points", F(1), price=None if price is None else F(price)),), **pool_terms,
    )  # fmt: skip
    area = area_of(PLAIN, pool, hospitals, audits=audits)
    cases = columns(
        [
            case(cost=a, base_e4=s * 100, mean=a, hospital=n)
            for n, (s, a) in enumerate(zip(standards, booked, strict=True))
        ]
    )
    return clear_year(cases, score(cases, area), area).pools[0]


def g9(example):
    given = example["in"]
    standards, claims = [fen(each) for each in given["S"]], [fen(each) for each in given["share"]]
    booked = [s + half_up(exact(claim * 10, 7)) for s, claim in zip(standards, claims, strict=True)]
    year = cleared_year(standards, booked, fen(given["fund"]), sharing=replace(TYPICAL, actual_below=None))
    assert [share.claim_fen for share in year.shares.values()] == claims
    short = cleared_year(standards, standards, fen(24_500_000))
    thirds = cleared_year([1, 1, 1], [1, 1, 1], fen(100), price=None)

    def pay(result):
        return [yuan(each.entitled_fen) for each in result.statements.values()]

    return {
        "out": {"k": Shown(year.scale_back.k), "pay": pay(year)},
        "alt_fund_24500000": pay(short),
        "residual_100_over_3": pay(thirds),
    }
