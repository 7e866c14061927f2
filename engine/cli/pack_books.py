"""`dianzhi pack import xlsx` and `dianzhi pack export xlsx`: rule packs as workbooks 「目录导入导出」."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.lang import current, say

imports = typer.Typer(help="Make a pack from what a bureau publishes 导入", no_args_is_help=True, rich_markup_mode=None)
exports = typer.Typer(help="Write a pack for review 导出", no_args_is_help=True, rich_markup_mode=None)


@imports.callback()
def _imports() -> None:
    """Make a pack from what a bureau publishes 导入."""


@exports.callback()
def _exports() -> None:
    """Write a pack for review 导出."""


@imports.command("xlsx")
def import_xlsx(
    book: Annotated[Path, typer.Argument(help="the published workbook, .xlsx 目录工作簿", show_default=False)],
    mapping: Annotated[Path, typer.Option(help="which sheet and column is what, TOML 映射文件", show_default=False)],
    out: Annotated[Path, typer.Option(help="new folder for the pack 方案目录", show_default=False)],
    partial: Annotated[bool, typer.Option("--partial", help="leave out rows that cannot be placed 允许缺行")] = False,
    report: Annotated[Path | None, typer.Option(help="write every row and repair as .xlsx 明细报告")] = None,
    items: Annotated[int, typer.Option(min=1, help="examples shown per reason 每类示例数")] = 5,
) -> None:
    """Read a catalogue workbook of any form into a rule pack, and tell what became of every row 导入目录."""
    from engine.packs.xlsx_import import read_workbook, write_pack
    from engine.packs.xlsx_report import report_lines

    draft = read_workbook(book, mapping)
    for line in report_lines(draft.report, current(), items):
        typer.echo(line)
    if report is not None:
        from engine.packs.xlsx_report_book import write_report

        write_report(draft.report, report)
        typer.echo(say(f"明细报告：{report}", f"full report: {report}"))
    pack = write_pack(draft, out, partial=partial)
    groups = len(pack.tables.groups)
    typer.echo(say(f"方案：{out}，{groups:,} 个病种，指纹 {pack.fingerprint}",
                   f"pack: {out}, {groups:,} groups, fingerprint {pack.fingerprint}"))  # fmt: skip


@exports.command("xlsx")
def export_xlsx(
    pack: Annotated[Path, typer.Argument(help="folder with pack.toml or pack.json 分组方案目录", show_default=False)],
    out: Annotated[Path, typer.Option(help="workbook to write, .xlsx 工作簿", show_default=False)],
) -> None:
    """Write a pack as a workbook to review, and the mapping that reads it back 导出目录."""
    from engine.packs.xlsx_export import export_workbook

    done = export_workbook(pack, out)
    for table, rows in done.rows.items():
        typer.echo(f"  {table}: {rows:,}")
    typer.echo(
        say(f"工作簿：{done.book}，指纹 {done.fingerprint}", f"workbook: {done.book}, fingerprint {done.fingerprint}")
    )
    if done.mapping is not None:
        typer.echo(say(f"读回所用映射：{done.mapping}", f"mapping to read it back: {done.mapping}"))
    else:
        typer.echo(
            say(
                "DRG 方案只供审阅，不能由工作簿读回。", "a DRG pack is for review; it is not read back from a workbook."
            )
        )
