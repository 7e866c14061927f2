"""A small typed client of the settlement service 「接口调用示例」: the standard library alone.

    DIANZHI_TOKEN=dz_… python examples/client.py http://127.0.0.1:8080

Settles one invented case twice to show that a retry books nothing. Amounts are decimal text from end to end.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


class ServiceProblem(Exception):
    """What the service refused: its code is stable, its title Chinese, its errors say what to mend."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body.get('code')}: {body.get('title')} {body.get('detail', '')}")
        self.status, self.code = status, str(body.get("code"))
        self.errors: list[dict[str, str]] = body.get("errors", [])


@dataclass(frozen=True)
class Settled:
    """The answer to a settled case. `replayed`: it was booked before, and this is the first answer again."""

    group: str
    standard: Decimal | None
    fund: Decimal
    line: int | None
    replayed: bool
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Client:
    """A service and a key. With `signing_secret` every request is signed."""

    base: str
    token: str = ""
    signing_secret: str = ""
    tries: int = 4

    def settle(self, case: dict[str, Any], key: str, version: int = 1) -> Settled:
        """Settle and book. Retries keep the key, so that nothing is booked twice."""
        body, headers = self._post("/v1/cases/settle", {"case": case, "version": version}, {"Idempotency-Key": key})
        return _settled(body, headers)

    def expect(self, case: dict[str, Any]) -> Settled:
        """The same answer before discharge; nothing is booked."""
        return _settled(*self._post("/v1/cases/settle", {"case": case, "provisional": True}, {}))

    def explain(self, case: dict[str, Any]) -> list[str]:
        """Why the case is in its group, a line a step."""
        body, _ = self._post("/v1/explain", {"case": case}, {})
        return [step["text"] for step in body["steps"]]

    def reverse(self, hospital: str, setl_id: str, version: int, month: str, reason: str, key: str) -> dict[str, Any]:
        """Take a settlement back."""
        about = {"fixmedins_code": hospital, "setl_id": setl_id, "version": version, "month": month, "reason": reason}
        return self._post("/v1/adjustments", {"kind": "reversal", **about}, {"Idempotency-Key": key})[0]

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
        content = json.dumps(body, ensure_ascii=False).encode()
        for attempt in range(self.tries):
            sent = {"Content-Type": "application/json", **headers, **self._signed(path, content)}
            if self.token:
                sent["Authorization"] = f"Bearer {self.token}"
            request = urllib.request.Request(self.base + path, content, sent)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.loads(answer.read()), dict(answer.headers)
            except urllib.error.HTTPError as error:
                problem = ServiceProblem(error.code, json.loads(error.read() or b"{}"))
                if error.code not in (429, 503) or attempt + 1 == self.tries:
                    raise problem from None
            except OSError:
                # Nobody knows whether it was booked: the same key finds out.
                if attempt + 1 == self.tries:
                    raise
            time.sleep(0.5 * 2**attempt)
        raise AssertionError("the last try returns or raises")

    def _signed(self, path: str, content: bytes) -> dict[str, str]:
        if not self.signing_secret:
            return {}
        at, nonce = str(int(time.time())), uuid.uuid4().hex
        message = "\n".join(("POST", path, "", at, nonce, hashlib.sha256(content).hexdigest()))
        signature = hmac.new(self.signing_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        return {
            "X-Dianzhi-Timestamp": at,
            "X-Dianzhi-Nonce": nonce,
            "X-Dianzhi-Signature": f"sha256={signature}",
        }


def _settled(body: dict[str, Any], headers: dict[str, str]) -> Settled:
    result = body["result"]
    standard = result.get("drg_dip_sumamt")
    return Settled(
        group=result.get("drg_code") or result.get("dip_code") or "",
        standard=None if standard is None else Decimal(standard),
        fund=Decimal(result["drg_dip_fund_payamt"]),
        line=body.get("booked", {}).get("line"),
        replayed={name.lower(): value for name, value in headers.items()}.get("idempotency-replayed") == "true",
        raw=body,
    )


EXAMPLE: dict[str, Any] = {
    "setl_id": "EXAMPLE0001",
    "fixmedins_code": "H37000000018",
    "insutype": "390",
    "gend": "1",
    "age": 73,
    "adm_time": "2025-03-13",
    "dscg_time": "2025-04-01",
    "setl_end_date": "2025-04-01",
    "act_ipt_days": 19,
    "dscg_way": "1",
    "diag_codes": ["I48.900", "E11.900"],
    "oprn_codes": [],
    "medfee_sumamt": "10923.72",
    "hifp_pay": "7919.05",
}
"""An invented case of the demo area."""


def main(base: str) -> None:
    """Expect, settle, settle again, explain."""
    client = Client(base, os.environ.get("DIANZHI_TOKEN", ""), os.environ.get("DIANZHI_SIGNING_SECRET", ""))
    print("expected:", client.expect(EXAMPLE))
    print("settled: ", client.settle(EXAMPLE, "example-0001"))
    print("retried: ", client.settle(EXAMPLE, "example-0001"))
    print("\n".join(client.explain(EXAMPLE)))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080")
