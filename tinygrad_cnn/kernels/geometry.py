"""Geometry of convolution and pooling, checked once and kept in a cache.

A kernel never sees a keyword such as ``padding="same"``: it is handed a frozen value in which every size is
a pair ``(height, width)`` of plain integers. Building that value checks all that can be checked before there
is data. The same arguments give the same value from a cache, so that a training step does not pay for checks.
"""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from typing import Any, Literal, Self

from ..checks import flag, integer
from .options import (
    LARGEST_WINDOW,
    Padding,
    Pair,
    Window,
    check_plane,
    extent,
    four_sizes,
    padded_size,
    padding_sides,
)

__all__ = ["ConvSpec", "Padding", "Pair", "PoolSpec"]

NO_PADDING: Padding = ((0, 0), (0, 0))


class _Geometry:
    """Fields that stay as they were given, and by which a geometry is compared, looked up, shown and copied.

    A frozen dataclass would be the same, but compile its methods in every import. The hash is kept, because
    every call of a kernel looks up a plan by it.
    """

    _fields: dict[str, Any]
    _hash: int

    def _keep(self, **fields: Any) -> None:
        vars(self).update(fields, _fields=fields, _hash=hash(tuple(fields.values())))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}: {name} cannot be changed")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other)["_fields"] == self._fields

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._fields.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(self._fields.values())

    def replace(self, **changes: Any) -> Self:
        """Return the same geometry but for some fields."""
        return type(self)(**{**self._fields, **changes})


class ConvSpec(_Geometry):
    """Geometry of one two-dimensional convolution; build it with `ConvSpec.of`.

    Parameters
    ----------
    input_size : (int, int)
        Height and width of the input ``x``.
    kernel_size : (int, int)
        Height and width of the kernel, before dilation.
    stride, dilation : (int, int)
        Step between windows, and step between the taps of one window.
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

    def __init__(
        self, input_size: Pair, kernel_size: Pair, stride: Pair, padding: Padding, dilation: Pair, groups: int
    ) -> None:
        self._keep(
            input_size=input_size,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
        )

    @classmethod
    # The cache is typed, because 1.0 and True equal 1 and would be let in by an earlier call with 1.
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
        """Return the geometry of `tinygrad_cnn.conv2d` for these shapes and options.

        A ValueError names both sides of what does not fit together; a TypeError names what is not made of
        integers.
        """
        _, channels, height, width = four_sizes(x_shape, "x", "(N, C, H, W)")
        outputs, group_channels, *kernel = four_sizes(weight_shape, "weight", "(O, C / groups, KH, KW)")
        groups = integer("groups", groups, 1)
        if channels % groups:
            raise ValueError(f"groups must divide the channels of x, got groups={groups} for C={channels}")
        if outputs % groups:
            raise ValueError(f"groups must divide the outputs of weight, got groups={groups} for O={outputs}")
        if group_channels * groups != channels:
            raise ValueError(
                f"weight must have C / groups = {channels // groups} input channels for x of shape {x_shape}"
                f" and groups={groups}, got weight of shape {weight_shape}"
            )
        window = Window.of(tuple(kernel), stride, dilation, "kernel size of weight")
        checked = _padding(padding)
        pads = window.same_padding((height, width)) if checked == "same" else checked
        window.check_fits((height, width), pads)
        return cls((height, width), window.kernel_size, window.stride, pads, window.dilation, groups)

    @staticmethod
    def check(
        kernel_size: int | Pair,
        *,
        stride: int | Pair = 1,
        padding: int | Pair | Padding | str = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
    ) -> None:
        """Raise what `ConvSpec.of` would raise about these options, whatever the image.

        Examples
        --------
        >>> ConvSpec.check(3, stride=0)
        Traceback (most recent call last):
        ValueError: stride: expected at least 1, got 0
        """
        Window.of(kernel_size, stride, dilation)
        pads = _padding(padding)
        if pads != "same":
            check_plane("padding", padded_size((1, 1), pads))  # the smallest image
        integer("groups", groups, 1)

    @cached_property  # every step asks several times
    def output_size(self) -> Pair:
        """Height and width of the output: ``floor((in + pads - dilation * (k - 1) - 1) / stride) + 1``."""
        (top, bottom), (left, right) = self.padding
        spare_rows = self.input_size[0] + top + bottom - extent(self.kernel_size[0], self.dilation[0])
        spare_cols = self.input_size[1] + left + right - extent(self.kernel_size[1], self.dilation[1])
        return spare_rows // self.stride[0] + 1, spare_cols // self.stride[1] + 1

    @cached_property
    def adjoint(self) -> ConvSpec:
        """Geometry of the convolution of ``y`` that gives the gradient of ``x`` where the stride is 1.

        Its padding may be negative, which is a crop.

        Examples
        --------
        >>> ConvSpec.of((1, 1, 5, 5), (1, 1, 3, 3)).adjoint.padding
        ((2, 2), (2, 2))
        """
        (top, bottom), (left, right) = self.padding
        tall, wide = (d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True))
        padding = (tall - top, tall - bottom), (wide - left, wide - right)
        return ConvSpec(self.output_size, self.kernel_size, (1, 1), padding, self.dilation, self.groups)

    @property
    def of_padded(self) -> ConvSpec:
        """Geometry of the same convolution of an input that has been padded already.

        Examples
        --------
        >>> ConvSpec.of((1, 1, 5, 5), (1, 1, 3, 3), padding=1).of_padded.input_size
        (7, 7)
        """
        return self.replace(input_size=padded_size(self.input_size, self.padding), padding=NO_PADDING)

    @cached_property
    def is_pointwise(self) -> bool:
        """Whether windows and elements are the same, so that ``x`` itself is the matrix of columns."""
        return self.kernel_size == self.stride == (1, 1) and self.padding == NO_PADDING


class PoolSpec(_Geometry):
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

    def __init__(
        self,
        input_size: Pair,
        kernel_size: Pair,
        stride: Pair,
        padding: Padding,
        dilation: Pair,
        ceil_mode: bool,
    ) -> None:
        self._keep(
            input_size=input_size,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
        )

    @classmethod
    @lru_cache(maxsize=1024, typed=True)
    def of(
        cls,
        x_shape: tuple[int, ...],
        kernel_size: int | Pair,
        *,
        stride: int | Pair | None = None,
        padding: int | Pair | Padding | str = 0,
        dilation: int | Pair = 1,
        ceil_mode: bool = False,
    ) -> PoolSpec:
        """Return the geometry of `tinygrad_cnn.max_pool2d` for this shape and these options.

        A ValueError names both sides of what does not fit together; a TypeError names what is not made of
        integers.
        """
        _, _, height, width = four_sizes(x_shape, "x", "(N, C, H, W)")
        window, checked = _pool_options(kernel_size, stride, padding, dilation, ceil_mode)
        pads = window.same_padding((height, width)) if checked == "same" else checked
        _check_half(pads, window)
        window.check_fits((height, width), pads)
        return cls((height, width), window.kernel_size, window.stride, pads, window.dilation, ceil_mode)

    @staticmethod
    def check(
        kernel_size: int | Pair,
        *,
        stride: int | Pair | None = None,
        padding: int | Pair | Padding | str = 0,
        dilation: int | Pair = 1,
        ceil_mode: bool = False,
    ) -> None:
        """Raise what `PoolSpec.of` would raise about these options, whatever the image.

        Examples
        --------
        >>> PoolSpec.check(2, ceil_mode=1)
        Traceback (most recent call last):
        TypeError: ceil_mode: expected True or False, got 1
        """
        _pool_options(kernel_size, stride, padding, dilation, ceil_mode)

    @cached_property  # every step asks several times
    def output_size(self) -> Pair:
        """Height and width of the output, as PyTorch counts them.

        With `ceil_mode` the division rounds up, and a last window that would start in the padding after the
        input is dropped.

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
        spare = size + before + after - extent(self.kernel_size[axis], self.dilation[axis])
        if not self.ceil_mode:
            return spare // stride + 1
        windows = -(-spare // stride) + 1
        starts_before_the_end = (windows - 1) * stride < size + before
        return windows if starts_before_the_end else windows - 1

    @cached_property
    def taps(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """What each offset in the window reads: slices of the padded input along its height and its width.

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
        """Height and width that hold the input after its padding, and every window.

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

        Examples
        --------
        >>> PoolSpec.of((1, 1, 5, 5), 2).is_tiling, PoolSpec.of((1, 1, 5, 5), 2, stride=1).is_tiling
        (True, False)
        """
        disjoint = self.kernel_size == self.stride and self.dilation == (1, 1)
        return disjoint and self.padding == NO_PADDING and not self.ceil_mode


def _padding(padding: Any) -> Padding | Literal["same"]:
    """Return a padding as pairs; "same" stays, because it needs the size of the image."""
    if not isinstance(padding, str):
        return padding_sides(padding)
    if padding == "valid":
        return NO_PADDING
    if padding != "same":
        raise ValueError(f'padding: expected "same" or "valid" as a string, got {padding!r}')
    return "same"


def _pool_options(
    kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any
) -> tuple[Window, Padding | Literal["same"]]:
    """Check the options of a pooling."""
    flag("ceil_mode", ceil_mode)
    window = Window.of(kernel_size, kernel_size if stride is None else stride, dilation)
    if math.prod(window.kernel_size) > LARGEST_WINDOW:
        raise ValueError(
            f"kernel_size: expected at most 2**22 elements in a window, got {window.kernel_size}: reduce the "
            "axes (2, 3) instead"
        )
    pads = _padding(padding)
    if pads != "same":
        _check_half(pads, window)
    return window, pads


def _check_half(pads: Padding, window: Window) -> None:
    """Raise unless a padding is at most half the kernel: a window of padding alone has no maximum."""
    if any(max(ends) > k // 2 for ends, k in zip(pads, window.kernel_size, strict=True)):
        raise ValueError(
            f"padding: expected at most half the kernel, got padding {pads} for kernel {window.kernel_size}"
        )
