"""`dianzhi pack`: look at a rule pack and find its mistakes 「分组方案」."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.pack_books import exports, imports
from engine.errors import PackError
from engine.lang import current, say

app = typer.Typer(help="Rule packs: lint, show, import, export 分组方案", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(imports, name="import")
app.add_typer(exports, name="export")
Folder = Annotated[Path, typer.Argument(help="folder with pack.toml or pack.json 分组方案目录", show_default=False)]


@app.command("lint")
def lint(
    pack: Folder,
    items: Annotated[int, typer.Option(min=1, help="examples shown per finding 每类示例数")] = 5,
    strict: Annotated[bool, typer.Option("--strict", help="warnings fail too 警告也算失败")] = False,
) -> None:
    """Report every mistake of a pack, with node, list and advice 检查."""
    from engine.packs.dip_lint import lint_dip_folder
    from engine.packs.kind import kind_of_pack
    from engine.packs.lint import has_errors, lint_folder, lint_lines

    findings = lint_dip_folder(pack) if kind_of_pack(pack) == "dip" else lint_folder(pack)
    for line in lint_lines(findings, current(), items):
        typer.echo(line)
    if has_errors(findings) or (strict and any(found.severity == "warning" for found in findings)):
        raise PackError(say("有错误须改正。", "there are findings to mend."))


@app.command("show")
def show(
    pack: Folder,
    mdc: Annotated[str | None, typer.Option(help="list the groups of one MDC, like MDCF 列出某一MDC的病组")] = None,
) -> None:
    """What a pack is: source, validity, options, counts, groups per MDC 查看."""
    from engine.packs.kind import kind_of_pack
    from engine.packs.load import load_pack
    from engine.packs.show import group_table, summarise, summary_lines

    if kind_of_pack(pack) == "dip":
        from engine.packs.dip_show import dip_summary_lines

        for line in dip_summary_lines(pack):
            typer.echo(line)
        return
    loaded = load_pack(pack)
    if mdc is not None:
        for code, name in group_table(loaded, mdc):
            typer.echo(f"{code}  {name}")
        return
    for line in summary_lines(summarise(loaded), current()):
        typer.echo(line)
