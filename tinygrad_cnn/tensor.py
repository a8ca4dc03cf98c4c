"""`Tensor`: an array on the tape, with NumPy's operators and methods. Each is one line into ``ops``."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import numpy_protocol, ops
from .numpy_protocol import NOT_IN_PLACE
from .stand_in import as_array
from .tables import Column, Row, as_html
from .tape import RELEASED, Box, Leaf, array_for, is_connected, new_serial, raw, require_floating, walk
from .types import Axes, DTypeLike, Mask, NDArray, Operand, Shape

__all__ = ["Tensor"]


_NO_GRAD = (
    "this tensor was computed, and backward() fills the grad of leaves alone. Add zeros that require "
    "gradients, h = h + zeros, and read zeros.grad; or differentiate what follows, by tg.grad(rest)(h)"
)


class _Missing:
    """A method that others have: to ask for it raises an AttributeError that names the way.

    A `__getattr__` for these would make every look-up of ``data`` and ``node`` slower.
    """

    def __init__(self, way: str) -> None:
        self._way = way

    def __get__(self, tensor: Any, cls: Any) -> Any:
        raise AttributeError(f"a Tensor has no such method: {self._way}")


class Tensor(Box):
    """An n-dimensional array whose computations are recorded, so that they can be differentiated.

    Parameters
    ----------
    data : array_like
        The values. An ndarray is not copied, so a parameter that is updated in place changes its tensor.
    requires_grad : bool
        Make the tensor a leaf of the tape, so that `backward` fills its ``grad``.
    dtype : dtype_like, optional
        The dtype to cast to; by default that of ``data``.

    Attributes
    ----------
    data : ndarray
        The values.
    node : Node or None
        The record of the call that computed it; None for a constant.

    Raises
    ------
    TypeError
        If gradients are required of an array that is not floating.

    Notes
    -----
    Dtypes promote as NumPy's do: a Python number takes the dtype of the tensor, a NumPy scalar has one of its
    own. So a float32 tensor times ``np.float64(2)`` is float64, and its gradient is float32 again.

    While a gradient can still come through the tensor, its numbers leave the tape by `item`, `tolist`,
    `numpy`, `detach` and `stop_gradient` alone: ``float(x)``, ``math.sin(x)``, ``np.asarray(x)`` or
    ``array[0] = x`` raise a TypeError. A constant, or a tensor whose graph was released, converts freely.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> loss = (x * x).sum()
    >>> loss.backward()
    >>> x.grad
    array([2., 4.])
    >>> single = Tensor([1.0], dtype=np.float32)
    >>> (single * 2.0).dtype, (single * np.float64(2)).dtype
    (dtype('float32'), dtype('float64'))
    """

    __slots__ = ()

    def __init__(self, data: Any, *, requires_grad: bool = False, dtype: DTypeLike | None = None):
        if isinstance(data, Tensor):
            raise TypeError("Tensor(tensor) would leave the tape: use tensor.detach() first if that is meant")
        self.data = as_array(data, dtype)
        if requires_grad:
            require_floating(self.data.dtype)
        self.node = Leaf(self.data) if requires_grad else None

    # --- the array ----------------------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """Shape of the array, a tuple of int."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the array."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.data.size

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The transpose, with all axes reversed."""
        return ops.transpose(self)

    @property
    def mT(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The transpose of each matrix, with the last two axes exchanged."""
        return ops.swapaxes(self, -1, -2)

    def numpy(self) -> NDArray:
        """Return the values as an ndarray off the tape, which shares memory with the tensor.

        Returns
        -------
        ndarray

        Examples
        --------
        >>> Tensor([1.0]).numpy()
        array([1.])
        """
        new_serial()  # so that `grad` can tell a function that used its argument from one that did not
        return self.data

    def item(self) -> Any:
        """Return the value of a tensor of one element, as a Python number.

        Returns
        -------
        float, int or bool

        Examples
        --------
        >>> Tensor(2.5).item()
        2.5
        """
        new_serial()  # as in `numpy`
        return self.data.item()

    def tolist(self) -> Any:
        """Return the values as nested lists of Python numbers, off the tape.

        Returns
        -------
        list, float, int or bool

        Examples
        --------
        >>> Tensor([[1.0], [2.0]]).tolist()
        [[1.0], [2.0]]
        """
        new_serial()  # as in `numpy`
        return self.data.tolist()

    def detach(self) -> Tensor:
        """Return the same values as a constant, cut off from the tape.

        Returns
        -------
        Tensor

        Examples
        --------
        >>> Tensor(1.0, requires_grad=True).detach().requires_grad
        False
        """
        return Tensor(self.data)

    # --- the tape -----------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether the tensor is a leaf that requires gradients, or was computed from one."""
        return self.node is not None

    @property
    def grad(self) -> NDArray | None:
        """The gradient that `backward` has accumulated, in its own array; None before. It may be assigned.

        Only a tensor made with ``requires_grad=True`` has one. For a tensor that was computed it is None,
        with a warning that says how to get the gradient.
        """
        if isinstance(self.node, Leaf):
            return self.node.grad
        if self.node is not None:
            warnings.warn(f"grad: {_NO_GRAD}", stacklevel=2)
        return None

    @grad.setter
    def grad(self, value: NDArray | None) -> None:
        if not isinstance(self.node, Leaf):
            raise AttributeError("only a tensor made with requires_grad=True has a grad to set")
        if value is not None and not isinstance(value, np.ndarray):
            raise TypeError(f"grad: expected an ndarray or None, got {type(value).__name__}")
        if value is not None and (value.shape, value.dtype) != (self.shape, self.dtype):
            raise ValueError(
                f"grad: expected {self.dtype}{list(self.shape)}, got {value.dtype}{list(value.shape)}"
            )
        self.node.grad = value

    def backward(self, gradient: Any = None, *, retain_graph: bool = False) -> None:
        """Accumulate the derivative of this tensor in the ``grad`` of every leaf that it depends on.

        The graph is released: what nobody else refers to is freed at once.

        Parameters
        ----------
        gradient : array_like, optional
            The cotangent to start from, in the shape of the tensor. A scalar starts from 1.
        retain_graph : bool
            Keep the graph, so that `backward` can be called again.

        Raises
        ------
        RuntimeError
            If nothing that requires gradients led here, or an earlier call has released the graph.
        ValueError
            If the tensor is no scalar and no ``gradient`` is given, or its shape differs.

        Examples
        --------
        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> (x * 3).backward(np.array([1.0, 10.0]))
        >>> x.grad
        array([ 3., 30.])
        """
        node = self.node
        if node is None:
            raise RuntimeError("backward: nothing that this tensor was computed from requires gradients")
        if gradient is None:
            if self.shape != ():
                raise ValueError(f"backward: a tensor of shape {self.shape} is no scalar: pass a gradient")
            gradient = np.array(1, self.data.dtype)
        else:
            gradient = np.asarray(raw(gradient), dtype=self.dtype)
            if gradient.shape != self.shape:
                raise ValueError(f"backward: gradient: expected shape {self.shape}, got {gradient.shape}")
        if not retain_graph and not isinstance(node, Leaf):
            self.node = RELEASED
        roots = iter([(node, gradient)])
        del node, gradient  # from here on the walk alone holds the graph, and lets go of it node by node
        for leaf, g in walk(roots).items():
            leaf.accumulate(g)

    # --- operators ----------------------------------------------------------------------------------------

    def __add__(self, other: Operand[Tensor]) -> Tensor:
        return ops.add(self, other)

    def __radd__(self, other: Operand[Tensor]) -> Tensor:
        return ops.add(other, self)

    def __sub__(self, other: Operand[Tensor]) -> Tensor:
        return ops.subtract(self, other)

    def __rsub__(self, other: Operand[Tensor]) -> Tensor:
        return ops.subtract(other, self)

    def __mul__(self, other: Operand[Tensor]) -> Tensor:
        return ops.multiply(self, other)

    def __rmul__(self, other: Operand[Tensor]) -> Tensor:
        return ops.multiply(other, self)

    def __truediv__(self, other: Operand[Tensor]) -> Tensor:
        return ops.divide(self, other)

    def __rtruediv__(self, other: Operand[Tensor]) -> Tensor:
        return ops.divide(other, self)

    def __pow__(self, other: Operand[Tensor]) -> Tensor:
        return ops.power(self, other)

    def __rpow__(self, other: Operand[Tensor]) -> Tensor:
        return ops.power(other, self)

    def __matmul__(self, other: Operand[Tensor]) -> Tensor:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: Operand[Tensor]) -> Tensor:
        return ops.matmul(other, self)

    def __floordiv__(self, other: Operand[Tensor]) -> Tensor:
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other: Operand[Tensor]) -> Tensor:
        return ops.floor_divide(other, self)

    def __mod__(self, other: Operand[Tensor]) -> Tensor:
        return ops.remainder(self, other)

    def __rmod__(self, other: Operand[Tensor]) -> Tensor:
        return ops.remainder(other, self)

    def __divmod__(self, other: Operand[Tensor]) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Operand[Tensor]) -> tuple[Tensor, Tensor]:
        return other // self, other % self

    def __neg__(self) -> Tensor:
        return ops.negative(self)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return ops.abs(self)

    def __round__(self, decimals: int = 0) -> Tensor:
        return ops.round(self, decimals)

    def __getitem__(self, key: Any) -> Tensor:
        return ops.getitem(self, _raw_key(key))

    # comparisons are not differentiable and return plain arrays of bool

    def __eq__(self, other: object) -> Any:
        return np.equal(self.data, raw(other))

    def __ne__(self, other: object) -> Any:
        return np.not_equal(self.data, raw(other))

    def __lt__(self, other: Operand[Tensor]) -> Mask:
        return np.less(self.data, raw(other))

    def __le__(self, other: Operand[Tensor]) -> Mask:
        return np.less_equal(self.data, raw(other))

    def __gt__(self, other: Operand[Tensor]) -> Mask:
        return np.greater(self.data, raw(other))

    def __ge__(self, other: Operand[Tensor]) -> Mask:
        return np.greater_equal(self.data, raw(other))

    __hash__ = object.__hash__  # by identity: equality is elementwise

    # --- methods, named as NumPy's ------------------------------------------------------------------------

    def sum(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Sum over axes; see `tinygrad_cnn.sum`."""
        return ops.sum(self, axis, keepdims=keepdims)

    def mean(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Mean over axes; see `tinygrad_cnn.mean`."""
        return ops.mean(self, axis, keepdims=keepdims)

    def var(self, axis: Axes = None, *, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Variance over axes; see `tinygrad_cnn.var`."""
        return ops.var(self, axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Axes = None, *, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Standard deviation over axes; see `tinygrad_cnn.std`."""
        return ops.std(self, axis, ddof=ddof, keepdims=keepdims)

    def prod(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Product over axes; see `tinygrad_cnn.prod`."""
        return ops.prod(self, axis, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Tensor:
        """Sums of the elements up to each; see `tinygrad_cnn.cumsum`."""
        return ops.cumsum(self, axis)

    def cumprod(self, axis: int | None = None) -> Tensor:
        """Products of the elements up to each; see `tinygrad_cnn.cumprod`."""
        return ops.cumprod(self, axis)

    def dot(self, other: Operand[Tensor]) -> Tensor:
        """Inner product with vectors, or product of matrices; see `tinygrad_cnn.dot`."""
        return ops.dot(self, other)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """Sum of a diagonal; see `tinygrad_cnn.trace`."""
        return ops.trace(self, offset, axis1, axis2)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """Take a diagonal; see `tinygrad_cnn.diagonal`."""
        return ops.diagonal(self, offset, axis1, axis2)

    def max(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Maximum over axes; see `tinygrad_cnn.max`."""
        return ops.max(self, axis, keepdims=keepdims)

    def min(self, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Minimum over axes; see `tinygrad_cnn.min`."""
        return ops.min(self, axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
        """Position of the maximum; see `tinygrad_cnn.argmax`."""
        return ops.argmax(self, axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
        """Position of the minimum; see `tinygrad_cnn.argmin`."""
        return ops.argmin(self, axis, keepdims=keepdims)

    def argsort(self, axis: int | None = -1) -> Tensor:
        """Positions of the elements in their order; see `tinygrad_cnn.argsort`."""
        return ops.argsort(self, axis)

    def clip(self, min: Operand[Tensor] | None = None, max: Operand[Tensor] | None = None) -> Tensor:
        """Limit to an interval; see `tinygrad_cnn.clip`."""
        return ops.clip(self, min, max)

    def round(self, decimals: int = 0) -> Tensor:
        """Round to a number of decimals; see `tinygrad_cnn.round`."""
        return ops.round(self, decimals)

    def take(self, indices: Operand[Any], axis: int | None = None) -> Tensor:
        """Take elements along an axis; see `tinygrad_cnn.take`."""
        return ops.take(self, indices, axis)

    def repeat(self, repeats: Operand[Any], axis: int | None = None) -> Tensor:
        """Repeat each element; see `tinygrad_cnn.repeat`."""
        return ops.repeat(self, repeats, axis)

    def ravel(self) -> Tensor:
        """Give one axis, in C order of the elements; see `tinygrad_cnn.ravel`."""
        return ops.ravel(self)

    def flatten(self) -> Tensor:
        """Do the same as `ravel`: a view is as good as a copy where nothing is changed in place."""
        return self.ravel()

    def reshape(self, *shape: Any) -> Tensor:
        """Give a new shape, as one tuple or as several ints; see `tinygrad_cnn.reshape`."""
        return ops.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Tensor:
        """Permute the axes, given as one tuple or as several ints; see `tinygrad_cnn.transpose`."""
        as_one = len(axes) == 1 and not isinstance(axes[0], int)
        return ops.transpose(self, (axes[0] if as_one else axes) or None)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Exchange two axes; see `tinygrad_cnn.swapaxes`."""
        return ops.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: Axes = None) -> Tensor:
        """Remove axes of length 1; see `tinygrad_cnn.squeeze`."""
        return ops.squeeze(self, axis)

    def astype(self, dtype: DTypeLike) -> Tensor:
        """Cast to a dtype; see `tinygrad_cnn.astype`."""
        return ops.astype(self, dtype)

    def copy(self) -> Tensor:
        """Copy the values, so that the copy keeps them when the array of a parameter is updated."""
        return ops.astype(self, self.dtype)

    # a truth or a position has no derivative, and is a plain array

    def all(self, axis: Axes = None, *, keepdims: bool = False) -> Any:
        """Tell whether all elements are true; see `numpy.all`."""
        return np.all(self.data, axis, keepdims=keepdims)

    def any(self, axis: Axes = None, *, keepdims: bool = False) -> Any:
        """Tell whether any element is true; see `numpy.any`."""
        return np.any(self.data, axis, keepdims=keepdims)

    def nonzero(self) -> tuple[NDArray, ...]:
        """Return the positions of the elements that are not zero; see `numpy.nonzero`."""
        return np.nonzero(self.data)

    # --- Python's protocols -------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self.data)))

    def __bool__(self) -> bool:
        return bool(self.data)

    # A number that Python takes by itself would lose its gradient unseen; a text is not computed with.

    def __float__(self) -> float:
        return float(array_for("float()", self))

    def __int__(self) -> int:
        return int(array_for("int()", self))

    __trunc__ = __int__

    def __complex__(self) -> complex:
        return complex(array_for("complex()", self))

    def __index__(self) -> int:
        return operator.index(array_for("operator.index()", self))

    def __format__(self, spec: str) -> str:
        if self.ndim == 0:
            return format(self.data, spec)
        if spec:
            raise TypeError(f"format: {spec!r} formats a number, but the tensor has shape {self.shape}")
        return str(self)

    def __repr__(self) -> str:
        values = np.array2string(self.data, prefix="Tensor(", separator=", ")
        dtype = "" if self.dtype in (np.float64, np.int64, np.bool_) else f", dtype={self.dtype}"
        flag = ", requires_grad=True" if isinstance(self.node, Leaf) else ""
        made = f", from={self.node.primitive.name}" if self.node and self.node.primitive else ""
        return f"Tensor({values}{dtype}{flag}{made})"

    def _repr_html_(self) -> str:
        values = np.array2string(self.data, separator=", ", precision=4, threshold=60, edgeitems=2)
        came = "a leaf, which requires gradients" if isinstance(self.node, Leaf) else "a constant"
        if self.node is not None and self.node.primitive:
            came = f"computed by {self.node.primitive.name}"
        columns = (Column("values", is_code=True), Column("dtype and shape"), Column("it is"))
        return as_html(columns, [Row((values, f"{self.dtype}{list(self.shape)}", came))])

    def __reduce__(self) -> tuple[Callable[..., Tensor], tuple[Any, ...]]:
        if not isinstance(self.node, Leaf):
            if is_connected(self):
                raise TypeError("a tensor on the tape cannot be copied or pickled: detach() it first")
            return Tensor, (self.data,)
        grad = self.node.grad
        return _leaf, (self.data, None if grad is None else grad.copy())  # which backward() adds to in place

    # --- NumPy's protocols: record, or say which op to use; never leave the tape in silence -----------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> object:
        # "object", so that type checkers do not take a tensor for an array: tensor + array is a tensor
        return np.array(array_for("conversion to an ndarray", self), dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        return array_for("DLPack", self).__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.data.__dlpack_device__()

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = (), **kwargs: Any
    ) -> Any:
        return numpy_protocol.call_ufunc(ufunc, method, inputs, out, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return numpy_protocol.call_function(function, args, kwargs)

    # --- what a Tensor does not do ------------------------------------------------------------------------

    if not TYPE_CHECKING:  # a type checker refuses by itself what it does not see

        def __setitem__(self, key: Any, value: Any) -> None:
            raise TypeError(f"x[...] = value: {NOT_IN_PLACE}")

        def __delitem__(self, key: Any) -> None:
            raise TypeError(f"del x[...]: {NOT_IN_PLACE}")

        fill = itemset = partition = put = resize = _Missing(NOT_IN_PLACE)
        sort = _Missing("NumPy's sorts in place, and a Tensor is not changed. Take tg.sort(x)")
        view = _Missing("take x.reshape(...) for another shape, or x.astype(...) for another dtype")
        retain_grad = _Missing(_NO_GRAD)

        @property
        def as_integer_ratio(self) -> None:
            """Refuse `statistics.mean`, which asks for this, and would hide what `__float__` says."""
            array_for("an exact fraction", self)
            raise AttributeError("a Tensor has no as_integer_ratio")


def _raw_key(key: Any) -> Any:
    return tuple(map(raw, key)) if isinstance(key, tuple) else raw(key)


def _leaf(data: NDArray, grad: NDArray | None) -> Tensor:
    """Make the leaf that was copied or pickled, with the gradient that it had."""
    leaf = Tensor(data, requires_grad=True)
    leaf.grad = grad
    return leaf
