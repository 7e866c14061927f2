"""The same work as a careful person writes it in polars: the yardstick beside the kernels 「polars 基线」.

In: the accepted frame of a piece and a pack's tables. Out: the leaf of every case, by one expression a node of the
tree, and a settlement by joins and window functions. Whole columns at a time, no Python per case. What polars cannot
say (a retry with each other procedure) is left out; comparing with the kernel shows how much that matters.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from grouper.rules import Rules
from grouper.tables import Atom, DrgTables, Node

NOTHING = -1


def group_by_polars(frame: pl.DataFrame, tables: DrgTables) -> pl.Series:
    """Node id of every case's leaf, −1 = none."""
    found = _with_facts(frame, tables).lazy().select(_tree(tables).alias("leaf")).collect()
    return found["leaf"]


def _with_facts(frame: pl.DataFrame, tables: DrgTables) -> pl.DataFrame:
    """Main codes, complications and counts beside the accepted columns."""
    named = frame.with_columns(
        pl.col("diag_codes").list.first().alias("dx_main"), pl.col("oprn_codes").list.first().alias("op_main")
    ).with_row_index("case")
    known = pl.DataFrame(
        [(code, 2 if level == "MCC" else 1, table) for code, (level, table) in tables.complications.items()],
        schema={"diag_codes": pl.String, "level": pl.Int8, "table": pl.Int64},
        orient="row",
    )
    spared = pl.DataFrame(
        list(tables.exclusion_of.items()), schema={"dx_main": pl.String, "spared": pl.Int64}, orient="row"
    )
    counted = (
        named.select("case", "dx_main", pl.col("diag_codes").list.slice(1))
        .explode("diag_codes")
        .join(known, on="diag_codes", how="inner")
        .join(spared, on="dx_main", how="left")
        .filter(pl.col("spared").is_null() | (pl.col("table") != pl.col("spared")))
        .group_by("case")
        .agg((pl.col("level") == 2).any().alias("has_mcc"), (pl.col("level") == 1).any().alias("has_cc"))
    )
    sites = pl.DataFrame(list(tables.sites.items()), schema={"diag_codes": pl.String, "site": pl.String}, orient="row")
    hurt = (
        named.select("case", "diag_codes")
        .explode("diag_codes")
        .join(sites, on="diag_codes", how="inner")
        .group_by("case")
        .agg(pl.col("site").n_unique().alias("n_sites"))
    )
    joined = named.join(counted, on="case", how="left", maintain_order="left")
    joined = joined.join(hurt, on="case", how="left", maintain_order="left")
    return joined.with_columns(
        pl.col("has_mcc", "has_cc").fill_null(False),
        pl.col("n_sites").fill_null(0),
        (pl.col("diag_codes").list.eval(pl.element() != "").list.sum()).alias("n_dx"),
        (pl.col("oprn_codes").list.eval(pl.element() != "").list.sum()).alias("n_op"),
        *(pl.col(number.source).alias(number.name) for number in tables.numeric if number.source in frame.columns),
    )


def _tree(tables: DrgTables) -> pl.Expr:
    """The first leaf whose whole path holds."""
    rules = Rules(tables)
    leaves: list[tuple[int, list[pl.Expr]]] = []

    def walk(node: Node, path: list[pl.Expr]) -> None:
        clauses = rules.clauses.get(node.node_id)
        held = [*path, _holds(clauses, tables)] if clauses is not None else path
        below = rules.children.get(node.node_id, ())
        if not below:
            leaves.append((node.node_id, held))
        for child in below:
            walk(child, held)

    for top in rules.children[None]:
        walk(top, [])
    tried = [pl.when(pl.all_horizontal(held) if held else pl.lit(True)).then(pl.lit(node)) for node, held in leaves]
    return pl.coalesce([*tried, pl.lit(NOTHING)])


def _holds(clauses: Sequence[Sequence[Atom]], tables: DrgTables) -> pl.Expr:
    return pl.any_horizontal([pl.all_horizontal([_atom(atom, tables) for atom in clause]) for clause in clauses])


def _atom(atom: Atom, tables: DrgTables) -> pl.Expr:
    if atom.op in ("true", "false"):
        return pl.col(atom.var) if atom.op == "true" else ~pl.col(atom.var)
    if atom.op == "range":
        return _within(pl.col(atom.var), atom)
    assert atom.list_id is not None
    codes = sorted(set(tables.lists[atom.list_id].codes) - {""})
    kind, _, which = atom.var.partition("_")
    if kind in ("dx", "op") and which in ("any", "other"):
        column = pl.col("diag_codes" if kind == "dx" else "oprn_codes")
        hits = (column if which == "any" else column.list.slice(1)).list.eval(pl.element().is_in(codes)).list.sum()
        if atom.op == "count":
            return _within(hits, atom)
        return (hits > 0) if atom.op == "in" else (hits == 0)
    name = atom.var if which == "main" else tables.text_fields[atom.var]
    held = pl.col(name).is_in(codes).fill_null(False)
    return held if atom.op == "in" else ~held


def _within(value: pl.Expr, atom: Atom) -> pl.Expr:
    held = value.is_not_null()
    if atom.lo is not None:
        held &= value >= atom.lo
    if atom.hi is not None:
        held &= value <= atom.hi
    return held.fill_null(False)


def settle_by_polars(frame: pl.DataFrame, leaf: pl.Series, budget_fen: int) -> pl.DataFrame:
    """Points by group and cost ratio, a point value a pool, every case paid by largest remainder."""
    cases = frame.select("setl_id", "fixmedins_code", "insutype", "medfee_sumamt_fen").with_columns(leaf)
    means = cases.group_by("leaf").agg(pl.col("medfee_sumamt_fen").mean().cast(pl.Int64).alias("mean"))
    ratio = pl.col("medfee_sumamt_fen") / pl.col("mean")
    scored = (
        cases.join(means, on="leaf", how="left", maintain_order="left")
        .with_columns(
            pl.when(ratio < 0.4)
            .then(pl.col("medfee_sumamt_fen") * 10)
            .when(ratio > 2.5)
            .then(pl.col("mean") * 10 + (pl.col("medfee_sumamt_fen") * 10 - pl.col("mean") * 25))
            .otherwise(pl.col("mean") * 10)
            .alias("points")
        )
        .with_columns(pl.col("points").sum().over("insutype").alias("all_points"))
    )
    share = pl.col("points").cast(pl.Int128) * budget_fen
    paid = scored.with_columns(
        (share // pl.col("all_points")).cast(pl.Int64).alias("pay"), (share % pl.col("all_points")).alias("rest")
    )
    left = budget_fen - pl.col("pay").sum().over("insutype")
    ordered = paid.sort(["insutype", "rest", "setl_id"], descending=[False, True, False])
    first = pl.int_range(pl.len()).over("insutype") < left
    return ordered.select("setl_id", "fixmedins_code", "insutype", pl.col("pay") + first.cast(pl.Int64))
