"""The load itself 「压力发生器」: non-blocking sockets, one poll, requests prepared as bytes.

In: a `Plan`; out: a `Load`. It runs in a process of its own and does as little as it can for a request, since it shares
the cores with the service. It calls this host alone unless the plan says otherwise, and ends after a time or a count.
"""

from __future__ import annotations

import resource
import select
import socket
import time
from array import array
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_address
from multiprocessing import get_context
from typing import Any

import orjson

SECONDS_MAX, REQUESTS_MAX = 120.0, 5_000_000
QUIET_S = 30.0
"""So long nothing may be heard while requests are under way."""
CHECKED_EVERY = 50
ERRORS_SHOWN = 5
_NO_ANSWER = 0


@dataclass(frozen=True)
class Prepared:
    """One request as bytes, cut where its number goes, and the columns a sound answer holds beside the id."""

    kind: str
    pieces: tuple[bytes, ...]
    result: dict[str, Any]

    def numbered(self, stamp: bytes) -> bytes:
        return stamp.join(self.pieces)


@dataclass(frozen=True)
class Plan:
    """What to send, in turn and again from the start. With `rate` requests are due at fixed times and late ones count
    from when they were due; without, each connection sends as soon as it was answered."""

    port: int
    requests: tuple[Prepared, ...]
    connections: int = 16
    seconds: float = 10.0
    most: int = REQUESTS_MAX
    rate: float | None = None
    first: int = 0
    error_budget: float = 0.0
    host: str = "127.0.0.1"
    elsewhere: bool = False
    """Another host than this one may be called."""


@dataclass
class Load:
    """What came of a plan. Latencies are microseconds by kind of request, ascending."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies_us: dict[str, array[int]] = field(default_factory=dict)
    checked: int = 0
    wrong: list[str] = field(default_factory=list)
    """Answers that did not say what they should, the first few."""
    error_budget: float = 0.0

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    @property
    def errors(self) -> int:
        return self.requests - self.statuses.get(200, 0)

    @property
    def is_sound(self) -> bool:
        """Something was answered, nothing wrongly, and errors stayed within their budget."""
        return self.requests > 0 and not self.wrong and self.errors <= self.error_budget * self.requests


def run_load(plan: Plan) -> Load:
    """Carry out a plan in a process of its own. Raises ValueError for another host than this."""
    if not plan.elsewhere and not ip_address(plan.host).is_loopback:
        raise ValueError(f"{plan.host}: only this host is called, unless the plan allows it.")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        return alone.submit(_drive, plan).result(min(plan.seconds, SECONDS_MAX) + 2 * QUIET_S)


class _Connection:
    """One connection with at most one request under way."""

    def __init__(self, plan: Plan) -> None:
        self.socket = socket.create_connection((plan.host, plan.port), timeout=QUIET_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.heard = b""
        self.asked: Prepared
        self.stamp = b""
        self.since_ns = 0

    def send(self, asked: Prepared, stamp: bytes, since_ns: int) -> None:
        self.asked, self.stamp, self.since_ns = asked, stamp, since_ns
        request = asked.numbered(stamp)
        done = self.socket.send(request)
        if done < len(request):
            self.socket.settimeout(QUIET_S)
            self.socket.sendall(request[done:])
            self.socket.setblocking(False)

    def answered(self) -> tuple[int, int] | None:
        """(status, place of the body) once an answer is whole. Raises ConnectionError."""
        heard = self.socket.recv(1 << 16)
        if not heard:
            raise ConnectionResetError
        self.heard = heard = self.heard + heard if self.heard else heard
        head = heard.find(b"\r\n\r\n") + 4
        if head < 4:
            return None
        place = heard[:head].lower().find(b"\r\ncontent-length: ") + 18
        length = int(heard[place : heard.find(b"\r", place)]) if place >= 18 else 0
        return (int(heard[9:12]), head) if len(heard) >= head + length else None


def _drive(plan: Plan) -> Load:
    load = Load(error_budget=plan.error_budget)
    found: dict[str, array[int]] = {each.kind: array("Q") for each in plan.requests}
    clock, most = time.perf_counter_ns, min(plan.most, REQUESTS_MAX)
    poll, busy = select.epoll(), dict[int, _Connection]()
    free = [_Connection(plan) for _ in range(plan.connections)]
    for connection in free:
        poll.register(connection.socket, select.EPOLLIN)
    gap = int(1e9 / plan.rate) if plan.rate else 0
    usage = resource.getrusage(resource.RUSAGE_SELF)
    started = heard_ns = clock()
    until, due, sent, stop = started + int(min(plan.seconds, SECONDS_MAX) * 1e9), started, 0, False
    while True:
        now = clock()
        stop = stop or now >= until or sent >= most or heard_ns + int(QUIET_S * 1e9) < now
        while free and not stop and due <= now and sent < most:
            connection = free.pop()
            asked, stamp = plan.requests[sent % len(plan.requests)], b"%012d" % (plan.first + sent)
            connection.send(asked, stamp, due if gap else clock())
            busy[connection.socket.fileno()] = connection
            due, sent = due + gap, sent + 1
        if stop and (not busy or heard_ns + int(QUIET_S * 1e9) < now):
            break
        wait = max(0.0, (due - now) / 1e9) if free and gap and not stop else 1.0
        for place, _ in poll.poll(wait):
            connection = busy[place]
            try:
                answer = connection.answered()
            except ConnectionError:
                answer = _NO_ANSWER, 0
                poll.unregister(place)
                connection.socket.close()
                replacing = _Connection(plan)
                replacing.asked, replacing.since_ns = connection.asked, connection.since_ns
                poll.register(replacing.socket, select.EPOLLIN)
                del busy[place]
                connection = replacing
            if answer is None:
                continue
            heard_ns = clock()
            status, head = answer
            found[connection.asked.kind].append((heard_ns - connection.since_ns) // 1000)
            load.statuses[status] = load.statuses.get(status, 0) + 1
            if len(found[connection.asked.kind]) % CHECKED_EVERY == 1 or status != 200:
                _check(load, connection, status, head)
                stop = stop or load.errors > plan.error_budget * most + ERRORS_SHOWN
            connection.heard = b""
            busy.pop(place, None)
            free.append(connection)
    load.seconds = (heard_ns - started) / 1e9
    used = resource.getrusage(resource.RUSAGE_SELF)
    load.cpu_seconds = used.ru_utime + used.ru_stime - usage.ru_utime - usage.ru_stime
    if busy:
        load.statuses[_NO_ANSWER] = load.statuses.get(_NO_ANSWER, 0) + len(busy)
    for connection in [*free, *busy.values()]:
        connection.socket.close()
    load.latencies_us = {kind: array("Q", sorted(times)) for kind, times in found.items()}
    return load


def _check(load: Load, connection: _Connection, status: int, head: int) -> None:
    """Hold one answer against what its request should get, every column of it."""
    load.checked += 1
    if status != 200:
        if status != _NO_ANSWER and len(load.wrong) < ERRORS_SHOWN and not load.error_budget:
            load.wrong.append(f"{connection.asked.kind}: {status} {connection.heard[head : head + 300]!r}")
        return
    answer = orjson.loads(connection.heard[head:])
    result = answer.get("result", {})
    expected = connection.asked.result | {"setl_id": result.get("setl_id")}
    same = str(result.get("setl_id", "")).encode().endswith(connection.stamp) and result == expected
    if ((connection.asked.kind == "book") != ("booked" in answer) or not same) and len(load.wrong) < ERRORS_SHOWN:
        differing = sorted(name for name in {*result, *expected} if result.get(name) != expected.get(name))
        load.wrong.append(f"{connection.asked.kind}: another answer than the case alone gets: {differing}")
