"""The pictures that ``--plots`` asks for; matplotlib is imported for them alone."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from .. import data, insight, train, tree
from ..ops import cross_entropy, softmax
from ..types import NDArray
from .output import emit, one_line, say

_ON_THE_LINE = 500  # images whose loss is measured between the first and the last parameters
_SHOWN = 3  # images in the pictures of single images
_EPSILON = 0.1  # how far a pixel is moved for an adversarial example


def prepare(folder: Path) -> None:
    """Make the folder, and be sure that pictures can be drawn, before any work is done for them."""
    from .. import plot as plot

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--plots: {folder} cannot be made: {error.strerror}") from error


def write(args: argparse.Namespace, figures: dict[str, Any]) -> None:
    """Write figures under their names, and say where they are."""
    paths = {name: args.plots / f"{name}.png" for name in figures}
    for name, path in paths.items():
        figures[name].savefig(path)
    if args.json:
        emit({"pictures": [str(path) for path in paths.values()]})
    else:
        say(f"pictures in {one_line(args.plots)}: {', '.join(path.name for path in paths.values())}")


def of_run(
    history: train.History, test: data.Dataset, saved: train.SavedModel, initial: Any
) -> dict[str, Any]:
    """Draw the curves of a run, and the loss between its first parameters and its last ones."""
    from .. import plot

    x, labels = saved.normalization(test.images[:_ON_THE_LINE]), test.labels[:_ON_THE_LINE]
    at = np.linspace(0, 1.25, 26)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond the end, a loss may be any number
        losses = insight.losses_between(
            lambda params: cross_entropy(saved.layer(params, saved.state, x)[0], labels),
            initial,
            saved.params,
            at,
        )
    between = plot.losses_between(at, {"test": losses}, ("before the training", "after it"))
    return {"curves": plot.curves(history), "between": between}


def of_scores(test: data.Dataset, saved: train.SavedModel, logits: NDArray) -> dict[str, Any]:
    """Draw what each class is taken for, the worst mistakes, and the first filters if they are images."""
    from .. import plot

    names, taken_for = saved.classes, logits.argmax(1)
    found = {
        "confusion": plot.confusion_matrix(train.confusion_matrix(taken_for, test.labels, len(names)), names)
    }
    worst = insight.worst_mistakes(logits, test.labels)
    if len(worst):
        found["mistakes"] = plot.mistakes(
            test.images[worst],
            [names[i] for i in test.labels[worst]],
            [names[i] for i in taken_for[worst]],
            softmax(logits[worst], axis=1).max(1),
        )
    weight = next((w for w in tree.leaves(saved.params) if w.ndim == 4 and w.shape[1] in (1, 3)), None)
    return found if weight is None else {**found, "filters": plot.filters(weight)}


def of_images(test: data.Dataset, saved: train.SavedModel) -> dict[str, Any]:
    """Draw what the network makes of the first test images, what it looks at, and what makes it err."""
    from .. import plot

    mean, std = (values[:, None, None] for values in saved.normalization)
    images, labels = test.images[:_SHOWN], test.labels[:_SHOWN]
    x = saved.normalization(images)

    def logits(pixels: Any) -> Any:
        return saved.layer(saved.params, saved.state, (pixels - mean) / std)[0]

    def said(pixels: NDArray) -> list[str]:
        probabilities = softmax(logits(pixels), axis=1)
        return [f"{saved.classes[row.argmax()]}, {row.max():.0%}" for row in probabilities]

    maps = {
        "gradient": insight.input_gradient(logits, images),
        "SmoothGrad": insight.smooth_grad(logits, images, np.random.default_rng(0)),
    }
    found = {}
    layers = insight.outputs(saved.layer, saved.params, saved.state, x)
    if any(y.ndim == 4 and y.shape[2] * y.shape[3] > 1 for y in layers.values()):
        maps["Grad-CAM"] = insight.grad_cam(saved.layer, saved.params, saved.state, x)
        found["layers"] = plot.feature_maps(images[0], {path: y[0] for path, y in layers.items()})
    changed = insight.fgsm(lambda pixels: cross_entropy(logits(pixels), labels), images, _EPSILON)
    found["saliency"] = plot.saliency(images, maps)
    found["adversarial"] = plot.adversarial(images, changed, said(images), said(changed))
    return found
