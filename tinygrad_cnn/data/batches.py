"""Mini-batches: a data set is cut in pieces, in a random order that the caller's generator decides."""

from __future__ import annotations

import operator
from collections.abc import Iterator

import numpy as np

__all__ = ["batches"]


def batches(
    dataset: tuple[np.ndarray, ...], batch_size: int, rng: np.random.Generator | None = None
) -> Iterator[tuple[np.ndarray, ...]]:
    """Iterate once over a data set in mini-batches, so that every example is in exactly one of them.

    Parameters
    ----------
    dataset : Dataset or tuple of ndarray, each of shape (N, ...)
        The arrays, which are all cut at the same places along their first axis.
    batch_size : int
        The number of examples in a batch. The last batch is shorter when N is not a multiple of it.
    rng : numpy.random.Generator, optional
        The generator that draws the order, once, when `batches` is called. Without one the order is that of
        the data set, which is what evaluation wants.

    Returns
    -------
    iterator of tuple of ndarray, each of shape (batch_size, ...)
        Copies in C order, so that writing to a batch leaves the data set as it is.

    Raises
    ------
    TypeError
        If ``batch_size`` is not an integer.
    ValueError
        If ``batch_size`` is less than 1, there is no array, or the arrays differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> images, labels = np.zeros((5, 1, 28, 28), np.float32), np.arange(5)
    >>> for x, y in batches((images, labels), 2):
    ...     print(x.shape, y)
    (2, 1, 28, 28) [0 1]
    (2, 1, 28, 28) [2 3]
    (1, 1, 28, 28) [4]
    """
    size = operator.index(batch_size)
    if size < 1:
        raise ValueError(f"batches: expected batch_size >= 1, got {size}")
    n = _common_length(dataset)
    order = np.arange(n) if rng is None else rng.permutation(n)
    # This is a generator expression so that the checks above run at the call, not at the first batch.
    return (tuple(array[order[i : i + size]] for array in dataset) for i in range(0, n, size))


def _common_length(dataset: tuple[np.ndarray, ...]) -> int:
    """Return the length that all arrays share; raise a ValueError if there is none."""
    lengths = [len(array) for array in dataset]
    if len(set(lengths)) != 1:
        names = getattr(dataset, "_fields", [f"array {i}" for i in range(len(lengths))])
        came = ", ".join(f"{name}: {n}" for name, n in zip(names, lengths, strict=True)) or "no array"
        raise ValueError(f"batches: expected arrays of one length, got {came}")
    return lengths[0]
