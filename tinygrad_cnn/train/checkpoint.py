"""A training that has stopped, as a file: all that it needs to go on as if it had not."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ..checks import printable
from .saving import load, save

__all__ = ["Checkpoint"]


class Checkpoint(NamedTuple):
    """All that decides how a training goes on. `Trainer.checkpoint` makes one, `Trainer.resume` takes one.

    Parameters
    ----------
    params, state : tree of ndarray
        The parameters and the state of the model.
    optimizer : dict
        The ``state`` of the optimizer and the number of its ``steps``.
    rng : dict
        The state of the random generator.
    step, epoch : int
        The number of updates, and of complete epochs.
    configuration : dict
        What the caller wants to know again, such as the options of the run: numbers, texts and arrays.
    history : dict of str to ndarray
        The columns of the history.
    position : dict or None
        Where in an epoch the training is, or None between two epochs.
    average : dict or None
        The moving average of the parameters and the state, if one is kept.
    best : dict or None
        The best parameters and state so far, if the training stops early.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> checkpoint = Checkpoint({}, {}, {}, {}, 7, 1, {"seed": 3}, {}, None, None, None)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoint.save(Path(folder) / "file")
    ...     Checkpoint.load(Path(folder) / "file").step
    7
    """

    params: Any
    state: Any
    optimizer: dict[str, Any]
    rng: dict[str, Any]
    step: int
    epoch: int
    configuration: dict[str, Any]
    history: dict[str, Any]
    position: dict[str, Any] | None
    average: dict[str, Any] | None
    best: dict[str, Any] | None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the checkpoint to a file, as a whole or not at all; see `save`.

        Parameters
        ----------
        path : str or path
            The file to write.
        """
        save(path, self._asdict())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Checkpoint:
        """Read a checkpoint from a file.

        Parameters
        ----------
        path : str or path
            The file to read.

        Returns
        -------
        Checkpoint

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged or holds something else. The message is one line.
        """
        found = load(path)
        if not isinstance(found, dict) or found.keys() != set(cls._fields):
            raise ValueError(f"{printable(str(path), 4096)}: expected a checkpoint, got another tree")
        return cls(**found)
