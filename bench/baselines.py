"""The same work done the slow ways 「基线」: the slow reader, polars, and the plain Python walk.

In: case files and the demo packs. Out: nanoseconds of CPU a case by each way, and on how many cases an answer differs
from the kernels'. The walk must never differ; polars leaves out what it cannot say, and the share is told.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from bench.by_polars import group_by_polars, settle_by_polars
from bench.by_polars_dip import DipByPolars
from bench.clock import Spent
from bench.grouping import demo_figures
from engine.cases.demand import Demand
from engine.cases.encode import Encoder
from engine.cases.load import iter_cases
from engine.cases.read import open_cases
from engine.edition_dip import DipEdition
from engine.map_cases import ROWS_AT_A_TIME
from engine.packs.load import Pack
from grouper.dip_reference import DipWalker
from grouper.drg import group_batch

SLOWLY_READ = 200_000
AT_ONCE_MAX = 2_000_000
"""Cases polars is given at once; it holds all of them in memory."""
WALKED, WALKED_DIP = 5_000, 2_000
FUND_FEN = 10**12
READ = (
    *("setl_id", "fixmedins_code", "insutype", "gend", "age", "nwb_age", "nwb_bir_wt", "act_ipt_days", "dscg_way"),
    *("dscg_time", "setl_end_date", "diag_codes", "oprn_codes", "medfee_sumamt", "hifp_pay"),
)
"""What the polars baseline reads of the files."""


@dataclass(frozen=True)
class Baselines:
    """`ours_ns`: encoder and kernel on the very cases polars had. `differing`: DRG cases polars groups otherwise;
    `dip_differing`: the share of DIP cases; `walked_differing`: walked cases, of both schemes."""

    ours_ns: dict[str, float]
    others_ns: dict[str, float]
    cases: int
    differing: int
    dip_differing: float
    walked_differing: int


def measure_baselines(files: Sequence[Path], cases: int, pack: Pack, dip: DipEdition) -> Baselines:
    """Every slow way once; `cases`: how many polars is given, at most AT_ONCE_MAX."""
    demand = Demand("settle", "strict", numbers=(), dip=True).with_numbers(pack.tables.numeric)
    frame = pl.concat(list(_frames(files, demand, min(cases, AT_ONCE_MAX))))
    encoder = Encoder(pack.compiled(), pack.tables)
    group_batch(encoder.compiled, encoder.encode(frame.head(1)))
    encode, kernel = Spent(), Spent()
    with encode.running():
        batch = encoder.encode(frame)
    with kernel.running():
        grouped = group_batch(encoder.compiled, batch)
    nodes = np.array([*encoder.compiled.leaf_node, -1])[grouped.leaf]
    polars, leaf = _polars(files, frame, pack)
    polars["polars_group_dip"], dip_differing = _polars_dip(frame, dip)
    walk = demo_figures("walk", files[:1], pack, SLOWLY_READ, WALKED)
    dip_walk, dip_walked_differing = _walked_dip(frame, dip)
    others = {"slow_read": _slow_read(files, demand), **polars}
    return Baselines(
        ours_ns={"encode": encode.cpu_ns / len(frame), "kernel": kernel.cpu_ns / len(frame)},
        others_ns=others | {"python_walk": walk.walk_ns, "python_walk_dip": dip_walk},
        cases=len(frame),
        differing=int((leaf.to_numpy() != nodes).sum()),
        dip_differing=dip_differing,
        walked_differing=walk.differing + dip_walked_differing,
    )


def _frames(files: Sequence[Path], demand: Demand, cases: int) -> Iterator[pl.DataFrame]:
    found = 0
    for file in files:
        for piece in iter_cases(open_cases([file], demand), ROWS_AT_A_TIME, fast=True):
            yield piece.accepted.head(max(0, cases - found))
            found += len(piece.accepted)
            if found >= cases:
                return


def _slow_read(files: Sequence[Path], demand: Demand) -> float:
    """The general reader, its first pass over the ids and its verdicts on copies included, as in ours."""
    slow, count = Spent(), 0
    pieces = iter_cases(open_cases(files[:1], demand), ROWS_AT_A_TIME, fast=False)
    while count < SLOWLY_READ:
        with slow.running():
            piece = next(pieces, None)
        if piece is None:
            break
        count += piece.read_count
    return slow.cpu_ns / max(1, count)


def _polars(files: Sequence[Path], frame: pl.DataFrame, pack: Pack) -> tuple[dict[str, float], pl.Series]:
    """Cost of each step by polars, and the leaves."""
    group, settle, read, write = Spent(), Spent(), Spent(), Spent()
    with group.running():
        leaf = group_by_polars(frame, pack.tables)
    with settle.running():
        paid = settle_by_polars(frame, leaf, FUND_FEN)
    with read.running():
        raw = pl.read_parquet(files[0], columns=[name for name in READ if name in pl.read_parquet_schema(files[0])])
    with write.running():
        paid.write_parquet(io.BytesIO(), compression="zstd", compression_level=1)
    return {
        "polars_read": read.cpu_ns / len(raw),
        "polars_group": group.cpu_ns / len(frame),
        "polars_settle": settle.cpu_ns / len(frame),
        "polars_write": write.cpu_ns / len(paid),
    }, leaf


def _polars_dip(frame: pl.DataFrame, dip: DipEdition) -> tuple[float, float]:
    """Cost a case, and the share of cases that polars puts into another row than the kernel."""
    spent, by_polars = Spent(), DipByPolars.of(dip.pack.tables)
    yuan_a_point_e6 = dip.case_of(frame.head(1)).cost_factor_e6 or 0
    with spent.running():
        codes = by_polars.codes(frame, yuan_a_point_e6 / 10_000)
    ours = pl.Series(pl.from_arrow(dip.grouping(None)(frame)["dip_code"].cast("string")))
    return spent.cpu_ns / len(frame), int(ours.ne_missing(codes).sum()) / len(frame)


def _walked_dip(frame: pl.DataFrame, dip: DipEdition) -> tuple[float, int]:
    """Cost of the walk, and how many cases the kernel groups otherwise."""
    step = max(1, len(frame) // WALKED_DIP)
    chosen = frame.gather_every(step)
    cases = [dip.case_of(chosen.slice(row, 1)) for row in range(len(chosen))]
    walker, spent = DipWalker(dip.pack.tables), Spent()
    with spent.running():
        walked = [walker.walk(case).code for case in cases]
    codes = dip.grouping(None)(chosen)["dip_code"].cast("string").to_pylist()
    return spent.cpu_ns / len(cases), sum(one != other for one, other in zip(walked, codes, strict=True))
