"""A DIP rule pack 「DIP分组方案」 from its folder: read, checked, ready for the grouper and the scorer.

In: a folder with pack.toml (kind = "dip") and tables as CSV or Parquet; out: `DipPack`, or one `PackError` that lists
every problem with file, line, column and what to do. Decimal text becomes whole numbers here, codes stay as written.
It never repairs a pack, and doubtful but usable rules are left to the linter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.packs.dip_errors import DipProblems
from engine.packs.dip_header import read_dip_header
from engine.packs.dip_options import read_auxiliary_policy, read_options
from engine.packs.dip_read import DipTable, read_tables
from engine.packs.dip_rules import RuleReader
from engine.packs.dip_score_tables import read_scoring
from engine.packs.errors import PackError, Problem
from engine.packs.meta import PackMeta
from grouper.dip_tables import DipTables, Ungrouped
from pointvalue.dip_score_tables import ScoringTables

__all__ = ["DipPack", "load_dip_pack"]


@dataclass(frozen=True)
class DipPack:
    """One DIP catalogue of one area, immutable."""

    meta: PackMeta
    scheme: str
    tables: DipTables
    scoring: ScoringTables
    sources: Mapping[str, DipTable]
    """The tables as read, for messages that name a line."""
    group_rows: tuple[int, ...]
    """By group: its row in table group."""
    fingerprint: str
    path: Path

    def group_at(self, row: int, column: str = "") -> str:
        """Where a group of the catalogue stands in its file."""
        return self.sources["group"].at(self.group_rows[row], column)


def load_dip_pack(path: Path | str) -> DipPack:
    """The pack in folder `path`. Raises `PackError` with everything that is wrong with it."""
    folder = Path(path)
    if not folder.is_dir():
        raise PackError(
            folder.name, [Problem("pack.absent", str(folder), "no such folder; give the one with pack.toml.")]
        )
    problems = DipProblems(folder.name)
    header = read_dip_header(folder, problems)
    sources = read_tables(folder, problems)
    problems.raise_if_any()
    assert header is not None, "a header that could not be read leaves a problem"
    meta, scheme = header
    options = read_options(sources.get("match_policy"), problems)
    reader = RuleReader(sources, problems, options.op_sep)
    layers = reader.layers()
    groups = reader.groups(layers)
    codes = {group.code for group in groups}
    excluded_diagnoses, excluded_procedures = reader.excluded()
    scoring, blank = read_scoring(sources, codes, problems)
    mode = scoring.ungrouped.mode
    tables = DipTables(
        groups=groups,
        layers=layers,
        procedures=reader.procedure_dictionary(),
        type_order=reader.type_order(),
        excluded_diagnoses=excluded_diagnoses,
        excluded_procedures=excluded_procedures,
        code_lists=reader.lists,
        options=options,
        tie_rules=reader.tie_rules(),
        choices=reader.choices(layers),
        complications=reader.complications(),
        cci_weights=reader.cci_weights(),
        auxiliary=reader.auxiliary(codes),
        auxiliary_policy=read_auxiliary_policy(sources.get("aux_policy"), problems),
        ungrouped=Ungrouped("blank_group" if mode == "blank_group" else "none", blank),
        dx_map=reader.code_map("dx"),
        op_map=reader.code_map("op"),
    )
    problems.raise_if_any()
    return DipPack(meta, scheme, tables, scoring, sources, tuple(reader.group_rows), _digest(sources, folder), folder)


def _digest(sources: Mapping[str, DipTable], folder: Path) -> str:
    """sha256 over header text and typed cells: the same pack as CSV and as Parquet has the same one."""
    digest = hashlib.sha256(b"dianzhi dip pack fingerprint 1\n")
    digest.update((folder / "pack.toml").read_bytes())
    for stem in sorted(sources):
        for name, cells in sorted(sources[stem].columns.items()):
            if cells.count(None) < len(cells):
                digest.update(f"\n{stem}.{name}\n".encode())
                digest.update("\x1f".join(["" if cell is None else str(cell) for cell in cells]).encode())
    return digest.hexdigest()
