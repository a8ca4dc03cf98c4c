"""What a program is made of: values, and the lines that compute them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .. import tree


@dataclass(eq=False)
class Value:
    """One array of a program: an input, or the result of a line.

    Parameters
    ----------
    shape : tuple of int
        The shape that it always has.
    dtype : dtype
        The dtype that it always has.
    name : str
        What it is called in the printed program, or nothing until `source` finds a name.
    strides : tuple of int
        How it lay in memory when it was recorded.
    is_own : bool
        Whether it shared memory with no other array when it was recorded.
    view_of : Value or None
        The operand of its line in whose memory it was.
    gradient_of : Value or None
        The value whose cotangent it is, as far as is known.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    name: str = ""
    strides: tuple[int, ...] = ()
    is_own: bool = False
    view_of: Value | None = None
    gradient_of: Value | None = None

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        """The bytes of an array of this shape and dtype."""
        return self.size * self.dtype.itemsize

    def new(self, memory: np.ndarray | None = None) -> np.ndarray:
        """Make an array like it, whose elements are not set, in some bytes or in new memory."""
        if memory is None:
            memory = np.empty(self.nbytes, np.uint8)
        flat: np.ndarray = np.ndarray(self.shape, self.dtype, memory)
        order = sorted(range(len(self.shape)), key=lambda axis: -abs(self.strides[axis]))
        like: np.ndarray = np.ndarray([self.shape[axis] for axis in order], self.dtype, memory)
        array = like.transpose(np.argsort(order))
        is_same = all(
            n == 1 or a == b for n, a, b in zip(self.shape, array.strides, self.strides, strict=True)
        )
        return array if is_same else flat

    def example(self) -> np.ndarray:
        """Make an array of this shape, dtype and strides, whose elements are not set."""
        reach = [(n - 1) * step for n, step in zip(self.shape, self.strides, strict=True) if n]
        before, after = -sum(step for step in reach if step < 0), sum(step for step in reach if step > 0)
        memory = np.empty(before + after + self.dtype.itemsize, np.uint8)
        return np.ndarray(self.shape, self.dtype, memory, before, self.strides)

    def __repr__(self) -> str:
        return f"<{self.name or 'value'}: {self.dtype}{list(self.shape)}>"


@dataclass(eq=False)
class Source:
    """A generator or an optimizer among the arguments: what a line calls a method of at each play.

    Parameters
    ----------
    name : str
        The name of the argument.
    object : object
        The one that it was recorded with.
    """

    name: str
    object: Any = None


@dataclass(frozen=True)
class Place:
    """Where in the user's code a line was recorded: the file, the number of the line, and its text."""

    file: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number}: {self.text}"


@dataclass(eq=False)
class Line:
    """One call: ``result = function(*args, **kwargs)``.

    Parameters
    ----------
    function : callable
        A primitive, a gradient rule (`rules.RuleCall`), a function of NumPy, a method (`Method`).
    args, kwargs : tuple, dict
        What it is called with; a `Value` stands for an array, also inside of a tuple, list or dict.
    result : Value
        What it computes.
    as_array : bool
        Whether a NumPy scalar is made an array, as the tape does with what it records.
    errstate : dict
        What NumPy shall do about floating point errors, where the code around the call changed that.
    has_effect : bool
        Whether the call changes something, as drawing from a generator does: it must not be dropped.
    backward : bool
        Whether the line was recorded on the way back.
    place : Place or None
        The user's line; on the way back, that of the call whose rule this is a part of.
    expansion : Expansion or None
        The calls of a gradient rule that is one line, where it can be taken apart.
    layer : str
        The names of the layers around the call, the outermost first, as ``block.conv1``.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Value
    as_array: bool = False
    errstate: dict[str, Any] = field(default_factory=dict)
    has_effect: bool = False
    backward: bool = False
    place: Place | None = None
    expansion: Expansion | None = None
    layer: str = ""

    def inputs(self) -> list[Value]:
        """List the values among the arguments, in order, as often as they occur."""
        return list(values_in((self.args, self.kwargs)))


class Expansion(NamedTuple):
    """The calls of a gradient rule that is one line, if it can be taken apart."""

    calls: list[Line]
    result: Value
    inputs: list[Value]  # what the rule was called with, when it was recorded


class Method:
    """A call of a method by its name, such as ``x.sum(axis=0)``."""

    def __init__(self, name: str) -> None:
        self.name = self.__name__ = name

    def __call__(self, owner: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the method of ``owner``."""
        return getattr(owner, self.name)(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<method {self.name}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Method) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


tree.register_leaf(Value)
tree.register_leaf(Source)


def values_in(args: Any) -> Iterator[Value]:
    """Yield the values in nested arguments."""
    if isinstance(args, Value):
        yield args
    elif isinstance(args, tuple | list):
        for item in args:
            yield from values_in(item)
    elif isinstance(args, dict):
        yield from values_in(list(args.values()))
    elif isinstance(args, slice):
        yield from values_in((args.start, args.stop, args.step))


def mapped(change: Callable[[Any], Any], args: Any) -> Any:
    """Return nested arguments with ``change`` applied to whatever is no tuple, list, dict or slice."""
    if isinstance(args, tuple | list):
        items = [mapped(change, item) for item in args]
        if isinstance(args, list):
            return items
        return type(args)(*items) if hasattr(args, "_fields") else tuple(items)
    if isinstance(args, dict):
        return {key: mapped(change, item) for key, item in args.items()}
    if isinstance(args, slice):
        return slice(*(mapped(change, part) for part in (args.start, args.stop, args.step)))
    return change(args)
