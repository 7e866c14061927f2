"""Options and orders of a DIP catalogue as numbers 「选项与顺序编译」.

In: DipTables and the numbers of its layers; out: the sections of T that hold options, layers, tie-breaks, priority
list and the rank of types (see `dip_layout`). It looks at no row.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from grouper import dip_layout as at
from grouper.dip_dx_codes import DIAGNOSIS_SOURCES
from grouper.dip_layout import I64
from grouper.dip_options import OPTION_VALUES
from grouper.dip_search import primary_care_layer
from grouper.dip_tables import TIE_RULES, DipTables, ProcedureType

SOURCE_OF = {
    **dict.fromkeys(DIAGNOSIS_SOURCES, at.SOURCE_DIAGNOSIS),
    "xq": at.SOURCE_PRE_GROUP,
    "comprehensive": at.SOURCE_TYPE,
    "fallback": at.SOURCE_LETTER,
}
TIES = {None: -1, "first": 0, "last": 1}


def orders(tables: DipTables, layer_ids: dict[str, int]) -> dict[str, I64]:
    """Layers, tie-breaks, priority list, types from the highest rank down."""
    layers, seen = [], Counter[int]()
    for layer in tables.layers:
        source = SOURCE_OF[layer.source]
        layers.append((source, layer_ids[layer.name], seen[source]))
        seen[source] += 1
    ranks = {rank.type: rank.rank for rank in tables.type_order}
    down = sorted(ProcedureType, key=lambda t: (ranks.get(t, int(t)), t), reverse=True)
    choices = [
        (layer_ids[c.layer], -1 if c.op_type is None else c.op_type, c.preempt is not None) for c in tables.choices
    ]
    ties = [(TIE_RULES.index(r.rule), -1 if r.scope is None else r.scope, TIES[r.ties]) for r in tables.tie_rules]
    return {"layers": _i64(layers), "ties": _i64(ties), "choices": _i64(choices), "types_down": _i64(down)}


def options(tables: DipTables, layer_ids: dict[str, int]) -> list[int]:
    chosen, policy = tables.options, tables.auxiliary_policy

    def word(key: str) -> int:
        return OPTION_VALUES[key].index(getattr(chosen, key))

    basic = primary_care_layer(tables)
    blank = [g.row for g in tables.groups if g.code == tables.ungrouped.group_code]
    values = {
        at.CONJUNCTIVE: chosen.op_sep != "|",
        at.SUPERSET: chosen.superset,
        at.LONGER_CODE_FIRST: word("longer_code_first"),
        at.DROP_EMPTY_ROWS: chosen.drop_empty_rows,
        at.READD_BASIC: word("readd_basic"),
        at.CONSERVATIVE_TEST: word("conservative_test"),
        at.EMPTY_ROWS_ALL: word("empty_rows"),
        at.TYPE_FROM_FIRST: word("type_from"),
        at.BASE_STANDS_FOR_EXTENSION: word("ext_code_rule"),
        at.XQ_ANY: word("xq_position"),
        at.P07_PRINCIPAL: word("p07_position"),
        at.FIRST_ROW: word("several_rows_fit"),
        at.RELATED_NO_MATCH: word("related_mismatch"),
        at.TOGETHER: any(layer.competes_with for layer in tables.layers),
        at.BASIC_LAYER: -1 if basic is None else layer_ids[basic],
        at.AUX_PICK_FIRST: policy.pick == "first",
        at.LOS_THRESHOLD: policy.los_threshold,
        at.LOS_INCLUSIVE: policy.los_inclusive,
        at.BLANK_ROW: blank[0] if blank and tables.ungrouped.mode == "blank_group" else -1,
        at.EXCLUDED_OP_CONSERVATIVE: word("excluded_op_action"),
        at.IS_CHAIN: tables.is_chain,
        at.HAS_MAIN_RULES: any(row.action != "drop" for row in tables.excluded_procedures),
    }
    return [int(values[option]) for option in range(at.N_OPTIONS)]


def _i64(values: object) -> I64:
    return np.array(values, np.int64)
