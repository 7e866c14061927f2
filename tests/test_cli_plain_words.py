"""Words of the command line mean the same, whoever reads them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from engine.cli.plain_words import read_plainly

SEEN: list[dict[str, Any]] = []


def command(
    cases: Annotated[list[Path], typer.Argument()],
    year: Annotated[int, typer.Option(min=2000, max=2100)],
    also: Annotated[Path | None, typer.Option()] = None,
    there: Annotated[Path | None, typer.Option(exists=True)] = None,
    runs: Annotated[Path, typer.Option()] = Path("runs"),
    lang: Annotated[str | None, typer.Option()] = None,
    kind: Annotated[list[str] | None, typer.Option()] = None,
    loud: Annotated[bool, typer.Option("--loud")] = False,
    mapping: Annotated[bool | None, typer.Option("--mapping/--no-mapping")] = None,
    share: Annotated[float, typer.Option()] = 0.5,
    threads: Annotated[int, typer.Option(min=1, max=8, clamp=True)] = 2,
) -> None:
    SEEN.append(dict(locals()))


LINES = [
    "a.parquet --year 2025",
    "a b c --year 2000 --also x --runs elsewhere --lang zh --loud --mapping --share 0.25 --threads 8",
    "a --year 2100 --no-mapping --kind one --kind two",
    "a --year 002025",
    "a --year 1999",
    "a --year 2101",
    "a --year twenty",
    "a --year 20_25",
    "a --year ２０２５",
    "a --year -5",
    "a --year 2025 --threads 99",
    "a --year 2025 --share much",
    "a --year 2025 --there nowhere",
    "a --year 2025 --there .",
    "a --year 2025 --unknown",
    "a",
    "--year 2025",
    "--help",
    "病例.csv --year 2025 --lang 中文",
]


def told(line: str, plainly: bool, capsys: pytest.CaptureFixture[str]) -> tuple[Any, ...]:
    app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    app.command("it")(command)
    built = typer.main.get_command(app)
    SEEN.clear()
    with pytest.raises(SystemExit) as ended:
        (read_plainly(built) if plainly else built)(["it", *line.split()], prog_name="x")
    said = capsys.readouterr()
    kinds = [{name: (value, type(value)) for name, value in each.items()} for each in SEEN]
    return ended.value.code, kinds, said.out, said.err


@pytest.mark.parametrize("line", LINES)
def test_a_line_means_what_typer_takes_it_for(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(line, True, capsys) == told(line, False, capsys)


def test_a_file_nobody_may_read_is_typers_to_refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    locked = tmp_path / "locked"
    locked.touch(0)
    line = f"{locked} --year 2025"
    assert told(line, True, capsys) == told(line, False, capsys)


def test_a_plain_command_loads_no_validator() -> None:
    script = (
        "import sys; sys.argv = ['dianzhi', 'version']\n"
        "from engine.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "assert 'pydantic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60)
