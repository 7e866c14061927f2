"""Who asks, and may they 「身份与权限」: API keys, request signatures, rate limits.

In: a request; out: the `Client` whose key it carries, or a Problem. A key's look-up is kept for a few seconds, so a
revoked key stops working that much later. A hospital's client sees its own hospital; everything else is not found.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from dataclasses import dataclass, field

from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from api.errors import Problem
from api.settings import Settings
from engine.store.keys import SCOPES, find_key, signing_secret
from engine.store.open import Store
from engine.store.schema import NONCES

_KEPT_MAX = 10_000
_NONCE = re.compile(r"[A-Za-z0-9_-]{8,80}")
_SIGNATURE = "x-dianzhi-signature"


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks. `hospital` None: it may see the whole area."""

    name: str
    key_id: str
    area: str
    hospital: str | None
    scopes: frozenset[str]
    signed: bool = False

    def may_see(self, hospital: str | None) -> bool:
        """Whether something of this hospital exists for the client."""
        return self.hospital is None or self.hospital == hospital


@dataclass
class _Bucket:
    tokens: float
    at: float


@dataclass
class Gate:
    """Keys, signatures and rates of one process."""

    settings: Settings
    store: Store
    open_client: Client | None = None
    _kept: dict[str, tuple[float, Client]] = field(default_factory=dict)
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    async def client(self, request: Request, scope: str) -> Client:
        """The client of a request that needs a scope. Raises Problem."""
        client = self._known(request)
        if client is None:
            client = await run_in_threadpool(self._look_up, _token(request))
        self._count(client)
        if client.signed or _SIGNATURE in request.headers:
            await self._check_signature(request, client)
        request.state.client = client
        if scope not in client.scopes:
            raise Problem("auth.scope", f"需要权限 {scope}。")
        return client

    def _known(self, request: Request) -> Client | None:
        if self.open_client is not None:
            return self.open_client
        kept = self._kept.get(request.headers.get("authorization", ""))
        return kept[1] if kept is not None and kept[0] > time.monotonic() else None

    def _look_up(self, token: str) -> Client:
        key = find_key(self.store, token)
        if key is None:
            raise Problem("auth.invalid")
        client = Client(key.client, key.id, key.area, key.hospital, key.scopes, key.signed)
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[f"Bearer {token}"] = (time.monotonic() + self.settings.key_cache_s, client)
        return client

    def _count(self, client: Client) -> None:
        """A token bucket per key: `rate_per_s` on average, `burst` at once."""
        now, rate = time.monotonic(), self.settings.rate_per_s
        bucket = self._buckets.get(client.key_id)
        if bucket is None:
            bucket = self._buckets[client.key_id] = _Bucket(float(self.settings.burst), now)
        bucket.tokens = min(float(self.settings.burst), bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.tokens < 1:
            raise Problem("rate.exceeded", headers={"Retry-After": "1"})
        bucket.tokens -= 1

    async def _check_signature(self, request: Request, client: Client) -> None:
        """HMAC over method, path, query, time, nonce and body digest, with SHA-256 or SM3; a nonce serves once."""
        found = _SignedParts.of(request, self.settings.clock_s)
        if not self.settings.signing_master:
            raise Problem("auth.signature", "服务端未启用签名。")
        secret = signing_secret(self.settings.signing_master, client.key_id)
        expected = sign(secret, found.algorithm, found.message(request, await request.body()))
        if not hmac.compare_digest(expected, found.signature):
            raise Problem("auth.signature")
        until = int(time.time()) + 2 * self.settings.clock_s
        await run_in_threadpool(self._spend_nonce, client.key_id, found.nonce, until)

    def _spend_nonce(self, key_id: str, nonce: str, until: int) -> None:
        try:
            with self.store.write() as connection:
                connection.execute(delete(NONCES).where(NONCES.c.until < int(time.time())))
                connection.execute(insert(NONCES).values(key_id=key_id, nonce=nonce, until=until))
        except IntegrityError:
            raise Problem("auth.signature", "随机数已使用过。") from None


def _token(request: Request) -> str:
    header = request.headers.get("authorization", "")
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Problem("auth.missing", "请在 Authorization 头中给出 Bearer 密钥。")
    return token.strip()


@dataclass(frozen=True)
class _SignedParts:
    algorithm: str
    at: int
    nonce: str
    signature: str

    @classmethod
    def of(cls, request: Request, clock_s: int) -> _SignedParts:
        headers = request.headers
        algorithm, _, signature = headers.get(_SIGNATURE, "").partition("=")
        at, nonce = headers.get("x-dianzhi-timestamp", ""), headers.get("x-dianzhi-nonce", "")
        if algorithm not in ("sha256", "sm3") or not re.fullmatch(r"[0-9a-f]{64}", signature):
            raise Problem("auth.signature", "签名格式应为 sha256=… 或 sm3=…。")
        if not re.fullmatch(r"[0-9]{1,12}", at) or abs(int(at) - time.time()) > clock_s:
            raise Problem("auth.signature", f"时间戳与服务器相差超过 {clock_s} 秒。")
        if not _NONCE.fullmatch(nonce):
            raise Problem("auth.signature", "随机数应为 8 至 80 位字母、数字、-、_。")
        return cls(algorithm, int(at), nonce, signature)

    def message(self, request: Request, body: bytes) -> bytes:
        query = request.scope.get("query_string", b"").decode("latin-1")
        parts = (request.method, request.scope["path"], query, str(self.at), self.nonce, digest(self.algorithm, body))
        return "\n".join(parts).encode()


def digest(algorithm: str, body: bytes) -> str:
    """The digest of a body in the words of a signature."""
    from api.sm3 import sm3_hex

    return sm3_hex(body) if algorithm == "sm3" else hashlib.sha256(body).hexdigest()


def sign(secret: str, algorithm: str, message: bytes) -> str:
    """HMAC of a message; what a client computes too."""
    from api.sm3 import hmac_sm3

    if algorithm == "sm3":
        return hmac_sm3(secret.encode(), message)
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def open_client(area: str) -> Client:
    """The client of a service without keys: everything, in its one area."""
    return Client("open", "open", area, None, frozenset(SCOPES))
