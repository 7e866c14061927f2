"""The DIP kernel against the plain walk, on catalogues and cases drawn at random."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from fixtures.dip_cases import CaseMaker
from fixtures.dip_random_tables import TableMaker
from grouper.dip import batch_of, group_batch
from grouper.dip_compile import compile_dip
from grouper.dip_layout import PLACES_MAX, Out
from grouper.dip_reason import TEXT_EN, TEXT_ZH, DipReason
from grouper.dip_reference import DipWalker
from grouper.dip_tables import DipCase, DipTables
from tests.dip_tiny import flat, row

CASES = 60


def disagreements(tables: DipTables, cases: list[DipCase], at_once: int = 0) -> list[tuple[DipCase, object, object]]:
    """`at_once`: cases a batch; 0 = all in one."""
    compiled, walker = compile_dip(tables), DipWalker(tables)
    step = at_once or len(cases)
    parts = [group_batch(compiled, batch_of(compiled, cases[i : i + step])) for i in range(0, len(cases), step)]
    found = Out(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    wrong = []
    for i, case in enumerate(cases):
        outcome = walker.walk(case)
        wanted = (
            -1 if outcome.group is None else outcome.group.row,
            -1 if outcome.auxiliary is None else outcome.auxiliary.row,
            -1 if outcome.type is None else int(outcome.type),
            int(outcome.reason),
            -1 if outcome.main is None else [tables.op_map.get(c, c) for c in case.procedures].index(outcome.main),
        )
        got = tuple(int(column[i]) for column in (found.row, found.auxiliary, found.type, found.reason, found.main))
        if wanted != got:
            wrong.append((case, wanted, got))
    return wrong


@pytest.mark.parametrize("seed", range(120))
def test_kernel_and_walk_agree_on_a_random_catalogue(seed):
    tables = TableMaker(seed).tables()
    assert disagreements(tables, list(CaseMaker(tables, seed).cases(CASES))) == []


@pytest.mark.slow
def test_kernel_and_walk_agree_on_a_million_random_cases():
    for seed in range(10_000, 14_000):
        tables = TableMaker(seed).tables()
        assert disagreements(tables, list(CaseMaker(tables, seed).cases(250))) == [], seed


def test_a_case_alone_and_among_strangers_has_the_same_group():
    tables = TableMaker(3, chain=False).tables()
    cases = list(CaseMaker(tables, 3).cases(200))
    compiled = compile_dip(tables)
    together = group_batch(compiled, batch_of(compiled, cases))
    shuffled = random.Random(1).sample(range(len(cases)), len(cases))
    turned = group_batch(compiled, batch_of(compiled, [cases[i] for i in shuffled]))
    assert together.row[shuffled].tolist() == turned.row.tolist()
    for i in range(0, len(cases), 20):
        alone = group_batch(compiled, batch_of(compiled, [cases[i]]))
        assert (int(alone.row[0]), int(alone.auxiliary[0])) == (int(together.row[i]), int(together.auxiliary[i]))


def with_codes(facts: DipCase, codes: DipCase) -> DipCase:
    """A case with the principal diagnosis and the procedures of another."""
    return replace(facts, diagnoses=(*codes.diagnoses[:1], *facts.diagnoses[1:]), procedures=codes.procedures[:2])


@pytest.mark.parametrize("seed", range(60))
def test_the_same_principal_codes_with_other_facts_are_asked_again(seed):
    """Choices are kept by principal diagnosis and procedures; whatever else a rule reads must not be."""
    tables = TableMaker(500 + seed, chain=bool(seed % 2)).tables()
    drawn = list(CaseMaker(tables, seed).cases(40))
    cases = [with_codes(facts, codes) for codes in drawn[:12] for facts in drawn]
    assert disagreements(tables, cases) == []


@pytest.mark.parametrize("seed", range(40))
def test_what_is_kept_from_batch_to_batch_answers_as_the_walk_does(seed):
    """Codes come again with other facts in later batches, and new codes in between."""
    tables = TableMaker(700 + seed, chain=bool(seed % 2)).tables()
    drawn = list(CaseMaker(tables, seed).cases(60))
    cases = [with_codes(facts, codes) for facts in drawn[:15] for codes in drawn]
    assert disagreements(tables, cases, at_once=17) == []


def test_codes_seen_later_get_ids_of_their_own():
    compiled = compile_dip(flat(row("一", "核心", "K35.8"), row("二", "核心", "I10")))
    first = group_batch(compiled, batch_of(compiled, [DipCase("1", ("K35.800",), ())]))
    second = group_batch(compiled, batch_of(compiled, [DipCase("2", ("I10.x00",), ()), DipCase("3", ("K35.800",), ())]))
    assert (first.row.tolist(), second.row.tolist()) == ([0], [1, 0])


def test_a_case_with_more_procedures_than_a_word_has_bits_is_grouped_all_the_same():
    tables = flat(row("一", "核心", "K35.8", "47.0100"))
    many = tuple(f"99.{n:04d}" for n in range(PLACES_MAX + 5))
    assert disagreements(tables, [DipCase("1", ("K35.800",), (*many, "47.0100"))]) == []


def test_reference_costs_are_told_apart_by_a_fen_where_floats_would_not():
    rows = (row("少", "核心", "K35.8", "47.0100", points=999.9999), row("多", "核心", "K35.8", "47.0100", points=1000))
    tables = flat(*rows)
    k, middle = 10**10, 999_999_950  # 10,000 yuan a point: the rows cost 9,999,999 and 10,000,000 yuan
    for cost, wanted in ((middle - 1, 0), (middle, 1), (middle + 1, 1)):  # exactly between: the later row
        one = DipCase("1", ("K35.800",), ("47.0100",), cost_total_fen=cost, cost_factor_e6=k)
        assert disagreements(tables, [one]) == []
        outcome = DipWalker(tables).walk(one)
        assert outcome.group is not None and outcome.group.row == wanted


def test_a_batch_outside_its_bounds_is_refused_before_the_kernel():
    compiled = compile_dip(flat(row("一", "核心", "K35.8")))
    batch = batch_of(compiled, [DipCase("1", ("K35.800",), ())])
    with pytest.raises(AssertionError, match="vocabulary"):
        group_batch(compiled, batch._replace(dx_ids=np.array([999], np.int32)))
    with pytest.raises(AssertionError, match="cost_total_fen"):
        group_batch(compiled, batch_of(compiled, [DipCase("1", ("K35.800",), (), cost_total_fen=10**12)]))


def test_every_reason_has_a_text_in_both_languages():
    assert set(TEXT_ZH) == set(TEXT_EN) == set(DipReason)


def test_threads_that_bring_new_codes_at_once_get_the_answers_of_one():
    tables = TableMaker(5, chain=False).tables()
    cases = list(CaseMaker(tables, 5).cases(400))
    calm = compile_dip(tables)
    wanted = group_batch(calm, batch_of(calm, cases)).row.tolist()
    shared = compile_dip(tables)

    def part(first: int) -> list[int]:
        rows: list[int] = []
        for at in range(first, first + 100, 10):
            rows += group_batch(shared, batch_of(shared, cases[at : at + 10])).row.tolist()
        return rows

    with ThreadPoolExecutor(4) as pool:
        got = [row for rows in pool.map(part, range(0, 400, 100)) for row in rows]
    assert got == wanted
