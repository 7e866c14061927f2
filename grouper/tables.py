"""The rules of one DRG edition as plain data: what a rule pack says, before anything is compiled.

In: nothing; out: frozen records that `compile` turns into integer arrays and `reference` walks as they are.
Codes are text and compared verbatim; numbers are integers in the unit their field declares.
It reads no file and checks no meaning: loading and checking belong to the pack loader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NULL_I32 = -(2**31)
"""A null number inside an int32 array. It satisfies no range, not even an open one."""

LEVELS = ("MDC", "ADRG", "QY", "DRG")
DX_VARS = ("dx_main", "dx_any", "dx_other")
OP_VARS = ("op_main", "op_any", "op_other")
TEXT_VARS = ("dept", "leaving_type")
FLAG_VARS = ("has_mcc", "has_cc")
COUNT_VARS = ("n_dx", "n_op", "n_sites")
"""Numbers the grouper derives from the record itself; every other numeric name is declared by the pack."""


@dataclass(frozen=True, slots=True)
class Node:
    """One box of the tree MDC → ADRG (→ QY) → DRG; `seq` orders siblings, never the code."""

    node_id: int
    parent_id: int | None
    level: str
    seq: int
    code: str
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class Atom:
    """One test. A node holds if every atom of at least one of its clauses holds; a node without atoms always holds.

    op: `in` / `notin` (dx_*, op_*, text) a list · `range` lo..hi inclusive, None open (numbers) ·
    `true` / `false` (has_mcc, has_cc) · `count` (op_*, dx_*): how many codes of the record lie in the list, lo..hi.
    """

    node_id: int
    clause: int
    atom: int
    var: str
    op: str
    list_id: int | None = None
    lo: int | None = None
    hi: int | None = None


@dataclass(frozen=True, slots=True)
class CodeList:
    """A named set of codes. kind: `dx`, `op`, or the name of a text field."""

    list_id: int
    kind: str
    name: str | None
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NumericField:
    """A number the rules may use: its rule name, unit, and the input column it is read from."""

    name: str
    unit: str
    source: str
    null_allowed: bool = True


STANDARD_NUMERIC = (
    NumericField("gender", "code", "gend"),
    NumericField("age_years", "a", "age"),
    NumericField("age_days", "d", "nwb_age"),
    NumericField("birth_weight_g", "g", "nwb_bir_wt"),
    NumericField("los_days", "d", "act_ipt_days"),
    NumericField("icu_hours", "h", "icu_hours"),
)
"""The minimal record. The first four are also what the checks before grouping look at."""

STANDARD_TEXT: Mapping[str, str] = {"dept": "dscg_caty", "leaving_type": "dscg_way"}
"""Text fields the rules may use → the input column each is read from."""


@dataclass(frozen=True, slots=True)
class DrgOptions:
    """What is not a rule of the tree but a habit of the edition (drg tables, options of pack.toml)."""

    validation_profile: str = "compatible"
    code_mapping: bool = False
    retry_with_each_secondary_op_when_ungrouped: bool = False
    zero_weight_is_missing: bool = False
    ungrouped_code: str = "0000"
    failed_check_codes: tuple[str, str, str] = ("0000", "00", "0000")
    """mdc, adrg, drg of a record that fails its checks."""


@dataclass(frozen=True)
class DrgTables:
    """One edition, complete: tree, conditions, lists, complications, sites, code maps."""

    nodes: tuple[Node, ...]
    atoms: tuple[Atom, ...]
    lists: Mapping[int, CodeList]
    complications: Mapping[str, tuple[str, int]]
    """code → (level `MCC` or `CC`, exclusion-table number)."""
    exclusion_of: Mapping[str, int]
    """principal diagnosis → exclusion-table number; a complication with the same number does not count."""
    sites: Mapping[str, str]
    """diagnosis → body site 「部位」 for n_sites."""
    numeric: tuple[NumericField, ...] = STANDARD_NUMERIC
    text_fields: Mapping[str, str] = field(default_factory=lambda: dict(STANDARD_TEXT))
    options: DrgOptions = DrgOptions()
    dx_map: Mapping[str, str] = field(default_factory=dict)
    op_map: Mapping[str, str] = field(default_factory=dict)
    dx_known: frozenset[str] = frozenset()
    """Every diagnosis code the edition's code table lists; empty = the edition ships no code table."""
    op_known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """One record as the rules see it: principal code first, numbers and texts by rule name."""

    setl_id: str
    diagnoses: tuple[str, ...]
    procedures: tuple[str, ...]
    numeric: Mapping[str, int | None]
    text: Mapping[str, str | None]
