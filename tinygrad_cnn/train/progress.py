"""A progress bar where somebody can see it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(total: int, label: str) -> Iterator[Callable[[int], object]]:
    """Show progress on standard error, when that is a terminal and tqdm (extra ``train``) is installed.

    Parameters
    ----------
    total : int
        How many images there are to do.
    label : str
        What stands before the bar.

    Yields
    ------
    callable
        To be called with the number of images just done.

    Examples
    --------
    >>> with progress_bar(100, "epoch 1") as advance:
    ...     _ = advance(64)
    """
    if importlib.util.find_spec("tqdm") is None:
        yield lambda images: None
        return
    from tqdm import tqdm  # type: ignore[import-untyped]

    # disable=None: off unless standard error is a terminal
    with tqdm(total=total, desc=label, unit=" images", leave=False, disable=None) as bar:
        yield bar.update
