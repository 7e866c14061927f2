"""The OpenAPI document 「接口文档」: made from the routes, completed with our models, problems and keys.

In: the app; out: the document, the same bytes for the same code; `api/openapi.json` is a copy that a test compares.
Routes say what they take and give with `told`; nothing here decides anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.errors import MEDIA_TYPE, PROBLEMS
from api.models import ProblemOut
from engine.jobs.intake import SUFFIX_OF_TYPE

_REF = "#/components/schemas/{model}"
_MODELS: dict[str, type[BaseModel]] = {"ProblemOut": ProblemOut}
_ALWAYS = ("rate.exceeded", "busy", "internal", "header.invalid")
_KEYED = ("auth.missing", "auth.scope")


def told(
    *,
    body: type[BaseModel] | None = None,
    gives: type[BaseModel] | str | None = None,
    status: int = 200,
    problems: Sequence[str] = (),
    keyed: bool = True,
    idempotent: bool = False,
    upload: bool = False,
    headers: Sequence[str] = (),
) -> dict[str, Any]:
    """What a route takes and gives, as arguments of its decorator."""
    extra: dict[str, Any] = {}
    if body is not None:
        _MODELS[body.__name__] = body
        extra["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    if upload:
        file = {"schema": {"type": "string", "format": "binary"}}
        extra["requestBody"] = {"required": True, "content": dict.fromkeys(SUFFIX_OF_TYPE, file)}
    parameters = []
    if idempotent:
        parameters.append(_header("Idempotency-Key", r"^[A-Za-z0-9._:-]{1,200}$", True))
    parameters += [_header(name, r"^[A-Za-z0-9._:=-]{1,200}$", False) for name in headers]
    if parameters:
        extra["parameters"] = parameters
    if keyed:
        extra["security"] = [{"key": []}]
    if body is not None:
        problems = (*problems, "body.unreadable", "body.invalid", "body.too_large", "media.unsupported")
    listed = (*problems, *_ALWAYS, *(_KEYED if keyed else ()))
    return {
        "openapi_extra": extra,
        "status_code": status,
        "responses": {str(status): _given(gives), **_problem_answers(listed)},
    }


def _given(gives: type[BaseModel] | str | None) -> dict[str, Any]:
    if gives is None:
        return {"description": "OK", "content": {"application/json": {"schema": {"type": "object"}}}}
    if isinstance(gives, str):
        return {"description": "OK", "content": {gives: {"schema": {"type": "string"}}}}
    _MODELS[gives.__name__] = gives
    return {"description": "OK", "content": {"application/json": {"schema": _ref(gives)}}}


def _problem_answers(codes: Sequence[str]) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(PROBLEMS[code][0], []).append(code)
    return {
        str(status): {
            "description": "; ".join(f"{code} {PROBLEMS[code][1]}" for code in sorted(found)),
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="ProblemOut")}}},
        }
        for status, found in sorted(by_status.items())
    }


def _header(name: str, pattern: str, required: bool) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "schema": {"type": "string", "pattern": pattern}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version="1",
            routes=app.routes,
            description="DRG/DIP 分组与结算服务。金额一律为以元为单位的十进制文本。",
        )
        _, defs = models_json_schema([(each, "validation") for each in _MODELS.values()], ref_template=_REF)
        schemas = {**made.get("components", {}).get("schemas", {}), **defs.get("$defs", {})}
        for leftover in ("HTTPValidationError", "ValidationError"):
            schemas.pop(leftover, None)
        made["components"] = {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "dz_… 接口密钥"}},
        }
        app.openapi_schema = made
    return app.openapi_schema


def allowed_methods(made: dict[str, Any], path: str) -> list[str]:
    """The methods the document has for a path; several routes may share it."""
    for template, methods in made["paths"].items():
        pattern = re.sub(r"\\\{name\\\}", ".+", re.sub(r"\\\{(?!name)\w+\\\}", "[^/]+", re.escape(template)))
        if re.fullmatch(pattern, path):
            return sorted(method.upper() for method in methods)
    return []


def write() -> None:
    """Write `api/openapi.json` anew."""
    from pathlib import Path

    from api.app import create_app
    from api.settings import Settings

    app = create_app(Settings(areas=(), database="sqlite://"))
    text = json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (Path(__file__).parent / "openapi.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    from api.openapi import write as write_document

    write_document()  # through the imported module, where the routes have told what they take
