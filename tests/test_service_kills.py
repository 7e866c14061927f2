"""Processes killed while they book: a bounded drill here, a thousand kills by `python -m bench.booking_kills`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.booking_kills import drill


def test_what_was_acknowledged_is_there_once_after_every_kill(database: str, tmp_path: Path) -> None:
    found = drill(database, tmp_path / "runs", 15, 3, 0.4)
    assert found.problems == () and found.acknowledged > 0


@pytest.mark.slow
def test_a_thousand_kills(database: str, tmp_path: Path) -> None:
    found = drill(database, tmp_path / "runs", 1000, 7)
    assert found.problems == () and found.closed > 0
