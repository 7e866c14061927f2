"""Speed and memory from file to file, with two other ways of doing the same work beside it 「规模测量」.

    python -m bench scale --cases 10000000

In: a large demo city, its DRG and its DIP pack, optionally a real pack. Out: nanoseconds of CPU a case for every stage,
the whole clearing job in a process of its own with its peak of anonymous memory, and in the same run the slow reader,
polars and the plain Python walk over the same cases: every claim is a ratio of two figures of one run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.baselines import measure_baselines
from bench.city import YEAR
from bench.clock import Spent
from bench.job import Job, clearing_job, settle_job
from bench.large import large_city
from bench.machine import facts
from engine.cases.demand import Demand
from engine.cases.gather import headers_needed
from engine.cases.load import iter_cases
from engine.cases.read import CaseReader, open_cases
from engine.edition import Edition
from engine.edition_dip import DipEdition
from engine.editions import open_edition
from engine.execute.batches import batches
from engine.execute.suspects import find_suspects
from engine.map_cases import ROWS_AT_A_TIME
from engine.packs.load import load_pack
from engine.version import engine_facts

DEMO = Path(__file__).resolve().parents[1] / "fixtures" / "demo"
_JOBS = ("jobs", "streams", "both")


@dataclass
class Scale:
    """One measurement. All `_ns` are CPU of all threads, per case; jobs count start-up too."""

    cases: int
    machine: dict[str, Any]
    packs: dict[str, dict[str, str]]
    stages_ns: dict[str, float] = field(default_factory=dict)
    others_ns: dict[str, float] = field(default_factory=dict)
    polars_cases: int = 0
    """On how many polars was measured."""
    differing: int = 0
    dip_differing: float = 0.0
    """Share of the cases that polars puts into another DIP row; of the DRG cases, none may differ."""
    walked_differing: int = 0
    jobs: list[Job] = field(default_factory=list)
    """`clear`, statements and pages included."""
    streams: list[Job] = field(default_factory=list)
    """`settle` by DRG."""
    both: list[Job] = field(default_factory=list)
    """`settle` by DRG, every case grouped by the DIP catalogue as well."""

    @property
    def ratios(self) -> dict[str, float]:
        """How many cases our way does while the other does one."""
        ours, others = self.stages_ns, self.others_ns
        grouped = ours["encode"] + ours["kernel"]
        whole, both = (1e9 * jobs[-1].cpu_s / jobs[-1].read_count for jobs in (self.streams, self.both))
        by_polars = sum(others[f"polars_{step}"] for step in ("read", "group", "settle", "write"))
        walk, dip_walk = others["python_walk"], others["python_walk_dip"]
        return {
            "file to file, DRG and DIP, against polars": (by_polars + others["polars_group_dip"]) / both,
            "file to file, DRG and DIP, against both Python walks alone": (walk + dip_walk) / both,
            "file to file, DRG, against polars": by_polars / whole,
            "file to file, DRG, against the Python walk alone": walk / whole,
            "reading, against the slow reader": others["slow_read"] / ours["read"],
            "grouping from text, against polars": others["polars_group"] / grouped,
            "kernel, against the Python walk": walk / ours["kernel"],
            "grouping from text, against the Python walk": walk / grouped,
        }

    def facts(self) -> dict[str, Any]:
        """For the JSON file."""
        return {
            "bench": "scale",
            "format": 1,
            "engine": engine_facts(),
            **{name: value for name, value in vars(self).items() if name not in _JOBS},
            "ratios": self.ratios,
            **{name: [asdict(job) for job in getattr(self, name)] for name in _JOBS},
        }


def measure_scale(
    cases: list[int], seed: int, threads: int, real: Path | None, cleared: int, tell: Callable[[str], None]
) -> Scale:
    """Stages at the first size, the year in two passes at every size, the clearing up to `cleared` cases."""
    packs: dict[str, Edition] = {name: open_edition(DEMO / f"pack_{name}") for name in ("drg", "dip")}
    if real is not None:
        packs["real"] = open_edition(real)
    known = {name: _known(edition) for name, edition in packs.items()}
    found = Scale(cases[0], facts(), known)
    for count in cases:
        tell(f"{count:,} cases")
        folder = large_city(count, seed)
        for both, jobs in ((False, found.streams), (True, found.both)):
            jobs.append(settle_job([folder], YEAR, threads, both))
        if count <= cleared:
            found.jobs.append(clearing_job([folder], YEAR, threads))
    folder = large_city(cases[0], seed)
    tell("stages")
    _stages(found, folder, packs)
    tell("polars, the slow reader, the Python walk")
    dip = packs["dip"]
    assert isinstance(dip, DipEdition)
    beside = measure_baselines(sorted(folder.glob("*.parquet")), cases[0], load_pack(DEMO / "pack_drg"), dip)
    found.stages_ns |= beside.ours_ns
    found.others_ns |= beside.others_ns
    found.polars_cases, found.dip_differing = beside.cases, beside.dip_differing
    found.differing, found.walked_differing = beside.differing, beside.walked_differing
    return found


def _known(edition: Edition) -> dict[str, str]:
    return {"id": edition.meta.id, "version": edition.meta.version, "fingerprint": edition.fingerprint}


def _demand(packs: dict[str, Edition]) -> Demand:
    demand = Demand("settle", "strict", numbers=(), dip=True)
    for edition in packs.values():
        demand = demand.with_numbers(edition.numbers)
    return demand


def _stages(found: Scale, folder: Path, packs: dict[str, Edition]) -> None:
    files = sorted(folder.glob("*.parquet"))
    # What is loaded or compiled at the first call is the start-up's cost, not a case's.
    next(iter_cases(open_cases(files[:1], _demand(packs)), 4_096, fast=True))
    reader = open_cases(files, _demand(packs))
    ids, decode, read = Spent(), Spent(), Spent()
    with ids.running():
        suspects = find_suspects(reader, ROWS_AT_A_TIME)
    with decode.running():
        _decode_all(reader)
    count = sum(suspects.counts)
    spent = {name: Spent() for name in packs}
    grouping = {name: edition.grouping(None) for name, edition in packs.items()}
    pieces, first = iter_cases(reader, ROWS_AT_A_TIME, fast=True), True
    while True:
        with read.running():
            piece = next(pieces, None)
        if piece is None:
            break
        for name, group in grouping.items():
            if first:
                group(piece.accepted.head(1))  # loads or compiles what it needs
            with spent[name].running():
                group(piece.accepted)
        first = False
    found.stages_ns |= {
        "ids": ids.cpu_ns / count,
        "decode": decode.cpu_ns / count,
        "read": read.cpu_ns / count,
        **{f"group_{name}": each.cpu_ns / count for name, each in spent.items()},
    }


def _decode_all(reader: CaseReader) -> None:
    for table, header in zip(reader.tables, reader.headers, strict=True):
        unique = (header.direct.get("setl_id", ""),)
        for _ in batches(table, headers_needed(header, reader.demand.wanted), ROWS_AT_A_TIME, unique):
            pass
