"""A year that opens with receivables and a reserve: only their hospital and the reserve move, every identity holds."""

from dataclasses import replace

import pytest

from pointvalue.annual import clear_year
from pointvalue.invariants import InvariantBroken, prove_pool
from pointvalue.terms import Cause
from tests.pointvalue_years import golden_area, golden_cases, posted, settle


def opened(receivable=None, brought=0):
    """The contract year, its employee pool opened with something."""
    _, cases, scored, area = settle(golden_area(), golden_cases())
    pools = tuple(
        replace(pool, receivable_fen=receivable or {}, brought_forward_fen=brought) if pool.id == "310" else pool
        for pool in area.pools
    )
    area = replace(area, pools=pools)
    return clear_year(cases, scored, area), area


def moved(after):
    before, now = posted(settle(golden_area(), golden_cases())[0].lines), posted(after.lines)
    return {
        key: now.get(key, 0) - before.get(key, 0)
        for key in before.keys() | now.keys()
        if before.get(key) != now.get(key)
    }


def test_a_receivable_takes_from_its_hospital_alone_and_rolls_on_where_nothing_is_left():
    """H1 is paid in cash: 100,000 less. H2 ends at −6,986,116 and is carried: 50,000 more of it."""
    result, _ = opened({"H1": 100_000, "H2": 50_000})
    assert moved(result) == {
        ("310", "H1", "2024", "receivable_recovered"): -100_000,
        ("310", "H2", "2024", "receivable_recovered"): -50_000,
        ("310", "H2", "2024", "carried_to_next_year"): 50_000,
    }
    statement = result.pool("310").statements["H2"]
    assert (statement.final_fen, statement.carried_fen) == (-7_036_116, 7_036_116)
    kept = result.pool("310").conservation
    assert (kept.receivable_opened_fen, kept.difference_fen) == (150_000, 0)


def test_a_reserve_brought_forward_pays_more_shares():
    """353,273 were there for claims of 406,588.47: with 53,316 more they are paid in full."""
    result, _ = opened(brought=53_316)
    given = result.pool("310").scale_back
    assert given.k == 1 and sum(given.shares_fen.values()) == 406_588
    assert result.pool("310").conservation.difference_fen == 0
    assert moved(result)["310", "", "2024", "reserve_brought_forward"] == 53_316


@pytest.mark.parametrize("cause", [Cause.RECEIVABLE_RECOVERED, Cause.RESERVE_BROUGHT_FORWARD])
def test_a_lost_opening_line_breaks_an_identity(cause):
    result, area = opened({"H1": 100_000}, 20_000)
    lines = [line for line in result.lines if line.pool == "310" and line.cause is not cause]
    pool = next(pool for pool in area.pools if pool.id == "310")
    with pytest.raises(InvariantBroken):
        prove_pool(result.pool("310"), pool, lines)


def test_the_other_pool_does_not_notice():
    result, _ = opened({"H1": 100_000}, 20_000)
    before = settle(golden_area(), golden_cases())[0]
    assert posted(result.pool("390").lines) == posted(before.pool("390").lines)
