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


def cause(arrays: Any, x: Any, compute: Callable[[], object] = lambda: None) -> str:
    """Say what is not finite in what a loss was computed from, or which operation made it so.

    Parameters
    ----------
    arrays : tree of ndarray
        What the model was given besides the samples.
    x : array_like, shape (N, ...)
        The samples.
    compute : callable
        A function that computes the loss once more, without arguments.

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
    where = _first_failure(compute)
    return f"the model overflowed{where}, although what it was given is finite; {_ADVICE}"


def _first_failure(compute: Callable[[], object]) -> str:
    """Compute once more, with NumPy's warnings as errors, whose notes name the operation and the layer."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            compute()
    except FloatingPointError as error:
        places = [str(error), *getattr(error, "__notes__", ())]
        return f" ({'; '.join(printable(place, 120) for place in places)})"
    return ""
