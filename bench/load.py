"""What the load asks and how its figures are told 「压力测试的请求与结果」.

In: cases of the demo city, a mix of kinds; out: prepared requests with the answers they must get, and the lines of a
`Load`. Bodies are those a hospital's system sends; every request has an id of its own.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import orjson

from bench.drive import Load, Prepared
from engine.online.counter import Counter
from engine.online.settle import group_case, settle_case

KINDS = ("settle", "group", "book")
"""A provisional settle, a grouping, a booked settle."""
_NUMBER = b"000000999999"
_SHARES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999))


def settle_body(columns: Mapping[str, Any], provisional: bool) -> dict[str, Any]:
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


def prepared(counter: Counter, cases: Sequence[Mapping[str, Any]], mix: Mapping[str, int]) -> tuple[Prepared, ...]:
    """Requests in the shares of a mix, shuffled the same way every time; `result` is what the counter itself says."""
    kinds = list(chain.from_iterable([kind] * parts for kind, parts in mix.items()))
    made = [_prepared(counter, kinds[number % len(kinds)], case) for number, case in enumerate(cases)]
    random.Random(7).shuffle(made)
    return tuple(made)


def _prepared(counter: Counter, kind: str, columns: Mapping[str, Any]) -> Prepared:
    body = settle_body({**columns, "setl_id": f"L{_NUMBER.decode()}"}, kind != "book")
    found = (group_case if kind == "group" else settle_case)(counter, body["case"])
    if kind == "group":
        body.pop("provisional")
    content = orjson.dumps(body)
    path = "/v1/cases/group" if kind == "group" else "/v1/cases/settle"
    key = b"Idempotency-Key: load-" + _NUMBER + b"\r\n" if kind == "book" else b""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n".encode()
    whole = head + key + f"Content-Length: {len(content)}\r\n\r\n".encode() + content
    return Prepared(kind, tuple(whole.split(_NUMBER)), found.columns)


def mix_of(text: str) -> dict[str, int]:
    """`settle=8,group=1,book=1` as parts by kind. Raises ValueError."""
    found: dict[str, int] = {}
    for part in text.split(","):
        kind, _, share = part.partition("=")
        if kind not in KINDS or not (share or "1").isdecimal():
            raise ValueError(f"{part!r}: write {', '.join(f'{each}=N' for each in KINDS)}.")
        found[kind] = int(share or 1)
    if not sum(found.values()):
        raise ValueError("a mix needs at least one part.")
    return found


def percentile_ms(latencies_us: Sequence[int], share: float) -> float:
    """The latency that this share of the requests did not pass, ms."""
    if not latencies_us:
        return 0.0
    return latencies_us[min(len(latencies_us) - 1, int(len(latencies_us) * share))] / 1000


def histogram(latencies_us: Sequence[int]) -> list[tuple[float, int]]:
    """(upper bound in ms, requests) by powers of two of a quarter millisecond."""
    bound, place, rows = 250, 0, []
    while place < len(latencies_us):
        end = place
        while end < len(latencies_us) and latencies_us[end] <= bound:
            end += 1
        if end > place:
            rows.append((bound / 1000, end - place))
        place, bound = end, bound * 2
    return rows


def lines(load: Load, title: str, server_cpu_s: float) -> list[str]:
    """The result for a person."""
    told = ", ".join(f"{status or 'no answer'}: {times:,}" for status, times in sorted(load.statuses.items()))
    per_second = load.requests / load.seconds if load.seconds else 0.0
    shown = [f"{title}: {per_second:,.0f} requests/s over {load.seconds:.1f} s ({told}; {load.checked:,} read in full)"]
    each = 1e6 / max(1, load.requests)
    shown.append(f"  CPU a request: workers {server_cpu_s * each:.0f} µs, load {load.cpu_seconds * each:.0f} µs")
    for kind, found in load.latencies_us.items():
        points = "  ".join(f"{name} {percentile_ms(found, share):.2f} ms" for name, share in _SHARES)
        shown.append(f"  {kind}: {points}")
    rows = histogram(sorted(chain.from_iterable(load.latencies_us.values())))
    most = max((count for _, count in rows), default=1)
    shown += [f"  ≤ {bound:>8.2f} ms {count:>8,} {'▇' * (40 * count // most)}" for bound, count in rows]
    return shown + [f"  WRONG {each}" for each in load.wrong]


def facts(load: Load, server_cpu_s: float) -> dict[str, Any]:
    """The result for a file."""
    each = 1e6 / max(1, load.requests)
    return {
        "requests": load.requests,
        "seconds": round(load.seconds, 3),
        "per_second": round(load.requests / load.seconds, 1) if load.seconds else 0.0,
        "statuses": load.statuses,
        "read_in_full": load.checked,
        "wrong": load.wrong,
        "cpu_us_a_request": {"workers": round(server_cpu_s * each, 1), "load": round(load.cpu_seconds * each, 1)},
        "ms": {kind: {name: percentile_ms(found, share) for name, share in _SHARES}
               for kind, found in load.latencies_us.items()},
        "histogram_ms": {kind: histogram(found) for kind, found in load.latencies_us.items()},
    }  # fmt: skip
