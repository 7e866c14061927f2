"""`python -m bench scale`: the command around `bench.scale` 「规模测量命令」."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path


def main(words: Sequence[str]) -> int:
    """Measure, print, write JSON and page; 1 if an asserted ratio does not hold or ways of grouping differ."""
    parser = argparse.ArgumentParser(prog="python -m bench scale", description="Speed and memory from file to file.")
    parser.add_argument("--cases", default="1000000", help="sizes, joined by commas; stages at the first")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pack", type=Path, help="folder of a real DRG pack, grouped beside the demo packs")
    parser.add_argument("--cleared", type=int, default=1_000_000, help="`clear` as well, up to so many cases")
    parser.add_argument("--json", type=Path, help="where the figures go; the page stands beside them")
    parser.add_argument("--assert-ratio", type=float, help="fail unless grouping from text is N × polars")
    asked = parser.parse_args(words)
    from bench.city import work_folder
    from bench.page import page
    from bench.scale import measure_scale

    sizes = [int(text) for text in asked.cases.split(",")]
    found = measure_scale(
        sizes, asked.seed, asked.threads, asked.pack, asked.cleared, lambda text: print(f"… {text}", file=sys.stderr)
    )
    for name, value in {**found.stages_ns, **found.others_ns}.items():
        print(f"{name:<16}{value:>10,.0f} ns")
    for name, value in found.ratios.items():
        print(f"{name:<60}{value:>8,.1f} ×")
    print(f"polars: {found.polars_cases:,} cases; DIP rows that differ from the kernel's: {found.dip_differing:.1%}")
    for title, jobs in (("settle, DRG", found.streams), ("settle, both", found.both), ("clear", found.jobs)):
        for job in jobs:
            peak = "?" if job.peak_mb is None else f"{job.peak_mb:,.0f}"
            print(
                f"{title:<14}{job.read_count:>12,} cases: {1e9 * job.cpu_s / job.read_count:,.0f} ns, "
                f"{job.wall_s:,.1f} s, {job.read_count / job.wall_s:,.0f} cases/s, {peak} MB"
            )
    path = asked.json or work_folder() / "scale.json"
    path.write_text(json.dumps(found.facts(), ensure_ascii=False, indent=1) + "\n", "utf-8")
    path.with_suffix(".html").write_text(page(found), "utf-8")
    print(path)
    low = asked.assert_ratio is not None and found.ratios["grouping from text, against polars"] < asked.assert_ratio
    return int(low or found.differing > 0 or found.walked_differing > 0)
