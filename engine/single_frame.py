"""One case out of the files as a frame of one row, and its explanation 「单病例取数」.

In: case files, a settlement id, a pack. Out: the accepted row, whatever file it stands in and whatever had to be mended
in it, or why it was rejected; its explanation from that row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from engine.cases.demand import Demand
from engine.cases.one import rows_of
from engine.cases.read import open_cases
from engine.errors import CaseFileError
from engine.lang import say
from engine.packs.load import Pack
from engine.single import AnyPack, explained_dip, explained_drg
from grouper.tables import Case, DrgTables


def find_case(paths: Sequence[Path], setl_id: str, demand: Demand) -> pl.DataFrame:
    """The accepted case as a frame of one row. Raises CaseFileError if it is not there or was rejected."""
    found = rows_of(open_cases(paths, demand), setl_id)
    if found is None:
        raise CaseFileError(
            say(f"文件中没有结算ID为 {setl_id} 的病例。", f"no case with settlement id {setl_id} here.")
        )
    if len(found.accepted):
        return found.accepted.head(1)
    zh, en = found.rejected.select("reason_zh", "reason_en").row(0)
    raise CaseFileError(say(f"病例 {setl_id} 未被接受：{zh}", f"case {setl_id} was rejected: {en}"))


def explained(pack: AnyPack, frame: pl.DataFrame) -> list[str]:
    """The lines of one case under one pack."""
    if isinstance(pack, Pack):
        return explained_drg(pack, case_of_row(frame.row(0, named=True), pack.tables))
    from engine.edition_dip import DipEdition

    return explained_dip(pack, DipEdition(pack).case_of(frame))


def case_of_row(row: dict[str, Any], tables: DrgTables) -> Case:
    """A row of an accepted frame as the rules of a DRG edition see it."""
    return Case(
        setl_id=row["setl_id"],
        diagnoses=tuple(code or "" for code in row["diag_codes"] or ()),
        procedures=tuple(code or "" for code in row["oprn_codes"] or ()),
        numeric={number.name: row.get(number.source) for number in tables.numeric},
        text={name: row.get(column) for name, column in tables.text_fields.items()},
    )
