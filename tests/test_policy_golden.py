"""The golden year's policy, written as YAML, resolves to the very terms its JSON describes.

The JSON is read by the reader of the settlement tests, the YAML by the policy loader: two ways to one `AreaYear`.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.policy import load_policy, resolve
from fixtures.area_json import read_area
from fixtures.golden_year import compare, settle
from pointvalue.model import AreaYear
from pointvalue.terms import VarianceTo
from tests.shared_data import SHARED

GOLDEN = SHARED / "reference" / "golden-year.json"
needs_golden = pytest.mark.skipif(
    not GOLDEN.is_file(), reason=f"GOLDEN YEAR ABSENT: put it at {GOLDEN} to run this test; it was NOT run"
)
Json = Any
START = "2024-01-01"


def _scheme(name: str, kind: str) -> dict[str, Any]:
    """The file of cases says itself which scheme each belongs to; a policy of its own must tell them apart."""
    return {"id": name, "kind": kind, "when": {"med_type": [name]}}


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def dated(value: Json, unit: str = "") -> Json:
    return {**({"unit": unit} if unit else {}), "values": {START: value}}


def rule(each: Json) -> Json:
    """A class rule in the words of the policy files."""
    found = {key: value for key, value in each.items() if key != "coef"}
    if "coef" in each:
        found["hospital_coefficient"] = each["coef"]
    interval = each.get("when", {}).get("cost_ratio")
    if interval is not None:
        words = {}
        for side, open_word, closed_word in (("above", "above", "from"), ("below", "below", "upto")):
            if side in interval:
                limit = "high_limit" if interval[side] == "k" else interval[side]
                words[closed_word if interval.get(f"{side}_in") else open_word] = limit
        found["when"] = {"cost_ratio": words}
    return found


def amounts(table: Json) -> Json:
    return {key: yuan(fen) for key, fen in table.items()}


def case_side(area: Json) -> dict[str, Json]:
    """Hospitals, points and classes."""
    points = {name: each for name, each in area["schemes"].items() if each["kind"] == "points"}

    def by_scheme(read: Any) -> Json:
        return {name: read(each) for name, each in points.items()}

    kinds = {"actual": "epidemic"}
    return {
        "area": {
            "code": "370000",
            "name": area["name"],
            "pools": list(area["pools"]),
            "schemes": [_scheme(n, kinds.get(e["kind"], e["kind"])) for n, e in area["schemes"].items()],
        },
        "hospitals": {"values": {START: "hospitals.csv"}},
        "points": {
            "scale": dated(by_scheme(lambda s: s["scale"])),
            "region_mean": dated(by_scheme(lambda s: yuan(s["region_mean_fen"])), "CNY"),
            "weights": dated(by_scheme(lambda s: "weights.csv")),
            "base_year": dated(by_scheme(lambda s: 2023)),
            "denominator": by_scheme(lambda s: s["denominator"]),
            "same_price_groups": dated(by_scheme(lambda s: s["same_price_groups"])),
            "budget_point_value": dated(by_scheme(lambda s: s["budget_pv"]), "CNY/point"),
        },
        "case_classes": classes(points),
        "case_flags": {  # the golden cases carry their flags; the loader asks what they mean
            "values": {
                START: [{"flag": "incomplete", "dscg_way": ["2"]}, {"flag": "day_surgery", "ipt_med_type": ["2"]}]
            }
        },
        "special_case": {"pay": area["special_case"]["pay"]},
        "readmission": {"values": {START: {"days": 10, **area["readmission"]}}},
        "new_tech": {"year_factors": dated(area["new_tech"]["year_factors"], "/1")},
    }


def classes(points: Json) -> Json:
    """Rules and limits; a scheme whose set does not change that day keeps its first one."""
    sets: dict[str, tuple[Json, Json]] = {}
    for name, each in points.items():
        for one in each["class_sets"]:
            rules, limits = sets.setdefault(one["from"], ({}, {}))
            rules[name], limits[name] = [rule(r) for r in one["rules"]], one["k"]
    first_rules, first_limits = sets[START]
    return {
        "values": {day: {**first_rules, **rules} for day, (rules, _) in sets.items()},
        "high_limit": {"unit": "/1", "values": {day: {**first_limits, **k} for day, (_, k) in sets.items()}},
    }


def fixed_side(area: Json) -> dict[str, Json]:
    """Schemes at their own price, contracts, decisions, single amounts."""
    bed, single = area["schemes"]["bed_day"], area["schemes"]["single"]
    tiers = [{"from": t["from"], "to": t["to"], "rate": yuan(t["rate_fen"])} for t in bed["tiers"]]
    words = ("group", "level", "pool")
    quotas = [
        dict(zip(words, key.split("/"), strict=True), quota=yuan(fen)) for key, fen in single["quota_fen"].items()
    ]
    contracts = [
        {**{k: v for k, v in c.items() if k != "rate_fen"}, "rate": yuan(c["rate_fen"])} for c in area["contracts"]
    ]
    return {
        "bed_day": {"tiers": dated(tiers, "CNY/d"), "fund_ratio": dated(bed["fund_ratio"], "/1")},
        "single_disease": {"quotas": dated(quotas, "CNY"), "fund_ratio": dated(single["fund_ratio"], "/1")},
        "advance": dated(amounts(area["advances"]), "CNY"),
        "audits": dated(area["audits"]),
        "contracts": dated(contracts, "CNY"),
        "supplier_paid": dated(amounts(area["supplier_paid"]), "CNY"),
        "penalties": {"patient_part": area["penalties"]["patient_part"]},
    }


def money_side(area: Json) -> dict[str, Json]:
    """Budget, months, sharing."""
    pools, clearing, monthly = area["pools"], area["clearing"], area["monthly"]
    reserve, sharing = clearing["reserve"], clearing["sharing"]

    def by_pool(key: str, read: Any) -> Json:
        return {pool: read(each[key]) for pool, each in pools.items() if key in each}

    def tier(each: Json) -> Json:
        share = {"surplus": "hospital_keeps", "overspend": "fund_shares"}[each["side"]]
        return {share if key == "share" else key: value for key, value in each.items()}

    scores = [{"score_from": t["score_from"], "coefficient": t["coef"]} for t in area["assessment"]["tiers"]]
    return {
        "budget": {
            "plan": dated(by_pool("plan_fen", yuan), "CNY"),
            "prior_actual": dated(by_pool("prior_actual_fen", yuan), "CNY"),
            "growth_cap": dated(by_pool("growth_cap", str), "/1"),
            "outside": dated(by_pool("outside_fen", amounts), "CNY"),
            "fixed_lines": dated(by_pool("fixed_lines_fen", amounts), "CNY"),
            "reserve_rate": dated({p: each.get("reserve", reserve)["rate"] for p, each in pools.items()}, "/1"),
            "reserve_base": reserve["base"],
            "fixed_variance": clearing["fixed_variance"]["default"],
            "pots": dated(by_pool("pots", list), "/1"),
        },
        "point_value": dict(clearing["point_value"]),
        "pool_sharing": dated(by_pool("pool_sharing", dict), "/1"),
        "monthly": {
            "basis": monthly["basis"],
            "rate": dated(monthly["rate"], "/1"),
            "rate_by_credit": dated(monthly["rate_by_credit"], "/1"),
            "quota": dated(amounts(monthly["quota"]), "CNY"),
        },
        "deposit": {
            "rate": dated(area["deposit"]["rate"], "/1"),
            "release": dated(area["deposit"]["release"], "/1"),
        },
        "surplus_and_overspend": {
            "amount": sharing["amount"],
            "denominator": sharing["denominator"],
            **dated([tier(each) for each in sharing["tiers"]], "/1"),
        },
        "assessment": {"applies_to": area["assessment"]["applies_to"], **dated(scores, "/1")},
        "negative_case": dated(clearing["negative_case"]),
        "negative_final": dated(clearing["negative_final"]),
    }


def write_golden(area: Json, folder: Path) -> Path:
    heading = {"description": "golden", "source": {"document": "golden year"}, "tag": "PH"}
    for name, content in {**case_side(area), **fixed_side(area), **money_side(area)}.items():
        text = json.dumps({name: {**heading, **content}}, ensure_ascii=False)  # JSON is YAML
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    with (folder / "hospitals.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["fixmedins_code", "fixmedins_name", "hi_setl_lv", "medins_coef", "county", "score", "credit"])
        for code, h in area["hospitals"].items():
            rows.writerow([code, code, h["level"], h["coefficient"], h["county"], h["score"], h["credit"]])
    (folder / "weights.csv").write_text("group_code,base_points,cost_mean\nES23,100,10800\n", encoding="utf-8")
    return folder


def comparable(area: AreaYear) -> AreaYear:
    """Without what the JSON does not carry: hospital names, and the standing rule for special cases spelled out."""
    hospitals = tuple(replace(hospital, name="") for hospital in area.hospitals)
    pools = tuple(
        replace(pool, fixed_variance_by_line={"special": VarianceTo.POINTS, **pool.fixed_variance_by_line})
        for pool in area.pools
    )
    return replace(area, hospitals=hospitals, pools=pools)


@needs_golden
def test_the_golden_policy_as_yaml_is_the_golden_policy_as_json(tmp_path: Path) -> None:
    area = json.loads(GOLDEN.read_text(encoding="utf-8"))["area"]
    resolved = resolve(load_policy(write_golden(area, tmp_path)), 2024)
    wanted, found = comparable(read_area(area)), comparable(resolved.area)
    for name in wanted.__dataclass_fields__:
        assert getattr(found, name) == getattr(wanted, name), name


@needs_golden
def test_the_golden_year_settles_from_the_yaml_policy_to_every_expected_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = json.loads(GOLDEN.read_text(encoding="utf-8"))
    resolved = resolve(load_policy(write_golden(file["area"], tmp_path)), 2024)
    monkeypatch.setattr("fixtures.golden_year.read_area", lambda area: resolved.area)
    assert list(compare(file["expected"], settle(file))) == []
