"""Whose fault it is, and what the command line does about it.

Every error a user can mend derives from `DianzhiError` and carries a text that says where, what and what next.
Exit codes are part of the contract with scripts; they are listed in the README and never reused.
"""

from __future__ import annotations


class DianzhiError(Exception):
    """An error the user can mend. The text names the place, the fault and the next step."""

    exit_code = 1


class CaseFileError(DianzhiError):
    """A case file that cannot be read as a whole 「病例文件」. Single bad rows are rejections, never this."""

    exit_code = 3


class PackError(DianzhiError):
    """A rule pack that does not load 「分组方案」."""

    exit_code = 4


class PolicyError(DianzhiError):
    """A settlement policy that does not load or does not fit the run 「结算办法」."""

    exit_code = 5


class RunError(DianzhiError):
    """A run folder that cannot be written, found or believed 「运行记录」."""

    exit_code = 7


EXIT_INVARIANT = 6
"""Our own fault: a proof of the accounts did not hold, so nothing was published."""
EXIT_INTERRUPTED = 130
