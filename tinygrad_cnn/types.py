"""The types that annotations speak of: what may be passed to an operation, and what comes out of it.

``def relu(x: Operand[Out]) -> Out`` says in one line what overloads would say in many: where an operand is a
`Tensor`, so is the result; where none is, the result is an ndarray.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:
    import typing_extensions
    from numpy import typing as npt
    from numpy.typing import ArrayLike as ArrayLike
    from numpy.typing import DTypeLike as DTypeLike

    NDArray: TypeAlias = npt.NDArray[Any]
    Mask: TypeAlias = npt.NDArray[np.bool_]
else:  # annotations are not evaluated, so importing numpy.typing at run time would cost time for nothing
    ArrayLike = DTypeLike = Any
    NDArray = Mask = np.ndarray


class _HasShape(Protocol):
    """What an ndarray and a `Tensor` have in common, and a list or a number has not."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...


if TYPE_CHECKING:  # type variables have defaults from Python 3.13 on; type checkers know them before
    Out = typing_extensions.TypeVar("Out", bound=_HasShape, default=NDArray)
else:
    Out = TypeVar("Out")

Options = ParamSpec("Options")

# An argument that may be array_like; the name in brackets is the result's, as in ``Operand[Out]``.
Operand: TypeAlias = NDArray | np.generic | complex | Sequence[Any] | Out

# What a rule or a layer computes with: an ndarray or a Tensor, and no static type has the operators of both.
Array: TypeAlias = Any

Shape: TypeAlias = tuple[int, ...]
Axes: TypeAlias = int | tuple[int, ...] | None
