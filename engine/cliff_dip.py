"""DIP cases near a deviation edge 「DIP临界病例」: as `pointvalue.cliffs_near`, scored by the catalogue itself.

In: the casebook with its editions, the columns of the run, and how near is near. Out: edges in the same form, the band
labels as classes. A case is scored again at a cost just under and just over the edge; nothing else of it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.casebook import Casebook
from engine.edition_dip import DipEdition
from engine.editions import Editions
from engine.settle_dip import DipScores, score_dip
from pointvalue.cases import CaseColumns
from pointvalue.cliffs_near import NearEdge, jumps
from pointvalue.fixed import E6, exact
from pointvalue.fixed_wide import scaled_floor
from pointvalue.model import AreaYear
from pointvalue.terms import SchemeKind

I64 = npt.NDArray[np.int64]
STEP_FEN = 5
"""How far from the edge both sides are scored: the reference cost of a case is kept in whole fen."""


def near_dip_edges(
    book: Casebook, editions: Editions, cases: CaseColumns, area: AreaYear, near: Fraction
) -> Iterator[NearEdge]:
    """Every deviation edge with a case within `near` × its cost."""
    held, leaf = book.ints("edition"), book.ints("leaf")
    for place, scheme in enumerate(area.schemes):
        if scheme.kind is not SchemeKind.PACK_POINTS:
            continue
        mine = (cases.scheme == place) & (leaf >= 0) & (cases.reference_fen > 0)
        for number, edition in enumerate(editions.editions):
            if isinstance(edition, DipEdition):
                rows = np.flatnonzero(mine & (held == number))
                yield from _edges(book, edition, cases, scheme.name, rows, near)


def _edges(
    book: Casebook, edition: DipEdition, cases: CaseColumns, scheme: str, rows: I64, near: Fraction
) -> Iterator[NearEdge]:
    bands = edition.pack.scoring.bands
    limits = {limit for band in bands for limit in (band.lo_e6, band.hi_e6) if limit}
    for limit in sorted(limits):
        edge = scaled_floor(cases.reference_fen[rows], limit, E6)[0]
        within = scaled_floor(edge, near.numerator, near.denominator)[0]
        close = (edge > STEP_FEN) & (np.abs(cases.cost_fen[rows] - edge) <= within)
        if not close.any():
            continue
        found, cost = rows[close], edge[close]
        some = book.select(found)
        under, over = (_scored_at(some, edition, cost + step) for step in (-STEP_FEN, STEP_FEN))
        names = sorted({*under.labels, *over.labels})
        sides = [(each.points_e4, _places(each, names)) for each in (under, over)]
        is_below = cases.cost_fen[found] <= cost
        yield from jumps(scheme, exact(limit, E6), names, found, is_below, sides[0], sides[1])


def _scored_at(book: Casebook, edition: DipEdition, cost: I64) -> DipScores:
    column = book.table.schema.get_field_index("medfee_sumamt_fen")
    table = book.table.set_column(column, book.table.schema.field(column), pa.array(cost))
    scores = DipScores.empty(len(book))
    score_dip(Casebook(table), edition, np.arange(len(book), dtype=np.int64), scores)
    return scores


def _places(scores: DipScores, names: list[str]) -> I64:
    """The band of each case as a place among the names."""
    return np.array([names.index(label) for label in scores.labels], np.int64)[scores.label]
