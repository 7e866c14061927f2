"""What a policy is: exact numbers, one fingerprint for one content, tags and defaults that travel with the values."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.policy import PackGroups, PolicyFaults, check, load_policy, resolve
from engine.policy.nodes import Scalar
from engine.policy.problems import Place, Problems, Unreadable
from engine.policy.readers import number, plain, yuan
from fixtures.small_policy import SMALL, write_small

DAYS = {"first": date(2024, 12, 1), "last": date(2025, 12, 31)}


def scalar(text: str) -> Scalar:
    return Scalar(Place("f.yaml", 1, "k"), text, True)


def written(folder: Path, **files: str) -> Path:
    """The small policy with some files replaced (`deposit_yaml="…"`)."""
    write_small(folder)
    for name, text in files.items():
        (folder / name.replace("_yaml", ".yaml").replace("_csv", ".csv")).write_text(text, encoding="utf-8")
    return folder


# --- exactness -----------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**14), st.integers(0, 999_999))
def test_every_decimal_is_read_as_written(whole: int, millionths: int) -> None:
    problems = Problems()
    value = number()(scalar(f"{whole}.{millionths:06d}"), problems)
    assert value == Fraction(whole * 10**6 + millionths, 10**6)
    assert number()(scalar(plain(value)), problems) == value


@given(st.integers(0, 10**15))
def test_yuan_with_two_decimals_are_whole_fen(fen: int) -> None:
    assert yuan()(scalar(f"{fen // 100}.{fen % 100:02d}"), Problems()) == fen


@pytest.mark.parametrize(
    "text", ["0x10", "1e3", "1_0", ".5", "5.", "+1", "01", "NaN", "inf", "1/3", "１", "5 %", "1,000", ""]
)
def test_what_is_not_plainly_a_number_is_refused(text: str) -> None:
    problems = Problems()
    with pytest.raises(Unreadable):
        number(None)(scalar(text), problems)
    assert len(problems.found) == 1


def test_a_third_is_shown_as_a_fraction_and_a_half_as_a_decimal() -> None:
    assert [plain(Fraction(1, 3)), plain(Fraction(-1, 2)), plain(Fraction(5)), plain(None)] == [
        "1/3",
        "-0.5",
        "5",
        "null",
    ]


def test_no_float_is_anywhere_in_a_resolved_policy(tmp_path: Path) -> None:
    assert "float" not in {type(value).__name__ for value in walk(resolve(load_policy(write_small(tmp_path)), 2025))}


def walk(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for item in value.items() for leaf in walk(item)]
    if isinstance(value, list | tuple | set | frozenset):
        return [leaf for item in value for leaf in walk(item)]
    fields = getattr(value, "__dataclass_fields__", None)
    return [value] if fields is None else [leaf for name in fields for leaf in walk(getattr(value, name))]


# --- fingerprint ---------------------------------------------------------------------------------------------------


def test_file_names_order_comments_and_quotes_do_not_change_the_fingerprint(tmp_path: Path) -> None:
    plainly = load_policy(write_small(tmp_path / "a"))
    other = tmp_path / "b"
    other.mkdir()
    merged = SMALL["deposit.yaml"].replace("0.05", "'0.050'   # 全国上限") + SMALL["budget.yaml"]
    for name in ("area", "hospitals", "points", "case_classes", "point_value", "surplus_and_overspend", "special_case"):
        text = (
            SMALL[f"{name}.yaml"].replace("hospitals.csv", "tables/h.csv").replace("description: ", "description:   ")
        )
        (other / f"z_{name}.yml").write_text("# 注\n" + text, encoding="utf-8")
    (other / "money.yaml").write_text(merged, encoding="utf-8")
    (other / "tables").mkdir()
    head, *rows = SMALL["hospitals.csv"].splitlines()
    (other / "tables/h.csv").write_text("\n".join([head, *reversed(rows)]), encoding="utf-8-sig")
    (other / "weights.csv").write_text(SMALL["weights.csv"].replace("\n", "\r\n"), encoding="utf-8")
    assert load_policy(other).fingerprint == plainly.fingerprint


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("deposit.yaml", "0.05", "0.04"),
        ("deposit.yaml", "tag: B", "tag: A"),
        ("deposit.yaml", "2024-01-01: 0.05", "2024-01-02: 0.05"),
        ("deposit.yaml", "样例", "样例二"),
        ("weights.csv", "250.5000", "250.5001"),
        ("weights.csv", "25050.00", "25050.01"),
        ("hospitals.csv", "82.5", "82"),
        ("hospitals.csv", "甲医院", "丙医院"),
        ("case_classes.yaml", "{upto: 0.4}", "{below: 0.4}"),
    ],
)
def test_any_change_of_content_changes_the_fingerprint(file: str, old: str, new: str, tmp_path: Path) -> None:
    before = load_policy(write_small(tmp_path / "a")).fingerprint
    folder = write_small(tmp_path / "b")
    (folder / file).write_text(SMALL[file].replace(old, new), encoding="utf-8")
    assert load_policy(folder).fingerprint != before


def test_the_version_names_area_and_content(tmp_path: Path) -> None:
    policy = load_policy(write_small(tmp_path))
    assert policy.version == f"370000@{policy.fingerprint[:12]}"
    assert len(policy.fingerprint) == 64


# --- tags and defaults ---------------------------------------------------------------------------------------------


def test_every_value_used_carries_its_tag_and_verified_ones_are_not_listed_as_open(tmp_path: Path) -> None:
    resolved = resolve(load_policy(write_small(tmp_path)), 2025)
    used = {one.key: one for one in resolved.used}
    assert (used["deposit.rate"].tag, used["deposit.rate"].unverified) == ("B", False)
    assert (used["deposit.release"].tag, used["deposit.release"].unverified) == ("PH", True)
    assert "surplus_and_overspend" in {one.key for one in resolved.unverified}
    assert "deposit.rate" not in {one.key for one in resolved.unverified}


def test_defaults_the_policy_relies_on_are_listed_and_tagged_unverified(tmp_path: Path) -> None:
    defaults = {one.key: one for one in resolve(load_policy(write_small(tmp_path)), 2025).defaults}
    assert (defaults["monthly.basis"].text, defaults["monthly.basis"].tag) == ("booked_fund", "U")
    assert (defaults["point_value.dp"].text, defaults["point_value.dp"].tag) == ("4", "PH")
    assert defaults["monthly.rate"].text == "1"
    assert defaults["special_case.pay"].text == "points_from_cost"
    assert "advance" not in defaults  # a fact, not a choice
    assert "deposit.rate" not in defaults


def test_a_later_document_is_named_for_the_value_it_changed(tmp_path: Path) -> None:
    amended = (
        "2024-01-01: 0.05\n      2025-01-01: 0.03\n    amended:\n"
        "      2025-01-01: {tag: A, source: {document: 新文件, issued: 2024-12-20}}"
    )
    folder = written(tmp_path, deposit_yaml=SMALL["deposit.yaml"].replace("2024-01-01: 0.05", amended))
    (one,) = [used for used in resolve(load_policy(folder), 2025).used if used.key == "deposit.rate"]
    assert (one.tag, one.source, one.since, one.text) == ("A", "新文件", date(2025, 1, 1), "0.03")


def test_a_value_written_once_holds_for_both_pools_and_one_written_by_pool_for_each(tmp_path: Path) -> None:
    by_pool = SMALL["budget.yaml"].replace("2025-01-01: 0.05", '2025-01-01: {"310": 0.05, "390": 0.03}')
    pools = resolve(load_policy(written(tmp_path, budget_yaml=by_pool)), 2025).area.pools
    assert [pool.reserve.rate for pool in pools] == [Fraction(5, 100), Fraction(3, 100)]
    assert [pool.months[0].deposit_rate for pool in pools] == [Fraction(5, 100)] * 2


# --- against a pack ------------------------------------------------------------------------------------------------


def test_a_policy_that_prices_every_group_passes(tmp_path: Path) -> None:
    check(load_policy(write_small(tmp_path)), [PackGroups("drg", "demo 1", frozenset({"AA1", "AA2"}), **DAYS)])


def test_groups_without_weight_and_weights_without_group_are_listed(tmp_path: Path) -> None:
    pack = PackGroups("drg", "demo 1", frozenset({"AA1", "BB1", "BB2"}), **DAYS)
    with pytest.raises(PolicyFaults) as caught:
        check(load_policy(write_small(tmp_path)), [pack])
    text = caught.value.render("en")
    for word in ("weights.csv", "2 groups of pack demo 1", "BB1, BB2", "1 groups of the weight table", "AA2"):
        assert word in text


@pytest.mark.parametrize("flag", ["ungrouped", "ambiguous", "invalid"])
def test_cases_without_a_group_must_be_classed_before_base_points_are_needed(flag: str, tmp_path: Path) -> None:
    lines = SMALL["case_classes.yaml"].splitlines(keepends=True)
    (rule,) = [line for line in lines if f"id: {flag}" in line]
    pack = PackGroups("drg", "demo 1", frozenset({"AA1", "AA2"}), **DAYS)
    gone = written(tmp_path / "gone", case_classes_yaml="".join(line for line in lines if line != rule))
    with pytest.raises(PolicyFaults, match=f"no rule takes {flag} cases"):
        check(load_policy(gone), [pack])
    kept = [line for line in lines if line != rule]
    low = next(index for index, line in enumerate(kept) if "id: low" in line)
    late = written(tmp_path / "late", case_classes_yaml="".join([*kept[: low + 1], rule, *kept[low + 1 :]]))
    with pytest.raises(PolicyFaults, match=f"rule {flag} stands after low"):
        check(load_policy(late), [pack])


def test_ambiguous_cases_may_use_base_points_where_their_codes_have_weights(tmp_path: Path) -> None:
    rules = SMALL["case_classes.yaml"].replace(
        "{flag: ambiguous}, shape: scaled_cost", "{flag: ambiguous}, shape: scaled_base"
    )
    weights = SMALL["weights.csv"] + "AQY,120.0000,12000.00\n"
    groups = frozenset({"AA1", "AA2"})
    without = load_policy(written(tmp_path / "a", case_classes_yaml=rules))
    with pytest.raises(PolicyFaults, match="ambiguous"):
        check(without, [PackGroups("drg", "demo 1", groups, **DAYS, ambiguous=frozenset({"AQY"}))])
    weighed = load_policy(written(tmp_path / "b", case_classes_yaml=rules, weights_csv=weights))
    check(weighed, [PackGroups("drg", "demo 1", groups, **DAYS, ambiguous=frozenset({"AQY"}))])


def test_a_pack_used_before_the_first_weights_is_an_error_with_the_day(tmp_path: Path) -> None:
    pack = PackGroups("drg", "demo 1", frozenset({"AA1", "AA2"}), date(2023, 12, 31), date(2025, 12, 31))
    with pytest.raises(PolicyFaults, match="2023-12-31"):
        check(load_policy(write_small(tmp_path)), [pack])


def test_a_same_price_group_without_weight_is_an_error(tmp_path: Path) -> None:
    points = SMALL["points.yaml"] + "  same_price_groups:\n    values: {2024-01-01: {drg: [AA1, AA9]}}\n"
    pack = PackGroups("drg", "demo 1", frozenset({"AA1", "AA2"}), **DAYS)
    with pytest.raises(PolicyFaults, match="same-price group AA9"):
        check(load_policy(written(tmp_path, points_yaml=points)), [pack])
