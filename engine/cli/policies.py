"""`dianzhi policy`: check a settlement policy and read it on a day 「结算办法」."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from engine.cli.planning import advance, measure, policy_of, simulate
from engine.lang import say

app = typer.Typer(
    help="Settlement policies: check, show, measure, simulate, advance 结算办法",
    no_args_is_help=True,
    rich_markup_mode=None,
)
AreaName = Annotated[str, typer.Argument(help="area or policy folder, or `demo` 统筹区或政策目录", show_default=False)]


@app.command("check")
def check(area: AreaName, year: Annotated[int, typer.Option(help="settlement year 年度", show_default=False)]) -> None:
    """Check a policy for a year against the packs it names 检查."""
    from engine.cli.where import open_area
    from engine.policy.cliff_notes import cliff_notes

    resolved = open_area(area).for_year(year)
    typer.echo(say(f"政策 {resolved.version} 可用于 {year} 年。", f"policy {resolved.version} holds for {year}."))
    for used in resolved.unverified:
        typer.echo(say(f"  未核实 [{used.tag}] {used.key} = {used.text} {used.unit}（{used.zh}）",
                       f"  unverified [{used.tag}] {used.key} = {used.text} {used.unit}"))  # fmt: skip
    for used in resolved.defaults:
        typer.echo(say(f"  缺省 {used.key} = {used.text}（{used.zh}）", f"  default {used.key} = {used.text}"))
    count = sum(1 for _ in cliff_notes(resolved.area))
    typer.echo(
        say(f"  断点 {count} 处，见 policy show --cliffs。", f"  {count} cliffs; policy show --cliffs lists them.")
    )


@app.command("show")
def show(
    area: AreaName,
    on: Annotated[str | None, typer.Option(help="the day, like 2025-07-01; default today 日期")] = None,
    cliffs: Annotated[bool, typer.Option("--cliffs", help="instead, where pay jumps, in that year 断点")] = False,
) -> None:
    """Every value of a policy on a day, with unit, tag and source 查看."""
    from engine.policy.show import show as shown

    try:
        day = date.fromisoformat(on) if on else date.today()
    except ValueError:
        raise typer.BadParameter("a day is written like 2025-07-01 日期写作 2025-07-01", param_hint="--on") from None
    policy = policy_of(area)
    typer.echo(f"{policy.name} {policy.version} {day}")
    if cliffs:
        from engine.policy.cliff_notes import cliff_notes
        from engine.policy.resolve import resolve

        for note in cliff_notes(resolve(policy, day.year).area):
            typer.echo(note)
        return
    for row in shown(policy, day):
        since = f" {row.since}" if row.since else ""
        tag = f"[{row.tag}] " if row.tag else ""
        typer.echo(f"{row.key}: {row.value} {row.unit} {tag}{row.source}{since} ({row.state}) {row.zh}")


app.command("measure")(measure)
app.command("simulate")(simulate)
app.command("advance")(advance)
