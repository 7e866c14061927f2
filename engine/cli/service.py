"""`dianzhi serve`, `dianzhi worker`: the service over HTTP and the process that works off its jobs 「结算服务」.

The service is started by its import string, so the engine imports nothing of it. Options become DIANZHI_* variables,
which a deployment may set instead.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.errors import PolicyError
from engine.lang import say

APP = "api.app:app_from_environment"
DATABASE = "sqlite:///dianzhi.sqlite"
Database = Annotated[
    str, typer.Option("--database", envvar="DIANZHI_DATABASE", help="sqlite:///FILE or postgresql://… 数据库")
]
Shelf = Annotated[Path, typer.Option("--runs", envvar="DIANZHI_SHELF", help="folder the runs stand in 运行目录")]
Areas = Annotated[list[str], typer.Option("--area", help="area folder, or demo; repeatable 统筹区目录，可重复")]


def serve(
    area: Areas = [],  # noqa: B006 - typer reads the default and never changes it
    database: Database = DATABASE,
    runs: Shelf = Path("runs"),
    host: Annotated[str, typer.Option(help="address to listen on 监听地址")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port 端口")] = 8080,
    workers: Annotated[int, typer.Option(min=1, max=64, help="processes, at most one a core 进程数")] = 1,
    open_access: Annotated[
        bool, typer.Option("--open", help="no keys: a demonstration on this host alone 无需密钥，仅限本机演示")
    ] = False,
) -> None:
    """Serve grouping and settlement over HTTP 启动结算服务."""
    if open_access and host not in ("127.0.0.1", "::1", "localhost"):
        raise typer.BadParameter("--open serves this host alone; listen on 127.0.0.1.", param_hint="--open")
    _set_environment(area, database, runs)
    os.environ["DIANZHI_OPEN_ACCESS"] = str(int(open_access))
    from engine.store.open import migrate

    migrate(database)
    if workers > 1:
        _share_measures()
    typer.echo(say(f"结算服务 http://{host}:{port}（文档 /docs）", f"serving on http://{host}:{port} (see /docs)"))
    settings: dict[str, Any] = {
        "factory": True,
        "host": host,
        "port": port,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "log_level": "warning",
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 30,
        "h11_max_incomplete_event_size": 65_536,
    }
    if workers > 1:
        from engine.cli.listen import serve_spread

        serve_spread(APP, workers=workers, **settings)
        return
    import uvicorn

    uvicorn.run(APP, **settings)


def worker(
    area: Areas = [],  # noqa: B006 - typer reads the default and never changes it
    database: Database = DATABASE,
    runs: Shelf = Path("runs"),
    once: Annotated[bool, typer.Option(help="work off what is there and end 处理完现有任务即退出")] = False,
) -> None:
    """Work off the jobs of the service 处理批量任务."""
    _set_environment(area, database, runs)
    from engine.jobs.worker import work_from_environment
    from engine.store.open import migrate

    migrate(database)
    work_from_environment(once=once)


def _set_environment(areas: list[str], database: str, runs: Path) -> None:
    if areas:
        os.environ["DIANZHI_AREAS"] = os.pathsep.join(str(_folder(name).absolute()) for name in areas)
    if not os.environ.get("DIANZHI_AREAS"):
        raise PolicyError(say("请用 --area 指定统筹区目录，或 --area demo。", "name an area with --area DIR, or demo."))
    os.environ["DIANZHI_DATABASE"] = database
    os.environ["DIANZHI_SHELF"] = str(runs)


def _folder(name: str) -> Path:
    from engine.cli.where import demo_folder

    return demo_folder() / "policy" if name == "demo" else Path(name)


def _share_measures() -> None:
    """Several processes sum their counts through files."""
    import tempfile

    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="dianzhi-measures-"))
