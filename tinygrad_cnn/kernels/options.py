"""The checking of options: integers and pairs come in, pairs ``(height, width)`` of plain ints go out."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..checks import integer

LARGEST_PLANE = 2**31
"""The most elements that one channel of an image may have with its padding: the square of 46340."""

LARGEST_WINDOW = 2**22
"""The most elements of a window of a pooling: each is a step of its own, to plan and to compute."""

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
Triple = tuple[int, int, int]
VolumePadding = tuple[Pair, Pair, Pair]


class Window(NamedTuple):
    """The size of a window and its steps, without the image that it slides over."""

    kernel_size: Pair
    stride: Pair
    dilation: Pair

    @classmethod
    def of(cls, kernel_size: Any, stride: Any, dilation: Any, kernel_name: str = "kernel_size") -> Window:
        """Check the three options; an error calls the first by `kernel_name`."""
        kernel = pair(kernel_size, kernel_name, 1)
        return cls(kernel, pair(stride, "stride", 1), pair(dilation, "dilation", 1))

    def check_fits(self, size: Pair, padding: Padding) -> None:
        """Raise unless a window fits into an input of this size with its padding, and that into memory."""
        padded = padded_size(size, padding)
        spans = tuple(extent(k, d) for k, d in zip(self.kernel_size, self.dilation, strict=True))
        if spans[0] > padded[0] or spans[1] > padded[1]:
            dilated = f" (dilated to {spans})" if spans != self.kernel_size else ""
            raise ValueError(
                f"kernel of size {self.kernel_size}{dilated} is larger than the padded input {padded}"
                f" (input {size}, padding {padding})"
            )
        check_plane("padding", padded)

    def same_padding(self, size: Pair) -> Padding:
        """Return the padding that gives ``ceil(size / stride)`` outputs; an odd element goes to the end."""
        sides = []
        for n, k, s, d in zip(size, self.kernel_size, self.stride, self.dilation, strict=True):
            outputs = -(-n // s)
            total = max((outputs - 1) * s + extent(k, d) - n, 0)
            sides.append((total // 2, total - total // 2))
        return sides[0], sides[1]


def pair(value: Any, name: str, lowest: float) -> Pair:
    """Return an int or a pair of ints as ``(height, width)``."""
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ValueError(f"{name}: expected an integer or a pair (height, width), got {value!r}")
        return integer(name, value[0], lowest), integer(name, value[1], lowest)
    number = integer(name, value, lowest)
    return number, number


def padding_sides(value: Any) -> Padding:
    """Return a padding, an int, ``(ph, pw)`` or ``((top, bottom), (left, right))``, in the last form."""
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(side, tuple) for side in value):
        return pair(value[0], "padding", 0), pair(value[1], "padding", 0)
    if isinstance(value, tuple) and any(isinstance(side, tuple) for side in value):
        raise ValueError(
            f"padding: expected an integer, (ph, pw) or ((top, bottom), (left, right)), got {value!r}"
        )
    vertical, horizontal = pair(value, "padding", 0)
    return (vertical, vertical), (horizontal, horizontal)


def parts_of_triple(name: str, value: Any) -> tuple[Any, Any]:
    """Return what an int or a triple says of the depth, and what it says of height and width; both unchecked.

    Examples
    --------
    >>> parts_of_triple("stride", (1, 2, 3)), parts_of_triple("stride", 2)
    ((1, (2, 3)), (2, 2))
    """
    if not isinstance(value, tuple):
        return value, value
    if len(value) != 3:
        raise ValueError(f"{name}: expected an integer or a triple (depth, height, width), got {value!r}")
    return value[0], value[1:]


def padding_of_volume(value: Any) -> tuple[Any, Any]:
    """Return the padding of an image of one row, the depth, and that of height and width; both unchecked.

    Examples
    --------
    >>> padding_of_volume((1, 2, 3)), padding_of_volume("same")
    ((((0, 0), (1, 1)), (2, 3)), ('same', 'same'))
    """
    ends, sides = parts_of_triple("padding", value)
    return padding_of_row(ends), sides


def padding_of_row(value: Any) -> Any:
    """Return the padding of an image of one row, given that of its width; what is neither is not changed.

    Examples
    --------
    >>> padding_of_row(1), padding_of_row((0, 2)), padding_of_row("same")
    (((0, 0), (1, 1)), ((0, 0), (0, 2)), 'same')
    """
    if isinstance(value, int | np.integer):
        return (0, 0), (value, value)
    return ((0, 0), value) if isinstance(value, tuple) else value


def pair_of_row(height: int, value: Any) -> Any:
    """Return an option of an image of one row, given that of its width; what is neither is not changed.

    Examples
    --------
    >>> pair_of_row(1, 3)
    (1, 3)
    """
    return (height, value) if isinstance(value, int | np.integer | tuple) else value


def four_sizes(shape: Any, name: str, axes: str) -> tuple[int, int, int, int]:
    """Return a shape of four axes as plain integers."""
    if not isinstance(shape, tuple):
        raise TypeError(f"shape of {name} must be a tuple, got {shape!r}")
    if len(shape) != 4:
        raise ValueError(f"{name} must have 4 axes {axes}, got shape {shape}")
    a, b, c, d = (integer(f"shape of {name}", size, 0) for size in shape)
    return a, b, c, d


def padded_size(size: Pair, padding: Padding) -> Pair:
    """Return the height and width of an image with its padding."""
    height, width = (n + before + after for n, (before, after) in zip(size, padding, strict=True))
    return height, width


def check_plane(what: str, size: Pair) -> None:
    """Raise a ValueError for a size whose plan would take minutes, to an array that no memory holds."""
    if math.prod(size) > LARGEST_PLANE:
        raise ValueError(f"{what}: expected at most 2**31 elements in a channel, got height and width {size}")


def extent(kernel: int, dilation: int) -> int:
    """Return how many input elements one window spans along an axis."""
    return dilation * (kernel - 1) + 1
