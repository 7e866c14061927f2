"""Two runs side by side 「两次运行之差」: what they were made with, which cases, hospitals and lines moved, and why.

In: two run folders of one kind, on one shelf or two. Out: four tables, to be shown or written as Parquet or CSV. It
computes no amount anew: every figure stands in one of the runs, and a difference is a subtraction of fen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from engine.diff_cases import moved_cases
from engine.diff_rules import RuleChanges, rule_changes
from engine.errors import RunError
from engine.ledger.closing import ENTRIES
from engine.ledger.manifest import MANIFEST_NAME, Manifest, parse_manifest
from engine.ledger.store import write_file_atomically
from engine.ledger.verify import verify_run
from engine.report.frames import fen

SUFFIXES = (".parquet", ".csv")
_AMOUNTS = {
    "cases": "clr_psntime",
    "standard_fen": "drg_dip_sumamt",
    "fund_fen": "drg_dip_fund_payamt",
    "payable_fen": "act_dfr_amt",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class RunDiff:
    """`lines` and the amounts of `hospitals` are empty where the runs settle no money."""

    first: Manifest
    second: Manifest
    changes: RuleChanges
    cases: pl.DataFrame
    hospitals: pl.DataFrame
    lines: pl.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether nothing came out otherwise, whatever the runs were made with."""
        return not (self.cases.height or self.hospitals.height or self.lines.height)

    def reasons(self) -> pl.DataFrame:
        """Moved cases and money by reason, the largest first."""
        sums = [
            (fen(f"{column}_b").fill_null(0) - fen(column).fill_null(0)).sum().alias(name)
            for name, column in (("standard_delta_fen", "drg_dip_sumamt"), ("fund_delta_fen", "drg_dip_fund_payamt"))
            if column in self.cases.columns
        ]
        grouped = self.cases.group_by("step", "reason").agg(pl.len().alias("cases"), *sums)
        return grouped.sort(["cases", "step", "reason"], descending=[True, False, False])


def diff_runs(first: Path, second: Path) -> RunDiff:
    """Compare two runs. Raises RunError if one was changed, or they are not of one kind."""
    folders = (first.resolve(), second.resolve())
    manifests = [_sound(folder) for folder in folders]
    was, now = manifests
    if was.kind != now.kind or was.kind in ENTRIES:
        raise RunError(f"{was.run_id} is a {was.kind} run and {now.run_id} a {now.kind} run; two of one kind compare.")
    changes = rule_changes((folders[0].parent, was), (folders[1].parent, now))
    cases = moved_cases(*folders, changes)
    if was.kind == "group":
        return RunDiff(was, now, changes, cases, pl.DataFrame(), pl.DataFrame())
    lines = _lines(*folders, changes)
    return RunDiff(was, now, changes, cases, _hospitals(folders, (was, now), cases, lines), lines)


def _sound(folder: Path) -> Manifest:
    manifest = parse_manifest(folder / MANIFEST_NAME)
    if findings := verify_run(folder):
        raise RunError(f"{findings[0]}. A run that is not what was sealed is not compared; restore it first.")
    return manifest


def _lines(first: Path, second: Path, changes: RuleChanges) -> pl.DataFrame:
    """Posting lines that differ, by hospital, pool, period and cause, with the policy value behind each."""
    key = ["fixmedins_code", "insutype", "period", "cause"]
    sides = [_posted(folder, key) for folder in (first, second)]
    both = sides[0].join(sides[1], on=key, how="full", suffix="_b", coalesce=True)
    both = both.with_columns(pl.col("amount_fen", "amount_fen_b").fill_null(0), pl.coalesce("rule", "rule_b"))
    moved = both.filter(pl.col("amount_fen") != pl.col("amount_fen_b")).sort(key)
    told = {rule: changes.keys(rule) for rule in moved["rule"].unique().to_list()}
    reasons = [told[rule] or "follows from cases and from earlier lines" for rule in moved["rule"].to_list()]
    delta = (pl.col("amount_fen_b") - pl.col("amount_fen")).alias("delta_fen")
    shown = moved.with_columns(delta, pl.Series("reason", reasons, pl.String))
    return shown.select(*key, "rule", "amount_fen", "amount_fen_b", "delta_fen", "reason")


def _posted(folder: Path, key: list[str]) -> pl.DataFrame:
    lines = pl.read_parquet(folder / "lines.parquet").with_columns(pl.col("fixmedins_code").fill_null(""))
    return lines.group_by(key).agg(pl.col("amount_fen").sum(), pl.col("rule").first())


def _hospitals(
    folders: tuple[Path, Path], manifests: tuple[Manifest, Manifest], cases: pl.DataFrame, lines: pl.DataFrame
) -> pl.DataFrame:
    """Hospitals and pools whose figures of the period differ, or of whose cases some moved."""
    key = ["fixmedins_code", "insutype"]
    sides = [_figures(*pair, key) for pair in zip(folders, manifests, strict=True)]
    both = sides[0].join(sides[1], on=key, how="full", suffix="_b", coalesce=True)
    moved = cases.group_by(key).agg(pl.len().alias("moved_cases"), _most_said())
    # A line that only follows from the cases has no reason of its own.
    ruled = pl.when(pl.col("reason").str.starts_with("policy")).then(pl.col("reason"))
    posted = (
        lines.filter(pl.col("fixmedins_code") != "")
        .group_by(key)
        .agg(
            pl.len().alias("moved_lines"),
            ruled.sort_by(pl.col("delta_fen").abs()).drop_nulls().last().alias("line_reason"),
        )
    )
    both = both.join(moved, on=key, how="left").join(posted, on=key, how="left")
    both = both.with_columns(pl.col(pl.Int64, pl.UInt32).fill_null(0))
    other = [pl.col(name) != pl.col(f"{name}_b") for name in _AMOUNTS]
    both = both.filter(pl.any_horizontal([*other, pl.col("moved_cases") > 0, pl.col("moved_lines") > 0])).sort(key)
    pairs = [pl.col(each) for name in _AMOUNTS for each in (name, f"{name}_b")]
    delta = (pl.col("payable_fen_b") - pl.col("payable_fen")).alias("delta_fen")
    said = pl.concat_list("reason", "line_reason").list.drop_nulls().list.unique(maintain_order=True).list.join("; ")
    why = pl.when(said == "").then(pl.lit("follows from other hospitals' cases")).otherwise(said).alias("reason")
    return both.select(*key, *pairs, delta, "moved_cases", "moved_lines", why)


def _most_said() -> pl.Expr:
    """The reason most of a hospital's moved cases share, ties by text."""
    return pl.col("reason").sort().mode(maintain_order=True).first()


def _figures(folder: Path, manifest: Manifest, key: list[str]) -> pl.DataFrame:
    table = pl.read_parquet(folder / "clearing.parquet")
    own = table.filter(pl.col("clr_ym") == manifest.period.replace("-", ""))
    amounts = [
        (fen(column) if column.endswith("amt") else pl.col(column).cast(pl.Int64)).alias(name)
        for name, column in _AMOUNTS.items()
    ]
    return own.select(*key, *amounts)


def write_diff(diff: RunDiff, out: Path) -> list[Path]:
    """`NAME.parquet` or `NAME.csv` with the cases, and `NAME.hospitals`, `NAME.lines`, `NAME.rules` beside it."""
    if out.suffix not in SUFFIXES:
        raise RunError(f"--out {out}: name a file ending in {' or '.join(SUFFIXES)}.")
    rules = pl.DataFrame(
        [vars(row) for row in diff.changes.rows],
        schema={"kind": pl.String, "name": pl.String, "since": pl.String, "was": pl.String, "now": pl.String,
                "felt": pl.Boolean},
    )  # fmt: skip
    tables = {"": diff.cases, "hospitals": diff.hospitals, "lines": diff.lines, "rules": rules}
    written = []
    for name, table in tables.items():
        target = out.with_name(f"{out.stem}.{name}{out.suffix}" if name else out.name)
        if table.width:
            write_file_atomically(target, partial(_write, table, out.suffix))
            written.append(target)
    return written


def _write(table: pl.DataFrame, suffix: str, path: Path) -> None:
    if suffix == ".parquet":
        table.write_parquet(path)
        return
    # A spreadsheet program would compute a text that begins like a formula.
    plain = [
        pl.when(pl.any_horizontal([pl.col(name).str.starts_with(sign) for sign in _FORMULA]))
        .then(pl.concat_str([pl.lit("'"), pl.col(name)])).otherwise(pl.col(name)).alias(name)
        for name, kind in table.schema.items() if kind == pl.String
    ]  # fmt: skip
    table.with_columns(plain).write_csv(path)
