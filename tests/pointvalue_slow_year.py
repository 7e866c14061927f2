"""A second clearing of a year, straight from the rule text: dictionaries, fractions, no arrays, no engine code.

In: `area` and `cases` of a contract file; out: posting lines {(pool, hospital, period, label): fen} and case figures.
It shares with the engine nothing but the file form, so that agreement means something. It is slow and checks nothing.
"""

from collections import defaultdict
from fractions import Fraction as F
from math import floor

from tests.pointvalue_slow_fixed import SlowFixed, at_score
from tests.pointvalue_slow_score import allocate, f, half_up, prorate


def extra_points(audit, case):
    """Points deducted on top of a cancelled case: multiple × base, kept to four places as all points are."""
    return F(half_up(f(audit["extra_base_multiple"]) * f(case["base"]) * 10_000), 10_000)


class SlowYear(SlowFixed):
    def __init__(self, area, cases):
        self.area, self.year = area, str(area["year"])
        self.lines = defaultdict(int)
        self.points, self.klass, self.line_of, self.ranked = {}, {}, {}, {}
        self.standard, self.fund = {}, {}
        settle = area.get("period_by", "settle")
        self.cases = {c["id"]: c for c in sorted(cases, key=lambda c: c["id"]) if c[settle][:4] == self.year}
        self.readmitted = {c["readmission_of"] for c in self.cases.values() if "readmission_of" in c}
        self.audits = {a["case"]: a for a in area.get("audits", []) if a.get("kind", "cancel") == "cancel"}
        for case in self.cases.values():
            self.score(case)
        for pool in area["pools"]:
            self.clear(pool)

    def post(self, pool, hospital, cause, amount, period=None):
        self.lines[pool, hospital, period or self.year, cause] += amount

    def reserve(self, pool):
        return sum(amount for (p, h, _, _), amount in self.lines.items() if p == pool and h == "")

    # --- the year
    def given(self, pool, key, default=None):
        own, common = self.area["pools"][pool], self.area["clearing"]
        mine, shared = own.get(key), common.get(key)
        if isinstance(mine, dict) and isinstance(shared, dict):
            return {**shared, **mine}
        return mine if key in own else common.get(key, default)

    def clear(self, pool):
        self.months(pool)
        own = self.area["pools"][pool]
        mine = [c for c in self.cases.values() if c["pool"] == pool]
        total = own["plan_fen"]
        if own.get("growth_cap") is not None:
            total = min(total, floor(own["prior_actual_fen"] * (1 + f(own["growth_cap"]))))
        total += own.get("adjustment_fen", 0)
        outside, allotted = sum(own["outside_fen"].values()), own["fixed_lines_fen"]
        reserve = self.given(pool, "reserve")
        base = total if reserve["base"] == "total" else total - outside - sum(allotted.values())
        set_aside = half_up(f(reserve["rate"]) * base)
        self.post(pool, "", "reserve_set_aside", set_aside)
        fund = total - set_aside - outside - sum(allotted.values())
        fund += self.fixed(pool, mine, allotted)
        if fund < 0:
            raise ValueError("stop")
        cancelled = {key for key in self.audits if key in self.cases and self.cases[key]["pool"] == pool}
        live = [c for c in mine if c["id"] in self.points and c["id"] not in cancelled]
        regional = self.given(pool, "pool_sharing")
        spend = sum(c["fund_fen"] for c in live)
        if regional:
            if spend > fund:
                adjust = min(
                    half_up((1 - f(regional["deficit_to_hospitals"])) * (spend - fund)), max(0, self.reserve(pool))
                )
            else:
                adjust = -half_up((1 - f(regional["surplus_to_hospitals"])) * (fund - spend))
            self.post(pool, "", "pool_sharing", -adjust)
            fund += adjust
        self.pots(pool, fund, mine, cancelled)
        self.after_pots(pool, live, reserve)

    def pots(self, pool, fund, mine, cancelled):
        own, pv = self.area["pools"][pool], self.given(pool, "point_value")
        names = [p.get("pot") or ".".join(filter(None, (p["scheme"], p.get("county")))) for p in own["pots"]]
        funds = prorate({place: f(p["ratio"]) for place, p in enumerate(own["pots"])}, fund)
        rho = f(pv["ratio"]) if pv.get("ratio") is not None else None
        share = rho if pv["payable"] == "times_ratio" else F(1)
        release = self.area.get("penalties", {}).get("patient_part", "keep") == "release"
        self.unit, self.over, self.claw = {}, {}, []
        self.live_s, self.live_g = defaultdict(int), defaultdict(F)
        floors, caps = [], []
        for place, (name, pot) in enumerate(zip(names, own["pots"], strict=True)):
            inside = [
                c
                for c in mine
                if c["id"] in self.points
                and c["scheme"] == pot["scheme"]
                and pot.get("county") in (None, self.area["hospitals"][c["hospital"]]["county"])
            ]
            items, patients = {}, {}
            for case in inside:
                audit = self.audits.get(case["id"]) if case["id"] in cancelled else None
                items[case["id"]], patients[case["id"]] = self.points[case["id"]], case["patient_fen"]
                if audit and audit["pv"] == "recomputed":
                    items[case["id"]] = F(0)
                    extra = extra_points(audit, case)
                    if extra:
                        items[case["id"] + "#penalty"] = -extra
                    if release:
                        patients[case["id"]] = 0
            big_f, sum_p, sum_pts = funds[place], sum(patients.values()), sum(items.values())
            n = {"total_cost_observed": F(big_f + sum_p), "fund": F(big_f)}.get(pv["basis"])
            n = big_f / rho if n is None else n
            value = F(0)
            if sum_pts > 0:
                value = n / sum_pts
                ref = pot.get("budget_pv", self.area["schemes"][pot["scheme"]]["budget_pv"].get(pool))
                ref = None if ref is None else f(ref) * 100
                if pot.get("price") is not None:
                    value = f(pot["price"]) * 100
                elif ref is not None:
                    if pv.get("upper") is not None:
                        value = min(value, ref * f(pv["upper"]))
                    if pv.get("lower") is not None and value < ref * f(pv["lower"]):
                        reach = n / sum_pts + max(0, self.reserve(pool)) / (share * sum_pts)
                        value = min(ref * f(pv["lower"]), reach)
            unit = F(100, 10 ** pv["dp"]) if pv["dp"] is not None else None
            published = value
            if unit is not None:
                published = unit * (half_up(value / unit) if pv["mode"] == "half_up" else floor(value / unit))
            total = half_up(share * published * sum_pts)
            got = allocate({key: share * published * points for key, points in items.items()}, total)
            minus = pv["payable"] == "minus_patient"
            left = big_f - total + (sum_p if minus else 0)
            basis = half_up(big_f - n + sum_p) if pv["basis"] == "total_cost_ratio" and minus else 0
            spill = half_up(share * (n - value * sum_pts))
            self.post(pool, "", f"basis_difference.{name}", basis)
            self.post(pool, "", f"pv_bound_spill.{name}", spill)
            self.post(pool, "", f"pv_rounding.{name}", left - basis - spill)
            unit_s = defaultdict(int)
            floored = 0
            for key, amount in got.items():
                case = self.cases[key.removesuffix("#penalty")]
                hospital = case["hospital"]
                if key.endswith("#penalty"):
                    self.post(pool, hospital, f"audit_points.{name}", amount)
                    unit_s[hospital] += amount
                    continue
                s = amount - (patients[key] if minus else 0)
                self.post(pool, hospital, f"standard.{name}", amount)
                self.post(pool, hospital, f"patient_borne.{name}", -patients[key] if minus else 0)
                if self.given(pool, "negative_case", "keep") == "floor_zero" and s < 0 and key not in cancelled:
                    floors.append((hospital, name, -s))
                    floored -= s
                    s = 0
                cut = max(0, s - case["fund_fen"]) if self.is_capped(case) and key not in cancelled else 0
                caps.append((hospital, name, cut))
                floored -= cut
                s -= cut
                self.standard[key], self.fund[key] = amount, s
                unit_s[hospital] += s
                if key in cancelled:
                    audit = self.audits[key]
                    if audit["pv"] == "frozen":
                        extra = extra_points(audit, case)
                        back = amount + half_up(extra * published) - (case["patient_fen"] if release and minus else 0)
                        self.claw.append((hospital, f"audit_points.{name}", -back))
                else:
                    self.live_s[hospital] += s
                    self.live_g[hospital] += published * self.points[key] if share != 1 else amount
                    self.live_g[hospital] -= F(cut) / share
            self.unit[name], self.over[name] = unit_s, max(0, floored - left)
        for hospital, name, amount in floors:
            self.post(pool, hospital, f"negative_floor.{name}", amount)
            self.post(pool, "", f"negative_floor.{name}", -amount)
        for hospital, name, amount in caps:
            self.both(pool, hospital, f"out_of_area_cap.{name}", -amount)
        self.share = share

    def is_capped(self, case):
        """A patient from elsewhere is paid no more than what the stay booked, where the area says so."""
        return self.area.get("out_of_area", {}).get("cap") == "ffs" and "out_of_area" in case.get("flags", [])

    def both(self, pool, hospital, cause, amount):
        self.post(pool, hospital, cause, amount)
        self.post(pool, "", cause, -amount)

    def after_pots(self, pool, live, reserve):
        s_h, g_h = dict(self.live_s), dict(self.live_g)
        a_h, c_h, n_h = defaultdict(int), defaultdict(int), defaultdict(int)
        for case in live:
            a_h[case["hospital"]] += case["fund_fen"]
            c_h[case["hospital"]] += case["cost_fen"]
            n_h[case["hospital"]] += 1
        sharing = self.given(pool, "sharing")
        also = (sharing or {}).get("also_schemes") or []
        for case in self.cases.values():
            if case["pool"] == pool and self.line_of.get(case["id"]) in also:
                a_h[case["hospital"]] += case["fund_fen"]
                c_h[case["hospital"]] += case["cost_fen"]
                n_h[case["hospital"]] += 1
        for (line, hospital), amount in self.fixed_paid.items():
            if line in also:
                s_h[hospital] = s_h.get(hospital, 0) + amount
                g_h[hospital] = g_h.get(hospital, F(0)) + self.fixed_gross[line, hospital]
        # 7b
        short = max(0, -self.reserve(pool))
        units = {
            **{("fixed", k): v for k, v in self.fixed_over.items()},
            **{("pot", k): v for k, v in self.over.items()},
        }
        order = dict(enumerate(sorted(units)))
        for place, part in prorate({place: units[key] for place, key in order.items()}, short).items():
            kind, name = order[place]
            paid = self.unit[name] if kind == "pot" else {h: a for (x, h), a in self.fixed_paid.items() if x == name}
            for hospital, cut in prorate({h: max(0, a) for h, a in paid.items()}, part).items():
                self.both(pool, hospital, "standard_scaled_back", -cut)
                if kind == "pot" or name in also:
                    s_h[hospital] = s_h.get(hospital, 0) - cut
                    g_h[hospital] = g_h.get(hospital, F(0)) - cut / self.share
        # 7c
        cap = self.given(pool, "hospital_growth_cap")
        for hospital in s_h if cap else ():
            prior = cap["prior_fen"].get(f"{hospital}/{pool}")
            if prior is not None and s_h[hospital] > floor(prior * (1 + f(cap["rate"]))):
                cut = s_h[hospital] - floor(prior * (1 + f(cap["rate"])))
                self.both(pool, hospital, "growth_cap_cut", -cut)
                s_h[hospital] -= cut
                g_h[hospital] -= cut / self.share
        # 8, 9
        claims = {}
        assessment = self.area["assessment"]
        for hospital in sorted(s_h):
            score = self.area["hospitals"][hospital]["score"]
            alpha = at_score(assessment["tiers"], "coef", score)
            if "standard" in assessment["applies_to"]:
                cut = half_up((1 - alpha) * max(0, s_h[hospital]))
                self.both(pool, hospital, "assessment_cut.standard", -cut)
            if sharing is None or not n_h[hospital]:
                continue
            cost = sharing["amount"] == "total_cost"
            std, act = (g_h[hospital], c_h[hospital]) if cost else (s_h[hospital], a_h[hospital])
            mean = F(a_h[hospital], c_h[hospital]) if cost and c_h[hospital] else F(1)
            den = F(std)
            if sharing["denominator"] == "quota":
                den = F(sharing["quota"][f"{hospital}/{pool}"])
            if den <= 0:
                continue
            side, gap = ("surplus", std - act) if std > act else ("overspend", act - std)
            part = F(0)
            for tier in sharing["tiers"]:
                if tier["side"] == side:
                    top = gap if tier["to"] is None else min(gap, f(tier["to"]) * den)
                    part += f(tier["share"]) * max(F(0), top - f(tier["from"]) * den)
            limit = sharing.get(f"{side}_cap")
            if limit is not None:
                part = min(part, f(limit) * den)
            if side == "surplus":
                below = sharing.get("actual_below")
                if below is not None and act < f(below) * std:
                    part = F(0)
                self.both(pool, hospital, "surplus_returned", -half_up(mean * (gap - part)))
                if "surplus" in assessment["applies_to"]:
                    self.both(pool, hospital, "assessment_cut.surplus", -half_up((1 - alpha) * mean * part))
            else:
                claims[hospital] = mean * part * (alpha if "overspend" in assessment["applies_to"] else 1)
        # 10
        available = max(0, floor(f(reserve.get("for_shares", 1)) * self.reserve(pool)))
        whole = sum(claims.values())
        if whole:
            k = min(F(1), available / whole)
            shares = allocate({h: claim * k for h, claim in claims.items()}, min(half_up(whole), available))
            for hospital, amount in shares.items():
                self.both(pool, hospital, "overspend_shared", amount)
        # 11
        for hospital, cause, amount in self.claw:
            self.both(pool, hospital, cause, amount)
        for line in self.area.get("money_lines", []):
            if line["pool"] == pool:
                sign = -1 if line["cause"] == "audit_money" else 1
                name = f".{line['name']}" if line.get("name") else ""
                self.both(pool, line["hospital"], line["cause"] + name, sign * line["amount_fen"])
        for hospital in self.area["hospitals"]:
            self.cash(pool, hospital)

    def cash(self, pool, hospital):
        mine = {(period, cause): a for (p, h, period, cause), a in self.lines.items() if (p, h) == (pool, hospital)}
        entitled = sum(a for (period, cause), a in mine.items() if period == self.year)
        month = defaultdict(int)
        for (period, cause), amount in mine.items():
            if period != self.year:
                month[cause] += amount
        score = self.area["hospitals"][hospital]["score"]
        release = at_score(self.area["deposit"]["release"], "release", score)
        held = -month["deposit_withheld"]
        back = half_up(release * held)
        supplier = self.area.get("supplier_paid", {}).get(f"{hospital}/{pool}", 0)
        final = entitled - month["prepayment"] + back - supplier - month["advance_paid"]
        self.post(pool, hospital, "prepaid", -month["prepayment"])
        self.post(pool, hospital, "quality_deposit", back)
        self.post(pool, "", "deposit_forfeited", held - back)
        self.post(pool, hospital, "supplier_paid", -supplier)
        self.post(pool, hospital, "advance_recovered", -month["advance_paid"])
        if final < 0 and self.given(pool, "negative_final", "carry") == "carry":
            self.post(pool, hospital, "carried_to_next_year", -final)

    def posted(self):
        return {key: amount for key, amount in self.lines.items() if amount}
