"""What the service is told at start-up 「服务配置」, from DIANZHI_* variables or from code.

In: the environment; out: `Settings`, checked. It opens nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path

from engine.errors import DianzhiError

MIB = 1 << 20


class SettingsError(DianzhiError):
    """A setting the service cannot start with."""

    exit_code = 2


@dataclass(frozen=True)
class Settings:
    """`areas`: area or policy folders. `open_access`: no keys, one area, for a demonstration on this host alone.

    `upload_mib` bounds a job's upload, `unpacked_mib` what it may unpack to; `roots` are folders jobs may read from.
    `signing_master` (any secret text) lets keys sign requests; without it no signing secret is handed out.
    """

    areas: tuple[Path, ...]
    database: str = "sqlite:///dianzhi.sqlite"
    shelf: Path = Path("runs")
    spool: Path = Path("spool")
    roots: tuple[Path, ...] = ()
    open_access: bool = False
    body_kib: int = 1024
    batch_kib: int = 8192
    upload_mib: int = 512
    unpacked_mib: int = 8192
    depth: int = 16
    rate_per_s: int = 2000
    burst: int = 4000
    at_once: int = 512
    clock_s: int = 300
    key_cache_s: int = 5
    lease_s: int = 30
    disk_free_mib: int = 64
    signing_master: str = field(default="", repr=False)
    trusted_metrics: bool = False


def from_environment(environment: dict[str, str] | None = None) -> Settings:
    """Settings from DIANZHI_AREAS, DIANZHI_DATABASE, … Lists are separated by the path separator."""
    given = dict(os.environ if environment is None else environment)
    values: dict[str, object] = {}
    for each in fields(Settings):
        text = given.get(f"DIANZHI_{each.name.upper()}")
        if text is None:
            continue
        values[each.name] = _read(each.name, str(each.type), text)
    if not values.get("areas"):
        raise SettingsError("DIANZHI_AREAS names no area folder. 请用 --area 或 DIANZHI_AREAS 指定统筹区目录。")
    return Settings(**values)  # type: ignore[arg-type]


def _read(name: str, kind: str, text: str) -> object:
    if kind.startswith("tuple"):
        return tuple(Path(part) for part in text.split(os.pathsep) if part)
    if kind == "Path":
        return Path(text)
    if kind == "bool":
        return text.lower() in ("1", "true", "yes", "on")
    if kind == "int":
        if not text.isdecimal():
            raise SettingsError(f"DIANZHI_{name.upper()}: a whole number is needed.")
        return int(text)
    return text


def to_environment(settings: Settings) -> dict[str, str]:
    """The same settings as variables: what a worker process is started with."""
    told = {}
    for each in fields(Settings):
        value = getattr(settings, each.name)
        text = os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)
        told[f"DIANZHI_{each.name.upper()}"] = text
    return told
