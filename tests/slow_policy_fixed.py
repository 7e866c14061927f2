"""Months and fixed lines of the second clearing, from the policy files. No engine code. See `slow_policy_year`."""

from calendar import monthrange
from collections import defaultdict
from fractions import Fraction as F

from tests.pointvalue_slow_score import allocate
from tests.slow_policy_book import f, fen
from tests.slow_policy_routes import quotas
from tests.slow_policy_score import Scores, half_up


def at_score(table, key, score):
    """What a table of scores gives: the highest step reached, or all but so much per point under a threshold."""
    if isinstance(table, dict):
        missing = max(F(0), f(table["threshold"]) - f(score))
        return max(F(0), 1 - missing * f(table["per_point"]))
    reached = [step for step in table if f(score) >= f(step["score_from"])]
    return f(max(reached, key=lambda step: f(step["score_from"]))[key])


class FixedLines:
    """`book`, `cases`, `post` and the rest are the year's."""

    # --- §3
    def months(self, pool):
        contracts = [each for each in self.of_year("contracts", ()) if each["pool"] == pool]
        for month in range(1, 13):
            period, last = f"{self.year}-{month:02d}", f"{self.year}-{month:02d}-{monthrange(int(self.year), month)[1]}"
            mine = [case for case in self.cases.values() if case[self.period][:7] == period]
            points = self.points_of_month(mine)
            by_hospital = defaultdict(list)
            for case in mine:
                if case["pool"] == pool:
                    by_hospital[case["hospital"]].append(case)
            for hospital in self.hospitals:
                twelfth = 0
                for contract in contracts:
                    if contract["hospital"] == hospital:
                        amount = self.worth(contract)
                        twelfth += allocate({m: F(amount, 12) for m in range(1, 13)}, amount)[month]
                declared = sum(self.declared(pool, last, case, points) for case in by_hospital[hospital])
                quota = (self.book.at("monthly.quota", last) or {}).get(f"{hospital}/{pool}")
                taken = max(0, declared if quota is None else min(declared, fen(quota)))
                rho = self.book.pool("monthly.rate", last, pool, "1")
                rho = (self.book.pool("monthly.rate_by_credit", last, pool) or {}).get(
                    self.hospitals[hospital]["credit"], rho
                )
                payable = half_up(f(rho) * (taken + twelfth))
                self.post(pool, hospital, "prepayment", payable, period)
                delta = f(self.book.pool("deposit.rate", last, pool))
                self.post(pool, hospital, "deposit_withheld", -half_up(delta * payable), period)
        for key, text in self.of_year("advance", {}).items():
            hospital, _, of = key.partition("/")
            if of == pool:
                self.post(pool, hospital, "advance_paid", fen(text), f"{self.year}-01")

    def points_of_month(self, mine):
        """Points as they were known in the month: a top share, a readmission among the cases that had come by then."""
        among = "readmission" in self.book.tops or "top_share" in str(self.book.tops.get("case_classes"))
        return Scores(self.book, self.year, mine, self.routes).points if self.by_month and among else self.points

    def declared(self, pool, last, case, points):
        if case["kind"] in ("bundle", "capitation", "excluded"):
            return 0
        if self.book.pool("monthly.basis", last, pool, "booked_fund") == "points" and case["id"] in points:
            price = self.book.at("points.budget_point_value", self.end)[case["scheme"]][pool]
            return half_up(points[case["id"]] * f(price) * 100) - case["patient"]
        return case["fund"]

    def worth(self, contract):
        if contract["kind"] == "bundle":
            return fen(contract["package"])
        return half_up(f(contract["assessment"]) * fen(contract["rate"]) * int(contract["enrolled"]))

    # --- step 6a
    def fixed(self, pool, mine, lines):
        """Post the fixed lines; what moves to the point fund."""
        self.paid, self.full, self.fixed_over = defaultdict(int), defaultdict(int), {}
        for case in mine:
            if case["id"] in self.line:
                self.fixed_case(pool, case, self.line[case["id"]])
        outside = 0
        for contract in self.of_year("contracts", ()):
            if contract["pool"] == pool and contract["kind"] == "capitation":
                self.paid["capitation", contract["hospital"]] += self.worth(contract)
            elif contract["pool"] == pool:
                self.paid["bundle", contract["hospital"]] += self.bundle(contract, mine)
                outside += fen(contract["outside"])
        moved = 0
        variance = self.value("budget.fixed_variance", pool, "reserve")
        by_line = self.value("budget.fixed_variance_by_line", pool, {})
        for line in {*lines, *(line for line, _ in self.paid)}:
            left = lines.get(line, 0) - sum(amount for (of, _), amount in self.paid.items() if of == line)
            left -= outside if line == "bundle" else 0
            if by_line.get(line, "points" if line == "special" else variance) == "points":
                moved, self.moved = moved + left, self.moved + 1
            else:
                self.post(pool, "", f"fixed_variance.{line}", left)
                self.fixed_over[line] = max(0, -left)
        for (line, hospital), amount in self.paid.items():
            self.post(pool, hospital, f"fixed_standard.{line}", amount)
        return moved

    def fixed_case(self, pool, case, line):
        kind, hospital = case["kind"], case["hospital"]
        if kind in ("bundle", "capitation", "excluded"):
            self.fund[case["id"]] = 0
            return
        if kind == "epidemic":
            self.post(pool, hospital, "epidemic_outside", case["fund"])
            self.fund[case["id"]] = case["fund"]
            return
        amount, full = case.get("approved fund", case["fund"]), case["cost"]
        if kind == "bed_day":
            tiers = (self.book.at("bed_day.tiers_by_category", case["day"]) or {}).get(case["group"])
            tiers = tiers or self.book.at("bed_day.tiers", case["day"])
            full = sum(fen(tier["rate"]) for day in range(1, case["days"] + 1) for tier in tiers if within(day, tier))
            amount = half_up(full * f(self.book.at("bed_day.fund_ratio", case["day"])[pool]))
        elif kind == "single":
            level = self.hospitals[hospital]["hi_setl_lv"]
            full = quotas(self.book, case["day"])[case["group"], level, pool]
            ratio = f(self.book.at("single_disease.fund_ratio", case["day"])[pool])
            deviation = self.book.at("single_disease.deviation", self.end)
            amount = self.around(case, full, ratio, deviation) if deviation else half_up(full * ratio)
        self.paid[line, hospital] += amount
        self.full[line, hospital] += full
        self.fund[case["id"]] = amount

    def around(self, case, quota, p, deviation):
        """Shared around the quota: C ≤ Q: p·C + share·min(Q − C, width·Q), else p·Q + share·p̄·min(C − Q, width·Q)."""
        share, band = f(deviation["share"]), f(deviation["width"]) * quota
        if case["cost"] <= quota:
            return half_up(p * case["cost"] + share * min(quota - case["cost"], band))
        own = (self.book.at("single_disease.own_ratio", self.end) or {}).get(f"{case['hospital']}/{case['pool']}")
        if own is None:
            own = self.own_ratio(case["scheme"], case["hospital"], case["pool"])
        return half_up(p * quota + share * F(own) * min(case["cost"] - quota, band))

    def own_ratio(self, *mine):
        """p̄: what the hospital's own cases of the scheme show in the pool."""
        if mine not in self.own:
            same = [c for c in self.cases.values() if (c["scheme"], c["hospital"], c["pool"]) == mine]
            self.own[mine] = F(sum(c["fund"] for c in same), sum(c["cost"] for c in same))
        return self.own[mine]

    def bundle(self, contract, mine):
        members = contract.get("members") or [contract["hospital"]]
        spent = sum(case["fund"] for case in mine if case["kind"] == "bundle" and case["hospital"] in members)
        inside = fen(contract["inside"]) if "inside" in contract else spent
        surplus = fen(contract["package"]) - inside - fen(contract["outside"])
        if surplus >= 0:
            return inside + half_up(f(contract["retain"]) * surplus)
        return inside + surplus + half_up(f(contract["fund_bears_deficit"]) * -surplus)


def within(day, tier):
    return int(tier["from"]) <= day and (tier["to"] == "null" or day <= int(tier["to"]))
