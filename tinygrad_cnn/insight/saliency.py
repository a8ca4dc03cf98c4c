"""Which pixels, and which places of a feature map, the score of a class depends on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks
from ..autodiff import grad
from ..nn import Layer
from ..types import ArrayLike, NDArray
from .layers import output_gradients, outputs

__all__ = ["grad_cam", "input_gradient", "smooth_grad"]

Network = Callable[[Any], Any]


def input_gradient(f: Network, images: ArrayLike, classes: ArrayLike | None = None) -> NDArray:
    """Differentiate the score of a class with respect to the pixels (Simonyan et al. 2013, section 3).

    Parameters
    ----------
    f : callable
        A function from images to logits of shape (N, K), made of operations, that treats each image by
        itself: ``lambda x: model(params, state, x)[0]``.
    images : array_like of float, shape (N, ...)
        The images.
    classes : array_like of int, shape (N,), optional
        The class of each image whose logit is differentiated; by default the one with the largest logit.

    Returns
    -------
    ndarray, shape (N, ...)
        The gradient of each image. A map of saliency is its magnitude.

    Raises
    ------
    ValueError
        If a class is out of range.

    Examples
    --------
    >>> weight = np.array([[1.0, -1.0], [2.0, 0.0], [0.0, 5.0]])  # a column for each of two classes
    >>> input_gradient(lambda x: x @ weight, np.ones((2, 3)), [0, 1])
    array([[ 1.,  2.,  0.],
           [-1.,  0.,  5.]])
    """
    images = np.asarray(images)
    chosen = _classes("input_gradient", f(images), classes)
    return grad(lambda x: _scores(f(x), chosen))(images)


def smooth_grad(
    f: Network,
    images: ArrayLike,
    rng: np.random.Generator,
    classes: ArrayLike | None = None,
    *,
    samples: int = 32,
    noise: float = 0.15,
) -> NDArray:
    """Average the input gradient over noisy copies of each image (Smilkov et al. 2017).

    Parameters
    ----------
    f : callable
        The same function as `input_gradient` takes.
    images : array_like of float, shape (N, ...)
        The images.
    rng : numpy.random.Generator
        The source of the noise.
    classes : array_like of int, shape (N,), optional
        The classes; by default those with the largest logits of the images without noise.
    samples : int
        The number of copies.
    noise : float
        The standard deviation of the noise, as a share of the range of each image's values.

    Returns
    -------
    ndarray, shape (N, ...)
        The mean of the gradients.

    Raises
    ------
    ValueError
        If a class is out of range, or an option.

    Examples
    --------
    >>> weight = np.array([[1.0, -1.0], [2.0, 0.0], [0.0, 5.0]])
    >>> smooth_grad(lambda x: x @ weight, np.ones((1, 3)), np.random.default_rng(0), [1])
    array([[-1.,  0.,  5.]])
    """
    checks.generator("smooth_grad", rng)
    checks.integer("smooth_grad: samples", samples, 1)
    checks.within("smooth_grad", "noise", noise, "[0, inf)")
    images = np.asarray(images)
    chosen = _classes("smooth_grad", f(images), classes)
    axes = tuple(range(1, images.ndim))
    spread = noise * np.ptp(images, axis=axes, keepdims=True)
    total = np.zeros_like(images)
    for _ in range(samples):
        noisy = images + spread * rng.standard_normal(images.shape)
        total += input_gradient(f, noisy.astype(images.dtype), chosen)
    return total / samples


def grad_cam(
    model: Layer,
    params: Any,
    state: Any,
    images: ArrayLike,
    classes: ArrayLike | None = None,
    *,
    layer: str | None = None,
) -> NDArray:
    """Say which places of a layer's feature maps speak for a class (Grad-CAM, Selvaraju et al. 2017).

    The map of an image is ``relu(sum_k a_k A_k)``: the feature maps ``A_k`` are weighted by ``a_k``, the mean
    over all places of the gradient of the class's logit with respect to ``A_k``.

    Parameters
    ----------
    model : Layer
        A model that is made of layers and returns logits of shape (N, K).
    params, state : tree of ndarray
        Its parameters and its state.
    images : array_like of float, shape (N, C, H, W)
        The images.
    classes : array_like of int, shape (N,), optional
        The class of each image; by default the one with the largest logit.
    layer : str, optional
        The path of the layer, as `outputs` has it; by default the last one whose output has more places than
        one.

    Returns
    -------
    ndarray, shape (N, h, w)
        A map for each image, at the resolution of the layer's output.

    Raises
    ------
    ValueError
        If there is no such layer, or its output is no batch of feature maps, or a class is out of range.

    Examples
    --------
    >>> from tinygrad_cnn import models
    >>> model = models.baseline()
    >>> params, state = model.init(np.random.default_rng(0))
    >>> grad_cam(model, params, state, np.ones((2, 1, 28, 28), np.float32), layer="relu2").shape
    (2, 14, 14)
    """
    images = np.asarray(images)
    found = outputs(model, params, state, images)
    maps = {path: y for path, y in found.items() if y.ndim == 4 and y.shape[2] * y.shape[3] > 1}
    if not maps or layer not in {None, *maps}:
        known = ", ".join(maps) or "a model with feature maps"
        raise ValueError(f"grad_cam: layer: expected one of {known}, got {layer!r}")
    path = list(maps)[-1] if layer is None else layer
    chosen = _classes("grad_cam", list(found.values())[-1], classes)
    gradients = output_gradients(lambda logits: _scores(logits, chosen), model, params, state, images)
    weights = gradients[path].mean((2, 3), keepdims=True)
    return np.maximum((weights * maps[path]).sum(1), 0)


def _classes(owner: str, logits: Any, classes: ArrayLike | None) -> NDArray:
    """Check that there is a class for each sample, or take the one of the largest logit."""
    scores = np.asarray(logits)
    if scores.ndim != 2:
        raise ValueError(f"{owner}: expected logits of shape (N, K), got {scores.shape}")
    if classes is None:
        return scores.argmax(1)
    chosen = checks.indices(owner, "classes", classes, scores.shape[1])
    checks.shape(owner, "classes", chosen.shape, scores.shape[:1])
    return chosen


def _scores(logits: Any, classes: NDArray) -> Any:
    """Add up the logits of the chosen classes, whose gradients do not mix: each is of one image."""
    return logits[np.arange(len(classes)), classes].sum()
