"""The hospital coefficient in its five forms, as the rule text has it. No engine code.

In: a `Book` and a day; out: {hospital: coefficient}, rounded once to six places after the bounds.
"""

from fractions import Fraction as F
from math import floor

from tests.slow_policy_book import f


def coefficients(book, day):
    _days, files = book.starts("hospitals")
    file = book.at("hospitals", day) or files[0]
    table = {row["fixmedins_code"]: row for row in book.table(file)}
    form = book.at("coefficient.form", day, "table")
    if form in ("table", "group_cost"):
        return {code: f(row["medins_coef"]) for code, row in table.items()}
    facts = book.at("coefficient.facts", day)
    facts = {row["fixmedins_code"]: row for row in book.table(facts)} if facts else {}
    found = {}
    for code, row in table.items():
        found[code] = bounded(book, day, raw(book, day, form, code, row["hi_setl_lv"], table, facts))
    return found


def raw(book, day, form, code, level, table, facts):
    own = facts.get(code, {})
    if form == "composite":
        weights = book.at("coefficient.composite_weights", day)
        return sum(f(weight) * f(own[f"ind_{name}"]) for name, weight in weights.items())
    if form == "base_plus_bonus":
        bonus = book.at("coefficient.bonus", day)
        return f(own[f"ind_{bonus['base']}"]) + sum(
            f(w) * f(own[f"ind_{name}"]) for name, w in bonus["weights"].items()
        )
    values = book.at("coefficient.level_values", day)
    h = f(values.get(f"{level}/{own.get('kind')}") or values[level])
    if form == "level":
        return h
    for each in book.at("coefficient.increments", day):
        if level not in each["caps"]:
            continue
        column = f"ind_{each['indicator']}"
        peers = [f(facts[c][column]) for c, row in table.items() if row["hi_setl_lv"] == level]
        mean, mine = sum(peers) / len(peers), f(own[column])
        over = mine / mean - 1 if each["against"] == "relative" else mine - mean
        steps = abs(over) / f(each["step"])
        if each["growth"] == "steps":
            steps = F(floor(steps))
        if each["at_once"] == "true" and over != 0:
            steps += 1
        gain = min(f(each["caps"][level]), f(each["per_step"]) * steps)
        if over > 0:
            h += gain
        elif over < 0 and each["symmetric"] == "true":
            h -= gain
    return h


def of_group(book, day, hospital, group):
    """Form 2: the hospital's coefficient in the group, within the bounds; 1 where none is listed."""
    for row in book.table(book.at("coefficient.groups", day)):
        if (row["fixmedins_code"], row["group_code"]) == (hospital, group):
            return bounded(book, day, f(row["coefficient"]))
    return F(1)


def bounded(book, day, h):
    low, high = book.at("coefficient.min", day), book.at("coefficient.max", day)
    h = max(h, f(low)) if low is not None else h
    h = min(h, f(high)) if high is not None else h
    return F(floor(h * 10**6 + F(1, 2)), 10**6)
