"""What grouping the same cases by DRG and by DIP costs, against DRG alone 「两种分组并行」.

    python -m bench.schemes --cases 120000 --assert-ratio 1.6

In: the demo city, its DRG and its DIP pack; out: CPU per case of reading, of each grouping, and the ratio
(read + DRG + DIP) ÷ (read + DRG). Both group the same accepted frames through the editions a run uses; answer columns
included, files not. It settles nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl

from bench.city import case_paths, demo_city
from bench.clock import Spent
from engine.cases.demand import Demand
from engine.cases.load import iter_cases
from engine.cases.read import open_cases
from engine.editions import open_edition

DEMO = Path(__file__).resolve().parents[1] / "fixtures" / "demo"
PACKS = {"drg": DEMO / "pack_drg", "dip": DEMO / "pack_dip"}


def scheme_figures(files: list[Path]) -> dict[str, float]:
    """Nanoseconds of CPU per accepted case: `read`, `drg`, `dip`; and how many `cases` there were."""
    editions = {name: open_edition(path) for name, path in PACKS.items()}
    demand = Demand("settle", "strict", numbers=())
    for edition in editions.values():
        demand = demand.with_numbers(edition.numbers)
    grouping = {name: edition.grouping(None) for name, edition in editions.items()}
    spent = {name: Spent() for name in ("read", *grouping)}
    pieces, cases = iter_cases(open_cases(files, demand)), 0
    while True:
        with spent["read"].running():
            piece = next(pieces, None)
        if piece is None:
            return {"cases": cases, **{name: one.cpu_ns / max(1, cases) for name, one in spent.items()}}
        for name, group in grouping.items():
            _group(group, piece.accepted, spent[name], first=not cases)
        cases += len(piece.accepted)


def _group(group: Callable[[pl.DataFrame], object], frame: pl.DataFrame, spent: Spent, *, first: bool) -> None:
    if first:
        group(frame.head(1))  # loads or compiles kernel and catalogue: what starting costs, not what a case does
    with spent.running():
        group(frame)


def ratio(figures: dict[str, float]) -> float:
    """DRG and DIP together ÷ DRG alone, reading included in both."""
    alone = figures["read"] + figures["drg"]
    return (alone + figures["dip"]) / alone


def main() -> int:
    """Prints the figures; 1 if an asserted ratio does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.schemes", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=120_000, help="discharges of the demo city (default: 120000)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--assert-ratio", type=float, help="fail if both cost more than this many times DRG alone")
    options = parser.parse_args()
    figures = scheme_figures(case_paths(demo_city(options.cases, options.seed)))
    print(f"{figures['cases']:,.0f} cases, CPU ns per case")
    for name in ("read", *PACKS):
        print(f"  {name:<6}{figures[name]:>10,.0f}")
    print(f"DRG and DIP together ÷ DRG alone: {ratio(figures):.3f}")
    return int(options.assert_ratio is not None and ratio(figures) > options.assert_ratio)


if __name__ == "__main__":
    sys.exit(main())
