"""The command ``export``, which writes a saved network in a form that other programs read.

Each form is a function ``(saved, path)`` in a table, which makes its option. What a form needs
is imported for it alone, since every command reads this file.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import interop, tree
from ..train import SavedModel, atomic
from .output import announce_replacing, check_writable, emit, one_line, say
from .sources import load_model


class Format(NamedTuple):
    """What writes a network to a path, and what ``--help`` says about it."""

    write: Callable[[SavedModel, Path], None]
    help: str


def run(args: argparse.Namespace) -> None:
    """Write a saved network to a file in the form that was asked for."""
    name = next(name for name in FORMATS if getattr(args, name) is not None)
    path = getattr(args, name)
    saved = load_model(args, args.saved)
    if path.exists() and path.samefile(args.saved):
        raise ValueError(f"--{name}: {path}: expected another file than the saved model, which would be lost")
    check_writable(f"--{name}", path, atomic.check)
    if not args.json:
        announce_replacing(path)
    FORMATS[name].write(saved, path)
    size = path.stat().st_size
    if args.json:
        emit({"model": saved.name, "format": name, "saved": str(path), "bytes": size})
        return
    say(f"saved {one_line(path)}, {size} bytes")


def _npz(saved: SavedModel, path: Path) -> None:
    """Write the arrays alone, under the names that a file of safetensors gives them."""
    arrays = {"params": saved.params, "state": saved.state}
    body = io.BytesIO()
    np.savez(body, **dict(zip(tree.paths(arrays), tree.leaves(arrays), strict=True)))
    atomic.write(path, [body.getbuffer()])


def _html(saved: SavedModel, path: Path) -> None:
    """Write the page in one file."""
    from ..demo import standalone_page

    atomic.write(path, [standalone_page(saved).encode()])


def _onnx(saved: SavedModel, path: Path) -> None:
    """Write the network with its normalisation, as a model that takes any number of images at once."""

    def network(params: Any, state: Any, normalization: Any, images: Any) -> Any:
        return saved.layer(params, state, normalization(images))[0]

    images = np.zeros((1, *saved.shape), np.float32)
    model = interop.onnx.export(network, (saved.params, saved.state, saved.normalization), (images,))
    interop.onnx.save(path, model)


FORMATS = {
    "safetensors": Format(
        lambda saved, path: saved.save(path),
        "the parameters and the state by their paths, such as params.conv1.weight, with the name of the "
        "model, the normalisation and the classes as metadata",
    ),
    "onnx": Format(
        _onnx,
        "the network with its normalisation as a model of ONNX, from images with values in [0, 1] to scores, "
        "which needs tinygrad-cnn[onnx]",
    ),
    "npz": Format(_npz, "the same arrays alone, as numpy.load reads them"),
    "html": Format(
        _html,
        "a page that reads drawn digits, for a model of digits: one file, with the weights and a player of "
        "the program in JavaScript, which needs no server and loads nothing",
    ),
}
"""The forms by the names of their options."""
