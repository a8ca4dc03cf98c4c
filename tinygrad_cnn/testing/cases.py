"""`OpCase`: everything that a test must know about an operation, in one record."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .flat import Flat, flat_function
from .names import function_name

__all__ = ["Call", "ErrorCase", "OpCase"]


class Call(NamedTuple):
    """The arguments of one call.

    Attributes
    ----------
    operands : tuple
        The positional arguments.
    params : dict of str to object
        The keyword arguments.

    Examples
    --------
    >>> Call((2.0,), {"axis": 0})
    Call(operands=(2.0,), params={'axis': 0})
    """

    operands: tuple[Any, ...]
    params: dict[str, Any]


class ErrorCase(NamedTuple):
    """A call that must be refused.

    Attributes
    ----------
    operands : tuple
        The positional arguments of the call.
    error : type of Exception
        The type of the error that the call must raise.
    params : dict of str to object
        The keyword arguments of the call.
    says : tuple of str
        The words that the message, with its notes, must contain. By default they are the shapes of all arrays
        among the operands. A shape may stand as ``(2, 3)`` or ``[2, 3]``.

    Examples
    --------
    >>> import numpy as np
    >>> ErrorCase((np.ones(2), np.ones(3)), ValueError).says
    ()
    """

    operands: tuple[Any, ...]
    error: type[Exception]
    params: Mapping[str, Any] = {}
    says: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Options:
    """The optional fields of `OpCase`, which are given by keyword."""

    params: Any = None
    reference: Callable[..., Any] | None = None
    linear_in: Sequence[str] = ()
    constant: Sequence[str] = ()
    order: int = 2
    elementwise: bool = False
    errors: Sequence[ErrorCase] = ()
    skip: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)  # arrays among its errors could not be compared, nor hashed
class OpCase(_Options):
    """An operation, the calls to try it with, and what must hold of them; `conformance` makes tests of it.

    Parameters
    ----------
    name : str
        The name for tests and messages.
    function : callable
        The operation, which is a primitive or a function built of primitives.
    operands : hypothesis strategy or tuple of strategy
        A strategy that draws an array, a tuple of positional arguments, or a `Call` that has the keywords
        too; or a tuple with one strategy for each operand. It should draw points where the operation is
        differentiable, empty arrays and every memory layout among them.
    params : dict of str to strategy, or callable, optional
        The strategies of the keywords. A callable is given the operands and returns the dict; an axis needs
        this, since it depends on the number of dimensions.
    reference : callable, optional
        A slow and plain function from NumPy alone that takes the same arguments and returns the same values.
    linear_in : sequence of str
        The operands in which the operation is linear, with integer values for integer data. They are tested
        without tolerance.
    constant : sequence of str
        The floating operands that have no gradient.
    order : int
        The highest order of derivative to test.
    elementwise : bool
        Whether an element of the output depends on the same element of the operands alone, up to
        broadcasting. Then an element whose cotangent is zero must not matter, even if it is NaN.
    errors : sequence of ErrorCase
        The calls that must be refused.
    skip : dict of str to str
        The properties that do not hold for this operation, each with the reason.

    Examples
    --------
    >>> from tinygrad_cnn import sin
    >>> from tinygrad_cnn.testing import strategies
    >>> case = OpCase("sin", sin, operands=strategies.arrays(), reference=lambda x: sin(x))
    >>> case.order
    2
    """

    name: str
    function: Callable[..., Any]
    operands: Any

    def bound(self, call: Call) -> Callable[..., Any]:
        """Return the operation as a function of the operands alone, with the keywords filled in."""
        return functools.partial(self.function, **call.params) if call.params else self.function

    def flat(self, call: Call) -> Flat:
        """Return the operation as a function of the floating arrays of the call."""
        return flat_function(self.bound(call), call.operands, self.constant)

    def leaves(self, call: Call) -> list[Any]:
        """Return the arrays of the call that are differentiated."""
        return self.flat(call).leaves

    def __repr__(self) -> str:
        return f"OpCase({self.name!r}, {function_name(self.function)})"
