"""What the second pass needs of every case, on disk between the passes 「中间文件」.

In: pieces in order; out: files in a folder of the run, mapped into memory when read again, so that the system may drop
their pages: a case takes about 60 bytes of disk and none of memory. One set of columns a pot, in the order of pieces,
and a table a piece with what the result shows of its cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc as ipc

COLUMNS = {"points": np.int64, "patient": np.int64, "fund": np.int64, "cell": np.int32, "elsewhere": np.bool_}
"""Of a pot: points ×10⁴, patient's part and booked fund in fen, place by month and hospital, from elsewhere or not."""
WORKED = {"standard": np.int64, "part": np.int64}
"""What the second pass fills in: standard and fund part of every case, fen."""


@dataclass
class PotSpill:
    """The cases of one pot."""

    folder: Path
    name: str
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
            if name not in self._files:
                self._files[name] = (self.folder / f"{self.name}-{name}").open("wb")
            np.ascontiguousarray(columns[name], kind).tofile(self._files[name])

    def close(self) -> None:
        """No more pieces."""
        for file in self._files.values():
            file.close()

    def __len__(self) -> int:
        return sum(self.counts)

    def read(self, name: str) -> npt.NDArray[Any]:
        """A column of all cases, mapped."""
        if not len(self):
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


class ShownSpill:
    """The tables of pieces, each a stream of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sink = pa.OSFile(str(path), "wb")
        self.ends: list[int] = []

    def add(self, table: pa.Table) -> None:
        """One piece."""
        with ipc.new_stream(self._sink, table.schema) as stream:
            stream.write_table(table)
        self.ends.append(int(self._sink.tell()))

    def close(self) -> None:
        """No more pieces."""
        self._sink.close()

    def read(self, piece: int) -> pa.Table:
        """One piece again, mapped."""
        start = self.ends[piece - 1] if piece else 0
        whole = pa.memory_map(str(self._path)).read_buffer()
        return ipc.open_stream(pa.BufferReader(whole.slice(start, self.ends[piece] - start))).read_all()


@dataclass
class Spill:
    """Everything between the passes."""

    folder: Path
    pots: list[PotSpill]
    shown: ShownSpill

    @classmethod
    def begin(cls, folder: Path, pots: Sequence[str]) -> Spill:
        """Empty files."""
        folder.mkdir()
        named = [PotSpill(folder, f"pot-{number:03d}") for number, _ in enumerate(pots)]
        return cls(folder, named, ShownSpill(folder / "shown"))

    def close(self) -> None:
        """The first pass is over."""
        self.shown.close()
        for pot in self.pots:
            pot.close()
