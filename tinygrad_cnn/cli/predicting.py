"""The command ``predict``, which lets a saved network look at pictures."""

from __future__ import annotations

import argparse
import sys

import numpy as np

from .. import data, train
from ..data.families import FAMILIES
from ..types import NDArray
from .output import emit, one_line, say
from .sources import load_model

_SHOWN = 3  # classes of a picture


def run(args: argparse.Namespace) -> None:
    """Print what a saved network takes each picture for."""
    saved = load_model(args, args.saved)
    for source in args.pictures:
        image = _image(saved, source)
        with np.errstate(over="ignore", invalid="ignore"):
            probabilities = saved.probabilities(image[None])[0]
        if not np.isfinite(probabilities).all():
            raise train.NonFiniteLossError(f"{args.saved}: the parameters are too large: they overflow")
        _print(args, source, saved, probabilities)


def _image(saved: train.SavedModel, source: str) -> NDArray:
    """Read a picture as the network wants it; that of a digit is brought to the form of MNIST."""
    channels = saved.shape[0]
    if channels not in (1, 3):
        raise ValueError(f"expected a model of 1 or 3 channels, got one of {channels}")
    if source == "-" and sys.stdin is None:
        raise ValueError("-: standard input is closed")
    file = sys.stdin.buffer if source == "-" else source
    digits = FAMILIES["mnist"]
    if saved.shape == digits.shape and saved.classes == digits.classes:
        picture = data.read_picture(file, channels=1)
        image = data.prepare_digit(picture)
        if not image.any():
            raise ValueError(f"{source}: expected a picture of a digit, found no ink in it")
        return image
    return data.scale_picture(data.read_picture(file, channels=channels), saved.shape)


def _print(args: argparse.Namespace, source: str, saved: train.SavedModel, probabilities: NDArray) -> None:
    order = np.argsort(-probabilities)
    if args.json:
        all_of_them = {saved.classes[i]: float(probabilities[i]) for i in order}
        emit({"file": source, "label": saved.classes[order[0]], "probabilities": all_of_them})
        return
    told = ", ".join(f"{saved.classes[i]} {probabilities[i]:.1%}" for i in order[:_SHOWN])
    say(f"{one_line(source)}: {one_line(saved.classes[order[0]])} ({one_line(told)})")
