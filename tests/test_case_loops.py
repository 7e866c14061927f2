"""Prices and sums of cases, compiled, say what the plain way says, whatever days and pots follow each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.case_loops import price_cases
from engine.stream.piece_loops import price_plainly, sum_cases, ways_of
from pointvalue.cases import shut

EDITIONS, GROUPS, HOSPITALS, LEVELS = 3, 5, 4, 2
FAR = 2_932_896


@pytest.mark.parametrize("seed", range(40))
def test_a_case_takes_the_tables_of_its_edition_and_day(seed: int) -> None:
    draw = np.random.default_rng(seed)
    count, spans_count, tables = int(draw.integers(0, 300)), int(draw.integers(0, 7)), int(draw.integers(1, 5))
    firsts = draw.integers(-5, 40, spans_count)
    lasts = np.where(draw.random(spans_count) < 0.2, FAR, firsts + draw.integers(-2, 20, spans_count))
    spans = np.stack([draw.integers(0, EDITIONS, spans_count), firsts, lasts], axis=1).astype(np.int64).reshape(-1, 3)
    starts = np.sort(draw.integers(-5, 40, tables))
    base = draw.integers(0, 1 << 40, (spans_count, GROUPS))
    reference = draw.integers(0, 1 << 40, (spans_count, LEVELS, GROUPS))
    coefficients, level = draw.integers(1, 1 << 21, (tables, HOSPITALS)), draw.integers(0, LEVELS, HOSPITALS)
    edition = np.sort(draw.integers(0, EDITIONS, count)).astype(np.int8)
    status, leaf = draw.integers(0, 4, count).astype(np.uint8), draw.integers(-1, 3, count).astype(np.int32)
    day = draw.integers(-10, 60, count).astype(np.int32)
    day = np.sort(day) if seed % 2 else day
    hospital = draw.integers(0, HOSPITALS, count).astype(np.int32)
    coded = draw.integers(-1, 2, count if seed % 3 else 0).astype(np.int32)
    begins, sizes = np.array([0, 5, 10], np.int64), np.array([3, 3, 3], np.int64)
    of_result, of_code = draw.integers(0, GROUPS, 15).astype(np.int32), np.array([4, 2], np.int32)
    has_group, flag_of = np.arange(256) % 2 == 0, np.arange(256, dtype=np.int64) * 8
    found = [np.full(count, -7, np.int32), *(np.full(count, -7, np.int64) for _ in range(4))]
    price_cases(
        shut(edition), shut(status), shut(leaf), shut(day), hospital, shut(coded), of_code, begins, sizes, of_result,
        3, has_group, spans, base, level.astype(np.int32), reference, starts, coefficients, flag_of, *found,
    )  # fmt: skip
    for i in range(count):
        row = leaf[i] if leaf[i] >= 0 else 3 + (status[i] == 3)
        group = of_code[coded[i]] if len(coded) and coded[i] >= 0 else of_result[begins[edition[i]] + row]
        hits = [
            n for n, (own, first, last) in enumerate(spans.tolist()) if own == edition[i] and first <= day[i] <= last
        ]
        span = hits[-1] if hits and has_group[status[i]] else None
        table = max([n for n in range(1, tables) if starts[n] <= day[i]], default=0)
        priced = (0, 0) if span is None else (base[span, group], reference[span, level[hospital[i]], group])
        wanted = [group, *priced, coefficients[table, hospital[i]], status[i] * 8]
        assert [int(column[i]) for column in found] == [int(each) for each in wanted]


POT, FIXED = 0, 1
BOOKED = np.arange(128) == FIXED


@pytest.mark.parametrize("seed", range(12))
def test_sums_and_pots_are_those_of_the_cases_one_by_one(seed: int) -> None:
    draw = np.random.default_rng(seed)
    count, hospitals, lines, pots = int(draw.integers(0, 400)), 3, 2, 3
    ways = 1 + lines + 5
    pool, scheme = (draw.integers(0, 2, count).astype(np.int32) for _ in range(2))
    hospital, month = (draw.integers(low, low + 3, count).astype(np.int32) for low in (0, 1))
    flags, route = draw.integers(0, 4, count), draw.integers(0, 5, count).astype(np.int8)
    line = np.where(route == FIXED, draw.integers(0, lines, count), -1).astype(np.int32)
    amounts = {name: draw.integers(-(1 << 40), 1 << 40, count) for name in ("cost", "patient", "fund", "points")}
    cost, patient, fund, points = amounts.values()
    pot_of = draw.integers(0, pots, (2, 2, hospitals)).astype(np.int32)
    slot, used, pot = np.empty(count, np.int32), np.zeros(2 * 2 * ways * 2, np.bool_), np.empty(count, np.int16)
    counts = np.zeros((4, pots + 1), np.int64)
    asked = shut(pool), shut(scheme), shut(hospital), shut(flags), route, line
    assert ways_of(*asked, 2, ways, lines, POT, FIXED, 2, pot_of, slot, used, pot, counts) == -1
    wanted_pot = np.where(route == POT, pot_of[pool, scheme, hospital], -1)
    assert pot.tolist() == wanted_pot.tolist()
    assert counts.sum(axis=0).tolist() == [int((wanted_pot == n).sum()) for n in (0, 1, 2, -1)]
    gross, price = np.empty(count, np.int64), np.empty(count, np.int64)
    price_plainly(shut(route), shut(cost), shut(fund), POT, BOOKED, gross, price)
    assert price.tolist() == np.where(route == FIXED, fund, 0).tolist()
    assert gross.tolist() == np.where(route == POT, 0, cost).tolist()
    place = np.cumsum(used).astype(np.int32) - 1
    begins = np.concatenate([[0], np.cumsum(counts.sum(axis=0)[:pots])])
    cells = (month - 1) * hospitals + hospital
    order = np.argsort(np.where(pot < 0, pots, pot), kind="stable")[: begins[-1]]
    for prices in ((np.zeros(0, np.int64),) * 2, (gross, price)):
        for keeps in (True, False):
            sums = np.zeros((int(used.sum()), 12 * hospitals, 8), np.int64)
            kinds: dict[str, Any] = {"points": np.int64, "patient": np.int64, "fund": np.int64}
            room = int(begins[-1])
            out = [np.empty(room if keeps or name == "points" else 0, kind) for name, kind in kinds.items()]
            out += [np.empty(room, np.int32), np.empty(room, np.bool_)]
            sum_cases(
                slot, place, shut(month), shut(hospital), hospitals, pot, shut(cost), shut(patient), shut(fund), points,
                shut(fund), route, POT, BOOKED, shut(prices[0]), shut(prices[1]), begins[:-1].copy(), sums, *out,
            )  # fmt: skip
            measures = (np.ones(count, np.int64), cost, patient, fund, points, fund, gross, price)
            wanted = np.zeros_like(sums)
            for n, values in enumerate(measures):
                np.add.at(wanted[:, :, n], (place[slot], cells), values)
            assert (sums == wanted).all()
            for values, held in zip((points, patient, fund, cells, slot & 1 != 0), out, strict=True):
                assert not len(held) or held.tolist() == values[order].tolist()
