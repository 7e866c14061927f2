"""Who may do what: keys, signatures, rates, and that a hospital finds nothing of another, on every route there is."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from api.security import digest, sign
from api.sm3 import hmac_sm3, plain_sm3, sm3_hex
from engine.store.audit import verify_audit
from engine.store.keys import KeyFault, create_key, find_key, list_keys, revoke_key, signing_secret
from engine.store.open import Store, migrate
from engine.store.schema import API_KEYS, AUDIT
from tests.service_kit import AREA, Keyed, case, city_cases, keyed, keyed_service

PUBLIC = {"/livez", "/readyz", "/v1/version"}


def hospitals() -> tuple[str, str]:
    first = city_cases()[0]["fixmedins_code"]
    return first, next(each["fixmedins_code"] for each in city_cases() if each["fixmedins_code"] != first)


def case_of(hospital: str) -> dict[str, Any]:
    return next(dict(each) for each in city_cases() if each["fixmedins_code"] == hospital)


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Keyed]:
    with keyed_service(tmp_path, database, hospitals()) as found:
        yield found


def filled(path: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", lambda match: values[match[1]], path)


def routes(service: Keyed) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in service.client.get("/openapi.json").json()["paths"].items():
        for method, route in methods.items():
            yield method.upper(), path, route


def test_every_route_but_the_public_ones_wants_a_key(office: Keyed) -> None:
    values = {"job_id": "0" * 24, "run_id": "x", "other": "y", "name": "z", "fixmedins_code": "h", "setl_id": "s"}
    seen = 0
    for method, path, route in routes(office):
        if path in PUBLIC:
            assert "security" not in route
            continue
        seen += 1
        for headers in (
            {},
            {"Authorization": "Bearer dz_0123456789abcdef_" + "A" * 43},
            {"Authorization": "Basic eDp5"},
        ):
            found = office.client.request(method, filled(path, values), headers=headers, params={"kind": "group"})
            assert found.status_code == 401 and found.json()["code"].startswith("auth."), (method, path, found.text)
            assert found.headers["www-authenticate"].startswith("Bearer")
    assert seen >= 20


def test_a_hospital_finds_nothing_of_another_on_any_route(office: Keyed, tmp_path: Path) -> None:
    """Generated over the document: what belongs to B is 404 for A, and the same as what is not there at all."""
    from engine.jobs.work import Place, Watch, do_job
    from engine.store import jobs
    from tests.small_city import demo_area
    from tests.test_service_jobs import april

    own, others = hospitals()
    theirs = case_of(others)
    client = office.client
    settled = client.post("/v1/cases/settle", json={"case": theirs}, headers=office.as_("B", **keyed("b1")))
    assert settled.status_code == 200
    made = client.post(
        "/v1/uploads?kind=group",
        content=april().read_bytes(),
        headers=office.as_("B", **keyed("b2")) | {"Content-Type": "application/vnd.apache.parquet"},
    )
    month = jobs.submit(office.store, jobs.new_job_id(), AREA, "office", None, "presettle",
                        {"files": [str(april())], "year": 2025, "month": 4}, "office")[0]  # fmt: skip
    run = do_job(month, demo_area(), Place(tmp_path / "runs", 1), Watch())
    values = {
        "job_id": made.json()["id"], "run_id": run.run_id, "other": run.run_id, "fixmedins_code": others,
        "setl_id": theirs["setl_id"], "name": f"statements/{others}.xlsx",
    }  # fmt: skip
    bodies: dict[str, Any] = {
        "/v1/cases/group": {"case": theirs},
        "/v1/cases/settle": {"case": theirs, "provisional": True},
        "/v1/explain": {"case": theirs},
        "/v1/settlement-lists": {"infno": "4101", "input": {"setlinfo": {"fixmedins_code": others, "setl_id": "1"}}},
        "/v1/adjustments": {
            "kind": "reversal", "fixmedins_code": others, "setl_id": theirs["setl_id"], "version": 1,
            "month": "2025-04", "reason": "x",
        },
        "/v1/closings": {"month": "2025-04"},
    }  # fmt: skip
    met = 0
    for method, path, _ in routes(office):
        concerned = "{" in path or path in bodies
        if not concerned or (method, path) == ("GET", "/v1/closings"):
            continue
        met += 1
        found = client.request(
            method, filled(path, values), json=bodies.get(path), headers=office.as_("A", **keyed(uuid4().hex))
        )
        assert (found.status_code, found.json()["code"]) == (404, "not_found"), (method, path, found.text)
        assert theirs["setl_id"] not in found.text.replace(found.json()["instance"], "")
    assert met >= 14
    # Lists leave out what is not theirs; a batch refuses the stranger's case alone.
    assert client.get("/v1/jobs", headers=office.as_("A")).json()["jobs"] == []
    runs = client.get("/v1/runs", headers=office.as_("A")).json()["runs"]
    assert all(each["files"] == [f"statements/{own}.xlsx"] for each in runs) and others not in str(runs)
    batch = client.post("/v1/cases/batch", json={"cases": [case_of(own), theirs]}, headers=office.as_("A")).json()
    assert batch["accepted"] == 1 and batch["items"][1]["errors"][0]["code"] == "not_found"
    # To its owner everything is there.
    assert client.get(f"/v1/settlements/{others}/{theirs['setl_id']}", headers=office.as_("B")).status_code == 200
    assert client.get(f"/v1/jobs/{values['job_id']}", headers=office.as_("B")).status_code == 200
    assert (
        client.get(f"/v1/runs/{run.run_id}/files/statements/{others}.xlsx", headers=office.as_("B")).status_code == 200
    )
    assert client.get(f"/v1/runs/{run.run_id}/files/settled.parquet", headers=office.as_("B")).status_code == 404
    assert client.get(f"/v1/runs/{run.run_id}", headers=office.as_("area")).status_code == 200


def test_an_area_finds_nothing_of_another_area(office: Keyed) -> None:
    elsewhere = create_key(office.store, "far", "999999", None, ("cases", "settle", "jobs", "runs"))[1]
    headers = {"Authorization": f"Bearer {elsewhere}"}
    office.client.post("/v1/cases/settle", json={"case": case(0)}, headers=office.as_("area", **keyed(1)))
    place = f"/v1/settlements/{case(0)['fixmedins_code']}/{case(0)['setl_id']}"
    assert office.client.get(place, headers=headers).status_code == 404
    assert office.client.post("/v1/cases/group", json={"case": case(0)}, headers=headers).status_code == 404
    assert office.client.get("/v1/runs", headers=headers).json() == {"runs": []}


def test_a_scope_that_was_not_given_is_refused(office: Keyed) -> None:
    token = create_key(office.store, "reader", AREA, None, ("cases",))[1]
    headers = {"Authorization": f"Bearer {token}"}
    assert office.client.post("/v1/cases/group", json={"case": case(0)}, headers=headers).status_code == 200
    for method, path in (("POST", "/v1/cases/settle"), ("GET", "/v1/runs"), ("GET", "/v1/jobs"), ("GET", "/metrics")):
        found = office.client.request(method, path, headers=headers, json={} if method == "POST" else None)
        assert (found.status_code, found.json()["code"]) == (403, "auth.scope"), path
    found = office.client.post(
        "/v1/adjustments",
        json={"kind": "audit_deduction", "fixmedins_code": hospitals()[0], "setl_id": "x", "version": 1,
              "month": "2025-04", "reason": "x", "amount": "1.00"},
        headers=office.as_("A", **keyed(1)),
    )  # fmt: skip
    assert found.json()["code"] == "auth.scope", "a hospital deducts nothing from anybody"


def test_two_live_keys_a_client_and_only_hashes_are_kept(store: Store) -> None:
    (first, token), (second, other) = (create_key(store, "his", AREA, "H1") for _ in range(2))
    with pytest.raises(KeyFault):
        create_key(store, "his", AREA, "H1")
    assert find_key(store, token) == first and find_key(store, other) == second
    revoke_key(store, first.id)
    assert find_key(store, token) is None and find_key(store, other) is not None
    third, newest = create_key(store, "his", AREA, "H1")
    assert find_key(store, newest) == third and len(list_keys(store)) == 3
    with store.read() as connection:
        kept = str(connection.execute(select(API_KEYS)).all())
    assert not any(each.rpartition("_")[2] in kept for each in (token, other, newest))
    for wrong in ("", "dz_", token[:-1], token[:-1] + "!", token.replace("dz", "xx"), token + "a"):
        assert find_key(store, wrong) is None
    assert find_key(store, token[:20] + other[20:]) is None
    expired = create_key(store, "old", AREA, expires_at="2020-01-01")[1]
    assert find_key(store, expired) is None
    for wrong_scope in (("root",), ()):
        with pytest.raises(KeyFault):
            create_key(store, "x", AREA, scopes=wrong_scope)
    with pytest.raises(KeyFault):
        revoke_key(store, "nothing")
    for area, hospital in ((AREA, "H2"), ("999999", "H1"), (AREA, None)):
        with pytest.raises(KeyFault, match="another"):
            create_key(store, "his", area, hospital)


def test_a_revoked_key_stops_working(database: str, tmp_path: Path) -> None:
    with keyed_service(tmp_path, database, key_cache_s=0) as office:
        key, token = create_key(office.store, "his", AREA)
        headers = {"Authorization": f"Bearer {token}"}
        assert office.client.get("/v1/packs", headers=headers).status_code == 200
        revoke_key(office.store, key.id)
        assert office.client.get("/v1/packs", headers=headers).json()["code"] == "auth.invalid"


MASTER = "a master secret of the test"


def signed(service: Keyed, token: str, body: bytes, algorithm: str = "sha256", **changes: Any):  # type: ignore[no-untyped-def]
    at, nonce = str(changes.get("at", int(time.time()))), changes.get("nonce", uuid4().hex)
    path = "/v1/cases/group"
    message = "\n".join(("POST", path, "", at, nonce, digest(algorithm, changes.get("digested", body)))).encode()
    signature = sign(signing_secret(MASTER, token.split("_")[1]), algorithm, message)
    headers = {
        "Authorization": f"Bearer {token}", "Content-Type": "application/json", "X-Dianzhi-Timestamp": at,
        "X-Dianzhi-Nonce": nonce, "X-Dianzhi-Signature": f"{algorithm}={changes.get('signature', signature)}",
    }  # fmt: skip
    return service.client.post(path, content=body, headers=headers)


def test_signatures_with_either_digest_a_clock_window_and_a_nonce(database: str, tmp_path: Path) -> None:
    import orjson

    body = orjson.dumps({"case": case(0)})
    with keyed_service(tmp_path, database, signing_master=MASTER) as office:
        _, token = create_key(office.store, "signer", AREA, signed=True)
        for algorithm in ("sha256", "sm3"):
            assert signed(office, token, body, algorithm).status_code == 200, algorithm
        assert signed(office, token, body, nonce="nonce-00001").status_code == 200
        refused = [
            signed(office, token, body, nonce="nonce-00001"),
            signed(office, token, body, at=int(time.time()) - 4000),
            signed(office, token, body, at=int(time.time()) + 4000),
            signed(office, token, body, digested=b"another body"),
            signed(office, token, body, signature="0" * 64),
            signed(office, token, body, nonce="x"),
            office.client.post("/v1/cases/group", content=body, headers={"Authorization": f"Bearer {token}"}),
        ]
        assert [each.json()["code"] for each in refused] == ["auth.signature"] * len(refused)


def test_sm3_is_the_standards() -> None:
    assert plain_sm3(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert plain_sm3(b"abcd" * 16) == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    for size in (0, 55, 56, 63, 64, 65, 119, 120, 1000):
        assert plain_sm3(b"\xa5" * size) == sm3_hex(b"\xa5" * size)
    if "sm3" in hashlib.algorithms_available:
        assert hmac_sm3(b"k" * 80, b"m") == hmac.new(b"k" * 80, b"m", "sm3").hexdigest()


def test_too_many_requests_are_turned_away(database: str, tmp_path: Path) -> None:
    with keyed_service(tmp_path, database, rate_per_s=0, burst=5) as office:
        found = [office.client.get("/v1/packs", headers=office.as_("area")).status_code for _ in range(8)]
        assert found == [200] * 5 + [429] * 3
        assert office.client.get("/v1/packs", headers=office.as_("area")).headers["retry-after"] == "1"


def test_every_access_is_in_the_audit_and_nothing_of_a_patient(database: str, tmp_path: Path) -> None:
    name, identity = "欧阳小明", "37010119800101001X"
    with keyed_service(tmp_path, database, hospitals()) as office:
        row = case_of(hospitals()[0])
        office.client.post("/v1/cases/settle", json={"case": row}, headers=office.as_("A", **keyed(1)))
        office.client.post("/v1/cases/settle", json={"case": row | {"psn_no": identity}, "provisional": True},
                           headers=office.as_("A"))  # fmt: skip
        office.client.post("/v1/cases/group", json={"case": {name: identity}}, headers=office.as_("A"))
        office.client.get(f"/v1/settlements/{row['fixmedins_code']}/{row['setl_id']}", headers=office.as_("A"))
        office.client.get("/v1/runs", headers={"Authorization": "Bearer dz_0000000000000000_" + "x" * 43})
        store = office.store
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with store.read() as connection:
                rows = connection.execute(select(AUDIT).order_by(AUDIT.c.seq)).mappings().all()
            if len(rows) >= 5:
                break
            time.sleep(0.05)
        told = [(each["client"], each["action"], each["status"]) for each in rows]
        assert ("his-A", "POST /v1/cases/settle", 200) in told and ("his-A", "POST /v1/cases/group", 422) in told
        assert ("his-A", "GET /v1/settlements/{fixmedins_code}/{setl_id}", 200) in told
        assert ("-", "GET /v1/runs", 401) in told
        everything = str([tuple(each.values()) for each in rows])
        assert name not in everything and identity not in everything and row["setl_id"] not in everything
        assert list(verify_audit(store)) == []


def test_nothing_of_a_patient_is_kept_with_a_booked_line_or_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    migrate(url)
    with keyed_service(tmp_path, url) as office, caplog.at_level("DEBUG"):
        secret = {"psn_no": "37010119800101001X", "medcasno": "MRN-77", "mdtrt_id": "VISIT-5"}
        found = office.client.post(
            "/v1/cases/settle", json={"case": case(0) | secret}, headers=office.as_("area", **keyed(1))
        )
        assert found.status_code == 200
        with office.store.read() as connection:
            kept = str(connection.exec_driver_sql("SELECT content, answer FROM lines").all())
    for text in secret.values():
        assert text not in kept and text not in caplog.text


def test_a_failure_of_ours_is_logged_without_its_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import api.routes.cases as routes

    def fails(*_: object, **__: object) -> None:
        raise KeyError("欧阳小明 37010119800101001X")

    monkeypatch.setattr(routes, "settle_case", fails)
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    migrate(url)
    with keyed_service(tmp_path, url) as office:
        found = office.client.post(
            "/v1/cases/settle", json={"case": case(0), "provisional": True}, headers=office.as_("area")
        )
    assert found.status_code == 500 and found.json()["code"] == "internal" and "欧阳" not in found.text
    assert "KeyError at" in caplog.text and "欧阳" not in caplog.text and "37010119800101001X" not in caplog.text
