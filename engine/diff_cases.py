"""Cases that came out otherwise in two runs, and what moved each 「病例变动与原因」.

In: the result tables of both runs and what they do not share. Out: one row a moved case, from → to, with the first
step at which it left its way (STEPS) and the reason: the rule with its from → to.

A step that only follows from an earlier one adds no reason: a case in another group has other points, of course. Where
nothing recorded explains a step, the row says so instead of guessing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from engine.diff_rules import DECIDED_BY, RuleChanges

INPUT = ("fixmedins_code", "insutype", "setl_ym", "act_ipt_days", "medfee_sumamt", "hifp_pay", "psn_part_amt")
CODES = ("maindiag_code", "main_oprn_code")
GROUP = ("grp_stas", "drg_code", "dip_code", "mcc_cc_flag", "dip_sup_type", "dip_sup_name")
PRICE = ("base_pt", "drg_wt", "std_fee")
SHOWN = ("pay_mode", "drg_code", "dip_code", "class_id", "setl_pt", "pt_val", "drg_dip_sumamt", "drg_dip_fund_payamt")
MOVED = ("pay_mode", *GROUP, "class_id", "setl_pt", "pt_val", "drg_dip_sumamt", "drg_dip_fund_payamt")
STEPS = (
    *("only_first", "only_second", "decision", "input", "scheme", "group", "price", "coefficient", "class", "points"),
    *("value", "amount"),
)
_B = "_b"
_ROUTED_BY = ("area", "hospitals", "single_disease", "bed_day")
_PRICED_BY = ("points", "single_disease", "bed_day", "weight_measurement")
_WEIGHED_BY = ("hospitals", "coefficient", "points.hospital_coefficient")
_CLASSED_BY = ("case_classes", "case_flags", "special_case", "readmission")
_SCORED_BY = (*_CLASSED_BY, *_PRICED_BY, *_WEIGHED_BY, "new_tech")
_VALUED_BY = ("budget", "point_value", "pool_sharing", "points.budget_point_value", "contracts", "sub_budgets")
_PAID_BY = ("audits", "penalties", "negative_case", "monthly", "special_case", *_VALUED_BY, *_PRICED_BY)


def moved_cases(first: Path, second: Path, changes: RuleChanges) -> pl.DataFrame:
    """`setl_id, fixmedins_code, insutype, step, reason`, then each column of SHOWN as `<name>` and `<name>_b`."""
    before, after = _cases(first), _cases(second)
    both = before.join(after, on="setl_id", how="inner", suffix=_B)
    columns = set(before.columns) & set(after.columns)
    moved = both.filter(pl.any_horizontal([_other(name) for name in MOVED if name in columns] or [pl.lit(False)]))
    rows = _explained(moved, columns, changes)
    alone = [_alone(before, after, second, "only_first"), _alone(after, before, first, "only_second")]
    return pl.concat([rows, *alone], how="diagonal_relaxed").select(_layout(columns)).sort("setl_id")


def _cases(folder: Path) -> pl.DataFrame:
    """One row a case: the grouped columns, and the money where there is any."""
    grouped = pl.read_parquet(folder / "grouped.parquet")
    if not (folder / "settled.parquet").is_file():
        return grouped
    settled = pl.read_parquet(folder / "settled.parquet")
    fresh = [name for name in settled.columns if name == "setl_id" or name not in grouped.columns]
    return grouped.join(settled.select(fresh), on="setl_id", how="left", maintain_order="left")


def _layout(columns: set[str]) -> list[pl.Expr]:
    shown = [name for name in SHOWN if name in columns]
    pairs = [pl.col(each) for name in shown for each in (name, name + _B)]
    return [pl.col("setl_id", "fixmedins_code", "insutype", "step", "reason"), *pairs]


def _other(name: str) -> pl.Expr:
    return pl.col(name).ne_missing(pl.col(name + _B))


def _any(names: Sequence[str], columns: set[str]) -> pl.Expr:
    found = [_other(name) for name in names if name in columns]
    return pl.any_horizontal(found) if found else pl.lit(False)


def _explained(moved: pl.DataFrame, columns: set[str], changes: RuleChanges) -> pl.DataFrame:
    """Steps and reasons of cases that are in both runs."""
    fed = bool(changes.felt("input"))
    sent = _any(INPUT, columns) & fed
    scheme = _any(("pay_mode",), columns)
    group, price = _any(GROUP, columns) & ~scheme, _any(PRICE, columns) & ~scheme
    weight, ratio = _any(("medins_coef",), columns), _any(("fee_mult",), columns)
    klass, points = _any(("class_id",), columns), _any(("setl_pt",), columns)
    value, amount = _any(("pt_val",), columns), _any(("drg_dip_sumamt", "drg_dip_fund_payamt"), columns)
    pack = _pack(changes) if "grp_ver" in columns else pl.lit("")
    decided = pl.col("setl_id").is_in(sorted(changes.decided))
    scored = sent | scheme | group | price | weight
    steps = {
        "decision": (decided, _keys(changes, "a decision about this case", *DECIDED_BY)),
        "input": (sent, pl.concat_str([_from_to(name) for name in INPUT if name in columns] or [pl.lit("")])),
        "scheme": (scheme, _keys(changes, _untold(changes), *_ROUTED_BY)),
        "group": (group, _group_reason(pack, columns, changes, fed)),
        "price": (price & ~group, _either(pack, _keys(changes, "", *_PRICED_BY), changes)),
        "coefficient": (weight & ~_other("fixmedins_code"), _keys(changes, _untold(changes), *_WEIGHED_BY)),
        "class": (klass & ~scheme & ~group & ~ratio & ~decided, _keys(changes, _untold(changes), *_CLASSED_BY)),
        "points": (points & ~scored & ~klass & ~ratio & ~decided, _keys(changes, _untold(changes), *_SCORED_BY)),
        "value": (
            value & ~scheme & ~group,
            _keys(changes, "the point value moved with the points of other cases", *_VALUED_BY),
        ),
        "amount": (
            amount & ~scored & ~klass & ~points & ~value & ~decided,
            _keys(changes, "the fen left over by rounding went to other cases", *_PAID_BY),
        ),
    }
    first = pl.coalesce([pl.when(hit).then(pl.lit(step)) for step, (hit, _) in steps.items()])
    texts = [pl.when(hit).then(text) for hit, text in steps.values()]
    reasons = pl.concat_list(texts).list.drop_nulls().list.unique(maintain_order=True)
    # Where one reason is known, that another step names none says nothing more.
    known = reasons.list.set_difference(pl.lit([_untold(changes), ""]))
    reason = pl.when(known.list.len() > 0).then(known).otherwise(pl.lit([_untold(changes)])).list.join("; ")
    return moved.with_columns(first.fill_null("group").alias("step"), reason.str.strip_chars("; ").alias("reason"))


def _from_to(name: str) -> pl.Expr:
    text = pl.format("input {}: {} → {}; ", pl.lit(name), _text(name), _text(name + _B))
    return pl.when(_other(name)).then(text).otherwise(pl.lit(""))


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).fill_null("–")


def _keys(changes: RuleChanges, otherwise: str, *mechanisms: str) -> pl.Expr:
    return pl.lit(changes.keys(*mechanisms) or otherwise)


def _untold(changes: RuleChanges) -> str:
    """What is left to blame when no rule of the step changed: parameters, then the program; else say so."""
    rows = changes.felt("parameter") or changes.felt("engine")
    return "; ".join(str(row) for row in rows) or "nothing recorded explains it"


def _pack(changes: RuleChanges) -> pl.Expr:
    """`pack a → b` where the pack that grouped the case is not the same, else empty.

    A scheme of the policy has no pack; what stands in its place ends with the policy's version, which is no pack's.
    """
    marks = [
        pl.col(name).replace_strict(
            dict(prints),
            default=pl.coalesce(pl.col(name).str.extract("^([^@]*@[^@]*)@"), pl.col(name)),
            return_dtype=pl.String,
        )
        for name, prints in zip(("grp_ver", "grp_ver" + _B), changes.packs, strict=True)
    ]
    text = pl.format("pack {} → {}", pl.col("grp_ver"), pl.col("grp_ver" + _B))
    return pl.when(marks[0].ne_missing(marks[1])).then(text).otherwise(pl.lit(""))


def _group_reason(pack: pl.Expr, columns: set[str], changes: RuleChanges, fed: bool) -> pl.Expr:
    """A pack that changed; else, if other files were read, the codes of the record; else parameters or the program."""
    if not fed:
        return _either(pack, pl.lit(""), changes)
    told = pl.concat_str([_from_to(name) for name in CODES if name in columns] or [pl.lit("")])
    codes = pl.when(told == "").then(pl.lit("input: other codes or fields of the record")).otherwise(told)
    return pl.when(pack == "").then(codes).otherwise(pack)


def _either(pack: pl.Expr, keys: pl.Expr, changes: RuleChanges) -> pl.Expr:
    """Pack and policy values, whichever changed; what is left to blame if neither."""
    both = pl.concat_str([pack, keys], separator="; ").str.strip_chars("; ")
    return pl.when(both == "").then(pl.lit(_untold(changes))).otherwise(both)


def _alone(here: pl.DataFrame, there: pl.DataFrame, other: Path, step: str) -> pl.DataFrame:
    """Cases of one run only, and what the other run did with them."""
    rows = here.join(there.select("setl_id"), on="setl_id", how="anti")
    fates = _fates(other)
    reason = pl.col("setl_id").replace_strict(fates, default="input: not in the files of the other run",
                                              return_dtype=pl.String)  # fmt: skip
    rows = rows.with_columns(pl.lit(step).alias("step"), reason.alias("reason"))
    if step == "only_first":
        return rows.with_columns(pl.lit(None).cast(rows.schema[n]).alias(n + _B) for n in SHOWN if n in rows.columns)
    shown = [name for name in SHOWN if name in rows.columns]
    moved = [pl.col(name).alias(name + _B) for name in shown]
    return rows.with_columns(moved).with_columns(pl.lit(None).cast(rows.schema[name]).alias(name) for name in shown)


def _fates(folder: Path) -> Mapping[str, str]:
    """Case → why this run did not settle it: rejected with a code, or of another period."""
    found: dict[str, str] = {}
    if (folder / "other_period.parquet").is_file():
        ids = pl.read_parquet(folder / "other_period.parquet")["setl_id"]
        found |= dict.fromkeys(ids.to_list(), "belongs to another period in the other run")
    rejected = pl.read_parquet(folder / "rejected.parquet").filter(pl.col("setl_id").is_not_null())
    for case, code, text in rejected.select("setl_id", "code", "reason_en").iter_rows():
        found[case] = f"rejected in the other run: {code} {text}"
    return found
