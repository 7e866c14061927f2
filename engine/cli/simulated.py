"""What `dianzhi policy simulate` shows 「政策模拟对比」: per pool a line a hospital, the reserve, the totals."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping

import typer
from rich.console import Console
from rich.table import Table

from engine.lang import say
from engine.report.causes import root
from engine.report.shown import yuan_text
from engine.simulate import ENTITLED, FINAL, Simulated

_STANDARDS = ("standard", "patient_borne", "fixed_standard", "standard_scaled_back", "growth_cap_cut")
_SHARING = ("surplus_returned", "overspend_shared")


def echo_simulation(found: Simulated) -> None:
    """One table a pool, and the point values the other policy would publish."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    standing = found.standing
    typer.echo(
        say(
            f"现行：{standing.name}；试算：{found.policy}（{standing.year} 年）",
            f"standing: {standing.name}; tried: {found.policy} ({standing.year})",
        )
    )
    for pool in sorted({row.pool for row in found.rows}):
        console.print(_pool_table(found, pool))
    for (pool, pot), value in found.values.items():
        typer.echo(
            say(f"试算点值 {pool} {pot}：{value} 元/点", f"point value tried, {pool} {pot}: {value} yuan per point")
        )


def _pool_table(found: Simulated, pool: str) -> Table:
    title = say(f"{pool} 各机构应得基金（元）", f"{pool}: what hospitals are entitled to (yuan)")
    table = Table(title=title, title_justify="left")
    table.add_column(say("医疗机构", "hospital"), overflow="fold")
    heads = (
        *(say("现行", "standing"), say("试算", "tried"), say("差额", "difference")),
        *(say("其中：标准", "of it standards"), say("结余/分担", "sharing"), say("其他", "other")),
    )
    for head in heads:
        table.add_column(head, justify="right", overflow="fold")
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    names: dict[str, str] = {}
    for row in found.rows:
        if row.pool != pool:
            continue
        names[row.hospital] = row.name
        of_hospital = sums[row.hospital]
        if row.cause == (ENTITLED if row.hospital else FINAL):
            of_hospital["standing"], of_hospital["tried"] = row.standing_fen, row.other_fen
        elif root(row.cause) in _STANDARDS:
            of_hospital["standards"] += row.difference_fen
        elif root(row.cause) in _SHARING:
            of_hospital["sharing"] += row.difference_fen
    hospitals = sorted(code for code in sums if code)
    for code in hospitals:
        table.add_row(f"{names[code]} {code}", *_cells(sums[code]))
    table.add_section()
    total = {
        name: sum(sums[code][name] for code in hospitals) for name in ("standing", "tried", "standards", "sharing")
    }
    table.add_row(say("合计", "total"), *_cells(total), style="bold")
    if "" in sums:
        left = sums[""]
        amounts = (left["standing"], left["tried"], left["tried"] - left["standing"])
        table.add_row(say("风险金结余", "reserve left"), *(yuan_text(fen) for fen in amounts), "", "", "")
    return table


def _cells(of: Mapping[str, int]) -> list[str]:
    difference = of["tried"] - of["standing"]
    rest = difference - of["standards"] - of["sharing"]
    plain = (of["standing"], of["tried"])
    moved = (difference, of["standards"], of["sharing"], rest)
    return [*(yuan_text(fen) for fen in plain), *(yuan_text(fen, signed=True) for fen in moved)]
