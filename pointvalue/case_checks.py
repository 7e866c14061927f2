"""One look at the columns of many cases: does every one hold what it must.

In: columns of `CaseColumns`, all of one length; out: whether all cases are in order. It names no case and says nothing
of what is wrong: `pointvalue.cases` does, for the few that have a fault.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pointvalue.fixed_wide import compiled


@compiled
def all_in_order(
    cost: Any, patient: Any, fund: Any, base: Any, reference: Any, month: Any, group: Any, groups: Any
) -> Any:
    """Sums agree, nothing is below zero, months are 1..12, groups lie below `groups`. Kept as bits that must stay 0 and
    signs that must stay positive, so that no case needs a branch."""
    apart, signs = np.int64(0), np.int64(0)
    for i in range(len(cost)):
        apart |= cost[i] ^ (patient[i] + fund[i])
        signs |= cost[i] | base[i] | reference[i]
        signs |= np.int64(month[i]) - 1 | 12 - np.int64(month[i])
        signs |= np.int64(group[i]) | groups - 1 - np.int64(group[i])
    return apart == 0 and signs >= 0
