"""Facts of single cases in the second clearing: reviews, readmissions, new technology, TCM, bed-day groups.

In: a `Book`, routed cases; out: what scoring asks of them. No engine code. See `slow_policy_score`.
"""

from bisect import bisect_right
from datetime import date
from fractions import Fraction as F
from math import floor

from tests.slow_policy_book import f, fen

TCM_FEES = ("tcm_trt_fee", "tcm_patn_fee", "tcm_herb_fee")
OTHER_FEES = ("wm_trt_fee", "wm_drug_fee", "oprn_fee", "mcs_fee")


def half_up(x):
    x = F(x)
    return floor(x + F(1, 2)) if x >= 0 else -floor(-x + F(1, 2))


def to_places(points):
    return F(half_up(points * 10_000), 10_000)


def tcm_ratio(case):
    """中治率: what Chinese medicine is of all treatment; None for a case that was not treated."""
    own = sum(fen(case[name] or "0") for name in TCM_FEES)
    whole = own + sum(fen(case[name] or "0") for name in OTHER_FEES)
    return F(own, whole) if whole else None


class CaseFacts:
    """`book`, `cases`, `points` and the rest are the scores'."""

    # --- reviews
    def special(self, case, scale, mean):
        """Whether a committee approved the case; then its points or its money are decided."""
        decided = self.decisions().get(case["id"])
        if decided is None:
            return False
        self.klass[case["id"]] = "special_case"
        pay = self.book.at("special_case.pay", self.end, "points_from_cost")
        if pay == "actual_outside_pool":
            self.line[case["id"]], case["approved fund"] = "special", fen(decided["fund"])
            return True
        points = f(decided["points"]) if pay == "adjusted_standard" else F(fen(decided["approved_cost"])) / mean * scale
        self.points[case["id"]] = self.after_readmission(case, points)
        return True

    def decisions(self):
        file = self.of_year("special_case.decisions")
        return {row["setl_id"]: row for row in self.book.table(file)} if file else {}

    def of_year(self, key):
        days, values = self.book.starts(key)
        held = [value for day, value in zip(days, values, strict=True) if day[:4] == str(self.year)]
        return held[-1] if held else None

    # --- patients from elsewhere
    def from_elsewhere(self, case):
        region = case["insuplc_admdvs"]
        return region != "" and region[:4] != self.routes.home

    def paid_elsewhere(self, case):
        return self.book.at("out_of_area.in_points", self.end, "true") == "false" and self.from_elsewhere(case)

    # --- readmission: the stay before is reduced
    def find_readmitted(self):
        """Ids of stays followed within the days by another of the same person for the same thing."""
        rule = self.book.at("readmission", self.end)
        chains = {}
        for case in self.cases if rule else ():
            thing = self.same_thing(case)
            if case["kind"] == "points" and case["psn_no"] and thing:
                here = case["hospital"] if self.book.at("readmission.hospital", self.end, "any") == "same" else ""
                chains.setdefault((case["psn_no"], thing, here), []).append(case)
        found = set()
        for stays in chains.values():
            stays.sort(key=lambda case: (case["discharged"], case["id"]))
            for place, stay in enumerate(stays):
                before = bisect_right([each["discharged"] for each in stays[:place]], stay["admitted"])
                if before:
                    left = date.fromisoformat(stays[before - 1]["discharged"])
                    if (date.fromisoformat(stay["admitted"]) - left).days <= int(rule["days"]):
                        found.add(stays[before - 1]["id"])
        return found

    def same_thing(self, case):
        what = self.book.at("readmission.same", self.end, "group")
        if what == "diagnosis":
            return case["dx"][0]
        return case["group" if what == "group" else "adrg"] if case["status"] == "grouped" else ""

    def after_readmission(self, case, points):
        if case["id"] in self.readmitted:
            points *= f(self.book.at("readmission", self.end)["factor_prev"])
        return to_places(points)

    # --- new technology
    def new_technology(self, case):
        """Extra points × the factor of their year; a case named in the table keeps to the table."""
        points, year = self.extra_points(case)
        factors = self.book.at("new_tech.year_factors", self.end, [])
        return points * f(factors[year - 1]) if 1 <= year <= len(factors) else F(0)

    def extra_points(self, case):
        file = self.of_year("new_tech.cases")
        for row in self.book.table(file) if file else ():
            if row["setl_id"] == case["id"]:
                return f(row["points"]), int(row["year"])
        for each in self.read("new_tech.operations", case["day"], case["scheme"]) or ():
            if any(code.startswith(each["operation"]) for code in case["ops"]) and each["from"] <= case["day"]:
                passed = case["day"][5:] >= each["from"][5:]
                return f(each["points"]), int(case["day"][:4]) - int(each["from"][:4]) + passed
        return F(0), 0

    # --- Chinese medicine, bed-day groups
    def tcm_base(self, case, base):
        """Base points of the Chinese treatment of a listed group; the longest fitting diagnosis goes first."""
        file = self.read("tcm.list", case["day"], case["scheme"])
        rows = [row for row in self.book.table(file) if row["group_code"] == case["group"]] if file else []
        rows = [row for row in rows if case["dx"][0].startswith(row["diagnosis"])]
        if not rows:
            return None
        row = max(rows, key=lambda row: len(row["diagnosis"]))
        if row["base_points"]:
            return f(row["base_points"])
        return to_places(base * f(self.book.at("tcm.same_price_factor", case["day"], "1")))

    def bed_days(self, case):
        """Σ days of the tier × its factor, for a group whose points are those of a day."""
        groups = self.read("points.bed_day_groups", case["day"], case["scheme"]) or {}
        if case["group"] not in groups:
            return None
        weight = F(0)
        for tier in groups[case["group"]]:
            last = case["days"] if tier["to"] == "null" else min(case["days"], int(tier["to"]))
            weight += max(0, last - int(tier["from"]) + 1) * f(tier["factor"])
        return weight
