"""What the service counts of itself 「运行指标」, in the Prometheus text form.

In: finished requests; out: counts and latencies by route and status. With several workers the counts of all are summed
through PROMETHEUS_MULTIPROC_DIR. No label holds anything a client wrote.
"""

from __future__ import annotations

import os
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import Scope

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Measures:
    """The measures of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "dianzhi_requests", "Requests by route and status", ("route", "method", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "dianzhi_request_seconds", "Seconds by route", ("route",), buckets=_BOUNDS, registry=self.registry
        )
        self._booked = Counter("dianzhi_booked", "Booked lines by kind", ("kind",), registry=self.registry)
        self._kept: dict[Any, Any] = {}

    def seen(self, scope: Scope, status: int, seconds: float) -> None:
        """A request was answered."""
        route = getattr(scope.get("route"), "path", "none")
        key = (route, scope["method"], status)
        kept = self._kept.get(key)
        if kept is None:
            method = scope["method"] if scope["method"] in ("GET", "POST", "DELETE", "HEAD", "PUT") else "other"
            kept = (self._requests.labels(route, method, str(status)), self._seconds.labels(route))
            if len(self._kept) < 2_000:
                self._kept[key] = kept
        kept[0].inc()
        kept[1].observe(seconds)

    def booked(self, kind: str) -> None:
        """A line was booked."""
        self._booked.labels(kind).inc()

    def text(self) -> bytes:
        """All measures as text."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        from prometheus_client.multiprocess import MultiProcessCollector

        gathered = CollectorRegistry()
        MultiProcessCollector(gathered)  # type: ignore[no-untyped-call]
        return generate_latest(gathered)
