"""`dianzhi books`: the booked lines of the service 「结算流水」: verify them, close a month."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.service import DATABASE, Database, Shelf
from engine.errors import RunError
from engine.lang import say

app = typer.Typer(help="Booked lines: verify, close 结算流水", no_args_is_help=True, rich_markup_mode=None)


@app.command("verify")
def verify(database: Database = DATABASE) -> None:
    """Recompute every hash of the booked lines and of the audit log; name each line that changed 核验."""
    from engine.store.audit import verify_audit
    from engine.store.open import open_store
    from engine.store.verify import verify_lines

    store = open_store(database)
    findings = [*verify_lines(store), *verify_audit(store)]
    store.close()
    for finding in findings:
        typer.echo(finding)
    if findings:
        raise RunError(
            say(f"{len(findings)} 处不符。", f"{len(findings)} finding(s): the books are not what they were.")
        )
    typer.echo(say("流水与审计日志核验无误。", "booked lines and audit log verified."))


@app.command("close")
def close(
    area: Annotated[str, typer.Option(help="pooling area code 统筹区编码")],
    month: Annotated[str, typer.Option(help="YYYY-MM 月份")],
    database: Database = DATABASE,
    runs: Shelf = Path("runs"),
) -> None:
    """Close a month: nothing more is booked into it, its lines go into a sealed run 封账."""
    from engine.store.bookings import Conflict
    from engine.store.closing import close_month
    from engine.store.open import open_store

    store = open_store(database)
    try:
        found = close_month(store, runs, area, month, "command line")
    except Conflict as conflict:
        raise RunError(f"{month}: {conflict.code}. " + say("该月没有入账内容。", "nothing was booked in it.")) from None
    finally:
        store.close()
    typer.echo(f"{found['run_id']}  {found['seal']}")
