"""How kept rules are read back 「留存规则的读回」: the fingerprint of a pack or policy folder, as a run would see it.

In: a folder. Out: its fingerprint. The ledger asks after copying, so that no copy is kept that says something else.
"""

from __future__ import annotations

from pathlib import Path


def pack_fingerprint(folder: Path) -> str:
    """Of a DRG pack or a DIP catalogue."""
    from engine.editions import open_edition

    return open_edition(folder).fingerprint


def policy_fingerprint(folder: Path) -> str:
    """Of a settlement policy."""
    from engine.policy.load import load_policy

    return load_policy(folder).fingerprint
