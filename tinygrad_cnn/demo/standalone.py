"""The page in one file: a network that reads drawn digits, with its weights, and no server."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..program import Program
from ..program.tracing import trace
from ..program.values import Line, Value
from ..train import SavedModel
from .files import static
from .reading import SIDE, check_reads_digits

__all__ = ["standalone_page"]


def standalone_page(model: SavedModel) -> str:
    """Write a page that reads drawn digits by itself, for whoever has a browser.

    It holds the parameters, as float32, and a player of the operations that the network is made of.

    Parameters
    ----------
    model : SavedModel
        A network that reads digits of shape (1, 28, 28).

    Returns
    -------
    str
        The page, which loads nothing.

    Raises
    ------
    ValueError
        If the network reads other images, or has an operation that the player lacks. The message is one line.

    Examples
    --------
    >>> from tinygrad_cnn import data, models
    >>> layer = models.lenet()
    >>> params, state = layer.init(np.random.default_rng(0))
    >>> page = standalone_page(SavedModel("lenet", layer, params, state, data.Normalization.none(1)))
    >>> page.startswith("<!doctype html>"), "src=" in page
    (True, False)
    """
    check_reads_digits(model)
    described = {
        "about": f"The network is {model.name}, trained with tinygrad_cnn.",
        "classes": model.classes,
        "side": SIDE,
        "program": _described(model),
    }
    page = static("standalone.html")
    page = re.sub(r'<link rel="stylesheet" href="(\S+)">', lambda m: f"<style>\n{static(m[1])}</style>", page)
    page = re.sub(r'<script src="(\S+)">', lambda m: f"<script>\n{static(m[1])}", page)
    written = json.dumps(described).replace("<", "\\u003c")  # so that no name of a model ends the script
    return page.replace('id="model"></script>', f'id="model">{written}</script>')


def _described(model: SavedModel) -> dict[str, Any]:
    """Record the network on one image, and describe its lines as the player takes them."""
    arguments = (np.zeros((1, 1, 28, 28), np.float32), *model.normalization, model.params, model.state)

    def logits(image: Any, mean: Any, std: Any, params: Any, state: Any) -> Any:
        normalized = (image - mean.reshape(1, -1, 1, 1)) / std.reshape(1, -1, 1, 1)
        return model.layer(params, state, normalized)[0]

    program = trace(logits, *arguments)
    arrays = [np.asarray(leaf, np.float32) for leaf in tree.leaves(arguments)[1:]]
    weights = b"".join(array.astype("<f4").tobytes() for array in arrays)
    return {
        "shapes": [list(array.shape) for array in arrays],
        "weights": base64.b64encode(weights).decode(),
        "lines": _lines(program),
    }


def _lines(program: Program) -> list[dict[str, Any]]:
    places = {x: i for i, x in enumerate([*program.arguments, *(line.result for line in program.lines)])}
    found = []
    for line in program.lines:
        op = getattr(line.function, "__name__", "").lstrip("_").removesuffix("_output")
        if op not in _PLAYED:
            known = ", ".join(sorted(_PLAYED))
            raise ValueError(f"the page has no player for the operation '{op}': it plays {known}")
        operands = [x for x in line.args[: _PLAYED[op].operands] if x is not None]
        args = [{"value": places[x]} if isinstance(x, Value) else float(x) for x in operands]
        found.append({"op": op, "args": args, "options": _PLAYED[op].options(line)})
    return found


class _Played(NamedTuple):
    """An operation of the player: how many operands it has at most, and the options of a line."""

    operands: int
    options: Callable[[Line], dict[str, Any]]


def _shaped(line: Line) -> dict[str, Any]:
    return {"shape": line.result.shape}


def _of_windows(line: Line) -> dict[str, Any]:
    spec = line.kwargs["spec"]
    return {
        "kernel": spec.kernel_size,
        "stride": spec.stride,
        "padding": [before for before, _ in spec.padding],
        "dilation": spec.dilation,
        "groups": getattr(spec, "groups", 1),
        "shape": line.result.shape,
    }


def _of_pixels(line: Line) -> dict[str, Any]:
    """Return the shape of a mean, which has to be one over rows and columns."""
    if len(line.args[0].shape) != 4 or line.args[1:] != ((2, 3),):
        raise ValueError("the page has no player for a 'mean' but that over rows and columns")
    return _shaped(line)


def _of_rows(line: Line) -> dict[str, Any]:
    """Make sure that an operation is one on matrices."""
    if any(len(x.shape) != 2 for x in line.inputs()) or line.args[1:] == (0,):
        raise ValueError(
            "the page has no player for a 'matmul' or 'log_softmax' but those on rows of matrices"
        )
    return {}


_PLAYED = {
    **dict.fromkeys(("add", "subtract", "multiply", "divide"), _Played(2, lambda line: {})),
    **dict.fromkeys(("relu", "sqrt"), _Played(1, lambda line: {})),
    "conv2d": _Played(3, _of_windows),
    "log_softmax": _Played(1, _of_rows),
    "matmul": _Played(2, _of_rows),
    "max_pool2d": _Played(1, _of_windows),
    "mean": _Played(1, _of_pixels),
    "reshape": _Played(1, _shaped),
}
