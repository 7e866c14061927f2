"""`python -m bench`: speed and memory of grouping and settling, as ratios within one run 「性能测量」.

In: command line; out: a table, a JSON file, and an exit code that is not 0 if a claim asked for does not hold.
Measuring processes start anew and import this module, so nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Speed and memory, as ratios within one run.")
    parser.add_argument("action", nargs="?", choices=["throughput"], default="throughput", help="what to measure")
    parser.add_argument("--cases", type=int, default=1_000_000, help="cases of the demo city (default: 1000000)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the demo city (default: 7)")
    parser.add_argument("--sample", type=int, default=20_000, help="cases the plain walk groups (default: 20000)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the whole job (default: 2)")
    parser.add_argument("--pack", type=Path, help="folder of a real rule pack, to be measured too")
    parser.add_argument("--answers", type=Path, help="cases for --pack: its published answers as Parquet")
    parser.add_argument("--mapping", action=argparse.BooleanOptionalAction, help="code mapping of --pack on or off")
    parser.add_argument("--json", type=Path, help="where the figures go (default: in the system's temporary folder)")
    parser.add_argument("--assert-ratio", type=float, metavar="N", help="fail unless the kernel is N × the walk")
    parser.add_argument("--assert-memory-mb", type=float, metavar="MB", help="fail above this peak of anonymous memory")
    return parser


COMMANDS = {
    "scale": "bench.scale_command",
    "same": "bench.same",
    "load": "bench.service",
    "kills": "bench.service_kills",
}
"""The first word of a command, and the module that does it."""


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; returns the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    if given[:1] and given[0] in COMMANDS:
        command = importlib.import_module(COMMANDS[given[0]])
        return int(command.main(given[1:]))
    parser = _parser()
    args = parser.parse_args(given)
    if (args.pack is None) != (args.answers is None):
        parser.error("--pack and --answers go together: the pack's rules, and cases to group by them.")
    if min(args.cases, args.sample, args.threads) < 1:
        parser.error("--cases, --sample and --threads must be above 0.")
    from bench.city import work_folder
    from bench.shown import grouping_lines, job_lines, machine_line
    from bench.throughput import Asked, broken_claims, measure
    from engine.lang import say

    asked = Asked(args.cases, args.seed, args.sample, args.threads, args.pack, args.answers, args.mapping)
    found = measure(asked, lambda text: print(f"… {text}", file=sys.stderr, flush=True))
    lines = [machine_line(found.machine), ""]
    for figures in found.groupings:
        lines += [*grouping_lines(figures), ""]
    if found.start_up is not None:
        lines += [*job_lines(say("小作业", "a small job"), found.start_up), ""]
    lines += job_lines(say("年度清算", "clearing of a year"), found.job)
    print("\n".join(lines))
    path = args.json or work_folder() / "throughput.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    broken = broken_claims(found, args.assert_ratio, args.assert_memory_mb)
    asserted = {"ratio": args.assert_ratio, "memory_mb": args.assert_memory_mb, "broken": broken}
    path.write_text(json.dumps({**found.facts(), "asserted": asserted}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(f"\n{path}")
    for text in broken:
        print(say("不成立：", "does not hold: ") + text, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
