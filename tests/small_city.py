"""A small demo city, made once per test session: cases by month, the area, and runs made from them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from engine.area import Area, load_area
from fixtures.generate import CityFiles, generate_city

DEMO = Path(__file__).resolve().parents[1] / "fixtures" / "demo"
CASES, SEED, YEAR = 3_000, 11, 2025


@cache
def small_city() -> CityFiles:
    """About 3,000 discharges in month files; every test reads, none writes."""
    return generate_city(Path(mkdtemp(prefix="small-city-")), CASES, SEED)


@cache
def demo_area() -> Area:
    """The demo area, loaded once."""
    return load_area(DEMO)
