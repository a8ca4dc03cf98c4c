"""Mini-batches: a data set cut in pieces, in a random order that the caller's generator decides."""

import operator
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def batches(
    dataset: tuple[NDArray, ...], batch_size: int, rng: np.random.Generator | None = None
) -> Iterator[tuple[NDArray, ...]]:
    """Iterate once over a data set in mini-batches, every example in exactly one of them.

    Parameters
    ----------
    dataset : Dataset or tuple of ndarray, each of shape (N, ...)
        The arrays to cut along their first axis, all alike.
    batch_size : int
        Examples a batch. The last batch is shorter when N is no multiple of it.
    rng : numpy.random.Generator, optional
        Draws the order, once, when `batches` is called. None (the default) keeps the order of the data set,
        which is what evaluation wants.

    Returns
    -------
    iterator of tuple of ndarray, each of shape (batch_size, ...)
        Copies, in C order: writing to a batch leaves the data set as it is.

    Raises
    ------
    TypeError
        `batch_size` is not an integer.
    ValueError
        `batch_size` is less than 1, there is no array, or the arrays differ in length.

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
    # A generator expression, so that the checks above run at the call and not at the first batch.
    return (tuple(array[order[i : i + size]] for array in dataset) for i in range(0, n, size))


def _common_length(dataset: tuple[NDArray, ...]) -> int:
    lengths = [len(array) for array in dataset]
    if len(set(lengths)) != 1:
        names = getattr(dataset, "_fields", [f"array {i}" for i in range(len(lengths))])
        came = ", ".join(f"{name}: {n}" for name, n in zip(names, lengths, strict=True)) or "no array"
        raise ValueError(f"batches: expected arrays of one length, got {came}")
    return lengths[0]
