"""One broken pack per defect: each is refused, or found by the linter, in words that lead the author to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.errors import PackError as AnyPackError
from engine.packs.errors import PROBLEM_ZH, SHOWN_MAX, PackError
from engine.packs.lint import CHECKS, has_errors, lint_folder, lint_lines
from engine.packs.load import load_pack
from fixtures.broken_packs import BROKEN, TINY, Defect, add, both, edit, write_broken
from fixtures.flawed_packs import FLAWED


@pytest.mark.parametrize("defect", BROKEN, ids=lambda defect: defect.name)
def test_a_broken_pack_is_refused_and_the_message_leads_to_the_place(defect: Defect, tmp_path: Path) -> None:
    with pytest.raises(PackError) as refused:
        load_pack(write_broken(defect, tmp_path))
    said = [str(problem) for problem in refused.value.problems if problem.kind == defect.kind]
    assert said, f"no problem of kind {defect.kind}: {refused.value}"
    assert any(all(word in text for word in defect.words) for text in said), said
    assert PROBLEM_ZH[defect.kind] in str(refused.value)


@pytest.mark.parametrize("defect", FLAWED, ids=lambda defect: defect.name)
def test_the_linter_names_the_flaw_and_its_place(defect: Defect, tmp_path: Path) -> None:
    findings = [one for one in lint_folder(write_broken(defect, tmp_path)) if one.code == defect.kind]
    assert findings, f"{defect.name}: {defect.kind} was not found"
    texts = ["\n".join(lint_lines([one], "en")) for one in findings]
    assert any(all(word in text for word in defect.words) for text in texts), texts


def test_the_tiny_pack_itself_has_neither_errors_nor_warnings() -> None:
    assert [one for one in lint_folder(TINY) if one.severity != "info"] == []


def test_every_kind_of_problem_a_file_can_have_is_produced_by_some_broken_pack() -> None:
    of_calendars = {"choice.gap", "choice.overlap", "choice.none"}
    not_reachable_by_one_edit = {"site.many"}
    assert {defect.kind for defect in BROKEN} | of_calendars | not_reachable_by_one_edit == set(PROBLEM_ZH)


def test_every_code_the_linter_knows_is_produced_by_some_pack() -> None:
    root = Path(__file__).parents[1] / "engine" / "packs"
    known = {code for file in root.glob("lint*.py") for code in re.findall(r'"(L\d{3})"', file.read_text("utf-8"))}
    tested_below = {"L000", "L008", "L012", "L015", "L016", "L017", "L030", "L031", "L032", "L035", "L045"}
    assert known == {defect.kind for defect in FLAWED} | tested_below
    assert len(CHECKS) == len({check.__name__ for check in CHECKS})


@pytest.mark.parametrize(
    ("name", "code"),
    [("cc_and_mcc", "L030"), ("two_exclusion_tables", "L031"), ("two_sites", "L032"), ("cycle", "L000")],
)
def test_the_linter_reports_a_pack_that_does_not_load_instead_of_failing(name: str, code: str, tmp_path: Path) -> None:
    defect = next(one for one in BROKEN if one.name == name)
    findings = lint_folder(write_broken(defect, tmp_path))
    assert code in {one.code for one in findings}
    assert has_errors(findings)


def test_independent_mistakes_are_all_told_at_once(tmp_path: Path) -> None:
    three = Defect(
        "three",
        "",
        both(
            edit("rule_conds.csv", "37,0,0,dx_main,in,8,,", "37,0,0,dx_main,in,88,,"),
            add("cc.csv", "N18.900,MCC,3"),
            edit("rule_nodes.csv", "53,51,DRG,1,MR15,", "53,51,DRG,0,MR15,"),
        ),
        (),
    )
    with pytest.raises(PackError) as refused:
        load_pack(write_broken(three, tmp_path))
    assert {p.kind for p in refused.value.problems} == {"list.dangling", "cc.conflict", "node.seq"}


def test_header_and_table_mistakes_are_told_together(tmp_path: Path) -> None:
    two = Defect(
        "two", "", both(edit("pack.toml", "code_mapping =", "code_maping ="), add("cc.csv", "N18.900,CC,x")), ()
    )
    with pytest.raises(PackError) as refused:
        load_pack(write_broken(two, tmp_path))
    assert {p.kind for p in refused.value.problems} == {"key.unknown", "cell.type"}


def test_a_table_shifted_as_a_whole_does_not_flood_the_reader(tmp_path: Path) -> None:
    rows = [f"{900 + n},0,0,has_mcc,true,,," for n in range(200)]
    with pytest.raises(PackError) as refused:
        load_pack(write_broken(Defect("flood", "", add("rule_conds.csv", *rows), ()), tmp_path))
    assert len(refused.value.problems) == 200
    assert len(str(refused.value).splitlines()) == SHOWN_MAX + 2


def test_a_pack_error_is_the_kind_the_command_line_turns_into_exit_code_4(tmp_path: Path) -> None:
    with pytest.raises(AnyPackError) as refused:
        load_pack(tmp_path / "nowhere")
    assert refused.value.exit_code == 4
    assert "no such folder" in str(refused.value)


@pytest.mark.parametrize("keep", [0, 1, 3, 4, 8, 100, -1, -4, -8, -9, -40])
def test_a_parquet_file_cut_anywhere_is_refused_with_its_name(keep: int, tmp_path: Path) -> None:
    import polars as pl

    folder = write_broken(Defect("cut", "", lambda _: None, ()), tmp_path)
    pl.read_csv(folder / "cc.csv").write_parquet(folder / "cc.parquet")
    (folder / "cc.csv").unlink()
    whole = (folder / "cc.parquet").read_bytes()
    (folder / "cc.parquet").write_bytes(whole[:keep])
    with pytest.raises(PackError, match=r"cc\.parquet"):
        load_pack(folder)
