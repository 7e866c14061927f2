"""Where an array begins, as the kernels pass it on: one register instead of a record of seven.

In: arrays a caller holds, or addresses of them; out: what is indexed like an array of one dimension. Indices are not
tested for being negative, and nothing keeps the array alive: whoever calls the kernel holds it until it is done.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import operator
from typing import Any

from numba import types
from numba.core.datamodel import models
from numba.extending import intrinsic, lower_builtin, register_model
from numba.np.arrayobj import make_array


class Words(types.CPointer):
    """Words that may change."""


class FixedWords(Words):
    """Words that nobody writes while the kernel runs, so that none need be read twice."""


def _words(_: Any, array: Any) -> Any:
    """The words of an array."""
    return Words(array.dtype)(array), _start


def _fixed_words(_: Any, array: Any) -> Any:
    """As `words`, of an array that is only read."""
    return FixedWords(array.dtype)(array), _start


def _address(_: Any, array: Any) -> Any:
    """Where an array begins, as a number that can be kept among other numbers."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(_start(context, builder, signature, arguments), context.get_value_type(types.intp))

    return types.intp(array), code


def _words_at(_: Any, address: Any) -> Any:
    """The int64 words at an address."""
    return Words(types.int64)(address), _at_address


def _ids_at(_: Any, address: Any) -> Any:
    """The int32 words at an address."""
    return Words(types.int32)(address), _at_address


def _at_address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))


def _start(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return make_array(signature.args[0])(context, builder, arguments[0]).data


def _read_fixed(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    pointer, place = arguments
    word = builder.load(builder.gep(pointer, [place]))
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word


register_model(Words)(models.PointerModel)
register_model(FixedWords)(models.PointerModel)
lower_builtin(operator.getitem, FixedWords, types.Integer)(_read_fixed)

words: Any = intrinsic(_words)
fixed_words: Any = intrinsic(_fixed_words)
address: Any = intrinsic(_address)
words_at: Any = intrinsic(_words_at)
ids_at: Any = intrinsic(_ids_at)
