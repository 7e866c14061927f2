"""Options and orders of a DIP catalogue as numbers 「选项与顺序编译」.

In: DipTables and the numbers of its layers; out: the sections of T that hold options, layers, tie-breaks, priority
list and the rank of types (see `dip_layout`). It looks at no row.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from grouper import dip_layout as at
from grouper.dip_asked import tests_of
from grouper.dip_dx_codes import DIAGNOSIS_SOURCES
from grouper.dip_layout import I64
from grouper.dip_options import OPTION_VALUES
from grouper.dip_search import RowIndex, primary_care_layer
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
    up = [len(down) - 1 - down.index(kind) for kind in ProcedureType]
    ties = [(TIE_RULES.index(r.rule), -1 if r.scope is None else r.scope, TIES[r.ties]) for r in tables.tie_rules]
    return {
        "layers": _i64(layers),
        "ties": _i64(ties),
        "choices": _i64(choices),
        "types_down": _i64(down),
        "type_ranks": _i64(up),
        "class_ranks": _i64([[_class_rank(tables, name, kind) for kind in ProcedureType] for name in layer_ids]),
    }


def _class_rank(tables: DipTables, layer: str, kind: ProcedureType) -> int:
    """The first choice of the priority list that takes a candidate of this layer and type."""
    for number, choice in enumerate(tables.choices):
        if choice.preempt is None and choice.layer == layer and choice.op_type in (None, kind):
            return number
    return len(tables.choices)


def later_ranks(tables: DipTables, index: RowIndex) -> I64:
    """By type of case, the first choice any of its comprehensive rows can win."""
    ranks = [len(tables.choices)] * len(ProcedureType)
    rows = [(kind, group) for (*_, kind), groups in index.by_category.items() for group in groups]
    rows += [(kind, group) for (_, kind), groups in index.by_range.items() for group in groups]
    rows += [(kind, group) for kind in ProcedureType for groups in index.by_letter.values() for group in groups]
    for kind, group in rows:
        own = ProcedureType.CONSERVATIVE if group.op_type is None else group.op_type
        ranks[kind] = min(ranks[kind], _class_rank(tables, group.layer, own))
    return _i64(ranks)


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
        at.HAS_PREEMPTS: any(choice.preempt is not None for choice in tables.choices),
        at.STANDARD_ASKED: any(test.name == "tumour" for test in tests_of(tables)),
    }
    return [int(values[option]) for option in range(at.N_OPTIONS)]


def _i64(values: object) -> I64:
    return np.array(values, np.int64)
