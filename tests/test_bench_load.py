"""The load generator: it counts what it sent, reads what it got, keeps to its bounds and to this host."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bench.drive import Plan, Prepared, run_load
from bench.load import histogram, mix_of, percentile_ms
from bench.service import main, served
from engine.store.open import migrate

NUMBER = b"000000999999"


def asked(**result: Any) -> Prepared:
    """A request for what the answering host below says."""
    body = b'{"setl_id": "L' + NUMBER + b'"}'
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    return Prepared("settle", tuple((head + body).split(NUMBER)), result)


@contextmanager
def host(status_of: Any = lambda number: 200) -> Iterator[tuple[int, list[str]]]:
    """A host that answers `x: 1` for every id, and the ids it was asked for."""
    seen: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            found = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["setl_id"]
            seen.append(found)
            content = json.dumps({"result": {"setl_id": found, "x": 1}}).encode()
            self.send_response(status_of(len(seen)))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_count_bounds_the_load_and_every_request_has_its_own_id() -> None:
    with host() as (port, seen):
        load = run_load(Plan(port, (asked(x=1),), connections=3, seconds=30, most=120, first=7))
    assert load.is_sound and load.statuses == {200: 120} and load.checked >= 2
    assert sorted(seen) == [f"L{number:012d}" for number in range(7, 127)]
    assert load.cpu_seconds > 0 and len(load.latencies_us["settle"]) == 120


def test_arrivals_keep_their_rate_and_the_time_bounds_them() -> None:
    with host() as (port, _):
        load = run_load(Plan(port, (asked(x=1),), connections=4, seconds=1.0, rate=50))
    assert load.is_sound and 45 <= load.requests <= 51


def test_an_answer_that_says_something_else_is_told() -> None:
    with host() as (port, _):
        load = run_load(Plan(port, (asked(x=2),), connections=1, seconds=30, most=5))
    assert not load.is_sound and "x" in load.wrong[0]


def test_errors_count_against_their_budget() -> None:
    def every_fourth(number: int) -> int:
        return 503 if number % 4 == 0 else 200

    for budget, sound in ((0.3, True), (0.1, False)):
        with host(every_fourth) as (port, _):
            load = run_load(Plan(port, (asked(x=1),), connections=1, seconds=30, most=80, error_budget=budget))
        assert load.is_sound is sound
    with host(lambda _: 500) as (port, _):
        load = run_load(Plan(port, (asked(x=1),), connections=1, seconds=30, most=10_000))
    assert load.requests < 100, "a load that only fails ends early"


def test_only_this_host_is_called() -> None:
    with pytest.raises(ValueError, match="only this host"):
        run_load(Plan(80, (asked(x=1),), host="192.0.2.1"))


def test_figures_of_a_load() -> None:
    assert mix_of("settle=8,book") == {"settle": 8, "book": 1}
    for wrong in ("pay=1", "settle=x", "settle=0"):
        with pytest.raises(ValueError):
            mix_of(wrong)
    times = [100, 200, 300, 4_000]
    assert histogram(times) == [(0.25, 2), (0.5, 1), (4.0, 1)] and sum(n for _, n in histogram(times)) == 4
    assert percentile_ms(times, 0.5) == 0.3 and percentile_ms([], 0.5) == 0.0


def test_mixed_traffic_on_a_service_is_answered_as_the_counter_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "load.json"
    words = ["--seconds", "20", "--requests", "150", "--connections", "4", "--json", str(told)]
    assert main([*words, "--mix", "settle=3,group=1,book=1", "--mix", "book"]) == 0
    found = json.loads(told.read_text())["loads"]
    assert set(found) == {"settle=3,group=1,book=1", "book"}
    for each in found.values():
        assert each["requests"] == 150 and each["statuses"] == {"200": 150} and not each["wrong"]
        assert each["cpu_us_a_request"]["workers"] > 0 < each["cpu_us_a_request"]["load"]
    assert "CPU a request" in capsys.readouterr().out


def test_connections_of_one_client_spread_over_the_workers(tmp_path: Path) -> None:
    from bench.drive import _Connection

    database = f"sqlite:///{tmp_path / 's.sqlite'}"
    migrate(database)

    def sockets(pid: int) -> int:
        return sum("socket" in str(place.readlink()) for place in Path(f"/proc/{pid}/fd").iterdir())

    with served(tmp_path, database, 2) as running:
        spread, until = 0, time.monotonic() + 60
        while spread < 2 and time.monotonic() < until:
            children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
            before = {int(pid): sockets(int(pid)) for pid in children}
            made = [_Connection(Plan(running.port, ())) for _ in range(40)]
            time.sleep(0.5)
            spread = sum(sockets(pid) > count for pid, count in before.items())
            for each in made:
                each.socket.close()
            time.sleep(0.2)
    assert spread == 2
