"""Encoded cases say what the frame says, slot for slot; the slow encoder is the witness."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cases.demand import Demand
from engine.cases.encode import Encoder, code_ids
from engine.cases.load import load_cases
from engine.packs.load import load_pack
from grouper.batch import EMPTY, UNKNOWN, UNMAPPED, CaseBatch
from grouper.compile import CompiledDrg, compile_drg
from grouper.drg import group_batch
from grouper.encode import encode_cases
from grouper.tables import NULL_I32, STANDARD_NUMERIC, Atom, Case, CodeList, DrgOptions, DrgTables, Node, NumericField
from tests.shared_data import EDITIONS_ROOT, needs_shared

LONG = "C22.101M81600/3-and-more"
CODES = ("A00", "B00", "C00", LONG, "O1", "O2")


@cache
def _edition(mapping: bool = False) -> tuple[DrgTables, CompiledDrg]:
    tables = DrgTables(
        nodes=(Node(1, None, "MDC", 1, "MDCA"), Node(2, 1, "ADRG", 1, "AA1"), Node(3, 2, "DRG", 1, "AA19")),
        atoms=(Atom(1, 0, 0, "dx_main", "in", 1), Atom(2, 0, 0, "op_any", "in", 2), Atom(3, 0, 0, "dept", "in", 3)),
        lists={
            1: CodeList(1, "dx", None, ("A00", "B00", LONG)),
            2: CodeList(2, "op", None, ("O1", "O2")),
            3: CodeList(3, "dept", None, ("03", "ICU")),
        },
        complications={"C00": ("MCC", 1)},
        exclusion_of={},
        sites={},
        numeric=(*STANDARD_NUMERIC, NumericField("vent", "h", "vent_used_h")),
        options=DrgOptions(code_mapping=mapping),
        dx_map={"A0": "A00", "A00": "B00", "B0": "-"},
        op_map={"O1": "O1"},
    )
    return tables, compile_drg(tables)


def _frame(
    diagnoses: Sequence[object], procedures: Sequence[object], **columns: Sequence[object] | pl.Series
) -> pl.DataFrame:
    lists = pl.List(pl.String)
    numbers = ("gend", "age", "nwb_age", "nwb_bir_wt", "act_ipt_days")
    frame = pl.DataFrame(
        [pl.Series("diag_codes", diagnoses, dtype=lists), pl.Series("oprn_codes", procedures, dtype=lists)]
    )
    none = pl.lit(None)
    frame = frame.with_columns(none.cast(pl.Int32).alias(name) for name in numbers)
    frame = frame.with_columns(none.cast(pl.String).alias(name) for name in ("dscg_caty", "dscg_way"))
    return frame.with_columns(pl.Series(name, cells) for name, cells in columns.items())


def _slow(frame: pl.DataFrame, tables: DrgTables, compiled: CompiledDrg, mapped: bool | None) -> CaseBatch:
    cases = [
        Case(
            str(place),
            tuple(code or "" for code in cells["diag_codes"] or []),
            tuple(code or "" for code in cells["oprn_codes"] or []),
            {number.name: cells.get(number.source) for number in tables.numeric},
            {name: cells[column] for name, column in tables.text_fields.items()},
        )
        for place, cells in enumerate(frame.to_dicts())
    ]
    return encode_cases(compiled, cases, mapped)


def _same(fast: CaseBatch, slow: CaseBatch) -> None:
    assert fast.mapped == slow.mapped
    for name in ("dx_offsets", "dx_ids", "op_offsets", "op_ids", "numeric", "text"):
        assert np.array_equal(getattr(fast, name), getattr(slow, name)), name


lists = st.lists(
    st.one_of(st.none(), st.lists(st.one_of(st.none(), st.sampled_from((*CODES, "A0", "B0", "", "zz"))), max_size=5)),
    max_size=9,
)


@settings(max_examples=60, deadline=None)
@given(lists, st.booleans(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_any_lists_are_encoded_as_the_slow_encoder_does(
    diagnoses: list[list[str | None] | None], mapped: bool, cut: int, rng: object
) -> None:
    assert hasattr(rng, "choices")
    tables, compiled = _edition()
    count = len(diagnoses)
    frame = _frame(
        diagnoses,
        diagnoses[::-1],
        dscg_caty=pl.Series(rng.choices(["03", "ICU", "", None, "zz"], k=count), dtype=pl.String),
        age=pl.Series(rng.choices([0, 45, None], k=count), dtype=pl.Int32),
        vent_used_h=pl.Series(rng.choices([0, 96, None], k=count), dtype=pl.Int32),
    ).slice(min(cut, count))
    _same(Encoder(compiled, tables, mapped).encode(frame), _slow(frame, tables, compiled, mapped))


TYPES = [
    pa.list_(pa.string()),
    pa.large_list(pa.large_string()),
    pa.large_list(pa.string()),
    pa.list_(pa.large_string()),
    pa.list_(pa.dictionary(pa.int32(), pa.string())),
]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_every_arrow_list_gives_the_same_ids_also_sliced_and_chunked(kind: pa.DataType) -> None:
    cells: list[list[str | None] | None] = [["A00", LONG], None, [], ["zz", None, ""], ["B00"]]
    lookup = {"": EMPTY, "A00": 1, "B00": 2, LONG: 3}
    whole = pa.array(cells, pa.list_(pa.string())).cast(kind)
    offsets, ids = code_ids(whole, lookup, UNKNOWN)
    assert offsets.tolist() == [0, 2, 2, 2, 5, 6]
    assert ids.tolist() == [1, 3, UNKNOWN, EMPTY, EMPTY, 2]
    offsets, ids = code_ids(whole.slice(3), lookup, UNMAPPED)
    assert offsets.tolist() == [0, 3, 4] and ids.tolist() == [UNMAPPED, EMPTY, EMPTY, 2]
    offsets, ids = code_ids(pa.chunked_array([whole.slice(4), whole.slice(0, 1)]), lookup, UNKNOWN)
    assert offsets.tolist() == [0, 1, 3] and ids.tolist() == [2, 1, 3]
    offsets, ids = code_ids(whole.slice(0, 0), lookup, UNKNOWN)
    assert offsets.tolist() == [0] and len(ids) == 0


def test_what_lies_under_a_null_list_is_not_counted() -> None:
    # Arrow lets a null list point at values; `.values` alone would hand them to the neighbours.
    lists_ = pa.ListArray.from_arrays(
        pa.array([0, 1, 3], pa.int32()), pa.array(["A00", "x", "y"]), mask=pa.array([False, True])
    )
    offsets, ids = code_ids(lists_, {"A00": 1}, UNKNOWN)
    assert offsets.tolist() == [0, 1, 1] and ids.tolist() == [1]


def test_a_long_code_is_known_like_any_other() -> None:
    tables, compiled = _edition()
    batch = Encoder(compiled, tables).encode(_frame([[LONG], [LONG + "x"]], [[], []]))
    assert batch.dx_ids.tolist() == [compiled.dx_vocab[LONG], UNKNOWN]


def test_a_number_no_file_has_is_null_unless_the_pack_must_have_it() -> None:
    tables, compiled = _edition()
    frame = _frame([["A00"]], [["O1"]])
    assert Encoder(compiled, tables).encode(frame).numeric[-1].tolist() == [NULL_I32]
    strict = DrgTables(
        nodes=tables.nodes,
        atoms=tables.atoms,
        lists=tables.lists,
        complications=tables.complications,
        exclusion_of={},
        sites={},
        numeric=(*STANDARD_NUMERIC, NumericField("vent", "h", "vent_used_h", null_allowed=False)),
    )
    with pytest.raises(ValueError, match="vent_used_h"):
        Encoder(compile_drg(strict), strict).encode(frame)
    with pytest.raises(ValueError, match="1 cases have no vent_used_h"):
        Encoder(compile_drg(strict), strict).encode(frame.with_columns(pl.lit(None, pl.Int32).alias("vent_used_h")))


def test_the_edition_says_whether_codes_are_mapped() -> None:
    tables, compiled = _edition(mapping=True)
    batch = Encoder(compiled, tables).encode(_frame([["A00", "zz"]], [[]]))
    assert batch.mapped and batch.dx_ids.tolist() == [compiled.dx_vocab["B00"], UNMAPPED], "each code is replaced once"


@needs_shared
@pytest.mark.parametrize(
    ("edition", "answers", "mapped"),
    [("chs_drg_11", "oracle", False), ("chs_drg_11", "oracle_mapped", True), ("fuzhou_2022", "oracle", False)],
)
def test_the_published_answers_come_out_of_the_whole_way_from_file_to_group(
    edition: str, answers: str, mapped: bool
) -> None:
    pack = load_pack(EDITIONS_ROOT / edition)
    path = EDITIONS_ROOT / edition / f"{answers}.parquet"
    compiled = compile_drg(pack.tables)
    cases = load_cases([path], Demand("group", "compatible", pack.tables.numeric)).accepted
    fast = Encoder(compiled, pack.tables, mapped).encode(cases)
    _same(fast, _slow(cases, pack.tables, compiled, mapped))
    grouped = group_batch(compiled, fast)
    codes = [compiled.leaf_code[leaf] if leaf >= 0 else "0000" for leaf in grouped.leaf]
    expected = pl.read_parquet(path)["drg"].to_list()
    assert [place for place, pair in enumerate(zip(codes, expected, strict=True)) if pair[0] != pair[1]] == []
