"""`python -m bench kills`: the service and its helpers killed at random, a thousand times 「断电演练」

    python -m bench kills --points 1000 [--database URL] [--seed 7] [--only settle,book,job,close,replay]

Kinds: the service itself while it settles over HTTP, the booking of lines, workers at jobs, the closing of months on
the shelf and in the books, replays. After every kill what was acknowledged must be there once, chains and shelves must
verify, and the next process must go on.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Timer
from typing import Any

from sqlalchemy import select

from bench.booking_kills import booking_drill
from bench.job_kills import AREA, POLICY, job_drill
from bench.killed import READY, Child, Outcome, waited_for
from bench.shelf_kills import closing_drill, replay_drill
from engine.store.audit import verify_audit
from engine.store.open import migrate, open_store
from engine.store.schema import LINES
from engine.store.verify import verify_lines

SHARES = {"book": 40, "settle": 15, "job": 20, "close": 15, "replay": 10}
"""Of a hundred kills, by kind."""
WINDOW_S = 0.4


def _serves(pipe: Connection, url: str, folder: Path, port: int) -> None:
    import uvicorn

    from api.app import create_app
    from api.settings import Settings

    app = create_app(Settings(areas=(POLICY,), database=url, shelf=folder / "served", spool=folder / "served-spool",
                              open_access=True))  # fmt: skip
    pipe.send_bytes(READY)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="critical")


def settle_drill(url: str, folder: Path, kills: int, seed: int) -> Outcome:
    """Kill a service `kills` times while a client settles case after case and asks again for what got no answer."""
    from bench.service import demo_cases
    from engine.online.counter import open_counter

    rolls, started = random.Random(seed), time.monotonic()
    cases = demo_cases(folder / "settle-city", open_counter(POLICY))
    answers, again = dict[int, dict[str, Any]](), 0
    problems: list[str] = []
    for _ in range(kills):
        with _listening(url, folder) as (child, port):
            Timer(rolls.uniform(0, WINDOW_S), child.kill).start()
            for answer, repeated in _answers(port, cases, len(answers)):
                if "booked" not in answer:
                    problems.append(f"case {len(answers)}: {answer.get('code')}")
                    break
                again += repeated
                answers[len(answers)] = answer
            child.process.join()
        if problems:
            break
    problems += _settled(url, answers)
    facts = {"settlements acknowledged": len(answers), "of them found booked when asked again": again}
    return Outcome("settle over HTTP", kills, time.monotonic() - started, facts, tuple(problems))


@contextmanager
def _listening(url: str, folder: Path) -> Iterator[tuple[Child, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with Child(_serves, url, folder, port) as child:
        child.ready()
        assert waited_for(lambda: _answers_at(port)), "the service never listened"
        yield child, port


def _answers_at(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(port: int, cases: list[dict[str, Any]], start: int) -> Iterator[tuple[dict[str, Any], bool]]:
    """Answers to one settlement after the other, from a number on, until the service is gone."""
    client, number = http.client.HTTPConnection("127.0.0.1", port, timeout=60), start
    try:
        while True:
            case = {**cases[number % len(cases)], "setl_id": f"K{number:08d}"}
            headers = {"Content-Type": "application/json", "Idempotency-Key": f"kills-{number}"}
            client.request("POST", "/v1/cases/settle", json.dumps({"case": case}), headers)
            found = client.getresponse()
            yield json.loads(found.read()), found.headers.get("Idempotency-Replayed") == "true"
            number += 1
    except (OSError, http.client.HTTPException):
        return
    finally:
        client.close()


def _settled(url: str, answers: dict[int, dict[str, Any]]) -> list[str]:
    """Every acknowledged settlement is one line, with the hash that was told; at most one more is there."""
    store = open_store(url)
    with store.read() as connection:
        rows = connection.execute(select(LINES.c.setl_id, LINES.c.hash).where(LINES.c.area == AREA)).all()
    hashes = {str(row.setl_id): str(row.hash) for row in rows}
    problems = [*verify_lines(store), *verify_audit(store)]
    store.close()
    problems += [f"case {number} was acknowledged and is not there as told" for number, answer in answers.items()
                 if hashes.get(f"K{number:08d}") != answer["booked"]["hash"]]  # fmt: skip
    if len(rows) != len(hashes) or len(rows) > len(answers) + 1:
        problems.append(f"{len(rows)} lines of {len(hashes)} cases for {len(answers)} acknowledged settlements")
    return problems


def drills(url: str, folder: Path, points: int, seed: int, only: Sequence[str]) -> Iterator[Outcome]:
    """Every kind asked for, `points` kills among them, on one migrated database and shelves under `folder`."""
    runs: dict[str, Callable[[int], Outcome]] = {
        "book": lambda kills: booking_drill(url, folder, kills, seed),
        "settle": lambda kills: settle_drill(url, folder, kills, seed),
        "job": lambda kills: job_drill(url, folder, kills, seed),
        "close": lambda kills: closing_drill(url, folder, kills, seed),
        "replay": lambda kills: replay_drill(folder, kills, seed),
    }
    whole = sum(SHARES[name] for name in only)
    for name in only:
        yield runs[name](max(1, round(points * SHARES[name] / whole)))


def main(words: Sequence[str] | None = None) -> int:
    """Drill and tell; 1 if anything was lost, doubled or broken."""
    parser = argparse.ArgumentParser(prog="python -m bench kills", description=__doc__)
    parser.add_argument("--points", type=int, default=1000, help="kills, all kinds together")
    parser.add_argument("--database", help="an empty database of its own (default: SQLite in a temporary folder)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default=",".join(SHARES), help=f"of {','.join(SHARES)}")
    args = parser.parse_args(words)
    only = args.only.split(",")
    if unknown := set(only) - set(SHARES):
        parser.error(f"--only knows no {', '.join(sorted(unknown))}")
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="dianzhi-kills-") as made:
        url = args.database or f"sqlite:///{made}/books.sqlite"
        migrate(url)
        for outcome in drills(url, Path(made), args.points, args.seed, only):
            print(outcome.line(), flush=True)
            for problem in outcome.problems[:20]:
                print(f"  {problem}", file=sys.stderr)
            outcomes.append(outcome)
    problems = sum(len(each.problems) for each in outcomes)
    print(f"{sum(each.kills for each in outcomes)} kills, {problems} problems, seed {args.seed}")
    return 1 if problems else 0
