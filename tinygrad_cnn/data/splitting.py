"""Parts of a data set: some examples are held out of it, to score what the others have taught."""

from __future__ import annotations

import numpy as np

from ..checks import generator, within
from .dataset import Dataset

__all__ = ["split"]


def split(dataset: Dataset, share: float, rng: np.random.Generator) -> tuple[Dataset, Dataset]:
    """Hold out a random share of the examples of each class.

    Parameters
    ----------
    dataset : Dataset
        The examples.
    share : float
        The share to hold out, in ``(0, 1)``.
    rng : numpy.random.Generator
        The generator that draws which.

    Returns
    -------
    rest, held_out : Dataset
        The two parts, each in the order of the data set.

    Raises
    ------
    ValueError
        If the share is out of range, or a part would be empty.

    Examples
    --------
    >>> dataset = Dataset(np.zeros((10, 1, 2, 2), np.float32), np.array([0, 1] * 5))
    >>> rest, held_out = split(dataset, 0.2, np.random.default_rng(0))
    >>> len(rest.labels), held_out.labels.tolist()
    (8, [0, 1])
    """
    within("split", "share", share, "(0, 1)")
    generator("split", rng)
    labels = np.asarray(dataset.labels)
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        chosen[rng.permutation(rows)[: round(share * len(rows))]] = True
    if chosen.all() or not chosen.any():
        raise ValueError(f"split: expected a share that leaves both parts some of {len(labels)} examples")
    return tuple(Dataset(dataset.images[rows], labels[rows]) for rows in (~chosen, chosen))  # type: ignore[return-value]
