"""What to say of a loss that is infinite or not a number: where that came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tree
from ..checks import printable

__all__ = ["NonFiniteLossError", "cause", "first_sample"]

_ADVICE = "try a lower learning rate"


class NonFiniteLossError(FloatingPointError):
    """The error for a loss that is infinite or not a number; `Trainer` puts the last good parameters back."""


def first_sample(x: Any) -> int | None:
    """Return the number of the first sample that holds a value that is not finite, or None.

    Parameters
    ----------
    x : array_like, shape (N, ...)
        The samples.

    Returns
    -------
    int or None

    Examples
    --------
    >>> first_sample([[0.0, 1.0], [np.nan, 0.0]])
    1
    """
    bad = ~np.isfinite(np.asarray(x))
    return int(bad.reshape(len(bad), -1).any(1).argmax()) if bad.any() else None


def cause(arrays: Any, x: Any, compute: Callable[..., object] | None = None, *given: Any) -> str:
    """Say what is not finite in what a loss was computed from, or which operation made it so.

    Parameters
    ----------
    arrays : tree of ndarray
        What the model was given besides the samples.
    x : array_like, shape (N, ...)
        The samples.
    compute : callable, optional
        A function that computes the loss and the gradients once more.
    *given
        What it is called with.

    Returns
    -------
    str
        A sample, an array by its path, or the operation that overflowed.

    Examples
    --------
    >>> cause({"w": np.array(np.inf)}, np.zeros(3))
    "'w' holds a value that is not finite; if training made it, try a lower learning rate"
    """
    sample = first_sample(x)
    if sample is not None:
        return f"the data holds a value that is not finite, in sample {sample} of the batch"
    for path, array in zip(tree.paths(arrays), tree.leaves(arrays), strict=True):
        if not np.isfinite(array).all():
            return f"'{path}' holds a value that is not finite; if training made it, {_ADVICE}"
    where = "" if compute is None else _first_failure(compute, given)
    return f"the model overflowed, although what it was given is finite{where}; {_ADVICE}"


def _first_failure(compute: Callable[..., object], given: tuple[Any, ...]) -> str:
    """Compute once more, line by line, to name the operation that made the first infinity or NaN."""
    from ..program.errors import RecordingError  # what a failure alone needs is imported when there is one
    from ..program.nonfinite import first_nonfinite

    try:
        with np.errstate(all="ignore"):
            found = first_nonfinite(compute, *given)
    except RecordingError:
        return _first_warning(compute, given)
    if found is None:
        return ""
    way = " on the way back" if found.backward else ""
    place = f", at {printable(found.place, 150)}" if found.place else ""
    return f": {found.operation} made {found.found}{way}{place}"


def _first_warning(compute: Callable[..., object], given: tuple[Any, ...]) -> str:
    """Compute once more with NumPy's warnings as errors, whose notes name the operation and the layer."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            compute(*given)
    except FloatingPointError as error:
        places = [str(error), *getattr(error, "__notes__", ())]
        return f": {'; '.join(printable(place, 120) for place in places)}"
    return ""
