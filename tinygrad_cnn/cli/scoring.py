"""The commands ``evaluate`` and ``compare``, which score saved networks on the test images of a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from .. import data, train, tree
from ..types import NDArray
from . import pictures
from .output import emit, one_line, say, table
from .sources import load_model, read_data

_WIDEST = 25  # classes, whose confusion matrix still fits on a screen


def evaluate(args: argparse.Namespace) -> None:
    """Print the loss and the accuracy of a saved network, and how it does on each class."""
    if args.plots is not None:
        pictures.prepare(args.plots)
    saved = load_model(args, args.saved)
    parts = read_data(args, samples=0, shape=saved.shape)
    score, logits = _score(saved, parts, args.saved)
    predicted = logits.argmax(1)
    matrix = train.confusion_matrix(predicted, parts.test.labels, len(parts.classes))
    precision, recall = _rates(matrix)
    if args.json:
        per_class = {
            name: {"precision": float(p), "recall": float(r), "images": int(n)}
            for name, p, r, n in zip(parts.classes, precision, recall, matrix.sum(1), strict=True)
        }
        found = {"model": saved.name, "data": args.data, "images": len(predicted), **score._asdict()}
        emit({**found, "classes": per_class, "confusion": matrix.tolist()})
    else:
        _tell(args, saved, parts, score, matrix)
    if args.plots is not None:
        pictures.write(
            args, {**pictures.of_scores(parts.test, saved, logits), **pictures.of_images(parts.test, saved)}
        )


def _tell(
    args: argparse.Namespace, saved: train.SavedModel, parts: data.Parts, score: train.Score, matrix: NDArray
) -> None:
    """Print the scores as text, and the confusion matrix if it fits on a screen."""
    precision, recall = _rates(matrix)
    say(
        f"{one_line(saved.name)} on the {len(parts.test.labels)} test images of {one_line(args.data)}: "
        f"loss {score.loss:.4f}, accuracy {score.accuracy:.2%}\n"
    )
    rows: list[tuple[object, ...]] = [("class", "images", "precision", "recall")]
    for name, p, r, n in zip(parts.classes, precision, recall, matrix.sum(1), strict=True):
        rows.append((name, int(n), _Share(p), _Share(r)))
    say(table(rows))
    if len(matrix) <= _WIDEST:
        say("\nconfusion: a row for each class, a column for what it was taken for\n")
        body = [(name, *map(int, row)) for name, row in zip(parts.classes, matrix, strict=True)]
        say(table([("", *parts.classes), *body]))


def compare(args: argparse.Namespace) -> None:
    """Print the scores of several saved networks in a table, the best one first."""
    models = {path: load_model(args, path) for path in args.saved}
    parts = read_data(args, samples=0, shape=models[args.saved[0]].shape)
    found = []
    for path, saved in models.items():
        score, logits = _score(saved, parts, path)
        size = sum(array.size for array in tree.leaves(saved.params))
        found.append({"file": path, "model": saved.name, "parameters": size, **score._asdict(),
                      "errors": int((logits.argmax(1) != parts.test.labels).sum())})  # fmt: skip
    found.sort(key=lambda row: row["errors"])
    if args.json:
        for row in found:
            emit(row)
        return
    heading = ("file", "model", "parameters", "loss", "accuracy", "errors")
    shown = [
        (
            Path(r["file"]).name,
            r["model"],
            r["parameters"],
            f"{r['loss']:.4f}",
            _Share(r["accuracy"]),
            r["errors"],
        )
        for r in found
    ]
    say(f"{len(parts.test.labels)} test images of {one_line(args.data)}\n\n{table([heading, *shown])}")


def _score(saved: train.SavedModel, parts: data.Parts, path: str) -> tuple[train.Score, NDArray]:
    """Return the scores on the test images, and the logits of each."""
    images, labels = parts.test
    if images.shape[1:] != saved.shape or len(parts.classes) != len(saved.classes):
        raise ValueError(
            f"{path}: expected images of shape {saved.shape} in {len(saved.classes)} classes, got "
            f"{images.shape[1:]} in {len(parts.classes)}"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # the error below tells of an overflow
        logits = saved.logits(images)
    if not np.isfinite(logits).all():
        raise train.NonFiniteLossError(
            f"{path}: the loss on the test images is not finite: the parameters are too large"
        )
    return train.score(logits, labels), logits


def _rates(matrix: NDArray) -> tuple[NDArray, NDArray]:
    """Return the precision and the recall of each class; they are not a number where nothing is counted."""
    right = matrix.diagonal()
    with np.errstate(invalid="ignore"):
        return right / matrix.sum(0), right / matrix.sum(1)


class _Share:
    """A share of images, which a table shows in per cent, to the right."""

    def __init__(self, value: Any) -> None:
        self.value = float(value)

    def __str__(self) -> str:
        return "-" if np.isnan(self.value) else f"{self.value:.2%}"
