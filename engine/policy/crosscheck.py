"""What one part of a policy says about another: names that must exist, pairs that must fit, tables that must be full.

In: all settings of a folder; out: problems. A check whose settings are missing or unreadable is skipped: that has been
reported already. It knows no rule pack and no case file; `check` does the pack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from fractions import Fraction
from typing import Any, Final

from engine.policy import case_params as case
from engine.policy import money_params as money
from engine.policy.case_flags import RECORD_FLAGS
from engine.policy.catalogue import PARAMS
from engine.policy.nodes import Listing, Mapping, Node
from engine.policy.problems import Place, Problems, listed
from engine.policy.readers import plain
from engine.policy.rules import needs_group_limit
from engine.policy.settings import Param, PoolParam, Setting, Start
from pointvalue.model import BundleContract, Hospital
from pointvalue.terms import BASIS_PAYABLE_PAIRS, POINT_KINDS, Basis, Payable, PotUnit, SchemeKind, Shape

Settings = dict[str, Setting]
CEILING: Final = Fraction(1, 20)
CEILING_FROM: Final = date(2025, 1, 26)
"""Article 26 of the 2025 administration rules: a quality deposit of at most 5 %."""
CASE_LINES: Final = ("ffs", "special")
BUILT_IN_LINES: Final = (*CASE_LINES, "capitation", "bundle")
"""Fixed lines that exist without a scheme of that name."""


def cross_check(settings: Settings, problems: Problems) -> None:
    """Run every check; each reports on its own."""
    for check in CHECKS:
        check(settings, problems)


def values(settings: Settings, param: Param[Any] | PoolParam[Any]) -> Iterator[Start]:
    """Every written value of a parameter that is not an end."""
    key = param.param.key if isinstance(param, PoolParam) else param.key
    setting = settings.get(key)
    return iter(()) if setting is None else (start for start in setting.starts if not start.ended)


def fixed(settings: Settings, param: Param[Any] | PoolParam[Any]) -> Any:
    """The newest value of a parameter that is written once, or None."""
    return next((start.value for start in reversed([*values(settings, param)])), None)


def entry(node: Node, key: str) -> Node:
    """The entry a value stands at, for its line; the whole value where there is none of that name."""
    if isinstance(node, Mapping):
        return node.get(key) or node
    return node


def known(problems: Problems, place: Place, name: str, names: Iterable[str], zh: str, en: str) -> None:
    """Report a name that is not among those the policy declares."""
    names = sorted(set(names))
    if name not in names:
        facts = {"found": name, "detail_zh": zh, "detail_en": en, "allowed": listed(names)}
        problems.add(place, "unknown_name", near=(name, names), **facts)


def need(problems: Problems, place: Place, found: str, other: str, zh: str, en: str) -> None:
    problems.add(place, "needs_also", found=found, other=other, detail_zh=zh, detail_en=en)


def schemes_of(settings: Settings, *kinds: SchemeKind) -> list[str]:
    return [entry.id for entry in fixed(settings, case.SCHEMES) or () if entry.kind in kinds]


def _schemes(settings: Settings, problems: Problems) -> None:
    """Scheme keys exist, and every point scheme has what scoring needs."""
    if fixed(settings, case.SCHEMES) is None:
        return
    scored = schemes_of(settings, SchemeKind.POINTS)
    points = schemes_of(settings, *POINT_KINDS)
    for param in PARAMS.values():
        if param.per != "scheme":
            continue
        for start in values(settings, param):
            for name in start.value:
                known(problems, entry(start.node, name).place, name, points, "点数付费方式", "a scheme paid by points")
            for name in scored:
                if param.required and name not in start.value:
                    zh, en = f"付费方式 {name} 需要 {param.zh}", f"scheme {name} needs {param.key}"
                    problems.add(start.node.place, "missing_key", found=name, detail_zh=zh, detail_en=en)
    for start in values(settings, case.PACKS):
        for pack in start.value:
            known(problems, start.node.place, pack.scheme, points, "点数付费方式", "a scheme paid by points")


def _pools(settings: Settings, problems: Problems) -> None:
    """Every pool of the area has a plan, a reserve rate and what else has no default; no other pool is named."""
    held = fixed(settings, case.POOLS_HELD)
    if held is None:
        return
    for param in money.REQUIRED_BY_POOL:
        for start in values(settings, param):
            for name in held:
                if name not in start.value:
                    zh, en = f"险种 {name} 需要 {param.param.zh}", f"pool {name} needs {param.param.key}"
                    problems.add(start.node.place, "missing_key", found=name, detail_zh=zh, detail_en=en)
    for param in (money.OUTSIDE, money.FIXED_LINES):
        for start in values(settings, param):
            for name in held:
                if name not in start.value:
                    zh, en = "没有金额请写 {}", "write {} if that pool has none"
                    problems.add(start.node.place, "missing_key", found=name, detail_zh=zh, detail_en=en)
    for param in (money.PLAN, money.OUTSIDE, money.FIXED_LINES):
        for start in values(settings, param):
            for name in start.value:
                known(problems, entry(start.node, name).place, name, held, "本区险种", "a pool of this area")


def _hospitals(settings: Settings, problems: Problems) -> None:
    """Hospitals that are named exist in a hospital table."""
    codes = {hospital.code for start in values(settings, case.HOSPITALS) for hospital in start.value.hospitals}
    if not codes:
        return
    words = ("医院表中的医院", "a hospital of the hospital table")
    for param in PARAMS.values():
        if param.per == "hospital":
            for start in values(settings, param):
                for hospital, pool in start.value:
                    known(problems, entry(start.node, f"{hospital}/{pool}").place, hospital, codes, *words)
    listings: list[tuple[Start, Any]] = [
        *((start, item) for start in values(settings, money.CONTRACTS) for item in enumerate(start.value)),
        *((start, item) for start in values(settings, money.OTHER_LINES) for item in enumerate(start.value)),
        *((start, item) for start in values(settings, money.AUDITS) for item in enumerate(start.value)),
    ]
    for start, (index, item) in listings:
        assert isinstance(start.node, Listing)
        members = item.members if isinstance(item, BundleContract) else ()
        for hospital in (item.hospital, *members):
            if hospital is not None:
                known(problems, start.node.items[index].place, hospital, codes, *words)


def _tables_full(settings: Settings, problems: Problems) -> None:
    """Hospitals carry the score, credit class and county that releases, monthly rates and county pots read."""
    by_county = any(PotUnit.COUNTY in start.value.values() for start in values(settings, money.POT_UNIT))
    wanted: list[tuple[str, Callable[[Hospital], bool], str, str]] = []
    if any(True for _ in values(settings, money.DEPOSIT_RELEASE)):
        wanted.append(("score", lambda h: h.score is None, "保证金返还按考核分", "the deposit is released by it"))
    if any(any(start.value.values()) for start in values(settings, money.RATE_BY_CREDIT)):
        wanted.append(("credit", lambda h: not h.credit, "月度拨付按信用等级", "the monthly rate depends on it"))
    if by_county:
        wanted.append(("county", lambda h: not h.county, "点数池按县划分", "the pots are by county"))
    for start in values(settings, case.HOSPITALS):
        for hospital in start.value.hospitals:
            for column, lacks, zh, en in wanted:
                if lacks(hospital):
                    file = f"{problems.folder.name}/{start.value.file}"
                    place = Place(file, start.value.lines[hospital.code], f"{hospital.code}.{column}")
                    facts = {"found": hospital.code, "other": column, "detail_zh": zh, "detail_en": en}
                    problems.add(place, "hospital_lacks", **facts)


def _credit_classes(settings: Settings, problems: Problems) -> None:
    """Every credit class of a hospital has its monthly rate, once rates by credit are written."""
    classes = {
        hospital.credit: hospital.code
        for start in values(settings, case.HOSPITALS)
        for hospital in start.value.hospitals
        if hospital.credit
    }
    for start in values(settings, money.RATE_BY_CREDIT):
        for pool, rates in start.value.items():
            for credit, hospital in sorted(classes.items()):
                if rates and credit not in rates:
                    zh, en = f"医院 {hospital} 的信用等级是 {credit}", f"hospital {hospital} is of class {credit}"
                    place = entry(start.node, pool).place
                    problems.add(place, "missing_key", found=credit, detail_zh=zh, detail_en=en)


def _fixed_lines(settings: Settings, problems: Problems) -> None:
    """Lines and schemes that are named exist; bed-day and single-disease schemes have their prices."""
    if fixed(settings, case.SCHEMES) is None:
        return
    own = [entry.id for entry in fixed(settings, case.SCHEMES) if entry.kind not in POINT_KINDS]
    words = ("定额类付费方式", "a scheme paid at its own price")
    for line_param, names in (
        (money.FIXED_LINES, [*own, *BUILT_IN_LINES]),
        (money.FIXED_VARIANCE_BY_LINE, [*own, *BUILT_IN_LINES]),
        (money.ALSO_SCHEMES, [*own, *CASE_LINES]),
    ):
        for start in values(settings, line_param):
            for pool, lines in start.value.items():
                for name in lines:
                    known(problems, entry(entry(start.node, pool), name).place, name, names, *words)
    place = settings[case.SCHEMES.key].place
    needed: tuple[tuple[SchemeKind, Param[Any], Param[Any]], ...] = (
        (SchemeKind.BED_DAY, case.BED_DAY_TIERS, case.BED_DAY_RATIO),
        (SchemeKind.SINGLE, case.SINGLE_QUOTA, case.SINGLE_RATIO),
    )
    for kind, price, ratio in needed:
        for param in (price, ratio):
            if schemes_of(settings, kind) and param.key not in settings:
                need(problems, place, f"kind: {kind}", param.key, param.zh, f"add {param.key}")


def _pots(settings: Settings, problems: Problems) -> None:
    """Pots name schemes of the area; a county exactly where the unit is the county."""
    points = schemes_of(settings, *POINT_KINDS)
    units = fixed(settings, money.POT_UNIT) or {}
    for start in values(settings, money.POTS):
        for pool, found in start.value.items():
            place = entry(start.node, pool).place
            for pot in found:
                if points:
                    known(problems, place, pot.scheme, points, "点数付费方式", "a scheme paid by points")
                if (pot.county is not None) != (units.get(pool) == PotUnit.COUNTY):
                    zh, en = "county 与 pot_unit: county 必须同时出现", "county and pot_unit: county go together"
                    need(problems, place, "budget.pots", "point_value.pot_unit", zh, en)
    for scheme in points[1:]:
        for pool in fixed(settings, case.POOLS_HELD) or ():
            if not any(pool in start.value for start in values(settings, money.POTS)):
                zh, en = "有两个以上点数付费方式，须写各池比例", "there are several point schemes, so say their parts"
                need(problems, settings[case.SCHEMES.key].place, scheme, f"budget.pots ({pool})", zh, en)


def _point_value(settings: Settings, problems: Problems) -> None:
    """Basis and payable are one of the four pairs; a ratio is given where one is used; bounds have a reference."""
    allowed = listed(sorted(f"{basis} + {payable}" for basis, payable in BASIS_PAYABLE_PAIRS))
    days = sorted({start.on or date.min for param in (money.BASIS, money.PAYABLE) for start in values(settings, param)})
    for on in days:
        for pool in fixed(settings, case.POOLS_HELD) or ():
            basis, place = held(settings, money.BASIS, pool, on, Basis.TOTAL_COST_OBSERVED)
            payable, other = held(settings, money.PAYABLE, pool, on, Payable.MINUS_PATIENT)
            where = place or other
            if where is None:
                continue
            if (Basis(basis), Payable(payable)) not in BASIS_PAYABLE_PAIRS:
                problems.add(where, "bad_pair", found=basis, other=payable, allowed=allowed)
            elif basis == Basis.TOTAL_COST_RATIO and money.RATIO.param.key not in settings:
                zh, en = "分子按报销比例还原", "the numerator is the fund divided by it"
                need(problems, where, basis, money.RATIO.param.key, zh, en)


def held(settings: Settings, param: PoolParam[Any], pool: str, on: date, default: Any) -> tuple[Any, Place | None]:
    """What a pool parameter is on a day and where it is written."""
    found: tuple[Any, Place | None] = (default, None)
    for start in values(settings, param):
        if (start.on is None or start.on <= on) and pool in start.value:
            found = (start.value[pool], start.node.place)
    return found


def _budget_values(settings: Settings, problems: Problems) -> None:
    """Bounds, points as monthly basis and shapes priced at the budget value need a budget point value."""
    given = fixed(settings, case.BUDGET_POINT_VALUE) or {}
    users: list[tuple[Place, str]] = []
    for param in (money.LOWER, money.UPPER):
        users += [(start.node.place, param.param.key) for start in values(settings, param)]
    for start in values(settings, money.MONTHLY_BASIS):
        users += [(start.node.place, "monthly.basis: points")] if "points" in start.value.values() else []
    for start in values(settings, case.CASE_CLASSES):
        shapes = {rule.shape for rules in start.value.values() for rule in rules}
        users += [(start.node.place, str(Shape.COST_POINTS))] if Shape.COST_POINTS in shapes else []
    pools = fixed(settings, case.POOLS_HELD) or ()
    lacking = [f"{s}.{p}" for s in schemes_of(settings, *POINT_KINDS) for p in pools if p not in given.get(s, {})]
    if lacking:
        for place, user in users:
            other = f"{case.BUDGET_POINT_VALUE.key} ({listed(lacking)})"
            need(problems, place, user, other, "以预算点值为基准", "it is measured against the budget point value")


def _flags(settings: Settings, problems: Problems) -> None:
    """A class rule that asks for a fact of the record needs its definition, else it would silently never apply."""
    defined = {definition.flag for start in values(settings, case.CASE_FLAGS) for definition in start.value}
    for start in values(settings, case.CASE_CLASSES):
        for scheme, rules in start.value.items():
            asked = {rule.when.flag: rule.id for rule in rules if rule.when.flag in RECORD_FLAGS - defined}
            for flag, rule in sorted(asked.items(), key=lambda item: item[1]):
                named = (flag.name or "").lower() if flag is not None else ""
                zh, en = f"规则 {rule} 使用标志 {named}", f"rule {rule} asks for the flag {named}"
                need(problems, entry(start.node, scheme).place, rule, f"{case.CASE_FLAGS.key}: {named}", zh, en)


def _limits(settings: Settings, problems: Problems) -> None:
    """A rule that speaks of high_limit needs one, from its first day on."""
    limits = [*values(settings, case.HIGH_LIMIT)]
    for start in values(settings, case.CASE_CLASSES):
        for scheme, rules in start.value.items():
            users = [rule.id for rule in rules if needs_group_limit(rule)]
            there = [
                other for other in limits if scheme in other.value and (other.on or date.min) <= (start.on or date.min)
            ]
            if users and not there:
                place = entry(start.node, scheme).place
                zh, en = f"{scheme} 的规则使用 high_limit", f"rules of {scheme} use high_limit from that day on"
                need(problems, place, listed(users), case.HIGH_LIMIT.key, zh, en)


def _deposit(settings: Settings, problems: Problems) -> None:
    """No rate above 5 % may start after the national ceiling unless the reason is written down."""
    if money.DEPOSIT_REASON.key in settings:
        return
    for start in values(settings, money.DEPOSIT_RATE):
        highest = max(start.value.values())
        if highest > CEILING and (start.on is None or start.on >= CEILING_FROM):
            problems.add(start.node.place, "deposit_ceiling", found=plain(highest))


def _together(settings: Settings, problems: Problems) -> None:
    """Choices that are empty words without their table."""
    for start in values(settings, money.ASSESSMENT_ON):
        if any(start.value.values()) and money.ASSESSMENT.param.key not in settings:
            need(
                problems,
                start.node.place,
                "applies_to",
                "assessment.values",
                "没有考核系数表",
                "there is no score table",
            )
    for start in values(settings, money.SHARING_DENOMINATOR):
        if "quota" in start.value.values() and money.SHARING_QUOTA.key not in settings:
            zh, en = "分档以医院额度为分母", "the tiers are measured against it"
            need(problems, start.node.place, "denominator: quota", money.SHARING_QUOTA.key, zh, en)
    if money.HOSPITAL_CAP.param.key in settings and money.HOSPITAL_PRIOR.key not in settings:
        place = settings[money.HOSPITAL_CAP.param.key].place
        need(problems, place, "hospital_growth_cap", money.HOSPITAL_PRIOR.key, "需要上年标准", "it caps growth over it")
    for start in values(settings, money.GROWTH_CAP):
        if money.PRIOR_ACTUAL.param.key not in settings:
            key = money.PRIOR_ACTUAL.param.key
            need(problems, start.node.place, "budget.growth_cap", key, "增幅以上年决算为基数", "it caps growth over it")
    table = fixed(settings, money.BEHAVIOURS) or {}
    for start in values(settings, money.AUDITS):
        for decision in start.value:
            if decision.behaviour is not None and decision.extra_base_multiple is None and decision.amount_fen is None:
                words = ("违规行为表中的行为", "a behaviour of penalties.behaviours")
                known(problems, start.node.place, decision.behaviour, table, *words)


CHECKS: Final = (
    _schemes,
    _pools,
    _hospitals,
    _tables_full,
    _credit_classes,
    _fixed_lines,
    _pots,
    _point_value,
    _budget_values,
    _flags,
    _limits,
    _deposit,
    _together,
)
