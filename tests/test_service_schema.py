"""The whole document fuzzed: every route, every phase; no failure of ours, no answer the document does not name."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from engine.store.keys import create_key
from engine.store.open import migrate, open_store
from tests.service_kit import ALL, AREA
from tests.small_city import DEMO

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = os.environ.get("DIANZHI_FUZZ_EXAMPLES", "50")
SEED = os.environ.get("DIANZHI_FUZZ_SEED", "3")
"""More examples, or others, by hand: `DIANZHI_FUZZ_EXAMPLES=300 pytest -s -m slow tests/test_service_schema.py`."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """(base URL, token) of a service that runs as users run it."""
    url = f"sqlite:///{tmp_path / 'service.sqlite'}"
    migrate(url)
    store = open_store(url)
    token = create_key(store, "fuzz", AREA, None, ALL)[1]
    store.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "engine.cli", "serve", "--area", str(DEMO / "policy"), "--database", url]
    command += ["--runs", str(tmp_path / "runs"), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DIANZHI_SPOOL": str(tmp_path / "spool")}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                urlopen(f"{base}/readyz", timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield base, token
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.mark.slow
def test_the_whole_document_fuzzed(served: tuple[str, str], tmp_path: Path) -> None:
    base, token = served
    words = ["run", f"{base}/openapi.json", "-H", f"Authorization: Bearer {token}", "-n", EXAMPLES, "--seed", SEED]
    # What is valid by its form may still be no case of the area: a refusal (422) is then the documented answer.
    words += ["--exclude-checks", "positive_data_acceptance", "--no-color"]
    run = [str(Path(sys.executable).parent / "schemathesis"), *words]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=3600)
    print(done.stdout[-3000:])
    assert done.returncode == 0, done.stdout[-6000:]
