"""The cover of an exported pack 「封面」: which pack, valid when, from which document, under which options.

In: the pack as the export sees it; out: the first sheet. Two packs with the same fingerprint say the same.
"""

from __future__ import annotations

from engine.packs.xlsx_names import COLUMNS_ZH, TABLES_ZH
from engine.packs.xlsx_source import ExportSource
from engine.report.workbook import Book, Sheet, display_width

_WIDTHS = (32, 24, 72)
_CHOSEN_BY = {"discharge_date": "出院日期", "settlement_date": "结算日期"}


def cover_sheet(book: Book, name: str, source: ExportSource) -> None:
    """封面: facts of the pack, its options, its tables."""
    meta = source.meta
    page = Sheet(book, name, landscape=False)
    page.title(
        f"分组方案　{meta.id}　{meta.version}",
        "Rule pack for review; the files of the pack decide. 供审阅，以方案文件为准。",
    )
    for place, width in enumerate(_WIDTHS):
        page.sheet.set_column(place, place, width)
    issued = meta.source.issued.isoformat() if meta.source.issued else ""
    facts = [
        ("方案编号", "id", meta.id),
        ("版本", "version", meta.version),
        ("类别", "kind", " ".join(filter(None, (meta.kind.upper(), source.scheme)))),
        ("统筹区", "area", meta.area),
        ("起用日期", "valid_from", meta.valid_from.isoformat() if meta.valid_from else "—"),
        ("截止日期", "valid_to", meta.valid_to.isoformat() if meta.valid_to else "长期 open"),
        ("版本取用依据", "chosen_by", _CHOSEN_BY.get(meta.chosen_by, meta.chosen_by)),
        ("诊断编码", "dx_system", meta.dx_system),
        ("手术操作编码", "op_system", meta.op_system),
        ("依据文件", "source", meta.source.document),
        ("发文日期", "issued", issued or "—"),
        ("网址", "url", meta.source.url or "—"),
        ("说明", "note", meta.source.note or "—"),
        ("指纹", "fingerprint", source.fingerprint),
    ]
    for zh, en, value in facts:
        _line(page, zh, en, value)
    _heading(page, "选项 Options")
    for key, zh, value, default in source.options:
        _line(page, zh, key, f"{value}　（默认 default）" if default else value)
    _heading(page, "表 Tables")
    for table in source.tables:
        columns = "、".join(COLUMNS_ZH[column] for column, _, _ in table.columns)
        _line(page, TABLES_ZH[table.stem], table.stem, f"{table.height:,} 行：{columns}")


def _heading(page: Sheet, text: str) -> None:
    page.row += 1
    page.sheet.write_string(page.row, 0, text, page.book.format(bold=True, font_size=11))
    page.row += 1


def _line(page: Sheet, zh: str, en: str, value: str) -> None:
    book, row = page.book, page.row
    page.sheet.write_string(row, 0, zh, book.format(bold=True, bg_color="#E8EEF5", border=1, border_color="#C9D3DE"))
    page.sheet.write_string(row, 1, en, book.format(font_size=8, font_color="#5B6B7B"))
    page.sheet.write_string(row, 2, value, book.format(num_format="@", align="left", text_wrap=True, valign="top"))
    page.sheet.set_row(row, 15 * max(1, -(-display_width(value) // (_WIDTHS[2] - 2))))
    page.row += 1
