"""The options that say which data set, and which network, a command works on."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import Any

from .. import data, nn, train
from ..data.families import FAMILIES
from ..models import MODELS
from .output import one_line, say


def read_data(
    args: argparse.Namespace, samples: int | None = None, shape: tuple[int, int, int] | None = None
) -> data.Parts:
    """Read the data set that the options name, with so many images to train on.

    Pictures of a folder are scaled to the shape.
    """
    if args.data == "digits":
        if args.data_dir is not None:
            raise ValueError("--data-dir: digits are generated; name what is in the folder: --data mnist")
        parts = data.digits() if samples is None else data.digits(samples)
        return data.Parts(*parts, FAMILIES["mnist"].classes)
    folder = args.data_dir
    if folder is None and args.data in FAMILIES:
        folder = fetch(args.data)
    found = data.read(args.data, folder, shape=shape if args.data.startswith("folder:") else None)
    if samples is not None and samples > len(found.train.labels):
        raise ValueError(f"--samples: expected at most {len(found.train.labels)}, got {samples}")
    images, labels = found.train
    return found._replace(train=data.Dataset(images[:samples], labels[:samples]))


def fetch(name: str) -> Path:
    """Make sure that the files of a data set are in the cache, and say what is fetched."""

    def progress(size: int, label: str) -> Any:
        say(f"fetching {one_line(label)}, {size / 1e6:.1f} MB", "stderr")
        return train.progress_bar(size, label, "B")

    return data.fetch(name, progress=progress)


def make_layer(name: str, shape: tuple[int, int, int], classes: int) -> nn.Layer:
    """Make the network of a name, or of a file of the user: ``my_net.py:net``."""
    if name in MODELS:
        return MODELS[name](shape, classes)
    return own_layer(name)


def own_layer(name: str) -> nn.Layer:
    """Run a file of the user, and return the layer in it of a name, or what a function of that name makes."""
    file, _, attribute = name.rpartition(":")
    if not file.endswith(".py"):
        raise ValueError(f"--model: expected FILE.py:NAME for a network of your own, got '{name}'")
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"--model: {path}: no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # the suffix is that of a module
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))  # it may import what stands beside it
    try:
        spec.loader.exec_module(module)
        made = getattr(module, attribute)
        made = made if isinstance(made, nn.Layer) else made()
    except Exception as error:  # the code of the user may raise anything
        raise ValueError(f"--model: {path}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    if not isinstance(made, nn.Layer):
        raise ValueError(f"--model: {name}: expected a Layer or a function that makes one, got {made!r}")
    return made


def load_model(args: argparse.Namespace, path: str) -> train.SavedModel:
    """Load a saved network; the code of one of the user's own runs only if the options name it."""
    return train.SavedModel.load(path, None if args.model is None else own_layer(args.model))
