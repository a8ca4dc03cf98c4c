"""`OpCase`: all that a test must know about an operation, in one record."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from .flat import flat_function, function_name

__all__ = ["Call", "ErrorCase", "OpCase"]


class Call(NamedTuple):
    """The arguments of one call.

    Attributes
    ----------
    operands : tuple
        Positional.
    params : dict of str to object
        Keywords.

    Examples
    --------
    >>> Call((2.0,), {"axis": 0})
    Call(operands=(2.0,), params={'axis': 0})
    """

    operands: tuple[Any, ...]
    params: dict[str, Any]


class ErrorCase(NamedTuple):
    """A call that must be refused.

    The message (with its notes) must contain each of ``says``; by default the shape of every array among the
    operands. A shape may stand as ``(2, 3)`` or ``[2, 3]``.

    Attributes
    ----------
    operands : tuple
    error : type of Exception
    params : dict of str to object
    says : tuple of str

    Examples
    --------
    >>> import numpy as np
    >>> ErrorCase((np.ones(2), np.ones(3)), ValueError).says
    ()
    """

    operands: tuple[Any, ...]
    error: type[Exception]
    params: Mapping[str, Any] = MappingProxyType({})
    says: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Options:
    params: Any = None
    reference: Callable | None = None
    linear_in: Sequence[str] = ()
    constant: Sequence[str] = ()
    order: int = 2
    errors: Sequence[ErrorCase] = ()
    skip: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OpCase(_Options):
    """An operation, what to call it with, and what is to hold; `conformance` makes tests of it.

    Parameters
    ----------
    name : str
        For the tests' names and messages.
    function : callable
        The operation: a primitive, or a function built of them.
    operands : hypothesis strategy, or tuple of strategy
        Draws an array, a tuple of positional arguments, or a `Call` with the keywords too; or one strategy
        for each operand. Points where the operation is differentiable; empty arrays and every memory layout
        among them.
    params : dict of str to strategy, or callable, optional
        The keywords. A callable is given the operands and returns the dict: for an axis, which depends on
        the number of dimensions.
    reference : callable, optional
        The same values from NumPy alone, slow and plain; takes the same arguments.
    linear_in : sequence of str
        Operands in which the operation is linear, with integers for integers: tested without tolerance.
    constant : sequence of str
        Floating operands that have no gradient.
    order : int
        The highest order of derivative to test.
    errors : sequence of ErrorCase
        Calls to be refused.
    skip : dict of str to str
        Properties that do not hold for this operation, each with the reason.

    Examples
    --------
    >>> from tinygrad_cnn import sin
    >>> from tinygrad_cnn.testing import strategies
    >>> case = OpCase("sin", sin, operands=strategies.arrays(), reference=lambda x: sin(x))
    >>> case.order
    2
    """

    name: str
    function: Callable
    operands: Any

    def bound(self, call: Call) -> Callable:
        """The operation as a function of the operands of ``call`` alone."""
        return functools.partial(self.function, **call.params) if call.params else self.function

    def leaves(self, call: Call) -> list[Any]:
        """The arrays of ``call`` that are differentiated."""
        return flat_function(self.bound(call), call.operands, self.constant).leaves

    def __repr__(self):
        return f"OpCase({self.name!r}, {function_name(self.function)})"
