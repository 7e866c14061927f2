"""Every different text of a column once, by number 「词表」, so that whatever is asked of a text is asked once.

In: Arrow text or dictionary columns of any batch; out: int32 numbers, −1 for null, the same for the whole run, and by
number what a judge said of the text. Texts are compared byte by byte, never by hash alone. Threads may look up while
one of them adds: each works on a snapshot that is never changed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.execute.loops import fill_slots, gather_views, look_up, of_dictionary

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
Judge = Callable[[Sequence[str]], tuple[npt.NDArray[Any], ...]]
"""What is known of new texts: one or more arrays, one entry a text."""

WORDS_MAX = 500_000
"""More different texts than any code column has; the rest of them is not plain."""


@dataclass(frozen=True)
class Words:
    """A vocabulary at one moment."""

    texts: tuple[str, ...]
    arena: U8
    starts: I64
    slots: I32
    hashes: npt.NDArray[np.uint64]
    views: npt.NDArray[np.uint64]
    """Two words a text, as Arrow's string views: short texts inside, long ones in the arena."""
    known: tuple[npt.NDArray[Any], ...]
    """What the judge said, with one entry more at the end for null (number −1)."""

    def __len__(self) -> int:
        return len(self.texts)

    def strings(self, ids: I32) -> pa.Array:
        """The texts of these numbers as a string-view array; nulls where the number is −1."""
        views = np.empty((len(ids), 2), np.uint64)
        missing = gather_views(self.views, ids, views)
        validity = pa.py_buffer(np.packbits(ids >= 0, bitorder="little")) if missing else None
        buffers = [validity, pa.py_buffer(views), pa.py_buffer(self.arena)]
        return pa.Array.from_buffers(pa.string_view(), len(ids), buffers)


@dataclass
class Vocabulary:
    """The texts of one column of a run."""

    judge: Judge
    words: Words = field(init=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self.words = _words((), self.judge([]), None)

    def ids(self, cells: pa.Array) -> I32:
        """Numbers of a text or dictionary column; −1 for null, and for texts beyond WORDS_MAX."""
        if pa.types.is_dictionary(cells.type):
            of_words = np.append(self.ids(cells.dictionary), np.int32(-1))
            indices = cells.indices.fill_null(len(of_words) - 1) if cells.null_count else cells.indices
            out = np.empty(len(cells), np.int32)
            of_dictionary(indices.to_numpy(), of_words, out)
            return out
        data, starts, ends = text_buffers(cells)
        found = self.ids_of(data, starts, ends)
        if cells.null_count:
            found[np.asarray(cells.is_null().to_numpy(zero_copy_only=False))] = -1
        return found

    def ids_of(self, data: U8, starts: npt.NDArray[Any], ends: npt.NDArray[Any]) -> I32:
        """Numbers of the texts between `starts` and `ends`."""
        out = np.empty(len(starts), np.int32)
        words = self.words
        if not _look_up(words, data, starts, ends, out):
            return out
        new = np.flatnonzero(out < 0)
        texts = {bytes(data[starts[i] : ends[i]]): None for i in new.tolist()}
        self._add([text.decode("utf-8") for text in texts])
        words = self.words
        _look_up(words, data, starts, ends, out)
        return out

    def _add(self, texts: Sequence[str]) -> None:
        with self._lock:
            have = set(self.words.texts)
            fresh = [text for text in texts if text not in have][: WORDS_MAX - len(have)]
            if fresh:
                self.words = _words((*self.words.texts, *fresh), self.judge(fresh), self.words)


def _look_up(words: Words, data: U8, starts: npt.NDArray[Any], ends: npt.NDArray[Any], out: I32) -> int:
    return int(look_up(data, starts, ends, words.slots, words.hashes, words.arena, words.starts, out))


def _words(texts: tuple[str, ...], judged: tuple[npt.NDArray[Any], ...], before: Words | None) -> Words:
    old = 0 if before is None else len(before)
    encoded = [text.encode("utf-8") for text in texts[old:]]
    start = 0 if before is None else int(before.starts[-1])
    lengths = np.array([len(text) for text in encoded], np.int64)
    starts = np.concatenate([np.zeros(1, np.int64) if before is None else before.starts, start + np.cumsum(lengths)])
    fresh = np.frombuffer(b"".join(encoded), np.uint8)
    arena = fresh if before is None else np.concatenate([before.arena, fresh])
    views = [_view(text, int(at)) for text, at in zip(encoded, starts[old:-1].tolist(), strict=True)]
    made = np.frombuffer(b"".join(views), np.uint64).reshape(-1, 2)
    # The last entry answers for number −1.
    kept = np.zeros((0, 2), np.uint64) if before is None else before.views[:-1]
    slots = np.full(1 << max(4, (2 * len(texts) + 1).bit_length()), -1, np.int32)
    hashes = np.empty(len(texts), np.uint64)
    fill_slots(arena, starts, slots, hashes)
    parts = judged if before is None else tuple(
        np.concatenate([was[:-1], now]) for was, now in zip(before.known, judged, strict=True)
    )  # fmt: skip
    known = tuple(np.append(part, np.zeros(1, part.dtype)) for part in parts)
    views_all = np.concatenate([kept, made, np.zeros((1, 2), np.uint64)])
    return Words(texts, arena, starts, slots, hashes, views_all, known)


def _view(text: bytes, start: int) -> bytes:
    if len(text) <= 12:
        return struct.pack("<i12s", len(text), text)
    return struct.pack("<i4sii", len(text), text[:4], 0, start)


def text_buffers(cells: pa.Array) -> tuple[U8, npt.NDArray[Any], npt.NDArray[Any]]:
    """Bytes, starts and ends of a text column, whatever its offset in its buffers."""
    if pa.types.is_string_view(cells.type):
        cells = cells.cast(pa.large_string())
    kind = np.dtype(np.int64 if pa.types.is_large_string(cells.type) else np.int32)
    assert pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type), f"{cells.type} is no text"
    _, offsets_buffer, data_buffer = cells.buffers()
    if len(cells) == 0:
        return np.zeros(0, np.uint8), np.zeros(0, kind), np.zeros(0, kind)
    offsets = np.frombuffer(offsets_buffer, kind)[cells.offset : cells.offset + len(cells) + 1]
    data = np.zeros(0, np.uint8) if data_buffer is None else np.frombuffer(data_buffer, np.uint8)
    return data, offsets[:-1], offsets[1:]
