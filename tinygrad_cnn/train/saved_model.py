"""A trained network as a file, with what its use needs: how images are normalised, and the classes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import data, nn, tree
from ..checks import printable
from ..models import MODELS
from ..ops import softmax
from ..types import ArrayLike, NDArray
from .saving import load, read_metadata, save

__all__ = ["SavedModel"]

_DIGITS = tuple("0123456789")
_BATCH = 250
_PLAIN = {"mean": "[0.0]", "std": "[1.0]"}


@dataclass(frozen=True, eq=False)  # arrays have no one answer to whether they are equal
class SavedModel:
    """A network with its parameters, and what `predict` needs besides.

    Parameters
    ----------
    name : str
        The name of the network; see `models.MODELS`.
    layer : Layer
        The network itself, which is not saved.
    params, state : tree of ndarray
        The parameters and the state of the network.
    normalization : Normalization
        What is done to every image.
    shape : tuple of int
        The channels, rows and columns of an image.
    classes : tuple of str
        The names of the classes.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> layer = MODELS["lenet"]()
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> model = SavedModel("lenet", layer, params, state, data.Normalization.none(1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(Path(folder) / "model.safetensors")
    ...     again = SavedModel.load(Path(folder) / "model.safetensors")
    >>> again.probabilities(np.zeros((3, 1, 28, 28), np.float32)).shape
    (3, 10)
    """

    name: str
    layer: nn.Layer
    params: Any
    state: Any
    normalization: data.Normalization
    shape: tuple[int, int, int] = (1, 28, 28)
    classes: tuple[str, ...] = _DIGITS

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file: its arrays as a tree, and all else as metadata; see `save`.

        Parameters
        ----------
        path : str or path
            The file to write.
        """
        described = {
            "shape": self.shape,
            "classes": self.classes,
            "mean": self.normalization.mean.tolist(),
            "std": self.normalization.std.tolist(),
        }
        texts = {name: json.dumps(value, ensure_ascii=False) for name, value in described.items()}
        save(path, {"params": self.params, "state": self.state}, {"model": self.name, **texts})

    @classmethod
    def load(cls, path: str | os.PathLike[str], layer: nn.Layer | None = None) -> SavedModel:
        """Read a network from a file of `save`, of a `Checkpoint`, or of an older version.

        Parameters
        ----------
        path : str or path
            The file to read.
        layer : Layer, optional
            The network, if it is none of `models.MODELS`. A file that names code does not make it run.

        Returns
        -------
        SavedModel

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged or holds no network, if its arrays do not fit the network, or if one has
            values that are not finite. The message is one line.
        """
        shown = printable(str(path), 4096)
        metadata = read_metadata(path)
        name = metadata.get("model")
        if name is None:
            raise ValueError(f"{shown}: expected a saved model, got a tree without one: use train.load")
        if layer is None and name not in MODELS:
            known = ", ".join(MODELS)
            raise ValueError(
                f"{shown}: expected a model out of {known}, got '{printable(name, 60)}': give its code"
            )
        described = _described(metadata, shown)
        if layer is None:
            layer = MODELS[name](described["shape"], len(described["classes"]))
        params, state = layer.init(np.random.default_rng(0))
        found = load(path, like={"params": params, "state": state})
        for place, array in zip(tree.paths(found), tree.leaves(found), strict=True):
            if not np.isfinite(array).all():
                raise ValueError(f"{shown}: '{printable(place, 60)}' has values that are not finite")
        return cls(name, layer, **found, **described)

    def logits(self, images: ArrayLike) -> NDArray:
        """Apply the network to images that have not been normalised.

        Parameters
        ----------
        images : array_like, shape (N, C, H, W)
            The images, as `data` reads them, with values in [0, 1].

        Returns
        -------
        ndarray, shape (N, classes)
        """
        images = np.asarray(images)
        dtype = next((array.dtype for array in tree.leaves(self.params)), np.float32)
        found = [
            self.layer(self.params, self.state, self.normalization(images[i : i + _BATCH]).astype(dtype))[0]
            for i in range(0, len(images), _BATCH)
        ]
        return np.concatenate(found) if found else np.zeros((0, len(self.classes)), np.float32)

    def probabilities(self, images: ArrayLike) -> NDArray:
        """Return the probability of each class for images that have not been normalised.

        Parameters
        ----------
        images : array_like, shape (N, C, H, W)
            The images, as `data` reads them, with values in [0, 1].

        Returns
        -------
        ndarray, shape (N, classes)
        """
        return softmax(self.logits(images), axis=1)


def _described(metadata: dict[str, str], shown: str) -> dict[str, Any]:
    """Read what the metadata say; a file of an older version says nothing, and is of 28 x 28 digits."""
    try:
        shape = _list(metadata.get("shape", "[1, 28, 28]"), int)
        classes = _list(metadata.get("classes", json.dumps(_DIGITS)), str)
        mean, std = (_list(metadata.get(name, default), float) for name, default in _PLAIN.items())
    except (ValueError, RecursionError):
        shape = classes = mean = std = []
    sizes_fit = len(shape) == 3 and all(1 <= n <= 4096 for n in shape) and len(mean) == len(std) == shape[0]
    if not (sizes_fit and 1 <= len(classes) <= 100_000 and np.isfinite([*mean, *std]).all() and min(std) > 0):
        raise ValueError(f"{shown}: expected a saved model, got one whose description is damaged")
    numbers = (np.array(values, np.float32) for values in (mean, std))
    return {
        "shape": tuple(shape),
        "classes": tuple(classes),
        "normalization": data.Normalization(*numbers),
    }


def _list(text: str, kind: type) -> list[Any]:
    """Parse a list of JSON; raise a ValueError unless all its elements are of one type."""
    found = json.loads(text)
    if not isinstance(found, list) or any(type(value) is not kind for value in found):
        raise ValueError("another value")
    return found
