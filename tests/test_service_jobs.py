"""Jobs: submitted once, done by one worker, taken over from a dead one, cancelled; uploads within limits."""

from __future__ import annotations

import gzip
import io
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.jobs.intake import SUFFIX_OF_TYPE, IntakeFault, allowed_paths, checked_upload
from engine.jobs.work import Cancelled, Place, Watch, do_job
from engine.jobs.worker import Worker, _Lease
from engine.ledger.verify import verify_shelf
from engine.store import jobs
from engine.store.open import Store, open_store
from tests.service_kit import AREA, Client, keyed, service
from tests.small_city import DEMO, demo_area, small_city

ROOT = Path(__file__).resolve().parents[1]
PARQUET = "application/vnd.apache.parquet"
ARROW, STREAM = "application/vnd.apache.arrow.file", "application/vnd.apache.arrow.stream"


def april() -> Path:
    return next(path for path in small_city().months["202504"] if path.suffix == ".parquet")


def worker(store: Store, folder: Path, lease_s: int = 30) -> Worker:
    return Worker(store, {AREA: demo_area()}, Place(folder / "runs", 1), folder / "spool", lease_s)


def submit(store: Store, number: int, **params: object) -> jobs.Job:
    given = {"files": [str(april())], "year": 2025, "month": 4, **params}
    return jobs.submit(store, jobs.new_job_id(), AREA, "office", None, "presettle", given, f"job-{number}")[0]


def upload(client: Client, body: bytes, number: object, kind: str = PARQUET, query: str = "kind=group"):  # type: ignore[no-untyped-def]
    return client.post(f"/v1/uploads?{query}", content=body, headers={"Content-Type": kind, **keyed(str(number))})


def arrow_of(frame: pl.DataFrame, stream: bool) -> bytes:
    sink = io.BytesIO()
    table = frame.to_arrow()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def test_a_month_is_settled_as_a_job_and_its_files_come_back(database: str, tmp_path: Path) -> None:
    with service(tmp_path, database) as client:
        query = "kind=presettle&year=2025&month=4"
        made = upload(client, april().read_bytes(), 1, query=query)
        assert made.status_code == 202 and made.json()["state"] == "queued", made.text
        place = made.headers["location"]
        again = upload(client, april().read_bytes(), 1, query=query)
        assert again.json()["id"] == made.json()["id"] and again.headers["idempotency-replayed"] == "true"
        other = upload(client, april().read_bytes(), 1, query="kind=presettle&year=2025&month=5")
        assert other.json()["code"] == "idempotency.conflict"
        assert len(list((tmp_path / "spool").iterdir())) == 1
        store = open_store(database)
        assert worker(store, tmp_path).run(once=True) == 1
        store.close()
        done = client.get(place).json()
        assert done["state"] == "succeeded" and done["counts"]["in_period"] > 100, done
        assert {"settled.parquet", "clearing.parquet", "manifest.json"} <= set(done["files"])
        raw = client.get(f"{place}/files/settled.parquet").content
        assert pl.read_parquet(io.BytesIO(raw)).height == done["counts"]["in_period"]
        for name in ("../../service.sqlite", "..%2f..%2fservice.sqlite", "settled.parquet/..", "/etc/passwd", "%00"):
            assert client.get(f"{place}/files/{name}").status_code in (404, 422), name
        assert client.delete(place).json()["code"] == "job.finished"
        assert not list((tmp_path / "spool").iterdir()), "an upload is gone once its run keeps it"
        assert client.get(f"/v1/runs/{done['run_id']}/verify").json()["sound"] is True
    assert verify_shelf(tmp_path / "runs")[1] == []


def test_every_form_of_upload_gives_the_same_groups(tmp_path: Path) -> None:
    from engine.store.open import migrate

    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    migrate(url)
    frame = pl.read_parquet(april())
    flat = frame.with_columns(pl.col(pl.List(pl.String)).list.join("|"))
    bodies = {
        PARQUET: april().read_bytes(),
        "application/vnd.apache.arrow.file": arrow_of(frame, False),
        "application/vnd.apache.arrow.stream": arrow_of(frame, True),
        "text/csv": flat.write_csv().encode(),
    }
    with service(tmp_path, url) as client:
        places = [upload(client, body, kind[-3:], kind).headers["location"] for kind, body in bodies.items()]
        store = open_store(url)
        worker(store, tmp_path).run(once=True)
        store.close()
        answers = []
        for place in places:
            raw = client.get(f"{place}/files/grouped.parquet")
            assert raw.status_code == 200, client.get(place).text
            answers.append(pl.read_parquet(io.BytesIO(raw.content)))
    assert all(each.equals(answers[0]) for each in answers) and answers[0].height > 100


def bomb() -> bytes:
    """A small file that says it unpacks to gigabytes."""
    sink = io.BytesIO()
    table = pa.table({"setl_id": pa.array([b"\0" * 4_000_000] * 40, pa.binary())})
    pq.write_table(table, sink, compression="zstd", use_dictionary=False)
    return sink.getvalue()


def repeated() -> bytes:
    """Twenty million rows in some ten kilobytes: one value, said once."""
    sink = io.BytesIO()
    table = pa.table({"setl_id": pa.array(["x"] * 1_000_000)})
    with pq.ParquetWriter(sink, table.schema) as writer:
        for _ in range(20):
            writer.write_table(table, row_group_size=1_000_000)
    return sink.getvalue()


def one_batch(stream: bool) -> bytes:
    """A few kilobytes of Arrow that unpack, as one batch, to 320 MB."""
    sink, table = io.BytesIO(), pa.table({"a": pa.nulls(40_000_000, pa.null()).cast(pa.int64())})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def forged() -> bytes:
    """A Parquet file whose end says things that make its reader abort."""
    raw, rolls = bytearray(april().read_bytes()), random.Random(5)
    end = int.from_bytes(raw[-8:-4], "little")
    for _ in range(30):
        raw[rolls.randrange(len(raw) - 8 - end, len(raw) - 8)] = rolls.randrange(256)
    return bytes(raw)


def packed(name: str) -> bytes:
    """Three hundred megabytes of nothing, as a workbook or as gzip."""
    nothing, sink = bytes(100 << 20), io.BytesIO()
    if name == "gz":
        return gzip.compress(nothing * 3, 1)
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for part in ("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            book.writestr(part, nothing)
    return sink.getvalue()


HOSTILE = {
    "empty": (b"", PARQUET), "no parquet": (b"PAR1" + b"x" * 500 + b"PAR1", PARQUET),
    "cut": (b"PAR1abc", PARQUET),
    "no arrow": (b"ARROW1\0\0" + b"\xff" * 300, "application/vnd.apache.arrow.file"),
    "no stream": (b"\xff\xff\xff\xff\xff\xff\xff\x7f", "application/vnd.apache.arrow.stream"),
    "binary csv": (b"\0\1\2", "text/csv"),
}  # fmt: skip


def test_hostile_uploads_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    from engine.store.open import migrate

    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    migrate(url)
    with service(tmp_path, url, upload_mib=8, unpacked_mib=64) as client:
        for name, (body, kind) in HOSTILE.items():
            assert upload(client, body, name.replace(" ", ""), kind).json()["code"] == "file.refused", name
        for kind in ("xlsx", "gz"):
            body = packed(kind)
            assert len(body) < 2 << 20
            own = {
                "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "gz": "application/gzip",
            }
            assert upload(client, body, kind, own[kind]).status_code == 415
            for number, taken in enumerate(SUFFIX_OF_TYPE):
                assert upload(client, body, f"{kind}{number}", taken).json()["code"] == "file.refused", (kind, taken)
        for number, (body, kind) in enumerate(((repeated(), PARQUET), (forged(), PARQUET),
                                               (one_batch(False), ARROW), (one_batch(True), STREAM))):  # fmt: skip
            assert len(body) < 1 << 20
            assert upload(client, body, f"bomb{number}", kind).json()["code"] == "file.refused", number
        small = bomb()
        assert len(small) < 1 << 20 and upload(client, small, "bomb").json()["code"] == "file.refused"
        assert upload(client, b"x" * (9 << 20), "large", "text/csv").status_code == 413
        assert upload(client, b"x", "zip", "application/zip").status_code == 415
        assert upload(client, b"x", "q", query="kind=presettle").status_code == 422
        assert upload(client, b"x", "q", query="kind=rm").status_code == 422
        assert client.get("/v1/jobs").json()["jobs"] == []
        assert not list((tmp_path / "spool").iterdir())


def test_an_arrow_bomb_is_stopped_while_it_is_read(tmp_path: Path) -> None:
    sink = io.BytesIO()
    table = pa.table({"a": pa.array([0] * 4_000_000, pa.int64())})
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        for _ in range(20):
            writer.write_table(table)
    path = tmp_path / "cases.arrows"
    path.write_bytes(sink.getvalue())
    with pytest.raises(IntakeFault, match="MiB"):
        checked_upload(path, 100)
    assert not path.with_suffix(".parquet").exists()


def test_paths_stay_in_the_allowed_folders(tmp_path: Path) -> None:
    root, outside = tmp_path / "in", tmp_path / "out"
    for folder in (root, outside):
        folder.mkdir()
        (folder / "a.csv").write_text("x")
    (root / "link.csv").symlink_to(outside / "a.csv")
    (root / "inner.csv").symlink_to(root / "a.csv")
    assert allowed_paths(["a.csv"], [root]) == [root / "a.csv"] == allowed_paths([str(root / "a.csv")], [root])
    assert allowed_paths(["inner.csv"], [root]) == [root / "a.csv"]
    for wrong in ("../out/a.csv", str(outside / "a.csv"), "link.csv", "/etc/passwd", "b.csv", "", ".", "a.csv\0"):
        with pytest.raises((IntakeFault, ValueError)):
            allowed_paths([wrong], [root])


def test_of_many_workers_one_takes_a_job(store: Store) -> None:
    made = {submit(store, number).id for number in range(12)}

    def work(number: int) -> list[str]:
        taken = []
        while (job := jobs.claim(store, f"worker-{number}", 60, (AREA,))) is not None:
            taken.append(job.id)
        return taken

    with ThreadPoolExecutor(6) as pool:
        taken = [each for found in pool.map(work, range(6)) for each in found]
    assert sorted(taken) == sorted(made)


def test_a_lease_that_ran_out_is_another_workers_job_and_the_first_learns_of_it(store: Store) -> None:
    job = submit(store, 1)
    assert jobs.claim(store, "first", -1, (AREA,)) is not None  # a lease that has run out already
    assert jobs.claim(store, "second", 60, (AREA,)) is not None
    assert jobs.claim(store, "third", 60, (AREA,)) is None
    assert jobs.renew(store, job.id, "first", 60, 5) is None
    assert not jobs.finish(store, job.id, "first", jobs.FAILED)
    assert jobs.renew(store, job.id, "second", 60, 7) is False
    assert jobs.finish(store, job.id, "second", jobs.SUCCEEDED, run_id="x")
    found = jobs.find(store, job.id)
    assert found is not None and (found.state, found.rows_done) == ("succeeded", 7)


def worn_out(store: Store) -> jobs.Job:
    """A job that killed as many workers as it may."""
    job = submit(store, 1)
    for number in range(jobs.ATTEMPTS_MAX):
        assert jobs.claim(store, f"w{number}", -1, (AREA,)) is not None
    return job


def test_a_job_that_keeps_killing_its_worker_is_given_up(store: Store, tmp_path: Path) -> None:
    job = worn_out(store)
    assert worker(store, tmp_path).run(once=True) == 1
    found = jobs.find(store, job.id)
    assert found is not None and found.state == "failed" and found.error
    assert not (tmp_path / "runs").exists()


def test_a_job_whose_last_worker_died_after_its_run_appeared_has_succeeded(store: Store, tmp_path: Path) -> None:
    job = worn_out(store)
    made = do_job(job, demo_area(), Place(tmp_path / "runs", 1), Watch())
    worker(store, tmp_path).run(once=True)
    found = jobs.find(store, job.id)
    assert found is not None and (found.state, found.run_id, found.error) == ("succeeded", made.run_id, None)


def test_a_job_another_worker_is_still_writing_is_left_to_it(store: Store, tmp_path: Path) -> None:
    job, hanging = submit(store, 1), Hanging()
    one = Thread(target=lambda: do_job(job, demo_area(), Place(tmp_path / "runs", 1), hanging))
    one.start()
    assert hanging.reached.wait(120)
    for _ in range(jobs.ATTEMPTS_MAX + 2):
        other = worker(store, tmp_path, lease_s=-1)
        taken = jobs.claim(store, other.name, -1, (AREA,))
        assert taken is not None
        other.work_off(taken)
    found = jobs.find(store, job.id)
    assert found is not None and (found.state, found.error, found.attempts) == ("running", None, 0)
    hanging.go_on.set()
    one.join(120)
    worker(store, tmp_path).run(once=True)
    found = jobs.find(store, job.id)
    assert found is not None and found.state == "succeeded"
    assert len(list((tmp_path / "runs").glob("*/manifest.json"))) == 1 and verify_shelf(tmp_path / "runs") == (1, [])


class Hanging(Watch):
    """A worker that hangs while it writes."""

    def __init__(self) -> None:
        self.reached, self.go_on = Event(), Event()

    def told(self, rows: int) -> None:
        self.reached.set()
        assert self.go_on.wait(120)


def test_a_worker_that_lost_its_job_publishes_nothing(store: Store, tmp_path: Path) -> None:
    job, one = submit(store, 1), worker(store, tmp_path)
    assert jobs.claim(store, one.name, -1, (AREA,)) is not None
    assert jobs.claim(store, "second", 60, (AREA,)) is not None
    with pytest.raises(Cancelled):
        do_job(job, demo_area(), Place(tmp_path / "runs", 1), _Lease(one, job))
    assert not (tmp_path / "runs").exists()


def test_uploads_go_when_their_job_has_ended_however_it_ended(store: Store, tmp_path: Path) -> None:
    ended, waiting = submit(store, 1), submit(store, 2, month=5)
    jobs.cancel(store, ended.id)
    for name in (ended.id, waiting.id, "under-way", "broken-off"):
        (tmp_path / "spool" / name).mkdir(parents=True)
        (tmp_path / "spool" / name / "cases.csv").write_text("x")
    os.utime(tmp_path / "spool" / "broken-off", (1, 1))
    worker(store, tmp_path).sweep()
    assert {path.name for path in (tmp_path / "spool").iterdir()} == {waiting.id, "under-way"}


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_next_batch(store: Store, tmp_path: Path) -> None:
    waiting, running = submit(store, 1), submit(store, 2, month=5)
    assert jobs.cancel(store, waiting.id) == "cancelled"
    one = worker(store, tmp_path, lease_s=1)
    claimed = jobs.claim(store, one.name, 30, (AREA,))
    assert claimed is not None and claimed.id == running.id
    jobs.cancel(store, running.id)
    assert jobs.renew(store, running.id, one.name, 30, 0) is True
    lease = _Lease(one, claimed)
    lease.cancel = True
    with pytest.raises(Cancelled):
        lease.told(10)


def test_what_the_owner_can_mend_is_told_without_places_of_this_host(store: Store, tmp_path: Path) -> None:
    broken = tmp_path / "secret-folder" / "cases.csv"
    broken.parent.mkdir()
    broken.write_text("nothing,of,use\n1,2,3\n")
    submit(store, 1, files=[str(broken)])
    worker(store, tmp_path).run(once=True)
    found = jobs.jobs_of(store, AREA, None)[0]
    assert found.state == "failed" and "secret-folder" not in (found.error or "") and "cases.csv" in (found.error or "")


@pytest.fixture
def worker_process(tmp_path: Path) -> Iterator[object]:
    started: list[subprocess.Popen[bytes]] = []

    def start(url: str, *, slow: bool = False) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "DIANZHI_AREAS": str(DEMO / "policy"), "DIANZHI_DATABASE": url,
            "DIANZHI_SHELF": str(tmp_path / "runs"), "DIANZHI_SPOOL": str(tmp_path / "spool"), "DIANZHI_LEASE_S": "2",
        }  # fmt: skip
        slowed = "import engine.jobs.work as w\nold=w.presettle\nimport time\n"
        slowed += "w.presettle=lambda *a: (time.sleep(60), old(*a))\n" if slow else ""
        code = slowed + "from engine.jobs.worker import work_from_environment\nwork_from_environment(once=True)"
        started.append(subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_the_job_of_a_killed_worker_is_done_by_the_next(store: Store, tmp_path: Path, worker_process) -> None:  # type: ignore[no-untyped-def]
    job = submit(store, 1)
    first = worker_process(store.url, slow=True)
    until = time.monotonic() + 60
    while (found := jobs.find(store, job.id)) is not None and found.state != "running" and time.monotonic() < until:
        time.sleep(0.1)
    first.send_signal(signal.SIGKILL)
    first.wait()
    time.sleep(3.1)  # the lease of two seconds runs out
    assert worker_process(store.url).wait(timeout=120) == 0
    found = jobs.find(store, job.id)
    assert found is not None and (found.state, found.attempts) == ("succeeded", 2), found
    assert len(list((tmp_path / "runs").glob("*/manifest.json"))) == 1
    assert verify_shelf(tmp_path / "runs")[1] == []


def test_a_job_taken_over_after_its_run_was_published_finds_the_run(store: Store, tmp_path: Path) -> None:
    job = submit(store, 1)
    place = Place(tmp_path / "runs", 1)
    first = do_job(job, demo_area(), place, Watch())
    assert do_job(job, demo_area(), place, Watch()) == first
