"""23,000 published answers: walk and kernel reproduce every one from the real tables."""

from dataclasses import replace
from functools import cache

import polars as pl
import pytest

from engine.packs.load import load_pack
from grouper.compile import compile_drg
from grouper.drg import group_batch
from grouper.encode import encode_cases
from grouper.reason import GroupReason, GroupStatus
from grouper.reference import Walker, failure_codes
from grouper.tables import Case, DrgTables
from tests.shared_data import EDITIONS_ROOT, needs_shared

NUMBERS = ("gender", "age_years", "age_days", "birth_weight_g", "los_days", "icu_hours")
ANSWERS = [("chs_drg_11", "oracle", 10_000), ("fuzhou_2022", "oracle", 10_000), ("chs_drg_11", "oracle_mapped", 3_000)]
STATUS = {
    "SUCCESS": GroupStatus.OK,
    "QY": GroupStatus.QY,
    "FAIL": GroupStatus.FAIL,
    "CHECK_FAILED": GroupStatus.INVALID,
    "ZD_NOT_MAPPING": GroupStatus.INVALID,
    "SS_NOT_MAPPING": GroupStatus.INVALID,
}
INVALID_BECAUSE = {
    "CHECK_FAILED": {
        GroupReason.GENDER_MISSING,
        GroupReason.GENDER_NOT_1_OR_2,
        GroupReason.AGE_MISSING,
        GroupReason.AGE_DAYS_MISSING,
        GroupReason.BIRTH_WEIGHT_MISSING,
    },
    "ZD_NOT_MAPPING": {GroupReason.DIAGNOSIS_NOT_MAPPED, GroupReason.DIAGNOSIS_MISSING_FOR_MAPPING},
    "SS_NOT_MAPPING": {GroupReason.PROCEDURE_NOT_MAPPED},
}
Answer = tuple[GroupStatus, str, str, str]


@cache
def answers(edition: str, table: str) -> tuple[tuple[Case, ...], tuple[tuple[str, str, str, str], ...]]:
    """Records, codes verbatim, and what was published for each: status, mdc, adrg, drg."""
    rows = pl.read_parquet(EDITIONS_ROOT / edition / f"{table}.parquet").sort("rec_id").to_dicts()
    cases = tuple(
        Case(
            str(row["rec_id"]),
            tuple(row["dx_codes"]),
            tuple(row["proc_codes"]),
            {name: row[name] for name in NUMBERS},
            {name: row[name] for name in ("dept", "leaving_type")},
        )
        for row in rows
    )
    return cases, tuple((row["status"], row["mdc"], row["adrg"], row["drg"]) for row in rows)


@cache
def tables_of(edition: str, table: str) -> DrgTables:
    tables = load_pack(EDITIONS_ROOT / edition).tables
    return replace(tables, options=replace(tables.options, code_mapping=table == "oracle_mapped"))


def differences(got: list[tuple[Answer, GroupReason]], edition: str, table: str) -> list[str]:
    cases, published = answers(edition, table)
    wrong = []
    for case, (answer, reason), (status, *codes) in zip(cases, got, published, strict=True):
        expected = (STATUS[status], *codes)
        if answer != expected or (status in INVALID_BECAUSE and reason not in INVALID_BECAUSE[status]):
            wrong.append(f"{case}: published {status} {codes}, got {answer} {reason.name}")
    return wrong


@needs_shared
@pytest.mark.parametrize(("edition", "table", "count"), ANSWERS)
def test_the_walk_gives_every_published_answer(edition: str, table: str, count: int) -> None:
    walker = Walker(tables_of(edition, table))
    cases, _ = answers(edition, table)
    assert len(cases) == count
    outcomes = [walker.walk(case) for case in cases]
    got = [((o.status, o.mdc, o.adrg, o.drg), o.reason) for o in outcomes]
    assert differences(got, edition, table) == []


@needs_shared
@pytest.mark.parametrize(("edition", "table", "count"), ANSWERS)
def test_the_kernel_gives_every_published_answer(edition: str, table: str, count: int) -> None:
    compiled = compile_drg(tables_of(edition, table))
    cases, _ = answers(edition, table)
    assert len(cases) == count
    grouped = group_batch(compiled, encode_cases(compiled, cases))
    got: list[tuple[Answer, GroupReason]] = []
    for status, reason, leaf in zip(grouped.status, grouped.reason, grouped.leaf, strict=True):
        if leaf >= 0:
            codes = (compiled.leaf_mdc[leaf], compiled.leaf_adrg[leaf], compiled.leaf_code[leaf])
        else:
            codes = failure_codes(compiled.options, GroupStatus(status))
        got.append(((GroupStatus(status), *codes), GroupReason(reason)))
    assert differences(got, edition, table) == []
