"""Words of the command line that need no validator 「命令行参数」: texts, paths, switches and whole numbers in range.

In: a command as typer built it. Out: the same command; what a word becomes is the same too. typer has every word looked
at by pydantic, which takes longer to load than most commands take to answer. A word that is not plainly right is left
to typer, which knows what to say about it.
"""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin

_OTHER: Any = object()
"""Not for us to say."""
_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)


def read_plainly(command: Any) -> Any:
    """The command, all its commands below it included, with plain words read without a validator."""
    command.get_params = partial(_params, command.get_params)
    for one in getattr(command, "commands", {}).values():
        read_plainly(one)
    return command


def _params(of_typer: Any, context: Any) -> list[Any]:
    """The parameters of a command, `--help` among them, once it is about to run."""
    params: list[Any] = of_typer(context)
    for param in params:
        if hasattr(param, "type_descriptor") and not isinstance(param.process_value, partial):
            param.process_value = partial(_processed, param, param.process_value)
    return params


def _processed(param: Any, by_typer: Any, context: Any, value: Any) -> Any:
    made = _made(param, value)
    if made is _OTHER:
        return by_typer(context, value)
    return made if param.callback is None else param.callback(context, param, made)


def _made(param: Any, value: Any) -> Any:
    """What a word, or the list of words of one parameter, becomes."""
    several = param.multiple or param.nargs != 1
    if value is None or (several and not value):
        return _OTHER if param.required else (() if several else None)
    kind, info = param.type_descriptor.annotation, param.type_descriptor.parameter_info
    if not several:
        return _word(kind, info, value)
    if get_origin(kind) is not list or not isinstance(value, (list, tuple)):
        return _OTHER
    made = [_word(get_args(kind)[0], info, one) for one in value]
    return _OTHER if any(one is _OTHER for one in made) else made


def _word(kind: Any, info: Any, value: Any) -> Any:
    if kind is bool:
        return value if isinstance(value, bool) else _OTHER
    if kind is str and type(value) is str and info.parser is None:
        return value
    if kind is Path and isinstance(value, (str, Path)) and _any_path_will_do(info):
        return Path(value) if os.access(value, os.R_OK) or not Path(value).exists() else _OTHER
    if kind is int and not info.clamp and (type(value) is int or (type(value) is str and _DIGITS.fullmatch(value))):
        number = int(value)
        low, high = (number if bound is None else bound for bound in (info.min, info.max))
        return number if low <= number <= high else _OTHER
    return _OTHER


def _any_path_will_do(info: Any) -> bool:
    asked = info.exists or info.writable or info.resolve_path or info.allow_dash or info.path_type or info.parser
    return not asked and info.file_okay and info.dir_okay
