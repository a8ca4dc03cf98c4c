"""The property that wrong calls are refused, with an error that names what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..autodiff import vjp
from .cases import Call, ErrorCase, OpCase
from .verdict import require

__tracebackhide__ = True  # pytest shows the user's lines, and leaves out those of this module


def check_errors(case: OpCase, call: Call, seed: int) -> None:
    """A cotangent of a wrong shape is refused, and the error names both shapes."""
    flat = case.flat(call)
    _, pullback = vjp(flat.call, *flat.leaves)
    outputs = flat.values()
    wrong = [np.zeros((*out.shape, 7), out.dtype) for out in outputs]
    _require_refusal(lambda: pullback(wrong), ValueError, [str(outputs[0].shape), str(wrong[0].shape)])


def check_error_case(case: OpCase, wrong: ErrorCase) -> None:
    """The call is refused with the right type of error, which says what it must."""
    shapes = tuple(str(x.shape) for x in wrong.operands if isinstance(x, np.ndarray))
    _require_refusal(
        lambda: case.function(*wrong.operands, **wrong.params), wrong.error, wrong.says or shapes
    )


def _require_refusal(call: Callable[[], Any], error: type[Exception], says: Sequence[str]) -> None:
    try:
        call()
    except error as found:
        text = "\n".join([str(found), *getattr(found, "__notes__", ())])
    else:
        raise AssertionError(f"expected {error.__name__}, but the call went through")
    for words in says:
        is_said = words in text or _in_square_brackets(words) in _in_square_brackets(text)
        require(is_said, f"the error does not say {words!r}: {text}")


def _in_square_brackets(text: str) -> str:
    """Write shapes as ``[2, 3]``, since they may stand in either kind of bracket."""
    return re.sub(r"\(([\d, ]+?),?\)", r"[\1]", text)
