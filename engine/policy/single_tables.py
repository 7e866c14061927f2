"""Single diseases 「单病种」: which cases are one, and what each is worth by hospital level and pool.

In: the CSV tables or lists a policy names; out: frozen records. Quotas in fen. A disease is found by the principal
diagnosis and, where the table says so, by an operation; the first of the table that has a quota for the hospital's
level and the case's pool is the one. It prices nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.policy.nodes import Listing, Node
from engine.policy.predicates import CodePattern, patterns
from engine.policy.problems import Place, Problems
from engine.policy.readers import code, listing, record, yuan
from engine.policy.shapes import POOLS, pool
from engine.policy.tables import Row, each_row, open_table, unique_rows

DISEASE_COLUMNS = ("code", "name", "diagnosis", "operation")
QUOTA_COLUMNS = ("group", "level", "pool", "quota")
NO_OPERATION = "-"
_SEPARATOR = ";"


@dataclass(frozen=True, slots=True)
class Disease:
    """One disease of the list. `operation` empty: any or none; `no_operation`: only without one."""

    code: str
    name: str
    diagnosis: tuple[CodePattern, ...]
    operation: tuple[CodePattern, ...] = ()
    no_operation: bool = False

    def takes(self, operations: Sequence[str]) -> bool:
        """Whether the operations of a case with a fitting diagnosis fit as well."""
        if self.no_operation:
            return not any(operations)
        return not self.operation or any(p.holds(text) for p in self.operation for text in operations if text)


@dataclass(frozen=True, slots=True)
class SingleQuota:
    """The price of a single disease at one hospital level for one pool."""

    group: str
    level: str
    pool: str
    quota_fen: int


def disease_table(node: Node, problems: Problems) -> tuple[Disease, ...]:
    """`code, name, diagnosis, operation`; several patterns in a cell are separated by `;`."""
    _, rows = open_table(node, problems, DISEASE_COLUMNS)
    found = each_row(rows, _disease, problems)
    unique_rows(rows, "code", problems)
    return tuple(found)


def _disease(row: Row, problems: Problems) -> Disease:
    operation = row.cells["operation"]
    without = operation == NO_OPERATION
    return Disease(
        row.text("code", problems),
        row.text("name", problems),
        _cell(row, "diagnosis", row.text("diagnosis", problems), problems),
        () if without or not operation else _cell(row, "operation", operation, problems),
        without,
    )


def _cell(row: Row, column: str, text: str, problems: Problems) -> tuple[CodePattern, ...]:
    place = row.cell(column)
    items = tuple(row.scalar(column, part.strip()) for part in text.split(_SEPARATOR) if part.strip())
    return patterns()(Listing(place, items), problems)


def single_quotas(node: Node, problems: Problems) -> tuple[SingleQuota, ...]:
    """A list of `{group, level, pool, quota}`, or a table with these columns."""
    if isinstance(node, Listing):
        keys = {"group": code(), "level": code(), "pool": pool(), "quota": yuan()}
        build = record(lambda **got: SingleQuota(got["group"], got["level"], got["pool"], got["quota"]), keys)
        found = listing(build)(node, problems)
        places = [item.place for item in node.items]
    else:
        _, rows = open_table(node, problems, QUOTA_COLUMNS)
        found = tuple(each_row(rows, _quota, problems))
        places = [row.place for row in rows]
    _no_repeats(found, places, problems)
    return found


def _quota(row: Row, problems: Problems) -> SingleQuota:
    of_pool = row.text("pool", problems)
    if of_pool not in POOLS:
        raise problems.add(
            row.cell("pool"), "not_allowed", found=of_pool, allowed=", ".join(POOLS), near=(of_pool, POOLS)
        )
    quota = row.number("quota", problems, 2, "0")
    return SingleQuota(row.text("group", problems), row.text("level", problems), of_pool, int(quota * 100))


def _no_repeats(found: Sequence[SingleQuota], places: Sequence[Place], problems: Problems) -> None:
    first: dict[tuple[str, str, str], int] = {}
    for quota, place in zip(found, places, strict=True):
        key = (quota.group, quota.level, quota.pool)
        if key in first:
            problems.add(place, "repeated", found="/".join(key), first=first[key])
        first.setdefault(key, place.line)
