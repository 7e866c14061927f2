"""Which kind of class a case fell into, for result files and answers 「倍率类型」: LOW, HIGH, NORM, SP or BYITEM.

In: a class rule, or the bands of a DIP catalogue; out: the word. Pure Python, so that a single case needs no kernel.
It classifies nothing: the rules did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pointvalue.terms import Shape

if TYPE_CHECKING:
    from pointvalue.dip_score_tables import DeviationBand
    from pointvalue.model import ClassRule


def multiple_type(rule: ClassRule) -> str:
    """By what the rule asks for: an interval open below is LOW 「低倍率」, one open above HIGH 「高倍率」."""
    if rule.shape in (Shape.FFS, Shape.EXCLUDE):
        return "BYITEM"
    asked = rule.when.cost_ratio
    if asked is None or (asked.above is not None and asked.below is not None):
        return "NORM"
    return "HIGH" if asked.above is not None else "LOW"


def deviation_types(bands: Sequence[DeviationBand]) -> Mapping[str, str]:
    """LOW, NORM or HIGH of every band of a catalogue, by where it lies beside the normal one, whose factor is 1."""
    normal = next(band for band in bands if band.formula == "one")
    found = {}
    for band in bands:
        below = band.hi_e6 is not None and normal.lo_e6 is not None and band.hi_e6 <= normal.lo_e6
        above = band.lo_e6 is not None and normal.hi_e6 is not None and band.lo_e6 >= normal.hi_e6
        found[band.label] = "LOW" if below else "HIGH" if above else "NORM"
    return found
