"""A DIP pack and its compiled form, kept under the digest of its files 「编译缓存」.

In: a pack folder and a cache folder; out: the pack and the compiled catalogue, read back in a fraction of a second
when nothing changed, loaded and compiled from source otherwise. The key covers every byte of the pack and of the
program's source, so a stale entry is never found. An entry holds records of known types only: anything else in it, or
a damaged entry, is as good as absent. It changes no pack.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import io
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from engine.packs.dip_load import DipPack, load_dip_pack
from engine.version import engine_facts
from grouper.dip_compile import CompiledDip, compile_dip

FORMAT = "dianzhi dip cache 1"
SUFFIXES = (".toml", ".csv", ".parquet")
MODULES = (
    "engine.packs.dip_read",
    "engine.packs.meta",
    "grouper.dip_compile",
    "grouper.dip_condition",
    "grouper.dip_dx_codes",
    "grouper.dip_expression",
    "grouper.dip_op_codes",
    "grouper.dip_options",
    "grouper.dip_search",
    "grouper.dip_tables",
    "pointvalue.dip_score_tables",
)
"""Modules whose records an entry may hold."""
_PACK_FIELDS = tuple(one.name for one in fields(DipPack) if one.name != "path")


def load_dip_cached(folder: Path | str, cache: Path | str) -> tuple[DipPack, CompiledDip]:
    """The pack in `folder` and its compiled form, from the cache if it is there; raises PackError as loading does."""
    folder, cache = Path(folder), Path(cache)
    entry = cache / f"{_key(folder)}.dip"
    found = _read(entry, folder)
    if found is not None:
        return found
    pack = load_dip_pack(folder)
    compiled = compile_dip(pack.tables)
    _know_own_codes(compiled)
    _write(entry, pack, compiled)
    return pack, compiled


def _know_own_codes(compiled: CompiledDip) -> None:
    """Gives ids to the codes the pack itself names, so that they need not be worked out again."""
    tables = compiled.source
    for code in (*tables.complications, *tables.cci_weights):
        compiled.dx.id_of(code)
    for code in tables.procedures:
        compiled.op.id_of(code)


def _key(folder: Path) -> str:
    digest = hashlib.sha256(f"{FORMAT} {engine_facts()['source']} {sys.version_info[:2]}".encode())
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix in SUFFIXES:
            data = path.read_bytes()
            digest.update(f"\n{path.name} {len(data)}\n".encode())
            digest.update(data)
    return digest.hexdigest()


def _read(entry: Path, folder: Path) -> tuple[DipPack, CompiledDip] | None:
    try:
        with _collector_paused():
            state, compiled = _Reader(io.BytesIO(entry.read_bytes())).load()
        return DipPack(**state, path=folder), compiled
    except FileNotFoundError:
        return None
    except (OSError, pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError):
        return None  # a damaged entry is written anew


def _write(entry: Path, pack: DipPack, compiled: CompiledDip) -> None:
    """Written beside and renamed, so that a reader sees all of it or nothing; a full disk only costs the speed."""
    state = {name: getattr(pack, name) for name in _PACK_FIELDS}
    with contextlib.suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=entry.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                pickle.dump((state, compiled), file, protocol=5)
            Path(name).replace(entry)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection while a hundred thousand records are made, none of which can be garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Reader(pickle.Unpickler):
    """Reads records of the program's own data modules and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("datetime", "date"):
            return super().find_class(module, name)
        found = super().find_class(module, name) if module in MODULES else None
        if not isinstance(found, type) or found.__module__ != module:
            raise pickle.UnpicklingError(f"{module}.{name} is no record of a compiled catalogue")
        return found
