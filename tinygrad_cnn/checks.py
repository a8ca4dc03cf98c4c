"""Checks of what a caller hands in: an error names the owner, the argument, and what was expected of it."""

from __future__ import annotations

import functools
import math
import operator
from numbers import Real
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .stand_in import StandIn
from .types import DTypeLike

LARGEST_ARRAY = 2**40
"""The most elements that an option may ask for in one array: terabytes, more than a memory holds."""


def within(owner: str, name: str, value: Any, interval: str) -> float:
    """Return a number as a float, or raise an error unless it lies in an interval such as ``"[0, 1)"``.

    A bracket includes its end and a parenthesis excludes it; ``inf`` stands for no bound. NaN lies in none.
    What is no real number is a TypeError: a string too, also where it spells a number.

    Examples
    --------
    >>> within("SGD", "momentum", 0.9, "[0, 1)")
    0.9
    >>> within("SGD", "momentum", 1.0, "[0, 1)")
    Traceback (most recent call last):
    ValueError: SGD: momentum: expected a number in [0, 1), got 1.0
    """
    if type(value) is not float and not _is_number(value):  # nearly always a float
        raise TypeError(f"{owner}: {name}: expected {_in_words(interval)}, got {value!r}")
    low, includes_low, high, includes_high = _ends(interval)
    if not (low < value < high or (includes_low and value == low) or (includes_high and value == high)):
        raise ValueError(f"{owner}: {name}: expected {_in_words(interval)}, got {value}")
    return float(value)


def _is_number(value: Any) -> bool:
    """Whether a value is one real number: of Python, of NumPy, or an array without axes."""
    if isinstance(value, Real):
        return not isinstance(value, bool)
    return getattr(value, "shape", None) == () and value.dtype.kind in "fiu"


@functools.cache
def _ends(interval: str) -> tuple[float, bool, float, bool]:
    """The lower end and whether it is included, then the same of the upper end."""
    low, high = interval[1:-1].split(",")
    return float(low), interval[0] == "[", float(high), interval[-1] == "]"


def _in_words(interval: str) -> str:
    low, includes_low, high, includes_high = _ends(interval)
    if high != math.inf:
        return f"a number in {interval}"
    number = "a number" if includes_high else "a finite number"
    return f"{number} {'not below' if includes_low else 'above'} {low:g}"


def integer(what: str, value: Any, lowest: float) -> int:
    """Return an integer that is at least `lowest` as an int, or raise an error.

    ``what`` is the argument as the error calls it: with its owner, unless a caller adds that.

    Examples
    --------
    >>> integer("Conv2d: groups", 2, 1)
    2
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{what}: expected integers, got {value!r}")
    if value < lowest:
        raise ValueError(f"{what}: expected at least {lowest}, got {value}")
    return int(value)


def sizes(owner: str, **given: Any) -> None:
    """Raise an error unless every argument is an integer of at least 1, or a tuple of such integers.

    Examples
    --------
    >>> sizes("Conv2d", in_channels=3, kernel_size=(3, 5))
    """
    for name, size in given.items():
        parts = size if isinstance(size, tuple) else (size,)
        if not parts:
            raise ValueError(f"{owner}: {name}: expected at least 1 size, got ()")
        held(f"{owner}: {name}", tuple(integer(f"{owner}: {name}", part, 1) for part in parts))


def held(what: str, array_shape: tuple[int, ...]) -> None:
    """Raise a ValueError unless some memory could hold an array of a shape.

    An operation asks this before it plans or allocates anything, because the way to an array of 2**60
    elements may itself take all memory, or hours.

    Examples
    --------
    >>> held("Dense: weight", (784, 128))
    """
    if math.prod(array_shape) > LARGEST_ARRAY:
        raise ValueError(
            f"{what}: expected sizes that memory can hold, got an array of shape {array_shape}, which has "
            "more than 2**40 elements"
        )


def flag(what: str, value: Any) -> None:
    """Raise a TypeError unless an argument is True or False; ``what`` is the same as for `integer`.

    Examples
    --------
    >>> flag("Dense: bias", True)
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{what}: expected True or False, got {value!r}")


def one_of(owner: str, name: str, value: Any, names: tuple[str, ...]) -> None:
    """Raise a ValueError unless an argument is one of several names.

    Examples
    --------
    >>> one_of("gelu", "approximate", "tanh", ("none", "tanh"))
    """
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{owner}: {name}: expected {' or '.join(map(repr, names))}, got {value!r}")


def function(owner: str, name: str, value: Any) -> None:
    """Raise a TypeError unless an argument can be called.

    Examples
    --------
    >>> function("Lambda", "function", abs)
    """
    if not callable(value):
        raise TypeError(f"{owner}: {name}: expected a function, got {value!r}")


def initial(owner: str, rng: Any, dtype: DTypeLike) -> None:
    """Raise a TypeError unless parameters can be drawn from a source of random numbers, in a dtype.

    Examples
    --------
    >>> initial("Dense", np.random.default_rng(0), np.float32)
    """
    generator(owner, rng)
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"{owner}: dtype: expected a floating dtype, got {np.dtype(dtype)}")


def generator(owner: str, rng: Any) -> None:
    """Raise a TypeError unless a source of random numbers is a Generator: a seed is none.

    Examples
    --------
    >>> generator("dropout", np.random.default_rng(0))
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{owner}: rng: expected a numpy.random.Generator, got {rng!r}: pass np.random.default_rng(seed)"
        )


def indices(owner: str, name: str, values: Any, count: int) -> np.ndarray:
    """Return indices into ``count`` places as an array, or raise an error where they are no such indices.

    A negative index is an error too: it would count from the end, in silence.

    Examples
    --------
    >>> indices("embedding", "indices", [0, 2], 3)
    array([0, 2])
    """
    if isinstance(values, StandIn):  # they are checked whenever the program is played
        return values.recorded(indices, owner, name, values, count)
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{owner}: {name}: expected integers, got {array.dtype}")
    if array.size and not (array.min() >= 0 and array.max() < count):
        wrong = array[(array < 0) | (array >= count)][0]
        raise ValueError(f"{owner}: {name}: expected values in 0..{count - 1}, got {wrong}")
    return array


def axis(owner: str, value: Any, ndim: int) -> int:
    """Return an axis as a number that is not negative, or raise NumPy's error; a bool is no axis.

    Examples
    --------
    >>> axis("take", -1, 3)
    2
    """
    if isinstance(value, bool):
        raise TypeError(f"{owner}: axis: expected an integer, got {value}")
    return normalize_axis_index(operator.index(value), ndim, f"{owner}: axis")


def shape(owner: str, name: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Raise a ValueError unless an argument has the shape that the others ask for.

    Examples
    --------
    >>> shape("mse_loss", "target", (3, 2), (3, 2))
    """
    if found != expected:
        raise ValueError(f"{owner}: {name}: expected shape {expected}, got {found}")


PAIR = "a pair (y, state), which a layer returns: write y, state = model(...)"


def is_pair(value: Any) -> bool:
    """Whether an argument is what a layer returns, an output with a state.

    Examples
    --------
    >>> is_pair((np.ones(2), {})), is_pair((1.0, 2.0))
    (True, False)
    """
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], dict)


def no_pair(owner: str, name: str, value: Any) -> None:
    """Raise a TypeError if an argument is an output with a state.

    Examples
    --------
    >>> no_pair("mse_loss", "x", np.ones(2))
    """
    if is_pair(value):
        raise TypeError(f"{owner}: {name}: expected an array, got {PAIR}")


def floating(owner: str, name: str, values: Any) -> None:
    """Raise a TypeError unless an argument is an array of a floating dtype.

    Examples
    --------
    >>> floating("optimizer", "'w'", np.zeros(3))
    """
    if not isinstance(values, np.ndarray | StandIn) or values.dtype.kind != "f":
        found = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise TypeError(f"{owner}: {name}: expected a floating array, got {found}")


def printable(text: str, longest: int = 200) -> str:
    r"""Return a text from outside as an error or a line of output may show it: clean, and of bounded length.

    A control character could move the cursor of a terminal, or change its colours.

    Examples
    --------
    >>> print(printable("a\x1b[31m" + "b" * 1000, 20))
    a\x1b[31mbbbbbbbb...
    """
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."
