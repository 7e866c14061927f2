"""The command as a user meets it: helpful help, clear errors, exit codes, and no half-written output."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.small_city import DEMO, small_city

ROOT = Path(__file__).resolve().parents[1]


COMMANDS = (
    *(
        (),
        ("demo",),
        ("group",),
        ("presettle",),
        ("clear",),
        ("settle",),
        ("explain",),
        ("pack", "lint"),
        ("pack", "show"),
    ),
    *(("policy", "measure"), ("policy", "simulate"), ("policy", "advance")),
    *(("policy", "check"), ("policy", "show"), ("runs", "list"), ("runs", "show"), ("runs", "verify")),
)


def dianzhi(*words: str | Path, cwd: Path, lang: str = "en") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DIANZHI_LANG": lang, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engine.cli", *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture
def month() -> Path:
    return small_city().months["202504"][0]


def test_help_needs_no_heavy_import(tmp_path: Path) -> None:
    heavy = ("polars", "pyarrow", "numba", "numpy", "pydantic", "fastapi", "xlsxwriter")
    probe = (
        "import sys\nfrom engine.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', [name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().endswith("HEAVY []")


@pytest.mark.parametrize("rules", [("--pack", "pack_drg"), ("--pack", "pack_dip"), ("--area", "")])
def test_explaining_a_case_loads_no_compiler(month: Path, rules: tuple[str, str]) -> None:
    case = str(pl.read_parquet(month)["setl_id"][3])
    words = ["explain", str(month), "--case", case, rules[0], str(DEMO / rules[1])]
    probe = (
        "import sys\nfrom engine.cli import app\n"
        f"try:\n    app({words!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('COMPILER', 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().endswith("COMPILER False"), done.stderr


@pytest.mark.slow
def test_compiled_kernels_go_where_the_environment_says(tmp_path: Path, month: Path) -> None:
    """A read-only install: what is compiled is kept in the folder NUMBA_CACHE_DIR names."""
    probe = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kernels"), "PYTHONPATH": str(ROOT)}
    words = ["settle", str(month), "--area", "demo", "--year", "2025", "--runs", "runs"]
    command = [sys.executable, "-m", "engine.cli", *words]
    done = subprocess.run(command, cwd=tmp_path, env=probe, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "kernels").rglob("*.nbi"))) > 10


def test_every_command_has_help(tmp_path: Path) -> None:
    for words in COMMANDS:
        done = dianzhi(*words, "--help", cwd=tmp_path)
        assert done.returncode == 0 and "--help" in done.stdout, words


def test_grouping_one_month_says_what_it_did(tmp_path: Path, month: Path) -> None:
    done = dianzhi("group", month, "--pack", DEMO / "pack_drg", "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "= accepted" in done.stdout and "grouped.parquet" in done.stdout
    assert dianzhi("runs", "verify", "run", cwd=tmp_path).returncode == 0


def test_explaining_a_case_needs_no_kernel_and_names_the_group(tmp_path: Path, month: Path) -> None:
    case = pl.read_parquet(month)["setl_id"][0]
    done = dianzhi("explain", month, "--case", case, "--area", "demo", cwd=tmp_path, lang="zh")
    assert done.returncode == 0, done.stderr
    assert case in done.stdout and "1. " in done.stdout


def broken_empty(folder: Path, month: Path) -> Path:
    (folder / "cases.parquet").touch()
    return folder / "cases.parquet"


def broken_header_only(folder: Path, month: Path) -> Path:
    pl.read_parquet(month).clear().write_parquet(folder / "cases.parquet")
    return folder / "cases.parquet"


def broken_column(folder: Path, month: Path) -> Path:
    pl.read_parquet(month).drop("medfee_sumamt").write_parquet(folder / "cases.parquet")
    return folder / "cases.parquet"


def broken_float_money(folder: Path, month: Path) -> Path:
    frame = pl.read_parquet(month).with_columns(pl.col("medfee_sumamt").cast(pl.Float64))
    frame.write_parquet(folder / "cases.parquet")
    return folder / "cases.parquet"


def broken_truncated(folder: Path, month: Path) -> Path:
    whole = month.read_bytes()
    (folder / "cases.parquet").write_bytes(whole[: len(whole) * 2 // 3])
    return folder / "cases.parquet"


def broken_suffix(folder: Path, month: Path) -> Path:
    (folder / "cases.docx").write_text("no table")
    return folder / "cases.docx"


@pytest.mark.parametrize(
    ("breaker", "words"),
    [
        (broken_empty, "empty"),
        (broken_header_only, "no rows"),
        (broken_column, "medfee_sumamt"),
        (broken_float_money, "decimal"),
        (broken_truncated, "cases.parquet"),
        (broken_suffix, ".docx"),
    ],
)
def test_a_bad_case_file_is_a_clear_error_and_leaves_nothing(tmp_path: Path, month: Path, breaker, words) -> None:  # type: ignore[no-untyped-def]
    inputs = tmp_path / "in"
    inputs.mkdir()
    path = breaker(inputs, month)
    command = ("presettle", path, "--area", "demo", "--month", "2025-04", "--runs", "runs")
    done = dianzhi(*command, cwd=tmp_path)
    assert done.returncode == 3, (done.stdout, done.stderr)
    assert words in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists() or not any((tmp_path / "runs").iterdir())


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    done = dianzhi("group", "nowhere.parquet", "--pack", DEMO / "pack_drg", "--out", "out", cwd=tmp_path)
    assert done.returncode == 3 and "nowhere.parquet" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_pack_with_an_unknown_key_or_a_dangling_list_is_a_clear_error(tmp_path: Path, month: Path) -> None:
    shutil.copytree(DEMO / "pack_drg", tmp_path / "key")
    with (tmp_path / "key" / "pack.toml").open("a", encoding="utf-8") as header:
        header.write('\n[options2]\nvaules = "x"\n')
    shutil.copytree(DEMO / "pack_drg", tmp_path / "list")
    conditions = tmp_path / "list" / "rule_conds.csv"
    text = conditions.read_text(encoding="utf-8").splitlines()
    cells = text[1].split(",")
    cells[text[0].split(",").index("list_id")] = "99999"
    conditions.write_text("\n".join([text[0], ",".join(cells), *text[2:]]) + "\n", encoding="utf-8")
    for name, words in (("key", "options2"), ("list", "99999")):
        done = dianzhi("group", month, "--pack", name, "--out", "out", cwd=tmp_path)
        assert done.returncode == 4 and words in done.stderr and "Traceback" not in done.stderr, done.stderr
        assert not (tmp_path / "out").exists()


def test_a_policy_with_a_missing_value_is_a_clear_error_with_its_line(tmp_path: Path, month: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "area")
    deposit = tmp_path / "area" / "policy" / "deposit.yaml"
    lines = deposit.read_text(encoding="utf-8").splitlines()
    place = next(number for number, line in enumerate(lines) if "0.05" in line)
    lines[place] = lines[place].split(":")[0] + ":"
    deposit.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = dianzhi("presettle", month, "--area", "area", "--month", "2025-04", "--runs", "runs", cwd=tmp_path)
    assert done.returncode == 5 and f"deposit.yaml:{place + 1}" in done.stderr, done.stderr
    assert not (tmp_path / "runs").exists() or not any((tmp_path / "runs").iterdir())


def test_an_output_that_exists_is_not_overwritten(tmp_path: Path, month: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    done = dianzhi("group", month, "--pack", DEMO / "pack_drg", "--out", "out", cwd=tmp_path)
    assert done.returncode == 7 and "never overwritten" in done.stderr


def test_a_month_that_is_no_month_is_wrong_usage(tmp_path: Path, month: Path) -> None:
    done = dianzhi("presettle", month, "--area", "demo", "--month", "2025-13", cwd=tmp_path)
    assert done.returncode == 2 and "2025-03" in done.stderr


@pytest.mark.parametrize(("set_before", "then"), [(None, "1"), ("3", "3")])
def test_threads_for_algebra_are_started_only_where_asked_for(
    monkeypatch: pytest.MonkeyPatch, set_before: str | None, then: str
) -> None:
    from engine.collecting import without_algebra

    monkeypatch.setenv("OPENBLAS_NUM_THREADS", set_before or "")
    if set_before is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    without_algebra()
    assert os.environ["OPENBLAS_NUM_THREADS"] == then
