"""Many bytes at once, from any place of an array, for compiled loops 「多字节读取」.

In: an array of bytes and a place with eight bytes from there on (four for `load32`), which the caller has checked; out:
a number, the first byte lowest, or such a number put there. And values of one array moved to another, or within one.
Kernels kept on disk hold what stood here when they were compiled, so what these do must not change.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import sys
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

assert sys.byteorder == "little", "bytes are read as a processor of the usual order has them"


@intrinsic
def _load64(typing_context: Any, data: Any, at: Any) -> Any:
    """data[at : at + 8] as one number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        wide = context.get_value_type(types.uint64).as_pointer()
        loaded = builder.load(builder.bitcast(builder.gep(array.data, [args[1]]), wide))
        loaded.align = 1  # it may begin anywhere
        return loaded

    return types.uint64(data, types.int64), generate


@intrinsic
def _load32(typing_context: Any, data: Any, at: Any) -> Any:
    """data[at : at + 4] as one number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        wide = context.get_value_type(types.uint32).as_pointer()
        loaded = builder.load(builder.bitcast(builder.gep(array.data, [args[1]]), wide))
        loaded.align = 1
        return loaded

    return types.uint32(data, types.int64), generate


@intrinsic
def _turned(typing_context: Any, number: Any) -> Any:
    """The number with its eight bytes in the other order."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bswap(args[0])

    return types.uint64(types.uint64), generate


@intrinsic
def _put(typing_context: Any, data: Any, at: Any, number: Any) -> Any:
    """data[at] = the lowest bits of a number; `at` is not negative, which spares a question for every value."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        place = builder.gep(array.data, [args[1]])
        kind = place.type.pointee
        cut = args[2] if kind.width == 64 else builder.trunc(args[2], kind)
        builder.store(cut, place)
        return context.get_dummy_value()

    return types.void(data, types.int64, types.uint64), generate


@intrinsic
def _store64(typing_context: Any, data: Any, at: Any, number: Any) -> Any:
    """data[at : at + 8] = the bytes of one number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        wide = context.get_value_type(types.uint64).as_pointer()
        stored = builder.store(args[2], builder.bitcast(builder.gep(array.data, [args[1]]), wide))
        stored.align = 1
        return context.get_dummy_value()

    return types.void(data, types.int64, types.uint64), generate


@intrinsic
def _move(typing_context: Any, target: Any, at: Any, source: Any, begin: Any, count: Any) -> Any:
    """target[at : at + count] = source[begin : begin + count], which may be the same memory."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        into = context.make_array(signature.args[0])(context, builder, args[0])
        out_of = context.make_array(signature.args[2])(context, builder, args[2])
        to, start = builder.gep(into.data, [args[1]]), builder.gep(out_of.data, [args[3]])
        cgutils.raw_memmove(builder, to, start, args[4], into.itemsize)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.int64), generate


@intrinsic
def _alike_bytes(typing_context: Any, one: Any, other: Any) -> Any:
    """How many of the first bytes of two numbers are the same; 8 if all are."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.cttz(builder.xor(args[0], args[1]), cgutils.false_bit)
        return builder.lshr(bits, bits.type(3))

    return types.int64(types.uint64, types.uint64), generate


load64: Any = _load64
"""Called in compiled code with what stands behind the first argument."""
load32: Any = _load32
turned: Any = _turned
put: Any = _put
store64: Any = _store64
alike_bytes: Any = _alike_bytes
move: Any = _move
