"""The service at the counter: what it answers, what it refuses, and that it never tells what it was sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.app import create_app
from api.errors import MEDIA_TYPE, PROBLEMS
from engine.store.open import migrate
from tests.service_kit import Client, case, city_cases, keyed, service, settings

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:  # type: ignore[misc]
    folder = tmp_path_factory.mktemp("service")
    url = f"sqlite:///{folder / 'service.sqlite'}"
    migrate(url)
    with service(folder, url) as opened:
        yield opened


def test_the_committed_document_is_what_the_routes_say() -> None:
    app = create_app(settings(Path("nowhere"), "sqlite://"))
    made = json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    assert made == (ROOT / "api" / "openapi.json").read_text(encoding="utf-8"), "run `python -m api.openapi`"


def test_every_problem_names_itself_and_every_route_says_what_may_go_wrong(client: Client) -> None:
    document = client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert {"429", "500", "503"} <= set(route["responses"]), (method, path)
            if "requestBody" in route:
                assert {"400", "413", "415", "422"} <= set(route["responses"]), (method, path)
    for code, (status, title) in PROBLEMS.items():
        assert code.isascii() and 400 <= status < 600 and not title.isascii()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/v1/version", "/v1/packs", "/v1/policies", "/metrics"])
def test_the_service_tells_of_itself(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_the_documentation_page_asks_no_other_host(client: Client) -> None:
    texts = [client.get(path).text for path in ("/docs", "/static/docs.js", "/static/docs.css")]
    assert all(text for text in texts) and not any("://" in text or 'src="//' in text for text in texts)
    assert client.get("/docs").headers["content-security-policy"].startswith("default-src 'self'")
    for name in ("../app.py", "..%2fapp.py", "%2e%2e/errors.py", "docs.html%00", "/etc/passwd"):
        assert client.get(f"/static/{name}").status_code in (404, 400), name


def test_a_provisional_answer_books_nothing_and_equals_the_booked_one(client: Client) -> None:
    asked = {"case": case(3), "provisional": True}
    early = client.post("/v1/cases/settle", json=asked)
    assert early.status_code == 200 and early.json()["provisional"] is True and "booked" not in early.json()
    place = f"/v1/settlements/{case(3)['fixmedins_code']}/{case(3)['setl_id']}"
    assert client.get(place).status_code == 404
    booked = client.post("/v1/cases/settle", json={"case": case(3)}, headers=keyed("provisional"))
    assert booked.json()["result"] == early.json()["result"]
    assert client.get(place).json()["drg_dip_fund_payamt"] == booked.json()["result"]["drg_dip_fund_payamt"]


def test_money_goes_out_as_text_with_two_decimals(client: Client) -> None:
    result = client.post("/v1/cases/settle", json={"case": case(1), "provisional": True}).json()["result"]
    for name in ("medfee_sumamt", "drg_dip_sumamt", "drg_dip_fund_payamt", "setl_dif_amt"):
        assert isinstance(result[name], str) and result[name][-3] == ".", name
    assert not any(isinstance(value, float) for value in result.values())


def test_a_batch_answers_every_case_by_itself(client: Client) -> None:
    cases = [case(0), case(1, gend="7"), case(2), case(3, fixmedins_code="H99999999999")]
    found = client.post("/v1/cases/batch", json={"cases": cases}).json()
    assert (found["accepted"], found["rejected"]) == (2, 2)
    assert [item["index"] for item in found["items"]] == [0, 1, 2, 3]
    assert found["items"][1]["errors"][0]["code"] == "V031" and found["items"][3]["errors"][0]["code"] == "R001"
    alone = client.post("/v1/cases/settle", json={"case": case(2), "provisional": True}).json()["result"]
    assert found["items"][2]["result"] == alone


def test_a_batch_holds_at_most_a_thousand(client: Client) -> None:
    few = {"setl_id": "1", "diag_codes": ["I10"]}
    assert client.post("/v1/cases/batch", json={"cases": [few] * 1000, "what": "group"}).status_code == 200
    assert client.post("/v1/cases/batch", json={"cases": [few] * 1001, "what": "group"}).status_code == 422
    assert client.post("/v1/cases/batch", json={"cases": []}).status_code == 422


def message(row: dict, **about: str) -> dict:  # type: ignore[type-arg]
    """A case as the national message would carry it, a name and an identity number included."""
    plain = {name: str(value) for name, value in row.items()
             if name not in ("diag_codes", "oprn_codes", "medfee_sumamt", "hifp_pay", "insutype")}  # fmt: skip
    cost = row["medfee_sumamt"]
    pool = {"310": "310100", "390": "390100"}[row["insutype"]]
    return {
        "infno": "4101", "msgid": "H370000000012025041509300012345", "mdtrtarea_admvs": "370000", "cainfo": "c2ln",
        "signtype": "SM2", "sign_no": "7", "opter_name": "李四",
        "input": {
            "setlinfo": {
                **plain, "hi_type": row["insutype"], "psn_name": "张三", "certno": "37010119800101001X", **about
            },
            "diseinfo": [
                {"diag_type": "1", "diag_code": code, "diag_name": "某", "maindiag_flag": "1" if place == 0 else "0"}
                for place, code in enumerate(row["diag_codes"])
            ],
            "oprninfo": [
                {"oprn_oprt_type": "1" if place == 0 else "2", "oprn_oprt_code": code}
                for place, code in enumerate(row["oprn_codes"])
            ],
            "iteminfo": [{"med_chrgitm": "09", "amt": cost}],
            "payinfo": [{"fund_pay_type": pool, "fund_payamt": row["hifp_pay"]},
                        {"fund_pay_type": "610100", "fund_payamt": "5.00"}],
        },
    }  # fmt: skip


@pytest.mark.parametrize("number", range(0, 40, 4))
def test_the_national_message_gives_what_our_form_gives(client: Client, number: int) -> None:
    found = client.post("/v1/settlement-lists", json=message(case(number)))
    assert found.status_code == 200, found.text
    body = found.json()
    ours = client.post("/v1/cases/settle", json={"case": case(number), "provisional": True}).json()["result"]
    assert body["output"]["result"] == ours and body["infcode"] == "0"
    assert body["envelope"]["cainfo"] == "c2ln" and body["inf_refmsgid"] == "H370000000012025041509300012345"
    assert "张三" not in found.text and "37010119800101001X" not in found.text


def test_amounts_of_the_national_message_may_be_numbers_and_stay_exact(client: Client) -> None:
    row = case(4, medfee_sumamt="8.30", hifp_pay="0.29")
    sent = message(row)
    text = json.dumps(sent).replace('"amt": "8.30"', '"amt": 8.30').replace('"0.29"', "0.29")
    found = client.post("/v1/settlement-lists", content=text, headers={"Content-Type": "application/json"})
    assert found.json()["output"]["result"]["medfee_sumamt"] == "8.30"
    assert found.json()["output"]["result"]["hifp_pay"] == "0.29"


def test_a_list_without_money_is_grouped_and_says_why_it_has_no_price(client: Client) -> None:
    sent = message(case(5))
    del sent["input"]["iteminfo"]
    found = client.post("/v1/settlement-lists", json=sent).json()
    assert found["output"]["result"]["drg_code"] and found["output"]["unpriced"][0]["code"] == "V014"


def test_an_explanation_ends_in_the_group_the_answer_names(client: Client) -> None:
    for number in range(5):
        group = client.post("/v1/cases/group", json={"case": case(number)}).json()["result"]["drg_code"]
        for lang in ("zh", "en"):
            told = client.post("/v1/explain", json={"case": case(number), "lang": lang}).json()
            assert told["group"] == group and any(step["kind"] == "result" for step in told["steps"])


HOSTILE = [
    (b"", 400), (b"nul", 400), (b"{", 400), (b"[" * 200_000, 400), (b'{"a":' * 20_000, 400), (b"\xff\xfe{}", 400),
    (b'{"case": NaN}', 400), (b'{"case": {"setl_id": "\\ud800"}}', 400), (b'{"case": 1}', 422), (b"[]", 422),
    (b'{"case": {"setl_id": "1", "diag_codes": ["x"], "age": 1e400}}', 400), (b'"text"', 422), (b"1", 422),
    (b'{"case": {"setl_id": "\\u0000"}}', 422), (b'{"case": {"medfee_sumamt": 12.5}}', 422),
    (b'{"case": {"medfee_sumamt": "1e5"}}', 422), (b'{"case": {"diag_codes": "I10"}}', 422),
    (b'{"case": {"age": 99999999999999999999}}', 422), (b'{"case": {}, "case": {}, "x": 1}', 422),
    (b'{"case": {"dscg_time": "2025-13-45", "setl_id": "1", "diag_codes": ["I10"]}}', 422),
]  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/cases/group", "/v1/cases/settle", "/v1/cases/batch", "/v1/explain"])
@pytest.mark.parametrize(("body", "status"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_body_is_a_problem_and_no_failure(client: Client, path: str, body: bytes, status: int) -> None:
    found = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert found.status_code in (status, 422, 400) and found.headers["content-type"] == MEDIA_TYPE
    assert found.json()["code"] in PROBLEMS and found.json()["status"] == found.status_code


def test_a_problem_never_tells_what_was_sent(client: Client) -> None:
    secret = "王小明37010119800101001X"
    for changes in (
        {"setl_id": secret * 20},
        {secret: 1},
        {"gend": secret},
        {"dscg_time": secret},
        {"insutype": secret},
    ):
        found = client.post("/v1/cases/settle", json={"case": case(0, **changes), "provisional": True})
        assert found.status_code == 422 and secret not in found.text and "王小明" not in found.text
        assert json.loads(found.text)["errors"]


def test_bodies_have_limits_before_they_are_read(client: Client) -> None:
    assert client.post("/v1/cases/group", content=b" " * (1 << 20) + b"{}").status_code == 413

    def pieces():  # type: ignore[no-untyped-def]
        for _ in range(40):
            yield b" " * 65_536

    found = client.post("/v1/cases/group", content=pieces(), headers={"Content-Type": "application/json"})
    assert found.status_code == 413 and found.headers["content-type"] == MEDIA_TYPE
    assert client.post("/v1/cases/group", content=b"a=1", headers={"Content-Type": "text/plain"}).status_code == 415


def test_unknown_paths_and_methods_are_problems(client: Client) -> None:
    for method, path, status in (
        ("GET", "/v2", 404),
        ("DELETE", "/v1/cases/settle", 405),
        ("GET", "/v1/cases/group", 405),
    ):
        found = client.request(method, path)
        assert found.status_code == status and found.headers["content-type"] == MEDIA_TYPE


def test_every_sound_case_of_a_month_is_answered(client: Client) -> None:
    found = client.post("/v1/cases/batch", json={"cases": list(city_cases())}).json()
    assert found["rejected"] == 0 and found["accepted"] == len(city_cases())
