"""Class and points of every case, as the second clearing reads the rule text. No engine code.

In: a `Book` and routed cases; out: points, class, fixed line by case. Everything about a case is read at its own day
(`case["day"]`). Points are rounded once, to four places.
"""

from fractions import Fraction as F
from math import floor

from tests.slow_policy_book import f, fen
from tests.slow_policy_coefficient import coefficients, of_group
from tests.slow_policy_facts import CaseFacts, half_up, tcm_ratio
from tests.slow_policy_routes import hospitals

BY_ITSELF = ("normal", "linear_add", "excess_plus_coef", "coef_only", "deduct", "cap", "tcm_base")
"""Formulas that name the hospital coefficient; a rule may set it to 1 there, or multiply the others by it."""


class Scores(CaseFacts):
    """`points`, `klass`, `line` (fixed line), `base`, `shape` of the cases given; nothing depends on any other case."""

    def __init__(self, book, year, cases, routes):
        self.book, self.year, self.end, self.cases, self.routes = book, year, f"{year}-12-31", cases, routes
        self.hospitals = hospitals(book, year)
        self.points, self.klass, self.line, self.base, self.shape, self.ranked = {}, {}, {}, {}, {}, {}
        self.rule = {}
        self.kept = {}
        self.readmitted = self.find_readmitted()
        for case in cases:
            self.score(case)

    def read(self, key, day, scheme, default=None):
        return (self.book.at(key, day) or {}).get(scheme, default)

    def score(self, case):
        name, scheme, day = case["id"], case["scheme"], case["day"]
        if case["kind"] != "points":
            self.klass[name], self.line[name] = scheme, scheme
            return
        scale, mean = int(self.read("points.scale", day, scheme)), fen(self.read("points.region_mean", day, scheme))
        base, reference = self.priced(case, scale, mean)
        self.base[name] = base
        if self.special(case, scale, mean):
            return
        if self.paid_elsewhere(case):
            self.klass[name], self.line[name], self.shape[name] = "out_of_area", "ffs", "ffs"
            return
        case["tcm base"] = self.tcm_base(case, base)
        r = F(case["cost"]) / reference if reference else None
        limits = self.read("case_classes.high_limit", day, scheme)
        if isinstance(limits, str):
            limits = [{"upto": "null", "k": limits}]
        k = next((f(x["k"]) for x in limits or () if x["upto"] == "null" or base * 100 / scale <= f(x["upto"])), None)
        rule = next(x for x in self.read("case_classes", day, scheme) if self.holds(x, case, r, k))
        self.klass[name], self.rule[name], shape = rule["id"], rule, rule["shape"]
        self.shape[name] = shape
        if shape in ("exclude", "ffs"):
            self.line[name] = "ffs"
            return
        points = self.formula(rule, case, base, r, k, scale, mean) + self.new_technology(case)
        self.points[name] = self.after_readmission(case, points)

    def formula(self, rule, case, base, r, k, scale, mean):
        shape, cost, given = rule["shape"], F(case["cost"]), rule.get("hospital_coefficient")
        k = f(rule["k"]) if "k" in rule else k
        r = F(0) if r is None else r  # only where base points are 0 as well: a stay of no bed-day
        h = self.coefficient(case)
        if given == "false" or (given is None and shape not in BY_ITSELF):
            h = F(1)
        price = f(self.read("points.budget_point_value", self.end, case["scheme"])[case["pool"]]) * 100
        if shape in ("normal", "coef_only"):
            return base * h
        if shape == "by_ratio":
            return base * r * h
        if shape == "ramp_add":
            return base * (r + f(rule["add"])) * h
        if shape == "linear_add":
            return base * h + (r - k) * base
        if shape == "excess_plus_one":
            return base * (r - k + 1) * h
        if shape == "excess_plus_coef":
            return base * (r - k + h)
        if shape == "deduct":
            return cost / mean * scale - (k - 1) * base * h
        if shape == "cap":
            return k * base * h
        if shape == "capped_base":
            return min(base * r, base) * h
        if shape == "scaled_cost":
            return cost / mean * scale * f(rule["factor"]) * h
        if shape == "scaled_base":
            return base * f(rule["factor"]) * h
        if shape == "tcm_base":
            return case["tcm base"] * h
        assert shape == "cost_points", shape
        return cost / price * h

    def coefficient(self, case):
        """h of the hospital on the day of the case; 1 where groups are paid the same price."""
        if case["group"] in (self.read("points.same_price_groups", case["day"], case["scheme"]) or ()):
            return F(1)
        if self.book.at("points.hospital_coefficient", self.end, "by_hospital") == "none":
            return F(1)
        day = case["day"]
        if day not in self.kept:
            self.kept[day] = coefficients(self.book, day)
        if self.book.at("coefficient.form", day) == "group_cost":
            return of_group(self.book, day, case["hospital"], case["group"])
        return self.kept[day][case["hospital"]]

    def priced(self, case, scale, mean):
        """(base points, reference cost) of the group; nothing for a case without one. Of a group whose points are those
        of a day, points and mean cost are the days' together."""
        table = self.read("points.weights", case["day"], case["scheme"])
        rows = self.kept.setdefault(table, {row["group_code"]: row for row in self.book.table(table)})
        row = rows.get(case["group"])
        if row is None:
            return F(0), F(0)
        level = self.hospitals[case["hospital"]]["hi_setl_lv"]
        base, cost_mean = f(row["base_points"]), F(fen(row.get(f"cost_mean_{level}") or row["cost_mean"]))
        days = self.bed_days(case)
        if days is not None:
            base, cost_mean = F(half_up(base * days * 10_000), 10_000), F(half_up(cost_mean * days))
        by = self.read("points.denominator", case["day"], case["scheme"], "group_mean")
        if by == "group_mean":
            return base, cost_mean
        if by == "region_mean":
            return base, mean * base / scale
        price = self.read("points.budget_point_value", self.end, case["scheme"])[case["pool"]]
        return base, base * f(price) * 100

    def holds(self, rule, case, r, k):
        when = rule.get("when", {})
        if rule["shape"] == "tcm_base" and case["tcm base"] is None:
            return False
        if "flag" in when and when["flag"] not in self.flags(case):
            return False
        if "days_from" in when and case["days"] < int(when["days_from"]):
            return False
        if "days_upto" in when and case["days"] > int(when["days_upto"]):
            return False
        if "tcm" in when and not self.treated_by_tcm(when["tcm"], case):
            return False
        if "top_share" in when:
            dearest = self.dearest(case["scheme"], case["pool"])
            if case["id"] not in dearest[: floor(len(dearest) * f(when["top_share"]))]:
                return False
        own_k = f(rule["k"]) if "k" in rule else k
        for word, limit in when.get("cost_ratio", {}).items():
            edge = own_k if limit == "high_limit" else f(limit)
            if r is None or not {"above": r > edge, "from": r >= edge, "below": r < edge, "upto": r <= edge}[word]:
                return False
        return True

    def treated_by_tcm(self, gate, case):
        ratio = tcm_ratio(case)
        return ratio is not None and ratio >= f(gate["ratio_min"]) and case["days"] >= int(gate["days_min"])

    def dearest(self, scheme, pool):
        """Ids of a pool's cases of a scheme, dearest first, ties by id."""
        if (scheme, pool) not in self.ranked:
            among = [case for case in self.cases if (case["scheme"], case["pool"]) == (scheme, pool)]
            self.ranked[scheme, pool] = [c["id"] for c in sorted(among, key=lambda c: (-c["cost"], c["id"]))]
        return self.ranked[scheme, pool]

    def flags(self, case):
        """What grouping answered, what the record shows by the definitions of the day, what other facts give."""
        if "flags" not in case:
            found = {case["status"]}
            for each in self.book.at("case_flags", case["day"], ()):
                way, kind, most = each.get("dscg_way"), each.get("ipt_med_type"), each.get("days_upto")
                fits = (not way or case["dscg_way"] in way) and (not kind or case["ipt_med_type"] in kind)
                fits = fits and (most is None or case["days"] <= int(most))
                if self.routes.holds(each["when"], case) if "when" in each else fits:
                    found.add(each["flag"])
            found |= {"tcm"} if case["tcm base"] is not None else set()
            found |= {"bed_day"} if self.bed_days(case) is not None else set()
            found |= {"out_of_area"} if self.from_elsewhere(case) else set()
            case["flags"] = found
        return case["flags"] | ({"readmitted"} if case["id"] in self.readmitted else set())
