"""Different keys of a column are numbered as sorting would number them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.distinct import distinct


@pytest.mark.parametrize("count", [0, 1, 7, 5_000, 40_000])
@pytest.mark.parametrize("spread", [1, 3, 3_000, 2**62])
def test_keys_are_numbered_as_by_sorting(count: int, spread: int) -> None:
    chance = np.random.default_rng(count + spread % 1_000)
    keys = chance.integers(-spread, spread, count)
    keys[: count // 50] = np.iinfo(np.int64).min
    found, which = distinct(keys)
    expected, back = np.unique(keys, return_inverse=True)
    assert found.tolist() == expected.tolist()
    assert which.tolist() == back.tolist()
