"""The documents say what the code is, and the code keeps the habits the documents promise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer

from engine import errors
from engine.cases.columns import FILES
from engine.cli import app
from engine.ledger.manifest import Manifest
from engine.map_cases import OTHER_PERIOD
from engine.run import presettle
from engine.run_parts import RunOptions
from fixtures.doc_tables import TABLES, rewritten
from tests.small_city import YEAR, demo_area, small_city

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("engine", "grouper", "pointvalue", "api", "fixtures", "bench", "tests")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
READMES = (ROOT / "README.md", ROOT / "docs" / "README.zh-CN.md")
LINES_MAX = 400

OUTSIDE_THE_PLANES = {"polars", "pyarrow", "pydantic", "yaml", "fastapi", "engine", "api"}
SETTLE_PATH = ("engine/settle.py", "engine/run*.py", "engine/clearing_table.py", "engine/write_*.py", "engine/money.py")
FLOATS_ALLOWED: dict[str, str] = {}
"""File of the settle path → why a float in it never touches an amount. None is needed."""
DIVISIONS_ALLOWED = {
    "pointvalue/fixed.py": "the rounding room",
    "pointvalue/fixed_wide.py": "the rounding room of columns",
    "grouper/dip_witness.py": "a sample cost for a case that only the linter makes up",
    "engine/report/shown.py": "a spreadsheet cell holds a double and a picture a length; neither is read back",
}
_UNIT = re.compile(r"(_|^)(fen|e4|e6|e8)$")


def sources(*packages: str) -> Iterator[tuple[str, str]]:
    """(name from the root, text) of every Python file of some packages."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def settle_path() -> Iterator[tuple[str, str]]:
    yield from sources("pointvalue")
    for pattern in SETTLE_PATH:
        found = sorted(ROOT.glob(pattern))
        assert found, f"{pattern} names no file; correct SETTLE_PATH"
        yield from ((path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in found)


# The documents


@pytest.mark.parametrize("page", sorted(TABLES))
def test_what_a_page_lists_is_what_the_code_has(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert rewritten(page, text) == text, f"{page} has fallen behind: run `python -m fixtures.doc_tables`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / link).exists(), f"{page.name} links to {link}"
    roots = "|".join((*PACKAGES, "docs"))
    for name in re.findall(rf"`((?:{roots})/[\w./*-]*\w\*?)`", text):
        assert any(ROOT.glob(name)), f"{page.name} names {name}"


def test_no_page_tells_where_somebody_works() -> None:
    for page in PAGES:
        found = re.findall(r"(?<![\w.])/(?:work|root|home|tmp|Users)/\S*", page.read_text(encoding="utf-8"))
        assert not found, f"{page.name}: {found}"


def commands(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command by its words; a group is known by the commands it holds."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))


def written_commands(page: Path) -> Iterator[list[str]]:
    """The words of every `dianzhi` line in the code blocks of a page."""
    for block in re.findall(r"^```\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("dianzhi "):
                words = line.split()[1:]
                yield words[2:] if words[0] == "--lang" else words


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_commands_of_a_readme_exist_with_their_options(page: Path) -> None:
    for words in written_commands(page):
        if words == ["--help"]:
            continue
        command = next((COMMANDS[tuple(words[:n])] for n in (1, 2, 3) if tuple(words[:n]) in COMMANDS), None)
        assert command, f"{page.name}: dianzhi {' '.join(words)}"
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        for word in words:
            assert not word.startswith("--") or word in known, f"{page.name}: {word} of dianzhi {' '.join(words)}"


def test_the_readme_shows_every_command() -> None:
    shown = list(written_commands(READMES[0]))
    text = READMES[0].read_text(encoding="utf-8")
    for name in COMMANDS:
        used = any(tuple(words[: len(name)]) == name for words in shown)
        assert used or f"`dianzhi {' '.join(name)}`" in text or f"`make {name[0]}`" in text, name


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = READMES[0].read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)`", text)) | set(re.findall(r"^make ([a-z-]+)$", text, re.MULTILINE))
    assert named and named <= targets, named - targets


def test_exit_codes_of_the_readme_are_those_of_the_program() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.DianzhiError)]
    codes = {kind.exit_code for kind in kinds} | {errors.EXIT_INVARIANT, errors.EXIT_INTERRUPTED}
    table = READMES[0].read_text(encoding="utf-8").partition("## Exit codes")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes | {0, 2}


def test_the_output_page_names_every_key_of_a_manifest_and_every_file() -> None:
    text = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    for key in (*(field.name for field in fields(Manifest)), *OTHER_PERIOD):
        assert f"`{key}`" in text, key
    for name in FILES:
        assert name == "cases" or f"`{name}.parquet`" in text, name


def test_sheets_of_the_output_page_are_sheets_of_a_statement() -> None:
    text = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    listed = re.findall(r"[\u4e00-\u9fff]{2,}", text.partition("\nSheets: ")[2].partition(".\n")[0])
    made = "".join(source for name, source in sources("engine") if name.startswith("engine/report/"))
    assert len(listed) == 11
    for sheet in listed:
        assert sheet in made or sheet.removesuffix("表") in made, sheet


def test_columns_said_to_be_always_empty_are_just_the_empty_ones(tmp_path: Path) -> None:
    month = small_city().months[f"{YEAR}04"]
    folder = presettle(month, demo_area(), YEAR, 4, RunOptions(shelf=tmp_path / "runs")).folder
    table = pl.read_parquet(folder / "clearing.parquet")
    empty = {name for name in table.columns if table[name].null_count() == table.height}
    text = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    said = text.partition("- Always empty so far, kept for the form: ")[2].partition(". ")[0]
    assert set(re.findall(r"`(\w+)`", said)) == empty


def test_every_identifier_of_the_glossary_is_in_the_source() -> None:
    text = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8").partition("## Words kept for later")[0]
    source = "".join(each for _, each in sources("engine", "grouper", "pointvalue"))
    rows = [line.split("|")[2] for line in text.splitlines() if line.startswith("| ") and "identifier" not in line]
    assert len(rows) > 50
    for word in (word for row in rows for word in re.findall(r"`(\w+)`", row)):
        edge = "" if word.startswith("_") else r"\b"
        assert re.search(edge + word + r"\b", source), f"{word} stands in the glossary and nowhere in the source"


# The code


def test_no_file_holds_more_than_four_hundred_lines() -> None:
    for name, text in sources(*PACKAGES):
        count = len(text.splitlines())
        assert count <= LINES_MAX, f"{name} has {count} lines; past {LINES_MAX} it usually holds two ideas"


def test_the_data_planes_know_neither_files_nor_frames_nor_each_other() -> None:
    for plane, other in (("grouper", "pointvalue"), ("pointvalue", "grouper")):
        for name, text in sources(plane):
            for node in ast.walk(ast.parse(text)):
                imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                known = {module.partition(".")[0] for module in imported} & {*OUTSIDE_THE_PLANES, other}
                assert not known, f"{name} imports {known}: kernels take arrays"


def test_no_float_stands_on_the_way_of_an_amount() -> None:
    for name, text in settle_path():
        for node in ast.walk(ast.parse(text)):
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            word = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if literal or word.lower() in ("float", "float32", "float64"):
                place = f"{name}:{node.lineno}"  # type: ignore[attr-defined]
                assert name in FLOATS_ALLOWED, f"{place} holds a float; say in FLOATS_ALLOWED why, or use integers"


def has_unit(node: ast.AST) -> bool:
    """Whether a name inside says that it is fen, points or a scaled coefficient."""
    words = (each.id if isinstance(each, ast.Name) else getattr(each, "attr", "") for each in ast.walk(node))
    return any(_UNIT.search(word) for word in words)


def test_amounts_and_points_are_divided_in_the_rounding_rooms_only() -> None:
    for name, text in sources("engine", "grouper", "pointvalue", "api"):
        if name in DIVISIONS_ALLOWED:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Mod)) and has_unit(node):
                place = f"{name}:{node.lineno}: {ast.unparse(node)}"
                pytest.fail(f"{place} divides by hand; pointvalue/fixed.py has named roundings")


def test_true_division_in_the_money_plane_is_in_the_rounding_rooms_only() -> None:
    for name, text in sources("pointvalue"):
        found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.BinOp)]
        slashes = [node.lineno for node in found if isinstance(node.op, ast.Div)]
        assert not slashes or name in DIVISIONS_ALLOWED, f"{name}:{slashes} divides outside pointvalue/fixed*.py"
