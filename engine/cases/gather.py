"""From the columns of one file to the canonical columns of a case 「归集」.

In: a piece of a file as polars frame, with the file's own headers, and its `HeaderMap`; out: the same rows with
canonical columns, `diag_codes` and `oprn_codes` as lists with the principal code first, in whatever form they came.
It judges nothing and repairs nothing; what cannot be read is handed on as it is.
"""

from __future__ import annotations

import polars as pl

from engine.cases.alias_table import DURATION_PARTS, NODE_FIELDS
from engine.cases.aliases import LIST_PARTS, HeaderMap

MAINS = {"diag_codes": "diag_mains", "oprn_codes": "oprn_mains"}
"""Beside a list that came as national node: how many of its elements are marked as the principal one."""


def headers_needed(header: HeaderMap, wanted: tuple[str, ...]) -> list[str]:
    """The file's headers that `gather` will look at, each once."""
    names: list[str] = []
    for column in wanted:
        parts = (*LIST_PARTS.get(column, (column,)), *DURATION_PARTS.get(column, ()))
        if column == "icu_hours":
            parts = (*parts, "icuinfo")
        if column == "setl_id":
            parts = (*parts, *header.id_from)
        names += [header.direct[part] for part in parts if part in header.direct]
        names += [name for part in parts for _, name in header.others.get(part, [])]
    return list(dict.fromkeys(names))


def gather(piece: pl.DataFrame, header: HeaderMap, wanted: tuple[str, ...]) -> pl.DataFrame:
    """Canonical columns of one piece; a column the file does not have is left out."""
    columns: list[pl.Series] = []
    for column in wanted:
        if column in LIST_PARTS:
            columns += _code_list(piece, column, header)
            continue
        values = _plain(piece, column, header)
        if values is not None:
            columns.append(values.alias(column))
    return pl.DataFrame(columns)


def _plain(piece: pl.DataFrame, column: str, header: HeaderMap) -> pl.Series | None:
    if column in header.direct:
        return piece[header.direct[column]]
    if column == "setl_id" and header.id_from:
        parts = [pl.col(header.direct[part]).cast(pl.String) for part in header.id_from]
        return piece.select(pl.concat_str(parts, separator="-")).to_series()
    durations = [header.direct[part] for part in DURATION_PARTS.get(column, ()) if part in header.direct]
    if durations:
        return _duration_text(piece, column, header)
    if column == "icu_hours" and "icuinfo" in header.direct:
        wards = piece[header.direct["icuinfo"]]
        if not (isinstance(wards.dtype, pl.List) and isinstance(wards.dtype.inner, pl.Struct)):
            return pl.repeat(None, len(wards), dtype=pl.String, eager=True)
        return wards.list.eval(pl.element().struct.field("scs_cutd_sum_dura").cast(pl.String)).list.join("+")
    return None


def _duration_text(piece: pl.DataFrame, column: str, header: HeaderMap) -> pl.Series:
    """Days, hours and minutes of three columns as `d/h/m`, the form of the upload; null when none was sent."""
    names = [header.direct.get(part) for part in DURATION_PARTS[column]]
    cells = [pl.lit(None, pl.String) if name is None else pl.col(name).cast(pl.String) for name in names]
    text = pl.concat_str([cell.fill_null("0") for cell in cells], separator="/")
    return piece.select(pl.when(~pl.all_horizontal([cell.is_null() for cell in cells])).then(text)).to_series()


def _code_list(piece: pl.DataFrame, column: str, header: HeaderMap) -> list[pl.Series]:
    plain, node, main, other = LIST_PARTS[column]
    if plain in header.direct:
        return [_as_list(piece[header.direct[plain]]).alias(column)]
    if node in header.direct:
        codes, mains = _from_node(piece[header.direct[node]])
        return [codes.alias(column), mains.alias(MAINS[column])]
    if main not in header.direct:
        return []
    principal = piece[header.direct[main]].cast(pl.String)
    numbered = [piece[name].cast(pl.String) for _, name in header.others.get(other, [])]
    if other in header.direct:
        others = _as_list(piece[header.direct[other]])
    elif numbered:
        others = pl.select(pl.concat_list(numbered).list.drop_nulls()).to_series()
    else:
        others = pl.repeat([], len(piece), dtype=pl.List(pl.String), eager=True)
    return [_principal_first(principal, others).alias(column)]


def _as_list(values: pl.Series) -> pl.Series:
    """Codes joined by `|` or commas, or a list of them, as a list of text; no code holds a comma.

    What is no list of text was refused at the door.
    """
    if isinstance(values.dtype, pl.List):
        return values if values.dtype == pl.List(pl.String) else values.cast(pl.List(pl.String))
    return values.cast(pl.String).str.replace_all("[,，]", "|").str.split("|")


def _principal_first(principal: pl.Series, others: pl.Series) -> pl.Series:
    """One list: the principal code, blank if there is none but others are there, then the others."""
    none_at_all = pl.col("main").is_null() & (pl.col("rest").list.len().fill_null(0) == 0)
    whole = pl.concat_list(pl.col("main").fill_null(""), pl.col("rest").fill_null(pl.lit([], pl.List(pl.String))))
    empty = pl.lit([], pl.List(pl.String))
    frame = pl.DataFrame([principal.alias("main"), others.alias("rest")])
    return frame.select(pl.when(none_at_all).then(empty).otherwise(whole)).to_series()


def _from_node(node: pl.Series) -> tuple[pl.Series, pl.Series]:
    """A diseinfo or oprninfo column as lists, principal first, and how many elements are marked principal.

    A case whose elements carry no mark at all has its principal code first in order; a case whose marks all say
    "other" has none, and gets a blank first slot. Chinese-medicine diagnoses (diag_type 2, 3) take no part.
    """
    inner = node.dtype.inner if isinstance(node.dtype, pl.List) else None
    if not isinstance(inner, pl.Struct):
        # A column in which no case has an element has no type either.
        return pl.repeat([], len(node), dtype=pl.List(pl.String), eager=True), pl.repeat(0, len(node), eager=True)
    present = {field.name for field in inner.fields}
    picked = {role: next((name for name in names if name in present), None) for role, names in NODE_FIELDS.items()}
    items = pl.DataFrame({"case": pl.int_range(len(node), eager=True), "item": node}).explode("item")
    items = items.filter(pl.col("item").is_not_null()).with_row_index("place").unnest("item")
    items = items.select(
        "case",
        "place",
        *(
            (pl.col(name) if (name := picked[role]) else pl.lit(None)).cast(pl.String).str.strip_chars().alias(role)
            for role in ("main", "stream")
        ),
        (pl.col(picked["code"]) if picked["code"] else pl.lit(None)).cast(pl.String).alias("code"),
        (pl.col(picked["serial"]) if picked["serial"] else pl.lit(None)).cast(pl.Int64, strict=False).alias("serial"),
    )
    western = pl.col("stream").is_null() | pl.col("stream").is_in(["", "1"])
    marked = pl.col("main").is_in(["1", "1.0"]).fill_null(False)
    items = items.filter(western).with_columns(marked=marked, known=pl.col("main").fill_null("") != "")
    ordered = items.sort(["case", "marked", "serial", "place"], descending=[False, True, False, False], nulls_last=True)
    lists = ordered.group_by("case", maintain_order=True).agg(
        pl.col("code"), pl.col("marked").sum().cast(pl.Int64).alias("mains"), pl.col("known").any()
    )
    headless = pl.col("known") & (pl.col("mains") == 0)
    lists = lists.with_columns(code=pl.when(headless).then(pl.concat_list(pl.lit(""), "code")).otherwise("code"))
    cases = pl.DataFrame({"case": pl.int_range(len(node), eager=True)})
    joined = cases.join(lists, on="case", how="left", maintain_order="left")
    return joined["code"].cast(pl.List(pl.String)), joined["mains"].fill_null(0)
