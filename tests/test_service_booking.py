"""Booked once, never edited: idempotency, corrections, closed months and the chain, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from engine.ledger.verify import verify_run, verify_shelf
from engine.money import fen_from_text
from engine.online.booked import settle_entry
from engine.store.audit import verify_audit
from engine.store.bookings import Conflict, Entry, book, replay
from engine.store.closing import close_month, closed_months
from engine.store.open import Store, migrate, open_store
from engine.store.schema import LINES, METADATA, MONTHS
from engine.store.verify import verify_lines
from tests.service_kit import AREA, case, keyed, service
from tests.test_online_settle import counter

MONTH = "2025-04"


def entry(number: int = 0, version: int = 1, key: str = "", **changes: object) -> Entry:
    return settle_entry(counter("policy"), case(number, **changes), version, "his", "request", key or f"k{number}")


def count(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(select(func.count()).select_from(LINES)).scalar() or 0)


def test_the_migrations_make_what_the_schema_says(store: Store) -> None:
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    migrate(store.url)


def test_the_same_request_is_answered_alike_and_booked_once(database: str, tmp_path: Path) -> None:
    with service(tmp_path, database) as client:
        answers = [client.post("/v1/cases/settle", json={"case": case(0)}, headers=keyed(1)) for _ in range(3)]
        assert [each.status_code for each in answers] == [200] * 3
        assert len({each.content for each in answers}) == 1
        assert [each.headers.get("idempotency-replayed") for each in answers] == [None, "true", "true"]
        # The same case under another key, written otherwise: still the same settlement.
        other = case(0, medfee_sumamt="0" + case(0)["medfee_sumamt"])
        again = client.post("/v1/cases/settle", json={"case": other}, headers=keyed(2))
        assert again.content == answers[0].content and again.headers["idempotency-replayed"] == "true"


def test_other_content_is_refused_and_the_field_is_named(database: str, tmp_path: Path) -> None:
    with service(tmp_path, database) as client:
        client.post("/v1/cases/settle", json={"case": case(0)}, headers=keyed(1))
        for key, changed, code in (
            (1, case(0, age=41), "idempotency.conflict"),
            (9, case(0, age=41), "settlement.conflict"),
            (1, case(1), "idempotency.conflict"),
        ):
            found = client.post("/v1/cases/settle", json={"case": changed}, headers=keyed(key))
            assert (found.status_code, found.json()["code"]) == (409, code)
            fields = {each["field"] for each in found.json()["errors"]}
            assert "age" in fields if changed != case(1) else "setl_id" in fields
            assert "41" not in str(found.json()["errors"])
        second = client.post("/v1/cases/settle", json={"case": case(0), "version": 2}, headers=keyed(3))
        assert second.json()["code"] == "settlement.stands"
        missing = client.post("/v1/cases/settle", json={"case": case(2)})
        assert missing.json()["code"] == "idempotency.missing"


def test_a_reversal_takes_everything_back_and_the_next_version_may_come(database: str, tmp_path: Path) -> None:
    about = {
        "fixmedins_code": case(0)["fixmedins_code"],
        "setl_id": case(0)["setl_id"],
        "month": MONTH,
        "reason": "重结",
    }
    with service(tmp_path, database) as client:

        def adjust(number: int, **asked: object):  # type: ignore[no-untyped-def]
            return client.post("/v1/adjustments", json={**about, "version": 1, **asked}, headers=keyed(number))

        assert adjust(0, kind="reversal").status_code == 404
        client.post("/v1/cases/settle", json={"case": case(0)}, headers=keyed(1))
        assert adjust(2, kind="audit_deduction", amount="12.34").json()["drg_dip_fund_payamt"] == "-12.34"
        assert adjust(2, kind="audit_deduction", amount="12.34").headers["idempotency-replayed"] == "true"
        assert adjust(3, kind="special_case", amount="9000.00").status_code == 200
        assert adjust(4, kind="audit_deduction").status_code == 422
        assert adjust(4, kind="reversal", amount="1.00").status_code == 422
        place = f"/v1/settlements/{about['fixmedins_code']}/{about['setl_id']}"
        assert client.get(place).json()["drg_dip_fund_payamt"] == "8987.66"  # 9000.00 − 12.34
        assert adjust(5, kind="reversal").status_code == 200
        assert client.get(place).json()["drg_dip_fund_payamt"] == "0.00"
        assert adjust(6, kind="reversal").headers["idempotency-replayed"] == "true"
        assert adjust(7, kind="audit_deduction", amount="1.00").json()["code"] == "settlement.reversed"
        late = client.post("/v1/cases/settle", json={"case": case(0)}, headers=keyed(1))
        assert late.headers["idempotency-replayed"] == "true", "a retry that was under way still gets its answer"
        same = client.post("/v1/cases/settle", json={"case": case(0)}, headers=keyed(8))
        assert same.json()["code"] == "settlement.reversed"
        second = client.post("/v1/cases/settle", json={"case": case(0), "version": 2}, headers=keyed(9))
        assert second.status_code == 200 and second.json()["booked"]["version"] == 2


def test_corrections_in_any_order_add_up_to_a_direct_settlement(store: Store) -> None:
    from engine.online.adjusted import adjustment_entry
    from engine.store.bookings import lines_of_case, settled_line

    rolls = random.Random(5)
    final: dict[int, int] = {}
    for number in range(6):
        cost = fen_from_text(case(number)["medfee_sumamt"])
        for version in range(1, rolls.randint(1, 4) + 1):
            changed = case(number, medfee_sumamt=f"{cost // 100 + rolls.randint(1, 400)}.07")
            line = book(store, settle_entry(counter("policy"), changed, version, "his", "r", f"{number}.{version}"))
            final[number] = line.fund_fen
            for turn in range(rolls.randint(0, 2)):
                key = f"{number}.{version}.d{turn}"
                book(store, adjustment_entry(line, "audit_deduction", MONTH, "3.21", "审核", "office", "r", key))
                final[number] -= 321
            if rolls.random() < 0.6:
                key = f"{number}.{version}.r"
                book(store, adjustment_entry(line, "reversal", MONTH, None, "重结", "office", "r", key))
                final[number] = 0
            else:
                break
        found = lines_of_case(store, AREA, case(number)["fixmedins_code"], case(number)["setl_id"])
        assert sum(each.fund_fen for each in found) == final[number]
        assert settled_line(store, AREA, case(number)["fixmedins_code"], case(number)["setl_id"], 1) is not None
    assert list(verify_lines(store)) == []


def test_thirty_two_clients_retrying_the_same_keys_book_each_once(store: Store) -> None:
    entries = [entry(number) for number in range(20)]

    def retry(client: int) -> list[tuple[int, str]]:
        order = list(range(len(entries)))
        random.Random(client).shuffle(order)
        found = []
        for number in order:
            while True:
                try:
                    line = replay(store, entries[number]) or book(store, entries[number])
                    break
                except Conflict as conflict:
                    assert conflict.code == "busy"
            found.append((number, line.hash))
        return sorted(found)

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(retry, range(32)))
    assert all(each == answers[0] for each in answers) and count(store) == len(entries)
    assert list(verify_lines(store)) == []


def test_a_line_and_the_audit_can_be_added_to_and_nothing_else(store: Store) -> None:
    book(store, entry(0))
    for statement in (
        "UPDATE lines SET fund_fen = 1",
        "DELETE FROM lines",
        "DELETE FROM audit",
        "UPDATE audit SET status=1",
    ):
        if "audit" in statement:
            from engine.store.audit import append_events, event

            append_events(store, [event("his", "id", "GET /x", "", 200, "r")])
        with pytest.raises(DBAPIError), store.write() as connection:
            connection.execute(text(statement))
    assert count(store) == 1 and list(verify_audit(store)) == []


def test_a_closed_month_takes_nothing_more_and_its_run_verifies(database: str, tmp_path: Path) -> None:
    with service(tmp_path, database) as client:
        assert client.post("/v1/closings", json={"month": MONTH}).json()["code"] == "month.empty"
        for number in range(5):
            client.post("/v1/cases/settle", json={"case": case(number)}, headers=keyed(number))
        closed = client.post("/v1/closings", json={"month": MONTH}).json()
        assert closed["seal"] and closed == client.post("/v1/closings", json={"month": MONTH}).json()
        late = client.post("/v1/cases/settle", json={"case": case(6)}, headers=keyed(6))
        assert (late.status_code, late.json()["code"]) == (409, "month.sealed")
        kept = client.post("/v1/cases/settle", json={"case": case(2)}, headers=keyed(2))
        assert kept.headers["idempotency-replayed"] == "true"
        about = {"fixmedins_code": case(0)["fixmedins_code"], "setl_id": case(0)["setl_id"], "version": 1}
        asked = {**about, "kind": "reversal", "reason": "错误", "month": MONTH}
        assert client.post("/v1/adjustments", json=asked, headers=keyed("a")).json()["code"] == "month.sealed"
        asked["month"] = "2025-05"
        assert client.post("/v1/adjustments", json=asked, headers=keyed("b")).status_code == 200
    assert verify_shelf(tmp_path / "runs") == (1, [])
    lines = tmp_path / "runs" / closed["run_id"] / "booked.jsonl"
    raw = lines.read_bytes()
    assert len(raw.splitlines()) == 5
    place = raw.index(b"fund_fen", raw.index(b"\n")) + 11  # a digit of the second line's amount
    lines.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
    assert any(finding.file == "booked.jsonl" and finding.at == "line 2" for finding in verify_run(lines.parent))


def test_a_closing_that_was_interrupted_goes_on(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import engine.store.closing as closing

    book(store, entry(0))
    monkeypatch.setattr(closing, "_write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        close_month(store, tmp_path / "runs", AREA, MONTH, "office")
    with pytest.raises(Conflict):
        book(store, entry(1))
    monkeypatch.undo()
    done = close_month(store, tmp_path / "runs", AREA, MONTH, "office")
    assert done["seal"]
    # Killed after the folder appeared and before its seal was noted: the folder is found again.
    with store.write() as connection:
        connection.execute(MONTHS.update().values(run_id=None, seal=None))
    assert close_month(store, tmp_path / "runs", AREA, MONTH, "office")["run_id"] == done["run_id"]
    assert closed_months(store, AREA)[MONTH]["seal"] == done["seal"]


FORGERIES = {
    "an amount": ("UPDATE lines SET fund_fen = fund_fen + 1 WHERE seq = 2", "line 2"),
    "an answer": ("UPDATE lines SET answer = '{}' WHERE seq = 3", "line 3"),
    "a removed line": ("DELETE FROM lines WHERE seq = 2", "line 2"),
    "a line missing at the end": ("DELETE FROM lines WHERE seq = 4", "missing at the end"),
    "a second standing case": ("DELETE FROM standing WHERE seq = 1", "standing"),
    "a head moved back": ("UPDATE chains SET seq = 3 WHERE name LIKE 'lines:%'", "head"),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_verification_finds_what_an_administrator_changed(store: Store, what: str) -> None:
    for number in range(4):
        book(store, entry(number))
    statement, told = FORGERIES[what]
    with store.write() as connection:
        if store.is_sqlite:
            connection.execute(text("DROP TRIGGER lines_no_update"))
            connection.execute(text("DROP TRIGGER lines_no_delete"))
        else:
            connection.execute(text("ALTER TABLE lines DISABLE TRIGGER ALL"))
        connection.execute(text(statement))
    found = list(verify_lines(store))
    assert found and any(told in each for each in found), found


def test_a_process_that_dies_between_the_steps_of_a_booking_leaves_nothing(tmp_path: Path, store: Store) -> None:
    import engine.store.bookings as bookings

    steps = ("insert", "move_head", "_remember")
    for number, step in enumerate(steps):
        kept = getattr(bookings, step)

        def dies(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        setattr(bookings, step, dies)
        try:
            with pytest.raises(KeyboardInterrupt):
                book(store, entry(number))
        finally:
            setattr(bookings, step, kept)
        assert count(store) == number
        assert book(store, entry(number)).seq == number + 1
    assert list(verify_lines(store)) == []


def test_two_processes_see_one_book(database: str) -> None:
    first, second = open_store(database), open_store(database)
    assert not book(first, entry(0)).replayed
    assert replay(second, entry(0)) is not None
    with pytest.raises(Conflict):
        book(second, replace(entry(0), content={"age": 1}, idempotency_key="other"))
    first.close()
    second.close()
