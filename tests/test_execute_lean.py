"""Rows read as bare arrays are those of the other ways, in the order of files and rows, whatever threads read them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.cases.codes import TOO_LONG
from engine.cases.columns import TYPED
from engine.cases.convert import EMPTY_DTYPES, complete
from engine.cases.demand import Demand, Profile, Purpose
from engine.cases.facts import FEES, PERSON, Facts
from engine.cases.load import LoadedCases, load_cases
from engine.cases.read import MISSHAPEN, open_cases
from engine.cases.repair import Repair, Repairs
from engine.cases.rules import rules_for
from engine.errors import CaseFileError
from engine.execute.cells import Coded, Columns, Lists
from engine.execute.fast_cases import Shard
from engine.execute.lean import Numbers
from engine.execute.lean_read import LateRows, LeanPart, LeanReader
from engine.execute.lean_rules import ROW_RULES, LeanColumns, LeanRules, counted, patient_of
from fixtures.generate import generate_city
from grouper.tables import STANDARD_NUMERIC, NumericField
from tests.input_rows import arrow_table, assert_same, many, row, write_csv, write_parquet
from tests.lean_cases import frame_of, lean_cases, parts_of, validated

DAY = 19_783
FACTS = Facts(required=(PERSON,), optional=tuple(FEES.values()))
KINDS: list[tuple[Purpose, bool, bool]] = [
    ("settle", False, False),
    ("settle", False, True),
    ("group", True, False),
    ("group", False, False),
]
PROFILES: tuple[Profile, ...] = ("strict", "compatible")
DEMANDS = [
    Demand(purpose, profile, dip=dip, fund_unused=unused, facts=facts, numbers=(*STANDARD_NUMERIC, *numbers))
    for purpose, dip, unused in KINDS
    for profile in PROFILES
    for facts, numbers in ((Facts(), ()), (FACTS, (NumericField("icu", "h", "icu_hours", null_allowed=False),)))
]


def edges(rng: random.Random, name: str, kind: str) -> Any:
    """A value at or near where some rule changes its mind."""
    if rng.random() < 0.12:
        return None
    if kind == "text":
        return rng.choice({
            "insutype": ["310", "390", "340"], "setl_ym": ["202403", "202402", "202413", "2024", "190001"],
            "dscg_way": ["1", "2", "5", "9", "7"],
        }.get(name, ["A", "B", "C"]))  # fmt: skip
    if kind == "date":
        return DAY + rng.choice([-30_000, -40, -5, -4, -3, -2, -1, 0, 0, 0, 0, 1, 2, 3, 30_000])
    if kind == "fen":
        return rng.choice([-1, 0, 1, 100, 101, 9 * 10**10, 9 * 10**10 + 1, 500])
    edge = {"gend": [0, 1, 2, 3], "age": [-1, 0, 0, 0, 1, 45, 130, 131], "nwb_age": [-1, 0, 1, 28, 29, 365, 366]}
    edge |= {"nwb_bir_wt": [-5, 0, 1, 199, 200, 3_000, 9_999, 10_000], "act_ipt_days": [-1, 0, 1, 2, 3, 4, 5, 6, 7]}
    return rng.choice(edge.get(name, [0, 1, 2]))


def at_the_edges(demand: Demand, seed: int, count: int) -> tuple[pl.DataFrame, LeanColumns, Columns]:
    """The same rows as the typed frame of `Converter` before `complete`, and as arrays. Some columns are not there."""
    rng = random.Random(seed)
    columns = Columns(demand)
    found = LeanColumns(pa.array([f"S{n}" for n in range(count)]))
    frame = {"setl_id": pl.Series("setl_id", [f"S{n}" for n in range(count)])}
    kinds = {typed.name: typed.kind for typed in demand.typed} | dict.fromkeys(demand.extra_numbers, "int")
    for name, kind in kinds.items():
        if name == "setl_id":
            continue
        if kind == "codes":
            flags = np.array([rng.choice([0, 0, 0, 1, 2, 3, TOO_LONG]) for _ in range(count)], np.uint8)
            words = columns.vocabularies[name]
            ids = words.ids(pa.array(["K35.800"] * count))
            found.lists[name], found.flags[name] = Lists(np.arange(count + 1), ids, words.words), flags
            frame[name] = pl.Series(name, [["K35.800"]] * count, dtype=pl.List(pl.String))
            frame[f"{name}!flags"] = pl.Series(flags)
            continue
        there = rng.random() < 0.93
        values = [edges(rng, name, kind) if there else None for _ in range(count)]
        physical = pl.Series(name, values, dtype=pl.Int32 if kind == "date" else EMPTY_DTYPES[kind])
        frame[name] = physical.cast(pl.Date) if kind == "date" else physical
        if there and kind == "text":
            numbers = columns.vocabularies[name].ids(pa.array(values, pa.string()))
            found.texts[name] = Coded(numbers, columns.vocabularies[name].words)
        elif there:
            missing = physical.is_null().to_numpy()
            found.numbers[name] = Numbers(physical.fill_null(0).to_numpy(), missing if missing.any() else None)
    frame[MISSHAPEN] = pl.Series([False] * count)
    return pl.DataFrame([values.alias(name) for name, values in frame.items()]), found, columns


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda d: f"{d.purpose}-{d.profile}-{d.fund_unused}-{d.facts.person}")
@pytest.mark.parametrize("seed", range(6))
def test_arrays_break_the_rules_that_the_rules_say(demand: Demand, seed: int) -> None:
    frame, found, columns = at_the_edges(demand, seed, 4_000)
    repairs, odd = Repairs(), np.zeros(len(frame), np.bool_)
    whole = complete(frame, demand, repairs)
    rules = LeanRules(columns)
    bad, repaired = rules.apply(found, odd)
    broken = np.zeros(len(frame), np.bool_)
    for rule in rules_for(demand, whole.columns):
        marks = ~whole.select(rule.ok.fill_null(False)).to_series().to_numpy()
        assert not (marks & ~bad & ~odd).any(), rule.reject
        broken |= marks
    near = (whole["settled_on"].to_physical() - DAY).abs().fill_null(0).to_numpy() < 10_000
    assert not ((bad | odd) & ~broken & near).any(), "a good row takes the long way round"
    assert counted(repaired, np.ones(len(frame), np.bool_)) == +repairs
    numbers = {name: Numbers(column.values, column.missing) for name, column in found.numbers.items()}
    for name in ("age", "act_ipt_days", "patient_fen", "fund_fen"):
        column = patient_of(numbers) if name == "patient_fen" else numbers.get(name)
        mine = [None] * len(frame) if column is None else pa.array(column.values, mask=column.missing).to_pylist()
        assert mine == whole[name].to_list(), name
    month = found.texts.get("setl_ym")
    mine = np.array(whole["setl_ym"].to_list() if month is None else month.series().to_list(), object)
    assert (mine[~odd] == np.array(whole["setl_ym"].to_list(), object)[~odd]).all()


@pytest.mark.parametrize("place", range(len(ROW_RULES)))
def test_every_rule_of_the_compiled_pass_is_broken_somewhere(place: int) -> None:
    """A place of the pass that is never asked for, or never marks, would go unnoticed above."""
    reject, profile = ROW_RULES[place]
    demand = Demand("settle", profile or "strict")  # type: ignore[arg-type]
    rules = [rule for rule in rules_for(demand, at_the_edges(demand, 0, 1)[0].columns) if rule.reject == reject]
    assert len(rules) == 1, "one rule of this kind, and it is asked"
    marked = []
    for seed in range(5):
        frame, found, columns = at_the_edges(demand, seed, 4_000)
        lean = LeanRules(columns)
        assert int(lean.asked) >> place & 1
        lean.only_row_rule(place)
        bad, _ = lean.apply(found, np.zeros(len(frame), np.bool_))
        whole = complete(frame, demand, Repairs())
        broken = ~whole.select(rules[0].ok.fill_null(False)).to_series().to_numpy()
        assert (bad == broken).all()
        marked.append(int(bad.sum()))
    assert max(marked) > 0


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("city")
    generate_city(folder, 3_000, 5)
    return sorted([*(folder / "cases").iterdir(), *(folder / "later").iterdir()])


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of different kinds and forms with copies across them."""
    folder = tmp_path_factory.mktemp("mixed")
    dirty = [row("X1", age="131"), row("X2", gend="３"), row("X3", act_ipt_days=None), row("S0007"), row("S0040")]
    return [
        write_parquet(folder / "a.parquet", [*many(60), *dirty], row_group_size=9),
        write_parquet(folder / "b.parquet", [row(f"B{n}", diag_codes=None) for n in range(3)], codes="struct"),
        write_csv(folder / "c.csv", [row("C1"), row(" C2"), row("X1")]),
        write_parquet(folder / "d.parquet", [row(f"D{n}") for n in range(40)], codes="joined", row_group_size=7),
    ]


@pytest.mark.parametrize("threads", [1, 2])
def test_whatever_thread_reads_what(threads: int, city: list[Path], mixed: list[Path]) -> None:
    for paths in (city, mixed):
        demand = Demand("settle", "strict", dip=True)
        slow = load_cases(paths, demand, fast=False)
        assert_same(slow, lean_cases(paths, demand, batch_rows=500, threads=threads))
        lean = LeanReader(open_cases(paths, demand), 500)
        order = [(part.task.file, int(n)) for part in parts_of(lean, threads) for n in part.row_numbers]
        assert order == sorted(order), "rows come in the order of files and rows"


def test_pieces_do_not_depend_on_threads(city: list[Path], mixed: list[Path]) -> None:
    def pieces(threads: int) -> list[pl.DataFrame]:
        lean = LeanReader(open_cases([*city, *mixed], Demand("settle", "strict")), 40)
        found = validated(lean, threads)
        return [frame for piece in found for frame in (piece.accepted, piece.rejected)]

    for one, two in zip(pieces(1), pieces(2), strict=True):
        assert one.equals(two)


def test_columns_that_are_not_wanted_are_judged_all_the_same(city: list[Path], mixed: list[Path]) -> None:
    demand = Demand("settle", "strict", dip=True)
    wanted = {"diag_codes", "age", "medfee_sumamt_fen", "patient_fen", "insutype"}
    for paths in (city, mixed):
        whole = LeanReader(open_cases(paths, demand), 500)
        some = LeanReader(open_cases(paths, demand), 500, columns=wanted)
        for all_of_it, part in zip(parts_of(whole, 2), parts_of(some, 2), strict=True):
            assert _waiting(all_of_it) == _waiting(part) and all_of_it.repairs == part.repairs
            if all_of_it.rows is None or part.rows is None:
                assert all_of_it.rows is part.rows
                continue
            assert {*part.rows.texts, *part.rows.numbers, *part.rows.lists} <= wanted
            left, right = frame_of(all_of_it, demand), frame_of(part, demand)
            names = ["setl_id", "row", *sorted(wanted)]
            assert left.select(names).equals(right.select(names))


def _waiting(part: LeanPart) -> list[list[Any] | None]:
    both = (part.waiting, part.held)
    return [None if rows is None else [column.to_pylist() for column in rows.table.columns] for rows in both]


def test_an_odd_cell_of_a_column_nobody_wants_still_counts(tmp_path: Path) -> None:
    rows = [row("A"), row("B", dscg_caty=" 03"), row("C", brdy="2024-02-30"), row("D", dscg_caty=None)]
    for each in rows:
        each.setdefault("brdy", None)
    table = pa.table({name: pa.array([each[name] for each in rows], pa.string()) for name in rows[0]})
    pq.write_table(table, tmp_path / "a.parquet")
    demand = Demand("group", "strict", dip=True)
    lean = LeanReader(open_cases([tmp_path / "a.parquet"], demand), columns=())
    late, (part,) = LateRows(lean), parts_of(lean, 1)
    assert part.rows is not None and part.rows.ids.to_pylist() == ["A", "D"]
    assert late.add(part) is None
    ((judged,),) = (turn() for turn in late.rest())
    assert judged.repairs == {Repair.BLANKS: 1} and judged.rejected["setl_id"].to_list() == ["C"]


def test_shards_hold_every_row_once(mixed: list[Path]) -> None:
    demand = Demand("settle", "strict")
    seen: list[tuple[int, int]] = []
    held = 0
    for number in (1, 2, 3):
        lean = LeanReader(open_cases(mixed, demand), 20, Shard(number, 3))
        late = LateRows(lean)
        for part in parts_of(lean, 2):
            seen += [(part.task.file, int(n)) for n in part.row_numbers]
            assert late.add(part) is None
        waited = sum(piece.read_count for turn in late.rest_but_copies() for piece in turn())
        held += len(late.held) + waited
    whole = load_cases(mixed, demand, fast=False)
    assert len(set(seen)) == len(seen) and len(seen) + held == whole.read_count


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(path.read_bytes() + b"x"), lambda path: path.touch()])
def test_a_file_written_to_meanwhile_stops_the_run(change: Callable[[Path], Any], tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", many(40), row_group_size=10)
    lean = LeanReader(open_cases([path], Demand("settle", "strict")), 10)
    late, parts = LateRows(lean), parts_of(lean, 1)
    for part in parts:
        late.add(part)
    change(path)
    with pytest.raises(CaseFileError, match=r"变化|changed"):
        list(late.rest())


def test_a_missing_part_stops_the_run(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", many(40), row_group_size=10)
    lean = LeanReader(open_cases([path], Demand("settle", "strict")), 10)
    late = LateRows(lean)
    for part in parts_of(lean, 1)[:-1]:
        late.add(part)
    with pytest.raises(CaseFileError):
        list(late.rest())


def test_a_large_row_group_is_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(arrow_table(many(300)), path)
    demand = Demand("settle", "strict")
    by_pages = lean_cases([path], demand, batch_rows=100)
    monkeypatch.setattr("engine.execute.lean_batches.PAGE_ROWS_MAX", 50)
    by_arrow = lean_cases([path], demand, batch_rows=100)
    slow: LoadedCases = load_cases([path], demand, fast=False)
    assert_same(slow, by_pages)
    assert_same(slow, replace(by_arrow))


def test_a_demand_of_a_policy(tmp_path: Path) -> None:
    rows = many(50)
    for n, each in enumerate(rows):
        each |= {"psn_no": None if n == 7 else f"P{n % 9}", "med_type": "21"}
        each |= dict.fromkeys(FEES.values(), "1.50" if n % 3 else None)
    demand = Demand("settle", "strict", facts=FACTS)
    table = pa.table({name: pa.array([each[name] for each in rows], pa.string()) for name in rows[0]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert {typed.name for typed in TYPED} >= {"psn_no"}
    assert_same(load_cases([tmp_path / "a.parquet"], demand, fast=False), lean_cases([tmp_path / "a.parquet"], demand))
