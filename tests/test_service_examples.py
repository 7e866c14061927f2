"""The examples run against a service as users start it, and what the pages show is accepted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.service_kit import keyed, service
from tests.test_service_schema import served as served

ROOT = Path(__file__).resolve().parents[1]


def test_the_example_client_settles_once(served: tuple[str, str]) -> None:
    base, token = served
    command = [sys.executable, str(ROOT / "examples" / "client.py"), base]
    done = subprocess.run(command, env={"DIANZHI_TOKEN": token}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "replayed=False" in lines[1] and "replayed=True" in lines[2] and "line=1" in lines[2]


def test_the_bodies_of_the_curl_page_are_accepted(tmp_path: Path) -> None:
    from engine.store.open import migrate

    text = (ROOT / "examples" / "curl.md").read_text(encoding="utf-8")
    found = re.findall(r"(/v1/[\w/-]+) [^']*'[^']*'(?: -H '[^']*')* -d '(\{.*?\})'", text, re.DOTALL)
    assert [path for path, _ in found] == ["/v1/cases/settle", "/v1/adjustments", "/v1/closings"]
    url = f"sqlite:///{tmp_path / 's.sqlite'}"
    migrate(url)
    with service(tmp_path, url) as client:
        early = json.loads(found[0][1])
        assert client.post(found[0][0], json=early).status_code == 200
        assert client.post(found[0][0], json={"case": early["case"]}, headers=keyed(1)).status_code == 200
        for number, (path, body) in enumerate(found[1:], 2):
            assert client.post(path, json=json.loads(body), headers=keyed(number)).status_code == 200, path
