"""What the commands of `run` share 「运行的公共步骤」: options, scope, the first half, what a manifest records.

In and out as the functions say. Nothing here knows points or money; `publish` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.area import Area
from engine.cases.columns import arrow_schema
from engine.cases.demand import POOLS, Demand, Profile, Purpose
from engine.cases.facts import NO_FACTS, Facts
from engine.cases.files import short_names
from engine.clearing_table import Period
from engine.edition import PackEdition
from engine.editions import Editions
from engine.errors import PackError, RunError
from engine.execute.parts import gather_parts, is_parts
from engine.keeping import pack_fingerprint
from engine.ledger.closing import refuse_closed
from engine.ledger.kept import PACKS, Keep
from engine.ledger.manifest import FileDigest, Manifest, digest_file
from engine.ledger.store import NO_AREA, RunDraft, chain_of, new_run, next_run_id
from engine.map_cases import MappedCases, Scope, map_cases
from engine.policy.resolve import ResolvedPolicy
from engine.posted import posted_months, standing
from engine.version import engine_facts, library_facts
from engine.write_grouped import write_grouped
from pointvalue.cases import CaseColumns
from pointvalue.lines import PostingLine
from pointvalue.terms import Payable

if TYPE_CHECKING:
    from engine.publish import Published

_READING = 2
"""Files read at once for their digests."""


def _silent(rows: int) -> None:
    """No progress is shown."""


@dataclass(frozen=True)
class RunOptions:
    """Where a run goes and how it is made. Only `profile` and `mapping` may change a result, and both are recorded.

    `months`: what a clearing takes as prepaid: "posted" the monthly runs on the shelf, "cases" the months computed
    from the cases, "auto" the former if there are any. `keep_inputs`: the shelf keeps the case files as well.
    `reopen`: why a closed period is settled again. `again`: a run computed again on a shelf of its own,
    to be compared; what guards a real shelf does not apply. `may_publish` has the last word before a run appears:
    where it raises, nothing is left. `digest_input`: how the digest of a case file is come by.
    """

    shelf: Path = Path("runs")
    out: Path | None = None
    profile: Profile | None = None
    mapping: bool | None = None
    threads: int = 2
    supersedes: str | None = None
    case_detail: bool = False
    months: str = "auto"
    allow_empty: bool = False
    keep_inputs: bool = False
    reopen: str | None = None
    again: bool = False
    progress: Callable[[int], None] = field(default=_silent)
    may_publish: Callable[[], None] | None = None
    digest_input: Callable[[Path, str], FileDigest] = digest_file

    def target(self, period: str, area: str, kind: str) -> Path:
        """The run folder: `--out`, or the next free number on the shelf."""
        return self.out or self.shelf / next_run_id(self.shelf, period, area, kind)


@dataclass(frozen=True)
class RunResult:
    """A finished run: its folder, its counts, and what was published where money was settled."""

    folder: Path
    counts: dict[str, int]
    mapped: MappedCases
    published: Published | None = None


@contextmanager
def draft_run(target: Path, kind: str, area: str, period: str, options: RunOptions) -> Iterator[RunDraft]:
    """A run being written at `target`, or under the next free number if another took that meanwhile."""
    parameters: dict[str, Any] = {
        "profile": options.profile,
        "mapping": options.mapping,
        "case_detail": options.case_detail,
        "allow_empty": options.allow_empty,
    }
    with new_run(
        target,
        kind=kind,
        area=area,
        period=period,
        engine=engine_facts() | library_facts(),
        parameters=parameters,
        supersedes=options.supersedes,
        numbered=options.out is None,
        guard=partial(_last_look, kind, area, period, options),
    ) as draft:
        draft.keep_inputs, draft.reopen = options.keep_inputs, options.reopen
        draft.digest_input = options.digest_input
        yield draft
        if options.again:
            draft.keep.clear()


def demand_of(
    purpose: Purpose, editions: Editions, options: RunOptions, resolved: ResolvedPolicy | None = None
) -> Demand:
    """What is asked of the case files; the packs of one run must agree on the validation profile."""
    named = {edition.profile for edition in editions.packs} - {""}
    if options.profile is None and len(named) > 1:
        raise PackError(
            "the packs of this run name different validation profiles; give --profile compatible or strict."
        )
    profile: Profile = options.profile or ("strict" if named == {"strict"} else "compatible")
    demand = Demand(
        purpose,
        profile,
        numbers=(),
        pools=POOLS,
        dip=editions.has_dip,
        fund_unused=_pays_whole(resolved),
        facts=_facts(resolved),
    )
    for edition in editions.editions:
        demand = demand.with_numbers(edition.numbers)
    return demand


def _facts(resolved: ResolvedPolicy | None) -> Facts:
    """What the year's policy asks of the record: for its mechanisms, and for the conditions of its schemes."""
    if resolved is None:
        return NO_FACTS
    asked = resolved.facts.asked
    columns = {column for route in resolved.routes for column in route.columns}
    return replace(asked, required=(*asked.required, *sorted(columns - set(asked.required))))


def _pays_whole(resolved: ResolvedPolicy | None) -> bool:
    """Whether every pool pays the fund's part of a standard without looking at what a case booked or patients bore."""
    whole = (Payable.FUND, Payable.TIMES_RATIO)
    return resolved is not None and all(pool.point_value.payable in whole for pool in resolved.area.pools)


def scope_of(resolved: ResolvedPolicy, period: Period) -> Scope:
    """The cases of a period by the policy's own date, at the hospitals it lists."""
    column = "settled_on" if resolved.period_by == "settle_date" else "discharged_on"
    return Scope(column, *period.days, frozenset(resolved.area.hospital_codes))


def map_stage(
    cases: Sequence[str | Path], demand: Demand, editions: Editions, scope: Scope | None, options: RunOptions
) -> MappedCases:
    """Read, validate, encode, group. Files without one case of the period are most likely the wrong files."""
    if is_parts(cases):
        mapped = gather_parts(Path(cases[0]), demand, editions, scope, options.mapping, options.progress)
    else:
        mapped = map_cases(
            cases,
            demand,
            editions,
            scope=scope,
            mapping=options.mapping,
            threads=options.threads,
            progress=options.progress,
        )
    if scope is not None and not len(mapped.book) and not options.allow_empty:
        settled = mapped.other_period["settled_on"]
        first, last = str(settled.min()), str(settled.max())
        held = f" They hold {len(settled)} cases settled {first} to {last}." if len(settled) else ""
        raise RunError(
            f"no case of {scope.first} to {scope.last} in these files.{held} Check --month or --year and the files; to "
            "settle a period without cases, add --allow-empty."
        )
    return mapped


def record_grouping(draft: RunDraft, mapped: MappedCases, editions: Editions, demand: Demand) -> None:
    """Write grouped and rejected rows, and the facts of the first half into the manifest."""
    record_inputs(draft, mapped.files, editions.packs, demand)
    draft.counts |= {
        "read": mapped.read_count,
        "accepted": len(mapped.book) + len(mapped.other_period),
        "rejected": len(mapped.rejected),
        "other_period": len(mapped.other_period),
        "in_period": len(mapped.book),
    }
    assert draft.counts["accepted"] + draft.counts["rejected"] == mapped.read_count, "accepted + rejected = read"
    draft.checks["rows_accounted"] = True
    draft.totals |= {"rejected_by_code": mapped.rejected_by_code, "repairs": mapped.repairs}
    draft.totals["notes"] = [f"{note.file}: {note.en}" for note in mapped.notes]
    write_grouped(draft.folder / "grouped.parquet", mapped.book, editions)
    draft.rows["grouped.parquet"] = len(mapped.book)
    write_table(draft, "rejected", mapped.rejected.to_arrow().cast(arrow_schema("rejected")))
    if len(mapped.other_period):
        write_table(draft, "other_period", mapped.other_period.to_arrow())


def record_inputs(draft: RunDraft, files: Sequence[Path], packs: Sequence[PackEdition], demand: Demand) -> None:
    """Note the case files and the packs, and keep the packs."""
    draft.parameters |= {"profile": demand.profile, "purpose": demand.purpose}
    with ThreadPoolExecutor(_READING) as pool:
        digests = list(pool.map(draft.digest_input, files, short_names(files)))
    draft.inputs += [replace(one, path=str(path.resolve())) for one, path in zip(digests, files, strict=True)]
    draft.keep += [Keep(PACKS, each.fingerprint, each.folder, pack_fingerprint, each.stamps) for each in packs]
    draft.packs += [
        {
            "id": edition.meta.id,
            "version": edition.meta.version,
            "kind": edition.kind,
            "fingerprint": edition.fingerprint,
            "valid_from": _day(edition.meta.valid_from),
            "valid_to": _day(edition.meta.valid_to),
        }
        for edition in packs
    ]


def _day(value: object) -> str | None:
    return None if value is None else str(value)


def write_table(draft: RunDraft, name: str, table: pa.Table) -> None:
    """One small table of the run as Parquet, strings plain so that bytes follow from the values."""
    plain = [pa.string() if _is_text(field.type) else field.type for field in table.schema]
    schema = pa.schema([(field.name, kind) for field, kind in zip(table.schema, plain, strict=True)])
    pq.write_table(table.cast(schema), draft.folder / f"{name}.parquet", compression="zstd", version="2.6")
    draft.rows[f"{name}.parquet"] = table.num_rows


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string(kind) or pa.types.is_string_view(kind))


def refuse_second(shelf: Path, area: Area, kind: str, period: str, options: RunOptions) -> None:
    """Say before the work begins what would be refused at its end."""
    if not options.again:
        _may_join(kind, period, options, chain_of(shelf, area.policy.code))


def _last_look(kind: str, area: str, period: str, options: RunOptions, chain: Sequence[Manifest]) -> None:
    """Asked under the shelf's lock, when nothing is left but to publish."""
    if not options.again and area != NO_AREA:
        _may_join(kind, period, options, chain)
    if options.may_publish is not None:
        options.may_publish()


def _may_join(kind: str, period: str, options: RunOptions, chain: Sequence[Manifest]) -> None:
    """A period is settled once; a second run of it names the one it supersedes; a closed one must be reopened."""
    refuse_closed(chain, period, options.reopen)
    there = [manifest.run_id for manifest in standing(chain, kind) if manifest.period == period]
    if options.supersedes is None and there:
        raise RunError(
            f"{period} of area {chain[0].area} is settled already, as {there[0]} on this shelf. To correct it, run "
            f"again with --supersedes {there[0]}; to try something out, use another --runs."
        )
    if options.supersedes is not None and options.supersedes not in there:
        raise RunError(f"--supersedes {options.supersedes}: no such standing {kind} run of {period} on this shelf.")


def months_of_year(
    draft: RunDraft, area: Area, cases: CaseColumns, year: int, options: RunOptions
) -> tuple[PostingLine, ...] | None:
    """What the months really prepaid, from their runs on the shelf; None = compute them from the cases."""
    posted = posted_months(draft.folder.parent, area.policy.code, year) if options.months != "cases" else None
    if posted is None or (options.months == "auto" and not posted.months):
        draft.parameters["months"] = "computed from the cases"
        return None
    wanted = {f"{year:04d}-{month:02d}" for month in sorted(set(cases.month.tolist()))}
    if missing := sorted(wanted - set(posted.months)):
        raise RunError(
            f"cases of {', '.join(missing)} are to be cleared, but no monthly run of them stands on "
            f"{draft.folder.parent}. Run presettle for them, or clear with --months cases."
        )
    draft.inputs += posted.runs
    draft.parameters["months"] = "posted"
    return posted.lines
