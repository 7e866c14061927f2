"""`dianzhi keys`: who may use the service 「接口密钥」."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from engine.cli.service import DATABASE, Database
from engine.lang import say

app = typer.Typer(help="API keys: create, revoke, list 接口密钥", no_args_is_help=True, rich_markup_mode=None)


@app.command("create")
def create(
    client: Annotated[str, typer.Option(help="who will use it 使用方")],
    area: Annotated[str, typer.Option(help="pooling area code 统筹区编码")],
    hospital: Annotated[str | None, typer.Option(help="bind it to one hospital 绑定定点医药机构")] = None,
    scopes: Annotated[str, typer.Option(help="comma-separated 权限，逗号分隔")] = "cases,settle",
    signed: Annotated[bool, typer.Option(help="every request must be signed 请求须签名")] = False,
    expires: Annotated[str | None, typer.Option(help="last day or instant 失效时间")] = None,
    database: Database = DATABASE,
) -> None:
    """Make a key; it is shown this once 新建密钥（只显示一次）."""
    from engine.store.keys import create_key, signing_secret
    from engine.store.open import migrate, open_store

    migrate(database)
    store = open_store(database)
    chosen = tuple(part.strip() for part in scopes.split(",") if part.strip())
    key, token = create_key(store, client, area, hospital, chosen, signed=signed, expires_at=expires)
    store.close()
    typer.echo(token)
    typer.echo(
        say(f"密钥编号 {key.id}，请妥善保存，不再显示。", f"key id {key.id}; keep the token, it is not shown again.")
    )
    if master := os.environ.get("DIANZHI_SIGNING_MASTER"):
        typer.echo(say("签名密钥", "signing secret") + f": {signing_secret(master, key.id)}")


@app.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(help="key id 密钥编号")],
    database: Database = DATABASE,
) -> None:
    """Make a key useless 吊销密钥."""
    from engine.store.keys import revoke_key
    from engine.store.open import open_store

    store = open_store(database)
    revoke_key(store, key)
    store.close()
    typer.echo(say(f"已吊销 {key}", f"revoked {key}"))


@app.command("list")
def list_all(database: Database = DATABASE) -> None:
    """Every key, without its secret 列出密钥."""
    from engine.store.keys import list_keys
    from engine.store.open import open_store

    store = open_store(database)
    for key in list_keys(store):
        state = "live" if key.is_live() else "revoked" if key.revoked_at else "expired"
        scopes = ",".join(sorted(key.scopes))
        typer.echo(
            f"{key.id}  {key.client:<20} {key.area} {key.hospital or '-':<14} {state:<8} {scopes}  {key.created_at}"
        )
    store.close()
