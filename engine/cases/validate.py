"""Rows that may be settled, and rows that may not, each of these with a code and what to mend 「校验」.

In: a frame as `read` gives it, the run's demand, the verdicts on duplicates; out: accepted rows as the typed frame of
`columns`, rejected rows as `file, row, setl_id, field, code, reason_zh, reason_en, fixmedins_code`, and the repairs.
Every row ends in exactly one of the two, which is asserted. The first rule that fails gives the code; the others that
fail are named at the end of the text. It knows no group and no point value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from engine.cases.columns import FILES
from engine.cases.convert import Converter, accepted_columns, label_of
from engine.cases.demand import Demand
from engine.cases.duplicates import NO_DUPLICATES
from engine.cases.limits import CODES_MAX
from engine.cases.named import names_of
from engine.cases.rejection import TEXT_EN, TEXT_ZH, Reject
from engine.cases.repair import Repairs
from engine.cases.rules import Rule, rules_for

REJECTED_SCHEMA: Mapping[str, pl.DataType] = {
    name: pl.Int64() if name == "row" else pl.String() for name in FILES["rejected"]
}
NO_REJECTION = pl.DataFrame(schema=dict(REJECTED_SCHEMA))


@dataclass(frozen=True)
class Validated:
    """One piece, divided. `read_count` = accepted + rejected."""

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    repairs: Repairs
    read_count: int


def validate(
    frame: pl.DataFrame,
    demand: Demand,
    *,
    converter: Converter | None = None,
    duplicates: pl.DataFrame = NO_DUPLICATES,
) -> Validated:
    """Divide one piece. Pass the same `converter` for all pieces of a run, and `find_duplicates` of the whole run."""
    typed, repairs = (converter or Converter(demand)).convert(frame)
    return judge(typed, repairs, demand, duplicates)


def judge(typed: pl.DataFrame, repairs: Repairs, demand: Demand, duplicates: pl.DataFrame = NO_DUPLICATES) -> Validated:
    """Divide rows that are converted already."""
    if len(duplicates):
        typed = typed.join(duplicates, on=["file", "row"], how="left", maintain_order="left")
    rules = _copy_rules(typed) + rules_for(demand, typed.columns)
    # Null is no pass: whoever wrote a rule forgot a case, and the row must not slip through.
    fails = typed.select((~rule.ok.fill_null(False)).alias(str(place)) for place, rule in enumerate(rules))
    first = fails.select(
        pl.coalesce([pl.when(pl.col(name)).then(pl.lit(int(name))) for name in fails.columns])
    ).to_series()
    bad = first.is_not_null()
    if not bad.any():
        return Validated(typed.select(accepted_columns(demand)), NO_REJECTION, repairs, len(typed))
    accepted = typed.select(accepted_columns(demand)).filter(~bad)
    rejected = _rejected(typed.filter(bad), fails.filter(bad), first.filter(bad), rules, demand)
    assert len(accepted) + len(rejected) == len(typed), "a row was lost or doubled in validation"
    return Validated(accepted, rejected, repairs, len(typed))


def _copy_rules(typed: pl.DataFrame) -> list[Rule]:
    """Duplicates as rules; they go before all others, since a copy of a faulty row is still a copy."""
    if "copy" not in typed.columns:
        return []
    none = pl.col("copy").is_null()
    fields = (pl.col("fields_zh"), pl.col("fields_en"))
    return [
        Rule(reject, "setl_id", none | (pl.col("copy") != reject.value), fields)
        for reject in (Reject.EXACT_COPY, Reject.CONFLICTING_COPY)
    ]


def _rejected(
    typed: pl.DataFrame, fails: pl.DataFrame, first: pl.Series, rules: Sequence[Rule], demand: Demand
) -> pl.DataFrame:
    """The rejection rows, in the order of the file's rows."""
    parts = []
    broken = [name for name, any_row in fails.select(pl.all().any()).row(0, named=True).items() if any_row]
    for place in sorted(first.unique()):
        hit = first == place
        rule = rules[place]
        further = [name for name in broken if int(name) > place]
        if rule.reject in (Reject.ROW_MISSHAPEN, Reject.EXACT_COPY, Reject.CONFLICTING_COPY):
            further = []
        rows, more = typed.filter(hit), fails.filter(hit).select(further)
        parts.append(
            rows.select(
                "file",
                "row",
                "setl_id",
                pl.lit(rule.field).alias("field"),
                pl.lit(rule.reject.value).alias("code"),
                _text(TEXT_ZH[rule.reject], rule, demand, "zh") + _also(rules, more, "zh"),
                _text(TEXT_EN[rule.reject], rule, demand, "en") + _also(rules, more, "en"),
                "fixmedins_code",
            )
        )
    return pl.concat(parts).select(pl.col(name).cast(dtype) for name, dtype in REJECTED_SCHEMA.items()).sort("row")


def _text(template: str, rule: Rule, demand: Demand, lang: str) -> pl.Expr:
    """A template with the field's name and the row's numbers put in."""
    known = {
        "{field}": label_of(rule.field) if lang == "zh" else rule.field,
        "{pools}": ("、" if lang == "zh" else ", ").join(sorted(demand.pools)),
        "{limit}": str(CODES_MAX),
    }
    shown = {f"{{{place}}}": value.cast(pl.String).fill_null("?") for place, value in enumerate(rule.shown)}
    if rule.reject is Reject.CONFLICTING_COPY:
        shown = {"{fields}": rule.shown[0 if lang == "zh" else 1]}
    parts = [part for part in re.split(r"(\{\w+\})", template) if part]
    texts = [shown[part] if part in shown else pl.lit(known.get(part, part)) for part in parts]
    return pl.concat_str(texts).alias(f"reason_{lang}")


def _also(rules: Sequence[Rule], further: pl.DataFrame, lang: str) -> pl.Expr:
    """Names of the later rules that fail too, so that a row is mended in one go."""
    if not further.width:
        return pl.lit("")
    named = [rules[int(name)] for name in further.columns]
    names = [f"{rule.reject.value} {label_of(rule.field) if lang == 'zh' else rule.field}" for rule in named]
    also = names_of(further, names, "、" if lang == "zh" else ", ")
    opening, closing = ("另有：", "。") if lang == "zh" else (" Also: ", ".")
    return (pl.lit(opening) + pl.lit(also.replace("", None)) + pl.lit(closing)).fill_null("")
