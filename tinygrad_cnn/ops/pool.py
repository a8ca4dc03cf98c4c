"""Pooling over windows.

Max pooling routes the gradient to the winners, a scatter; the adjoint of that scatter gathers from the
winners. Both find the winners anew from the raw input, where they are locally constant.
"""

import numpy as np

from ..kernels import pool as kernel
from ..kernels.geometry import PoolSpec
from ..tape import primitive, raw
from .conv import check_arrays, geometry
from .linalg import matmul
from .reductions import mean

__all__ = ["adaptive_avg_pool2d", "avg_pool2d", "global_avg_pool2d", "max_pool2d"]


def max_pool2d(x, kernel_size, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    """Maximum over windows; of tied elements the first in scan order of the window gets the gradient.

    Parameters
    ----------
    x : array_like, (N, C, H, W)
        NaN propagates.
    kernel_size : int or (int, int)
    stride : int or (int, int), optional
        The kernel size by default.
    padding : int, (int, int) or ((top, bottom), (left, right))
        Elements of minus infinity around the input; at most half the kernel.
    dilation : int or (int, int)
    ceil_mode : bool
        Let a last window reach past the padded input.

    Returns
    -------
    ndarray or Tensor, (N, C, OH, OW)

    Raises
    ------
    ValueError
        If sizes do not fit.

    Examples
    --------
    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    check_arrays("max_pool2d", x=x)
    spec = geometry(
        "max_pool2d",
        PoolSpec.of,
        (x.shape,),
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )
    return _max_pool2d(x, spec=spec)


@primitive
def _max_pool2d(x, *, spec):
    return kernel.max_forward(x, spec)


@primitive
def max_pool2d_scatter(y, x, *, spec, maxima=None):
    """Send each window's value to the element of ``x`` that won the window; linear in ``y``.

    Parameters
    ----------
    y : ndarray or Tensor, (N, C, OH, OW)
    x : ndarray, (N, C, H, W)
        Decides the winners; not differentiable.
    spec : PoolSpec
    maxima : ndarray, (N, C, OH, OW), optional
        The maxima of ``x``, to save computing them again.

    Returns
    -------
    ndarray or Tensor, (N, C, H, W)

    Examples
    --------
    >>> x = np.array([[[[1.0, 4.0], [3.0, 2.0]]]])
    >>> max_pool2d_scatter(np.array([[[[7.0]]]]), x, spec=PoolSpec.of(x.shape, 2))[0, 0]
    array([[0., 7.],
           [0., 0.]])
    """
    return kernel.max_scatter(y, x, spec, maxima)


@primitive
def max_pool2d_gather(v, x, *, spec, maxima=None):
    """Read ``v`` at the element of ``x`` that won each window: the adjoint of `max_pool2d_scatter`.

    Parameters
    ----------
    v : ndarray or Tensor, (N, C, H, W)
    x : ndarray, (N, C, H, W)
        Decides the winners; not differentiable.
    spec : PoolSpec
    maxima : ndarray, (N, C, OH, OW), optional
        The maxima of ``x``, to save computing them again.

    Returns
    -------
    ndarray or Tensor, (N, C, OH, OW)

    Examples
    --------
    >>> x = np.array([[[[1.0, 4.0], [3.0, 2.0]]]])
    >>> max_pool2d_gather(10 * x, x, spec=PoolSpec.of(x.shape, 2))
    array([[[[40.]]]])
    """
    return kernel.max_gather(v, x, spec, maxima)


_max_pool2d.defvjp(
    x=lambda g, x, out, spec: max_pool2d_scatter(g, raw(x), spec=spec, maxima=raw(out)),
)
max_pool2d_scatter.defvjp(
    y=lambda g, x, spec, maxima: max_pool2d_gather(g, x, spec=spec, maxima=maxima),
)
max_pool2d_gather.defvjp(
    v=lambda g, x, spec, maxima: max_pool2d_scatter(g, x, spec=spec, maxima=maxima),
)


def avg_pool2d(x, kernel_size, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """Mean over windows.

    Parameters
    ----------
    x : array_like, (N, C, H, W)
    kernel_size : int or (int, int)
    stride : int or (int, int), optional
        The kernel size by default.
    padding : int, (int, int) or ((top, bottom), (left, right))
        Zeros around the input; at most half the kernel.
    ceil_mode : bool
        Let a last window reach past the padded input; what lies beyond is not counted.
    count_include_pad : bool
        Whether the padding counts in the divisor.

    Returns
    -------
    ndarray or Tensor, (N, C, OH, OW)

    Raises
    ------
    ValueError
        If sizes do not fit.

    Examples
    --------
    >>> avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    check_arrays("avg_pool2d", x=x)
    spec = geometry(
        "avg_pool2d",
        PoolSpec.of,
        (x.shape,),
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
    )
    return _avg_pool2d(x, spec=spec, count_include_pad=count_include_pad)


@primitive
def _avg_pool2d(x, *, spec, count_include_pad):
    return kernel.avg_forward(x, spec, count_include_pad)


@primitive
def _avg_pool2d_input(y, *, spec, count_include_pad):
    return kernel.avg_backward(y, spec, count_include_pad)


_avg_pool2d.defvjp(
    x=lambda g, spec, count_include_pad: _avg_pool2d_input(g, spec=spec, count_include_pad=count_include_pad)
)
_avg_pool2d_input.defvjp(
    y=lambda g, spec, count_include_pad: _avg_pool2d(g, spec=spec, count_include_pad=count_include_pad)
)


def adaptive_avg_pool2d(x, output_size):
    """Mean over windows that divide the input as evenly as they can.

    Window ``i`` of ``OH`` covers rows ``floor(i * H / OH)`` to ``ceil((i + 1) * H / OH)``.

    Parameters
    ----------
    x : array_like, (N, C, H, W)
    output_size : int or (int, int)

    Returns
    -------
    ndarray or Tensor, (N, C, OH, OW)

    Raises
    ------
    ValueError
        If ``x`` has not four axes, is empty in space, or a size is below 1.

    Examples
    --------
    >>> adaptive_avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), (1, 2))[0, 0]
    array([[6.5, 8.5]])
    """
    check_arrays("adaptive_avg_pool2d", x=x)
    size = output_size if isinstance(output_size, tuple) else (output_size, output_size)
    if x.ndim != 4 or 0 in x.shape[2:]:
        raise ValueError(f"adaptive_avg_pool2d: x: expected shape (N, C, H, W) with H, W >= 1, got {x.shape}")
    if min(size) < 1:
        raise ValueError(f"adaptive_avg_pool2d: output_size: expected at least 1, got {output_size}")
    rows, columns = (_window_means(n, m, x.dtype) for n, m in zip(x.shape[2:], size, strict=True))
    return matmul(matmul(rows, x), columns.T)  # (OH, H) @ (N, C, H, W) @ (W, OW)


def _window_means(length, windows, dtype):
    """The matrix (windows, length) that takes the means along one axis."""
    index, position = np.arange(windows)[:, None], np.arange(length)
    inside = (position >= index * length // windows) & (position < -((index + 1) * -length // windows))
    return (inside / inside.sum(axis=1, keepdims=True)).astype(dtype)


def global_avg_pool2d(x):
    """Mean of each channel over space.

    Parameters
    ----------
    x : array_like, (N, C, H, W)

    Returns
    -------
    ndarray or Tensor, (N, C)

    Raises
    ------
    ValueError
        If ``x`` has not four axes.

    Examples
    --------
    >>> global_avg_pool2d(np.ones((2, 3, 4, 4))).shape
    (2, 3)
    """
    check_arrays("global_avg_pool2d", x=x)
    if x.ndim != 4:
        raise ValueError(f"global_avg_pool2d: x: expected shape (N, C, H, W), got {x.shape}")
    return mean(x, (2, 3))
