"""Mini-batches: a data set is cut in pieces, in random orders that the caller's generator decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..checks import generator, integer
from ..types import ArrayLike, NDArray

__all__ = ["batches"]


class batches:  # noqa: N801 - like `range`, it is called for its elements and can be iterated over again
    """The mini-batches of a data set: each time they are iterated over, every example is in one of them.

    Parameters
    ----------
    dataset : Dataset or tuple of array_like, each of shape (N, ...)
        The arrays, which are all cut at the same places along their first axis.
    batch_size : int
        The number of examples in a batch. The last batch is shorter when N is not a multiple of it.
    rng : numpy.random.Generator, optional
        The generator that draws a new order whenever an iteration begins, so that every epoch has one of its
        own. Without one the order is that of the data set, which is what evaluation wants.

    Yields
    ------
    tuple of ndarray, each of shape (batch_size, ...)
        Copies in C order, so that writing to a batch leaves the data set as it is.

    Raises
    ------
    TypeError
        If ``dataset`` is no tuple, ``batch_size`` no integer or ``rng`` no Generator.
    ValueError
        If ``batch_size`` is less than 1, there is no array, or the arrays differ in length.

    Notes
    -----
    ``len`` gives the number of batches. Two iterations at once do not disturb each other: each draws its
    order when it begins.

    Examples
    --------
    >>> import numpy as np
    >>> images, labels = np.zeros((5, 1, 28, 28), np.float32), np.arange(5)
    >>> parts = batches((images, labels), 2, np.random.default_rng(0))
    >>> len(parts)
    3
    >>> for epoch in range(2):
    ...     print([y.tolist() for x, y in parts])
    [[2, 4], [3, 0], [1]]
    [[4, 1], [2, 0], [3]]
    """

    def __init__(
        self, dataset: Sequence[ArrayLike], batch_size: int, rng: np.random.Generator | None = None
    ) -> None:
        self.dataset = _arrays_of_one_length(dataset)
        self.batch_size = integer("batches: batch_size", batch_size, 1)
        if rng is not None:
            generator("batches", rng)
        self.rng = rng

    def __len__(self) -> int:
        return -(-len(self.dataset[0]) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[NDArray, ...]]:
        return self.without_first(0)

    def without_first(self, count: int) -> Iterator[tuple[NDArray, ...]]:
        """Begin an iteration that leaves out the first batches, as a training does that is resumed.

        Parameters
        ----------
        count : int
            How many batches to leave out; they are not cut out of the data set either.

        Returns
        -------
        iterator of tuple of ndarray
            The other batches of an iteration, in an order that is drawn as usual.
        """
        n, size = len(self.dataset[0]), self.batch_size
        order = np.arange(n) if self.rng is None else self.rng.permutation(n)
        # This is a generator expression so that the order is drawn now, and not with the first batch.
        return (
            tuple(array[order[i : i + size]] for array in self.dataset) for i in range(count * size, n, size)
        )

    def __repr__(self) -> str:
        return f"<{len(self)} batches of {self.batch_size} out of {len(self.dataset[0])} examples>"


def _arrays_of_one_length(dataset: Any) -> tuple[NDArray, ...]:
    """Return the arrays of a data set, or raise an error that names what does not fit."""
    if not isinstance(dataset, tuple | list):
        raise TypeError(
            "batches: dataset: expected a tuple of arrays, such as (images, labels), got one "
            f"{type(dataset).__name__}: write (x,) for the batches of a single array"
        )
    names = getattr(dataset, "_fields", [f"array {i}" for i in range(len(dataset))])
    arrays = {name: np.asarray(array) for name, array in zip(names, dataset, strict=True)}
    for name, array in arrays.items():
        if array.ndim == 0:
            raise TypeError(f"batches: dataset: {name}: expected an array of examples, got {array!r:.60}")
    if len({len(array) for array in arrays.values()}) != 1:
        came = ", ".join(f"{name}: {len(array)}" for name, array in arrays.items()) or "no array"
        raise ValueError(f"batches: expected arrays of one length, got {came}")
    return tuple(arrays.values())
