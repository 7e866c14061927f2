"""What looks like a formula stays text in the workbooks of a run: names and ids, through the service and by command."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from engine.area import Area, load_area
from engine.jobs.work import Place
from engine.jobs.worker import Worker
from engine.run import clear
from engine.run_parts import RunOptions
from engine.store.open import migrate, open_store
from tests.service_kit import AREA, service
from tests.small_city import DEMO, YEAR, small_city
from tests.test_service_jobs import PARQUET, upload

SIGNS = ("=", "+", "-", "@", "\t", "\r")
OURS = re.compile(r"SUM\(H\d+:H\d+\)|ROUND\([HJ]\d+\*100,0\)-K\d+|0")
"""The live sums of the sheet 清算瀑布; nothing else may compute."""


def signed(text: str, number: int) -> str:
    return f"{SIGNS[number % len(SIGNS)]}{text}"


@pytest.fixture(scope="module")
def area(tmp_path_factory: pytest.TempPathFactory) -> Area:
    """The demo area with a sign before the name of every hospital and group."""
    place = tmp_path_factory.mktemp("signed")
    for name in ("policy", "pack_drg", "pack_drg_2024"):
        shutil.copytree(DEMO / name, place / name)
    tables = {"policy/hospitals.csv": ("fixmedins_name",), "pack_drg/drg_names.csv": ("name",),
              "pack_drg/adrg_names.csv": ("name",), "pack_drg/mdc_names.csv": ("name",)}  # fmt: skip
    for name, columns in tables.items():
        frame = pl.read_csv(place / name, infer_schema=False)
        rows = range(frame.height)
        for column in columns:
            if column in frame.columns:
                values = [signed(text, row) for text, row in zip(frame[column].to_list(), rows, strict=True)]
                frame = frame.with_columns(pl.Series(column, values))
        frame.write_csv(place / name)
    return load_area(place / "policy")


@cache
def signed_cases(folder: Path, month: str = f"{YEAR}04") -> Path:
    """A month whose settlement ids begin with a sign."""
    files = [pl.read_parquet(path) for path in small_city().months[month] if path.suffix == ".parquet"]
    frame = files[0]
    ids = [signed(f"1+1|{text}", row) for row, text in enumerate(frame["setl_id"].to_list())]
    path = folder / f"{month}.parquet"
    frame.with_columns(pl.Series("setl_id", ids)).write_parquet(path)
    return path


def texts_of(book: bytes) -> Iterator[str]:
    """Every text of a workbook; fails on a formula that is not ours, a link, or another book."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        for name in parts.namelist():
            text = parts.read(name).decode("utf-8", "replace") if name.endswith((".xml", ".rels")) else ""
            assert not re.search("externalLink|ddeLink|oleObject|vbaProject", name), name
            if name.startswith("xl/worksheets/"):
                made = re.findall(r"<f[ >].*?</f>", text, re.DOTALL)
                assert all(OURS.fullmatch(re.sub("<.*?>", "", each)) for each in made), made[:3]
                assert "<hyperlink" not in text, name
            yield from re.findall(r"<t(?: [^>]*)?>(.*?)</t>", text, re.DOTALL)


def signs_in(books: list[bytes]) -> set[str]:
    """The signs texts begin with. Excel keeps a tab or return in a text as itself or as _x000D_."""
    found = {text.replace("_x0009_", "\t").replace("_x000D_", "\r")[:1] for book in books for text in texts_of(book)}
    return found & set(SIGNS)


def test_statements_of_a_job_hold_text_whatever_names_and_ids_begin_with(area: Area, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    migrate(url)
    with service(tmp_path, url) as client:
        made = upload(client, signed_cases(tmp_path).read_bytes(), 1, PARQUET, "kind=presettle&year=2025&month=4")
        store = open_store(url)
        Worker(store, {AREA: area}, Place(tmp_path / "runs", 1), tmp_path / "spool").run(once=True)
        store.close()
        done = client.get(made.headers["location"]).json()
        assert done["state"] == "succeeded", done
        names = [name for name in done["files"] if name.endswith(".xlsx")]
        books = [client.get(f"{made.headers['location']}/files/{name}").content for name in names]
        again = [client.get(f"/v1/runs/{done['run_id']}/files/{name}").content for name in names]
    assert len(books) > 10 and again == books
    assert {"=", "+", "-", "@"} <= signs_in(books), "the names are in there, as text"


def test_a_year_with_every_case_holds_text(area: Area, tmp_path: Path) -> None:
    options = RunOptions(tmp_path / "runs", months="cases", case_detail=True)
    folder = clear([signed_cases(tmp_path)], area, YEAR, options).folder
    books = [path.read_bytes() for path in folder.glob("statements/*.xlsx")]
    assert len(books) > 10 and {"=", "+", "-", "@"} <= signs_in(books)
    assert any("=1+1|" in text for book in books for text in texts_of(book)), "an id, letter for letter"
