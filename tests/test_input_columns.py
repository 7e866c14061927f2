"""The table of columns is complete, and files have the types of the data standard."""

import pyarrow as pa

from engine.cases.columns import COLUMNS, DERIVED_FEN, FILES, TYPED, arrow_schema, arrow_type
from engine.cases.rejection import TEXT_EN, TEXT_ZH, Reject
from engine.cases.repair import TEXT_EN as REPAIR_EN
from engine.cases.repair import TEXT_ZH as REPAIR_ZH
from engine.cases.repair import Repair


def test_every_column_of_every_file_is_in_the_table_and_stands_once() -> None:
    for file, names in FILES.items():
        assert len(set(names)) == len(names), file
        assert set(names) <= set(COLUMNS), file
    assert {typed.column for typed in TYPED} | set(DERIVED_FEN.values()) <= set(COLUMNS)


def test_every_column_has_a_label_a_meaning_and_a_known_type() -> None:
    for column in COLUMNS.values():
        assert column.label and column.meaning and column.source, column.name
        assert isinstance(arrow_type(column.name), pa.DataType), column.name


def test_money_points_and_coefficients_are_decimals_of_the_standard() -> None:
    settled = arrow_schema("settled")
    for name in ("medfee_sumamt", "hifp_pay", "psn_part_amt", "std_fee", "drg_dip_sumamt", "setl_dif_amt"):
        assert settled.field(name).type == pa.decimal128(16, 2)
    for name in ("base_pt", "setl_pt", "pt_val"):
        assert settled.field(name).type == pa.decimal128(18, 8)
    for name in ("medins_coef", "fee_mult"):
        assert settled.field(name).type == pa.decimal128(12, 6)
    assert arrow_schema("clearing").field("grp_rate").type == pa.decimal128(9, 6)
    assert arrow_schema("lines").field("amount_fen").type == pa.int64()
    assert arrow_schema("grouped").field("mcc_diag_codes").type == pa.list_(pa.string())


def test_no_column_of_any_file_is_a_float() -> None:
    for file in FILES:
        for field in arrow_schema(file):
            assert not pa.types.is_floating(field.type), (file, field.name)


def test_amounts_carry_their_unit() -> None:
    for column in COLUMNS.values():
        if column.type == "decimal 16,2":
            assert column.unit == "yuan", column.name
        if column.name.endswith("_fen"):
            assert column.unit == "fen", column.name


def test_national_and_proposed_names_are_told_apart() -> None:
    assert COLUMNS["hifp_pay"].national and not COLUMNS["setl_pt"].national
    assert not COLUMNS["vent_used_h"].national, "derived from a national field is still a proposed name"
    assert COLUMNS["setl_id"].length == 30


def test_every_rejection_and_repair_has_its_words() -> None:
    assert set(TEXT_ZH) == set(TEXT_EN) == set(Reject)
    assert set(REPAIR_ZH) == set(REPAIR_EN) == set(Repair)
    codes = [reject.value for reject in Reject]
    assert codes == sorted(set(codes)), "codes ascend in order of precedence"
