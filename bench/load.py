"""A bounded load on a service of this host 「压力测试」: fixed connections, prepared requests, all latencies.

In: where the service listens, requests as bytes; out: `Load`: requests a second and latencies. It measures what the
service answers while this process takes its part of the same cores; it never calls another host.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson


@dataclass
class Load:
    """What came of a run. Latencies are microseconds, ascending."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies_us: list[int] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return len(self.latencies_us)

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0

    def percentile_ms(self, share: float) -> float:
        """The latency that this share of the requests did not pass, ms."""
        if not self.latencies_us:
            return 0.0
        place = min(len(self.latencies_us) - 1, int(len(self.latencies_us) * share))
        return self.latencies_us[place] / 1000

    def lines(self, title: str) -> list[str]:
        """The result for a person."""
        told = ", ".join(f"{status}: {times:,}" for status, times in sorted(self.statuses.items()))
        shown = "  ".join(f"p{label} {self.percentile_ms(share):.2f} ms" for label, share in
                          (("50", 0.5), ("90", 0.9), ("99", 0.99), ("99.9", 0.999)))  # fmt: skip
        return [f"{title}: {self.per_second:,.0f} requests/s over {self.seconds:.1f} s ({told})", f"  {shown}"]

    def histogram(self) -> list[tuple[float, int]]:
        """(upper bound in ms, requests) by powers of two of a quarter millisecond."""
        bound, place, rows = 250, 0, []
        while place < len(self.latencies_us):
            end = place
            while end < len(self.latencies_us) and self.latencies_us[end] <= bound:
                end += 1
            if end > place:
                rows.append((bound / 1000, end - place))
            place, bound = end, bound * 2
        return rows


class _Connection(asyncio.Protocol):
    """One connection that always has one request under way."""

    def __init__(self, requests: Iterator[bytes], load: Load, until: float) -> None:
        self.requests, self.load, self.until = requests, load, until
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.sent = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._next()

    def _next(self) -> None:
        self.sent = time.perf_counter()
        request = next(self.requests, None) if self.sent < self.until else None
        if request is None:
            self.transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        place = self.buffer.lower().find(b"content-length:", 0, head)
        length = int(self.buffer[place + 15 : self.buffer.index(b"\r", place)]) if place > 0 else 0
        if len(self.buffer) < head + 4 + length:
            return
        status = int(self.buffer[9:12])
        self.load.statuses[status] = self.load.statuses.get(status, 0) + 1
        self.load.latencies_us.append(int((time.perf_counter() - self.sent) * 1e6))
        self.buffer = self.buffer[head + 4 + length :]
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def post(host: str, port: int, path: str, body: Any, headers: dict[str, str] | None = None) -> bytes:
    """One POST request as bytes."""
    content = orjson.dumps(body)
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def run_load(host: str, port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Load:
    """Keep `connections` requests under way until the time is over or the requests are."""
    load = Load()

    async def drive() -> None:
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        until = started + seconds
        made = [
            await loop.create_connection(lambda: _Connection(requests, load, until), host, port)
            for _ in range(connections)
        ]
        await asyncio.wait_for(asyncio.gather(*(protocol.done for _, protocol in made)), seconds + 60)
        load.seconds = time.perf_counter() - started

    try:
        import uvloop

        uvloop.run(drive())
    except ImportError:
        asyncio.run(drive())
    load.latencies_us.sort()
    return load


def settle_body(columns: dict[str, Any], provisional: bool) -> dict[str, Any]:
    """A settlement list as a hospital's system sends it: national nodes, fourteen fee items, some sixty fields."""
    case = dict(columns)
    diagnoses, procedures = case.pop("diag_codes"), case.pop("oprn_codes", [])
    padded = [*diagnoses, *["Z51.800"] * 5][: max(5, len(diagnoses))]
    case["diseinfo"] = [
        {"diag_type": "1", "diag_code": code, "diag_name": "诊断名称", "maindiag_flag": "1" if place == 0 else "0",
         "adm_cond_type": "1"}
        for place, code in enumerate(padded)
    ]  # fmt: skip
    case["oprninfo"] = [
        {"oprn_oprt_type": "1" if place == 0 else "2", "oprn_oprt_code": code, "oprn_oprt_name": "手术操作名称"}
        for place, code in enumerate(procedures)
    ]
    case["iteminfo"] = [
        {"med_chrgitm": f"{number:02d}", "amt": "123.45", "claa_sumfee": "100.00", "clab_amt": "23.45",
         "fulamt_ownpay_amt": "0.00", "oth_amt": "0.00"}
        for number in range(1, 15)
    ]  # fmt: skip
    case |= {"mdtrt_id": "M0000000001", "med_type": "21", "clr_type": "21", "hi_paymtd": "4", "trt_type": "10"}
    return {"case": case, "provisional": provisional}


def settles(host: str, port: int, cases: list[dict[str, Any]], *, book: bool, start: int = 0) -> Iterator[bytes]:
    """Settle requests without end: provisional ones, or every one a new settlement."""
    if not book:
        prepared = [post(host, port, "/v1/cases/settle", settle_body(case, True)) for case in cases]
        for number in count():
            yield prepared[number % len(prepared)]
    for number in count(start):
        case = {**cases[number % len(cases)], "setl_id": f"L{number:012d}"}
        yield post(host, port, "/v1/cases/settle", settle_body(case, False), {"Idempotency-Key": f"load-{number}"})
