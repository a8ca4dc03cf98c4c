"""A progress bar, which is shown where somebody can see it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(
    total: int, label: str, unit: str = " images", *, done: int = 0
) -> Iterator[Callable[[int], object]]:
    """Show progress on standard error, if that is a terminal and tqdm (extra ``train``) is installed.

    Parameters
    ----------
    total : int
        The number of images to process, or of what else is counted; 0 if that is not known.
    label : str
        The text before the bar.
    unit : str
        What is counted: bytes, for ``"B"``, are shown in thousands and millions.
    done : int
        The number that was processed before, such as the steps of an epoch that is gone on with.

    Yields
    ------
    callable
        A function to call with the number that has just been processed.

    Examples
    --------
    >>> with progress_bar(100, "epoch 1") as advance:
    ...     _ = advance(64)
    """
    if importlib.util.find_spec("tqdm") is None or sys.stderr is None:
        yield lambda images: None
        return
    from tqdm import tqdm  # type: ignore[import-untyped]  # tqdm ships no types

    # With disable=None tqdm shows nothing unless standard error is a terminal.
    with tqdm(
        total=total or None,
        initial=done,
        desc=label,
        unit=unit,
        unit_scale=unit == "B",
        leave=False,
        disable=None,
    ) as bar:
        yield bar.update
