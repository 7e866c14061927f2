"""Problems as RFC 9457 tells them 「问题说明」: stable ASCII codes, Chinese titles, never a value of a patient.

In: a code and what to say about it; out: `Problem`, an exception and an answer at once. `PROBLEMS` is the closed list
of codes; clients may rely on them. What is not expected becomes `internal`, with a trace id to find it by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.responses import Response

TYPE_PREFIX = "urn:dianzhi:problem:"
MEDIA_TYPE = "application/problem+json"
SHOWN_ERRORS_MAX = 50

PROBLEMS: dict[str, tuple[int, str]] = {
    "body.unreadable": (400, "请求内容不是有效的 JSON"),
    "body.too_deep": (400, "请求内容嵌套过深"),
    "header.invalid": (400, "请求头有误"),
    "idempotency.missing": (400, "缺少 Idempotency-Key"),
    "query.invalid": (422, "查询参数有误"),
    "auth.missing": (401, "缺少接口密钥"),
    "auth.invalid": (401, "接口密钥无效或已吊销"),
    "auth.signature": (401, "签名、时间戳或随机数校验不通过"),
    "auth.scope": (403, "接口密钥没有此项权限"),
    "not_found": (404, "没有找到所请求的内容"),
    "method.not_allowed": (405, "不支持此请求方法"),
    "idempotency.conflict": (409, "同一 Idempotency-Key 的请求内容不同"),
    "settlement.conflict": (409, "同一结算已按不同内容入账"),
    "settlement.stands": (409, "该结算的另一版本尚未冲销"),
    "settlement.reversed": (409, "该结算已冲销"),
    "month.sealed": (409, "该月已封账"),
    "month.empty": (409, "该月没有可封账的内容"),
    "job.finished": (409, "任务已结束"),
    "run.engine_differs": (409, "本机引擎与该次运行的引擎不同"),
    "run.not_replayable": (409, "该次运行的输入、分组方案或政策不在此处，无法重放"),
    "body.too_large": (413, "请求内容过大"),
    "media.unsupported": (415, "不支持的内容类型"),
    "body.invalid": (422, "请求内容的字段有误"),
    "case.refused": (422, "病例未通过校验，未结算"),
    "file.refused": (422, "上传的文件无法读取或超出限制"),
    "path.refused": (422, "该路径不在允许的目录之内"),
    "rate.exceeded": (429, "请求过于频繁"),
    "internal": (500, "服务内部错误，未入账"),
    "busy": (503, "服务繁忙，请稍后重试"),
    "not_ready": (503, "服务尚未就绪"),
}
"""code → (status, Chinese title). Append; never change or reuse a code."""

_SAFE_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


@dataclass
class Problem(Exception):
    """One problem. `errors`: what to mend, each with a code, where in the request, and texts without values."""

    code: str
    detail: str = ""
    errors: Sequence[dict[str, str]] = ()
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    @property
    def status(self) -> int:
        return PROBLEMS[self.code][0]

    def body(self, instance: str = "", trace_id: str = "") -> dict[str, Any]:
        """The members of the problem document."""
        status, title = PROBLEMS[self.code]
        found: dict[str, Any] = {"type": TYPE_PREFIX + self.code, "title": title, "status": status, "code": self.code}
        if self.detail:
            found["detail"] = self.detail
        if instance:
            found["instance"] = instance
        if self.errors:
            found["errors"] = list(self.errors[:SHOWN_ERRORS_MAX])
        if trace_id:
            found["trace_id"] = trace_id
        return found

    def response(self, instance: str = "", trace_id: str = "") -> Response:
        """The answer over HTTP."""
        body = orjson.dumps(self.body(instance, trace_id))
        headers = dict(self.headers)
        if self.status == 401:
            headers.setdefault("WWW-Authenticate", 'Bearer realm="dianzhi"')
        return Response(body, self.status, headers, MEDIA_TYPE)


_KINDS_ZH = {
    "missing": "必填字段缺失",
    "extra_forbidden": "未定义的字段",
    "string_too_long": "文本过长",
    "string_too_short": "文本过短",
    "string_type": "应为文本",
    "string_pattern_mismatch": "格式不符",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "too_long": "列表过长",
    "too_short": "列表过短",
    "list_type": "应为列表",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "bool_type": "应为 true 或 false",
    "literal_error": "不在允许的取值之内",
    "greater_than_equal": "小于允许的最小值",
    "less_than_equal": "大于允许的最大值",
}


def field_errors(found: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Validation errors as places and kinds; what the sender wrote is left out, odd names included."""
    told = []
    for each in found:
        kind = str(each["type"])
        pointer = "/" + "/".join(_named(part) for part in each["loc"])
        told.append({"code": kind, "pointer": pointer, "title": _KINDS_ZH.get(kind, "取值有误")})
        if len(told) >= SHOWN_ERRORS_MAX:
            break
    return told


def _named(part: Any) -> str:
    text = str(part)
    return text if _SAFE_NAME.fullmatch(text) else "?"
