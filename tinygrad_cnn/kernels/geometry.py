"""Static geometry of convolution and pooling, validated once and cached.

A kernel never looks at a keyword such as ``padding="same"``: it is handed a frozen value in which every
size is a pair ``(height, width)`` of plain integers.  Building that value checks everything that can be
checked before data flows; the same arguments give the same value from a cache, so that a training step does
not pay for the checks.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any

__all__ = ["ConvSpec", "Padding", "Pair", "PoolSpec"]

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]


def _integer(value: Any, name: str, lowest: int) -> int:
    """Return `value` as an int that is at least `lowest`."""
    if isinstance(value, bool):
        raise TypeError(f"{name} must be made of integers, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be made of integers, got {value!r}") from None
    if number < lowest:
        raise ValueError(f"{name} must be at least {lowest}, got {number}")
    return number


def _pair(value: Any, name: str, lowest: int) -> Pair:
    """Return an int or a pair of ints as ``(height, width)``."""
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ValueError(f"{name} must be an integer or a pair (height, width), got {value!r}")
        return _integer(value[0], name, lowest), _integer(value[1], name, lowest)
    number = _integer(value, name, lowest)
    return number, number


def _padding(value: Any) -> Padding:
    """Return an int, ``(ph, pw)`` or ``((top, bottom), (left, right))`` in the last form."""
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(side, tuple) for side in value):
        return _pair(value[0], "padding", 0), _pair(value[1], "padding", 0)
    if isinstance(value, tuple) and any(isinstance(side, tuple) for side in value):
        raise ValueError(
            f"padding must be an integer, (ph, pw) or ((top, bottom), (left, right)), got {value!r}"
        )
    vertical, horizontal = _pair(value, "padding", 0)
    return (vertical, vertical), (horizontal, horizontal)


def _extent(kernel: int, dilation: int) -> int:
    """Return the number of input elements one window spans along an axis."""
    return dilation * (kernel - 1) + 1


def _same_padding(size: Pair, kernel: Pair, stride: Pair, dilation: Pair) -> Padding:
    """Return the padding that gives ``ceil(size / stride)`` outputs; an odd element goes to the end."""
    sides = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        outputs = -(-n // s)
        total = max((outputs - 1) * s + _extent(k, d) - n, 0)
        sides.append((total // 2, total - total // 2))
    return sides[0], sides[1]


def _check_fits(size: Pair, kernel: Pair, padding: Padding, dilation: Pair) -> None:
    """Raise unless at least one window fits into the padded input."""
    padded = tuple(n + before + after for n, (before, after) in zip(size, padding, strict=True))
    spans = tuple(_extent(k, d) for k, d in zip(kernel, dilation, strict=True))
    if spans[0] > padded[0] or spans[1] > padded[1]:
        dilated = f" (dilated to {spans})" if spans != kernel else ""
        raise ValueError(
            f"kernel of size {kernel}{dilated} is larger than the padded input {padded}"
            f" (input {size}, padding {padding})"
        )


def _shape(shape: Any, name: str, axes: str) -> tuple[int, int, int, int]:
    """Return a shape of four axes as plain integers."""
    if not isinstance(shape, tuple):
        raise TypeError(f"shape of {name} must be a tuple, got {shape!r}")
    if len(shape) != 4:
        raise ValueError(f"{name} must have 4 axes {axes}, got shape {shape}")
    a, b, c, d = (_integer(size, f"shape of {name}", 0) for size in shape)
    return a, b, c, d


class _Key:
    """A dataclass that is hashed once: a kernel looks up by it, in every call, what it has planned."""

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, field.name) for field in fields(self)))  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True)  # no slots: they would leave cached_property no place
class ConvSpec(_Key):
    """Geometry of one two-dimensional convolution; build it with `ConvSpec.of`.

    Parameters
    ----------
    input_size : (int, int)
        Height and width of the input ``x``.
    kernel_size : (int, int)
        Height and width of the kernel, before dilation.
    stride, dilation : (int, int)
        Step between windows, and between the taps of one window.
    padding : ((int, int), (int, int))
        Zeros added as ``((top, bottom), (left, right))``.
    groups : int
        Number of independent groups of channels.

    Examples
    --------
    >>> ConvSpec.of((64, 3, 32, 30), (8, 3, 5, 3), stride=2, padding=1).output_size
    (15, 15)
    """

    input_size: Pair
    kernel_size: Pair
    stride: Pair
    padding: Padding
    dilation: Pair
    groups: int

    __hash__ = _Key.__hash__  # else the decorator would make another

    @cached_property  # asked for several times in every step
    def output_size(self) -> Pair:
        """Height and width of the output: ``floor((in + pads - dilation * (k - 1) - 1) / stride) + 1``.

        Returns
        -------
        (int, int)

        Examples
        --------
        >>> ConvSpec.of((1, 1, 5, 7), (1, 1, 3, 3), stride=2).output_size
        (2, 3)
        """
        (top, bottom), (left, right) = self.padding
        spare_rows = self.input_size[0] + top + bottom - _extent(self.kernel_size[0], self.dilation[0])
        spare_cols = self.input_size[1] + left + right - _extent(self.kernel_size[1], self.dilation[1])
        return spare_rows // self.stride[0] + 1, spare_cols // self.stride[1] + 1

    @cached_property
    def adjoint(self) -> ConvSpec:
        """Geometry of the convolution of ``y`` that gives the gradient of ``x``, where the stride is 1.

        Its padding may be negative: a crop.

        Returns
        -------
        ConvSpec

        Examples
        --------
        >>> ConvSpec.of((1, 1, 5, 5), (1, 1, 3, 3)).adjoint.padding
        ((2, 2), (2, 2))
        """
        (top, bottom), (left, right) = self.padding
        tall, wide = (d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True))
        padding = (tall - top, tall - bottom), (wide - left, wide - right)
        return ConvSpec(self.output_size, self.kernel_size, (1, 1), padding, self.dilation, self.groups)

    @classmethod
    # typed: 1.0 and True equal 1 as keys, and would be let in by a cached call with 1.
    @lru_cache(maxsize=1024, typed=True)
    def of(
        cls,
        x_shape: tuple[int, ...],
        weight_shape: tuple[int, ...],
        *,
        stride: int | Pair = 1,
        padding: int | Pair | Padding | str = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
    ) -> ConvSpec:
        """Return the validated geometry of a convolution of `x_shape` by `weight_shape`, from a cache.

        Parameters
        ----------
        x_shape : tuple of 4 ints
            ``(N, C, H, W)``.
        weight_shape : tuple of 4 ints
            ``(O, C / groups, KH, KW)``.
        stride, dilation : int or (int, int)
            At least 1.
        padding : int, (int, int), ((int, int), (int, int)), "same" or "valid"
            ``"same"`` gives ``ceil(in / stride)`` outputs for any stride; an odd zero goes to the end.
        groups : int
            Divides both ``C`` and ``O``.

        Returns
        -------
        ConvSpec

        Raises
        ------
        ValueError
            If a size, the channels or the groups do not fit together; the text names both sides.
        TypeError
            If an argument is not made of integers or cannot be hashed (lists: use tuples).

        Examples
        --------
        >>> ConvSpec.of((1, 3, 28, 31), (8, 3, 3, 5), padding="same", dilation=(2, 3)).padding
        ((2, 2), (6, 6))
        """
        _, channels, *size = _shape(x_shape, "x", "(N, C, H, W)")
        outputs, group_channels, *kernel = _shape(weight_shape, "weight", "(O, C / groups, KH, KW)")
        groups = _integer(groups, "groups", 1)
        if channels % groups:
            raise ValueError(f"groups must divide the channels of x, got groups={groups} for C={channels}")
        if outputs % groups:
            raise ValueError(f"groups must divide the outputs of weight, got groups={groups} for O={outputs}")
        if group_channels * groups != channels:
            raise ValueError(
                f"weight must have C / groups = {channels // groups} input channels for x of shape {x_shape}"
                f" and groups={groups}, got weight of shape {weight_shape}"
            )
        input_size = (size[0], size[1])
        kernel_size = _pair(tuple(kernel), "kernel size of weight", 1)
        steps = _pair(stride, "stride", 1)
        gaps = _pair(dilation, "dilation", 1)
        if padding == "same":
            pads = _same_padding(input_size, kernel_size, steps, gaps)
        elif padding == "valid":
            pads = ((0, 0), (0, 0))
        elif isinstance(padding, str):
            raise ValueError(f'padding as a string must be "same" or "valid", got {padding!r}')
        else:
            pads = _padding(padding)
        _check_fits(input_size, kernel_size, pads, gaps)
        return cls(input_size, kernel_size, steps, pads, gaps, groups)


@dataclass(frozen=True)  # no slots: they would leave cached_property no place
class PoolSpec(_Key):
    """Geometry of one two-dimensional pooling; build it with `PoolSpec.of`.

    Parameters
    ----------
    input_size : (int, int)
        Height and width of the input ``x``.
    kernel_size, stride, dilation : (int, int)
        Size of a window, step between windows, step between the taps of one window.
    padding : ((int, int), (int, int))
        Elements added as ``((top, bottom), (left, right))``; they never win a maximum.
    ceil_mode : bool
        Whether a last window may reach past the padded input.

    Examples
    --------
    >>> PoolSpec.of((64, 8, 28, 28), 2).output_size
    (14, 14)
    """

    input_size: Pair
    kernel_size: Pair
    stride: Pair
    padding: Padding
    dilation: Pair
    ceil_mode: bool

    __hash__ = _Key.__hash__

    @cached_property  # asked for several times in every step
    def output_size(self) -> Pair:
        """Height and width of the output, as PyTorch counts them.

        With `ceil_mode` the division rounds up, and a last window that would start in the padding after
        the input is dropped.

        Returns
        -------
        (int, int)

        Examples
        --------
        >>> PoolSpec.of((1, 1, 5, 5), 2, ceil_mode=True).output_size
        (3, 3)
        """
        return self._outputs(0), self._outputs(1)

    def _outputs(self, axis: int) -> int:
        """Return the number of windows along one axis."""
        before, after = self.padding[axis]
        size, stride = self.input_size[axis], self.stride[axis]
        spare = size + before + after - _extent(self.kernel_size[axis], self.dilation[axis])
        if not self.ceil_mode:
            return spare // stride + 1
        windows = -(-spare // stride) + 1
        starts_inside = (windows - 1) * stride < size + before
        return windows if starts_inside else windows - 1

    @cached_property
    def taps(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """What each offset in the window reads: slices of the padded input, along its height and its width.

        Returns
        -------
        (tuple of slice, tuple of slice)

        Examples
        --------
        >>> PoolSpec.of((1, 1, 4, 6), 2).taps[1]
        (slice(0, 5, 2), slice(1, 6, 2))
        """
        return self._taps(0), self._taps(1)

    def _taps(self, axis: int) -> tuple[slice, ...]:
        """Return the slices along one axis."""
        step, gap = self.stride[axis], self.dilation[axis]
        span = (self.output_size[axis] - 1) * step + 1
        return tuple(slice(i * gap, i * gap + span, step) for i in range(self.kernel_size[axis]))

    @cached_property
    def padded_size(self) -> Pair:
        """Height and width that hold the input behind its padding, and every window.

        Returns
        -------
        (int, int)

        Examples
        --------
        >>> PoolSpec.of((1, 1, 5, 5), 2, ceil_mode=True).padded_size
        (6, 6)
        """
        height, width = (
            max(before + size, taps[-1].stop)
            for (before, _), size, taps in zip(self.padding, self.input_size, self.taps, strict=True)
        )
        return height, width

    @cached_property
    def is_tiling(self) -> bool:
        """Whether each element lies in at most one window, and no padding in any.

        Returns
        -------
        bool

        Examples
        --------
        >>> PoolSpec.of((1, 1, 5, 5), 2).is_tiling, PoolSpec.of((1, 1, 5, 5), 2, stride=1).is_tiling
        (True, False)
        """
        disjoint = self.kernel_size == self.stride and self.dilation == (1, 1)
        return disjoint and self.padding == ((0, 0), (0, 0)) and not self.ceil_mode

    @classmethod
    @lru_cache(maxsize=1024, typed=True)
    def of(
        cls,
        x_shape: tuple[int, ...],
        kernel_size: int | Pair,
        *,
        stride: int | Pair | None = None,
        padding: int | Pair | Padding = 0,
        dilation: int | Pair = 1,
        ceil_mode: bool = False,
    ) -> PoolSpec:
        """Return the validated geometry of a pooling of `x_shape`, from a cache.

        Parameters
        ----------
        x_shape : tuple of 4 ints
            ``(N, C, H, W)``.
        kernel_size : int or (int, int)
            At least 1.
        stride : int or (int, int), optional
            At least 1; the kernel size when left out.
        padding : int, (int, int) or ((int, int), (int, int))
            At most half the kernel, as in PyTorch: a window of padding alone has no maximum.
        dilation : int or (int, int)
            At least 1.
        ceil_mode : bool
            Whether the number of windows is rounded up.

        Returns
        -------
        PoolSpec

        Raises
        ------
        ValueError
            If the sizes do not fit together; the text names both sides.
        TypeError
            If an argument is not made of integers or cannot be hashed (lists: use tuples).

        Examples
        --------
        >>> PoolSpec.of((1, 1, 6, 8), (2, 3), stride=1).output_size
        (5, 6)
        """
        _, _, *size = _shape(x_shape, "x", "(N, C, H, W)")
        if not isinstance(ceil_mode, bool):
            raise TypeError(f"ceil_mode must be a bool, got {ceil_mode!r}")
        input_size = (size[0], size[1])
        kernel = _pair(kernel_size, "kernel_size", 1)
        steps = kernel if stride is None else _pair(stride, "stride", 1)
        gaps = _pair(dilation, "dilation", 1)
        pads = _padding(padding)
        if any(max(sides) > k // 2 for sides, k in zip(pads, kernel, strict=True)):
            raise ValueError(
                f"padding must be at most half the kernel, got padding {pads} for kernel {kernel}"
            )
        _check_fits(input_size, kernel, pads, gaps)
        return cls(input_size, kernel, steps, pads, gaps, ceil_mode)
