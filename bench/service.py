"""`python -m bench load`: a service of this host under load, provisional and booked 「服务压力测试」.

In: how many workers, connections, seconds, which database; out: lines and a JSON file. The service runs as users run
it, in processes of its own on loopback; the load shares its cores, so the figures are lower bounds of this machine.
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
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson

from bench.load import Load, run_load, settle_body, settles

ROOT = Path(__file__).resolve().parents[1]
CASES = 2_000
READY_S = 60.0


def demo_cases(folder: Path) -> list[dict[str, Any]]:
    """Sound cases of one month of the demo city, as JSON."""
    import polars as pl

    from engine.online.counter import open_counter
    from engine.online.settle import Refused, settle_case
    from fixtures.generate import generate_city

    counter = open_counter(ROOT / "fixtures" / "demo" / "policy")
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


@contextmanager
def served(folder: Path, database: str, workers: int) -> Iterator[int]:
    """A service on loopback; its port."""
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
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


def main(words: Sequence[str] | None = None) -> int:
    """Load, print, write; 1 if a request was answered with anything but 200, or a claim asked for does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench load", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each of the two loads (at most 120)")
    parser.add_argument("--database", help="an empty database of its own (default: SQLite in a temporary folder)")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--assert-rate", type=float, metavar="N", help="fail below N provisional settles a second")
    args = parser.parse_args(words)
    seconds = min(args.seconds, 120.0)
    with tempfile.TemporaryDirectory(prefix="dianzhi-load-") as made:
        folder = Path(made)
        cases = demo_cases(folder / "city")
        size = len(orjson.dumps(settle_body(cases[0], True)))
        with served(folder, args.database or f"sqlite:///{folder}/books.sqlite", args.workers) as port:
            run_load("127.0.0.1", port, settles("127.0.0.1", port, cases, book=False), args.connections, 1.0)  # warm
            plain = run_load(
                "127.0.0.1", port, settles("127.0.0.1", port, cases, book=False), args.connections, seconds
            )
            booked = run_load(
                "127.0.0.1", port, settles("127.0.0.1", port, cases, book=True), args.connections, seconds
            )
    print(f"{args.workers} workers, {args.connections} connections, bodies of about {size:,} bytes")
    print(
        "\n".join([*plain.lines("provisional settles"), *_bars(plain), *booked.lines("booked settles"), *_bars(booked)])
    )
    if args.json:
        facts = {"workers": args.workers, "connections": args.connections, "body_bytes": size}
        args.json.write_text(
            json.dumps({**facts, "provisional": _facts(plain), "booked": _facts(booked)}, indent=1) + "\n"
        )
    failed = [load for load in (plain, booked) if set(load.statuses) != {200}]
    slow = args.assert_rate is not None and plain.per_second < args.assert_rate
    return 1 if failed or slow else 0


def _bars(load: Load) -> list[str]:
    rows = load.histogram()
    most = max((count for _, count in rows), default=1)
    return [f"  ≤ {bound:>8.2f} ms {count:>8,} {'▇' * (40 * count // most)}" for bound, count in rows]


def _facts(load: Load) -> dict[str, Any]:
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
    return {
        "requests": load.requests,
        "per_second": round(load.per_second, 1),
        "ms": {name: load.percentile_ms(share) for name, share in shares.items()},
        "histogram_ms": load.histogram(),
    }


if __name__ == "__main__":
    sys.exit(main())
