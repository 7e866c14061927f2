"""Every mechanism a policy may hold 「机制目录」, in the order a reader meets them.

In: nothing; out: `MECHANISMS` by name. A mechanism that is not listed here does not exist: its file is an error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.policy.added_params import ADDED_MECHANISMS, JOINING
from engine.policy.case_params import CASE_MECHANISMS
from engine.policy.coefficient_params import COEFFICIENT
from engine.policy.fact_params import FACT_JOINING, FACT_MECHANISMS
from engine.policy.money_params import MONEY_MECHANISMS
from engine.policy.settings import Mechanism, Param


def _complete(mechanism: Mechanism) -> Mechanism:
    """A mechanism with the parameters that join it."""
    joining = (*JOINING.get(mechanism.name, ()), *FACT_JOINING.get(mechanism.name, ()))
    return replace(mechanism, params=(*mechanism.params, *joining))


MECHANISMS: dict[str, Mechanism] = {
    mechanism.name: _complete(mechanism)
    for mechanism in (*CASE_MECHANISMS, COEFFICIENT, *MONEY_MECHANISMS, *ADDED_MECHANISMS, *FACT_MECHANISMS)
}
PARAMS: dict[str, Param[Any]] = {param.key: param for mechanism in MECHANISMS.values() for param in mechanism.params}
assert set(JOINING) | set(FACT_JOINING) <= set(MECHANISMS), "a parameter joins a mechanism that does not exist"
