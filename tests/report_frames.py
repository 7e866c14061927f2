"""An invented run whose tables tie to the fen, for tests of the reports.

In: sizes and a seed; out: RunFacts and RunFrames. Amounts are made with integers only, so that any two ways of
adding them up must agree. It imitates the shape of a clearing, not its rules: the rules are tested elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from engine.report.facts import HospitalFacts, OpenValue, PointValueAt, Pot, RunFacts, RunKind, SplitItem
from engine.report.frames import RunFrames

Row = dict[str, Any]
Paid = dict[tuple[str, str], tuple[int, int]]
YUAN = pl.Decimal(16, 2)
POOLS = ("310", "390")
NAMES = ("市第一人民医院", "市中医院", "东城区医院", "西山县人民医院", "南湖镇卫生院")
CLASS_CODES = ("NORM", "NORM", "NORM", "NORM", "LOW", "HIGH", "UNGRP", "UNGRP")
STATUS_CODES = ("OK", "OK", "OK", "OK", "OK", "OK", "FAIL", "QY")


@dataclass(frozen=True)
class Invented:
    """A run and the fen behind it."""

    facts: RunFacts
    frames: RunFrames
    clearing: pl.DataFrame
    lines: pl.DataFrame
    cases: pl.DataFrame


def hospital_code(index: int) -> str:
    return f"H37000{index:02d}"


def scaled(column: str, scale: int, dtype: pl.Decimal) -> pl.Expr:
    """An integer column as a decimal with `scale` places."""
    return (pl.col(column).cast(pl.Decimal(38, 8)) * pl.lit(Decimal(1).scaleb(-scale))).cast(dtype).alias(column)


def invent_cases(hospitals: int, cases: int, groups: int, months: tuple[str, ...], seed: int) -> pl.DataFrame:
    """Cases with integer money; columns end in their unit."""
    rng = np.random.default_rng(seed)
    group = np.minimum(rng.zipf(1.3, cases) - 1, groups - 1)
    draw = rng.integers(0, 100, cases)
    kind = np.where(draw < 88, 0, np.where(draw < 92, 4, np.where(draw < 96, 5, np.where(draw < 98, 6, 7))))
    base_e4 = (200_000 + (group * 7919) % 3_000_000).astype(np.int64)
    cost = (base_e4 * rng.integers(30, 210, cases)) // 100 * 9 // 10 + 1
    share = rng.integers(60, 86, cases)
    ungrouped = kind >= 6
    return pl.DataFrame(
        {
            "setl_id": [f"S{n:09d}" for n in range(cases)],
            "fixmedins_code": np.array([hospital_code(n) for n in range(hospitals)])[rng.integers(0, hospitals, cases)],
            "insutype": np.array(POOLS)[(rng.integers(0, 3, cases) > 0).astype(int)],
            "setl_ym": np.array(months)[rng.integers(0, len(months), cases)],
            "drg_code": np.where(ungrouped, "0000", np.array([f"D{n:03d}" for n in range(groups)])[group]),
            "drg_name": np.where(ungrouped, "", np.array([f"病组第{n}号" for n in range(groups)])[group]),
            "mult_type": np.array(CLASS_CODES)[kind],
            "grp_stas": np.array(STATUS_CODES)[kind],
            "points_e4": np.where(kind == 4, base_e4 // 2, base_e4),
            "weight_e6": np.where(ungrouped, 0, base_e4),
            "cost_fen": cost,
            "fund_fen": cost * share // 100,
            "days": rng.integers(1, 30, cases),
        }
    ).with_columns((pl.col("cost_fen") - pl.col("fund_fen")).alias("patient_fen"))


def price(cases: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Adds standards at a point value of its own for each pool; also the fund of each pool."""
    funds, values = {}, {}
    for pool in POOLS:
        mine = cases.filter(pl.col("insutype") == pool)
        funds[pool] = int(mine["fund_fen"].sum()) * 97 // 100
        numerator = funds[pool] + int(mine["patient_fen"].sum())
        values[pool] = numerator * 1_000_000 // max(1, int(mine["points_e4"].sum()))
    value = pl.col("insutype").replace_strict(values, return_dtype=pl.Int64)
    cases = cases.with_columns(value.alias("value_e4"))
    cases = cases.with_columns((pl.col("points_e4") * pl.col("value_e4") // 1_000_000).alias("standard_fen"))
    return cases.with_columns((pl.col("standard_fen") - pl.col("patient_fen")).alias("fund_standard_fen")), funds


class _Book:
    """Collects posting lines; zero lines are not written."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str, str, str, int]] = []

    def post(self, hospital: str, pool: str, period: str, cause: str, amount: int, tag: str = "A") -> None:
        if amount:
            self.rows.append((hospital, pool, period, cause, f"rule.{cause.partition('.')[0]}", tag, amount))

    def frame(self) -> pl.DataFrame:
        schema = ("fixmedins_code", "insutype", "period", "cause", "rule", "tag", "amount_fen")
        table = pl.DataFrame(sorted(self.rows), schema=schema, orient="row")
        return table.with_row_index("line", offset=1).with_columns(pl.col("line").cast(pl.Int64))


SUMS = ("cost_fen", "fund_fen", "standard_fen", "fund_standard_fen", "points_e4", "weight_e6", "days")


def totals(cases: pl.DataFrame, *key: str) -> list[Row]:
    counts = [pl.len().cast(pl.Int64).alias("cases")]
    counts += [(pl.col("mult_type") == code).sum().cast(pl.Int64).alias(code) for code in ("LOW", "HIGH", "UNGRP")]
    return cases.group_by(key).agg(*counts, *(pl.col(name).sum() for name in SUMS)).sort(key).to_dicts()


def clearing_row(t: Row, period: str, kind: str, **money: int) -> Row:
    """One row of the clearing table in integers: fen, points ×10⁴, weights ×10⁶."""
    return {
        "fixmedins_code": t["fixmedins_code"], "clr_ym": period, "insutype": t["insutype"], "stmt_type": kind,
        "clr_psntime": t["cases"], "grp_psntime": t["cases"] - t["UNGRP"], "ungrp_psntime": t["UNGRP"],
        "low_psntime": t["LOW"], "high_psntime": t["HIGH"], "iptdayscum": t["days"],
        "medfee_sumamt": t["cost_fen"], "hifp_pay": t["fund_fen"], "tot_wt": t["weight_e6"], "tot_pt": t["points_e4"],
        "pt_val": 0, "fee_idx": 1_013_000, "time_idx": 987_000, "drg_dip_sumamt": t["standard_fen"],
        "drg_dip_fund_payamt": t["fund_standard_fen"], "setl_dif_amt": t["standard_fen"] - t["cost_fen"],
        "fund_dif_amt": t["fund_standard_fen"] - t["fund_fen"], **money,
    }  # fmt: skip


def month_rows(cases: pl.DataFrame, book: _Book) -> tuple[list[Row], Paid]:
    rows: list[Row] = []
    paid: Paid = {}
    for t in totals(cases, "fixmedins_code", "insutype", "setl_ym"):
        hospital, pool, month = t["fixmedins_code"], t["insutype"], t["setl_ym"]
        payable = t["fund_fen"]
        deposit = (payable * 5 + 50) // 100
        book.post(hospital, pool, f"{month[:4]}-{month[4:]}", "prepayment", payable, "U")
        book.post(hospital, pool, f"{month[:4]}-{month[4:]}", "deposit_withheld", -deposit, "B")
        rows.append(clearing_row(t, month, "MONTH", fund_appy_sum=payable, det_sumamt=0, dpst_sumamt=deposit,
                                 prepay_amt=0, dfr_amt=payable - deposit, act_dfr_amt=payable - deposit))  # fmt: skip
        before = paid.get((hospital, pool), (0, 0))
        paid[hospital, pool] = (before[0] + payable, before[1] + deposit)
    return rows, paid


def year_rows(cases: pl.DataFrame, book: _Book, year: str, paid: Paid) -> list[Row]:
    rows = []
    for t in totals(cases, "fixmedins_code", "insutype"):
        hospital, pool = t["fixmedins_code"], t["insutype"]
        patient = t["standard_fen"] - t["fund_standard_fen"]
        gap = t["fund_standard_fen"] - t["fund_fen"]
        returned, shared, audit = max(0, gap) * 30 // 100, max(0, -gap) * 20 // 100, t["cases"] * 317
        prepayment, withheld = paid[hospital, pool]
        released = withheld * 9 // 10
        post = [("standard.drg", t["standard_fen"]), ("patient_borne.drg", -patient), ("surplus_returned", -returned)]
        post += [("overspend_shared", shared), ("audit_money", -audit)]
        entitled = sum(amount for _, amount in post)
        final = entitled - prepayment + released
        post += [("prepaid", -prepayment), ("quality_deposit", released), ("carried_to_next_year", max(0, -final))]
        for cause, amount in post:
            book.post(hospital, pool, year, cause, amount, "U" if cause.startswith(("surplus", "over")) else "A")
        for cause, amount in (("surplus_returned", returned), ("overspend_shared", -shared), ("audit_money", audit)):
            book.post("", pool, year, f"{cause}", amount)
        book.post("", pool, year, "deposit_forfeited", withheld - released)
        rows.append(clearing_row(t, year, "YEAR", fund_appy_sum=entitled + audit, det_sumamt=audit,
                                 dpst_sumamt=-released, prepay_amt=prepayment, dfr_amt=final,
                                 act_dfr_amt=max(0, final)))  # fmt: skip
    return rows


def clearing_frame(rows: list[Row]) -> pl.DataFrame:
    """The national types: yuan with two places, weights with six, points with eight."""
    table = pl.DataFrame(rows, infer_schema_length=None)
    money = ("medfee_sumamt", "hifp_pay", "drg_dip_sumamt", "drg_dip_fund_payamt", "setl_dif_amt", "fund_dif_amt",
             "fund_appy_sum", "det_sumamt", "dpst_sumamt", "prepay_amt", "dfr_amt", "act_dfr_amt")  # fmt: skip
    return table.with_columns(
        *(scaled(name, 2, YUAN) for name in money),
        *(scaled(name, 6, pl.Decimal(18, 6)) for name in ("tot_wt", "fee_idx", "time_idx")),
        scaled("tot_pt", 4, pl.Decimal(18, 8)),
        pl.lit(None).cast(pl.Decimal(18, 8)).alias("pt_val"),
    )


def settled_frame(cases: pl.DataFrame) -> pl.DataFrame:
    to_yuan = {
        "cost_fen": "medfee_sumamt", "fund_fen": "hifp_pay", "patient_fen": "psn_part_amt",
        "standard_fen": "drg_dip_sumamt", "fund_standard_fen": "drg_dip_fund_payamt",
    }  # fmt: skip
    table = cases.with_columns(
        (pl.col("standard_fen") - pl.col("cost_fen")).alias("setl_dif_amt"),
        (pl.col("fund_standard_fen") - pl.col("fund_fen")).alias("fund_dif_amt"),
        (pl.col("cost_fen") + 12_345).alias("std_fee"),
        pl.lit(1_000_000).alias("medins_coef"),
        pl.lit(934_000).alias("fee_mult"),
        pl.lit("按病例费用与标准之比判定").alias("setl_rea"),
    ).rename({**to_yuan, "points_e4": "setl_pt", "weight_e6": "drg_wt"})
    return table.with_columns(
        *(scaled(name, 2, YUAN) for name in (*to_yuan.values(), "setl_dif_amt", "fund_dif_amt", "std_fee")),
        *(scaled(name, 6, pl.Decimal(12, 6)) for name in ("drg_wt", "medins_coef", "fee_mult")),
        scaled("setl_pt", 4, pl.Decimal(18, 8)),
    ).drop("value_e4", "days", "drg_name", "grp_stas")


def grouped_frame(cases: pl.DataFrame) -> pl.DataFrame:
    ok = pl.col("grp_stas") == "OK"
    return cases.select(
        "setl_id", "grp_stas", "drg_name",
        pl.when(ok).then(pl.lit("R00")).otherwise(pl.lit("R07")).alias("grp_rea_code"),
        pl.when(ok).then(pl.lit("入组成功")).otherwise(pl.lit("=主要诊断不在任何 MDC 内")).alias("grp_rea"),
        pl.lit("CC").alias("mcc_cc_flag"), pl.lit("I21.001").alias("maindiag_code"),
        pl.lit("36.0600x004").alias("main_oprn_code"), pl.col("days").cast(pl.Int32).alias("act_ipt_days"),
    )  # fmt: skip


def rejected_frame(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "file": ["cases.parquet"] * count,
            "row": list(range(1, count + 1)),
            "setl_id": [f"R{n:06d}" for n in range(count)],
            "fixmedins_code": [hospital_code(n % 3) for n in range(count)],
            "field": ["diag_codes" if n % 3 else "gend" for n in range(count)],
            "code": ["V012" if n % 3 else "V004" for n in range(count)],
            "reason_zh": ["缺主要诊断" if n % 3 else "性别代码无效" for n in range(count)],
            "reason_en": ["principal diagnosis missing" if n % 3 else "gender code not valid" for n in range(count)],
        },
        schema_overrides={"row": pl.Int64},
    )


def invent(
    *, kind: RunKind = "clear", hospitals: int = 5, cases: int = 600, groups: int = 40, seed: int = 7, rejected: int = 9
) -> Invented:
    """A whole run: a clearing of 2024, or a presettlement of March 2024."""
    months = tuple(f"2024{m:02d}" for m in range(1, 13)) if kind == "clear" else ("202403",)
    period = "2024" if kind == "clear" else "2024-03"
    priced, funds = price(invent_cases(hospitals, cases, groups, months, seed))
    book = _Book()
    rows, paid = month_rows(priced, book)
    if kind == "clear":
        rows += year_rows(priced, book, period, paid)
    split: dict[str, tuple[SplitItem, ...]] = {}
    for pool in POOLS:
        reserve, outside = funds[pool] // 15, funds[pool] // 8
        split[pool] = (
            SplitItem("total", "基金预算总额", "Fund", funds[pool] + reserve + outside),
            SplitItem("outside", "门诊统筹", "Outpatient", outside - outside // 3),
            SplitItem("outside", "异地就医", "Out of area", outside // 3),
            SplitItem("reserve", "风险金", "Reserve", reserve),
            SplitItem("point_fund", "点数基金", "Point fund", funds[pool]),
        )
        if kind == "clear":
            paid_out = int(priced.filter(pl.col("insutype") == pool)["fund_standard_fen"].sum())
            book.post("", pool, period, "reserve_set_aside", reserve)
            book.post("", pool, period, "pv_rounding.drg", funds[pool] - paid_out)
    lines, clearing = book.frame(), clearing_frame(rows)
    facts = invent_facts(kind, period, priced, funds, split, rejected, hospitals)
    frames = RunFrames.of(
        settled=settled_frame(priced), grouped=grouped_frame(priced), clearing=clearing, lines=lines,
        rejected=rejected_frame(rejected),
    )  # fmt: skip
    return Invented(facts, frames, clearing, lines, priced)


def invent_facts(
    kind: RunKind, period: str, cases: pl.DataFrame, funds: dict[str, int], split: dict[str, tuple[SplitItem, ...]],
    rejected: int, hospitals: int,
) -> RunFacts:  # fmt: skip
    pots, values = [], []
    for pool in POOLS:
        mine = cases.filter(pl.col("insutype") == pool)
        text = str(Decimal(int(mine["value_e4"][0])).scaleb(-4))
        pots.append(Pot(pool, "drg", funds[pool], int(mine["points_e4"].sum()), f"{text}…", text))
        for n in range(1, 13):
            budget = Decimal(text) * (Decimal(1) + Decimal(n - 6) / 100)
            values.append(PointValueAt(pool, "drg", f"2024-{n:02d}", "budget", f"{budget:.4f}"))
        values.append(PointValueAt(pool, "drg", "2024", "final", text))
    listed = {}
    for n in range(hospitals):
        code = hospital_code(n)
        listed[code] = HospitalFacts(code, NAMES[n] if n < len(NAMES) else f"第{n}医院", "3221"[min(n, 3)])
    return RunFacts(
        run_id=f"{period}-370000-{kind}-01", kind=kind, area_code="370000", area_name="示范市", period=period,
        packs=("demo_drg 2024.1",), policy_version="370000 2024-01-01", engine_version="0.1.0",
        seal="sha256:5f1d7c0a9be2", counts_read=cases.height + rejected, counts_accepted=cases.height,
        counts_rejected=rejected, split=split, pots=tuple(pots), point_values=tuple(values),
        open_values=(
            OpenValue("rule.prepayment", "U", "1.00", "月度拨付比例"),
            OpenValue("rule.surplus_returned", "PH", "30 %", "结余返还比例 <占位>"),
        ),
        hospitals=listed,
    )  # fmt: skip
