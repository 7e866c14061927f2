"""Kernel and walk on random records and random rules: every field of every answer agrees."""

import subprocess
import sys
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.packs.load import load_pack
from fixtures.compare_drg import compare
from fixtures.random_bulk import bulk_cases
from fixtures.random_cases import CaseFactory
from grouper.batch import CaseBatch
from grouper.compile import compile_drg
from grouper.drg import group_batch
from grouper.encode import encode_cases
from grouper.reference import Walker
from grouper.tables import Case, DrgTables
from tests.drg_strategies import editions, records
from tests.drg_tiny import edition, group, group_all
from tests.shared_data import EDITIONS, EDITIONS_ROOT, needs_shared


@needs_shared
@pytest.mark.parametrize("name", EDITIONS)
def test_kernel_and_walk_agree_on_random_records_of_every_edition(name: str) -> None:
    found = compare(load_pack(EDITIONS_ROOT / name).tables, 500, seed=3)
    assert found.differences == []
    assert found.leaves > 100, "the records must reach many groups to say anything"


@settings(max_examples=200, deadline=None)
@given(editions(), st.lists(records(), min_size=1, max_size=12))
def test_kernel_and_walk_agree_on_random_rules(tables: DrgTables, cases: list[Case]) -> None:
    group_all(tables, cases)


@settings(max_examples=100, deadline=None)
@given(editions(retry=False), records(), st.randoms())
def test_the_order_of_secondary_codes_changes_nothing(tables: DrgTables, case: Case, random: Random) -> None:
    first = group(tables, case)
    diagnoses, procedures = list(case.diagnoses[1:]), list(case.procedures[1:])
    random.shuffle(diagnoses)
    random.shuffle(procedures)
    moved = replace(
        case,
        diagnoses=(*case.diagnoses[:1], *diagnoses),
        procedures=(*case.procedures[:1], *procedures),
    )
    second = group(tables, moved)
    assert (second.status, second.reason, second.leaf_node_id, second.severity) == (
        first.status,
        first.reason,
        first.leaf_node_id,
        first.severity,
    )
    assert sorted(second.counted) == sorted(first.counted)
    assert sorted(zip(moved.diagnoses, second.marks, strict=True)) == sorted(
        zip(case.diagnoses, first.marks, strict=True)
    )


@needs_shared
def test_a_record_alone_is_grouped_as_in_a_shuffled_batch_of_strangers() -> None:
    tables = load_pack(EDITIONS_ROOT / "zhejiang_2022").tables
    compiled = compile_drg(tables)
    cases = CaseFactory(tables, seed=5).cases(300)
    alone = [group_batch(compiled, encode_cases(compiled, [case])) for case in cases]
    order = np.random.default_rng(5).permutation(len(cases))
    together = group_batch(compiled, encode_cases(compiled, [cases[at] for at in order]))
    for row, at in enumerate(order):
        for field in ("status", "reason", "leaf", "severity", "op_used"):
            assert getattr(together, field)[row] == getattr(alone[at], field)[0]


@needs_shared
def test_a_slice_of_the_ids_is_grouped_as_the_whole() -> None:
    tables = load_pack(EDITIONS_ROOT / "chs_drg_11").tables
    compiled = compile_drg(tables)
    batch = encode_cases(compiled, CaseFactory(tables, seed=6).cases(100))
    part = CaseBatch(
        batch.dx_offsets[40:71],
        batch.dx_ids,
        batch.op_offsets[40:71],
        batch.op_ids,
        [field[40:70] for field in batch.numeric],
        [field[40:70] for field in batch.text],
    )
    whole, sliced = group_batch(compiled, batch), group_batch(compiled, part)
    assert sliced.leaf.tolist() == whole.leaf[40:70].tolist()
    first, end = batch.dx_offsets[40], batch.dx_offsets[70]
    assert sliced.dx_mark[first:end].tolist() == whole.dx_mark[first:end].tolist()
    assert not sliced.dx_mark[:first].any() and not sliced.dx_mark[end:].any()


@needs_shared
def test_bulk_records_read_back_as_the_records_the_batch_holds() -> None:
    tables = load_pack(EDITIONS_ROOT / "foshan_2022").tables
    compiled = compile_drg(tables)
    bulk = bulk_cases(CaseFactory(tables, seed=7), compiled, 5_000, models=500)
    again = encode_cases(compiled, [bulk.case(record) for record in range(len(bulk))])
    for field in ("dx_offsets", "dx_ids", "op_offsets", "op_ids", "numeric", "text"):
        assert np.array_equal(getattr(again, field), getattr(bulk.batch, field)), field


def test_a_long_record_and_an_empty_batch_are_grouped() -> None:
    tables = _one_group()
    compiled = compile_drg(tables)
    assert len(group_batch(compiled, encode_cases(compiled, [])).status) == 0
    long = Case("L", ("D1", *["D2"] * 5_000), ("O1", *["O2"] * 5_000), {"gender": 1, "age_years": 4}, {})
    assert group(tables, long).drg == "BR19"


def _one_group() -> DrgTables:
    tree = [("MDCB", "dx_any count two 5000..", [("BR1", "op_any count two_op 5000..5000", [("BR19", "")])])]
    return edition(tree, {"two": "dx:D2", "two_op": "op:O2"})


def test_the_walk_needs_neither_numpy_nor_numba() -> None:
    code = "import grouper.reference, grouper.trace, sys; print({'numpy', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_walker_is_not_changed_by_walking() -> None:
    tables = _one_group()
    walker = Walker(tables)
    case = Case("W", ("D1",), (), {"gender": 1, "age_years": 4}, {})
    assert walker.walk(case) == walker.walk(case) == Walker(tables).walk(case)
