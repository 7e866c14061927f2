"""Months and fixed lines of the second clearing, straight from the rule text. See `pointvalue_slow_year`."""

from collections import defaultdict
from fractions import Fraction as F

from tests.pointvalue_slow_score import SlowScore, allocate, f, half_up


def at_score(table, key, score):
    """What a table of scores gives: the first step reached, or all but so much per point under a threshold."""
    if isinstance(table, dict):
        missing = max(F(0), f(table["threshold_score"]) - f(score))
        return max(F(0), 1 - missing * f(table["per_point"]))
    return f(next(step[key] for step in table if f(score) >= f(step["score_from"])))


class SlowFixed(SlowScore):
    """Months and fixed lines; `post`, `given` and the cases are the year's."""

    def months(self, pool):
        monthly, deposit = self.area["monthly"], self.area["deposit"]
        settle = self.area.get("period_by", "settle")
        of_month = defaultdict(list)
        for case in self.cases.values():
            if case["pool"] == pool:
                of_month[case["hospital"], case[settle][:7]].append(case)
        for code, hospital in self.area["hospitals"].items():
            twelfths = [0] * 12
            for contract in self.area.get("contracts", []):
                if (contract["hospital"], contract["pool"]) == (code, pool):
                    amount = self.contract_amount(contract)
                    parts = allocate({month: F(amount, 12) for month in range(12)}, amount)
                    twelfths = [t + parts[m] for m, t in enumerate(twelfths)]
            for month in range(1, 13):
                period = f"{self.year}-{month:02d}"
                declared = 0
                for case in of_month.get((code, period), ()):
                    if self.area["schemes"][case["scheme"]]["kind"] == "bundle":
                        continue
                    scheme = self.area["schemes"][case["scheme"]]
                    if monthly["basis"] == "points" and case["id"] in self.points:
                        budget = f(scheme["budget_pv"][pool])
                        declared += half_up(self.points[case["id"]] * budget * 100) - case["patient_fen"]
                    else:
                        declared += case["fund_fen"]
                quota = monthly.get("quota", {}).get(f"{code}/{pool}")
                quota = quota.get(period) if isinstance(quota, dict) else quota
                taken = max(0, declared if quota is None else min(declared, quota))
                rho = f(monthly.get("rate_by_credit", {}).get(hospital["credit"], monthly["rate"]))
                payable = half_up(rho * (taken + twelfths[month - 1]))
                self.post(pool, code, "prepayment", payable, period)
                self.post(pool, code, "deposit_withheld", -half_up(f(deposit["rate"]) * payable), period)
            advance = self.area.get("advances", {}).get(f"{code}/{pool}", 0)
            self.post(pool, code, "advance_paid", advance, f"{self.year}-01")

    def contract_amount(self, contract):
        if contract["kind"] == "bundle":
            return contract["package_fen"]
        return half_up(f(contract["assessment"]) * contract["rate_fen"] * contract["enrolled"])

    def around_quota(self, scheme, case, quota):
        """A single disease whose savings and overruns are shared within a band around its quota."""
        given, p, cost = scheme["deviation"], f(scheme["fund_ratio"][case["pool"]]), case["cost_fen"]
        band = f(given["width"]) * quota
        if cost <= quota:
            return half_up(p * cost + f(given["share"]) * min(quota - cost, band))
        own = given.get("own_ratio", {}).get(f"{case['hospital']}/{case['pool']}")
        if own is None:
            same = [
                c for c in self.cases.values() if all(c[key] == case[key] for key in ("scheme", "hospital", "pool"))
            ]
            own = F(sum(c["fund_fen"] for c in same), sum(c["cost_fen"] for c in same))
        return half_up(p * quota + f(given["share"]) * f(own) * min(cost - quota, band))

    def fixed(self, pool, mine, allotted):
        paid, gross = defaultdict(int), defaultdict(int)
        bundle_outside = 0
        for case in mine:
            line = self.line_of.get(case["id"])
            if line is None:
                continue
            scheme = self.area["schemes"].get(line, {"kind": "actual"})
            key, full = (line, case["hospital"]), case["cost_fen"]
            if line == "epidemic":
                self.post(pool, case["hospital"], "epidemic_outside", case["fund_fen"])
                self.fund[case["id"]] = case["fund_fen"]
                continue
            if scheme["kind"] == "bundle":
                continue
            amount = case["special"]["approved_fund_fen"] if line == "special" else case["fund_fen"]
            if scheme["kind"] == "bed_day":
                full = sum(
                    sum(1 for d in range(t["from"], case["days"] + 1) if t["to"] is None or d <= t["to"])
                    * t["rate_fen"]
                    for t in scheme.get("tiers_by_group", {}).get(case.get("group"), scheme["tiers"])
                )
                amount = half_up(full * f(scheme["fund_ratio"][pool]))
            elif scheme["kind"] == "single":
                level = self.area["hospitals"][case["hospital"]]["level"]
                full = scheme["quota_fen"][f"{case['group']}/{level}/{pool}"]
                amount = half_up(full * f(scheme["fund_ratio"][pool]))
                if "deviation" in scheme:
                    amount = self.around_quota(scheme, case, full)
            paid[key] += amount
            gross[key] += full
            self.fund[case["id"]] = amount
        for contract in self.area.get("contracts", []):
            if contract["pool"] != pool:
                continue
            if contract["kind"] == "capitation":
                paid["capitation", contract["hospital"]] += self.contract_amount(contract)
                continue
            inside, out = contract.get("inside_fen"), contract["outside_fen"]
            if inside is None:
                members = contract.get("members") or [contract["hospital"]]
                bundled = [c for c in mine if self.area["schemes"][c["scheme"]]["kind"] == "bundle"]
                inside = sum(c["fund_fen"] for c in bundled if c["hospital"] in members)
            u = contract["package_fen"] - inside - out
            got = inside + half_up(f(contract["retain"]) * u) if u >= 0 else (
                inside + u + half_up(f(contract["fund_bears_deficit"]) * -u)
            )  # fmt: skip
            paid["bundle", contract["hospital"]] += got
            bundle_outside += out
        moved = 0
        self.fixed_paid, self.fixed_gross, self.fixed_over = paid, gross, {}
        variance = self.given(pool, "fixed_variance", {})
        for line in [*allotted, *sorted({line for line, _ in paid} - set(allotted))]:
            left = allotted.get(line, 0) - sum(a for (x, _), a in paid.items() if x == line)
            left -= bundle_outside if line == "bundle" else 0
            to = variance.get(line, "points" if line == "special" else variance.get("default", "reserve"))
            if to == "points":
                moved += left
            else:
                self.post(pool, "", f"fixed_variance.{line}", left)
                self.fixed_over[line] = max(0, -left)
        for (line, hospital), amount in paid.items():
            self.post(pool, hospital, f"fixed_standard.{line}", amount)
        return moved
