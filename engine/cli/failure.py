"""From an error to what the user sees: a title in both languages, the text, and an exit code.

Errors a user can mend are printed without a traceback. A broken invariant says that nothing was published. Anything
else is our fault and keeps its traceback, because hiding it would hide the fault.
"""

from __future__ import annotations

import sys
import traceback

from engine.errors import EXIT_INTERRUPTED, EXIT_INVARIANT, DianzhiError, PolicyError
from engine.lang import say

_TITLES = {
    1: ("出错", "error"),
    3: ("病例文件有误", "case file"),
    4: ("分组方案有误", "rule pack"),
    5: ("结算办法有误", "policy"),
    7: ("运行记录有误", "run"),
}


def report(error: BaseException) -> int:
    """Print `error` for a person and return the exit code."""
    if isinstance(error, KeyboardInterrupt):
        _print(say("已中断，没有留下任何输出。", "interrupted; no output was left behind."))
        return EXIT_INTERRUPTED
    if isinstance(error, DianzhiError):
        _print(f"{say(*_TITLES.get(error.exit_code, _TITLES[1]))}: {error}")
        return error.exit_code
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        _print(
            f"{say('文件系统', 'file system')}: {where}{error.strerror or error}. "
            + say("没有发布任何结果。", "Nothing was published.")
        )
        return 1
    if isinstance(error, AssertionError):  # InvariantBroken is one
        _print(
            say("账目或数据未能自证，没有发布任何结果", "a proof did not hold, nothing was published") + f": {error}"
        )
        return EXIT_INVARIANT
    if _is_policy_fault(error):
        _print(f"{say(*_TITLES[PolicyError.exit_code])}: {error}")
        return PolicyError.exit_code
    traceback.print_exception(error)
    _print(say("这是程序的错误，没有发布任何结果。", "this is a fault of the program; nothing was published."))
    return 1


def _is_policy_fault(error: BaseException) -> bool:
    """Policy and data that cannot be settled together: the texts of the data plane say which number to change."""
    from pointvalue.allocate import SharesDoNotMeetTotal
    from pointvalue.budget import ClearingStopped
    from pointvalue.cases import CaseFault
    from pointvalue.check import AreaFaulty

    return isinstance(error, (SharesDoNotMeetTotal, ClearingStopped, CaseFault, AreaFaulty))


def _print(text: str) -> None:
    print(f"dianzhi: {text}", file=sys.stderr)
