"""The routes, by what they are about."""

from __future__ import annotations

from api.routes import cases, ledger, lists, service

ROUTERS = (service.router, cases.router, cases.explain_router, lists.router, ledger.router)
