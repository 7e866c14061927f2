"""Two results of one run, byte for byte 「逐字节比对」: the sealed one and the one computed again.

In: both folders with their manifests. Out: one difference a file, with the first rows, lines or sheets that differ.
Times, links of the chain, versions of the program and places of files may differ; everything else must not.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from engine.ledger.manifest import MANIFEST_NAME, Manifest

_FACTS = ("parameters", "inputs", "packs", "policies", "counts", "totals", "checks", "placeholders_used")
_SHOWN = 3
_NAMES_A_ROW = ("setl_id", "line", "fixmedins_code", "file", "row")


@dataclass(frozen=True)
class Difference:
    """One file that came out otherwise, and where."""

    file: str
    where: str

    def __str__(self) -> str:
        return f"{self.file}: {self.where}"


def differences(folder: Path, sealed: Manifest, other: Path, again: Manifest) -> Iterator[Difference]:
    """Every output and every fact of the manifest that is not the same."""
    was, now = ({item.name: item for item in manifest.outputs} for manifest in (sealed, again))
    for name in sorted({*was, *now}):
        if name not in now:
            yield Difference(name, "was sealed; did not come out again")
        elif name not in was:
            yield Difference(name, "came out now; was not there")
        elif was[name].sha256 != now[name].sha256:
            yield Difference(name, _where(folder / name, other / name))
    for key in _FACTS:
        for place, before, after in _changed(key, _plain(sealed, key), _plain(again, key)):
            yield Difference(MANIFEST_NAME, f"{place}: {before} → {after}")


def _plain(manifest: Manifest, key: str) -> Any:
    """A fact without what may differ: where inputs lay and which copies of the rules were kept."""
    value = asdict(manifest)[key]
    if not isinstance(value, list):
        return value
    return [{k: v for k, v in item.items() if k not in ("path", "kept")} if isinstance(item, dict) else item
            for item in value]  # fmt: skip


def _changed(place: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted({*was, *now}):
            yield from _changed(f"{place}.{key}", was.get(key), now.get(key))
    elif was != now:
        yield place, was, now


def _where(was: Path, now: Path) -> str:
    if was.suffix == ".parquet":
        return _rows(was, now)
    if was.suffix == ".xlsx":
        return _sheets(was, now)
    return _text_lines(was, now)


def _rows(was: Path, now: Path) -> str:
    """The first rows whose values differ, by what names a row."""
    try:
        before, after = pl.read_parquet(was), pl.read_parquet(now)
    except PolarsError:
        return "other bytes; it cannot be read as a table"
    if before.schema != after.schema:
        return f"other columns: {sorted(set(before.columns) ^ set(after.columns)) or 'other types'}"
    shared = min(before.height, after.height)
    told = [] if before.height == after.height else [f"{before.height} rows → {after.height}"]
    unequal = pl.any_horizontal(
        [
            left.ne_missing(right).alias(left.name)
            for left, right in zip(before.head(shared), after.head(shared), strict=True)
        ]
    )
    rows = pl.select(unequal).to_series().arg_true().to_list() if shared else []
    told += [_row(before, after, row) for row in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        told.append(f"{len(rows)} rows differ")
    return "; ".join(told) or "same values, other bytes"


def _row(before: pl.DataFrame, after: pl.DataFrame, row: int) -> str:
    was, now = before.row(row, named=True), after.row(row, named=True)
    named = " ".join(str(was[name]) for name in _NAMES_A_ROW if name in was)
    moved = ", ".join(f"{name} {was[name]} → {now[name]}" for name in was if was[name] != now[name])
    return f"row {row + 1} ({named}): {moved}"


def _sheets(was: Path, now: Path) -> str:
    """Parts of a workbook that differ."""
    with zipfile.ZipFile(was) as before, zipfile.ZipFile(now) as after:
        names = sorted({*before.namelist(), *after.namelist()})
        there = [set(book.namelist()) for book in (before, after)]
        parts = [
            name for name in names if any(name not in each for each in there) or before.read(name) != after.read(name)
        ]
    return f"parts {', '.join(parts)}" if parts else "same parts, other bytes"


def _text_lines(was: Path, now: Path) -> str:
    before, after = was.read_bytes().split(b"\n"), now.read_bytes().split(b"\n")
    pairs = zip(before, after, strict=False)
    first = next((at + 1 for at, (one, two) in enumerate(pairs) if one != two), min(len(before), len(after)) + 1)
    return f"line {first}"
