"""Operations that draw random numbers, always from an explicit Generator."""

from __future__ import annotations

import numpy as np

from .. import checks
from ..stand_in import as_array
from ..tape import raw
from ..types import Operand, Out
from .elementwise import multiply
from .operands import of_numbers

__all__ = ["dropout", "dropout2d"]


@of_numbers
def dropout(x: Operand[Out], rate: float, *, rng: np.random.Generator) -> Out:
    """Zero each element with a probability, and scale the rest so that the expectation is unchanged.

    Parameters
    ----------
    x : array_like
    rate : float
        The probability that an element becomes zero, in ``[0, 1)``.
    rng : numpy.random.Generator
        The generator to draw the mask from.

    Returns
    -------
    ndarray or Tensor
        ``x * mask / (1 - rate)``.

    Raises
    ------
    ValueError
        If ``rate`` lies outside ``[0, 1)``.
    TypeError
        If ``rate`` is no number or ``rng`` no Generator.

    Examples
    --------
    >>> dropout(np.ones(4), 0.5, rng=np.random.default_rng(0))
    array([2., 2., 2., 0.])
    """
    return multiply(x, _mask("dropout", x, np.shape(raw(x)), rate, rng))


@of_numbers
def dropout2d(x: Operand[Out], rate: float, *, rng: np.random.Generator) -> Out:
    """Zero whole channels of samples with a probability, and scale the rest (Tompson et al. 2015).

    The elements of a channel resemble their neighbours, which would give away what is dropped.

    Parameters
    ----------
    x : array_like, (N, C, H, W)
    rate : float
        The probability that a channel becomes zero, in ``[0, 1)``.
    rng : numpy.random.Generator
        The generator to draw the mask from.

    Returns
    -------
    ndarray or Tensor, (N, C, H, W)

    Raises
    ------
    ValueError
        If ``x`` has not four axes, or ``rate`` lies outside ``[0, 1)``.
    TypeError
        If ``rate`` is no number or ``rng`` no Generator.

    Examples
    --------
    >>> dropout2d(np.ones((1, 4, 1, 1)), 0.5, rng=np.random.default_rng(0)).reshape(-1)
    array([2., 2., 2., 0.])
    """
    shape = np.shape(raw(x))
    if len(shape) != 4:
        raise ValueError(f"dropout2d: x: expected shape (N, C, H, W), got {shape}")
    return multiply(x, _mask("dropout2d", x, (*shape[:2], 1, 1), rate, rng))


def _mask(
    op: str, x: Operand[Out], shape: tuple[int, ...], rate: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw what multiplies ``x``: zeros, and otherwise the scale."""
    checks.within(op, "rate", rate, "[0, 1)")
    checks.generator(op, rng)
    mask = rng.random(shape, dtype=np.float32) >= rate
    scale = 1 / (1 - float(rate))  # a Python scalar keeps the dtype of the mask
    return mask.astype(as_array(raw(x)).dtype) * scale
