"""Operations that move elements and compute none, with NumPy's names and semantics."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..tape import accumulator, broadcast_to, primitive, raw

__all__ = [
    "concatenate",
    "embedding",
    "expand_dims",
    "flip",
    "getitem",
    "moveaxis",
    "one_hot",
    "pad",
    "put",
    "repeat",
    "reshape",
    "reshape_like",
    "roll",
    "squeeze",
    "stack",
    "swapaxes",
    "take",
    "tile",
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
    return np.asarray(x).reshape(shape)


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
    x = np.asarray(x).reshape(template.shape)
    if x.ndim < 2 or template.flags.c_contiguous or 0 in template.strides:  # a broadcast view has no layout
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


_BASIC = (int, np.integer, slice, type(None), type(Ellipsis))


def _selects_once(key):
    """Whether a NumPy index selects no element twice: a basic one, perhaps with a mask."""
    parts = key if isinstance(key, tuple) else (key,)
    arrays = [part for part in parts if not isinstance(part, _BASIC)]
    return not arrays or (
        len(arrays) == 1 and isinstance(arrays[0], np.ndarray) and arrays[0].dtype == np.bool_
    )


def _is_along_one_axis(key):
    """Whether an index is that of `take`: whole axes, and one vector of positions."""
    *lead, last = key if isinstance(key, tuple) else (key,)
    return (
        all(isinstance(part, slice) and part == slice(None) for part in lead)
        and isinstance(last, np.ndarray)
        and last.ndim == 1
        and last.dtype.kind in "iu"
    )


def _even_runs(positions):
    """Runs ``(first, last)`` over which positions differ by one step; None where they are short.

    A padded or flipped axis has a few long ones, a look-up none.
    """
    bends = np.flatnonzero(np.diff(positions, 2)) + 1  # where a run may end
    if 4 * len(bends) > len(positions):
        return None
    runs, first = [], 0
    while first < len(positions):
        k = np.searchsorted(bends, first, side="right")
        last = int(bends[k]) if k < len(bends) else len(positions) - 1
        runs.append((first, last))
        first = last + 1
    return runs


def _add_runs(out, axis, positions, x, runs):
    """``np.add.at(out, positions, x)`` along an axis, run by run, in slices: more than ten times as fast."""
    lead = (slice(None),) * axis
    for first, last in runs:
        start, stop = int(positions[first]), int(positions[last])
        step = (stop - start) // (last - first) if last > first else 1
        part = x[(*lead, slice(first, last + 1))]
        if step == 0:  # one element, repeated
            out[(*lead, start)] += np.add.reduce(part, axis=axis, dtype=accumulator(part.dtype))
        else:
            beyond = stop + (1 if step > 0 else -1)
            out[(*lead, slice(start, beyond if beyond >= 0 else None, step))] += part


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
    if _selects_once(key):
        out[key] = x
        return out
    if _is_along_one_axis(key):
        axis = len(key) - 1 if isinstance(key, tuple) else 0
        positions = np.asarray(key[-1] if isinstance(key, tuple) else key, dtype=np.intp)
        positions = np.where(positions < 0, positions + shape[axis], positions)
        if (runs := _even_runs(positions)) is not None:
            _add_runs(out, axis, positions, x, runs)
            return out
    np.add.at(out, key, x)
    return out


getitem.defvjp(x=lambda g, x_shape, key: put(g, key, shape=x_shape))
put.defvjp(x=lambda g, key: getitem(g, key))


def pad(x, pad_width, mode="constant", *, constant_values=0.0):
    """Surround with a constant, or with elements of the array itself.

    Parameters
    ----------
    x : array_like
    pad_width : int, (before, after), or a sequence of one such pair for each axis
        As for `numpy.pad`.
    mode : "constant", "edge", "reflect" or "wrap"
        As for `numpy.pad`.
    constant_values : float
        For the mode "constant".

    Returns
    -------
    ndarray or Tensor

    Raises
    ------
    TypeError
        If the widths are not integers.
    NotImplementedError
        For another of NumPy's modes.

    Examples
    --------
    >>> pad(np.array([1.0, 2.0]), (1, 2))
    array([0., 1., 2., 0., 0.])
    >>> pad(np.array([1.0, 2.0, 3.0]), 2, mode="reflect")
    array([3., 2., 1., 2., 3., 2., 1.])
    """
    shape = np.shape(raw(x))
    given = np.asarray(pad_width)
    if given.dtype.kind not in "iu":
        raise TypeError(f"pad: pad_width: expected integers, got {pad_width!r}")
    widths = tuple((int(a), int(b)) for a, b in np.broadcast_to(given, (len(shape), 2)))
    if mode == "constant":
        return _pad(x, widths=widths, constant_values=constant_values)
    if mode not in ("edge", "reflect", "wrap"):
        raise NotImplementedError(f"pad: mode: expected constant, edge, reflect or wrap, got {mode!r}")
    for axis, (n, width) in enumerate(zip(shape, widths, strict=True)):
        if width != (0, 0):  # NumPy pads the positions, the positions pick the elements
            x = take(x, np.pad(np.arange(n), width, mode=mode), axis)
    return x


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


def flip(x, axis=None):
    """Reverse the order of elements along axes.

    Parameters
    ----------
    x : array_like
    axis : int, tuple of int or None
        None: all axes.

    Returns
    -------
    ndarray or Tensor
        A view.

    Examples
    --------
    >>> flip(np.array([1.0, 2.0, 3.0]))
    array([3., 2., 1.])
    """
    ndim = np.ndim(raw(x))
    axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim)
    return getitem(x, tuple(slice(None, None, -1 if i in axes else None) for i in range(ndim)))


@primitive
def roll(x, shift, axis=None):
    """Shift elements along axes; those that fall off at one end come back at the other.

    Parameters
    ----------
    x : array_like
    shift : int or tuple of int
        One for all axes, or one for each.
    axis : int, tuple of int or None
        None: of the flattened array, whose shape is then restored.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> roll(np.array([1.0, 2.0, 3.0]), 1)
    array([3., 1., 2.])
    """
    return np.roll(x, shift, axis)


roll.defvjp(x=lambda g, shift, axis: roll(g, np.negative(shift), axis))


def take(x, indices, axis=None):
    """Take elements along an axis, at positions that may repeat.

    Parameters
    ----------
    x : array_like
    indices : array_like of int
        Negative ones count from the end.
    axis : int or None
        None: of the flattened array.

    Returns
    -------
    ndarray or Tensor
        With the shape of ``indices`` in the place of ``axis``.

    Examples
    --------
    >>> take(np.array([[1.0, 2.0], [3.0, 4.0]]), [1, 1], axis=0)
    array([[3., 4.],
           [3., 4.]])
    """
    indices = np.asarray(raw(indices))
    if axis is None:
        return getitem(reshape(x, (-1,)), indices)
    return getitem(x, (slice(None),) * normalize_axis_index(axis, np.ndim(raw(x))) + (indices,))


def repeat(x, repeats, axis=None):
    """Repeat each element along an axis.

    Parameters
    ----------
    x : array_like
    repeats : int or array_like of int
        One number for all, or one for each position.
    axis : int or None
        None: of the flattened array.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> repeat(np.array([1.0, 2.0]), [1, 2])
    array([1., 2., 2.])
    """
    if axis is None or (np.ndim(raw(x)) == 0 and axis in (0, -1)):  # to NumPy a 0-d array repeats as a vector
        x, axis = reshape(x, (-1,)), 0
    if isinstance(repeats, int):  # a new axis, stretched: its gradient is a sum, and needs no scattering
        shape = np.shape(raw(x))
        place = normalize_axis_index(axis, len(shape)) + 1
        stretched = broadcast_to(expand_dims(x, place), (*shape[:place], repeats, *shape[place:]))
        return reshape(stretched, (*shape[: place - 1], shape[place - 1] * repeats, *shape[place:]))
    return take(x, np.repeat(np.arange(np.shape(raw(x))[axis]), raw(repeats)), axis)


def tile(x, reps):
    """Repeat the whole array.

    Parameters
    ----------
    x : array_like
    reps : int or sequence of int
        How often, along each axis; matched with the last axes, as `numpy.tile` does.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> tile(np.array([1.0, 2.0]), (2, 2))
    array([[1., 2., 1., 2.],
           [1., 2., 1., 2.]])
    """
    reps = tuple(reps) if np.iterable(reps) else (reps,)
    shape = np.shape(raw(x))
    ndim = max(len(reps), len(shape))
    reps, shape = (1,) * (ndim - len(reps)) + reps, (1,) * (ndim - len(shape)) + shape
    # each axis becomes a pair (repetition, position)
    paired = reshape(x, tuple(n for size in shape for n in (1, size)))
    spread = broadcast_to(paired, tuple(n for pair in zip(reps, shape, strict=True) for n in pair))
    return reshape(spread, tuple(r * n for r, n in zip(reps, shape, strict=True)))


def embedding(weight, indices):
    """Look rows of a table up: ``weight[indices]``, with the indices checked.

    Parameters
    ----------
    weight : array_like, (rows, features)
    indices : array_like of int
        In ``0..rows-1``.

    Returns
    -------
    ndarray or Tensor, indices.shape + (features,)

    Raises
    ------
    TypeError
        If the indices are not integers.
    ValueError
        If one is out of range.

    Examples
    --------
    >>> embedding(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0, 1]))
    array([[3., 4.],
           [1., 2.],
           [3., 4.]])
    """
    return getitem(weight, check_indices("embedding", "indices", raw(indices), np.shape(raw(weight))[0]))


def one_hot(indices, classes, *, dtype=np.float32):
    """Rows that are 1 at an index and 0 elsewhere.

    Parameters
    ----------
    indices : array_like of int
        In ``0..classes-1``.
    classes : int
    dtype : dtype_like

    Returns
    -------
    ndarray, indices.shape + (classes,)

    Raises
    ------
    TypeError
        If the indices are not integers.
    ValueError
        If one is out of range.

    Examples
    --------
    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    indices = check_indices("one_hot", "indices", raw(indices), classes)
    out = np.zeros((*indices.shape, classes), dtype)
    np.put_along_axis(out, indices[..., np.newaxis], 1, axis=-1)
    return out


def check_indices(op, name, indices, count):
    """Indices into ``count`` places as an array, or an error that names the operation and the operand.

    Parameters
    ----------
    op, name : str
        For the message.
    indices : array_like of int
    count : int

    Returns
    -------
    ndarray of int

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If one lies outside ``0..count-1``: a negative one would count from the end, in silence.

    Examples
    --------
    >>> check_indices("embedding", "indices", [0, 2], 3)
    array([0, 2])
    """
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{op}: {name}: expected integers, got {indices.dtype}")
    if indices.size and not (indices.min() >= 0 and indices.max() < count):
        wrong = indices[(indices < 0) | (indices >= count)][0]
        raise ValueError(f"{op}: {name}: expected values in 0..{count - 1}, got {wrong}")
    return indices
