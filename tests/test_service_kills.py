"""Processes killed while they serve, book and close: few times here; of every kind by `python -m bench kills`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.booking_kills import booking_drill
from bench.killed import Outcome
from bench.service_kills import SHARES, drills, settle_drill
from bench.shelf_kills import closing_drill


def sound(outcome: Outcome) -> bool:
    assert outcome.problems == (), outcome.line()
    return True


def test_what_was_acknowledged_is_there_once_after_every_kill(database: str, tmp_path: Path) -> None:
    assert sound(booking_drill(database, tmp_path, 15, 3, 0.4))


def test_a_service_killed_while_it_settles_loses_and_doubles_nothing(database: str, tmp_path: Path) -> None:
    assert sound(settle_drill(database, tmp_path, 3, 3))


def test_a_month_whose_closing_is_killed_is_closed_once(database: str, tmp_path: Path) -> None:
    assert sound(closing_drill(database, tmp_path, 8, 3))


@pytest.mark.slow
def test_a_thousand_kills_in_jobs_closings_and_replays_too(database: str, tmp_path: Path) -> None:
    found = list(drills(database, tmp_path, 500, 7, tuple(SHARES)))  # on each of two databases
    assert all(sound(each) for each in found) and sum(each.kills for each in found) == 500
