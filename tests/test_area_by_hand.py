"""One statement of every area worked by hand: a few cases, the policy as it is committed, every amount in fen.

The giant case of another hospital stands for the rest of the city, so that a point is worth about what it is worth
there. Nothing below was copied from a run: each figure is worked out beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.run import clear
from engine.run_parts import RunOptions
from tests.area_years import HandCase, loaded, statement_lines, write_cases


@dataclass(frozen=True)
class Statement:
    """Cases of one area and year, and every posting line of one hospital in one pool."""

    short: str
    year: int
    hospital: str
    pool: str
    cases: tuple[HandCase, ...]
    lines: dict[tuple[str, str], int]
    final_fen: int


TCM, OTHER = "HX3703000003", "HX3703000002"
ZIBO = Statement(
    "zibo", 2022, TCM, "310",
    (
        HandCase("Z1", TCM, "310", "K25.300", "6000.00", "4700.00"),
        HandCase("Z2", TCM, "310", "N20.900", "12500.00", "9800.00"),
        HandCase("Z3", TCM, "310", "J18.900", "10000.00", "7700.00"),
        HandCase("Z4", TCM, "310", "M51.200", "330.00", "200.00", 1, "99.9200", ipt_med_type="2", department="A50"),
        HandCase("GIANT", OTHER, "310", "S52.000", "13000000.00", "100.00", 9),
    ),
    {
        # Declared 4,700.00 + 9,800.00 + 7,700.00 + 200.00; class A is paid all of it; 5 % of it is withheld.
        ("2022-03", "prepayment"): 2_240_000,
        ("2022-03", "deposit_withheld"): -112_000,
        # Z3 is number 14 of the list: 11,880.00 at level III for employees × 0.78.
        ("2022", "fixed_standard.single"): 926_640,
        # Z4, one day at 320.00 × 0.85.
        ("2022", "fixed_standard.tcm_day_ward"): 27_200,
        # Plan 17,660,000.00 (less than 1.1 × 16,276,000.00) − 5 % 883,000.00 − outside 4,100,000.00
        #   − fixed 9,000 − 330,000 − 2,800,000 − 180,000 = 9,358,000.00 to the points; ÷ 0.80 = 11,697,500.00.
        # K = 13.31282. Z1 468.0729 × K = 6,231.37, ratio 0.963: 468.0729 points.
        # Z2 423.0606 × K = 5,632.13, ratio 2.2194: 423.0606 × 1.21940915 = 515.8840.
        # GIANT 541.0754 × K = 7,203.24, ratio 1,804.74: 541.0754 × 1,803.74356968 = 975,961.2735.
        # Σ 976,945.2304; 11,697,500 ÷ Σ = 11.97354738, published 11.9735.
        # 0.80 × 11.9735 × points: Z1 448,357.669, Z2 494,154.966, GIANT 934,853,784.660 fen. The pot is 935,796,297, so
        # the floors leave two fen, to Z2 and Z1, whose remainders are the largest.
        ("2022", "standard.dip"): 448_358 + 494_155,
        # Booked 1,450,000 against 942,513: 507,487 over; the first tenth of the standard, 94,251.3, × 0.70 = 65,975.91.
        ("2022", "overspend_shared"): 65_976,
        ("2022", "prepaid"): -2_240_000,
        # Score 91: all of the deposit.
        ("2022", "quality_deposit"): 112_000,
        # 926,640 + 27,200 + 942,513 + 65,976 − 2,240,000 + 112,000 = −165,671: carried.
        ("2022", "carried_to_next_year"): 165_671,
    },
    0,
)  # fmt: skip

THIRD, FIRST = "HX1301000003", "HX1301000001"
SHIJIAZHUANG = Statement(
    "shijiazhuang", 2023, THIRD, "310",
    (
        HandCase("J1", THIRD, "310", "H25.900", "6500.00", "5000.00", 1, "13.4100", ipt_med_type="2"),
        HandCase("J2", THIRD, "310", "K25.300", "2600.00", "2300.00", 0, med_type="14", ipt_med_type=""),
        HandCase("J3", THIRD, "310", "F20.900", "16000.00", "12000.00", 70),
        HandCase("J4", THIRD, "310", "D61.900", "150000.00", "110000.00", 30, "41.0401"),
        HandCase("G1", FIRST, "310", "S52.000", "16000000.00", "100.00", 9),
        HandCase("G2", FIRST, "310", "K25.300", "520000.00", "100.00", 0, med_type="14", ipt_med_type=""),
    ),
    {
        # 5,000.00 + 2,300.00 + 12,000.00 + 110,000.00, class B.
        ("2023-03", "prepayment"): 12_930_000,
        ("2023-03", "deposit_withheld"): -646_500,
        # J3: 70 days, psychiatric, 220.00 a day up to the ninetieth: 15,400.00 × 0.85.
        ("2023", "fixed_standard.bed_day"): 1_309_000,
        # J4: 41.04… is on the list of complex cases, paid what was booked.
        ("2023", "fixed_standard.complex_cases"): 11_000_000,
        # Plan 18,200,000.00 − 910,000.00 − 4,000,000.00 − 990,000.00 = 12,300,000.00; 0.965 of it 11,869,500.00.
        # J1 509.2317 points (day surgery, ratio 0.959). G1 541.0754 × (2,221.2226 − 1) = 1,201,307.9694.
        # 11,869,500 ÷ 0.80 ÷ 1,201,817.2011 = 12.34536749, published 12.3454.
        # 0.80 × 12.3454 × points: J1 502,933.522, G1 1,186,450,192.434 fen; one fen is left, to J1.
        ("2023", "standard.dip"): 502_934,
        # The pot of outpatient special diseases: 0.035 × 12,300,000.00 = 430,500.00.
        # J2: 2,600.00 ÷ 6,231.37 = 0.417 is low, so its points are 2,600 ÷ 13.31282 = 195.3005.
        # G2: 468.0729 × (83.4489 − 1) = 38,592.0211. Σ 38,787.3216; 538,125 ÷ Σ = 13.87373445, published 13.8737.
        # 0.80 × 13.8737 × points: J2 216,763.244, G2 42,833,129.851 fen; one fen is left, to G2.
        ("2023", "standard.outpatient_dip"): 216_763,
        # Both pots together: 730,000 booked against 719,697; 10,303 × 0.70 × 0.98 (score 85) = 7,067.858.
        ("2023", "overspend_shared"): 7_068,
        ("2023", "prepaid"): -12_930_000,
        # Score 85: nine tenths of the deposit; the rest goes to the reserve.
        ("2023", "quality_deposit"): 581_850,
    },
    687_615,
)  # fmt: skip

PRICED = "HX3501000001"
FUZHOU = Statement(
    "fuzhou", 2022, PRICED, "390",
    (
        HandCase("F1", PRICED, "390", "K29.500", "4000.00", "2600.00"),
        HandCase("F2", PRICED, "390", "K29.500", "15000.00", "6000.00"),
        HandCase("F3", PRICED, "390", "K29.500", "1500.00", "900.00"),
        HandCase("F4", PRICED, "390", "F20.900", "9000.00", "6500.00", 40),
    ),
    {
        # 2,600.00 + 6,000.00 + 900.00 + 6,500.00.
        ("2022-03", "prepayment"): 1_600_000,
        ("2022-03", "deposit_withheld"): -80_000,
        # F4: 30 days at 230.00 and 10 at 190.00 = 8,800.00 × 0.80.
        ("2022", "fixed_standard.bed_day"): 704_000,
        # Group GU15, weight 0.3271, mean 4,356.81, coefficient of level III 1.0.
        # F1 normal 0.3271. F2 ratio 3.442886 > 3: 0.3271 × (1 + 0.442886) = 0.4720. F3 low, 0.3271 × 0.3443 = 0.1126.
        # Σ 0.9117 × 13,600.00 × 0.62 = 7,687.4544; all of it is this hospital's.
        ("2022", "standard.cdrg"): 768_745,
        # Booked 950,000: 181,255 over, of which 76,874.5 × 0.70 = 53,812.15.
        ("2022", "overspend_shared"): 53_812,
        ("2022", "prepaid"): -1_600_000,
        ("2022", "quality_deposit"): 80_000,
    },
    6_557,
)  # fmt: skip

SECOND, MAIN = "HX4415000002", "HX4415000001"
SHANWEI = Statement(
    "shanwei", 2022, SECOND, "390",
    (
        HandCase("W1", SECOND, "390", "K25.300", "6000.00", "4500.00", out="2021-12-31", settled="01-05"),
        HandCase("W2", SECOND, "390", "K29.500", "4000.00", "2600.00"),
        HandCase("W3", SECOND, "390", "N39.000", "3500.00", "2300.00"),
        HandCase("W4", SECOND, "390", "Z50.900", "16500.00", "11000.00", 40, department="A21"),
        HandCase("GIANT", MAIN, "390", "N39.000", "20000000.00", "12400000.00"),
    ),
    {
        # January: W1. March: 2,600.00 + 2,300.00 + 11,000.00.
        ("2022-01", "prepayment"): 450_000,
        ("2022-01", "deposit_withheld"): -22_500,
        ("2022-03", "prepayment"): 1_590_000,
        ("2022-03", "deposit_withheld"): -79_500,
        # W4: 30 × 420.00 + 10 × 340.00 = 16,000.00 × 0.74.
        ("2022", "fixed_standard.rehab"): 1_184_000,
        # Plan 27,830,000.00 − 1,391,500.00 − 4,900,000.00 − 3,630,000.00 = 17,908,500.00; 0.992 of it 17,765,232.00.
        # W2 GU15, same price: 32.7051. W3 LT15, ratio 0.5999, on the ramp: 43.7965 × (0.599895 + 0.2) = 35.0326.
        # GIANT: 43.7965 × 1.05 + (3,427.9740 − 3) × 43.7965 = 150,047.8593. Σ 150,115.5970.
        # Patients: 1,400.00 + 1,200.00 + 7,600,000.00. (17,765,232 + 7,602,600) ÷ Σ = 168.98864946, published 168.9886.
        # 168.9886 × points: W2 552,678.91 fen, W3 592,011.00 fen.
        ("2022", "standard.drg"): 552_679 + 592_011,
        ("2022", "patient_borne.drg"): -260_000,
        # W1 at last year's value: 468.0729 × 13.65 = 6,389.195….
        ("2022", "standard.dip"): 638_920,
        ("2022", "patient_borne.dip"): -150_000,
        # S 1,144,690 + 638,920 − 410,000 = 1,373,610 against 940,000 booked: 433,610 left, 15 % of S = 206,041.5 kept.
        ("2022", "surplus_returned"): -227_569,
        ("2022", "prepaid"): -2_040_000,
        # Score 88.5: nine tenths of 102,000.
        ("2022", "quality_deposit"): 91_800,
    },
    381_841,
)  # fmt: skip

WARD = "HX6109260003"
PINGLI = Statement(
    "pingli", 2020, WARD, "390",
    (
        HandCase("P1", WARD, "390", "F20.900", "16000.00", "12000.00", 100, department="A15"),
        HandCase("P2", WARD, "390", "Z50.900", "12000.00", "9000.00", 45, department="A21"),
        HandCase("P3", WARD, "390", "J18.900", "9000.00", "6000.00"),
        HandCase("P4", WARD, "390", "R10.400", "2000.00", "1234.56"),
    ),
    {
        # 28,234.56 × 0.90 = 25,411.104; 5 % of 25,411.10 = 1,270.555.
        ("2020-03", "prepayment"): 2_541_110,
        ("2020-03", "deposit_withheld"): -127_056,
        # P1: 30 × 200.00 + 60 × 170.00 + 10 × 140.00 = 17,600.00 × 0.74.
        ("2020", "fixed_standard.psychiatric"): 1_302_400,
        # P2: 30 × 320.00 + 15 × 240.00 = 13,200.00 × 0.74.
        ("2020", "fixed_standard.rehab"): 976_800,
        # P3 is number 84 of the list: 10,680.00 at level II for residents × 0.64.
        ("2020", "fixed_standard.single"): 683_520,
        # P4 is on no list: what was booked.
        ("2020", "fixed_standard.by_item"): 123_456,
        ("2020", "prepaid"): -2_541_110,
        # Score 84: nine tenths, 114,350.4.
        ("2020", "quality_deposit"): 114_350,
    },
    659_416,
)  # fmt: skip


@pytest.mark.parametrize("paper", [ZIBO, SHIJIAZHUANG, FUZHOU, SHANWEI, PINGLI], ids=lambda paper: paper.short)
def test_a_statement_worked_by_hand(paper: Statement, tmp_path: Path) -> None:
    path = write_cases(tmp_path / "cases.csv", paper.year, paper.cases, loaded(paper.short).policy.code)
    options = RunOptions(shelf=tmp_path / "runs", profile="strict", months="cases")
    result = clear([path], loaded(paper.short), paper.year, options)
    assert not result.counts["rejected"] and result.counts["in_period"] == len(paper.cases)
    assert statement_lines(result, paper.hospital, paper.pool) == paper.lines
    yearly = sum(fen for (period, _), fen in paper.lines.items() if period == str(paper.year))
    assert yearly == paper.final_fen
