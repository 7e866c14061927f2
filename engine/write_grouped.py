"""`grouped.parquet`: what every accepted case was grouped to, and why 「分组结果」.

In: the casebook and the editions. Out: one row a case in order of settlement id, columns of data-standards (b).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.casebook import Casebook
from engine.cases.columns import arrow_schema
from engine.editions import RESULT_COLUMNS, Editions
from engine.write_parquet import write_rows
from grouper.reason import TEXT_ZH, GroupReason, GroupStatus

_STATUS = pa.array(
    [GroupStatus(n).name if n in list(GroupStatus) else None for n in range(max(GroupStatus) + 1)], pa.string()
)
_REASON_CODE = pa.array([str(n) if n in list(GroupReason) else None for n in range(max(GroupReason) + 1)], pa.string())
_REASON_TEXT = pa.array(
    [TEXT_ZH.get(GroupReason(n)) if n in list(GroupReason) else None for n in range(max(GroupReason) + 1)], pa.string()
)
_SEVERITY = pa.array(["NONE", "CC", "MCC"], pa.string())
_CARRIED = (
    "setl_id",
    "fixmedins_code",
    "setl_ym",
    "insutype",
    "mcc_diag_codes",
    "excl_diag_codes",
    "maindiag_code",
    "main_oprn_code",
)


def write_grouped(path: Path, book: Casebook, editions: Editions) -> None:
    """Write the grouping of every case in the book."""
    versions = pa.array(editions.versions, pa.string())

    def columns(low: int, high: int) -> Mapping[str, pa.Array]:
        part = Casebook(book.table.slice(low, high - low))
        edition, status, reason = part.ints("edition"), part.ints("status"), part.ints("reason")
        rows = pa.array(editions.result_rows(edition, part.ints("leaf"), status))
        made = {name: part.table[name] for name in _CARRIED}
        made |= {name: editions.results[name].take(rows) for name in RESULT_COLUMNS}
        return made | {
            "pay_mode": pa.array(np.repeat("DRG", high - low), pa.string()),
            "grp_ver": versions.take(pa.array(edition)),
            "grp_stas": _STATUS.take(pa.array(status)),
            "grp_rea_code": _REASON_CODE.take(pa.array(reason)),
            "grp_rea": _REASON_TEXT.take(pa.array(reason)),
            "mcc_cc_flag": _SEVERITY.take(pa.array(part.ints("severity"))),
        }

    write_rows(path, arrow_schema("grouped"), len(book), columns)
