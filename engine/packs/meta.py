"""What a rule pack says of itself, as data: identity, source, notices, and the header that holds them.

In: nothing; out: frozen records filled by `header` (pack.toml) or `published` (pack.json).
Dates are days; a period counts both its ends, None = open. It reads no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from grouper.tables import DrgOptions, NumericField


@dataclass(frozen=True, slots=True)
class PackSource:
    """The document the pack was written from."""

    document: str
    issued: date | None = None
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class PackMeta:
    """Identity and reach of a pack: `id` with `version` is unique; the period is inclusive, None = open."""

    id: str
    kind: str
    version: str
    area: str
    valid_from: date | None
    valid_to: date | None
    chosen_by: str
    dx_system: str
    op_system: str
    source: PackSource


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the loader accepted and must not keep to itself; the linter repeats it."""

    kind: str
    where: str
    zh: str
    en: str


@dataclass(frozen=True)
class Header:
    """Everything of a pack that is not a table."""

    meta: PackMeta
    options: DrgOptions
    numeric: tuple[NumericField, ...]
    rows_expected: Mapping[str, int] = field(default_factory=dict)
    mdc_order: tuple[str, ...] | None = None
    notices: tuple[Notice, ...] = ()
