"""The checkpoints of one run: a folder that keeps the newest of them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..checks import integer
from . import atomic
from .checkpoint import Checkpoint

__all__ = ["Checkpoints"]

_NAME = re.compile(r"step-(\d+)\.safetensors")
_PART = re.compile(r"step-\d+\.safetensors\.[0-9a-f]{16}\.part")


class Checkpoints:
    """A folder of checkpoints, of which the newest are kept.

    The older ones are removed when a newer one is complete, so at any moment at least one is whole. What an
    earlier run has left in the folder is removed when this run has saved its first one.

    Parameters
    ----------
    folder : str or path
        The folder, which is made when it is needed.
    keep : int
        How many checkpoints of the run are kept.

    Examples
    --------
    >>> import tempfile
    >>> blank = Checkpoint({}, {}, {}, {}, 0, 0, {}, {}, None, None, None)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoints = Checkpoints(folder, keep=2)
    ...     for step in (5, 10, 15):
    ...         checkpoints.save(blank._replace(step=step))
    ...     [path.name for path in checkpoints.paths()]
    ['step-00000010.safetensors', 'step-00000015.safetensors']
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = 1) -> None:
        self.folder = Path(folder)
        self.keep = integer("Checkpoints: keep", keep, 1)
        self._older = self.paths() + self._parts()
        self._own: list[Path] = []

    def __repr__(self) -> str:
        return f"<the {self.keep} newest checkpoints in {str(self.folder)!r}>"

    def paths(self) -> list[Path]:
        """Return the files of all checkpoints in the folder, the newest last.

        Returns
        -------
        list of path
        """
        return sorted(self._matching(_NAME), key=lambda path: int(path.stem.removeprefix("step-")))

    def _parts(self) -> list[Path]:
        """Find what a process left behind that was killed while it was writing."""
        return self._matching(_PART)

    def _matching(self, pattern: re.Pattern[str]) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if pattern.fullmatch(path.name)]

    def check(self) -> None:
        """Raise an OSError that names the file, unless `save` could write one now."""
        if self.folder.exists():
            atomic.check(self.folder / "step-00000000.safetensors")

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, and remove those that are too old.

        Parameters
        ----------
        checkpoint : Checkpoint
            What to write; its step gives the file its name.

        Raises
        ------
        OSError
            If the file cannot be written; the older checkpoints are still there then.
        """
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"step-{checkpoint.step:08d}.safetensors"
        checkpoint.save(path)
        self._own = [own for own in self._own if own != path] + [path]
        old = [older for older in self._older if older not in self._own] + self._own[: -self.keep]
        for older in old:
            older.unlink(missing_ok=True)
        self._older, self._own = [], self._own[-self.keep :]

    def newest(self) -> tuple[Checkpoint | None, list[str]]:
        """Read the newest checkpoint that is whole.

        Returns
        -------
        checkpoint : Checkpoint or None
            None if there is none.
        damaged : list of str
            What is wrong with newer ones, a line for each.
        """
        damaged = []
        for path in reversed(self.paths()):
            try:
                checkpoint = Checkpoint.load(path)
            except (OSError, ValueError) as error:
                damaged.append(str(error))
                continue
            self._own = [older for older in self.paths() if older <= path]
            self._older = [older for older in self._older if older not in self._own]
            return checkpoint, damaged
        return None, damaged

    def remove(self) -> None:
        """Remove the checkpoints of this run, and the folder if nothing else is in it."""
        for path in self._own:
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()
