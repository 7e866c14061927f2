"""Runs over HTTP: listed, verified, computed again, compared; a flipped byte is found and named."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.jobs.work import Place, Watch, do_job
from engine.ledger.manifest import Manifest
from engine.no_places import without_places
from engine.run import presettle
from engine.run_parts import RunOptions
from engine.store import jobs
from engine.store.open import migrate, open_store
from tests.service_kit import AREA, service
from tests.small_city import demo_area
from tests.test_service_jobs import april


def settle_month(url: str, folder: Path, key: str, **params: object) -> Manifest:
    """April settled as a job would."""
    store = open_store(url)
    given = {"files": [str(april())], "year": 2025, "month": 4, **params}
    job, _ = jobs.submit(store, jobs.new_job_id(), AREA, "office", None, "presettle", given, key)
    made = do_job(job, demo_area(), Place(folder / "runs", 1), Watch())
    store.close()
    return made


def test_a_run_is_verified_replayed_and_compared(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    migrate(url)
    first = settle_month(url, tmp_path, "one")
    second = settle_month(url, tmp_path, "two", supersedes=first.run_id)
    with service(tmp_path, url) as client:
        listed = client.get("/v1/runs").json()["runs"]
        assert [each["run_id"] for each in listed] == [first.run_id, second.run_id]
        place = f"/v1/runs/{second.run_id}"
        assert client.get(place).json()["seal"] == second.seal
        for shown in (client.get(place), client.get(f"{place}/files/manifest.json")):
            assert shown.json()["inputs"][0]["path"] == april().name == shown.json()["inputs"][0]["name"]
            assert str(april().parent) not in shown.text and str(tmp_path) not in shown.text
        assert client.get(f"{place}/verify").json() == {"run_id": second.run_id, "sound": True, "findings": []}
        again = client.post(f"{place}/replay").json()
        assert again["same"] is True and again["differences"] == [] and again["compared"] == len(second.outputs)
        compared = client.get(f"/v1/runs/{first.run_id}/diff/{second.run_id}").json()
        assert compared["moved"] == {"cases": 0, "hospitals": 0, "lines": 0}
        assert client.get(f"{place}/files/clearing.parquet").status_code == 200
        assert client.get(f"{place}/files/../{first.run_id}/clearing.parquet").status_code == 404
        assert client.get("/v1/runs/nothing").status_code == 404

        broken = tmp_path / "runs" / second.run_id / "settled.parquet"
        raw = broken.read_bytes()
        broken.write_bytes(raw[:500] + bytes([raw[500] ^ 1]) + raw[501:])
        found = client.get(f"{place}/verify").json()
        assert found["sound"] is False and found["findings"][0]["file"] == "settled.parquet"
        refused = client.post(f"{place}/replay")
        assert (refused.status_code, refused.json()["code"]) == (409, "run.not_replayable")
        assert str(tmp_path) not in refused.text
        manifest = tmp_path / "runs" / first.run_id / "manifest.json"
        manifest.write_bytes(manifest.read_bytes().replace(b'"kind"', b'"kine"', 1))
        for found_answer in (client.get(f"/v1/runs/{first.run_id}"), client.get("/v1/runs")):
            assert found_answer.json()["code"] == "run.not_replayable" and str(tmp_path) not in found_answer.text
        told = client.get(f"/v1/runs/{first.run_id}/verify")
        assert told.json()["findings"][0]["file"] == "manifest.json" and str(tmp_path) not in told.text


def test_what_cannot_be_computed_again_is_told_by_file_names_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    migrate(url)
    cases = tmp_path / "a secret folder" / "april.parquet"
    cases.parent.mkdir()
    shutil.copyfile(april(), cases)
    run = presettle([cases], demo_area(), 2025, 4, RunOptions(shelf=tmp_path / "runs")).folder
    cases.unlink()
    (run / "summary.html").rename(tmp_path / "summary.html")
    with service(tmp_path, url) as client:
        assert client.get(f"/v1/runs/{run.name}/files/summary.html").status_code == 404, "listed, and gone"
        (tmp_path / "summary.html").rename(run / "summary.html")
        refused = client.post(f"/v1/runs/{run.name}/replay")
        assert (refused.status_code, refused.json()["code"]) == (409, "run.not_replayable")
        assert "april.parquet" in refused.text and "secret" not in refused.text and str(tmp_path) not in refused.text


def test_a_text_keeps_file_names_and_loses_places() -> None:
    told = without_places("no run on /srv/runs. See /srv/runs/R1/x, /tmp/a.csv, 3/4; https://a/b", [Path("/srv/runs")])
    assert told == "no run on runs. See R1/x, a.csv, 3/4; https://a/b"
    assert without_places("/a b/c d/e.csv: odd", [Path("/a b/c d")]) == "e.csv: odd"
