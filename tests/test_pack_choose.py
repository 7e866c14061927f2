"""Which edition applies on which day: the day before, the day of, the day after every boundary."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from engine.packs.choose import PackCalendar, calendar_of, choose_pack
from engine.packs.errors import PackError
from engine.packs.load import Pack, load_pack
from fixtures.broken_packs import TINY


def edition(
    folder: Path, version: str, first: str, last: str | None, chosen_by: str = "discharge_date", area: str = "990000"
) -> Pack:
    """The tiny pack under another version and period."""
    target = folder / f"{version}-{area}"
    shutil.copytree(TINY, target)
    text = (target / "pack.toml").read_text(encoding="utf-8")
    text = text.replace('"2024.1"', f'"{version}"').replace("2024-01-01", first).replace('"990000"', f'"{area}"')
    text = text.replace("valid_to    = 2024-12-31", f"valid_to    = {last}" if last else "")
    (target / "pack.toml").write_text(text.replace("discharge_date", chosen_by), encoding="utf-8")
    return load_pack(target)


def versions(calendar: PackCalendar, *days: str) -> list[str]:
    return [calendar.pack_on(date.fromisoformat(day)).meta.version for day in days]


def test_two_editions_within_one_year_change_on_the_day_written(tmp_path: Path) -> None:
    packs = [edition(tmp_path, "b", "2024-07-01", None), edition(tmp_path, "a", "2024-01-01", "2024-06-30")]
    calendar = calendar_of(packs)
    assert versions(calendar, "2024-01-01", "2024-06-29", "2024-06-30") == ["a", "a", "a"]
    assert versions(calendar, "2024-07-01", "2024-07-02", "2031-01-01") == ["b", "b", "b"]


def test_no_edition_before_the_first_day_or_after_the_last(tmp_path: Path) -> None:
    calendar = calendar_of([edition(tmp_path, "a", "2024-01-01", "2024-06-30")])
    for day in ("2023-12-31", "2024-07-01"):
        with pytest.raises(PackError, match=rf"no edition on {day}.*tiny_drg a \(2024-01-01 – 2024-06-30\)"):
            calendar.pack_on(date.fromisoformat(day))


def test_a_gap_names_both_packs_and_the_days_without_edition(tmp_path: Path) -> None:
    packs = [edition(tmp_path, "a", "2024-01-01", "2024-06-29"), edition(tmp_path, "b", "2024-07-01", None)]
    with pytest.raises(PackError, match=r"2024-06-30 – 2024-06-30.*tiny_drg a .*tiny_drg b ") as refused:
        calendar_of(packs)
    assert [problem.kind for problem in refused.value.problems] == ["choice.gap"]


@pytest.mark.parametrize("last", ["2024-07-01", "2025-12-31", None])
def test_an_overlap_names_both_packs_even_by_a_single_day(last: str | None, tmp_path: Path) -> None:
    packs = [edition(tmp_path, "a", "2024-01-01", last), edition(tmp_path, "b", "2024-07-01", "2024-12-31")]
    with pytest.raises(PackError, match=r"tiny_drg a .*tiny_drg b .*2024-07-01") as refused:
        calendar_of(packs)
    assert [problem.kind for problem in refused.value.problems] == ["choice.overlap"]


def test_an_edition_inside_another_is_an_overlap_and_no_gap_afterwards(tmp_path: Path) -> None:
    packs = [
        edition(tmp_path, "a", "2024-01-01", "2024-12-31"),
        edition(tmp_path, "b", "2024-03-01", "2024-04-30"),
        edition(tmp_path, "c", "2025-01-01", None),
    ]
    with pytest.raises(PackError) as refused:
        calendar_of(packs)
    assert [problem.kind for problem in refused.value.problems] == ["choice.overlap"]


def test_an_area_goes_over_to_the_national_edition_on_its_own_day(tmp_path: Path) -> None:
    old = edition(tmp_path, "2", "2025-01-01", "2027-03-31", area="CN")
    new = edition(tmp_path, "3", "2027-01-01", None, area="CN")
    for day_before, switch in (
        ("2026-12-31", "2027-01-01"),
        ("2027-02-14", "2027-02-15"),
        ("2027-03-31", "2027-04-01"),
    ):
        switches = {date(2025, 1, 1): "tiny_drg 2", date.fromisoformat(switch): "tiny_drg 3"}
        calendar = calendar_of([old, new], switches, area="370300")
        assert versions(calendar, day_before, switch) == ["2", "3"]
        assert calendar.area == "370300"


def test_a_switch_outside_the_validity_of_the_edition_is_refused(tmp_path: Path) -> None:
    old = edition(tmp_path, "2", "2025-01-01", "2027-03-31", area="CN")
    new = edition(tmp_path, "3", "2027-01-01", None, area="CN")
    for switch in (date(2026, 12, 31), date(2027, 4, 2)):
        with pytest.raises(PackError, match="reaches beyond its own validity"):
            calendar_of([old, new], {date(2025, 1, 1): "tiny_drg 2", switch: "tiny_drg 3"})
    with pytest.raises(PackError, match="none of the packs at hand"):
        calendar_of([old, new], {date(2025, 1, 1): "tiny_drg 9"})


def test_packs_that_go_by_different_dates_or_areas_do_not_mix(tmp_path: Path) -> None:
    packs = [
        edition(tmp_path, "a", "2024-01-01", "2024-06-30"),
        edition(tmp_path, "b", "2024-07-01", None, chosen_by="settlement_date", area="990100"),
    ]
    with pytest.raises(PackError) as refused:
        calendar_of(packs)
    assert {problem.where for problem in refused.value.problems} == {"chosen_by", "area"}


def test_the_date_asked_for_is_the_one_the_packs_name(tmp_path: Path) -> None:
    packs = [
        edition(tmp_path, "a", "2024-01-01", "2024-06-30", chosen_by="settlement_date"),
        edition(tmp_path, "b", "2024-07-01", None, chosen_by="settlement_date"),
    ]
    calendar = calendar_of(packs)
    assert calendar.pack_for(date(2024, 6, 30), date(2024, 7, 1)).meta.version == "b"
    assert choose_pack(packs, "settlement_date", date(2024, 6, 30)).meta.version == "a"
    with pytest.raises(PackError, match="asked by discharge_date"):
        choose_pack(packs, "discharge_date", date(2024, 6, 30))
    with pytest.raises(PackError, match="settlement_date, which is empty"):
        calendar.pack_for(date(2024, 6, 30), None)


def test_no_pack_at_all_is_an_error_of_its_own() -> None:
    with pytest.raises(PackError, match="no pack was given"):
        calendar_of([])
