"""Many clients at once against a service with two workers: every key is booked once and answered alike."""

from __future__ import annotations

import http.client
import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.service import served
from engine.store.open import migrate, open_store
from engine.store.verify import verify_lines
from tests.service_kit import city_cases


def hammer(database: str, folder: Path, clients: int, keys: int) -> None:
    cases = [{**city_cases()[n % len(city_cases())], "setl_id": f"K{n:06d}"} for n in range(keys)]
    with served(folder, database, 2) as running:

        def retry(client: int) -> dict[int, bytes]:
            order = list(range(keys))
            random.Random(client).shuffle(order)
            connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=120)
            found = {}
            for number in order:
                while True:
                    headers = {"Content-Type": "application/json", "Idempotency-Key": f"key-{number}"}
                    connection.request("POST", "/v1/cases/settle", json.dumps({"case": cases[number]}), headers)
                    answer = connection.getresponse()
                    body = answer.read()
                    if answer.status == 200:
                        break
                    assert answer.status in (409, 503) and json.loads(body)["code"] == "busy", body
                found[number] = body
            connection.close()
            return found

        with ThreadPoolExecutor(clients) as pool:
            answers = list(pool.map(retry, range(clients)))
    assert all(each == answers[0] for each in answers)
    lines = [json.loads(body)["booked"]["line"] for body in answers[0].values()]
    assert sorted(lines) == list(range(1, keys + 1))
    store = open_store(database)
    assert list(verify_lines(store)) == []
    store.close()


def test_a_few_clients_retrying_the_same_keys(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    migrate(url)
    hammer(url, tmp_path, 8, 15)


@pytest.mark.slow
def test_thirty_two_clients_retrying_the_same_five_hundred_keys(database: str, tmp_path: Path) -> None:
    hammer(database, tmp_path, 32, 500)
