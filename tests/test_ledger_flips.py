"""Any one changed bit anywhere on a shelf is found, and the finding names the file and, where it can, the line."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ledger.files import KEPT
from engine.ledger.kept import Keep
from engine.ledger.manifest import MANIFEST_NAME, digest_file
from engine.ledger.store import new_run
from engine.ledger.verify import Finding, verify_shelf

ENGINE = {"version": "test"}


def posting_lines(count: int) -> pa.Table:
    rows = range(1, count + 1)
    return pa.table({"line": list(rows), "cause": ["prepayment"] * count, "amount_fen": [row * 100 for row in rows]})


def names_in(folder: Path) -> str:
    """A stand-in for a pack's fingerprint: it follows from the text of its one file."""
    return sha256((folder / "pack.toml").read_bytes()).hexdigest()


def build(shelf: Path) -> Path:
    """Three runs in two areas, each with posting lines, a workbook, rules kept once and a kept case file."""
    source = shelf.parent / "rules"
    source.mkdir(parents=True, exist_ok=True)
    (source / "pack.toml").write_text("id = 'made'\n")
    (source / "groups.csv").write_text("code\nAA11\n")
    cases = shelf.parent / "cases.csv"
    cases.write_text("setl_id\nS1\n")
    fingerprint = names_in(source)
    for at, area in enumerate(("370000", "370000", "360000")):
        target = shelf / f"2025-0{at + 1}-{area}-presettle-01"
        run = new_run(target, kind="presettle", area=area, period=f"2025-0{at + 1}", engine=ENGINE, parameters={})
        with run as draft:
            pq.write_table(posting_lines(40), draft.folder / "lines.parquet")
            (draft.folder / "statements").mkdir()
            (draft.folder / "statements" / "H1.xlsx").write_bytes(random.Random(at).randbytes(600))
            draft.packs.append({"id": "made", "fingerprint": fingerprint})
            draft.keep.append(Keep("packs", fingerprint, source, names_in))
            draft.inputs.append(replace(digest_file(cases), path=str(cases)))
            draft.keep_inputs = True
    return shelf


@cache
def built() -> Path:
    return build(Path(mkdtemp(prefix="flips-")) / "runs")


def files_of(shelf: Path) -> list[Path]:
    return sorted(path for path in shelf.rglob("*") if path.is_file())


def flipped(path: Path, at: int, bit: int) -> list[Finding]:
    original = path.read_bytes()
    changed = bytearray(original)
    changed[at] ^= 1 << bit
    path.write_bytes(bytes(changed))
    try:
        return verify_shelf(built())[1]
    finally:
        path.write_bytes(original)


def test_the_shelf_is_sound_to_begin_with() -> None:
    assert verify_shelf(built()) == (3, [])
    kept = [path.relative_to(built()).as_posix() for path in files_of(built()) if KEPT in path.parts]
    assert len(kept) == 3 + 1 + 2, "one pack with two files and an index, one case file, two chain ends"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_one_flipped_bit_anywhere_is_found_and_its_file_named(data: st.DataObject) -> None:
    files = files_of(built())
    path = data.draw(st.sampled_from(files), label="file")
    at = data.draw(st.integers(0, path.stat().st_size - 1), label="byte")
    findings = flipped(path, at, data.draw(st.integers(0, 7), label="bit"))
    assert any(finding.file.endswith(path.name) for finding in findings), [str(finding) for finding in findings]
    if KEPT not in path.parts:
        assert {finding.run_id for finding in findings} == {path.relative_to(built()).parts[0]}


def test_every_byte_of_a_manifest_is_named_by_its_line() -> None:
    path = built() / "2025-02-370000-presettle-01" / MANIFEST_NAME
    original = path.read_bytes()
    for at in range(len(original)):
        line = original[:at].count(b"\n") + 1
        (finding,) = flipped(path, at, at % 8)
        assert f"line {line}:" in finding.problem, (at, line, finding.problem)


def test_a_rewritten_amount_is_named_by_its_line(tmp_path: Path) -> None:
    shelf = build(tmp_path / "runs")
    path = shelf / "2025-01-370000-presettle-01" / "lines.parquet"
    table = pq.read_table(path)
    amounts = table["amount_fen"].to_pylist()
    amounts[16] += 1
    pq.write_table(table.set_column(2, "amount_fen", pa.array(amounts)), path)
    (finding,) = verify_shelf(shelf)[1]
    assert (finding.file, finding.at) == ("lines.parquet", "line 17")
    pq.write_table(table.slice(0, 30), path)
    assert verify_shelf(shelf)[1][0].at == "line 31 (40 lines were sealed, 30 stand there)"


@pytest.mark.parametrize("gone", ["2025-01-370000-presettle-01", "2025-02-370000-presettle-01"])
def test_a_removed_run_is_found_even_the_newest(tmp_path: Path, gone: str) -> None:
    shelf = build(tmp_path / "runs")
    shutil.rmtree(shelf / gone)
    assert verify_shelf(shelf)[1]
    run = new_run(shelf / "later", kind="presettle", area="370000", period="2025-04", engine=ENGINE, parameters={})
    with run:
        pass
    assert verify_shelf(shelf)[1], "the next run must not heal the gap"


def test_a_run_slipped_in_is_found(tmp_path: Path) -> None:
    shelf, other = build(tmp_path / "runs"), build(tmp_path / "elsewhere" / "runs")
    run = new_run(other / "slipped", kind="presettle", area="370000", period="2025-03", engine=ENGINE, parameters={})
    with run:
        pass
    shutil.copytree(other / "slipped", shelf / "slipped")
    findings = verify_shelf(shelf)[1]
    assert [finding.run_id for finding in findings] == ["slipped"]


def test_a_damaged_copy_of_rules_is_not_built_upon(tmp_path: Path) -> None:
    shelf = build(tmp_path / "runs")
    (kept,) = (shelf / KEPT / "packs").iterdir()
    (kept / "groups.csv").write_text("code\nAA12\n")
    with pytest.raises(Exception, match=r"groups\.csv: the kept copy is damaged"):
        run_again(shelf)


def run_again(shelf: Path) -> None:
    source = shelf.parent / "rules"
    run = new_run(shelf / "again", kind="presettle", area="370000", period="2025-04", engine=ENGINE, parameters={})
    with run as draft:
        draft.keep.append(Keep("packs", names_in(source), source, names_in))


def test_rules_changed_while_a_run_was_on_stop_it_and_leave_nothing(tmp_path: Path) -> None:
    shelf, source = tmp_path / "runs", tmp_path / "rules"
    source.mkdir()
    (source / "pack.toml").write_text("id = 'before'\n")
    run = new_run(shelf / "one", kind="presettle", area="370000", period="2025-04", engine=ENGINE, parameters={})
    with pytest.raises(Exception, match="changed while the run was on"), run as draft:
        draft.keep.append(Keep("packs", names_in(source), source, names_in))
        (source / "pack.toml").write_text("id = 'after'\n")
    assert not shelf.exists()
