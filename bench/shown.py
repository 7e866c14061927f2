"""A measurement as a table for people 「结果表」, in the reader's language.

In: the figures; out: lines of text. Ratios are the claim; nanoseconds stand beside them to show what they are made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.grouping import GroupingFigures
from bench.job import Job
from engine.lang import say

_STAGE_NAMES = {
    "map_stage": ("读取、校验、分组", "read, validate, group"),
    "record_grouping": ("写分组结果", "write grouped rows"),
    "case_columns": ("取单价", "prices of cases"),
    "score": ("计分", "score"),
    "clear_year": ("点值与清算", "point value and clearing"),
    "publish_money": ("写结算与报表", "write money and reports"),
    "write_settled": ("结算明细", "settled rows"),
    "write_statements": ("医院清算单", "hospital statements"),
    "write_summary": ("汇总页", "summary page"),
}


def machine_line(facts: dict[str, Any]) -> str:
    """One line on what was measured on."""
    load = facts["load_average"]
    busy = "?" if load is None else f"{load[0]:.1f}"
    return f"{facts['cpu']} · {facts['cores_usable']}/{facts['cores']} cores · load {busy} · Python {facts['python']}"


def grouping_lines(figures: GroupingFigures) -> list[str]:
    """CPU per case of every step, and the two ratios."""
    steps: list[tuple[str, float | None, float | None]] = [
        (say("读取与校验", "read and validate"), figures.read_ns, None),
        (say("编码", "encode"), figures.encode_ns, None),
        (say("分组核，单线程", "kernel, one thread"), figures.kernel_ns, figures.ratio),
        (say("编码 + 分组核", "encode + kernel"), figures.encode_ns + figures.kernel_ns, figures.ratio_with_encoding),
        (say("纯 Python 逐例", "plain Python walk"), figures.walk_ns, 1.0),
    ]
    rows = [(say("步骤", "step"), say("CPU 纳秒/例", "CPU ns/case"), say("为逐例的倍数", "times the walk"))]
    for name, ns, ratio in steps:
        if ns is not None:
            rows.append((name, f"{ns:,.0f}", "" if ratio is None else f"{ratio:,.1f} ×"))
    walked, differing = f"{figures.walked_count:,}", f"{figures.differing:,}"
    return [
        say(
            f"{figures.name}：{figures.case_count:,} 例，每例 {figures.codes_per_case:.1f} 个编码",
            f"{figures.name}: {figures.case_count:,} cases, {figures.codes_per_case:.1f} codes a case",
        ),
        *_table(rows),
        say(
            f"  逐例 {walked} 例，与分组核不同：{differing}",
            f"  walked {walked} of them; grouped otherwise by the kernel: {differing}",
        ),
    ]


def job_lines(title: str, job: Job) -> list[str]:
    """CPU and peak memory of every stage, and of the whole."""
    rows = [
        (
            say("阶段", "stage"), say("CPU 秒", "CPU s"), say("CPU 纳秒/例", "CPU ns/case"), say("历时 秒", "wall s"),
            say("匿名内存峰值 MB", "peak anonymous MB"),
        )
    ]  # fmt: skip

    def add(name: str, cpu_s: float, wall_s: float, peak_mb: float | None) -> None:
        per_case = cpu_s * 1e9 / max(1, job.read_count)
        peak = "–" if peak_mb is None else f"{peak_mb:,.0f}"
        rows.append((name, f"{cpu_s:,.2f}", f"{per_case:,.0f}", f"{wall_s:,.2f}", peak))

    for stage in job.stages:
        add("  " * stage.depth + say(*_STAGE_NAMES[stage.name]), stage.cpu_s, stage.wall_s, stage.peak_mb)
    add(say("全程，含启动", "whole job with start-up"), job.cpu_s, job.wall_s, job.peak_mb)
    count = f"{job.read_count:,}"
    return [say(f"{title}：读取 {count} 行", f"{title}: {count} rows read"), *_table(rows)]


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns by the width of a terminal: the first to the left, the others to the right."""
    widths = [max(_width(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for first, *others in rows:
        cells = [first + " " * (widths[0] - _width(first))]
        cells += [" " * (width - _width(cell)) + cell for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  " + "   ".join(cells).rstrip())
    return lines


def _width(text: str) -> int:
    """A Chinese character takes two columns."""
    return sum(2 if ord(character) > 0x2E80 else 1 for character in text)
