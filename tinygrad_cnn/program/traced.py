"""What stands for arrays and generators while a function is recorded."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..stand_in import StandIn
from ..tape import Box
from .errors import RecordingError, leaving
from .values import Method, Source, Value

_METHODS = [
    "all",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "astype",
    "clip",
    "conj",
    "conjugate",
    "copy",
    "cumprod",
    "cumsum",
    "diagonal",
    "dot",
    "flatten",
    "max",
    "mean",
    "min",
    "prod",
    "ravel",
    "repeat",
    "reshape",
    "round",
    "squeeze",
    "std",
    "sum",
    "swapaxes",
    "take",
    "trace",
    "transpose",
    "var",
    "view",
]
_IN_PLACE = ("fill", "itemset", "partition", "put", "resize", "setflags", "setfield", "sort")
_MEMORY = ("base", "ctypes", "data", "flat")
_NUMBERS = ("item", "tolist", "tobytes", "tofile", "dump", "dumps", "nonzero", "searchsorted", "choose")


class TracedArray(StandIn, NDArrayOperatorsMixin):
    """A stand-in whose numbers only the recorder sees.

    Whatever NumPy does with it is recorded as a line of the program; whatever Python would decide by its
    numbers is an error.
    """

    __slots__ = ("__weakref__", "_recorder", "hidden", "value")

    def __init__(self, recorder: Any, value: Value, hidden: Any) -> None:
        self._recorder = recorder
        self.value = value
        self.hidden = hidden

    @property
    def recorder(self) -> Any:
        """The recorder of the program."""
        return self._recorder

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the array."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.value.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.value.shape))

    @property
    def itemsize(self) -> int:
        """The bytes of an element."""
        return self.value.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.value.nbytes

    @property
    def flags(self) -> Any:
        """How the array lies in memory, which is a part of what a program is recorded for."""
        return self.hidden.flags

    @property
    def strides(self) -> tuple[int, ...]:
        """The bytes from an element to the next one, along each axis."""
        return self.value.strides

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The transpose."""
        return self.recorded(np.transpose, self)

    @property
    def mT(self) -> Any:  # noqa: N802 - NumPy's name
        """The transpose of each matrix."""
        return self.recorded(np.matrix_transpose, self)

    @property
    def real(self) -> TracedArray:
        """The array itself, which is real."""
        return self

    def recorded(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function on what the stand-ins stand for, as one line of the program."""
        return self._recorder.run(function, args, kwargs)

    def decided(self, function: Any, *args: Any) -> Any:
        """Record a function that decides by numbers how a rule goes on, if rules are taken apart."""
        if self._recorder.expands:
            return self.recorded(function, *args)
        raise leaving("a choice of a gradient rule")

    # --- NumPy ---------------------------------------------------------------------------------------------

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = (), **kwargs: Any
    ) -> Any:
        if any(isinstance(x, Box) for x in inputs):
            return NotImplemented  # a Tensor records on the tape as well
        if method == "at":
            raise RecordingError(f"np.{ufunc.__name__}.at changes an array: a program has no line for that")
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if not out:
            return self.recorded(function, *inputs, **kwargs)
        if len(out) != 1 or not isinstance(out[0], TracedArray):
            raise RecordingError(f"np.{ufunc.__name__} into an array, out=...: a program has no such line")
        (target,) = out
        return target.become(self.recorded(function, *inputs, **kwargs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(cls, Box) for cls in types):
            return NotImplemented
        return self.recorded(function, *args, **kwargs)

    def become(self, other: TracedArray) -> TracedArray:
        """Be another array from now on, as ``x += 1`` asks for: lines that were recorded keep the old one."""
        if not self._recorder.may_change(self.value):
            raise RecordingError(
                "an argument, a view, or an array with a view is changed in place: a program has no line for "
                "that. Write x = x + 1 in the place of x += 1"
            )
        if other.shape != self.shape or not np.can_cast(other.dtype, self.dtype, "same_kind"):
            raise ValueError(f"cannot change {self.dtype}{list(self.shape)} in place to {other.value!r}")
        if other.dtype != self.dtype:
            other = other.astype(self.dtype)
        self.value, self.hidden = other.value, other.hidden
        return self

    def __getitem__(self, key: Any) -> Any:
        return self.recorded(_getitem, self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.become(self.recorded(with_items, self, key, value))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    # --- what would need the numbers -----------------------------------------------------------------------

    def __bool__(self) -> bool:
        raise leaving("a branch (if, while, and, or, not, bool)")

    def __float__(self) -> float:
        raise leaving("float()")

    def __int__(self) -> int:
        raise leaving("int()")

    def __complex__(self) -> complex:
        raise leaving("complex()")

    def __index__(self) -> int:
        raise leaving("an index, range() or operator.index()")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise leaving("the conversion to an ndarray (np.asarray)")

    def __format__(self, spec: str) -> str:
        if spec:
            raise leaving("a number in a text")
        return repr(self)

    def __contains__(self, item: Any) -> bool:
        raise leaving("in")

    def __reduce__(self) -> Any:
        raise leaving("a copy by pickle")

    def __repr__(self) -> str:
        return f"<an array while a program is recorded: {self.value.dtype}{list(self.value.shape)}>"

    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> Any:
        if name in _NUMBERS:
            raise leaving(f"{name}()")
        if name in _IN_PLACE:
            raise RecordingError(f"{name}() changes an array in place: a program has no line for that")
        if name in _MEMORY:
            raise leaving(f"{name}, the layout in memory,")
        raise AttributeError(f"an array that stands in for another has no attribute '{name}'")


def _method(name: str) -> Any:
    def method(self: TracedArray, *args: Any, **kwargs: Any) -> Any:
        return self.recorded(Method(name), self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in _METHODS:
    setattr(TracedArray, _name, _method(_name))


def _getitem(x: Any, key: Any) -> Any:
    return x[key]


getitem = _getitem
"""``x[key]``, as a function that a line can call."""


def with_items(x: Any, key: Any, value: Any) -> Any:
    """Return a copy of an array with other values at some places: ``x[key] = value`` for a program."""
    changed = np.array(x)
    changed[key] = value
    return changed


class TracedSource:
    """The base of what stands for a generator or an optimizer, whose methods are called at each play."""

    recorder: Any
    source: Source
    hidden: Any


class TracedGenerator(TracedSource, np.random.Generator):
    """A generator that draws from a copy while a program is recorded; each draw is a line of the program."""

    def __init__(self, recorder: Any, source: Source, generator: np.random.Generator) -> None:
        super().__init__(copy.deepcopy(generator).bit_generator)
        self.recorder, self.source = recorder, source
        self.hidden = np.random.Generator(self.bit_generator)
        self.drawn: list[tuple[Any, Any]] = []  # every call, and what was drawn

    def __copy__(self) -> TracedGenerator:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: Any) -> TracedGenerator:
        return _Again(self, len(self.drawn))

    def draw(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Draw from the generator, in a line of the program."""
        found = self.recorder.run(Method(name), (self, *args), kwargs, has_effect=True)
        self.drawn.append(((name, args, kwargs), found))
        return found


class _Again(TracedGenerator):
    """A copy of a generator, from which a checkpoint draws again what was drawn after it was made."""

    def __init__(self, original: TracedGenerator, count: int) -> None:
        np.random.Generator.__init__(self, original.bit_generator)
        self.recorder, self.original, self.count = original.recorder, original, count

    def __deepcopy__(self, memo: Any) -> TracedGenerator:
        return _Again(self.original, self.count)

    def draw(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what the same call of the original has drawn."""
        if self.count < len(self.original.drawn):
            call, found = self.original.drawn[self.count]
            if repr(call) == repr((name, args, kwargs)):
                self.count += 1
                return found
        raise RecordingError("a generator is copied: a program draws from its argument")


def _draw(name: str) -> Any:
    def draw(self: TracedGenerator, *args: Any, **kwargs: Any) -> Any:
        return self.draw(name, args, kwargs)

    draw.__name__ = name
    return draw


_NO_DRAWS = {"bit_generator", "shuffle", "spawn"}
for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name not in _NO_DRAWS:
        setattr(TracedGenerator, _name, _draw(_name))


def _refuse(self: TracedGenerator, *args: Any, **kwargs: Any) -> None:
    raise RecordingError(
        "shuffle and spawn change what a program cannot: take rng.permutation in their place"
    )


TracedGenerator.shuffle = TracedGenerator.spawn = _refuse  # type: ignore[method-assign,assignment]
