"""The output of every layer of a model, and the gradient with respect to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks
from ..autodiff import grad
from ..nn import Layer
from ..types import NDArray

__all__ = ["output_gradients", "outputs"]


def outputs(model: Layer, params: Any, state: Any, x: Any) -> dict[str, Any]:
    """Compute what every layer in a model returns.

    Parameters
    ----------
    model : Layer
        A model that is made of layers, such as a `nn.Sequential`. It is applied as at inference.
    params, state : tree of ndarray
        Its parameters and its state.
    x : ndarray or Tensor
        The input.

    Returns
    -------
    dict of str to ndarray or Tensor
        The output of each layer by its path, such as ``"block1.block.conv1"``, in the order in which they are
        computed: a layer that is made of others comes after these.

    Raises
    ------
    TypeError
        If the model is no layer.

    Examples
    --------
    >>> from tinygrad_cnn import nn, relu
    >>> model = nn.Sequential(dense=nn.Dense(3, 2), relu=relu)
    >>> params, state = model.init(np.random.default_rng(0))
    >>> found = outputs(model, params, state, np.ones((4, 3), np.float32))
    >>> {path: y.shape for path, y in found.items()}
    {'dense': (4, 2), 'relu': (4, 2)}
    """
    found: dict[str, Any] = {}

    def note(path: str, y: Any) -> Any:
        found[path] = y
        return y

    _apply(model, params, state, x, note)
    return found


def output_gradients(
    score: Callable[[Any], Any], model: Layer, params: Any, state: Any, x: Any
) -> dict[str, NDArray]:
    """Differentiate a score of a model's output with respect to the output of every layer in the model.

    Zeros are added to the output of each layer, and the score is differentiated with respect to them: the
    gradient with respect to a sum is that with respect to each of its terms.

    Parameters
    ----------
    score : callable
        A function of the model's output that returns a scalar, made of operations.
    model : Layer
        A model that is made of layers. It is applied as at inference.
    params, state : tree of ndarray
        Its parameters and its state.
    x : ndarray
        The input.

    Returns
    -------
    dict of str to ndarray
        Gradients by the paths that `outputs` has, each of the shape and dtype of the output.

    Raises
    ------
    TypeError
        If the model is no layer, or the score no scalar.

    Examples
    --------
    >>> from tinygrad_cnn import nn, relu
    >>> model = nn.Sequential(double=lambda x: 2 * x, relu=relu)
    >>> output_gradients(lambda y: (y * y).sum(), model, {}, {}, np.array([3.0, -1.0]))
    {'double': array([12.,  0.]), 'relu': array([12.,  0.])}
    """

    def score_with(zeros: dict[str, Any]) -> Any:
        return score(_apply(model, params, state, x, lambda path, y: y + zeros[path]))

    return grad(score_with)({path: np.zeros_like(y) for path, y in outputs(model, params, state, x).items()})


def _apply(model: Layer, params: Any, state: Any, x: Any, on_output: Callable[[str, Any], Any]) -> Any:
    """Apply a model; what ``on_output`` makes of the path and the output of a layer goes on in its place."""
    if not isinstance(model, Layer):
        raise TypeError(f"outputs: model: expected a layer, got {checks.printable(repr(model))}")

    def visit(layer: Layer, path: str, params: Any, state: Any, x: Any) -> Any:
        def run(name: str, child: Layer, x: Any) -> Any:
            below = f"{path}.{name}" if path else name
            return on_output(below, visit(child, below, params.get(name, {}), state.get(name, {}), x))

        return layer.forward(x, run) if layer.children() else layer(params, state, x)[0]

    return visit(model, "", params, state, x)
