"""The demo city a measurement works on 「演示城市」, made once and kept in the system's temporary folder.

In: how many cases, a seed; out: the folder of its case files. A city is found again by cases, seed and a digest of
the generator, so a changed generator never meets an old city. It is renamed into place when complete.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import fixtures
from fixtures.city_money import YEAR
from fixtures.generate import generate_city

__all__ = ["YEAR", "case_paths", "demo_city", "work_folder"]


def work_folder() -> Path:
    """Where cities and results stand between measurements."""
    folder = Path(tempfile.gettempdir()) / "dianzhi-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def demo_city(cases: int, seed: int) -> Path:
    """The folder of the city, made if it is not there."""
    folder = work_folder() / f"city-{cases}-{seed}-{_generator_digest()}"
    if folder.is_dir():
        return folder
    part = folder.with_name(f"{folder.name}.part-{os.getpid()}")
    try:
        generate_city(part, cases, seed)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def case_paths(city: Path) -> list[Path]:
    """What a run of the year is given: the year's files, and those settled after it."""
    return [city / "cases", city / "later"]


def _generator_digest() -> str:
    root = Path(str(fixtures.__file__)).parent
    sha = hashlib.sha256()
    for path in sorted([*root.glob("*.py"), *(root / "demo" / "source").rglob("*")]):
        if path.is_file():
            sha.update(path.relative_to(root).as_posix().encode())
            sha.update(path.read_bytes())
    return sha.hexdigest()[:12]
