"""The validation rules over plain rows, each asked as seldom as it can be 「规则检查」.

In: the typed frame of plain rows, and their texts as numbers; out: which rows meet every rule. The rules are those of
`engine.cases.rules`: one over a text is asked once per different text, one over a text and a day once per pair, the
rest row by row. What a plain row meets by being plain is not asked at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.cases.demand import Demand
from engine.cases.rejection import Reject
from engine.cases.rules import Rule, rules_for
from engine.execute.cells import Coded
from engine.execute.vocabulary import I32

MET = frozenset(
    {
        *(Reject.ROW_MISSHAPEN, Reject.ID_MISSING, Reject.PRINCIPAL_DIAGNOSIS_MISSING),
        *(Reject.TOO_MANY_DIAGNOSES, Reject.TOO_MANY_PROCEDURES),
    }
)
"""Rules no plain row can break: `cells` marks such rows."""
PAIRS_MAX = 1 << 20


def breaks_a_rule(frame: pl.DataFrame, texts: dict[str, Coded], demand: Demand) -> npt.NDArray[np.bool_]:
    """Rows that some rule does not pass. `texts` are the numbers behind text columns of the frame, row for row."""
    bad = np.zeros(len(frame), np.bool_)
    by_row: list[Rule] = []
    for rule in rules_for(demand, frame.columns):
        if rule.reject in MET:
            continue
        roots = set(rule.ok.meta.root_names())
        coded = sorted(roots & texts.keys())
        rest = sorted(roots - texts.keys())
        if len(coded) == 1 and not rest:
            bad |= ~_by_text(rule, coded[0], texts[coded[0]])
        elif len(coded) == 1 and len(rest) == 1 and frame.schema[rest[0]] == pl.Date:
            found = _by_pair(rule, coded[0], texts[coded[0]], frame[rest[0]])
            if found is None:
                by_row.append(rule)
            else:
                bad |= ~found
        else:
            by_row.append(rule)
    if by_row:
        met = frame.select(pl.all_horizontal([_met(rule) for rule in by_row])).to_series()
        bad |= ~np.asarray(met.to_numpy(), np.bool_)
    return bad


def _met(rule: Rule) -> pl.Expr:
    return rule.ok.fill_null(False)


def _by_text(rule: Rule, column: str, coded: Coded) -> npt.NDArray[np.bool_]:
    """The rule for every different text, null last."""
    words = _texts(coded.words.texts, column)
    met = pl.DataFrame([words]).select(_met(rule)).to_series()
    found: npt.NDArray[np.bool_] = np.asarray(met.to_numpy(), np.bool_)[coded.ids]
    return found


def _by_pair(rule: Rule, column: str, coded: Coded, days: pl.Series) -> npt.NDArray[np.bool_] | None:
    """The rule for every pair of text and day that occurs; None if the days are too far apart to number the pairs."""
    physical = days.to_physical()
    low, high = physical.min(), physical.max()
    if not isinstance(low, int) or not isinstance(high, int):
        return None
    width = high - low + 2  # one for a day that is not there
    if (len(coded.words) + 1) * width > PAIRS_MAX:
        return None
    day: I32 = np.asarray(physical.fill_null(low - 1).to_numpy(), np.int32) - np.int32(low - 1)
    pair = (coded.ids + 1).astype(np.int64) * width + day
    present = np.zeros((len(coded.words) + 1) * width, np.bool_)
    present[pair] = True
    places = np.flatnonzero(present)
    texts = [None, *coded.words.texts]
    text_of, day_of = np.divmod(places, width)
    known = [n + low - 1 if n else None for n in day_of.tolist()]
    frame = pl.DataFrame(
        [
            pl.Series(column, [texts[n] for n in text_of.tolist()], dtype=pl.String),
            pl.Series(days.name, known, dtype=pl.Int32).cast(pl.Date),
        ]
    )
    met = np.zeros(len(present), np.bool_)
    met[places] = frame.select(_met(rule)).to_series().to_numpy()
    found: npt.NDArray[np.bool_] = met[pair]
    return found


def _texts(texts: Sequence[str], column: str) -> pl.Series:
    return pl.Series(column, [*texts, None], dtype=pl.String)
