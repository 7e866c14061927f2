"""Grouped parts of a job on disk, and all of them as one 「分片结果」.

In: case files and one shard of them; out: a folder `part-i-of-N` that appears whole or not at all. Any scheduler may
run any part, on any machine that sees the files, once or again: what is there already is left as it is. `gather_parts`
gives what `map_cases` gives for the files in one go, and refuses parts made of other files, rules or programs.
Rows whose id stands in another row too are kept as they were read, and are judged when all parts are together.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from engine.cases.convert import Converter
from engine.cases.demand import Demand
from engine.cases.files import find_files
from engine.cases.read import CaseReader, open_cases
from engine.editions import Editions
from engine.errors import RunError
from engine.execute.fast_cases import FastCases, Shard, divided_copies
from engine.execute.pieces import PieceWriter, read_pieces
from engine.execute.suspects import look_of
from engine.lang import say
from engine.map_cases import ROWS_AT_A_TIME, Grouping, MappedCases, Part, Scope, collected, in_threads
from engine.version import engine_facts

FORMAT = 1
FACTS = "part.json"
CASES = "cases.arrow"
_NAME = "part-{:05d}-of-{:05d}"


def is_parts(cases: Sequence[str | Path]) -> bool:
    """Whether this is one folder of parts and no case files."""
    return len(cases) == 1 and any(Path(cases[0]).glob(f"part-*/{FACTS}"))


def write_part(
    cases: Sequence[str | Path],
    demand: Demand,
    editions: Editions,
    scope: Scope | None,
    shard: Shard,
    folder: Path,
    *,
    mapping: bool | None = None,
    threads: int = 2,
    order: dict[str, Any] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Map one shard; returns its folder. `order`: what the parts are for, kept for whoever gathers them."""
    reader = open_cases(find_files(cases), demand)
    key = _key(reader, demand, editions, scope, mapping)
    target = folder / _NAME.format(shard.number, shard.count)
    if target.is_dir():
        if json.loads((target / FACTS).read_text("utf-8"))["key"] == key:
            return target
        shutil.rmtree(target)
    draft = folder / f".{target.name}.{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        facts = _write(draft, reader, Grouping(editions, mapping, scope, demand.facts), shard, threads, progress)
        known = {"format": FORMAT, "key": key, "shard": shard.number, "shards": shard.count, "order": order or {}}
        files = [str(table.path.resolve()) for table in reader.tables]
        (draft / FACTS).write_text(json.dumps({**known, "files": files, **facts}, ensure_ascii=False), "utf-8")
        for path in draft.iterdir():
            _sync(path)
        draft.rename(target)
        _sync(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _write(
    draft: Path,
    reader: CaseReader,
    grouping: Grouping,
    shard: Shard,
    threads: int,
    progress: Callable[[int], None] | None,
) -> dict[str, Any]:
    fast = FastCases(reader, ROWS_AT_A_TIME, shard)
    rejected, other, repairs, read_count = [], [], Counter[str](), 0
    with PieceWriter(draft / CASES) as pieces:
        for part in in_threads(grouping.part, fast.pieces_but_copies(), threads):
            pieces.add(part.table)
            rejected.append(part.rejected)
            other.append(part.other_period)
            repairs.update(part.repairs)
            read_count += part.read_count
            if progress is not None:
                progress(part.read_count)
    if rejected:
        pl.concat(rejected).write_ipc(draft / "rejected.ipc")
        pl.concat(other).write_ipc(draft / "other.ipc")
    held = fast.held.taken()
    for number, frame in enumerate(held):
        frame.write_ipc(draft / f"held-{number:03d}.ipc")
    return {
        "pieces": pieces.ends,
        "read": read_count,
        "held": sum(map(len, held)),
        "repairs": {str(k): n for k, n in repairs.items()},
    }


def gather_parts(
    folder: Path,
    demand: Demand,
    editions: Editions,
    scope: Scope | None,
    mapping: bool | None,
    progress: Callable[[int], None] | None = None,
) -> MappedCases:
    """All parts of a folder as one job's cases."""
    found = Gathering.of(folder, demand, editions, scope, mapping)
    files = [Path(path) for path in found.facts[0]["files"]]
    return collected(found.parts(), found.grouping, found.reader.notes, files, progress)


def order_of(folder: Path) -> dict[str, Any]:
    """What the parts were made for."""
    for path in sorted(folder.glob(f"part-*/{FACTS}")):
        order: dict[str, Any] = json.loads(path.read_text("utf-8"))["order"]
        return order
    raise RunError(say(f"{folder} 中没有分片。请先运行 map。", f"{folder} holds no parts. Run map first."))


@dataclass(frozen=True)
class Gathering:
    """The parts of a folder, checked to be all of one job."""

    folder: Path
    facts: list[dict[str, Any]]
    grouping: Grouping
    reader: CaseReader
    demand: Demand

    @classmethod
    def of(
        cls, folder: Path, demand: Demand, editions: Editions, scope: Scope | None, mapping: bool | None
    ) -> Gathering:
        """Raises RunError where a part is missing or was made of something else."""
        facts = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob(f"part-*/{FACTS}"))]
        reader = open_cases(facts[0]["files"], demand)
        _require_whole(folder, facts, _key(reader, demand, editions, scope, mapping))
        return cls(folder, facts, Grouping(editions, mapping, scope, demand.facts), reader, demand)

    def pieces(self) -> list[pa.Table]:
        """Grouped cases, mapped into memory and not read, each piece ascending by id; copies are not among them."""
        found = []
        for one in self.facts:
            found += read_pieces(self._part(one) / CASES, one["pieces"])
        return found

    def rejected(self) -> list[pl.DataFrame]:
        """Rows the parts rejected."""
        paths = [self._part(one) / "rejected.ipc" for one in self.facts]
        return [pl.read_ipc(path) for path in paths if path.exists()]

    def copies(self) -> Iterator[Part]:
        """What became of the rows whose id stands in another row too."""
        held = [pl.read_ipc(path) for one in self.facts for path in sorted(self._part(one).glob("held-*.ipc"))]
        if held:
            for piece in divided_copies(held, self.demand, self.reader.files, Converter(self.demand)):
                yield self.grouping.part(piece)

    def parts(self) -> Iterator[Part]:
        """Everything, part by part."""
        for one in self.facts:
            part = self._part(one)
            if (part / "rejected.ipc").exists():
                rejected, other = pl.read_ipc(part / "rejected.ipc"), pl.read_ipc(part / "other.ipc")
                pieces = read_pieces(part / CASES, one["pieces"])
                table = pa.concat_tables([self.grouping.schema.empty_table(), *pieces])
                yield Part(table, rejected, other, one["read"], Counter(one["repairs"]))
        yield from self.copies()

    def _part(self, facts: dict[str, Any]) -> Path:
        return self.folder / _NAME.format(facts["shard"], facts["shards"])


def _require_whole(folder: Path, facts: list[dict[str, Any]], key: str) -> None:
    counts = {one["shards"] for one in facts}
    numbers = sorted(one["shard"] for one in facts)
    if len(counts) != 1 or numbers != list(range(1, max(counts) + 1)):
        missing = ", ".join(str(n) for n in range(1, max(counts) + 1) if n not in numbers)
        raise RunError(
            say(
                f"{folder}：分片不齐（共 {max(counts)} 片，缺 {missing or '无，但片数不一'}）。请补齐后重试。",
                f"{folder}: parts are missing (of {max(counts)}: {missing or 'none, but their counts differ'}).",
            )
        )
    wrong = [str(one["shard"]) for one in facts if one["key"] != key]
    if wrong:
        raise RunError(
            say(
                f"{folder}：分片 {', '.join(wrong)} 所用的文件、规则或程序与本次不同。请重新运行 map。",
                f"{folder}: parts {', '.join(wrong)} were made of other files, rules or program. Map them anew.",
            )
        )


def _key(reader: CaseReader, demand: Demand, editions: Editions, scope: Scope | None, mapping: bool | None) -> str:
    """Digest of all a part's content follows from: files, rules, demand, scope, program."""
    packs = [(one.fingerprint, str(one.meta.valid_from), str(one.meta.valid_to)) for one in editions.editions]
    files = [(table.name, *look_of(table.path)) for table in reader.tables]
    facts = [engine_facts()["source"], files, packs, _plain(editions.router), _plain(demand), _plain(scope), mapping]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A value as lists and texts in a fixed order, whatever sets it holds."""
    if isinstance(value, (set, frozenset)):
        return sorted(json.dumps(_plain(item), ensure_ascii=False) for item in value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return sorted([json.dumps(_plain(key), ensure_ascii=False), _plain(item)] for key, item in value.items())
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, *(_plain(getattr(value, field.name)) for field in fields(value))]
    if value is None or isinstance(value, (str, int, bool)):
        return value
    if type(value).__module__.startswith("engine."):
        return [type(value).__name__, _plain(vars(value))]
    return str(value)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
