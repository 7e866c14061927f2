"""Every mechanism a policy may hold 「机制目录」, in the order a reader meets them.

In: nothing; out: `MECHANISMS` by name. A mechanism that is not listed here does not exist: its file is an error.
"""

from __future__ import annotations

from typing import Any

from engine.policy.case_params import CASE_MECHANISMS
from engine.policy.money_params import MONEY_MECHANISMS
from engine.policy.settings import Mechanism, Param

MECHANISMS: dict[str, Mechanism] = {mechanism.name: mechanism for mechanism in (*CASE_MECHANISMS, *MONEY_MECHANISMS)}
PARAMS: dict[str, Param[Any]] = {param.key: param for mechanism in MECHANISMS.values() for param in mechanism.params}
