"""Where the real rule tables and answer files stand: beside the checkout, never inside it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
EDITIONS_ROOT = SHARED / "data" / "chs_drg"
EDITIONS = (
    "beijing_2022",
    "chs_drg_11",
    "foshan_2022",
    "fuzhou_2022",
    "guangxi_2022",
    "hefei_2023",
    "qingdao_2023",
    "zhejiang_2022",
)

needs_shared = pytest.mark.skipif(
    not EDITIONS_ROOT.is_dir(),
    reason=f"REAL RULE TABLES ABSENT: put them at {EDITIONS_ROOT} to run this test; it was NOT run",
)
