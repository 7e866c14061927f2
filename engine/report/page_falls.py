"""The waterfalls of the report page: every pool's fund from budget to reserve, every hospital's year or month.

In: the figures of a run; out: pictures and the rows behind them, ready for the template. Amounts are sums of posting
lines and of the split of the budget; a fund that does not end in its reserve is refused before anything is drawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from engine.report.causes import Section, section
from engine.report.cliff_words import cliff_text
from engine.report.closing import RESERVE, ClosingRow, close_year
from engine.report.figures import PostingLine, RunFigures
from engine.report.labels import POOLS, Label, label
from engine.report.page_parts import HospitalRow
from engine.report.picture_fall import Bar, falls
from engine.report.stages import FallStage, Stage, waterfall
from engine.report.tier_words import TierWords
from pointvalue.invariants import InvariantBroken

CARVED_OUT, PAID_TO_HOSPITALS, RESERVE_LEFT = "Carved out", "Paid to hospitals, whole year", "Reserve left"
NOTHING_LEFT = Label("风险金结余", RESERVE_LEFT)


@dataclass(frozen=True, slots=True)
class HospitalFall:
    """One pool of a hospital: the picture, its stages, and what is said below."""

    pool: Label
    picture: Markup
    stages: tuple[FallStage, ...]
    documents: dict[str, str]
    tiers: tuple[Label, ...]
    cliffs: tuple[Label, ...]

    @property
    def end(self) -> FallStage:
        """The stage worth a line: what is still to be paid, before anything is carried over."""
        return next((each for each in self.stages if each.stage is Stage.CASH), self.stages[-1])

    @property
    def ends_in(self) -> Label:
        return plain_result(self.end)

    @property
    def end_fen(self) -> int:
        return self.end.balance_fen


def plain_result(stage: FallStage) -> Label:
    """The name of a stage's balance without its remark."""
    return Label(stage.result.zh.partition("（")[0], stage.result.en.partition(";")[0])


@dataclass(frozen=True, slots=True)
class HospitalFalls:
    """A hospital with its pools."""

    code: str
    name: str
    falls: tuple[HospitalFall, ...]


def fund_falls(figures: RunFigures) -> dict[str, Markup]:
    """By pool: from the budget to what is paid, carried over and left; of a month, from payable to cash and deposit."""
    return {pool: falls(bars, f"{label(POOLS, pool).zh}：从预算到结余 from budget to reserve")
            for pool in figures.pools if (bars := fund_bars(figures, pool))}  # fmt: skip


def fund_bars(figures: RunFigures, pool: str) -> list[Bar]:
    """The steps of a pool's fund: the rows of its closing table, carve-outs by name, what hospitals were paid by the
    months and by the clearing. A month has no fund of its own to fall from."""
    if figures.facts.kind != "clear":
        return []
    total, *rows = close_year(figures, pool).rows
    left = next((row for row in rows if row.name.en == RESERVE_LEFT), ClosingRow(NOTHING_LEFT, "−", 0))
    bars = [Bar(*total.name, total.amount_fen, True)]
    for row in (row for row in rows if row is not left):
        if row.name.en == CARVED_OUT:
            items = [item for item in figures.facts.split.get(pool, ()) if item.kind == "outside"]
            bars += [Bar(f"划出：{item.label_zh}", f"Carved out: {item.label_en}", -item.amount_fen) for item in items]
        elif row.name.en == PAID_TO_HOSPITALS:
            bars += _paid(figures, pool)
        else:
            bars.append(Bar(*row.name, row.amount_fen if row.side == "+" else -row.amount_fen))
    balance = sum(bar.amount_fen for bar in bars)
    if balance != left.amount_fen:
        raise InvariantBroken(
            "fund waterfall ends in the reserve", pool, left.amount_fen, balance, figures.facts.run_id
        )
    return [*bars, Bar(*left.name, left.amount_fen, True)]


def _paid(figures: RunFigures, pool: str) -> list[Bar]:
    mine = [line for line in figures.lines if line.pool == pool and line.hospital != RESERVE]
    months = sum(line.amount_fen for line in mine if section(line.cause) is Section.MONTH)
    clearing = sum(line.amount_fen for line in mine) - months
    return [
        Bar("各月拨付医疗机构", "Paid to hospitals by the months", -months),
        Bar("清算拨付医疗机构", "Paid to hospitals by the clearing", -clearing),
    ]


def hospital_falls(figures: RunFigures, hospitals: Sequence[HospitalRow]) -> list[HospitalFalls]:
    """A waterfall for every pool of these hospitals, in their order."""
    mine: dict[tuple[str, str], list[PostingLine]] = defaultdict(list)
    for line in figures.lines:
        mine[line.hospital, line.pool].append(line)
    found = []
    for row in hospitals:
        code = row.facts.code
        pools = [pool for pool in figures.pools if mine.get((code, pool))]
        of_pools = tuple(_fall(figures, code, row.facts.name, pool, mine[code, pool]) for pool in pools)
        found.append(HospitalFalls(code, row.facts.name, of_pools))
    return found


def _fall(figures: RunFigures, code: str, name: str, pool: str, lines: list[PostingLine]) -> HospitalFall:
    stages = waterfall(lines, year=figures.facts.kind == "clear")
    bars: list[Bar] = []
    for stage in stages:
        bars += [Bar(*each.name, each.line.amount_fen) for each in stage.lines]
        if stage.lines:
            bars.append(Bar(*plain_result(stage), stage.balance_fen, True))
    names, grounds = label(POOLS, pool), figures.grounds
    words = {lang: TierWords(grounds.tiers_of(code, pool), lang) for lang in ("zh", "en")}
    told = {lang: [*one.tiers(), *(one.scaled() or one.assessment())] for lang, one in words.items()}
    return HospitalFall(
        names,
        falls(bars, f"{name} {names.zh} {figures.facts.period} 清算瀑布 waterfall"),
        stages,
        {rule: grounds.document(rule) for rule in {each.line.rule for stage in stages for each in stage.lines}},
        tuple(Label(zh, en) for zh, en in zip(told["zh"], told["en"], strict=True)),
        tuple(Label(cliff_text(row, "zh"), cliff_text(row, "en")) for row in grounds.cliffs_of(code, pool)),
    )
