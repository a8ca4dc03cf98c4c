"""Operations that move elements and compute none, with NumPy's names and semantics."""

import math

import numpy as np

from ..tape import primitive, raw

__all__ = [
    "concatenate",
    "expand_dims",
    "getitem",
    "moveaxis",
    "pad",
    "put",
    "reshape",
    "reshape_like",
    "squeeze",
    "stack",
    "swapaxes",
    "transpose",
]


@primitive
def reshape(x, shape):
    """Give an array a new shape, in C order of its elements.

    Parameters
    ----------
    x : array_like
    shape : int or tuple of int
        One of them may be -1: whatever is left.

    Returns
    -------
    ndarray or Tensor
        A view where the memory order allows it.

    Examples
    --------
    >>> reshape(np.arange(6.0), (2, -1))
    array([[0., 1., 2.],
           [3., 4., 5.]])
    """
    return np.reshape(x, shape)


@primitive
def reshape_like(x, template):
    """Reshape to the shape *and the memory order* of another array.

    The gradient of `reshape`: a convolution's kernels are fast on memory that is laid out as theirs, and the
    cotangent that comes back through a flattening in C order would lose it.

    Parameters
    ----------
    x : array_like
    template : array_like
        Not differentiable; only its layout is used.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> reshape_like(np.arange(4.0), np.zeros((2, 2), order="F")).flags.f_contiguous
    True
    """
    x = np.reshape(x, template.shape)
    if x.ndim < 2 or template.flags.c_contiguous:
        return x
    out = np.empty_like(template, dtype=x.dtype)
    if out.strides != x.strides:
        out[...] = x
        return out
    return x


reshape.defvjp(x=lambda g, x: reshape_like(g, raw(x)))
reshape_like.defvjp(x=lambda g, x: reshape_like(g, raw(x)))


@primitive
def transpose(x, axes=None):
    """Permute the axes.

    Parameters
    ----------
    x : array_like
    axes : tuple of int, optional
        By default the axes are reversed.

    Returns
    -------
    ndarray or Tensor
        A view.

    Examples
    --------
    >>> transpose(np.ones((2, 3, 4)), (1, 2, 0)).shape
    (3, 4, 2)
    """
    return np.transpose(x, axes)


def _transpose_rule(g, axes):
    return transpose(g, None if axes is None else tuple(np.argsort([a % g.ndim for a in axes]).tolist()))


transpose.defvjp(x=_transpose_rule)


def swapaxes(x, axis1, axis2):
    """Exchange two axes.

    Parameters
    ----------
    x : array_like
    axis1, axis2 : int

    Returns
    -------
    ndarray or Tensor
        A view.

    Examples
    --------
    >>> swapaxes(np.ones((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    axes = list(range(np.ndim(raw(x))))
    for axis in (axis1, axis2):
        if not -len(axes) <= axis < len(axes):
            raise np.exceptions.AxisError(axis, len(axes), "swapaxes")
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return transpose(x, tuple(axes))


def moveaxis(x, source, destination):
    """Move axes to new positions; the others keep their order.

    Parameters
    ----------
    x : array_like
    source, destination : int or tuple of int

    Returns
    -------
    ndarray or Tensor
        A view.

    Examples
    --------
    >>> moveaxis(np.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    positions = np.arange(np.ndim(raw(x)))
    # NumPy finds the permutation: on an array whose axis lengths name the axes
    order = np.moveaxis(np.empty(tuple(positions + 1), dtype=bool), source, destination).shape
    return transpose(x, tuple(n - 1 for n in order))


def expand_dims(x, axis):
    """Insert axes of length 1.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int
        Their positions in the result.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> expand_dims(np.ones(3), 0).shape
    (1, 3)
    """
    return reshape(x, np.expand_dims(np.empty(np.shape(raw(x)), dtype=bool), axis).shape)


def squeeze(x, axis=None):
    """Remove axes of length 1.

    Parameters
    ----------
    x : array_like
    axis : int or tuple of int, optional
        By default all of them.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> squeeze(np.ones((1, 3, 1)), 0).shape
    (3, 1)
    """
    return reshape(x, np.squeeze(np.empty(np.shape(raw(x)), dtype=bool), axis).shape)


# --- choosing and placing ---------------------------------------------------------------------------------


def _is_basic(key):
    """Whether a NumPy index selects every element at most once, so that ``out[key] += g`` accumulates."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(
        part is None or part is Ellipsis or isinstance(part, int | slice | np.integer) for part in parts
    )


@primitive
def getitem(x, key):
    """Index as NumPy does, with basic and advanced indices.

    Parameters
    ----------
    x : array_like
    key : index
        What may stand in ``x[...]``; not differentiable.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> getitem(np.array([1.0, 2.0, 3.0]), [0, 0, 2])
    array([1., 1., 3.])
    """
    return x[key]


@primitive
def put(x, key, *, shape):
    """Zeros of a shape, with ``x`` added at an index: the adjoint of `getitem`.

    Parameters
    ----------
    x : array_like
        Of the shape that ``key`` selects.
    key : index
        Elements that it selects more than once accumulate.
    shape : tuple of int
        Of the result.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> put(np.array([1.0, 1.0, 5.0]), [0, 0, 2], shape=(3,))
    array([2., 0., 5.])
    """
    out = np.zeros(shape, dtype=x.dtype)
    if _is_basic(key):
        out[key] = x
    else:
        np.add.at(out, key, x)
    return out


getitem.defvjp(x=lambda g, x_shape, key: put(g, key, shape=x_shape))
put.defvjp(x=lambda g, key: getitem(g, key))


def pad(x, pad_width, *, constant_values=0.0):
    """Surround with a constant.

    Parameters
    ----------
    x : array_like
    pad_width : int, (before, after), or a sequence of one such pair for each axis
        As for `numpy.pad`.
    constant_values : float

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> pad(np.array([1.0, 2.0]), (1, 2))
    array([0., 1., 2., 0., 0.])
    """
    widths = np.broadcast_to(np.asarray(pad_width), (np.ndim(raw(x)), 2))
    return _pad(x, widths=tuple((int(a), int(b)) for a, b in widths), constant_values=constant_values)


@primitive
def _pad(x, *, widths, constant_values):
    # NumPy refuses the empty tuple of widths of a 0-d array
    return np.pad(x, widths or 0, constant_values=constant_values)


def _pad_rule(g, x_shape, widths):
    return getitem(
        g, tuple(slice(before, before + n) for (before, _), n in zip(widths, x_shape, strict=True))
    )


_pad.defvjp(x=_pad_rule)


def concatenate(arrays, axis=0):
    """Join arrays along an existing axis.

    Parameters
    ----------
    arrays : sequence of array_like
        Of equal shapes but for ``axis``.
    axis : int or None
        None joins them flattened.

    Returns
    -------
    ndarray or Tensor
        Of the promoted dtype.

    Examples
    --------
    >>> concatenate([np.ones((1, 2)), np.zeros((1, 2))])
    array([[1., 1.],
           [0., 0.]])
    """
    if axis is None:
        arrays, axis = [reshape(x, (-1,)) for x in arrays], 0
    return _concatenate(*arrays, axis=axis)


@primitive(broadcasts=True)  # for the promotion: concatenation does not broadcast
def _concatenate(*xs, axis):
    return np.concatenate(xs, axis=axis)


def _concatenate_rule(g, xs_shape, index, axis):
    lengths = [shape[axis] for shape in xs_shape]
    start = math.fsum(lengths[:index])
    key = [slice(None)] * g.ndim
    key[axis] = slice(int(start), int(start) + lengths[index])
    return getitem(g, tuple(key))


_concatenate.defvjp(xs=_concatenate_rule)


def stack(arrays, axis=0):
    """Join arrays along a new axis.

    Parameters
    ----------
    arrays : sequence of array_like
        Of equal shapes.
    axis : int
        The position of the new axis in the result.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> stack([np.zeros(2), np.ones(2)], axis=1)
    array([[0., 1.],
           [0., 1.]])
    """
    return concatenate([expand_dims(x, axis) for x in arrays], axis)
