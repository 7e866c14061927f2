"""The routes, by what they are about."""

from __future__ import annotations

from api.routes import cases, jobs, ledger, lists, runs, service

ROUTERS = (
    cases.router,
    lists.router,
    cases.explain_router,
    ledger.router,
    jobs.router,
    jobs.upload_router,
    runs.router,
    service.router,
)
"""In the order they are looked through: what is asked most comes first."""
