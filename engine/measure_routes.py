"""Which past cases a scheme would take now 「测算病例的归属」.

In: a policy, one of its point schemes, the day measured for, a pack. Out: editions that hand every past case to the
scheme that would take it on that day, the pack without its dates first among them, and the columns this asks for.
An area that changed its way of paying measures the new weights from cases the old one paid: what a condition says of
days is answered for the day, what it says of the case for the case.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from engine.cases.facts import NO_FACTS, Facts
from engine.conditions import Conditions
from engine.edition_apart import ApartEdition
from engine.editions import Editions, open_edition
from engine.errors import PolicyError
from engine.policy import case_params as case
from engine.policy.load import AreaPolicy
from engine.policy.predicates import Days, When
from engine.policy.resolve import Route, routes_of
from engine.routing import Router
from pointvalue.terms import POINT_KINDS, SchemeKind


def editions_for(policy: AreaPolicy, scheme: str, day: date, pack: Path) -> tuple[Editions, Facts]:
    """Edition 0 is the pack, for every case the scheme takes; the other schemes stand behind it for what they take."""
    desk = policy.desk()
    routes = _on_day(routes_of(desk, day), day)
    names = [route.scheme for route in routes]
    if scheme not in names:
        raise PolicyError(f"--scheme {scheme}: by area.schemes it takes no case on {day}; check the years named.")
    if len(routes) == 1 and routes[0].when is None:
        return Editions.of(pack), NO_FACTS
    hospitals = {each.code: each for each in desk.at(case.HOSPITALS, day).hospitals}
    conditions = Conditions(hospitals, policy.code)
    own = open_edition(pack)
    undated = own.with_meta(replace(own.meta, valid_from=None, valid_to=None))
    apart = [
        ApartEdition(_priced(route), conditions, policy.version, policy.fingerprint, own.meta.chosen_by)
        for route in routes
        if route.scheme != scheme
    ]
    places = (names.index(scheme), *(place for place, name in enumerate(names) if name != scheme))
    columns = sorted({column for route in routes for column in route.columns})
    return Editions((undated, *apart), router=Router(routes, places, conditions)), Facts(required=tuple(columns))


def _priced(route: Route) -> Route:
    """Another point scheme only has to take its cases; it groups nothing here."""
    return replace(route, kind=SchemeKind.ACTUAL) if route.kind in POINT_KINDS else route


def _on_day(routes: tuple[Route, ...], day: date) -> tuple[Route, ...]:
    """The routes that may take a case on the day, without what they say of days; none after one that takes all."""
    found: list[Route] = []
    for route in routes:
        held = True if route.when is None else on_day(route.when, day)
        if held is False:
            continue
        found.append(replace(route, when=None if held is True else held))
        if held is True:
            break
    return tuple(found)


def on_day(when: When, day: date) -> When | bool:
    """A condition with its days answered: what is left of it, or whether it always or never holds."""
    if not (_within(when.discharged, day) and _within(when.settled, day)):
        return False
    left = replace(when, discharged=None, settled=None, any=(), other_than=None)
    if when.any:
        choices = [on_day(each, day) for each in when.any]
        if all(choice is False for choice in choices):
            return False
        if not any(choice is True for choice in choices):
            left = replace(left, any=tuple(choice for choice in choices if isinstance(choice, When)))
    if when.other_than is not None:
        other = on_day(when.other_than, day)
        if other is True:
            return False
        left = replace(left, other_than=other if isinstance(other, When) else None)
    return True if left == When() else left


def _within(days: Days | None, day: date) -> bool:
    if days is None:
        return True
    return (days.first is None or days.first <= day) and (days.last is None or day <= days.last)
