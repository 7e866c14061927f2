"""Rules are kept without reading them again only where nothing can have changed since they were read."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from engine import stamps
from engine.cli.where import demo_folder
from engine.editions import open_edition
from engine.errors import RunError
from engine.ledger.kept import INDEX, PACKS, Keep, changes_of, keep_rules, ready_rules
from engine.policy.load import load_policy
from engine.stamps import stamps_of


def no_rereading(folder: Path) -> str:
    raise AssertionError("read again")


def contents(folder: Path) -> str:
    return sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.*")))).hexdigest()


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of rules old enough to be told by its stamps."""
    monkeypatch.setattr(stamps, "_SETTLED_NS", 0)
    folder = tmp_path / "rules"
    (folder / "more").mkdir(parents=True)
    (folder / "pack.toml").write_text("id = 'made'\n")
    (folder / "groups.csv").write_text("code\nAA11\n")
    (folder / "more" / "cc.csv").write_text("code\n")
    return folder


def write_over(folder: Path) -> None:
    (folder / "groups.csv").write_text("code\nAA12\n")


def write_over_and_hide_the_time(folder: Path) -> None:
    stat = (folder / "groups.csv").stat()
    write_over(folder)
    os.utime(folder / "groups.csv", ns=(stat.st_atime_ns, stat.st_mtime_ns))


def put_another_in_place(folder: Path) -> None:
    (folder / "groups.new").write_text("code\nAA11\n")
    (folder / "groups.new").replace(folder / "groups.csv")


def add(folder: Path) -> None:
    (folder / "more" / "drg_names.csv").write_text("code,name\n")


def take_away(folder: Path) -> None:
    (folder / "more" / "cc.csv").unlink()


CHANGES = [write_over, write_over_and_hide_the_time, put_another_in_place, add, take_away]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_changes_the_stamps(rules: Path, change: Callable[[Path], None]) -> None:
    before = stamps_of(rules)
    assert before is not None and stamps_of(rules) == before
    change(rules)
    assert stamps_of(rules) != before


def test_what_was_written_just_now_or_elsewhere_has_no_stamps(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stamps_of(rules / "nowhere") is None
    (rules / "other.csv").symlink_to(rules / "groups.csv")
    assert stamps_of(rules) is None
    (rules / "other.csv").unlink()
    monkeypatch.setattr(stamps, "_SETTLED_NS", 10**12)
    assert stamps_of(rules) is None


def test_rules_that_did_not_change_are_kept_by_their_bytes(rules: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    keep = Keep(PACKS, "a print", rules, no_rereading, stamps_of(rules))
    keep_rules(tmp_path / "runs", [keep], made := [], tmp_path / "ready")
    (place,) = made
    assert changes_of(place) == []
    kept = {path.relative_to(place) for path in place.rglob("*.*")} - {Path(INDEX)}
    assert kept == {path.relative_to(rules) for path in rules.rglob("*.*")}
    assert all((place / name).read_bytes() == (rules / name).read_bytes() for name in kept)


@pytest.mark.parametrize("change", [write_over, write_over_and_hide_the_time])
def test_rules_that_changed_are_read_again_and_refused(
    rules: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    (tmp_path / "runs").mkdir()
    keep = Keep(PACKS, contents(rules), rules, contents, stamps_of(rules))
    change(rules)
    with pytest.raises(RunError, match="changed while the run was on"):
        keep_rules(tmp_path / "runs", [keep], [], tmp_path / "ready")


@pytest.mark.parametrize("name", ["_more.csv", ".groups.csv", "more/.hidden/cc.csv", INDEX])
def test_a_file_that_is_not_kept_makes_the_copy_be_read(rules: Path, tmp_path: Path, name: str) -> None:
    """Rules may need it; only reading the copy tells."""
    (rules / name).parent.mkdir(exist_ok=True)
    (rules / name).write_text("code\n")
    (tmp_path / "runs").mkdir()
    with pytest.raises(AssertionError, match="read again"):
        keep_rules(
            tmp_path / "runs", [Keep(PACKS, "a print", rules, no_rereading, stamps_of(rules))], [], tmp_path / "ready"
        )


def test_copies_made_ready_are_moved_and_not_made_again(rules: Path, tmp_path: Path) -> None:
    shelf, ready = tmp_path / "runs", tmp_path / "runs" / ".one.partial-1" / ".ready"
    shelf.mkdir()
    keep = Keep(PACKS, contents(rules), rules, contents)
    ready_rules(shelf, [keep], ready)
    assert [path.name for path in shelf.iterdir()] == [".one.partial-1"]
    write_over(rules)
    assert keep_rules(shelf, [keep], made := [], ready).keys() == {keep.fingerprint}
    assert changes_of(made[0]) == [] and "AA11" in (made[0] / "groups.csv").read_text()
    ready_rules(shelf, [keep], ready)
    assert not any((ready / PACKS).iterdir())


def test_what_is_loaded_bears_the_stamps_of_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps, "_SETTLED_NS", 0)
    for pack in ("pack_drg", "pack_dip"):
        edition = open_edition(demo_folder() / pack)
        assert edition.stamps == edition.with_meta(edition.meta).stamps == stamps_of(demo_folder() / pack) is not None
    assert load_policy(demo_folder() / "policy").stamps == stamps_of(demo_folder() / "policy")
