"""What the tests know of one operation, beside its `OpCase`: its counterparts, and where it is singular."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.testing import ErrorCase, OpCase, strategies

from .written import ops


class Without(NamedTuple):
    """Stand where a counterpart would, and say why there is none."""

    reason: str


class ByHand(NamedTuple):
    """A row of the benchmark: operands, and the NumPy that one would write for them.

    ``by_hand`` is called with the operands and a cotangent; it returns the value and a gradient for each
    operand, which must be arrays of its own. ``call`` is the operation as it is called, by default with the
    operands alone.
    """

    operands: tuple[np.ndarray, ...]
    by_hand: Callable
    call: Callable | None = None
    label: str = ""


class Singular(NamedTuple):
    """A function of one array, and points at which its derivative is infinite or undefined."""

    function: Callable
    points: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Record:
    """An operation of the package, which users call.

    Parameters
    ----------
    case : OpCase
        How the operation is called, and what must hold of it. Its name is the operation's.
    torch : str or callable or Without, optional
        A name below ``torch``, or a function of the module and the arguments of the call. By default the
        function with the name of the operation in ``torch`` or in ``torch.nn.functional``.
    numpy : callable or Without, optional
        A function of the arguments of the call. By default NumPy's function with the name of the operation,
        if there is one.
    by_hand : sequence of ByHand
        Rows of the benchmark.
    ties : bool
        Whether floating operands may be rounded to integers: the operation is defined there too, and ties
        or kinks have the derivative that PyTorch gives them.
    shared : strategy of Call, optional
        Calls that PyTorch takes too, where that is not what the case draws.
    singular : dict of str to Singular
        Functions made of the operation that a zero cotangent must pass as zero.
    """

    case: OpCase
    torch: str | Callable | Without | None = None
    numpy: Callable | Without | None = None
    by_hand: Sequence[ByHand] = ()
    ties: bool = False
    shared: Any = None
    singular: Mapping[str, Singular] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the operation."""
        return self.case.name

    @property
    def calls(self) -> Any:
        """Draw calls of the operation."""
        return calls_of(self.case)

    def numpy_function(self) -> Callable | None:
        """Find the counterpart in NumPy; None if there is none."""
        if isinstance(self.numpy, Without):
            return None
        return self.numpy or getattr(np, self.name, getattr(np.linalg, self.name, None))

    def torch_function(self, torch: Any) -> Callable | None:
        """Find the counterpart in PyTorch; None if there is none."""
        if isinstance(self.torch, Without):
            return None
        if callable(self.torch):
            return functools.partial(self.torch, torch)
        for home in (torch, torch.nn.functional):
            found = home
            for part in (self.torch or self.name).split("."):
                found = getattr(found, part, None)
            if found is not None:
                return found
        return None


@dataclass(frozen=True)
class Part:
    """A primitive that only other operations of the package call; it needs no counterpart."""

    case: OpCase

    @property
    def calls(self) -> Any:
        """Draw calls of the primitive."""
        return calls_of(self.case)


def calls_of(case: OpCase) -> Any:
    """Draw calls of a case."""
    return strategies.calls(case.operands, case.params)


def record(name: str, function: Callable | None = None, **known: Any) -> Record:
    """Make a record of the operation of a name; what is no field of it is an option of its `OpCase`."""
    ours = {field.name: known.pop(field.name) for field in fields(Record) if field.name in known}
    numpys = getattr(np, name, None)
    known.setdefault("elementwise", isinstance(numpys, np.ufunc) and numpys.signature is None)
    return Record(case=OpCase(name, function or getattr(ops, name), **known), **ours)


def part(name: str, function: Callable, **known: Any) -> Part:
    """Make a record of a primitive that only other operations call, with the options of its `OpCase`."""
    return Part(OpCase(name, function, **known))


# Some operations return several arrays, or an order that is not determined; a case has one value.
WRAPPED = {"pickle and threads": "the case wraps the operation, and is not found by its name"}
DO_NOT_BROADCAST = (ErrorCase((np.ones((2, 3)), np.ones(2)), ValueError),)
