"""Losses of values: predicted numbers, probabilities, and answers of yes or no."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .. import checks
from ..stand_in import as_array, in_one_line
from ..tape import Box, astype, in_single, primitive, raw
from ..types import Array, NDArray, Operand, Out
from .activations import sigmoid, softplus
from .elementary import exp, log, log1p
from .elementwise import abs, clip, maximum, multiply, square, subtract, times, where
from .loss_reductions import Reduction, element_weights, reduced
from .norms import norm
from .operands import of_numbers
from .reductions import sum

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_similarity",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "smooth_l1_loss",
]


@of_numbers
@in_single
def mse_loss(x: Operand[Out], target: Operand[Out], *, reduction: Reduction = "mean") -> Out:
    """Squared error: ``(x - target)**2``.

    Parameters
    ----------
    x, target : array_like
        Arrays of equal shapes: a broadcast between predictions and targets is nearly always a mistake. The
        target is cast to the dtype of ``x``.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar, ndarray or Tensor

    Raises
    ------
    ValueError
        If shapes differ or the reduction is unknown.

    Examples
    --------
    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    return reduced("mse_loss", square(_difference("mse_loss", x, target)), reduction)


@of_numbers
@in_single
def l1_loss(x: Operand[Out], target: Operand[Out], *, reduction: Reduction = "mean") -> Out:
    """Absolute error: ``abs(x - target)``, with derivative 0 where they are equal.

    Parameters
    ----------
    x, target : array_like
        Arrays of equal shapes. The target is cast to the dtype of ``x``.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar, ndarray or Tensor

    Raises
    ------
    ValueError
        If shapes differ or an option is unknown.

    Examples
    --------
    >>> float(l1_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    1.0
    """
    return reduced("l1_loss", abs(_difference("l1_loss", x, target)), reduction)


@of_numbers
@in_single
def huber_loss(
    x: Operand[Out], target: Operand[Out], *, delta: float = 1.0, reduction: Reduction = "mean"
) -> Out:
    """Huber's loss, of ``d = abs(x - target)``: ``d**2 / 2``, from ``delta`` on ``delta * (d - delta / 2)``.

    Parameters
    ----------
    x, target : array_like
        Arrays of equal shapes. The target is cast to the dtype of ``x``.
    delta : float
        Where the parabola ends, above 0.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar, ndarray or Tensor

    Raises
    ------
    ValueError
        If shapes differ or an option is unknown.

    Examples
    --------
    >>> huber_loss(np.array([0.5, 3.0]), np.zeros(2), reduction="none")
    array([0.125, 2.5  ])
    """
    delta = checks.within("huber_loss", "delta", delta, "(0, inf)")
    losses = _parabola_then_line(_difference("huber_loss", x, target), end=delta, bend=1.0)
    return reduced("huber_loss", losses, reduction)


@of_numbers
@in_single
def smooth_l1_loss(
    x: Operand[Out], target: Operand[Out], *, beta: float = 1.0, reduction: Reduction = "mean"
) -> Out:
    """`huber_loss` divided by ``beta``: ``d**2 / (2 * beta)`` up to ``beta``, then ``d - beta / 2``.

    Parameters
    ----------
    x, target : array_like
        Arrays of equal shapes. The target is cast to the dtype of ``x``.
    beta : float
        Where the parabola ends. For 0 there is none, and the loss is `l1_loss`.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar, ndarray or Tensor

    Raises
    ------
    ValueError
        If shapes differ or an option is unknown.

    Examples
    --------
    >>> smooth_l1_loss(np.array([0.5, 3.0]), np.zeros(2), beta=2.0, reduction="none")
    array([0.0625, 2.    ])
    """
    beta = checks.within("smooth_l1_loss", "beta", beta, "[0, inf)")
    error = _difference("smooth_l1_loss", x, target)
    losses = _parabola_then_line(error, end=beta, bend=1 / beta) if beta else abs(error)
    return reduced("smooth_l1_loss", losses, reduction)


@of_numbers
@in_single
def kl_div(
    log_probabilities: Operand[Out],
    target: Operand[Out],
    *,
    log_target: bool = False,
    reduction: Reduction | Literal["batchmean"] = "mean",
) -> Out:
    """Divergence of a distribution from its prediction (Kullback & Leibler): ``t * (log(t) - log_p)``.

    Where ``t`` is 0 it is 0, and its derivative to ``t`` is taken to be ``-log_p``, that of the second term.

    Parameters
    ----------
    log_probabilities : array_like
        The logarithms of the predicted probabilities.
    target : array_like
        The probabilities, or their logarithms, in the shape of the prediction; they are cast to its dtype.
    log_target : bool
        Whether the target is given as logarithms.
    reduction : "mean", "batchmean", "sum" or "none"
        "mean" divides by the number of elements, and "batchmean" by that of samples, ``len(target)``, which
        is what the divergence is defined as.

    Returns
    -------
    scalar, ndarray or Tensor

    Raises
    ------
    ValueError
        If shapes differ, a probability is negative, or the reduction is unknown.

    Examples
    --------
    >>> p, t = np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])
    >>> round(float(kl_div(np.log(p), t, reduction="batchmean")), 4)
    0.6931
    """
    t = _like("kl_div", "target", target, log_probabilities)
    checks.flag("kl_div: log_target", log_target)
    log_p, p = log_probabilities, exp(t) if log_target else t
    is_zero = raw(p) == 0 if log_target else in_one_line(_zero_probabilities, raw(t))
    log_t = t if log_target else log(where(is_zero, 1.0, t))
    # a probability of 0 takes no part where a logarithm is minus infinity; 0 * -inf would be NaN
    log_p, log_t = (where(is_zero & np.isneginf(raw(a)), 0.0, a) for a in (log_p, log_t))
    losses = p * (log_t - log_p)
    if reduction == "batchmean":
        return sum(losses) / len(losses)
    return reduced("kl_div", losses, reduction)


def _zero_probabilities(target: NDArray) -> NDArray:
    """Return where probabilities are 0, or raise a ValueError where they are none."""
    if np.any(target < 0):
        found = np.min(target)
        raise ValueError(f"kl_div: target: expected probabilities, got {found}; is it a logarithm?")
    zero: NDArray = np.equal(target, 0)
    return zero


@of_numbers
@in_single
def binary_cross_entropy(
    probabilities: Operand[Out],
    targets: Operand[Out],
    *,
    weight: Operand[Any] | None = None,
    reduction: Reduction = "mean",
) -> Out:
    """Cross-entropy of yes-or-no choices, given the probability of yes: ``-t log p - (1 - t) log(1 - p)``.

    A certain prediction that is wrong has an infinite loss, so `binary_cross_entropy_with_logits` is safer.

    Parameters
    ----------
    probabilities : array_like
    targets : array_like
        Probabilities in the same shape; they are cast to the same dtype.
    weight : array_like, optional
        The weight of each choice, which broadcasts to ``probabilities``, a constant to the tape. The mean
        divides by the number of choices, as PyTorch's does.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar, ndarray or Tensor

    Raises
    ------
    ValueError
        If shapes do not fit, a number lies outside ``[0, 1]``, or the reduction is unknown.

    Examples
    --------
    >>> binary_cross_entropy(np.array([0.5, 1.0]), np.array([1.0, 1.0]), reduction="none")
    array([0.69314718, 0.        ])
    """
    op = "binary_cross_entropy"
    p = _probabilities(op, "probabilities", probabilities)
    t = _like(op, "targets", targets, probabilities)
    values = _probabilities(op, "targets", t)
    # a choice of probability 0 takes no part where its logarithm is minus infinity; 0 * -inf would be NaN
    yes = where((p == 0) & (values == 0), 1.0, probabilities)
    no = where((p == 1) & (values == 1), 0.0, probabilities)
    with np.errstate(divide="ignore"):
        losses = 0.0 - (t * log(yes) + (1 - t) * log1p(-no))  # a negation would make -0.0 of 0.0
    weight = element_weights(op, "weight", weight, p, p.dtype)
    return reduced(op, losses if weight is None else losses * weight, reduction)


@of_numbers
@in_single
def binary_cross_entropy_with_logits(
    logits: Operand[Out],
    targets: Operand[Out],
    *,
    weight: Operand[Any] | None = None,
    pos_weight: Operand[Any] | None = None,
    reduction: Reduction = "mean",
) -> Out:
    """Cross-entropy of yes-or-no choices: ``-t log p - (1 - t) log(1 - p)`` with ``p = sigmoid(logits)``.

    Stable for logits of any size, infinite ones included.

    Parameters
    ----------
    logits : array_like
    targets : array_like
        Probabilities in the shape of ``logits``; they are cast to its dtype.
    weight : array_like, optional
        The weight of each choice, which broadcasts to ``logits``, a constant to the tape. The mean divides by
        the number of choices, as PyTorch's does.
    pos_weight : array_like, optional
        The weight of the first term, that of the answer yes; as ``weight``.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    scalar, ndarray or Tensor

    Raises
    ------
    ValueError
        If shapes do not fit, a target lies outside ``[0, 1]``, or the reduction is unknown.

    Examples
    --------
    >>> float(binary_cross_entropy_with_logits(np.array([1e4, -1e4]), np.array([1.0, 1.0])))
    5000.0
    """
    op = "binary_cross_entropy_with_logits"
    checks.no_pair(op, "logits", logits)
    checks.shape(op, "targets", np.shape(raw(targets)), np.shape(raw(logits)))
    values, dtype = _probabilities(op, "targets", targets), as_array(raw(logits)).dtype
    weight, pos_weight = (
        element_weights(op, name, w, values, dtype)
        for name, w in (("weight", weight), ("pos_weight", pos_weight))
    )
    if pos_weight is None and not isinstance(targets, Box):
        losses = _against_constants(logits, astype(values, dtype))
    else:
        losses = _logit_losses(logits, astype(targets, dtype), values, pos_weight)
    return reduced(op, losses if weight is None else losses * weight, reduction)


def _logit_losses(logits: Array, t: Array, values: NDArray, pos_weight: NDArray | None = None) -> Array:
    # A choice of probability 0 takes no part where its loss is infinite; 0 * inf would be NaN.
    yes, no = softplus(-logits), softplus(logits)
    yes = where((values == 0) & np.isinf(raw(yes)), 0.0, yes) * t
    no = where((values == 1) & np.isinf(raw(no)), 0.0, no) * (1 - t)
    return (yes if pos_weight is None else yes * pos_weight) + no


@primitive
def _against_constants(logits: Operand[Out], t: NDArray) -> Out:
    """Return the losses against targets that are constants to the tape."""
    if np.all(t * (1 - t) == 0):
        return softplus(logits * (1 - 2 * t))  # certain targets need one logarithm
    return _logit_losses(logits, t, t)


_against_constants.defvjp(
    logits=lambda g, logits, t: times(g, (1 - t) * sigmoid(logits) - t * sigmoid(-logits))
)


@of_numbers
@in_single
def cosine_similarity(x: Operand[Out], y: Operand[Out], *, axis: int = 1, eps: float = 1e-8) -> Out:
    """Cosine of the angle between vectors along an axis: ``sum(x * y) / (norm(x) * norm(y))``.

    Parameters
    ----------
    x, y : array_like
        Their shapes broadcast against each other.
    axis : int
        The axis along which the vectors lie.
    eps : float
        The least length that is divided by, so that the similarity to a vector of zeros is 0.

    Returns
    -------
    scalar, ndarray or Tensor

    Examples
    --------
    >>> cosine_similarity(np.array([[3.0, 4.0]]), np.array([[4.0, 3.0]]))
    array([0.96])
    """
    eps = checks.within("cosine_similarity", "eps", eps, "[0, inf)")
    directions = (v / maximum(norm(v, axis=axis, keepdims=True), eps) for v in (x, y))
    return sum(multiply(*directions), axis)


def _like(op: str, name: str, target: Array, x: Array) -> Array:
    """Return a target in the dtype of the predictions ``x``, if that is floating; its shape must be theirs.

    A broadcast between predictions and targets is nearly always a mistake.
    """
    checks.no_pair(op, "x", x)
    checks.shape(op, name, np.shape(raw(target)), np.shape(raw(x)))
    dtype, found = as_array(raw(x)).dtype, as_array(raw(target)).dtype
    # integers would widen float32 to float64
    return astype(target, dtype) if dtype.kind == "f" and dtype != found else target


def _difference(op: str, x: Array, target: Array) -> Array:
    return subtract(x, _like(op, "target", target, x))


@primitive
def _parabola_then_line(error: Operand[Out], *, end: float, bend: float) -> Out:
    """A parabola from 0 to ``end`` and a line beyond it, of absolute errors, by ``c = clip(error)``."""
    inside = np.clip(error, -end, end)
    return bend * (inside * (error - 0.5 * inside))


_parabola_then_line.defvjp(
    error=lambda g, error, end, bend: times(g, bend * clip(error, -end, end)),
)


def _probabilities(op: str, name: str, values: Array) -> NDArray:
    """Return the array of probabilities, or raise a ValueError where they are none."""
    p = as_array(raw(values))
    return in_one_line(_in_unit_interval, p, op, name)


def _in_unit_interval(p: NDArray, op: str, name: str) -> NDArray:
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise ValueError(f"{op}: {name}: expected probabilities in [0, 1], got {p.min()} to {p.max()}")
    return p
