"""What a job in parts is for: the same facts for every part, and for whoever gathers them 「作业单」.

In: an area and a period, or a pack; out: what is asked of the case files, the editions, the scope, exactly as the
command that runs the job in one go has them. It travels as plain data, so that any scheduler can carry it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from engine.area import Area, load_area
from engine.cases.demand import Demand
from engine.clearing_table import Period
from engine.editions import Editions
from engine.errors import RunError
from engine.execute.fast_cases import Shard
from engine.execute.parts import Gathering, write_part
from engine.execute.pieces import in_order, sorted_by_id
from engine.lang import say
from engine.ledger.store import write_file_atomically
from engine.map_cases import Scope
from engine.run import clear, group, presettle, rejected_beside
from engine.run_parts import RunOptions, RunResult, demand_of, scope_of
from engine.write_grouped import write_grouped_books
from engine.write_parquet import ROWS_PER_GROUP

_PERIOD = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?")


@dataclass(frozen=True)
class Order:
    """`area` with `period` settles; `pack` alone groups. Folders as text, `period` like 2025 or 2025-03."""

    area: str | None = None
    period: str | None = None
    pack: str | None = None
    profile: str | None = None
    mapping: bool | None = None

    def __post_init__(self) -> None:
        if (self.area is None) != (self.period is None) or (self.area is None and self.pack is None):
            raise RunError(
                say(
                    "分组请给出分组方案；结算请给出统筹区与期间。",
                    "name a pack to group by, or an area and a period to settle.",
                )
            )
        if self.period is not None and not _PERIOD.fullmatch(self.period):
            raise RunError(say("期间写作 2025 或 2025-03。", "a period is written like 2025 or 2025-03."))

    def facts(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Order:
        """From plain data."""
        return cls(**facts)

    def map_part(
        self,
        cases: Sequence[str | Path],
        shard: Shard,
        out: Path,
        threads: int = 2,
        progress: Callable[[int], None] | None = None,
    ) -> Path:
        """Read, validate and group one part."""
        demand, editions, scope = self._asked()
        return write_part(
            cases, demand, editions, scope, shard, out,
            mapping=self.mapping, threads=threads, order=self.facts(), progress=progress,
        )  # fmt: skip

    def reduce(self, parts: Path, **options: Any) -> RunResult:
        """All parts as one run."""
        chosen = self._options(**options)
        if self.area is None:
            return group([parts], self._editions(), chosen)
        year, month = self._year_and_month()
        if month is None:
            return clear([parts], self._area(), year, chosen)
        return presettle([parts], self._area(), year, month, chosen)

    def reduce_to_file(self, parts: Path, out: Path) -> tuple[int, int]:
        """Grouped cases of all parts as one Parquet file, rejected rows beside it; returns how many of each.

        Memory does not grow with the cases, only with the rejected rows.
        """
        demand, editions, scope = self._asked()
        found = Gathering.of(parts, demand, editions, scope, self.mapping)
        copies = list(found.copies())
        pieces = [*found.pieces(), *(sorted_by_id(part.table) for part in copies if part.table.num_rows)]
        rejected = pl.concat([*found.rejected(), *(part.rejected for part in copies)]).sort(["file", "row"])
        if len(rejected):
            write_file_atomically(rejected_beside(out), lambda path: rejected.write_parquet(path))
        else:
            rejected_beside(out).unlink(missing_ok=True)
        books = in_order(pieces, ROWS_PER_GROUP)
        write_file_atomically(out, lambda path: write_grouped_books(path, books, editions))
        return sum(piece.num_rows for piece in pieces), len(rejected)

    def _asked(self) -> tuple[Demand, Editions, Scope | None]:
        if self.area is None:
            editions = self._editions()
            return demand_of("group", editions, self._options()), editions, None
        year, month = self._year_and_month()
        area = self._area()
        resolved = area.for_year(year)
        routed = area.routed(resolved).editions
        demand = demand_of("settle", routed, self._options(), resolved)
        return demand, routed, scope_of(resolved, Period(year, month))

    def _area(self) -> Area:
        assert self.area is not None
        return load_area(Path(self.area), None if self.pack is None else Path(self.pack))

    def _editions(self) -> Editions:
        assert self.pack is not None
        return Editions.of(Path(self.pack))

    def _options(self, **options: Any) -> RunOptions:
        return RunOptions(profile=self.profile, mapping=self.mapping, **options)  # type: ignore[arg-type]

    def _year_and_month(self) -> tuple[int, int | None]:
        match = _PERIOD.fullmatch(self.period or "")
        assert match is not None
        return int(match[1]), None if match[2] is None else int(match[2])
