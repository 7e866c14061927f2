"""What the second pass needs of every case, on disk between the passes 「中间文件」.

In: pieces in order; out: files in a folder of the run, mapped into memory or read a piece at a time, so that the system
may drop their pages: a case takes about 50 bytes of disk and none of memory. One set of columns a pot, in the order of
pieces, and a piece at a time what the result shows of its cases.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from engine.stream.encode import Chunk
from engine.stream.flat_file import FlatFile
from engine.stream.shown import Shown

COLUMNS = {"points": np.int64, "patient": np.int64, "fund": np.int64, "cell": np.int32, "elsewhere": np.bool_}
"""Of a pot: points ×10⁴, patient's part and booked fund in fen, place by month and hospital, from elsewhere or not."""
WORKED = {"standard": np.int64, "part": np.int64}
"""What the second pass fills in: standard and fund part of every case, fen."""
_ID = "setl_id"


@dataclass
class PotSpill:
    """The cases of one pot. `kept`: columns that paying reads; the others are not written."""

    folder: Path
    name: str
    kept: Collection[str] = tuple(COLUMNS)
    counts: list[int] = field(default_factory=list)
    """How many cases each piece has in the pot."""
    _files: dict[str, IO[bytes]] = field(default_factory=dict, repr=False)

    def add(self, columns: Mapping[str, npt.NDArray[Any]] | None) -> None:
        """The cases of one piece, or none of them."""
        if columns is None:
            self.counts.append(0)
            return
        self.counts.append(len(columns["points"]))
        for name, kind in COLUMNS.items():
            if name not in self.kept:
                continue
            if name not in self._files:
                self._files[name] = (self.folder / f"{self.name}-{name}").open("wb", buffering=0)
            _write(self._files[name], np.ascontiguousarray(columns[name], kind))

    def close(self) -> None:
        """No more pieces."""
        for file in self._files.values():
            file.close()

    def __len__(self) -> int:
        return sum(self.counts)

    def read(self, name: str) -> npt.NDArray[Any]:
        """A column of all cases, mapped; empty if it was not kept."""
        if not len(self) or name not in self.kept:
            return np.zeros(0, COLUMNS[name])
        return np.memmap(self.folder / f"{self.name}-{name}", COLUMNS[name], "r")

    def work(self, name: str) -> npt.NDArray[Any]:
        """A column to fill in, mapped."""
        path = self.folder / f"{self.name}-{name}"
        if not len(self):
            return np.zeros(0, WORKED[name])
        return np.memmap(path, WORKED[name], "r+" if path.exists() else "w+", shape=(len(self),))

    def worked(self, name: str, begin: int, out: npt.NDArray[np.int64]) -> None:
        """What was filled in, from the case at `begin` on, read to `out`."""
        if not len(out):
            return
        with (self.folder / f"{self.name}-{name}").open("rb", buffering=0) as file:
            file.seek(begin * out.itemsize)
            read = file.readinto(out.data.cast("B"))
        assert read == out.nbytes, "every case of the pot was paid"

    def begins(self) -> list[int]:
        """Where each piece's cases begin among the pot's."""
        return [0, *np.cumsum(self.counts).tolist()]


@dataclass(frozen=True)
class _Place:
    """Where the parts of a piece begin: its chunks, which have no pages here, and what stands behind them."""

    chunks: Mapping[str, Chunk]
    begins: list[int]
    rows: int
    apart: int


class ShownSpill:
    """What is shown of the pieces, one behind the other."""

    def __init__(self, path: Path, pots: int) -> None:
        self._path, self._pot = path, np.int8 if pots <= np.iinfo(np.int8).max else np.int16
        self._file = path.open("wb", buffering=0)
        self._places: list[_Place] = []
        self._end = 0

    def __len__(self) -> int:
        return len(self._places)

    def add(self, shown: Shown) -> None:
        """One piece."""
        begins = []
        for chunk in shown.chunks.values():
            begins.append(self._end)
            for page in chunk.pages:
                self._end += _write(self._file, page)
        for values in (shown.pot.astype(self._pot), shown.apart, shown.valued):
            begins.append(self._end)
            self._end += _write(self._file, values)
        bare = {name: replace(chunk, pages=()) for name, chunk in shown.chunks.items()}
        self._places.append(_Place(bare, [*begins, self._end], len(shown), len(shown.apart)))

    def close(self) -> None:
        """No more pieces."""
        self._file.close()

    def read(self, piece: int) -> Shown:
        """One piece again."""
        place = self._places[piece]
        start = place.begins[0]
        data = self._bytes(start, place.begins[-1])
        parts = [data[low - start : high - start] for low, high in pairwise(place.begins)]
        chunks = {
            name: replace(bare, pages=(part.data,))
            for (name, bare), part in zip(place.chunks.items(), parts, strict=False)
        }
        pot, apart, valued = parts[-3:]
        return Shown(chunks, pot.view(self._pot), np.frombuffer(apart.tobytes(), np.int64), valued.view(np.bool_))

    def pot(self, piece: int) -> npt.NDArray[Any]:
        """Pots of the cases of one piece."""
        begins = self._places[piece].begins
        return self._bytes(begins[-4], begins[-3]).view(self._pot)

    def id_bounds(self, piece: int) -> tuple[bytes, bytes]:
        """Least and greatest id of a piece that has cases, in UTF-8."""
        bounds = self._places[piece].chunks[_ID].bounds
        assert bounds is not None, "a chunk of ids has bounds"
        return bounds

    def ids(self, piece: int) -> pa.Array:
        """The ids of one piece, mapped: the first who asks unpacks them."""
        path = self._path.with_name(f"ids-{piece:06d}")
        if not path.exists():
            ids = pa.table({_ID: self._unpacked_ids(piece)})
            new = path.with_suffix(".new")
            with ipc.new_file(new, ids.schema) as file:
                file.write_table(ids)
            new.rename(path)
        return ipc.open_file(pa.memory_map(str(path))).read_all()[_ID].combine_chunks()

    def _unpacked_ids(self, piece: int) -> pa.Array:
        place = self._places[piece]
        number = list(place.chunks).index(_ID)
        page = self._bytes(place.begins[number], place.begins[number + 1]).data
        made = io.BytesIO()
        file = FlatFile(pa.schema([(_ID, pa.string())]), made)
        file.write(place.rows, {_ID: replace(place.chunks[_ID], pages=(page,))})
        file.end()
        return pq.read_table(pa.BufferReader(made.getvalue()))[_ID].combine_chunks()

    def _bytes(self, low: int, high: int) -> npt.NDArray[np.uint8]:
        data = np.fromfile(self._path, np.uint8, high - low, offset=low)
        assert len(data) == high - low, "the file holds what was written"
        return data


@dataclass
class Spill:
    """Everything between the passes."""

    folder: Path
    pots: list[PotSpill]
    shown: ShownSpill

    @classmethod
    def begin(cls, folder: Path, kept: Sequence[Collection[str]]) -> Spill:
        """Empty files. `kept`: of every pot, the columns that paying reads."""
        folder.mkdir()
        pots = [PotSpill(folder, f"pot-{number:03d}", columns) for number, columns in enumerate(kept)]
        return cls(folder, pots, ShownSpill(folder / "shown", len(pots)))

    def close(self) -> None:
        """The first pass is over."""
        self.shown.close()
        for pot in self.pots:
            pot.close()


def _write(file: IO[bytes], values: Any) -> int:
    """All bytes of something in one piece; returns how many."""
    left = memoryview(values).cast("B") if len(values) else memoryview(b"")
    size = len(left)
    while left:
        left = left[file.write(left) :]
    return size
