"""DIP as a careful person writes it in polars: the yardstick beside the DIP kernel 「polars 基线」.

In: the accepted frame of a piece, a flat catalogue whose cells are joined by `+` and `/`, and yuan a point. Out: the
code of every case's row, by joins and sorts. Whole columns at a time, no Python per case. Left out: auxiliary rows
(which move a row's reference cost), diagnoses that are never principal, and procedures excluded only under some
conditions; comparing with the kernel shows how much that matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from grouper.dip_tables import DipTables, ProcedureType

CONSERVATIVE = int(ProcedureType.CONSERVATIVE)
_NEVER = 1_000


@dataclass(frozen=True)
class DipByPolars:
    """A catalogue as frames: types of procedures, rows by diagnosis and what their terms ask, comprehensive rows, and
    the place of layer and type in the priority list."""

    types: pl.DataFrame
    rows: pl.DataFrame
    terms: pl.DataFrame
    wide: pl.DataFrame
    order: pl.DataFrame

    @classmethod
    def of(cls, tables: DipTables) -> DipByPolars:
        """The frames of a pack."""
        counts_as = {each.type: int(each.counts_as) for each in tables.type_order}
        dropped = [each.code for each in tables.excluded_procedures if each.action == "drop"]
        types = pl.DataFrame(
            [(code, counts_as.get(each.type, int(each.type))) for code, each in tables.procedures.items()],
            schema={"op": pl.String, "type": pl.Int64},
            orient="row",
        ).filter(~pl.any_horizontal([pl.col("op").str.starts_with(code) for code in dropped]))
        sources, rows, terms, wide = {each.name: each.source for each in tables.layers}, [], [], []
        for group in tables.groups:
            span = group.diagnosis.terms[0]
            place = (group.row, group.code, group.layer, group.base_points_e4)
            if sources[group.layer] == "comprehensive":
                wide.append((*place, span.lo, span.hi or span.lo, int(group.op_type or 0)))
                continue
            parts = () if group.main is None else group.main.parts
            rows.append((*place, span.lo, len(parts)))
            terms += [(group.row, number, term.lo) for number, part in enumerate(parts) for term in part]
        shown = {"row": pl.Int64, "code": pl.String, "layer": pl.String, "points": pl.Int64}
        order = [(each.layer, int(each.op_type or 0), each.seq) for each in tables.choices]
        return cls(
            types,
            pl.DataFrame(rows, schema={**shown, "dx": pl.String, "parts": pl.UInt32}, orient="row"),
            pl.DataFrame(terms, schema={"row": pl.Int64, "part": pl.Int64, "op": pl.String}, orient="row"),
            pl.DataFrame(wide, schema={**shown, "lo": pl.String, "hi": pl.String, "type": pl.Int64}, orient="row"),
            pl.DataFrame(order, schema={"layer": pl.String, "type": pl.Int64, "seq": pl.Int64}, orient="row"),
        )

    def codes(self, frame: pl.DataFrame, fen_a_point: float) -> pl.Series:
        """The code of every case's row, null where none fits."""
        cases = frame.select(
            pl.col("diag_codes").list.first().alias("principal"), "oprn_codes", cost="medfee_sumamt_fen"
        ).with_row_index("case")
        done = (
            cases.select("case", pl.col("oprn_codes").list.unique())
            .explode("oprn_codes")
            .rename({"oprn_codes": "op"})
            .join(self.types, on="op", how="inner")
        )
        kind = done.group_by("case").agg(pl.col("type").max().alias("case_type"))
        cases = cases.join(kind, on="case", how="left").with_columns(pl.col("case_type").fill_null(CONSERVATIVE))
        near = self._near(cases, done, fen_a_point)
        wide = cases.with_columns(pl.col("principal").str.slice(0, 3).alias("category")).select(
            "case", "case_type", "category"
        )
        spans = wide.select("category").unique().join(self.wide, how="cross")
        spans = spans.filter(pl.col("category").is_between("lo", "hi"))
        found = wide.join(spans, left_on=["category", "case_type"], right_on=["category", "type"], how="inner")
        every = pl.concat(
            [near, found.select("case", "row", "code", "layer", pl.col("case_type").alias("type"))],
            how="vertical_relaxed",
        )
        first = (
            every.join(self.order, on=["layer", "type"], how="left")
            .sort("case", pl.col("seq").fill_null(_NEVER), "row")
            .group_by("case", maintain_order=True)
            .first()
        )
        return cases.select("case").join(first, on="case", how="left", maintain_order="left")["code"]

    def _near(self, cases: pl.DataFrame, done: pl.DataFrame, fen_a_point: float) -> pl.DataFrame:
        """Of every layer the best row by diagnosis: most terms joined, most matched, nearest cost, last."""
        ask = cases.with_columns(pl.col("principal").str.slice(0, 5).alias("dx"))
        rows = ask.select("case", "case_type", "cost", "dx").join(self.rows, on="dx", how="inner")
        medical = rows.filter((pl.col("parts") == 0) & (pl.col("case_type") == CONSERVATIVE)).with_columns(
            pl.lit(CONSERVATIVE, pl.Int64).alias("type"), pl.lit(0, pl.UInt32).alias("matched")
        )
        met = (
            done.join(self.terms, on="op", how="inner")
            .join(rows.filter(pl.col("parts") > 0).select("case", "row", "parts"), on=["case", "row"], how="inner")
            .group_by("case", "row")
            .agg(
                pl.col("part").n_unique().alias("held"),
                pl.col("op").n_unique().alias("matched"),
                pl.col("type").max().alias("type"),
                pl.col("parts").first(),
            )
            .filter(pl.col("held") == pl.col("parts"))
        )
        treated = met.select("case", "row", "matched", "type").join(rows, on=["case", "row"], how="inner")
        every = pl.concat([medical, treated.select(medical.columns)], how="vertical_relaxed")
        away = (pl.col("points") * fen_a_point / 10_000 - pl.col("cost")).abs()
        ordered = every.sort(
            ["case", "layer", "parts", "matched", away, "row"], descending=[False, False, True, True, False, True]
        )
        best = ordered.group_by("case", "layer", maintain_order=True).first()
        return best.select("case", "row", "code", "layer", "type")
