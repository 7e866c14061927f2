"""How the year opened, for the report page 「年初结转」.

In: the opening of a year and the hospitals' names; out: a page table of what each hospital owed, of the reserve and of
the base last year wrote. It reads no file.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.opening import Opening
from engine.report.page_tables import Cell, Head, PageTable

_COLUMNS = (
    Head("险种", "Pool"),
    Head("项目", "Item"),
    Head("医疗机构", "Hospital"),
    Head("金额", "Amount", "money"),
)


def opening_table(opening: Opening, names: Mapping[str, str]) -> PageTable | None:
    """Receivables by hospital, then reserve and base, pool by pool; None if no clearing of last year was there."""
    last = opening.last
    if last is None:
        return None
    rows: list[tuple[Cell, ...]] = []
    for pool, left in sorted(last.pools.items()):
        for code, amount in sorted(left.receivable_fen.items()):
            rows.append((pool, "上年结转应收 receivable of last year", f"{names.get(code, code)} {code}", amount))
        brought = opening.brought_fen.get(pool, 0)
        rows.append((pool, "上年风险金结余 reserve last year left", "", left.reserve_left_fen))
        rows.append((pool, "其中转入本年 of it brought forward", "", brought))
        rows.append((pool, "上年写下的基数 base last year wrote", "", left.next_base_fen))
        stated = opening.base_fen.get(pool, (0, None))[1]
        if stated is not None:
            rows.append((pool, "政策填写的上年决算 prior actual of the policy", "", stated))
    notes = tuple(f"⚠ {note.zh}。 {note.en}." for note in opening.notes)
    return PageTable("年初结转", f"How {opening.year} opened, from {last.run_id}", _COLUMNS, tuple(rows), notes)
