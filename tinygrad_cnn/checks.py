"""Checks of what a caller hands in: an error names the owner, the argument, and what was expected of it."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index


def within(owner: str, name: str, value: float, interval: str) -> None:
    """Raise a ValueError unless a number lies in an interval such as ``"[0, 1)"``; NaN lies in none.

    A bracket includes its end and a parenthesis excludes it; ``inf`` stands for no bound.

    Examples
    --------
    >>> within("SGD", "momentum", 0.9, "[0, 1)")
    >>> within("SGD", "momentum", 1.0, "[0, 1)")
    Traceback (most recent call last):
    ValueError: SGD: momentum: expected a number in [0, 1), got 1.0
    """
    low, includes_low, high, includes_high = _ends(interval)
    if not (low < value < high or (includes_low and value == low) or (includes_high and value == high)):
        raise ValueError(f"{owner}: {name}: expected {_in_words(interval)}, got {value}")


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


def sizes(owner: str, **given: Any) -> None:
    """Raise an error unless every argument is an integer of at least 1, or a tuple of such integers.

    Examples
    --------
    >>> sizes("Conv2d", in_channels=3, kernel_size=(3, 5))
    """
    for name, size in given.items():
        parts = size if isinstance(size, tuple) else (size,)
        if any(isinstance(n, bool) or not isinstance(n, int | np.integer) for n in parts):
            raise TypeError(f"{owner}: {name}: expected integers, got {size!r}")
        if not parts or min(parts) < 1:
            raise ValueError(f"{owner}: {name}: expected at least 1, got {size}")


def indices(owner: str, name: str, values: Any, count: int) -> np.ndarray:
    """Return indices into ``count`` places as an array, or raise an error where they are no such indices.

    A negative index is an error too: it would count from the end, in silence.

    Examples
    --------
    >>> indices("embedding", "indices", [0, 2], 3)
    array([0, 2])
    """
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


def floating(owner: str, name: str, values: Any) -> None:
    """Raise a TypeError unless an argument is an array of a floating dtype.

    Examples
    --------
    >>> floating("optimizer", "'w'", np.zeros(3))
    """
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
        found = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise TypeError(f"{owner}: {name}: expected a floating array, got {found}")
