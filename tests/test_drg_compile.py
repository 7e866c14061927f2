"""What compiling refuses, and what the kernel refuses to read: both before any array is followed."""

from dataclasses import replace

import numpy as np
import pytest

from grouper.batch import DROPPED, EMPTY, UNKNOWN, UNMAPPED, CaseBatch
from grouper.check import TablesError
from grouper.compile import CompiledDrg, compile_drg
from grouper.drg import group_batch
from grouper.encode import encode_cases
from grouper.reference import Walker
from grouper.tables import STANDARD_NUMERIC, Atom, DrgTables, Node, NumericField
from tests.drg_tiny import edition, record

LISTS = {"valid_ops": "op:O1", "B": "dx:B1 B2", "ward": "dept:A B"}
TREE = [("MDCB", "dx_main in B & dept in ward", [("BR1", "", [("BR19", "")])])]


def good() -> DrgTables:
    return edition(TREE, LISTS, dx_map={"b": "B1", "x": "-", "u": "U"}, dx_known=frozenset({"B1", "K"}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nodes": (*good().nodes, Node(0, None, "MDC", 1, "MDCC"))}, "node 0 stands twice"),
        ({"nodes": (*good().nodes, Node(9, None, "GROUP", 1, "X"))}, "Allowed: MDC, ADRG, QY, DRG"),
        ({"nodes": (*good().nodes, Node(9, 77, "ADRG", 1, "CR1"))}, "parent 77 does not exist"),
        ({"nodes": (*good().nodes, Node(9, 2, "DRG", 1, "BR18"))}, "must stand under ADRG"),
        ({"nodes": (*good().nodes, Node(9, None, "ADRG", 1, "BR2"))}, "must stand under MDC"),
        ({"nodes": (*good().nodes, Node(9, 1, "DRG", 1, "BR"))}, "too short"),
        ({"atoms": (Atom(5, 0, 0, "n_dx", "range"),)}, "no such node"),
        ({"atoms": (Atom(0, 0, 0, "n_fx", "range"),)}, "unknown variable 'n_fx'. Allowed: dx_main"),
        ({"atoms": (Atom(0, 0, 0, "dx_main", "range"),)}, "cannot be tested by 'range'"),
        ({"atoms": (Atom(0, 0, 0, "dx_main", "in", 44),)}, "list 44 does not exist"),
        ({"atoms": (Atom(0, 0, 0, "dx_main", "in", 0),)}, "holds op codes, dx_main needs dx"),
        ({"atoms": (Atom(0, 0, 0, "n_dx", "range", None, -(2**31)),)}, "does not fit 32 bits"),
        ({"atoms": (Atom(0, 0, 0, "n_dx", "range", None, None, 2**31),)}, "does not fit 32 bits"),
        ({"numeric": STANDARD_NUMERIC[1:]}, "numeric fields lack gender"),
        ({"numeric": (*STANDARD_NUMERIC, NumericField("n_dx", "1", "n"))}, "'n_dx' is declared twice or is a name"),
        ({"complications": {"B1": ("HIGH", 1)}}, "Allowed: MCC, CC"),
        ({"sites": {f"B{i}": f"site {i}" for i in range(17)}}, "17 body sites; at most 16"),
    ],
)
def test_tables_of_the_wrong_form_are_refused_with_what_is_allowed(change: dict[str, object], words: str) -> None:
    broken = replace(good(), **change)  # type: ignore[arg-type]
    for use in (compile_drg, Walker):
        with pytest.raises(TablesError, match=words.replace("'", ".").replace(".", r".")):
            use(broken)


def test_a_compiled_edition_cannot_be_written_to() -> None:
    compiled = compile_drg(good())
    for array in (compiled.atoms, compiled.gates, compiled.dx.rows, compiled.op.attributes, compiled.dx_candidates):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1


def test_codes_become_ids_and_mapped_codes_the_ids_of_their_targets() -> None:
    compiled = compile_drg(good())
    plain, mapped = compiled.lookup_dx(False), compiled.lookup_dx(True)
    assert plain[""] == EMPTY == mapped[""]
    assert plain["B1"] > 0 and plain["K"] > 0 and "b" not in plain
    assert (mapped["b"], mapped["x"], mapped["u"]) == (plain["B1"], DROPPED, UNKNOWN)
    assert "B1" not in mapped, "with mapping on a target is no source"
    assert compiled.text_vocab["dept"].keys() == {"A", "B"}


def batch(compiled: CompiledDrg) -> CaseBatch:
    return encode_cases(compiled, [record("B1", "O1", {"dept": "A"})])


@pytest.mark.parametrize("bad", [UNMAPPED, DROPPED, 10**6])
def test_ids_outside_the_vocabulary_are_refused(bad: int) -> None:
    compiled = compile_drg(good())
    with pytest.raises(AssertionError, match="diagnosis ids must lie in"):
        group_batch(compiled, replace(batch(compiled), dx_ids=np.array([bad], np.int32)))
    with pytest.raises(AssertionError, match="procedure ids must lie in"):
        group_batch(compiled, replace(batch(compiled), op_ids=np.array([bad], np.int32)))


def test_fields_of_another_shape_or_with_unknown_values_are_refused() -> None:
    compiled = compile_drg(good())
    one = batch(compiled)
    with pytest.raises(AssertionError, match="numeric rows"):
        group_batch(compiled, replace(one, numeric=one.numeric[1:]))
    with pytest.raises(AssertionError, match="dept ids"):
        group_batch(compiled, replace(one, text=np.full_like(one.text, 2)))
    with pytest.raises(AssertionError, match="record count"):
        replace(one, op_offsets=np.array([0, 0, 1]))
    with pytest.raises(AssertionError, match="outside the ids"):
        replace(one, dx_offsets=np.array([0, 2]))
    with pytest.raises(AssertionError, match="must not fall"):
        CaseBatch(np.array([1, 0]), one.dx_ids, one.op_offsets, one.op_ids, one.numeric, one.text)
    with pytest.raises(ValueError, match="does not fit 32 bits"):
        encode_cases(compiled, [record("B1", los_days=2**31)])
