"""The routes, by what they are about."""

from __future__ import annotations

from api.routes import cases, ledger, lists, service

ROUTERS = (cases.router, lists.router, cases.explain_router, ledger.router, service.router)
"""In the order they are looked through: what is asked most comes first."""
