"""The hospital coefficient 「医疗机构系数」 in its five forms, clamped, as ×10⁶ integers. Step 3 of the clearing.

In: a form with its numbers and the facts of hospitals; out: one coefficient per hospital, or per hospital and group.
Exact until rounded, once, half up to six places. Same-price groups 「同病同价」 take 1 where points are scored.
It never says which form an area uses and holds no number of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

from pointvalue.fixed import E6, exact, floor, half_up

ONE = Fraction(1)


class Growth(StrEnum):
    """Whether an increment counts whole steps only 「按档」 or every part of a step 「按比例」."""

    STEPS = "steps"
    PROPORTIONAL = "proportional"


class Against(StrEnum):
    """How far above the same-level mean: `relative` x ÷ mean − 1, or `points` x − mean (percentage points)."""

    RELATIVE = "relative"
    POINTS = "points"


class CoefficientFault(ValueError):
    """A hospital lacks what its form asks for; the text names hospital and number."""


@dataclass(frozen=True, slots=True)
class HospitalFacts:
    """What is known of a hospital when coefficients are set. `kind` refines the level (obstetric, TCM …)."""

    code: str
    level: str
    kind: str = ""
    indicators: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LevelForm:
    """Form 1: a value per level; `level/kind` comes before `level`."""

    values: Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class GroupCostForm:
    """Form 2: hospital mean ÷ regional mean of the same group; 1 for a group with fewer than `min_cases` there."""

    min_cases: int = 1


@dataclass(frozen=True, slots=True)
class CompositeForm:
    """Form 3: Σ weight × indicator; the weights add up to 1."""

    weights: Mapping[str, Fraction]

    def __post_init__(self) -> None:
        whole = sum(self.weights.values(), Fraction(0))
        if whole != 1 or any(weight < 0 for weight in self.weights.values()):
            raise CoefficientFault(
                f"composite weights must not be below 0 and add up to 1, found {whole} 权重合计须为 1"
            )


@dataclass(frozen=True, slots=True)
class BonusForm:
    """Form 4: mean of the same level ÷ city mean, from the indicator `base`, plus Σ weight × bonus indicator."""

    base: str
    weights: Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class Increment:
    """One capped increment of form 5: `per_step` for each `step` above the same-level mean.

    `at_once`: the first is due as soon as the hospital is above at all, further ones per step. `caps` by level; a
    level without cap gets nothing from it. `symmetric`: below the mean the same is taken away.
    """

    indicator: str
    step: Fraction
    per_step: Fraction
    caps: Mapping[str, Fraction]
    at_once: bool = False
    symmetric: bool = False
    growth: Growth = Growth.STEPS
    against: Against = Against.RELATIVE

    def __post_init__(self) -> None:
        if self.step <= 0 or self.per_step < 0 or any(cap < 0 for cap in self.caps.values()):
            raise CoefficientFault(
                f"increment {self.indicator}: step must be above 0, the rest not below 0 增量参数有误"
            )


@dataclass(frozen=True, slots=True)
class IncrementForm:
    """Form 5: base of the level plus capped increments against the mean of same-level hospitals."""

    bases: Mapping[str, Fraction]
    increments: tuple[Increment, ...]


HospitalForm: TypeAlias = LevelForm | CompositeForm | BonusForm | IncrementForm


@dataclass(frozen=True, slots=True)
class Clamp:
    """The least and the most a coefficient may be; None = open."""

    low: Fraction | None = None
    high: Fraction | None = None

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise CoefficientFault(
                f"the least coefficient {self.low} lies above the most, {self.high} 系数下限高于上限"
            )


OPEN = Clamp()


def clamp(value: Fraction, limits: Clamp) -> Fraction:
    """The value, not under the least nor over the most."""
    if limits.low is not None and value < limits.low:
        return limits.low
    return limits.high if limits.high is not None and value > limits.high else value


def hospital_coefficients_e6(
    form: HospitalForm, hospitals: Sequence[HospitalFacts], limits: Clamp = OPEN
) -> dict[str, int]:
    """Coefficient of every hospital ×10⁶, clamped, rounded once."""
    overs = _overs(form, hospitals) if isinstance(form, IncrementForm) else {}
    found: dict[str, int] = {}
    for hospital in hospitals:
        if isinstance(form, LevelForm):
            value = _of_level(form.values, hospital)
        elif isinstance(form, CompositeForm):
            value = composite(form, {name: _indicator(hospital, name) for name in form.weights})
        elif isinstance(form, BonusForm):
            value = _indicator(hospital, form.base) + sum(
                (weight * _indicator(hospital, name) for name, weight in form.weights.items()), Fraction(0)
            )
        else:
            value = incremented(form, hospital, overs[hospital.code])
        found[hospital.code] = half_up(clamp(value, limits) * E6)
    return found


def composite(form: CompositeForm, values: Mapping[str, Fraction]) -> Fraction:
    """Composite coefficient 「综合系数」 = Σ weight × value, exact."""
    return sum((weight * values[name] for name, weight in form.weights.items()), Fraction(0))


def incremented(form: IncrementForm, hospital: HospitalFacts, over: Mapping[str, Fraction]) -> Fraction:
    """Base of the level plus its capped increments; `over` says how far each indicator lies above the mean."""
    value = _of_level(form.bases, hospital)
    for each in form.increments:
        cap = each.caps.get(hospital.level)
        if cap is None:
            continue
        gain = min(cap, each.per_step * _steps(each, abs(over[each.indicator])))
        if over[each.indicator] > 0:
            value += gain
        elif each.symmetric:
            value -= gain
    return value


def _steps(increment: Increment, over: Fraction) -> Fraction:
    if over <= 0:
        return Fraction(0)
    steps = exact(over, increment.step)
    if increment.growth is Growth.STEPS:
        steps = Fraction(floor(steps))
    return steps + 1 if increment.at_once else steps


def group_coefficients_e6(
    form: GroupCostForm,
    own_cost_fen: Sequence[int],
    own_count: Sequence[int],
    region_cost_fen: Sequence[int],
    region_count: Sequence[int],
    limits: Clamp = OPEN,
) -> list[int]:
    """Form 2 of one hospital, group by group 「差异系数」 ×10⁶: its mean cost over the region's.

    (own cost ÷ own cases) ÷ (region cost ÷ region cases); a group new to the hospital or the region takes 1.
    """
    found = []
    rows = zip(own_cost_fen, own_count, region_cost_fen, region_count, strict=True)
    for own, cases, region, region_cases in rows:
        value = ONE
        if cases >= max(1, form.min_cases) and region > 0 and region_cases > 0:
            value = exact(own * region_cases, cases * region)
        found.append(half_up(clamp(value, limits) * E6))
    return found


def _overs(form: IncrementForm, hospitals: Sequence[HospitalFacts]) -> dict[str, dict[str, Fraction]]:
    """How far each hospital lies above the plain mean of the hospitals of its level, by indicator."""
    found: dict[str, dict[str, Fraction]] = {hospital.code: {} for hospital in hospitals}
    for each in form.increments:
        for level in sorted({hospital.level for hospital in hospitals} & set(each.caps)):
            peers = [hospital for hospital in hospitals if hospital.level == level]
            values = [_indicator(hospital, each.indicator) for hospital in peers]
            mean = exact(sum(values, Fraction(0)), len(values))
            for hospital, value in zip(peers, values, strict=True):
                found[hospital.code][each.indicator] = _over(each, value, mean, hospital.code)
    return found


def _over(increment: Increment, value: Fraction, mean: Fraction, hospital: str) -> Fraction:
    if increment.against is Against.POINTS:
        return value - mean
    if mean <= 0:
        if value == mean:
            return Fraction(0)
        raise CoefficientFault(
            f"{hospital}: the mean of {increment.indicator} is {mean}, so nothing lies a share above it; "
            f"compare in points 均值为零，请改用百分点比较"
        )
    return exact(value, mean) - 1


def _of_level(values: Mapping[str, Fraction], hospital: HospitalFacts) -> Fraction:
    for key in (f"{hospital.level}/{hospital.kind}", hospital.level):
        if key in values:
            return values[key]
    raise CoefficientFault(
        f"hospital {hospital.code}: no coefficient for level {hospital.level}; there are: "
        f"{', '.join(sorted(values))} 缺少该等级的系数"
    )


def _indicator(hospital: HospitalFacts, name: str) -> Fraction:
    if name not in hospital.indicators:
        raise CoefficientFault(f"hospital {hospital.code}: the number {name} is missing 缺少系数所需的指标")
    return hospital.indicators[name]
