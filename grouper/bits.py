"""Bits of machine words, for the kernels.

In: words; out: how many bits are set, which is the lowest. It knows no rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from grouper.jit import inlined

_EIGHT = 8
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT_AT = np.zeros(64, np.int64)
for _bit in range(64):
    _BIT_AT[((int(_DE_BRUIJN) << _bit) & (2**64 - 1)) >> 58] = _bit


@inlined
def ones(mask: int) -> int:
    """How many bits of a mask are set."""
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@inlined
def lowest_bit(word: Any) -> int:
    """Place of the lowest bit of an unsigned word that has one, found by one multiplication."""
    return int(_BIT_AT[((word & (~word + np.uint64(1))) * _DE_BRUIJN) >> np.uint64(58)])


def _first_bit(_: Any, word: Any) -> Any:
    """Place of the lowest bit of a word that has one, as the machine tells it."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), code


def _set_bits(_: Any, word: Any) -> Any:
    """How many bits of a word are set, as the machine counts them."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), code


def _first_common(_: Any, one: Any, other: Any) -> Any:
    """Of eight words at each of two addresses, the first that share a bit; eight if none do."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        eight = ir.VectorType(ir.IntType(64), _EIGHT)
        words = [builder.load(builder.inttoptr(address, eight.as_pointer()), align=8) for address in arguments]
        shared = builder.icmp_unsigned("!=", builder.and_(*words), ir.Constant(eight, [0] * _EIGHT))
        found = builder.zext(builder.bitcast(shared, ir.IntType(_EIGHT)), ir.IntType(64))
        found = builder.or_(found, ir.Constant(ir.IntType(64), 1 << _EIGHT))
        return builder.cttz(found, ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64, types.int64), code


first_common: Any = intrinsic(_first_common)
first_bit: Any = intrinsic(_first_bit)
set_bits: Any = intrinsic(_set_bits)
