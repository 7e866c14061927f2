"""Scoring of the second clearing: class and points of a case, straight from the rule text, with fractions.

It shares with the engine nothing but the file form. See `pointvalue_slow_year`.
"""

from fractions import Fraction as F
from math import floor


def f(value):
    return F(str(value))


def half_up(x):
    x = F(x)
    return floor(x + F(1, 2)) if x >= 0 else -floor(-x + F(1, 2))


def allocate(named, total):
    """Largest remainder over {key: exact share}; ties by key."""
    amounts = {key: floor(share) for key, share in named.items()}
    left = total - sum(amounts.values())
    for key in sorted(named, key=lambda k: (-(named[k] - amounts[k]), k))[:left]:
        amounts[key] += 1
    return amounts


def prorate(weights, total):
    whole = sum(weights.values())
    return dict.fromkeys(weights, 0) if whole == 0 else allocate(
        {key: F(total) * weight / whole for key, weight in weights.items()}, total
    )  # fmt: skip


class SlowScore:
    """Points, class and fixed line of every case of `self.cases` under `self.area`."""

    def score(self, case):
        scheme = self.area["schemes"][case["scheme"]]
        if scheme["kind"] != "points":
            self.klass[case["id"]], self.line_of[case["id"]] = case["scheme"], case["scheme"]
            return
        mean, scale = F(scheme["region_mean_fen"]), scheme["scale"]
        base, cost = f(case.get("base", 0)), F(case["cost_fen"])
        hospital = self.area["hospitals"][case["hospital"]]
        points = None
        if "special" in case:
            self.klass[case["id"]] = "special_case"
            pay = self.area.get("special_case", {}).get("pay", "points_from_cost")
            if pay == "actual_outside_pool":
                self.line_of[case["id"]] = "special"
                return
            points = f(case["special"]["points"]) if pay == "adjusted_standard" else (
                F(case["special"]["approved_fen"]) / mean * scale
            )  # fmt: skip
        else:
            values_by = self.area.get("case_values_by", "discharge")
            rules = [s for s in scheme["class_sets"] if s["from"] <= case[values_by]][-1]
            r = self.ratio(case, scheme, base)
            limits = rules.get("k", [])
            if not isinstance(limits, list):
                limits = [{"upto": None, "k": limits}]
            k = next((f(x["k"]) for x in limits if x["upto"] is None or base * 100 / scale <= f(x["upto"])), None)
            rule = next(x for x in rules["rules"] if self.holds(x.get("when", {}), case, r, k, x))
            self.klass[case["id"]] = rule["id"]
            shape = rule["shape"]
            if shape in ("exclude", "ffs"):
                self.line_of[case["id"]] = "ffs"
                return
            k = f(rule["k"]) if "k" in rule else k
            h = f(case.get("coefficient", hospital["coefficient"]))
            h = F(1) if case["group"] in scheme.get("same_price_groups", []) else h
            c = h if rule.get("coef", False) else F(1)
            points = {
                "normal": lambda: base * h,
                "by_ratio": lambda: base * r * c,
                "ramp_add": lambda: base * (r + f(rule["add"])) * c,
                "linear_add": lambda: base * h + (r - k) * base,
                "excess_plus_one": lambda: base * (r - k + 1) * c,
                "excess_plus_coef": lambda: base * (r - k + h),
                "coef_only": lambda: base * h,
                "deduct": lambda: cost / mean * scale - (k - 1) * base * h,
                "cap": lambda: k * base * h,
                "capped_base": lambda: min(base * r, base) * c,
                "scaled_cost": lambda: cost / mean * scale * f(rule["factor"]) * c,
                "scaled_base": lambda: base * f(rule["factor"]) * c,
                "cost_points": lambda: cost / 100 / f(scheme["budget_pv"][case["pool"]]) * c,
                "tcm_base": lambda: f(case["tcm_base"]) * h,
            }[shape]()
            if rule.get("aux", True):
                points *= f(case.get("aux", 1))
            if "new_tech" in case:
                factors, year = self.area["new_tech"]["year_factors"], case["new_tech"]["year"]
                points += f(case["new_tech"]["points"]) * f(factors[year - 1] if 1 <= year <= len(factors) else 0)
        if case["id"] in self.readmitted:
            points *= f(self.area["readmission"]["factor_prev"])
        self.points[case["id"]] = F(half_up(points * 10_000), 10_000)

    def ratio(self, case, scheme, base):
        """Cost over what the scheme measures it by; None where that is nothing."""
        by = scheme.get("denominator", "group_mean")
        if by == "group_mean":
            reference = F(case["mean_fen"])
        elif by == "region_mean":
            reference = F(scheme["region_mean_fen"]) * base / scheme["scale"]
        else:
            reference = base * f(scheme["budget_pv"][case["pool"]]) * 100
        return F(case["cost_fen"]) / reference if reference else None

    def dearest(self, scheme, pool):
        """Ids of a pool's cases of a scheme, dearest first, ties by id."""
        if (scheme, pool) not in self.ranked:
            among = [c for c in self.cases.values() if (c["scheme"], c["pool"]) == (scheme, pool)]
            self.ranked[scheme, pool] = [c["id"] for c in sorted(among, key=lambda c: (-c["cost_fen"], c["id"]))]
        return self.ranked[scheme, pool]

    def holds(self, when, case, r, k, rule):
        if "flag" in when and when["flag"] not in case.get("flags", []):
            return False
        if "days_from" in when and case["days"] < when["days_from"]:
            return False
        if "days_upto" in when and case["days"] > when["days_upto"]:
            return False
        if "tcm" in when and (
            "tcm_ratio" not in case
            or f(case["tcm_ratio"]) < f(when["tcm"]["ratio_min"])
            or case["days"] < when["tcm"]["days_min"]
        ):
            return False
        if rule["shape"] == "tcm_base" and "tcm_base" not in case:
            return False
        if "top_share" in when:
            dearest = self.dearest(case["scheme"], case["pool"])
            if case["id"] not in dearest[: floor(len(dearest) * f(when["top_share"]))]:
                return False
        ratio = when.get("cost_ratio", {})
        own_k = f(rule["k"]) if "k" in rule else k
        above = own_k if ratio.get("above") == "k" else f(ratio["above"]) if "above" in ratio else None
        below = own_k if ratio.get("below") == "k" else f(ratio["below"]) if "below" in ratio else None
        if above is not None and not (r > above or (r == above and ratio.get("above_in", False))):
            return False
        return below is None or r < below or (r == below and ratio.get("below_in", False))
