"""`grouped.parquet`: what every accepted case was grouped to, and why 「分组结果」.

In: the casebook and the editions. Out: one row a case in order of settlement id, columns of data-standards (b).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.casebook import Casebook
from engine.cases.columns import arrow_schema
from engine.edition import RESULT_COLUMNS
from engine.editions import I64, Editions
from engine.write_parquet import looked_up, row_writer, write_rows
from grouper.reason import GroupStatus

_STATUS = pa.array([None, *(status.name for status in GroupStatus)], pa.string())
_SEVERITY = pa.array(["NONE", "CC", "MCC", None], pa.string())
_CARRIED = (
    *("setl_id", "fixmedins_code", "setl_ym", "insutype", "mcc_diag_codes", "excl_diag_codes", "maindiag_code"),
    *("main_oprn_code", "dip_code"),
)


def write_grouped(path: Path, book: Casebook, editions: Editions) -> None:
    """Write the grouping of every case in the book."""

    def columns(low: int, high: int) -> Mapping[str, pa.Array]:
        return _columns(Casebook(book.table.slice(low, high - low)), editions)

    write_rows(path, arrow_schema("grouped"), len(book), columns)


def write_grouped_books(path: Path, books: Iterable[Casebook], editions: Editions) -> None:
    """The same from one row group after another, each of ROWS_PER_GROUP cases save the last."""
    with row_writer(path, arrow_schema("grouped")) as write:
        for book in books:
            write(_columns(book, editions))


def _columns(part: Casebook, editions: Editions) -> Mapping[str, pa.Array]:
    versions = pa.array(editions.versions, pa.string())
    modes = pa.array([edition.kind.upper() for edition in editions.editions], pa.string())
    edition, status, leaf = part.ints("edition"), part.ints("status"), part.ints("leaf")
    rows = editions.result_rows(edition, leaf, status)
    code, text = editions.reasons(edition, part.ints("reason"))
    is_drg = np.array([one.kind == "drg" for one in editions.editions], np.bool_)[edition]
    made = {name: part.table[name] for name in _CARRIED}
    made |= {name: looked_up(editions.results[name], rows) for name in RESULT_COLUMNS}
    made |= _auxiliary(editions, edition, leaf, part.numbers_or("auxiliary", -1))
    severity = np.where(is_drg, part.ints("severity"), len(_SEVERITY) - 1)
    return made | {
        "pay_mode": looked_up(modes, edition),
        "grp_ver": looked_up(versions, edition),
        "grp_stas": looked_up(_STATUS, status),
        "grp_rea_code": code,
        "grp_rea": text,
        "mcc_cc_flag": looked_up(_SEVERITY, severity),
    }


def _auxiliary(editions: Editions, edition: I64, leaf: I64, auxiliary: I64) -> Mapping[str, pa.Array]:
    """Score and auxiliary columns; the DIP modules are loaded only where a catalogue takes part."""
    if editions.has_dip:
        from engine.dip_answers import auxiliary_columns

        return auxiliary_columns(editions, edition, leaf, auxiliary)
    return {name: pa.nulls(len(edition)) for name in ("dip_sup_type", "dip_sup_name", "dip_sup_coef", "dip_sco")}
