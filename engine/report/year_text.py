"""A hospital's year as text 「清算瀑布」: every amount a posting line, with rule, evidence, document and balance.

In: the books of a run, a hospital, a pool, a language and a width; out: lines of text. Tiers, assessment, scale-back
and deposits are told below the lines they made. All amounts are those of the files; none is computed here but sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from engine.report import causes
from engine.report.cliff_words import cliff_text
from engine.report.figures import PostingLine
from engine.report.labels import LEVELS, POOLS, TAGS, Label, label
from engine.report.shown import yuan_text
from engine.report.stages import FallLine, FallStage, Stage, waterfall
from engine.report.text_layout import Layout
from engine.report.tier_words import TierWords, decimal_text
from engine.run_reader import RunBooks, fen_of


class YearText:
    """One hospital and pool of a run, told line by line."""

    def __init__(self, books: RunBooks, hospital: str, pool: str, lang: str, width: int, *, months: bool) -> None:
        self.books, self.hospital, self.pool, self.lang, self.months = books, hospital, pool, lang, months
        self.lines = books.lines_of(hospital, pool)
        self.stages = waterfall(self.lines, year=books.year)
        amounts = [each.balance_fen for stage in self.stages for each in stage.lines]
        amounts += [each.line.amount_fen for stage in self.stages for each in stage.lines]
        widest = max((len(yuan_text(fen, signed=True)) for fen in amounts), default=8)
        self.layout = Layout(width, widest)
        self.words = TierWords(books.grounds.tiers_of(hospital, pool), lang)

    def say(self, zh: str, en: str) -> str:
        return zh if self.lang == "zh" else en

    def pick(self, names: Label) -> str:
        return names.zh if self.lang == "zh" else names.en

    def text(self) -> Iterator[str]:
        """The whole account."""
        yield from self._head()
        yield from self.layout.row(self.say("项目", "item"), (self.say("金额", "amount"), self.say("余额", "balance")))
        for stage in self.stages:
            yield self.layout.rule()
            yield from self._stage(stage)
        yield self.layout.rule("═")
        yield from self._cliffs()
        yield from self._open_values()

    def _head(self) -> Iterator[str]:
        manifest, row = self.books.manifest, self.books.row_of(self.hospital, self.pool)
        name = self.books.hospitals[self.hospital]
        title = self.say("年度清算", "annual clearing") if self.books.year else self.say("月度预结算", "presettlement")
        level = "" if row is None else self.pick(label(LEVELS, str(row["hi_setl_lv"] or "")))
        yield from self.layout.note(f"{name} {self.hospital} {level}", 0)
        yield from self.layout.note(f"{self.pick(label(POOLS, self.pool))} {self.pool} {manifest.period} {title}", 0)
        yield from self.layout.note(self.say("运行", "run") + f" {manifest.run_id}", 0)
        if row is not None:
            told = [self.say("病例", "cases") + f" {row['clr_psntime']:,}"]
            for key, zh, en in (("tot_pt", "点数", "points"), ("pt_val", "平均点值", "mean point value")):
                if row[key]:
                    told.append(f"{self.say(zh, en)} {decimal_text(row[key], 4)}")
            for key, zh, en in (("medfee_sumamt", "总费用", "cost"), ("hifp_pay", "统筹记账", "booked fund")):
                told.append(f"{self.say(zh, en)} {yuan_text(fen_of(row[key] or Decimal(0)))}")
            yield from self.layout.note(self.say("，", ", ").join(told), 0)
        yield from self.layout.note(self.say("单位：元", "yuan"), 0)

    def _stage(self, stage: FallStage) -> Iterator[str]:
        yield from self.layout.note(self.pick(stage.name), 0)
        for each in stage.lines:
            yield from self._line(each)
        told = {causes.root(each.line.cause) for each in stage.lines}
        if stage.stage is Stage.SHARING and not told & {"surplus_returned", "overspend_shared"}:
            yield from self._notes([*self.words.tiers(), *self.words.scaled()])
        result = ("= " + self.pick(stage.result), "", yuan_text(stage.balance_fen))
        yield from self.layout.row(result[0], result[1:], 0)

    def _line(self, each: FallLine) -> Iterator[str]:
        line = each.line
        amounts = (yuan_text(line.amount_fen, signed=True), yuan_text(each.balance_fen))
        yield from self.layout.row(self.pick(each.name), amounts)
        yield from self.layout.note(self._ground(line))
        root = causes.root(line.cause)
        if root in ("surplus_returned", "overspend_shared"):
            yield from self._notes(self.words.tiers())
        if root == "overspend_shared":
            yield from self._notes(self.words.scaled())
        if root == "assessment_cut":
            yield from self._notes(self.words.assessment())
        if root == "quality_deposit":
            yield from self._by_month("deposit_withheld", self.say("各月预留", "withheld by month"))
            yield from self._notes(self.words.released(self._sum("deposit_withheld"), line.amount_fen))
        if root == "prepaid" and self.months:
            yield from self._by_month("prepayment", self.say("各月应付", "payable by month"))

    def _ground(self, line: PostingLine) -> str:
        """Line number, key, evidence and document: why the amount is there."""
        tag = f"[{line.tag} {self.pick(label(TAGS, line.tag))}] " if line.tag else ""
        document = self.books.grounds.document(line.rule)
        return f"#{line.line} {line.period} {line.rule} {tag}{document}".rstrip()

    def _notes(self, texts: Sequence[str]) -> Iterator[str]:
        for text in texts:
            yield from self.layout.note(text, 6)

    def _sum(self, cause: str) -> int:
        return sum(line.amount_fen for line in self.lines if causes.root(line.cause) == cause)

    def _by_month(self, cause: str, title: str) -> Iterator[str]:
        mine = [line for line in self.lines if causes.root(line.cause) == cause and len(line.period) > 4]
        if not mine:
            return
        yield from self.layout.note(f"{title}: {len(mine)}", 6)
        for line in mine:
            yield from self.layout.note(f"{line.period} {yuan_text(line.amount_fen, signed=True)} #{line.line}", 8)

    def _cliffs(self) -> Iterator[str]:
        rows = self.books.grounds.cliffs_of(self.hospital, self.pool)
        if not rows:
            return
        yield from self.layout.note(self.say("临近的断点（跨过则金额跳变）：", "Edges close by, where pay jumps:"), 0)
        for row in rows:
            yield from self.layout.note("! " + cliff_text(row, self.lang), 2)

    def _open_values(self) -> Iterator[str]:
        rows = self.books.grounds.unverified(self.lines)
        if not rows:
            return
        keys = dict.fromkeys(f"{row['rule']}[{row['tag']}]" for row in rows)
        head = self.say(
            "以下参数未核实或为占位值，不得作为当地政策引用：", "Unverified or placeholder, no city's law: "
        )
        yield from self.layout.note(head + " ".join(keys), 0)


def no_such_hospital(books: RunBooks, wanted: str, lang: str) -> str:
    """What to answer where a run does not know a hospital: those it knows."""
    known = "; ".join(f"{code} {name}" for code, name in sorted(books.hospitals.items()))
    if lang == "zh":
        return f"本次运行中没有医疗机构 {wanted}。有：{known}"
    return f"no hospital {wanted} in this run. There are: {known}"
