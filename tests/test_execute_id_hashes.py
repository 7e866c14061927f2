"""Hashes that stand there more than once are found, whatever fits into memory."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

import numpy as np
import pytest

from engine.execute.id_hashes import IdHashes


def places(parts: list[np.ndarray], threads: int) -> list[int]:
    with closing(IdHashes()) as hashes:
        for part in parts:
            hashes.add(part.astype(np.uint64))
        return [int(place) for place in hashes.repeated(threads)]


@pytest.mark.parametrize("held", [1, 3, 64, 1 << 20])
@pytest.mark.parametrize("threads", [1, 3])
def test_repeated_hashes_are_found(held: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.execute.id_hashes.HELD_MAX", held)
    rng = np.random.default_rng(held)
    few = rng.integers(0, 1 << 64, 150, dtype=np.uint64)
    few[:40] = (few[:40] >> np.uint64(8)) | np.uint64(7 << 56)  # a crowded bucket
    few[:3] = [0, (1 << 64) - 1, 1 << 20]
    parts = [rng.choice(few, size) for size in (0, 1, 30, 50, 7)]
    parts += [rng.integers(1, 1 << 64, 40, dtype=np.uint64)]
    whole = np.concatenate(parts)
    times = Counter(whole.tolist())
    wanted = [place for place, one in enumerate(whole.tolist()) if one and times[one] > 1]
    assert places(parts, threads) == wanted


def test_many_hashes_over_pieces_and_runs() -> None:
    rng = np.random.default_rng(1)
    whole = rng.integers(1, 1 << 64, 1_300_000, dtype=np.uint64)
    assert places([whole], 1) == []
    again = {5: 1_299_999, 262_143: 262_144, 70_000: 1_100_000}
    for first, second in again.items():
        whole[second] = whole[first]
    assert places(np.array_split(whole, 11), 2) == sorted([*again, *again.values()])


def test_nothing_repeats_where_nothing_is() -> None:
    assert places([], 1) == places([np.zeros(0)], 1) == places([np.zeros(500)], 2) == []
