"""What a measurement leaves behind: tables a policy can take as they are, and a report of what moved 「测算结果」.

In: a measurement. Out: one folder, whole or not at all: `weights.csv` and `facts.csv`, and `group_coefficients.csv`
where the policy's coefficients go by group, in the form of the policy's own tables; `moves.csv` with every group,
`coefficients.csv` with every hospital, and `report.md` to read. It measures nothing and posts nothing.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

from engine.errors import RunError
from engine.measure import GroupMove, Measured
from engine.measure_coefficients import MEASURED, CoefficientMove
from engine.money import text_from_fen
from engine.policy.fact_tables import GROUP_COEFFICIENT_COLUMNS
from engine.policy.tables import FACT_COLUMNS, INDICATOR_COLUMN, LEVEL_COLUMN, WEIGHT_COLUMNS
from pointvalue.fixed import E4, E6, divide_half_up, half_up
from pointvalue.weights import GroupState

MOVES_SHOWN = 20
STATES = {
    GroupState.STABLE: ("稳定", "stable"),
    GroupState.FEW_CASES: ("病例数不足", "too few cases"),
    GroupState.UNEVEN: ("变异系数超限", "too uneven"),
    GroupState.NO_CASES: ("无病例", "no case"),
}


def write_measured(out: Path, found: Measured) -> None:
    """Write the folder. Raises RunError if something stands there already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out}: something stands here already, and nothing is overwritten. Name another --out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.parent / f".{out.name}.partial-{os.getpid()}"
    partial.mkdir()
    try:
        _write(partial / "weights.csv", *weights_table(found))
        _write(partial / "facts.csv", *facts_table(found))
        if found.coefficient_form == "group_cost":
            pairs = [[hospital, group, _coef(value)] for hospital, group, value in found.group_coefficients]
            _write(partial / "group_coefficients.csv", GROUP_COEFFICIENT_COLUMNS, pairs)
        _write(partial / "moves.csv", *moves_table(found))
        _write(partial / "coefficients.csv", *coefficients_table(found))
        (partial / "report.md").write_text(report(found), encoding="utf-8", newline="\n")
        if out.exists():
            out.rmdir()
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(head)
        out.writerows(rows)


def weights_table(found: Measured) -> tuple[list[str], list[list[str]]]:
    """`weights.csv` exactly as `points.weights` takes it; groups without any value are left out."""
    levels = sorted(found.level_means_fen)
    rows = []
    for place, move in enumerate(found.groups):
        if move.points_e4 is None or move.mean_fen is None:
            continue
        means = [found.level_means_fen[level][place] for level in levels]
        cells = ["" if mean is None or move.kept_in_force else text_from_fen(mean) for mean in means]
        rows.append([move.code, points_text(move.points_e4), text_from_fen(move.mean_fen), *cells])
    for code, points, mean in found.ambiguous:
        rows.append([code, points_text(points), text_from_fen(mean), *("" for _ in levels)])
    return [*WEIGHT_COLUMNS, *(f"{LEVEL_COLUMN}{level}" for level in levels)], sorted(rows)


def facts_table(found: Measured) -> tuple[list[str], list[list[str]]]:
    """`facts.csv` exactly as `coefficient.facts` takes it; an empty cell is a number nobody has."""
    names = sorted({*MEASURED, *(name for each in found.coefficients for name in each.indicators)})
    rows = [
        [each.hospital, each.kind, *(decimal_text(each.indicators.get(name)) for name in names)]
        for each in found.coefficients
    ]
    return [*FACT_COLUMNS, *(f"{INDICATOR_COLUMN}{name}" for name in names)], rows


_MOVES = (
    *("group_code", "group_name", "cases_read", "cases_kept", "state", "mean_measured", "mean_in_force"),
    *("points_measured", "points_in_force", "points_proposed", "moved", "moved_ppm", "effect_points"),
)


def moves_table(found: Measured) -> tuple[list[str], list[list[str]]]:
    """Every group: what was measured, what is in force, what is proposed, and what that moves."""
    rows = []
    for move in found.groups:
        each = move.measured
        mean = None if each.mean_fen is None else half_up(each.mean_fen)
        rows.append([
            move.code, move.name, str(each.read_count), str(each.kept_count), each.state.value,
            _yuan(mean), _yuan(move.in_force_mean_fen),
            points_text(each.base_points_e4) if each.mean_fen is not None else "",
            _points(move.in_force_points_e4), _points(move.points_e4), _points(move.moved_e4),
            "" if moved_ppm(move) is None else str(moved_ppm(move)), _points(move.effect_e4),
        ])  # fmt: skip
    return list(_MOVES), rows


def coefficients_table(found: Measured) -> tuple[list[str], list[list[str]]]:
    """Coefficients in force and measured, hospital by hospital."""
    head = ["fixmedins_code", "fixmedins_name", "cases", "in_force", "measured", "moved"]
    rows = []
    for each in found.coefficients:
        moved = None if each.measured_e6 is None else each.measured_e6 - each.in_force_e6
        rows.append([each.hospital, each.name, str(each.cases), _coef(each.in_force_e6), _coef(each.measured_e6),
                     _coef(moved)])  # fmt: skip
    return head, rows


def moved_ppm(move: GroupMove) -> int | None:
    """Move over the points in force, in millionths."""
    if move.moved_e4 is None or not move.in_force_points_e4:
        return None
    return divide_half_up(move.moved_e4 * E6, move.in_force_points_e4)


def points_text(points_e4: int) -> str:
    """Points ×10⁴ with four decimals: 1190945 → 119.0945."""
    return _scaled(points_e4, 4)


def decimal_text(value: Fraction | None) -> str:
    """Six decimals; empty where there is none."""
    return "" if value is None else _scaled(half_up(value * E6), 6)


def _scaled(value: int, places: int) -> str:
    digits = f"{abs(value):0{places + 1}d}"
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def _yuan(fen: int | None) -> str:
    return "" if fen is None else text_from_fen(fen)


def _points(points_e4: int | None) -> str:
    return "" if points_e4 is None else points_text(points_e4)


def _coef(value_e6: int | None) -> str:
    return "" if value_e6 is None else _scaled(value_e6, 6)


# --- the report -----------------------------------------------------------------------------------------------------


def report(found: Measured) -> str:
    """What moved, in words and small tables, with the lines to put into the policy."""
    return "\n".join([*_head(found), *_region(found), *_states(found), *_largest(found), *_coefficients(found),
                      *_paste(found)]) + "\n"  # fmt: skip


def _head(found: Measured) -> list[str]:
    weights = " : ".join(
        f"{year} × {weight}" for year, weight in zip(found.years, found.terms.year_weights, strict=True)
    )
    cv = "–" if found.terms.cv_max is None else str(found.terms.cv_max)
    counts = " · ".join(f"{name} {count:,}" for name, count in found.counts.items())
    return [
        f"# 权重测算 Weights measured: {found.scheme}",
        "",
        f"- 分组方案 rule pack: {found.pack}; 对照政策取值日 compared with the policy on {found.day}",
        f"- 年度权重 year weights: {weights}; 裁剪 trim {found.terms.trim.value}; 最少病例 min_cases "
        f"{found.terms.min_cases}; cv_max {cv}; scale {found.terms.scale}",
        "- 各年病例 cases by year: " + " · ".join(f"{year} {count:,}" for year, count in found.cases_by_year.items()),
        *(
            f"- ⚠ {year} 年没有病例，其权重归其他年度。 No case of {year}: the other years take its weight."
            for year in found.empty_years
        ),
        f"- 病例 cases: read {found.mapped.read_count:,} · rejected {len(found.mapped.rejected):,} · {counts}",
        f"- 分位数取相邻两例线性插值，四分位距外 {found.terms.fence} 倍为界，界上保留。 "
        "Quantiles lie between the two nearest cases in proportion; the fence of trim iqr is "
        f"{found.terms.fence} × the interquartile range; a case on the edge stays.",
        "",
    ]


def _region(found: Measured) -> list[str]:
    before = "–" if found.region_in_force_fen is None else text_from_fen(found.region_in_force_fen)
    return [
        f"区域例均费用 region mean: **{text_from_fen(found.region_mean_fen)}** 元 yuan, in force {before}",
        "",
        *_point_values(found),
    ]


def _point_values(found: Measured) -> list[str]:
    """Initial point value by pool, at the proposed base points."""
    lines = [
        f"年初点值（优值区间 {found.value_band.value}，按建议基准点数，未计系数与病例分类） Initial point value, band "
        f"{found.value_band.value}, at the proposed base points, without coefficients and classes:",
        "",
    ]
    for pool, each in sorted(found.point_values.items()):
        lines.append(
            f"- {pool}: **{value_text(each.value)}** 元/点 yuan per point, from {each.kept_count:,} of "
            f"{each.read_count:,} cases"
        )
    if not found.point_values:
        lines.append("没有病例在区间内。 No case lies in the band.")
    return [*lines, ""]


def value_text(value: Fraction) -> str:
    """A point value with four decimals, half up."""
    return _scaled(half_up(value * E4), 4)


def _states(found: Measured) -> list[str]:
    counts = Counter(move.measured.state for move in found.groups)
    lines = ["## 病组稳定性 States of the groups", "", "| state | 中文 | groups | 例 |", "|---|---|---|---|"]
    for state, (zh, en) in STATES.items():
        codes = [move.code for move in found.groups if move.measured.state is state]
        shown = "" if state is GroupState.STABLE else ", ".join(codes[:12]) + (" …" if len(codes) > 12 else "")
        lines.append(f"| {en} | {zh} | {counts[state]} | {shown} |")
    kept = sum(move.kept_in_force for move in found.groups)
    lines += [
        "",
        f"不稳定病组沿用现行基准点数：{kept} 组。 {kept} groups that are not stable keep the points in force.",
    ]
    if found.missing:
        lines.append(
            f"⚠ 没有任何取值的病组：{', '.join(found.missing)}。 Groups without any value, to be added by hand."
        )
    return [*lines, ""]


def _largest(found: Measured) -> list[str]:
    moved = [move for move in found.groups if move.moved_e4]
    moved.sort(key=lambda move: (-abs(move.effect_e4 or 0), move.code))
    total = sum(move.effect_e4 or 0 for move in found.groups)
    lines = [
        "## 变动最大的病组 Largest moves",
        "",
        f"{len(moved)} 组变动；按测算病例合计 {points_text(total)} 点。 {len(moved)} groups move, "
        f"{points_text(total)} points over the cases measured.",
        "",
        "| group | name | cases | in force | proposed | moved | % | effect, points |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for move in moved[:MOVES_SHOWN]:
        share = moved_ppm(move)
        percent = "" if share is None else _scaled(divide_half_up(abs(share), 100) * (1 if share >= 0 else -1), 2)
        lines.append(
            f"| {move.code} | {move.name} | {move.measured.read_count} | {_points(move.in_force_points_e4)} | "
            f"{_points(move.points_e4)} | {_points(move.moved_e4)} | {percent} | {_points(move.effect_e4)} |"
        )
    return [*lines, ""]


def _coefficients(found: Measured) -> list[str]:
    lines = ["## 医疗机构系数 Hospital coefficients", "", f"form: {found.coefficient_form}", ""]
    if found.coefficient_form == "table":
        return [
            *lines,
            "政策逐家列出系数，未作计算；指标见 facts.csv。 The policy lists coefficients, none is computed.",
            "",
        ]
    if found.coefficient_form == "group_cost":
        count = len(found.group_coefficients)
        text = f"按病组差异系数 {count} 对，见 group_coefficients.csv。 {count} pairs of hospital and group."
        return [*lines, text, ""]
    faults = {each.fault for each in found.coefficients if each.fault}
    lines += [f"⚠ {fault}" for fault in sorted(faults)]
    lines += ["| hospital | cases | in force | measured |", "|---|---|---|---|"]
    lines += [_coefficient_line(each) for each in found.coefficients]
    return [*lines, ""]


def _coefficient_line(each: CoefficientMove) -> str:
    return f"| {each.name} {each.hospital} | {each.cases} | {_coef(each.in_force_e6)} | {_coef(each.measured_e6)} |"


def _values(found: Measured) -> str:
    return ", ".join(f'"{pool}": {value_text(each.value)}' for pool, each in sorted(found.point_values.items()))


def _paste(found: Measured) -> list[str]:
    day = found.day.isoformat()
    return [
        "## 写入政策 To put into the policy",
        "",
        f"Copy weights.csv into the policy folder under a name of its own and add a value from {day} on:",
        "",
        "```yaml",
        "points:",
        f"  region_mean: {{unit: CNY, values: {{{day}: {{{found.scheme}: {text_from_fen(found.region_mean_fen)}}}}}}}",
        f"  base_year: {{values: {{{day}: {{{found.scheme}: {found.years[-1]}}}}}}}",
        f"  weights: {{values: {{{day}: {{{found.scheme}: weights_{found.day.year}.csv}}}}}}",
        f"  budget_point_value: {{unit: CNY/point, values: {{{day}: {{{found.scheme}: {{{_values(found)}}}}}}}}}",
        "```",
        "",
        "测算结果只是建议，未写入任何政策。 These are proposals; no policy was changed.",
    ]
