"""The bundles of medical consortia 「医共体打包」 of a cleared year: package, spent inside and outside, what is kept.

In: bundle contracts and settled cases; out: a row per contract. Inside spend is the contract's own figure, or what the
members' cases of its pool booked. The payment is that of the posting line; nothing is computed that pays anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from engine.report.page_tables import Head, PageTable
from engine.watch.tables import table_of
from engine.write_settled import SettledCases
from pointvalue.fixed_wide import total
from pointvalue.model import BundleContract
from pointvalue.special import bundle_payment
from pointvalue.terms import Route


@dataclass(frozen=True)
class BundleRow:
    """One bundle, money in fen. `public_health_fen` lies inside the package."""

    contract: BundleContract
    inside_fen: int
    paid_fen: int

    @property
    def surplus_fen(self) -> int:
        """Package less spend inside and outside; below zero a deficit."""
        return self.contract.package_fen - self.inside_fen - self.contract.outside_fen


def bundle_rows(settled: SettledCases) -> list[BundleRow]:
    """Every bundle contract of the year, in the order the policy gives them."""
    found = []
    for contract in settled.area.contracts:
        if isinstance(contract, BundleContract):
            inside = contract.inside_fen if contract.inside_fen is not None else _inside(settled, contract)
            found.append(BundleRow(contract, inside, bundle_payment(contract, inside)))
    return found


def _inside(settled: SettledCases, contract: BundleContract) -> int:
    members = contract.members or (contract.hospital,)
    own = np.array([hospital.code in members for hospital in settled.area.hospitals], np.bool_)
    cases = settled.cases
    rows = (settled.scored.route == int(Route.BUNDLE)) & own[cases.hospital]
    return total(cases.fund_fen[rows & (cases.pool == settled.area.pool_index(contract.pool))])


def bundle_file(rows: Sequence[BundleRow]) -> pa.Table:
    """`bundles.parquet`."""
    return table_of("bundles", [
        {"fixmedins_code": row.contract.hospital, "insutype": row.contract.pool,
         "package_fen": row.contract.package_fen, "public_health_fen": row.contract.public_health_fen,
         "inside_fen": row.inside_fen, "outside_fen": row.contract.outside_fen, "surplus_fen": row.surplus_fen,
         "paid_fen": row.paid_fen}
        for row in rows
    ])  # fmt: skip


def bundle_page(settled: SettledCases, rows: Sequence[BundleRow]) -> PageTable:
    """The page's table."""
    names = {hospital.code: hospital.name for hospital in settled.area.hospitals}
    columns = (
        *(Head("牵头机构", "Leading hospital"), Head("险种", "Pool"), Head("打包总额", "Package", "money")),
        *(Head("其中公共卫生经费", "Of it public health", "money"), Head("院内支出", "Spent inside", "money")),
        *(Head("院外支出", "Spent outside", "money"), Head("结余（负为超支）", "Surplus", "signed")),
        Head("应付", "Paid", "money"),
    )
    cells = tuple(
        (f"{names[row.contract.hospital]} {row.contract.hospital}", row.contract.pool, row.contract.package_fen,
         row.contract.public_health_fen, row.inside_fen, row.contract.outside_fen, row.surplus_fen, row.paid_fen)
        for row in rows
    )  # fmt: skip
    notes = (
        "应付 = 院内支出 ± 按约定比例留用的结余或承担的超支 Paid: spent inside, with the agreed share of the gap.",
    )
    return PageTable("医共体打包", "Consortium bundles", columns, cells, notes)
