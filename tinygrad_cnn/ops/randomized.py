"""Operations that draw random numbers, always from an explicit Generator."""

from __future__ import annotations

import numpy as np

from .. import checks
from ..stand_in import as_array
from ..tape import raw
from ..types import Operand, Out
from .elementwise import multiply

__all__ = ["dropout"]


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
    checks.within("dropout", "rate", rate, "[0, 1)")
    checks.generator("dropout", rng)
    array = as_array(raw(x))
    mask = rng.random(array.shape, dtype=np.float32) >= rate
    scale = 1 / (1 - float(rate))  # a Python scalar keeps the dtype of the mask
    return multiply(x, mask.astype(array.dtype) * scale)
