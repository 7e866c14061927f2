"""Options of a DIP catalogue 「匹配选项」: a closed list of keys, each with a closed list of values.

In: nothing; out: the keys, their words, their defaults. Areas differ by these and by their tables, never by code.
It reads nothing and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grouper.dip_expression import Compact

OPTION_VALUES: Mapping[str, tuple[str, ...]] = {
    "op_sep": ("+", ",", "|"),
    "longer_code_first": ("none", "lt7", "eq5"),
    "readd_basic": ("none", "before_final", "before_nearest_cost"),
    "comprehensive_code": ("as_is", "category_for_range"),
    "conservative_test": ("case_type", "minor_procedures", "no_procedures"),
    "empty_rows": ("first", "all"),
    "type_from": ("max", "first"),
    "ext_code_rule": ("exact", "base_accepts_extension"),
    "excluded_dx_match": ("exact", "prefix"),
    "excluded_op_action": ("as_listed", "conservative"),
    "xq_position": ("as_noted", "any"),
    "p07_position": ("any", "principal"),
    "several_rows_fit": ("most_specific", "first_row"),
    "related_mismatch": ("fall_back", "no_match"),
}
"""Every option whose value is a word, with all it may say; the first is not always the default (see DipOptions)."""


@dataclass(frozen=True, slots=True)
class DipOptions(Compact):
    """`match_policy` of the pack: how rows are found, not which rows there are. Values: OPTION_VALUES."""

    op_sep: str = "+"
    superset: bool = True
    prefix_len: int = 0
    """Catalogue procedure codes shorter than this match every code that starts with them; 0 = none is a prefix."""
    longer_code_first: str = "none"
    drop_empty_rows: bool = False
    readd_basic: str = "none"
    comprehensive_code: str = "as_is"
    dx_levels: tuple[str, ...] = ("4",)
    conservative_test: str = "case_type"
    empty_rows: str = "first"
    type_from: str = "max"
    ext_code_rule: str = "exact"
    excluded_dx_match: str = "exact"
    excluded_op_action: str = "as_listed"
    xq_position: str = "as_noted"
    p07_position: str = "any"
    several_rows_fit: str = "most_specific"
    related_mismatch: str = "fall_back"
