"""Rows that share a settlement id end the same way in whatever order, files or batches they come."""

import random
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from engine.cases.demand import Demand
from engine.cases.duplicates import find_duplicates
from engine.cases.load import LoadedCases, load_cases
from engine.cases.one import rows_of
from engine.cases.read import open_cases
from tests.input_rows import Row, check, content, load, many, row, write_csv, write_parquet


def _outcome(loaded: LoadedCases) -> dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]]:
    """Per id: how many rows were accepted, the codes and the texts of the others; no place."""
    found: dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]] = {}
    accepted = loaded.accepted["setl_id"].to_list()
    rejected = loaded.rejected.select("setl_id", "code", "reason_zh").rows()
    for setl_id in {*accepted, *(some for some, _, _ in rejected)}:
        codes = tuple(sorted(code for some, code, _ in rejected if some == setl_id))
        texts = tuple(sorted(text for some, _, text in rejected if some == setl_id))
        found[setl_id] = (accepted.count(setl_id), codes, texts)
    return found


ROWS: list[Row] = [
    *many(8),
    *[row("COPY")] * 3,
    row("CLASH", age="45"),
    row("CLASH", age="46", medfee_sumamt="9000.01"),
    row("CLASH", age="45"),
    row("BROKEN", gend="9"),
    row("BROKEN", gend="9"),
    row(" PAD"),
    row("PAD "),
    row("NULLS", oprn_codes=None),
    row("NULLS", oprn_codes="47.0100"),
]


def test_copies_keep_one_row_and_rows_that_differ_keep_none(tmp_path: Path) -> None:
    outcome = _outcome(check(tmp_path, ROWS))
    assert outcome["COPY"][:2] == (1, ("V003", "V003"))
    assert outcome["CLASH"][:2] == (0, ("V004", "V004", "V004"))
    assert "（年龄、医疗费总额）" in outcome["CLASH"][2][0], "the fields that differ are named"
    assert outcome["BROKEN"][:2] == (0, ("V003", "V031")), "the kept copy is judged like any row"
    assert outcome["PAD"][:2] == (1, ("V003",)), "ids are compared without blanks"
    assert outcome["NULLS"][:2] == (0, ("V004", "V004")), "nothing sent differs from something sent"


@pytest.mark.parametrize("seed", range(12))
def test_order_files_and_batches_change_nothing(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    rows = list(ROWS)
    rng.shuffle(rows)
    cuts = sorted(rng.sample(range(1, len(rows)), 2))
    parts: list[Sequence[Row]] = [rows[: cuts[0]], rows[cuts[0] : cuts[1]], rows[cuts[1] :]]
    (tmp_path / "in").mkdir()
    for number, part in enumerate(parts):
        # The same amount as text and as decimal, the same day as text and as date, are the same content.
        write = write_csv if number % 2 else write_parquet
        write(tmp_path / "in" / f"{number}.{'csv' if number % 2 else 'parquet'}", part)
    loaded = load(tmp_path / "in", batch_rows=rng.choice([1, 2, 5, 100]))
    plain = check(tmp_path, ROWS)
    assert loaded.read_count == len(ROWS) == len(loaded.accepted) + len(loaded.rejected)
    assert _outcome(loaded) == _outcome(plain)
    assert content(loaded.accepted).equals(content(plain.accepted))


def test_the_kept_copy_is_the_first_one(tmp_path: Path) -> None:
    loaded = check(tmp_path, [row("A"), row("B"), row("A"), row("B")])
    assert loaded.accepted["row"].to_list() == [1, 2]
    assert loaded.rejected["row"].to_list() == [3, 4]


def test_a_cell_nobody_can_read_differs_from_one_that_was_not_sent(tmp_path: Path) -> None:
    loaded = check(tmp_path, [row("A", nwb_age="x"), row("A", nwb_age=None)])
    assert loaded.rejected["code"].to_list() == ["V004", "V004"]


def test_the_compatible_profile_compares_codes_letter_for_letter(tmp_path: Path) -> None:
    rows = [row("A", diag_codes="K35.800"), row("A", diag_codes="k35.800")]
    assert check(tmp_path, rows, profile="strict").rejected["code"].to_list() == ["V003"]
    assert check(tmp_path, rows, profile="compatible").rejected["code"].to_list() == ["V004", "V004"]


def test_missing_ids_are_no_duplicates_of_each_other(tmp_path: Path) -> None:
    loaded = check(tmp_path, [row(""), row("  "), row("A")])
    assert loaded.rejected["code"].to_list() == ["V001", "V001"]


def test_unique_ids_cost_one_pass_and_give_no_verdict(tmp_path: Path) -> None:
    reader = open_cases([write_parquet(tmp_path / "a.parquet", many(50))], Demand("settle", "strict"))
    assert len(find_duplicates(reader, batch_rows=7)) == 0


def test_the_rows_of_one_id_end_as_they_do_among_all_others(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_parquet(tmp_path / "in" / "a.parquet", ROWS[::2])
    write_csv(tmp_path / "in" / "b.csv", ROWS[1::2])
    demand = Demand("group", "strict", numbers=())
    reader = open_cases([tmp_path / "in"], demand)
    whole = load_cases([tmp_path / "in"], demand)
    for setl_id in {*whole.accepted["setl_id"], *whole.rejected["setl_id"]}:
        found = rows_of(reader, setl_id)
        assert found is not None
        for mine, all_ in ((found.accepted, whole.accepted), (found.rejected, whole.rejected)):
            assert_frame_equal(mine, all_.filter(pl.col("setl_id") == setl_id), check_row_order=False)
    assert rows_of(reader, "NOBODY") is None
