"""A run folder is whole or absent, and no byte of it can change unnoticed."""

import os
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from engine.errors import RunError
from engine.ledger.manifest import MANIFEST_NAME, parse_manifest
from engine.ledger.store import new_run, next_run_id, runs_on, write_file_atomically
from engine.ledger.verify import verify_run, verify_shelf

ENGINE = {"version": "test"}


def write(shelf: Path, name: str, text: str = "rows") -> Path:
    target = shelf / name
    with new_run(target, kind="group", area="370000", period="2025", engine=ENGINE, parameters={}) as draft:
        (draft.folder / "grouped.parquet").write_text(text)
        (draft.folder / "statements").mkdir()
        (draft.folder / "statements" / "H1.xlsx").write_text("sheet")
    return target


def test_a_run_appears_whole_with_a_manifest_that_lists_every_file(tmp_path: Path) -> None:
    target = write(tmp_path, "one")
    manifest = parse_manifest(target / MANIFEST_NAME)
    assert [item.name for item in manifest.outputs] == ["grouped.parquet", "statements/H1.xlsx"]
    assert verify_run(target) == []


def test_an_error_inside_the_run_leaves_nothing_behind(tmp_path: Path) -> None:
    run = new_run(tmp_path / "one", kind="group", area="x", period="", engine=ENGINE, parameters={})
    with pytest.raises(ValueError, match="midway"), run as draft:
        (draft.folder / "grouped.parquet").write_text("half")
        raise ValueError("midway")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path, "one")
    with pytest.raises(RunError, match="never overwritten"):
        write(tmp_path, "one")


def test_an_empty_folder_made_beforehand_is_filled(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    assert verify_run(write(tmp_path, "one")) == []


def test_runs_of_an_area_are_chained_in_order(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        write(tmp_path, name)
    manifests = [manifest for _, manifest in runs_on(tmp_path)]
    assert [m.run_id for m in manifests] == ["b", "a", "c"]
    assert [m.previous for m in manifests] == [None, manifests[0].seal, manifests[1].seal]
    assert verify_shelf(tmp_path) == (3, [])


@pytest.mark.parametrize("name", ["grouped.parquet", "statements/H1.xlsx", MANIFEST_NAME])
def test_flipping_any_byte_is_found_and_the_file_named(tmp_path: Path, name: str) -> None:
    target = write(tmp_path, "one")
    original = (target / name).read_bytes()
    for at in range(len(original)):
        changed = bytearray(original)
        changed[at] ^= 1
        (target / name).write_bytes(bytes(changed))
        findings = verify_run(target)
        assert [finding.file for finding in findings] == [name], at
    (target / name).write_bytes(original)
    assert verify_run(target) == []


def test_a_removed_run_breaks_the_chain(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path, name)
    for path in sorted((tmp_path / "b").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (tmp_path / "b").rmdir()
    _, findings = verify_shelf(tmp_path)
    assert len(findings) == 1
    assert "chain" in findings[0].problem


def test_added_and_missing_files_are_found(tmp_path: Path) -> None:
    target = write(tmp_path, "one")
    (target / "extra.txt").write_text("x")
    (target / "grouped.parquet").unlink()
    assert {finding.file for finding in verify_run(target)} == {"extra.txt", "grouped.parquet"}


def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    dead = 2**22 - 1
    with pytest.raises(ProcessLookupError):
        os.kill(dead, 0)
    (tmp_path / f".one.partial-{dead}").mkdir()
    (tmp_path / f".one.partial-{dead}" / "grouped.parquet").write_text("half")
    assert runs_on(tmp_path) == []
    write(tmp_path, "two")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".kept", "two"]


def test_run_numbers_are_not_reused(tmp_path: Path) -> None:
    assert next_run_id(tmp_path, "2025-03", "370000", "presettle") == "2025-03-370000-presettle-01"
    write(tmp_path, "2025-03-370000-presettle-01")
    assert next_run_id(tmp_path, "2025-03", "370000", "presettle") == "2025-03-370000-presettle-02"


def test_a_single_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "grouped.parquet"

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_file_atomically(target, fail)
    assert not target.exists()
    write_file_atomically(target, lambda path: path.write_text("whole") and None)
    assert target.read_text() == "whole"
    assert [p.name for p in target.parent.iterdir()] == ["grouped.parquet"]


def test_a_manifest_of_the_form_before_is_still_believed_and_still_checked(tmp_path: Path) -> None:
    old = tmp_path / "2024-12-370000-presettle-01"
    old.mkdir()
    facts: dict[str, object] = {key: {} for key in ("parameters", "counts", "totals", "checks")}
    facts |= {key: [] for key in ("inputs", "packs", "policies", "placeholders_used", "outputs")}
    facts |= {"run_id": old.name, "kind": "presettle", "area": "370000", "period": "2024-12", "sequence": 1}
    facts |= {"previous": None, "supersedes": None, "engine": ENGINE, "written_at": "then", "format": 1, "seal": ""}
    form = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    facts["seal"] = "sha256:" + sha256(orjson.dumps(facts, option=form)).hexdigest()
    (old / MANIFEST_NAME).write_bytes(orjson.dumps(facts, option=form))
    assert verify_shelf(tmp_path) == (1, [])
    write(tmp_path, "next")
    assert [manifest.sequence for _, manifest in runs_on(tmp_path)] == [1, 2]
    assert verify_shelf(tmp_path) == (2, [])
    (old / MANIFEST_NAME).write_bytes(orjson.dumps({**facts, "period": "2024-11"}, option=form))
    assert [finding.run_id for finding in verify_shelf(tmp_path)[1]] == [old.name]
