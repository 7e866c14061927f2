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

from engine.execute.loops import fill_slots, fill_view_slots, gather_views, look_up, look_up_views, of_dictionary

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
Judge = Callable[[Sequence[str]], tuple[npt.NDArray[Any], ...]]
"""What is known of new texts: one or more arrays, one entry a text."""


@dataclass(frozen=True)
class Words:
    """A vocabulary at one moment. `of` is the same object for all moments of one vocabulary."""

    of: object
    texts: tuple[str, ...]
    arena: U8
    starts: I64
    slots: I32
    hashes: npt.NDArray[np.uint64]
    views: npt.NDArray[np.uint64]
    """Two words a text, as Arrow's string views: short texts inside, long ones in the arena."""
    view_slots: I32
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
    limit: int | None = None
    """More different texts than the column can have; the rest gets number −1. None = no limit."""
    words: Words = field(init=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self.words = _words((), self.judge([]), None)

    def ids(self, cells: pa.Array) -> I32:
        """Numbers of a text or dictionary column; −1 for null, and for texts beyond the limit."""
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

    def ids_of_views(self, cells: pa.Array) -> I32:
        """Numbers of a string-view column; −1 for null."""
        validity, buffer = cells.buffers()[:2]
        whole = np.zeros(0, np.uint64) if buffer is None else np.frombuffer(buffer, np.uint64)
        views = whole[2 * cells.offset : 2 * (cells.offset + len(cells))].reshape(-1, 2)
        bits = np.zeros(1, np.uint8) if validity is None else np.frombuffer(validity, np.uint8)
        out = np.empty(len(cells), np.int32)
        for _ in range(2):
            words = self.words
            args = views, bits, validity is not None, cells.offset, words.views, words.view_slots, out
            if not look_up_views(*args):
                return out
            other = np.flatnonzero(out == -3)
            if len(other):
                # Longer texts lie elsewhere and are few; they are looked up as bytes.
                out[other] = self.ids(_at(cells, other).cast(pa.large_string()))
            new = np.flatnonzero(out == -2)
            if not len(new):
                return out
            texts = _at(cells, new).unique().to_pylist()
            self._add([text for text in texts if text is not None])
        # Whoever made these views left something behind a short text: by bytes then.
        left = np.flatnonzero(out < -1)
        out[left] = self.ids(_at(cells, left))
        return out

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
            fresh = [text for text in texts if text not in have]
            if self.limit is not None:
                fresh = fresh[: max(0, self.limit - len(have))]
            if fresh:
                self.words = _words((*self.words.texts, *fresh), self.judge(fresh), self.words)


def _at(cells: pa.Array, places: npt.NDArray[np.intp]) -> pa.Array:
    """The cells at some places. Arrow cannot pick string views, so the column becomes text where these are many."""
    if len(places) > _FEW:
        return cells.cast(pa.large_string()).take(pa.array(places))
    return pa.array([cells[place].as_py() for place in places.tolist()], pa.large_string())


_FEW = 64


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
    view_slots = np.full(len(slots), -1, np.int32)
    fill_view_slots(views_all, len(texts), view_slots)
    key = object() if before is None else before.of
    return Words(key, texts, arena, starts, slots, hashes, views_all, view_slots, known)


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
