"""`python -m bench load`: a service of this host under load, provisional and booked 「服务压力测试」.

In: workers, connections, seconds, mixes, which database; out: lines and a JSON file. The service runs as users run it,
in processes of its own on loopback; the load shares its cores, so the figures are lower bounds of this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson

from bench.drive import REQUESTS_MAX, Load, Plan, run_load
from bench.load import KINDS, facts, lines, mix_of, prepared, settle_body
from bench.machine import facts as machine
from engine.online.counter import Counter, open_counter

ROOT = Path(__file__).resolve().parents[1]
CASES = 2_000
READY_S = 60.0


def demo_cases(folder: Path, counter: Counter) -> list[dict[str, Any]]:
    """Sound cases of one month of the demo city, as JSON."""
    import polars as pl

    from engine.online.settle import Refused, settle_case
    from fixtures.generate import generate_city

    month = next(path for path in generate_city(folder, CASES, 7).months["202504"] if path.suffix == ".parquet")
    found = []
    for row in pl.read_parquet(month).drop("psn_no", strict=False).to_dicts():
        case = {name: value if isinstance(value, (int, list)) else str(value) for name, value in row.items()
                if value is not None}  # fmt: skip
        try:
            settle_case(counter, case)
        except Refused:
            continue
        found.append(case)
    return found


@dataclass(frozen=True)
class Served:
    """A running service: where it listens, and the process that holds its workers."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """CPU time the process and all below it have used so far."""
        ticks, left = 0, [self.pid]
        while left:
            pid = left.pop()
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            ticks += int(fields[11]) + int(fields[12])
            left += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(folder: Path, database: str, workers: int) -> Iterator[Served]:
    """A service on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "engine.cli", "serve", "--area", "demo", "--open", "--database", database]
    command += ["--runs", str(folder / "runs"), "--port", str(port), "--workers", str(workers)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DIANZHI_SPOOL": str(folder / "spool")}
    environment |= {"DIANZHI_RATE_PER_S": "1000000", "DIANZHI_BURST": "1000000"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + READY_S
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
        yield Served(port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=60)


def main(words: Sequence[str] | None = None) -> int:
    """Load, print, write; 1 if an answer was wrong or errors passed their budget, or a claim asked for fails."""
    args = _parser().parse_args(words)
    counter = open_counter(ROOT / "fixtures" / "demo" / "policy")
    rounds = [(each, mix_of(each)) for each in args.mix or ("settle", "book")]
    found: dict[str, tuple[Load, float]] = {}
    with tempfile.TemporaryDirectory(prefix="dianzhi-load-") as made:
        folder = Path(made)
        cases = demo_cases(folder / "city", counter)
        size = len(orjson.dumps(settle_body(cases[0], True)))
        with served(folder, args.database or f"sqlite:///{folder}/books.sqlite", args.workers) as service:
            warm = prepared(counter, cases, {"settle": 1})
            run_load(Plan(service.port, warm, args.connections, 1.0))
            first = 0
            for title, mix in rounds:
                plan = Plan(
                    service.port, prepared(counter, cases, mix), args.connections, args.seconds, args.requests,
                    args.rate, first, args.error_budget,
                )  # fmt: skip
                before = service.cpu_seconds()
                load = run_load(plan)
                found[title] = load, service.cpu_seconds() - before
                first += load.requests + args.connections
    print(f"{args.workers} workers, {args.connections} connections, bodies of about {size:,} bytes")
    for title, (load, cpu_s) in found.items():
        print("\n".join(lines(load, title, cpu_s)))
    if args.json:
        about = {"workers": args.workers, "connections": args.connections, "body_bytes": size, "rate": args.rate}
        told = {title: facts(load, cpu_s) for title, (load, cpu_s) in found.items()}
        args.json.write_text(json.dumps({**about, "machine": machine(), "loads": told}, indent=1) + "\n")
    loads = [load for load, _ in found.values()]
    slow = args.assert_rate is not None and loads[0].requests < args.assert_rate * loads[0].seconds
    return 1 if slow or not all(load.is_sound for load in loads) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench load", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load (at most 120)")
    parser.add_argument("--requests", type=int, default=REQUESTS_MAX, help="at most so many in each load")
    parser.add_argument("--rate", type=float, help="arrivals a second (default: as fast as answers come)")
    parser.add_argument(
        "--mix", action="append", metavar="KIND=PARTS,…", help=f"one load; again for more. Kinds: {', '.join(KINDS)}"
    )
    parser.add_argument("--error-budget", type=float, default=0.0, metavar="SHARE", help="of answers other than 200")
    parser.add_argument("--database", help="an empty database of its own (default: SQLite in a temporary folder)")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--assert-rate", type=float, metavar="N", help="fail below N a second in the first load")
    return parser


if __name__ == "__main__":
    sys.exit(main())
