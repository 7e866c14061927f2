"""Choices the DIP kernel has made before, by principal diagnosis and procedures.

In: the scratch S with a record loaded; out: the choice kept for its principal diagnosis and remaining procedures, or 0.
Many records have no procedure or one, and nothing else decides about them. A key is kept beside its choice and compared
as a whole; what shares a place replaces what stood there. It knows neither rows nor rules.
"""

from __future__ import annotations

import numpy as np

from grouper import dip_layout as L
from grouper.dip_layout import I64
from grouper.jit import inlined

_ID_BITS = 20
"""Codes numbered higher are not kept: two procedures and a diagnosis must fit into one key."""


@inlined
def kept(principal: int, S: I64) -> int:
    """The choice kept for the record, 0 = none."""
    if S[L.S_OP_COUNT] == 0:
        return int(S[S[L.S_BARE] + principal])
    key = _key(principal, S)
    at = S[L.S_FEW] + L.FEW_SIZE * _slot(key)
    return int(S[at + 1]) if S[at] == key else 0


@inlined
def keep(principal: int, choice: int, S: I64) -> None:
    """Keeps a choice that followed from the principal diagnosis and the procedures alone."""
    if S[L.S_OP_COUNT] == 0:
        S[S[L.S_BARE] + principal] = choice
        return
    key = _key(principal, S)
    if key >= 0:
        at = S[L.S_FEW] + L.FEW_SIZE * _slot(key)
        S[at], S[at + 1] = key, choice


@inlined
def _key(principal: int, S: I64) -> int:
    """Diagnosis, the procedures and whether the first is principal; −1 where there are more than two. It is never 0."""
    first, second = S[L.S_OPS], S[L.S_OPS + 1] if S[L.S_OP_COUNT] == 2 else 0
    if S[L.S_OP_COUNT] > 2 or (principal | first | second) >> _ID_BITS:
        return -1
    return int((((principal << _ID_BITS | first) << _ID_BITS | second) << 1) | S[L.S_HAS_MAIN])


@inlined
def _slot(key: int) -> int:
    return int((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - L.FEW_BITS))
