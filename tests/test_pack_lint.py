"""The linter on published editions, its order and its text; and what changed between two editions.

The defects asked for by name were read in the rule tables by hand, or are told by the specification.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from engine.packs.compare import compare_packs
from engine.packs.finding import Finding
from engine.packs.lint import in_order, lint_lines, lint_pack
from engine.packs.load import Pack, load_pack
from engine.packs.show import group_table, summarise, summary_lines
from fixtures.broken_packs import TINY, Change, add, both, edit
from grouper.tables import Atom, Node
from tests.shared_data import EDITIONS, EDITIONS_ROOT, needs_shared


@cache
def timed(name: str) -> tuple[tuple[Finding, ...], float]:
    """The findings of an edition and the processor seconds they took."""
    pack = load_pack(EDITIONS_ROOT / name)
    began = time.process_time()
    return tuple(lint_pack(pack)), time.process_time() - began


def findings(name: str) -> tuple[Finding, ...]:
    return timed(name)[0]


def places(name: str, code: str) -> str:
    """Everything one finding says about an edition."""
    return "\n".join(lint_lines([one for one in findings(name) if one.code == code], "en", items_shown=10_000))


@needs_shared
@pytest.mark.parametrize("name", EDITIONS)
def test_a_published_edition_is_linted_in_seconds_and_in_less_than_a_page_of_kinds(name: str) -> None:
    found, seconds = timed(name)
    assert seconds < 5
    assert 0 < len(found) <= 25
    assert len(lint_lines(found, "zh")) < 120


@needs_shared
def test_about_150_national_principal_diagnoses_have_no_medical_group() -> None:
    one = next(one for one in findings("chs_drg_11") if one.code == "L016")
    assert 140 <= one.count <= 160


@needs_shared
def test_known_oddities_of_published_editions_are_found() -> None:
    # Long ventilation is listed for AH1 but is no valid operation, so MDCA never lets it through.
    assert "AH1" in places("qingdao_2023", "L004")
    assert "96.7201" in places("qingdao_2023", "L004")
    # Technique lists that were never filled in: one empty list, used by dozens of groups.
    assert "list 4 is empty" in places("hefei_2023", "L002")
    # Premature infants by weight: the four ADRGs ask for the same list and age, the weight bands are gone.
    assert all(f"PS1 = node {n} PS{i}" in places("hefei_2023", "L006") for n, i in ((45, 2), (49, 3), (53, 4)))
    # An unconditional group before the age split of cataract surgery.
    assert "CD1D" in places("beijing_2022", "L001")
    # Two halves of a line glued together: the end of a Chinese name sticks to the next code.
    assert "常R83.300" in places("beijing_2022", "L025")
    assert "result depends on their order" in places("zhejiang_2022", "L011")
    assert "B06.801+J17.1*" in places("chs_drg_11", "L044")
    # 76 diagnosis targets are themselves sources with another target.
    assert [one.count for one in findings("chs_drg_11") if one.code == "L042"] == [76, 1]


@needs_shared
def test_the_national_edition_has_no_error_since_all_its_groups_are_in_use() -> None:
    assert [one.code for one in findings("chs_drg_11") if one.severity == "error"] == []


@needs_shared
def test_an_edition_compared_with_itself_has_not_changed_and_two_years_apart_has() -> None:
    national, city = load_pack(EDITIONS_ROOT / "chs_drg_11"), load_pack(EDITIONS_ROOT / "qingdao_2023")
    assert compare_packs(national, national) == []
    codes = {one.code for one in compare_packs(national, city)}
    assert {"L060", "L061"} <= codes


def tiny(folder: Path, change: Change, name: str = "new") -> Pack:
    target = folder / name
    shutil.copytree(TINY, target)
    change(target)
    return load_pack(target)


def test_a_group_that_can_no_longer_be_reached_is_a_warning_until_it_is_explained(tmp_path: Path) -> None:
    old, new = load_pack(TINY), tiny(tmp_path, edit("rule_conds.csv", "39,0,0,has_mcc,true,,,\n", ""))
    found = compare_packs(old, new)
    assert [(one.code, one.severity, [i.where for i in one.items]) for one in found] == [
        ("L060", "warning", ["FR23", "FR25"])
    ]
    found = compare_packs(old, new, {"FR23": "folded into FR21", "FR25": "folded into FR21"})
    assert [(one.code, one.severity) for one in found] == [("L060", "info")]
    assert "folded into FR21" in "\n".join(lint_lines(found, "en"))


def test_a_renumbered_list_is_no_change_and_a_moved_code_is_one(tmp_path: Path) -> None:
    renumbered = both(
        edit("list_meta.csv", "9,dx,高血压", "19,dx,高血压"),
        edit("list_codes.csv", "9,I10.x00x002\n9,I25.103", "19,I10.x00x002\n19,I25.103"),
        edit("rule_conds.csv", "42,0,0,dx_main,in,9,,", "42,0,0,dx_main,in,19,,"),
        edit("rule_conds.csv", "44,0,0,dx_other,in,9,,", "44,0,0,dx_other,in,19,,"),
    )
    assert compare_packs(load_pack(TINY), tiny(tmp_path, renumbered, "renumbered")) == []
    moved = tiny(tmp_path, edit("list_codes.csv", "9,I25.103", "9,I21.900"), "moved")
    found = compare_packs(load_pack(TINY), moved)
    assert [(one.code, one.items[0].en) for one in found] == [("L062", "1 lost, 1 won of 2: -I25.103, +I21.900")]


def test_changed_complications_and_options_are_told(tmp_path: Path) -> None:
    change = both(
        edit("cc.csv", "N18.900,CC,3", "N18.900,MCC,3"),
        edit("pack.toml", 'ungrouped_code = "0000"', 'ungrouped_code = "0000A"'),
    )
    found = compare_packs(load_pack(TINY), tiny(tmp_path, change))
    assert [(one.code, one.items[0].where, one.items[0].en) for one in found] == [
        ("L064", "N18.900", "CC → MCC"),
        ("L065", "ungrouped_code", "0000 → 0000A"),
    ]


def changed(pack: Pack, nodes: tuple[Node, ...] = (), atoms: tuple[Atom, ...] = ()) -> Pack:
    tables = replace(pack.tables, nodes=(*pack.tables.nodes, *nodes), atoms=(*pack.tables.atoms, *atoms))
    return replace(pack, tables=tables)


def test_qy_nodes_that_look_at_different_procedures_are_told() -> None:
    pack = changed(load_pack(TINY), (Node(54, 50, "QY", 9, "MQY"),), (Atom(54, 0, 0, "op_any", "in", 0),))
    found = [one for one in lint_pack(pack) if one.code == "L012"]
    assert [item.where for item in found[0].items] == ["FQY", "MQY"]


def test_sites_asked_for_and_none_given_is_an_error() -> None:
    pack = load_pack(TINY)
    pack = replace(pack, tables=replace(pack.tables, sites={}))
    assert "L035" in {one.code for one in lint_pack(pack)}


def test_an_adrg_left_with_a_tiny_share_is_told(tmp_path: Path) -> None:
    """Forty codes, thirty-nine of them already taken by an ADRG before it."""
    codes = [f"Q{n:02}.000" for n in range(40)]
    change = both(
        add("list_meta.csv", "13,dx,宽,39", "14,dx,窄,40"),
        add("list_codes.csv", *(f"13,{c}" for c in codes[:39]), *(f"14,{c}" for c in codes)),
        add("list_codes.csv", *(f"6,{c}" for c in codes)),
        edit("list_meta.csv", "MDCF 主要诊断,5", "MDCF 主要诊断,45"),
        add("rule_nodes.csv", "60,30,ADRG,6,FX1,", "61,60,DRG,0,FX19,", "62,30,ADRG,7,FX2,", "63,62,DRG,0,FX29,"),
        add("rule_conds.csv", "60,0,0,dx_main,in,13,,", "62,0,0,dx_main,in,14,,"),
    )
    found = [one for one in lint_pack(tiny(tmp_path, change)) if one.code == "L008"]
    assert [item.where for item in found[0].items] == ["node 62 FX2"]
    assert "1 of 40 codes left (Q39.000)" in found[0].items[0].en


def test_a_list_used_for_principal_and_for_any_code_is_told() -> None:
    found = next(one for one in lint_pack(load_pack(TINY)) if one.code == "L015")
    assert "op_any FM1; op_main FM2" in found.items[0].en


def test_diagnoses_without_a_medical_group_or_an_mdc_are_listed() -> None:
    by_code = {one.code: [item.where for item in one.items] for one in lint_pack(load_pack(TINY))}
    assert by_code["L016"] == ["I21.900"]
    assert by_code["L017"] == ["E11.900", "J96.000", "N18.900", "Z00.000"]


def test_what_the_loader_accepted_is_told_again_by_the_linter(tmp_path: Path) -> None:
    found = [one for one in lint_pack(tiny(tmp_path, add("cc_excl.csv", "I50.900,1"))) if one.code == "L045"]
    assert found[0].items[0].where == "cc_excl.csv"


def test_findings_come_worst_first_and_say_how_many_more_there_are() -> None:
    found = in_order(lint_pack(load_pack(TINY)))
    lines = lint_lines(found, "zh", items_shown=1)
    ranks = [("error", "warning", "info").index(one.severity) for one in found]
    assert ranks == sorted(ranks)
    assert "    … 另有 3 处" in lines
    assert lines[-1].startswith("合计：错误 0 类")


def test_a_pack_is_shown_with_its_counts_and_its_groups() -> None:
    summary = summarise(load_pack(TINY))
    assert {key: summary.counts[key] for key in ("mdc", "adrg", "qy", "drg_rules", "drg", "mcc", "cc")} == {
        "mdc": 5,
        "adrg": 12,
        "qy": 1,
        "drg_rules": 18,
        "drg": 17,
        "mcc": 2,
        "cc": 2,
    }
    row = next(row for row in summary.mdcs if row.code == "MDCF")
    assert (row.adrg_surgical, row.adrg_procedural, row.adrg_medical, row.has_qy, row.drg_count) == (0, 2, 3, True, 8)
    text = "\n".join(summary_lines(summary, "zh"))
    assert all(word in text for word in ("tiny_drg 2024.1", "2024-01-01 – 2024-12-31", summary.fingerprint, "新生儿"))
    assert group_table(load_pack(TINY), "MDCM") == [
        ("MR11", "前列腺疾患，十七岁以下，重症医学科"),
        ("MR15", "前列腺疾患"),
    ]
    with pytest.raises(ValueError, match=r"no 'MDCQ'.*MDCA, MDCP, MDCZ, MDCF, MDCM"):
        group_table(load_pack(TINY), "MDCQ")
