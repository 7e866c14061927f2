"""What `dianzhi policy measure` shows when done 「测算摘要」: counts, states of the groups, the largest moves."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import typer

from engine.lang import say
from engine.measure import Measured
from engine.measure_files import STATES, points_text
from engine.money import text_from_fen

SHOWN = 10


def echo_measured(found: Measured, out: Path) -> None:
    """Counts, then the ten groups whose move weighs most, then where everything stands."""
    from rich.console import Console
    from rich.table import Table

    counts = found.counts
    apart = [
        (say("未入组", "not grouped"), counts["not_grouped"]),
        (say("其他付费方式", "of other schemes"), counts["other_schemes"]),
        (say("其他年度", "of other years"), counts["other_years"]),
    ]
    rest = ", ".join(f"{name} {count:,}" for name, count in apart)
    read, rejected = found.mapped.read_count, len(found.mapped.rejected)
    typer.echo(
        say(
            f"读取 {read:,} 行，拒绝 {rejected:,}；参与测算 {counts['measured']:,} 例（{rest}）",
            f"read {read:,} rows, rejected {rejected:,}; measured {counts['measured']:,} cases ({rest})",
        )
    )
    for year in found.empty_years:
        typer.echo(
            say(f"⚠ {year} 年没有病例，其权重归其他年度", f"⚠ no case of {year}: the other years take its weight")
        )
    states = Counter(move.measured.state for move in found.groups)
    listed = ", ".join(f"{say(*STATES[state])} {count}" for state, count in sorted(states.items()))
    typer.echo(say(f"病组：{listed}", f"groups: {listed}"))
    before = "–" if found.region_in_force_fen is None else text_from_fen(found.region_in_force_fen)
    mean = text_from_fen(found.region_mean_fen)
    typer.echo(say(f"区域例均费用 {mean} 元（现行 {before}）", f"region mean {mean} yuan (in force {before})"))
    table = Table(title=say("变动最大的病组（基准点数）", "largest moves, base points"), title_justify="left")
    for name in (say("病组", "group"), say("名称", "name")):
        table.add_column(name)
    for name in (say("病例", "cases"), say("现行", "in force"), say("建议", "proposed"), say("影响点数", "effect")):
        table.add_column(name, justify="right")
    moved = sorted((m for m in found.groups if m.moved_e4), key=lambda m: (-abs(m.effect_e4 or 0), m.code))
    for move in moved[:SHOWN]:
        numbers = (move.in_force_points_e4 or 0, move.points_e4 or 0, move.effect_e4 or 0)
        table.add_row(move.code, move.name, f"{move.measured.read_count:,}", *(points_text(each) for each in numbers))
    if moved:
        Console(width=None if sys.stdout.isatty() else 140).print(table)
    if found.missing:
        codes = ", ".join(found.missing)
        typer.echo(say(f"没有取值的病组，须手工补充：{codes}", f"groups without any value, to be added: {codes}"))
    typer.echo(say(f"建议表与报告：{out}", f"proposals and report: {out}"))
