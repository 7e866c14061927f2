"""Settlements booked together: one commit for many, each once, in one chain; and writers of one file take turns."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

import engine.store.together as together
import engine.store.turn as turn
from engine.store.bookings import Conflict, Entry, book, replay
from engine.store.closing import close_month
from engine.store.open import Store, migrate, open_store
from engine.store.together import Together, book_new
from engine.store.turn import Turn
from engine.store.verify import verify_lines
from tests.service_kit import AREA
from tests.test_service_booking import MONTH, count, entry


def new(store: Store, *entries: Entry) -> list[int | None]:
    return [line and line.seq for line in book_new(store, AREA, lambda: entries)]


def test_two_processes_with_many_clients_book_every_key_once(database: str) -> None:
    stores = [open_store(database) for _ in range(2)]
    desks = [Together(store) for store in stores]
    entries = [entry(number) for number in range(40)]

    def ask(number: int) -> str:
        which, wanted = number % 2, entries[number // 4]
        line = desks[which].book(wanted).result(60)
        while line is None:
            try:
                line = replay(stores[which], wanted) or book(stores[which], wanted)
            except Conflict as conflict:
                assert conflict.code == "busy"
        return line.hash

    with ThreadPoolExecutor(16) as pool:
        hashes = list(pool.map(ask, range(160)))
    assert all(len(set(hashes[place : place + 4])) == 1 for place in range(0, 160, 4))
    assert count(stores[0]) == 40 and list(verify_lines(stores[0])) == []
    for each in (*desks, *stores):
        each.close()


def test_what_is_not_plainly_new_is_left_alone_and_the_others_are_booked(store: Store, tmp_path: Path) -> None:
    assert new(store, entry(0), entry(1)) == [1, 2]
    known_key = replace(entry(2), idempotency_key=entry(0).idempotency_key)
    next_version = replace(entry(1), version=2, idempotency_key="v2")
    twice = replace(entry(4), idempotency_key="again")
    correction = replace(entry(5), kind="audit_deduction", idempotency_key="c")
    found = new(store, known_key, entry(3), next_version, entry(4), twice, correction, entry(0))
    assert found == [None, 3, None, 4, None, None, None]
    assert count(store) == 4 and list(verify_lines(store)) == []
    close_month(store, tmp_path / "runs", AREA, MONTH, "office")
    later = replace(entry(7), month="2025-05")
    assert new(store, entry(6), later) == [None, 5]
    with pytest.raises(Conflict, match=r"month\.sealed"):
        book(store, entry(6))
    assert list(verify_lines(store)) == []


@pytest.mark.parametrize("step", ("insert", "move_head", "key_row"))
def test_a_process_that_dies_while_it_books_many_leaves_none(
    store: Store, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert new(store, entry(0)) == [1]

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(together, step, dies)
    with pytest.raises(KeyboardInterrupt):
        new(store, entry(1), entry(2))
    monkeypatch.undo()
    assert count(store) == 1 and new(store, entry(1), entry(2)) == [2, 3]
    assert list(verify_lines(store)) == []


def test_a_failure_is_told_to_everybody_who_waits_and_the_next_are_booked(store: Store) -> None:
    desk, kept = Together(store), store.engine
    store.engine = open_store("sqlite:////nowhere/at/all.sqlite").engine
    with pytest.raises(OperationalError):
        desk.book(entry(0)).result(60)
    store.engine = kept
    line = desk.book(entry(0)).result(60)
    assert line is not None and line.seq == 1
    desk.close()


def test_cases_of_two_areas_are_booked_into_two_chains(store: Store) -> None:
    desk = Together(store)
    with store.write():  # nothing is booked before all have come
        waiting = [desk.book(replace(entry(n), area=area, client=area)) for n in range(6) for area in ("A1", "B2")]
        if store.is_sqlite:
            time.sleep(0.05)
    lines = [each.result(60) for each in waiting]
    assert [(line.area, line.seq) for line in lines if line] == [
        (area, n + 1) for n in range(6) for area in ("A1", "B2")
    ]
    desk.close()
    assert list(verify_lines(store)) == []


def test_who_waited_goes_before_who_comes_again(tmp_path: Path) -> None:
    first, second = Turn(tmp_path / "db"), Turn(tmp_path / "db")
    order: list[str] = []

    def ask(one: Turn, name: str) -> threading.Thread:
        def take() -> None:
            with one.taken():
                order.append(name)

        thread = threading.Thread(target=take)
        thread.start()
        time.sleep(0.1)
        return thread

    with first.taken():
        threads = [ask(second, "the other process"), ask(first, "this process again")]
    for each in threads:
        each.join(30)
    assert order == ["the other process", "this process again"]
    first.close()
    second.close()


def test_a_writer_that_never_ends_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "PATIENCE_S", 0.05)
    first, second = Turn(tmp_path / "db"), Turn(tmp_path / "db")
    with first.taken(), second.taken():
        pass
    first.close()
    second.close()


def test_a_database_without_a_file_needs_no_turns_between_processes(tmp_path: Path) -> None:
    with Turn(None).taken(), Turn(tmp_path / "no" / "folder").taken():
        pass
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    migrate(url)
    store = open_store(url)
    with store.write():
        assert {each.name for each in tmp_path.iterdir()} >= {"s.sqlite", "s.sqlite-next", "s.sqlite-now"}
    store.close()
