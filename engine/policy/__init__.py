"""The settlement policy 「结算办法」 of a pooling area: dated, sourced, tagged values read from a folder of YAML.

`load_policy` reads and checks a folder; `resolve` reads it at the dates of a year for the data plane; `check` holds it
against rule packs; `show` prints it for a day. Errors are `PolicyFaults` (a `PolicyError`) with every problem at once.
"""

from engine.policy.check import PackGroups, check
from engine.policy.load import AreaPolicy, load_policy
from engine.policy.problems import PolicyFaults, Problem
from engine.policy.resolve import Dated, ResolvedPolicy, resolve
from engine.policy.settings import Used
from engine.policy.show import ShownValue, show
from engine.policy.tables import WeightTable

__all__ = [
    "AreaPolicy",
    "Dated",
    "PackGroups",
    "PolicyFaults",
    "Problem",
    "ResolvedPolicy",
    "ShownValue",
    "Used",
    "WeightTable",
    "check",
    "load_policy",
    "resolve",
    "show",
]
