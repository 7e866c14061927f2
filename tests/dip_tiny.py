"""Small DIP catalogues written in a few words, so that a test shows the whole rule it claims.

In: rows like `("K35.8+47.01", "核心", "K35.8", "47.0100")` and option words; out: DipTables and the group of a case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from grouper.dip import batch_of, group_batch
from grouper.dip_compile import compile_dip
from grouper.dip_condition import parse_condition
from grouper.dip_expression import parse_diagnoses, parse_procedures
from grouper.dip_options import DipOptions
from grouper.dip_reference import DipOutcome, DipWalker
from grouper.dip_tables import (
    Choice,
    DipCase,
    DipTables,
    Group,
    Layer,
    Procedure,
    ProcedureType,
    TieRule,
)

SURGERY, INTERVENTION, THERAPY, DIAGNOSTIC, CONSERVATIVE = (
    ProcedureType.SURGICAL,
    ProcedureType.INTERVENTIONAL,
    ProcedureType.THERAPEUTIC,
    ProcedureType.DIAGNOSTIC,
    ProcedureType.CONSERVATIVE,
)
FLAT = (Layer(1, "核心", "core"), Layer(2, "基层", "basic"), Layer(3, "综合", "comprehensive"))
CHAIN = (Layer(1, "XQ", "xq"), Layer(2, "BX", "bx"), Layer(3, "FZ", "fz"), Layer(4, "JC", "jc"))
NEAREST = (TieRule(1, None, "most_plus"), TieRule(2, None, "most_matched"), TieRule(3, None, "nearest_cost", "last"))
BY_TYPE = tuple(
    Choice(n, layer, kind)
    for n, (layer, kind) in enumerate(
        [
            *((layer, kind) for kind in (SURGERY, THERAPY, DIAGNOSTIC) for layer in ("核心", "基层")),
            *(("综合", kind) for kind in (SURGERY, THERAPY, DIAGNOSTIC)),
            *((layer, CONSERVATIVE) for layer in ("核心", "基层", "综合")),
        ]
    )
)
DICTIONARY: Mapping[str, Procedure] = {
    "47.0100": Procedure("47.0100", SURGERY, 3, "I类"),
    "54.1100": Procedure("54.1100", SURGERY, 2, "I类"),
    "88.5500": Procedure("88.5500", INTERVENTION, 2, "0类"),
    "96.0400": Procedure("96.0400", THERAPY, 1, "0类"),
    "93.9000": Procedure("93.9000", THERAPY, 2, "0类"),
    "45.1300": Procedure("45.1300", DIAGNOSTIC, 1, "0类"),
}
"""47.01 and 54.11 operations, 88.55 an intervention, 96.04 and 93.90 treatments, 45.13 an examination."""


def row(code: str, layer: str, dx: str, main: str = "", sep: str = "+", **more: Any) -> Group:
    """One catalogue row; `points` in whole points, texts for conditions and other expressions."""
    points = more.pop("points", 100)
    for name, parse in (("other_diagnosis", parse_diagnoses), ("flag", parse_condition)):
        if name in more:
            more[name] = parse(more[name])
    if "related" in more:
        more["related"] = parse_procedures(more["related"], sep)
    return Group(
        row=0,
        code=code,
        name="",
        layer=layer,
        diagnosis=parse_diagnoses(dx),
        main=parse_procedures(main, sep),
        base_points_e4=None if points is None else int(points * 10_000),
        **more,
    )


def flat(*rows: Group, **more: Any) -> DipTables:
    """A 1.0/2.0 catalogue with the default strategy; `options` as keywords of DipOptions."""
    options = more.pop("options", {})
    tables = DipTables(groups=_numbered(rows), layers=FLAT, procedures=DICTIONARY, tie_rules=NEAREST, choices=BY_TYPE)
    return replace(tables, options=DipOptions(**options), **more)


def chain(*rows: Group, **more: Any) -> DipTables:
    """A 3.0 rule chain with its default switches."""
    switches = {
        "op_sep": "|",
        "dx_levels": ("full", "4", "3"),
        "conservative_test": "no_procedures",
        "type_from": "first",
        "ext_code_rule": "base_accepts_extension",
        **more.pop("options", {}),
    }
    tables = DipTables(groups=_numbered(rows), layers=CHAIN, procedures=DICTIONARY, options=DipOptions(**switches))
    return replace(tables, **more)


def _numbered(rows: Sequence[Group]) -> tuple[Group, ...]:
    return tuple(replace(one, row=n) for n, one in enumerate(rows))


def case(diagnoses: str, procedures: str = "", cost: float = 1000, **more: Any) -> DipCase:
    """A case from codes separated by blanks; cost in yuan, K = 10 yuan a point."""
    plain = {"stay_days": 5, "age_years": 40, "age_days": 14_700, "cost_factor_e6": 10_000_000}
    return DipCase(
        setl_id="1",
        diagnoses=tuple(diagnoses.split()),
        procedures=tuple(procedures.split()),
        cost_total_fen=None if cost is None else round(cost * 100),
        basic_cost_factor_e6=10_000_000,
        **{**plain, **more},
    )


def walked(tables: DipTables, one: DipCase) -> DipOutcome:
    """The outcome of the plain walk, which the kernel must share."""
    outcome = DipWalker(tables).walk(one)
    compiled = compile_dip(tables)
    found = group_batch(compiled, batch_of(compiled, [one]))
    wanted = -1 if outcome.group is None else outcome.group.row
    assert (int(found.row[0]), int(found.reason[0])) == (wanted, outcome.reason), "kernel and walk disagree"
    auxiliary = -1 if outcome.auxiliary is None else outcome.auxiliary.row
    assert int(found.auxiliary[0]) == auxiliary, "kernel and walk disagree on the auxiliary row"
    return outcome


def group_of(tables: DipTables, diagnoses: str, procedures: str = "", cost: float = 1000, **more: Any) -> str | None:
    """The code a case is grouped to, by walk and kernel alike."""
    return walked(tables, case(diagnoses, procedures, cost, **more)).code
