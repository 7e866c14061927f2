"""One piece of the first pass: accepted rows → groups, points, sums, and what the second pass needs 「第一遍」.

In: accepted rows as arrays; out: `Piece`. Cases of another period are counted and left out; cases of a hospital, date
or scheme the policy does not know are named by row, for the caller to reject. It keeps no state between pieces but
vocabularies, and threads may call it at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from engine.area import Area
from engine.cases.fact_columns import fact_columns
from engine.cases.facts import FEES
from engine.conditions import stay_days
from engine.edition import Edition
from engine.execute.lean import LeanRows
from engine.execute.lean_frame import frame_of, whole_frame
from engine.execute.lean_group import LeanGrouping, LeanGroups, lean_grouping
from engine.execute.lean_kept import kept_rows
from engine.execute.texts import Answers
from engine.map_cases import Scope
from engine.misfit import Misfit
from engine.policy.resolve import EPOCH, ResolvedPolicy
from engine.routing import NO_EDITION, NO_SCHEME
from engine.settle import case_columns
from engine.stream.book import LeanBook
from engine.stream.digest import AS_BOOKED, Slots, divide
from engine.stream.pay import kept_columns
from engine.stream.piece_loops import (
    NO_HOSPITAL,
    OTHER_PERIOD,
    SETTLED,
    UNPLACED,
    editions_on,
    judge_rows,
    price_plainly,
    results_of,
)
from engine.stream.shown import Seen, Showing, Shown
from grouper.reason import GroupStatus
from pointvalue.cases import NONE, CaseColumns, shut
from pointvalue.classes import Scored, score
from pointvalue.model import FixedScheme
from pointvalue.monthly import declared
from pointvalue.special import case_prices
from pointvalue.terms import MonthlyBasis, Route
from pointvalue.view import pool_view

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
_NONE = np.zeros(0, np.int64)
_GROUPED = ("status", "reason", "leaf", "severity", "auxiliary")


@dataclass(frozen=True)
class Left:
    """Rows that are not settled: their places among the rows given, and what they hold."""

    places: I64
    rows: LeanRows


@dataclass(frozen=True)
class Piece:
    """What became of some accepted rows. `pots` by number of pot."""

    settled: int
    other_period: Left | None
    misfits: Mapping[Misfit, Left]
    """Rows the run cannot settle."""
    sums: dict[int, I64]
    pots: Mapping[int, dict[str, npt.NDArray[Any]]]
    shown: Shown


class Pieces:
    """Makes pieces of one run."""

    def __init__(self, area: Area, resolved: ResolvedPolicy, scope: Scope, mapping: bool | None, also: Edition | None):
        self.area, self.resolved, self.terms = area, resolved, resolved.area
        self.scope, self.slots = scope, Slots(resolved.area)
        self.pots = pots_of(resolved)
        self.kept = kept_columns(resolved.area, self.pots)
        self._pot = _pot_table(resolved)
        self._grouping = [_grouping(edition, mapping) for edition in area.editions.editions]
        self._also = None if also is None else lean_grouping(also, mapping)
        self._also_edition = also
        codes = also.group_codes if also is not None and also.kind == "drg" else None
        self._showing = Showing(resolved.area, area.editions, codes)
        places = {code: place for place, code in enumerate(resolved.area.hospital_codes)}
        self._hospital = Answers(lambda code: places.get(code, NONE), NONE)
        self._days = [(day - EPOCH).days for day in (scope.first, scope.last)]

    def piece(self, rows: LeanRows) -> Piece:
        """Group, score and sum the rows, which are used up: rows that stay out are cut from the very arrays."""
        dates = rows.numbers[self.scope.date_column].values
        hospital, edition = rows.texts["fixmedins_code"], self._place(rows)
        verdict = np.empty(len(rows), np.uint8)
        known = self._hospital.of(hospital.words)
        first, last = self._days
        settled = judge_rows(shut(dates), first, last, shut(hospital.ids), known, edition, verdict)
        if settled == len(rows):
            return self._settled(rows, edition, None, {})
        wrong = {
            Misfit.HOSPITAL_UNKNOWN: verdict == NO_HOSPITAL,
            Misfit.NO_EDITION: (verdict == UNPLACED) & (edition == NO_EDITION),
            Misfit.NO_SCHEME: (verdict == UNPLACED) & (edition == NO_SCHEME),
        }
        misfits = {kind: _left(rows, mask) for kind, mask in wrong.items() if mask.any()}
        outside = verdict == OTHER_PERIOD
        other = _left(rows, outside) if outside.any() else None
        inside = verdict == SETTLED
        rows, edition = kept_rows(rows, np.flatnonzero(~inside)), edition[inside]
        return self._settled(rows, edition, other, misfits)

    def _place(self, rows: LeanRows) -> npt.NDArray[np.int8]:
        """See `Editions.place`."""
        editions = self.area.editions
        days = rows.numbers.get(editions.date_column)
        if editions.router is not None or days is None:
            frame = frame_of(rows, {editions.date_column}) if editions.router is None else whole_frame(rows)
            return editions.place(frame)
        found = np.zeros(len(rows), np.int8)
        if not editions.always:
            missing = np.zeros(0, np.bool_) if days.missing is None else days.missing
            never = np.iinfo(np.int64).min
            editions_on(shut(days.values), shut(missing), editions.edges, never, NO_EDITION, found)
        return found

    def _settled(
        self, rows: LeanRows, edition: npt.NDArray[np.int8], other: Left | None, misfits: Mapping[Misfit, Left]
    ) -> Piece:
        found = self._groups(rows, edition)
        made = {name: getattr(found, name) for name in _GROUPED} | {"edition": edition, "act_ipt_days": _stay(rows)}
        made |= self._facts(rows)
        book = LeanBook.of(rows, made, (found.dip_code, found.dip_texts))
        cases = case_columns(book, self.area, self.resolved)
        scored = score(cases, self.terms)
        prices = self._prices(cases, scored)
        declared = self._declared(cases, scored)
        divided = divide(self.slots, self._pot, self.kept, cases, scored, declared, prices)
        if prices is None and divided.apart:
            prices = _as_booked(cases, scored)
        price = _NONE if prices is None else prices[1]
        return Piece(
            settled=len(rows),
            other_period=other,
            misfits=misfits,
            sums=divided.sums,
            pots=divided.inside,
            shown=self._shown(rows, book, found, cases, scored, divided.pot, price),
        )

    def _facts(self, rows: LeanRows) -> dict[str, npt.NDArray[Any]]:
        """What a policy asks of the record: bits for conditions and operations, the share of Chinese medicine."""
        asked = self.resolved.facts.asked
        if not asked.conditions and not asked.operations and not asked.fees:
            return {}
        own = replace(asked, required=tuple(FEES.values()) if asked.fees else (), optional=())
        return {name: np.asarray(values.to_numpy()) for name, values in fact_columns(whole_frame(rows), own).items()}

    def _groups(self, rows: LeanRows, edition: npt.NDArray[np.int8]) -> LeanGroups:
        """Every case by its own edition: all by the commonest, then the others again by theirs."""
        counts = np.bincount(edition, minlength=len(self._grouping))
        first = int(np.argmax(counts))
        found = self._grouping[first](rows)
        for place in np.flatnonzero(counts).tolist():
            if place != first:
                own = np.flatnonzero(edition == place)
                found = _laid_over(found, own, self._grouping[place](rows.take(own)))
        return found

    def _prices(self, cases: CaseColumns, scored: Scored) -> tuple[I64, I64] | None:
        """(full price, fund part) of cases that no pot pays; nothing for those a contract or another budget pays. None:
        all are paid as booked."""
        if not any(isinstance(scheme, FixedScheme) for scheme in self.terms.schemes):
            return None
        gross, price = _as_booked(cases, scored)
        for index in range(len(self.terms.pools)):
            view = pool_view(cases, scored, self.terms, index)
            rows = view.routed(Route.FIXED)
            for line, name in enumerate(scored.lines):
                own = rows[scored.line[rows] == line]
                if len(own):
                    gross[own], price[own] = case_prices(view, name, own)
        return gross, price

    def _declared(self, cases: CaseColumns, scored: Scored) -> I64:
        """What each case declares in its month."""
        pools = self.terms.pools
        if not any(terms.basis is MonthlyBasis.POINTS for pool in pools for terms in pool.months):
            return cases.fund_fen
        amount = np.zeros(len(cases), np.int64)
        for index in range(len(pools)):
            rows = np.flatnonzero(cases.pool == index)
            amount[rows] = declared(cases, scored, self.terms, index, rows)
        return amount

    def _shown(
        self,
        rows: LeanRows,
        book: LeanBook,
        found: LeanGroups,
        cases: CaseColumns,
        scored: Scored,
        pot: npt.NDArray[np.int16],
        price: I64,
    ) -> Shown:
        """What the result shows of the cases, money of the pots apart."""
        dip, groups = (found.dip_code, found.dip_texts), None
        if self._also is not None and self._also_edition is not None:
            beside = self._also(rows)
            if self._also_edition.kind == "dip":
                dip = beside.dip_code, beside.dip_texts
            else:
                groups = beside.leaf
        if groups is None:
            groups = np.empty(len(rows), np.int32)
            edition, status, leaf = (shut(book.column(name)) for name in ("edition", "status", "leaf"))
            begins, sizes = self.area.editions.result_places
            results_of(edition, status, leaf, begins, sizes, int(GroupStatus.INVALID), groups)
        months = rows.texts["setl_ym"]
        return self._showing.of(
            Seen(
                ids=rows.ids,
                hospital=cases.hospital,
                pool=cases.pool,
                months=(months.ids, tuple(months.words.texts)),
                groups=groups,
                dip=dip,
                classes=(scored.class_index, tuple(each.id for each in scored.classes)),
                points=scored.points_e4,
                pot=pot,
                price=price,
                at_cost=None if cases.given_points_e4 is None else cases.given_points_e4 < 0,
            )
        )


def _as_booked(cases: CaseColumns, scored: Scored) -> tuple[I64, I64]:
    """(full price, fund part) of cases that no pot pays, where no scheme has a price of its own."""
    gross, price = np.empty(len(cases), np.int64), np.empty(len(cases), np.int64)
    columns = shut(scored.route), shut(cases.cost_fen), shut(cases.fund_fen)
    price_plainly(*columns, int(Route.POT), AS_BOOKED, gross, price)
    return gross, price


def _left(rows: LeanRows, mask: npt.NDArray[np.bool_]) -> Left:
    places = np.flatnonzero(mask)
    return Left(places, rows.take(places))


def _grouping(edition: Edition, mapping: bool | None) -> LeanGrouping:
    """Packs group arrays; what a policy's own scheme says of a case it says of frames."""
    if edition.kind in ("drg", "dip"):
        return lean_grouping(edition, mapping)
    group = edition.grouping(mapping)

    def by_frame(rows: LeanRows) -> LeanGroups:
        made = group(whole_frame(rows))
        none, code = np.full(len(rows), NONE, np.int32), made.get("dip_code")
        texts = pa.nulls(len(rows), pa.string()) if code is None else code.cast(pa.string())
        coded = texts.dictionary_encode()
        return LeanGroups(
            status=np.asarray(made["status"].to_numpy(), np.uint8),
            reason=np.asarray(made["reason"].to_numpy(), np.uint8),
            leaf=np.asarray(made["leaf"].to_numpy(), np.int32),
            severity=np.zeros(len(rows), np.uint8),
            auxiliary=none,
            main=none,
            dip_code=np.asarray(coded.indices.fill_null(NONE).to_numpy(), np.int32),
            dip_texts=tuple(coded.dictionary.to_pylist()),
        )

    return by_frame


def _laid_over(found: LeanGroups, rows: I64, own: LeanGroups) -> LeanGroups:
    """The answers with those of some rows in place of what stood there."""
    made = {each.name: np.array(getattr(found, each.name)) for each in fields(found) if each.name != "dip_texts"}
    for name, values in made.items():
        values[rows] = getattr(own, name)
    made["dip_code"][rows] = np.where(own.dip_code >= 0, own.dip_code + len(found.dip_texts), NONE)
    return LeanGroups(**made, dip_texts=(*found.dip_texts, *own.dip_texts))


def pots_of(resolved: ResolvedPolicy) -> list[tuple[int, str]]:
    """(pool, label) of every pot of the year, in the order the clearing takes them."""
    return [(place, pot.label) for place, pool in enumerate(resolved.area.pools) for pot in pool.pots]


def _pot_table(resolved: ResolvedPolicy) -> I32:
    """Number of the pot by pool, scheme and hospital; −1 where there is none or more than one."""
    area = resolved.area
    names = [scheme.name for scheme in area.schemes]
    table = np.full((len(area.pools), len(names), len(area.hospitals)), NONE, np.int32)
    hits = np.zeros_like(table)
    number = 0
    for place, pool in enumerate(area.pools):
        for pot in pool.pots:
            own = np.array([pot.county in (None, hospital.county) for hospital in area.hospitals], np.bool_)
            table[place, names.index(pot.scheme), own] = number
            hits[place, names.index(pot.scheme), own] += 1
            number += 1
    table[hits > 1] = NONE
    return table


def _stay(rows: LeanRows) -> I32:
    """Days of stay as settling sees them (see `engine.conditions.stay_days`)."""
    sent = rows.numbers.get("act_ipt_days")
    if sent is not None and sent.missing is None and sent.values.dtype == np.int32:
        return sent.values
    days = frame_of(rows, {"act_ipt_days", "adm_on", "discharged_on"}).select(stay=stay_days()).to_series()
    return np.asarray(days.cast(pl.Int64).to_numpy()).astype(np.int32)
