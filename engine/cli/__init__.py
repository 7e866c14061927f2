"""The command `dianzhi` 「点值」. Each noun has a file; heavy imports wait until a command really runs.

Exit codes: 0 done · 1 unexpected · 2 wrong usage · 3 case file · 4 rule pack · 5 policy · 6 the accounts did not
close, nothing published · 7 run folder · 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from engine.cli.books import app as books
from engine.cli.cases import clear, group, presettle
from engine.cli.demo import demo
from engine.cli.explain import explain
from engine.cli.keys import app as keys
from engine.cli.packs import app as packs
from engine.cli.policies import app as policies
from engine.cli.runs import app as runs
from engine.cli.service import serve, worker
from engine.cli.settle import settle
from engine.cli.shards import map_shard, reduce_parts
from engine.lang import choose

app = typer.Typer(
    name="dianzhi",
    help="点值: group discharge records, settle them under a regional global budget, prove every fen.\n\n"
    "病例分组、点数付费、总额清算，每一分钱都有出处。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def options(
    lang: Annotated[str | None, typer.Option(help="zh or en; default from LANG 界面语言")] = None,
) -> None:
    """Options that hold for every command."""
    try:
        choose(lang)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


app.command("demo")(demo)
app.command("group")(group)
app.command("presettle")(presettle)
app.command("clear")(clear)
app.command("settle")(settle)
app.command("explain")(explain)
app.command("map")(map_shard)
app.command("reduce")(reduce_parts)
app.command("serve")(serve)
app.command("worker")(worker)
app.add_typer(packs, name="pack")
app.add_typer(policies, name="policy")
app.add_typer(runs, name="runs")
app.add_typer(keys, name="keys")
app.add_typer(books, name="books")


@app.command("version")
def version() -> None:
    """The engine's version and the digest of its source 程序版本."""
    from engine.version import engine_facts

    for key, value in engine_facts().items():
        typer.echo(f"{key}: {value}")


def main() -> None:
    """Run a command and turn every error a user can mend into one clear text and an exit code."""
    from engine.cli.failure import report
    from engine.cli.plain_words import read_plainly
    from engine.collecting import collect_seldom, without_algebra

    collect_seldom()
    without_algebra()
    if not __debug__:
        # -O and PYTHONOPTIMIZE remove the assertions that guard every fen.
        sys.exit("dianzhi: assertions are switched off (python -O, PYTHONOPTIMIZE). Run it without. 请勿关闭断言运行。")
    try:
        read_plainly(typer.main.get_command(app))()
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(report(error))
