"""Rows of a history for TensorBoard, by the writer of tensorboardX."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["tensorboard"]


def tensorboard(folder: str | os.PathLike[str]) -> Callable[[Any], None]:
    """Make a callback for `Trainer.fit` that writes each row where TensorBoard finds it.

    Parameters
    ----------
    folder : str or path
        The folder of the run.

    Returns
    -------
    callable
        A function of the trainer, to be given as ``on_epoch``.

    Raises
    ------
    ImportError
        If tensorboardX is not installed.

    Examples
    --------
    >>> trainer.fit(dataset, epochs=3, batch_size=64, on_epoch=tensorboard("runs/1"))  # doctest: +SKIP
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise ImportError("TensorBoard needs tensorboardX: pip install 'tinygrad-cnn[tensorboard]'") from None
    writer = SummaryWriter(str(Path(folder)))

    def write(trainer: Any) -> None:
        row = trainer.history[-1]
        for name, value in row.items():
            writer.add_scalar(name, value, row["step"])
        writer.flush()

    return write
