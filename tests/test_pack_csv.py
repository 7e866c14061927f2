"""Tables of packs read in one go are those read row by row: cells, lines, problems."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from engine.packs import dip_read, read_tables
from engine.packs.dip_errors import DipProblems
from engine.packs.errors import Problems

CELLS = [
    "",
    "A01",
    "1",
    "0",
    "-3",
    "2147483648",
    "12.50",
    "1.23456789",
    "12.",
    ".5",
    "٣",
    " 7",
    "1_0",
    "x" * 13,
    "0" * 13,
]
QUOTED = ['"a,b"', '"two\nlines"', '"he said ""so"""', '"open', 'loose"']
EXACT = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,12}))?")


def table(rng: random.Random, header: list[str]) -> str:
    lines = [",".join(header)]
    for _ in range(rng.randrange(6)):
        pool = CELLS + (QUOTED if rng.random() < 0.1 else [])
        width = len(header) + (rng.choice([-1, 1]) if rng.random() < 0.05 else 0)
        lines.append(",".join(rng.choice(pool) for _ in range(width)))
        if rng.random() < 0.05:
            lines.append("")
    return rng.choice(["\n", "\r\n"]).join(lines) + rng.choice(["", "\n"])


def told_dip(folder: Path) -> object:
    problems = DipProblems("pack")
    tables = dip_read.read_tables(folder, problems)
    return {stem: (t.columns, t.height, t.lines) for stem, t in tables.items()}, list(map(str, problems.found))


def told_drg(folder: Path) -> object:
    problems = Problems("pack")
    tables = read_tables.read_tables(folder, problems)
    return {stem: (t.columns, t.height, t.lines) for stem, t in tables.items()}, list(map(str, problems.found))


def test_tables_are_read_alike_in_one_go_and_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random("tables")
    for attempt in range(400):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        wide = [column.name for column in dip_read.TABLES["aux"]]
        (folder / "aux.csv").write_text(table(rng, wide), encoding="utf-8", newline="")
        (folder / "cc.csv").write_text(table(rng, ["code", "level", "excl_id"]), encoding="utf-8", newline="")
        at_once = told_dip(folder), told_drg(folder)
        with monkeypatch.context() as patched:
            patched.setattr(dip_read, "rows_at_once", lambda lines: None)
            patched.setattr(read_tables, "rows_at_once", lambda lines: None)
            assert at_once == (told_dip(folder), told_drg(folder)), attempt


def test_decimals_are_read_as_the_pattern_says() -> None:
    rng = random.Random("decimals")
    for _ in range(20_000):
        text = "".join(rng.choice("0123456789.-+ ٣²") for _ in range(rng.randrange(15)))
        text = text if rng.random() < 0.5 else f"{rng.randrange(10 ** rng.randrange(1, 14))}.{rng.randrange(10**8)}"
        match, places = EXACT.fullmatch(text), rng.choice([2, 4, 6])
        fraction = (match[3] or "").rstrip("0") if match else ""
        wanted = None
        if match and len(fraction) <= places:
            wanted = int(match[1] + match[2] + fraction.ljust(places, "0"))
        assert dip_read.decimal_text(text, places) == wanted, text
