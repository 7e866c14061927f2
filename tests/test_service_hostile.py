"""Thousands of hostile bodies: whatever is sent, the service answers with a problem or an answer, and never fails."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from api.errors import PROBLEMS
from engine.jobs.intake import SUFFIX_OF_TYPE
from engine.store.open import migrate
from tests.service_kit import case, keyed, service
from tests.test_service_cases import message
from tests.test_service_jobs import april, arrow_of, bomb, one_batch, packed, repeated

PATHS = ("/v1/cases/settle", "/v1/cases/group", "/v1/cases/batch", "/v1/explain", "/v1/settlement-lists",
         "/v1/adjustments", "/v1/closings", "/v1/jobs")  # fmt: skip
UPLOADS_EVERY = 80
"""One in so many bodies is an upload: its look at Parquet and Arrow takes a process."""
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 10**400, 1.5, 1e308, float("nan"), float("inf"), -float("inf"),
    "", " ", "\0", "\ud7ff", "\ud800", "\udfff", "\udc00\ud800", "=1+1", "+cmd|' /C calc'!A0",
    "-1+2", "@SUM(A1)", "\t=1",
    "../../etc/passwd", "..\\..\\x", "/etc/passwd", "a/../../b.csv", "a.csv\0.parquet", "~/x.csv",
    "file:///etc/passwd", "'; DROP TABLE lines; --", "NaN", "Infinity", "0x10", "１２３", "𝟙𝟚",
    "x" * 5_000, "张三", "2025-02-30", "9999-12-31", "0001-01-01", "1e9", "-0.00", "99999999999999.99", [], {}, [[]],
    [None], ["x"] * 300, ["A00"] * 20_000, [{}] * 3_000, {str(each): each for each in range(2_000)},
    {"a": {"b": {"c": []}}}, "\u202e", "a\nb", "${jndi:ldap://x}", "{{7*7}}",
)  # fmt: skip


def shapes(path: str) -> Any:
    row = case(0)
    about = {"fixmedins_code": row["fixmedins_code"], "setl_id": row["setl_id"], "version": 1}
    return {
        "/v1/cases/settle": {"case": row, "version": 1, "provisional": False},
        "/v1/cases/group": {"case": row},
        "/v1/cases/batch": {"cases": [row, case(1)], "what": "settle"},
        "/v1/explain": {"case": row, "lang": "zh"},
        "/v1/settlement-lists": message(row),
        "/v1/adjustments": {**about, "kind": "audit_deduction", "month": "2025-04", "amount": "1.00", "reason": "x"},
        "/v1/closings": {"month": "2024-01"},
        "/v1/jobs": {"kind": "group", "paths": ["a.csv"]},
    }[path]


def bent(rolls: random.Random, value: Any) -> Any:
    """The value with one place made odd."""
    if rolls.random() < 0.2 or not isinstance(value, (dict, list)) or not value:
        return rolls.choice(ODD)
    if isinstance(value, dict):
        key = rolls.choice(sorted(value))
        roll = rolls.random()
        if roll < 0.08:
            return {name: each for name, each in value.items() if name != key}
        if roll < 0.16:
            return {**value, rolls.choice(("__proto__", "", "\0", "x" * 300, "=1")): rolls.choice(ODD)}
        return {**value, key: bent(rolls, value[key])}
    place = rolls.randrange(len(value))
    return [*value[:place], bent(rolls, value[place]), *value[place + 1 :]]


def bodies(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    rolls = random.Random(seed)
    for _ in range(count):
        path = rolls.choice(PATHS)
        text = json.dumps(bent(rolls, shapes(path)), ensure_ascii=rolls.random() < 0.5).encode("utf-8", "surrogatepass")
        roll = rolls.random()
        if roll < 0.1:
            text = text[: rolls.randrange(len(text) + 1)]
        elif roll < 0.2 and text:
            place = rolls.randrange(len(text))
            text = text[:place] + bytes([rolls.randrange(256)]) + text[place + 1 :]
        elif roll < 0.23:
            text = text.replace(b":", b":" + b"[" * rolls.choice((5, 50, 5_000)), 1)
        yield path, text


def hostile_upload(rolls: random.Random) -> tuple[str, bytes, str]:
    """(path, body, type) of a file with forged bytes, a cut, or another file's form."""
    kind = rolls.choice(tuple(SUFFIX_OF_TYPE))
    body = bytearray(rolls.choice(uploads()))
    for _ in range(rolls.choice((0, 1, 5, 30))):
        body[-rolls.randint(1, min(len(body), 4_000))] = rolls.randrange(256)
    if rolls.random() < 0.2:
        del body[rolls.randrange(len(body)) :]
    query = rolls.choice(("group", "presettle&year=2025&month=4", "clear&year=2025", "group&supersedes=../x", "=1+1"))
    return f"/v1/uploads?kind={query}", bytes(body), kind


@cache
def uploads() -> tuple[bytes, ...]:
    frame = pl.read_parquet(april())
    flat = frame.with_columns(pl.col(pl.List(pl.String)).list.join("|")).with_columns(pl.lit("=1+1").alias("setl_id"))
    bombs = (bomb(), repeated(), one_batch(True), packed("gz"), packed("xlsx"))
    return april().read_bytes(), arrow_of(frame, True), arrow_of(frame, False), flat.write_csv().encode(), *bombs


def assault(folder: Path, count: int, seed: int) -> None:
    url = f"sqlite:///{folder / 's.sqlite'}"
    migrate(url)
    rolls, statuses = random.Random(seed), Counter[int]()
    before = {path for path in folder.rglob("*") if not path.name.startswith("s.sqlite")}
    with service(folder, url, rate_per_s=1_000_000, burst=1_000_000) as client:
        for number, (path, body) in enumerate(bodies(count, seed)):
            headers = {"Content-Type": "application/json", **keyed(f"{seed}-{number}")}
            if number % UPLOADS_EVERY == 0:
                path, body, kind = hostile_upload(rolls)
                headers["Content-Type"] = kind
            if rolls.random() < 0.02:
                headers["Content-Encoding"] = "gzip"
            found = client.post(path, content=body, headers=headers)
            statuses[found.status_code] += 1
            assert found.status_code < 500, (path, body, found.text)
            if found.status_code not in (200, 202):
                assert found.json()["code"] in PROBLEMS and found.json()["status"] == found.status_code
    print(f"{count} bodies, seed {seed}: {dict(sorted(statuses.items()))}")
    made = {path for path in folder.rglob("*") if not path.name.startswith("s.sqlite")} - before
    assert all(path.is_relative_to(folder / "runs") or path.is_relative_to(folder / "spool") for path in made), made


def test_hundreds_of_hostile_bodies(tmp_path: Path) -> None:
    assault(tmp_path, 600, 1)


@pytest.mark.slow
def test_ten_thousand_hostile_bodies(tmp_path: Path) -> None:
    assault(tmp_path, 10_000, 2)
