"""What a record may hold at most 「取值界限」.

In: nothing; out: the limits the rules of validation compare with, whoever asks: frames, compiled loops, one record.
It decides nothing.
"""

from __future__ import annotations

COST_MAX_FEN = 9 * 10**10
"""Nine hundred million yuan: no stay costs that, and every exact sum and product of the engine holds below it."""
AGE_MAX = 130
NEWBORN_DAYS = 28
BIRTH_WEIGHT_G = (200, 9999)
"""Below 200 g no child has lived; above four digits the unit is wrong. decimal(6,2)."""
STAY_SLACK_DAYS = 3
"""Counting the first or last day moves a stay by one, a leave over a weekend by two; more is another stay."""
CODES_MAX = 100
"""The front page holds 41 of each; a hundred means that something was split at the wrong places."""
DISPOSITIONS = ("1", "2", "3", "4", "5", "9")
DIAGNOSIS_LENGTH_MAX, PROCEDURE_LENGTH_MAX = 20, 30
"""National text lengths of diag_code and oprn_oprt_code."""
