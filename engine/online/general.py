"""One case through the batch flow 「一般情形的单病例结算」, where a policy asks more than the plain path knows.

In: the columns of a case; out: the same rows a run of this one case would write. Slower by far than `priced`, and right
by construction: areas with several schemes, conditions on the record or facts of cases come here. Rules that look at
other cases (readmissions, the top share of costs) see this one alone; the month and the clearing see them all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from engine.area import Area, area_of
from engine.cases.rejection import Reject
from engine.clearing_table import Period
from engine.errors import CaseFileError
from engine.map_cases import map_cases
from engine.misfit import TEXT_EN, TEXT_ZH, Misfit
from engine.online.record import Refusal, refusal
from engine.policy.load import AreaPolicy
from engine.policy.resolve import ResolvedPolicy
from engine.run_parts import RunOptions, demand_of, scope_of
from engine.settle import case_columns
from engine.worth import month_worth
from engine.write_grouped import write_grouped
from engine.write_settled import SettledCases, write_settled
from pointvalue.classes import score

_NODES = ("diseinfo", "oprninfo")


@dataclass(frozen=True)
class Found:
    """Columns of the grouped and settled files for the case; the amounts in fen and points ×10⁴."""

    columns: dict[str, Any]
    standard_fen: int = 0
    fund_fen: int = 0
    points_e4: int = 0


@dataclass(frozen=True)
class GeneralArea:
    """An area with its batch code."""

    area: Area

    @classmethod
    def of(cls, policy: AreaPolicy) -> GeneralArea:
        return cls(area_of(policy))

    def group(self, raw: Mapping[str, Any]) -> Found | list[Refusal]:
        """The group of one case under the packs; no scheme is asked."""
        with tempfile.TemporaryDirectory(prefix="dianzhi-case-") as made:
            place = Path(made)
            demand = demand_of("group", self.area.editions, RunOptions())
            try:
                mapped = map_cases([_written(raw, place)], demand, self.area.editions, threads=1)
            except CaseFileError:
                return [_missing(raw, demand.required)]
            if len(mapped.rejected):
                return _refusals(mapped.rejected)
            write_grouped(place / "grouped.parquet", mapped.book, self.area.editions)
            return Found(_row(place / "grouped.parquet"))

    def settle(self, raw: Mapping[str, Any], resolved: ResolvedPolicy, year: int, month: int) -> Found | list[Refusal]:
        """Group, points and money of one case of a month."""
        period, area = Period(year, month), self.area.routed(resolved)
        with tempfile.TemporaryDirectory(prefix="dianzhi-case-") as made:
            place = Path(made)
            demand = demand_of("settle", area.editions, RunOptions(), resolved)
            try:
                mapped = map_cases(
                    [_written(raw, place)], demand, area.editions, scope=scope_of(resolved, period), threads=1
                )
            except CaseFileError:
                return [_missing(raw, demand.required)]
            if len(mapped.rejected):
                return _refusals(mapped.rejected)
            assert len(mapped.book) == 1, "the case belongs to its own month"
            columns = case_columns(mapped.book, area, resolved)
            terms = replace(resolved.area, audits=())
            scored = score(columns, terms)
            standard, fund, value = month_worth(mapped.book, area, terms, columns, scored)
            settled = SettledCases(
                mapped.book, area.editions, resolved, columns, scored, standard, fund, value, period.clr_ym
            )
            write_grouped(place / "grouped.parquet", mapped.book, area.editions)
            write_settled(place / "settled.parquet", settled)
            row = _row(place / "grouped.parquet") | _row(place / "settled.parquet")
        return Found(row, int(standard[0]), int(fund[0]), int(scored.points_e4[0]))


def _written(raw: Mapping[str, Any], place: Path) -> Path:
    """The case as a file the reader understands; national nodes as they are."""
    columns: dict[str, Any] = {}
    for name, value in raw.items():
        if value is None or name in ("iteminfo", "payinfo"):
            continue
        if name in _NODES:
            names = sorted({key for item in value for key in item})
            items = [{key: _text(item.get(key)) for key in names} for item in value]
            kind = pl.List(pl.Struct(dict.fromkeys(names, pl.String))) if names else pl.List(pl.String)
            columns[name] = pl.Series(name, [items], dtype=kind)
        elif isinstance(value, (list, tuple)):
            columns[name] = pl.Series(name, [[_text(each) for each in value]], dtype=pl.List(pl.String))
        else:
            columns[name] = pl.Series(name, [_text(value)], dtype=pl.String)
    if "oprninfo" not in columns and "oprn_codes" not in columns:
        columns["oprn_codes"] = pl.Series("oprn_codes", [[]], dtype=pl.List(pl.String))
    path = place / "case.parquet"
    pl.DataFrame(list(columns.values())).write_parquet(path)
    return path


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _missing(raw: Mapping[str, Any], required: tuple[str, ...]) -> Refusal:
    """A column the demand asks for and the case has not: refused like an empty cell."""
    nodes = {"diag_codes": "diseinfo", "oprn_codes": "oprninfo"}
    absent = [name for name in required if raw.get(name) is None and raw.get(nodes.get(name, name)) is None]
    column = absent[0] if absent else ""
    return Refusal(
        "V000", column, "政策或分组方案要求的项目缺失。请补填。", "A field the policy or pack needs is missing."
    )


def _refusals(rejected: pl.DataFrame) -> list[Refusal]:
    """The rejection in words that hold nothing of the record."""
    found = []
    for code, column in rejected.select("code", "field").iter_rows():
        if code.startswith("R"):
            kind = Misfit(code)
            found.append(Refusal(code, column or "", TEXT_ZH[kind], TEXT_EN[kind]))
        else:
            found.append(refusal(Reject(code), column or ""))
    return found


def _row(path: Path) -> dict[str, Any]:
    """The one row of a result file as JSON values: decimals as text, days as ISO text."""
    table = pq.read_table(path)
    return {name: _plain(table[name][0].as_py()) for name in table.column_names}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value if value is None or isinstance(value, (str, int, list)) else str(value)
