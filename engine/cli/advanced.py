"""What `dianzhi policy advance` shows 「周转金预付测算表」: amount and bars by pool and hospital."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from engine.advances import REASONS, AdvanceRow
from engine.lang import say
from engine.report.shown import yuan_text


def echo_advances(rows: Sequence[AdvanceRow], year: int) -> None:
    """One line per pool and hospital, then whoever the policy pays against its own rules."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=say(f"{year} 年周转金（元）", f"advances for {year} (yuan)"), title_justify="left")
    for name in (say("险种", "pool"), say("医疗机构", "hospital")):
        table.add_column(name, overflow="fold")
    for name in (
        say("结算月数", "months"),
        say("月均", "mean month"),
        say("可预付", "may have"),
        say("政策", "policy"),
    ):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column(say("不予预付的原因", "against it"), overflow="fold")
    for row in rows:
        against = "; ".join(say(*REASONS[bar]) for bar in row.bars)
        amounts = (row.mean_fen, row.granted_fen, row.in_policy_fen)
        table.add_row(
            row.pool, f"{row.name} {row.hospital}", str(row.months), *(yuan_text(fen) for fen in amounts), against
        )
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    for row in rows:
        if row.paid_against_the_rules:
            paid, may = yuan_text(row.in_policy_fen), yuan_text(row.granted_fen)
            typer.echo(
                say(
                    f"⚠ 政策 advance 向 {row.hospital}/{row.pool} 预付 {paid} 元，按规则可预付 {may} 元",
                    f"⚠ the policy advances {paid} yuan to {row.hospital}/{row.pool}; its own rules allow {may}",
                )
            )
