"""A settlement year cleared a second time from the policy files and the case file, with fractions. No engine code.

In: policy folder, case file, year, and whether months were settled one by one. Out: class, points, standard and fund
part by case, the refused cases, every posting line {(pool, hospital, period, label): fen}, next year's base by pool.
Written from the rule text step by step; `Refused` where the text says to stop.
"""

from collections import defaultdict
from fractions import Fraction as F
from functools import cached_property
from math import floor

from tests.pointvalue_slow_score import allocate, prorate
from tests.slow_policy_book import Book, f, fen
from tests.slow_policy_fixed import FixedLines, at_score
from tests.slow_policy_routes import Routes, hospitals, read_cases
from tests.slow_policy_score import Scores, half_up

NEXT_BASE = ("standard", "patient_borne", "out_of_area_cap", "fixed_standard", "surplus_returned", "audit_points")
POOLS = ("310", "390")


class Refused(Exception):
    """The rules stop here: nothing may be paid."""


class SlowPolicyYear(FixedLines):
    def __init__(self, folder, file, year, by_month=False):
        self.book, self.year, self.end = Book(folder), str(year), f"{year}-12-31"
        self.hospitals, self.by_month = hospitals(self.book, year), by_month
        self.period = (
            "settled" if self.book.at("area.period_by", self.end, "settle_date") == "settle_date" else "discharged"
        )
        routes = self.routes = Routes(self.book, year)
        self.refused, self.cases = {}, {}
        for case in sorted(read_cases(file), key=lambda case: case["id"]):
            unknown_person = "readmission" in self.book.tops and not case["psn_no"]
            if case[self.period][:4] != self.year and not unknown_person:
                continue
            why = "V026" if unknown_person else routes.place(case)
            if why is not None:
                self.refused[case["id"]] = why
            else:
                self.cases[case["id"]] = case
        self.kinds = {each["id"]: each["kind"] for each in self.book.at("area.schemes", self.end)}
        self.lines, self.standard, self.fund, self.own, self.moved = defaultdict(int), {}, {}, {}, 0

    def renew(self):
        """Read the policy files again, once something was added that changes no routing."""
        self.book = Book(self.book.folder)

    @cached_property
    def scores(self):
        return Scores(self.book, self.year, list(self.cases.values()), self.routes)

    @property
    def points(self):
        return self.scores.points

    @property
    def line(self):
        return self.scores.line

    def clear(self):
        """Every pool by itself; months first, for what was prepaid."""
        self.audits = {}
        for audit in self.book.at("audits", self.end, ()):
            if audit["kind"] == "cancel":
                multiple = audit.get("extra_base_multiple")
                if multiple is None:
                    behaviour = audit.get("behaviour")
                    multiple = "0" if behaviour is None else self.book.at("penalties.behaviours", self.end)[behaviour]
                pv = audit.get("pv") or self.book.at("penalties.pv", self.end, "recomputed")
                self.audits[audit["case"]] = {"multiple": f(multiple), "pv": pv}
        for pool in POOLS:
            self.months(pool)
            self.clear_pool(pool)
            if self.reserve(pool) < 0:
                raise Refused(f"the reserve of {pool} ends below zero")
        return self

    # --- posting
    def post(self, pool, hospital, label, amount, period=None):
        if amount:
            self.lines[pool, hospital, period or self.year, label] += amount

    def both(self, pool, hospital, label, amount):
        self.post(pool, hospital, label, amount)
        self.post(pool, "", label, -amount)

    def reserve(self, pool):
        return sum(amount for (of, hospital, _, _), amount in self.lines.items() if of == pool and not hospital)

    def posted(self):
        return {key: amount for key, amount in self.lines.items() if amount}

    def value(self, key, pool, default=None):
        """A value of the year: the one in force on its last day."""
        return self.book.pool(key, self.end, pool, default)

    def of_year(self, key, default=None):
        """A fact of this very year."""
        days, values = self.book.starts(key)
        held = [value for day, value in zip(days, values, strict=True) if day[:4] == self.year]
        return held[-1] if held else default

    # --- steps 2, 6a, 6b
    def budget(self, pool):
        plan = fen(self.of_year("budget.plan")[pool])
        cap = self.value("budget.growth_cap", pool)
        if cap is not None:
            plan = min(plan, floor(fen(self.of_year("budget.prior_actual")[pool]) * (1 + f(cap))))
        outside = {name: fen(text) for name, text in self.of_year("budget.outside")[pool].items()}
        lines = {name: fen(text) for name, text in self.of_year("budget.fixed_lines")[pool].items()}
        for change in self.of_year("budget.adjustments", ()):
            if change["pool"] == pool:
                for part in (outside, lines):
                    if change["line"] in part:
                        part[change["line"]] += fen(change["amount"])
                plan += fen(change["amount"]) if change["line"] == "plan" else 0
        return plan, sum(outside.values()), lines

    def clear_pool(self, pool):
        total, outside, lines = self.budget(pool)
        base = total
        if self.value("budget.reserve_base", pool, "total") == "case_based":
            base -= outside + sum(lines.values())
        reserve = half_up(f(self.value("budget.reserve_rate", pool)) * base)
        self.post(pool, "", "reserve_set_aside", reserve)
        mine = [case for case in self.cases.values() if case["pool"] == pool]
        fund = total - reserve - outside - sum(lines.values()) + self.fixed(pool, mine, lines)
        if fund < 0:
            raise Refused(f"the point fund of {pool} is below zero")
        live = [case for case in mine if case["id"] in self.points and case["id"] not in self.audits]
        regional = self.value("pool_sharing", pool)
        if regional:
            spent = sum(case["fund"] for case in live)
            if spent > fund:
                borne = half_up((1 - f(regional["deficit_to_hospitals"])) * (spent - fund))
                change = min(borne, max(0, self.reserve(pool)))
            else:
                change = -half_up((1 - f(regional["surplus_to_hospitals"])) * (fund - spent))
            self.post(pool, "", "pool_sharing", -change)
            fund += change
        self.pots(pool, fund, [case for case in mine if case["id"] in self.points])
        self.share(pool, live)

    # --- steps 5, 6c, 7
    def pots(self, pool, fund, mine):
        pots = self.value("budget.pots", pool) or [
            {"scheme": name, "ratio": "1"} for name, kind in self.kinds.items() if kind == "points"
        ]
        if not pots and fund:
            raise Refused(f"{fund} fen of {pool} stand on no line and in no pot")
        funds = prorate({place: f(pot["ratio"]) for place, pot in enumerate(pots)}, fund)
        self.basis = self.value("point_value.basis", pool, "total_cost_observed")
        self.payable = self.value("point_value.payable", pool, "minus_patient")
        self.rho = f(self.value("point_value.reimbursement_ratio", pool))
        self.part = self.rho if self.payable == "times_ratio" else F(1)
        self.unit_s, self.overrun, self.floors, self.claw = {}, {}, [], []
        self.live_s, self.live_g = defaultdict(int), defaultdict(F)
        for place, pot in enumerate(pots):
            county = pot.get("county")
            inside = [
                case for case in mine
                if case["scheme"] == pot["scheme"] and county in (None, self.hospitals[case["hospital"]]["county"])
            ]  # fmt: skip
            name = pot.get("name") or ".".join(filter(None, (pot["scheme"], county)))
            self.pot(pool, pot, name, funds[place], inside)
        for hospital, name, amount in self.floors:
            self.both(pool, hospital, f"negative_floor.{name}", amount)

    def pot(self, pool, pot, name, fund, inside):
        minus, release = self.payable == "minus_patient", self.book.at("penalties.patient_part", self.end) == "release"
        items, patients, extra = {}, {}, {}
        for case in inside:
            key, audit = case["id"], self.audits.get(case["id"])
            items[key], patients[key] = self.points[key], case["patient"]
            if audit:
                extra[key] = F(half_up(audit["multiple"] * self.scores.base[key] * 10_000), 10_000)
                if audit["pv"] == "recomputed":
                    items[key] = F(0)
                    items |= {f"{key}#penalty": -extra[key]} if extra[key] else {}
                    patients[key] = 0 if release else case["patient"]
        points, borne = sum(items.values()), sum(patients.values())
        numerator = {"total_cost_observed": F(fund + borne), "fund": F(fund)}.get(self.basis, fund / self.rho)
        value = self.bounded(pool, pot, numerator, points) if points > 0 else F(0)
        published = self.published(pool, value)
        total = half_up(self.part * published * points)
        got = allocate({key: self.part * published * x for key, x in items.items()}, total)
        left = fund - total + (borne if minus else 0)
        gap = half_up(fund - numerator + borne) if self.basis == "total_cost_ratio" and minus else 0
        spill = half_up(self.part * (numerator - value * points))
        for label, amount in (
            ("basis_difference", gap),
            ("pv_bound_spill", spill),
            ("pv_rounding", left - gap - spill),
        ):
            self.post(pool, "", f"{label}.{name}", amount)
        unit, floored = defaultdict(int), 0
        for case in inside:
            key, hospital = case["id"], case["hospital"]
            audit = self.audits.get(key)
            penalty = got.get(f"{key}#penalty", 0)
            self.post(pool, hospital, f"standard.{name}", got[key])
            self.post(pool, hospital, f"audit_points.{name}", penalty)
            self.post(pool, hospital, f"patient_borne.{name}", -patients[key] if minus else 0)
            s = got[key] - (patients[key] if minus else 0)
            if s < 0 and not audit and self.value("negative_case", pool) == "floor_zero":
                self.floors.append((hospital, name, -s))
                floored, s = floored - s, 0
            cut = max(0, s - case["fund"]) if not audit and self.is_capped(case) else 0
            self.both(pool, hospital, f"out_of_area_cap.{name}", -cut)
            floored, s = floored - cut, s - cut
            self.standard[key], self.fund[key] = got[key], s
            unit[hospital] += s + penalty
            if audit and audit["pv"] == "frozen":
                back = got[key] + half_up(extra[key] * published) - (case["patient"] if release and minus else 0)
                self.claw.append((hospital, f"audit_points.{name}", -back))
            if not audit:
                self.live_s[hospital] += s
                self.live_g[hospital] += published * self.points[key] if self.part != 1 else got[key]
                self.live_g[hospital] -= cut / self.part
        self.unit_s[name], self.overrun[name] = unit, max(0, floored - left)

    def is_capped(self, case):
        """A patient from elsewhere is paid no more than the stay booked, where the area says so."""
        return self.book.at("out_of_area.cap", self.end) == "ffs" and self.scores.from_elsewhere(case)

    def bounded(self, pool, pot, numerator, points):
        if "price" in pot:
            return f(pot["price"]) * 100
        raw = value = numerator / points
        budget = (self.book.at("points.budget_point_value", self.end) or {}).get(pot["scheme"], {}).get(pool)
        budget = pot.get("budget_point_value", budget)
        lower, upper = self.value("point_value.lower", pool), self.value("point_value.upper", pool)
        if upper is not None:
            value = min(value, f(budget) * 100 * f(upper))
        if lower is not None and value < f(budget) * 100 * f(lower):
            value = min(f(budget) * 100 * f(lower), raw + max(0, self.reserve(pool)) / (self.part * points))
        return value

    def published(self, pool, value):
        places = self.value("point_value.dp", pool, "4")
        if places == "exact":
            return value
        unit = F(100, 10 ** int(places))
        return unit * (
            floor(value / unit) if self.value("point_value.mode", pool) == "floor" else half_up(value / unit)
        )

    # --- steps 7b to 10
    def share(self, pool, live):
        also = self.value("surplus_and_overspend.also_schemes", pool, ())
        s_h, g_h = dict(self.live_s), dict(self.live_g)
        sums = defaultdict(lambda: [0, 0, 0])
        paid_lines = {line for line, _ in self.paid}
        counted = [
            c
            for c in self.cases.values()
            if c["pool"] == pool and self.line.get(c["id"]) in also and self.line[c["id"]] in paid_lines
        ]
        for case in (*live, *counted):
            for place, amount in enumerate((case["fund"], case["cost"], 1)):
                sums[case["hospital"]][place] += amount
        for (line, hospital), amount in self.paid.items():
            if line in also:
                s_h[hospital] = s_h.get(hospital, 0) + amount
                g_h[hospital] = g_h.get(hospital, F(0)) + self.full[line, hospital]
        self.scale_back(pool, also, s_h, g_h)
        self.cap_growth(pool, s_h, g_h)
        claims = {}
        for hospital in sorted(s_h):
            self.share_of(pool, hospital, s_h, g_h, sums[hospital], claims)
        whole = sum(claims.values())
        ready = max(0, floor(f(self.value("budget.reserve_for_shares", pool, "1")) * self.reserve(pool)))
        if whole:
            k = min(F(1), ready / whole)
            shares = allocate({hospital: claim * k for hospital, claim in claims.items()}, min(half_up(whole), ready))
            for hospital, amount in shares.items():
                self.both(pool, hospital, "overspend_shared", amount)
        for hospital, label, amount in (*self.claw, *self.other_lines(pool)):
            self.both(pool, hospital, label, amount)
        for hospital in self.hospitals:
            self.cash(pool, hospital)

    def scale_back(self, pool, also, s_h, g_h):
        short = max(0, -self.reserve(pool))
        units = {("fixed", name): over for name, over in self.fixed_over.items()}
        units |= {("pot", name): over for name, over in self.overrun.items()}
        order = sorted(units)
        for place, part in prorate({place: units[key] for place, key in enumerate(order)}, short).items():
            kind, name = order[place]
            paid = self.unit_s[name] if kind == "pot" else {h: a for (line, h), a in self.paid.items() if line == name}
            for hospital, cut in prorate({h: max(0, amount) for h, amount in paid.items()}, part).items():
                self.both(pool, hospital, "standard_scaled_back", -cut)
                if kind == "pot" or name in also:
                    s_h[hospital] = s_h.get(hospital, 0) - cut
                    g_h[hospital] = g_h.get(hospital, F(0)) - cut / self.part

    def cap_growth(self, pool, s_h, g_h):
        rate = self.value("hospital_growth_cap", pool)
        prior = self.of_year("hospital_growth_cap.prior", {})
        for hospital in s_h if rate is not None else ():
            if f"{hospital}/{pool}" in prior:
                cut = s_h[hospital] - floor(fen(prior[f"{hospital}/{pool}"]) * (1 + f(rate)))
                if cut > 0:
                    self.both(pool, hospital, "growth_cap_cut", -cut)
                    s_h[hospital] -= cut
                    g_h[hospital] -= cut / self.part

    def share_of(self, pool, hospital, s_h, g_h, sums, claims):
        acts = self.value("assessment.applies_to", pool, ())
        table = self.value("assessment", pool)
        alpha = at_score(table, "coefficient", self.hospitals[hospital]["score"]) if table else F(1)
        if "standard" in acts:
            self.both(pool, hospital, "assessment_cut.standard", -half_up((1 - alpha) * max(0, s_h[hospital])))
        booked, cost, count = sums
        total_cost = self.value("surplus_and_overspend.amount", pool, "fund") == "total_cost"
        std, act = (g_h[hospital], cost) if total_cost else (s_h[hospital], booked)
        mean = F(booked, cost) if total_cost and cost else F(1)
        den = F(std)
        if self.value("surplus_and_overspend.denominator", pool, "standard") == "quota":
            den = F(fen(self.of_year("surplus_and_overspend.quota")[f"{hospital}/{pool}"]))
        if den <= 0 or not count:
            return
        side, gap = ("surplus", std - act) if std > act else ("overspend", act - std)
        kept = F(0)
        for tier in self.value("surplus_and_overspend", pool):
            if tier["side"] == side:
                top = gap if tier["to"] == "null" else min(gap, f(tier["to"]) * den)
                rate = f(tier["hospital_keeps" if side == "surplus" else "fund_shares"])
                kept += rate * max(F(0), top - f(tier["from"]) * den)
        cap = self.value(f"surplus_and_overspend.{side}_cap", pool)
        kept = kept if cap is None else min(kept, f(cap) * den)
        if side == "surplus":
            below = self.value("surplus_and_overspend.actual_below", pool)
            kept = F(0) if below is not None and act < f(below) * std else kept
            self.both(pool, hospital, "surplus_returned", -half_up(mean * (gap - kept)))
            if "surplus" in acts:
                self.both(pool, hospital, "assessment_cut.surplus", -half_up((1 - alpha) * mean * kept))
        else:
            claims[hospital] = mean * kept * (alpha if "overspend" in acts else 1)

    def other_lines(self, pool):
        for audit in self.of_year("audits", ()):
            if audit["kind"] == "money" and audit["pool"] == pool:
                label = ".".join(filter(None, ("audit_money", audit.get("behaviour"))))
                yield audit["hospital"], label, -fen(audit["amount"])
        for line in self.of_year("other_lines", ()):
            if line["pool"] == pool:
                yield line["hospital"], f"other.{line['name']}", fen(line["amount"])
        for saved in self.of_year("vbp.savings", ()):
            if saved["pool"] == pool:
                ratio, retain = self.book.at("vbp.fund_ratio", self.end)[pool], self.book.at("vbp.retain", self.end)
                less = max(0, fen(saved["base"]) - fen(saved["actual"]))
                kept = half_up(less * f(ratio) * f(retain) * f(saved.get("assessment", "1")))
                yield saved["hospital"], "other.vbp_retention", kept

    # --- step 11
    def cash(self, pool, hospital):
        mine = {(period, label): a for (p, h, period, label), a in self.lines.items() if (p, h) == (pool, hospital)}
        entitled = sum(amount for (period, _), amount in mine.items() if period == self.year)
        month = defaultdict(int)
        for (period, label), amount in mine.items():
            if period != self.year:
                month[label] += amount
        held = -month["deposit_withheld"]
        release = at_score(self.value("deposit.release", pool), "release", self.hospitals[hospital]["score"])
        back = half_up(release * held)
        supplier = fen(self.of_year("supplier_paid", {}).get(f"{hospital}/{pool}", "0"))
        final = entitled - month["prepayment"] + back - supplier - month["advance_paid"]
        for label, amount in (
            ("prepaid", -month["prepayment"]), ("quality_deposit", back), ("supplier_paid", -supplier),
            ("advance_recovered", -month["advance_paid"]),
        ):  # fmt: skip
            self.post(pool, hospital, label, amount)
        self.post(pool, "", "deposit_forfeited", held - back)
        if final < 0 and self.value("negative_final", pool, "carry") == "carry":
            self.post(pool, hospital, "carried_to_next_year", -final)

    # --- step 14
    def next_base(self, pool):
        causes = self.value("next_base_include", pool, NEXT_BASE)
        return sum(
            amount for (of, hospital, period, label), amount in self.lines.items()
            if of == pool and hospital and period == self.year and label.partition(".")[0] in causes
        )  # fmt: skip
