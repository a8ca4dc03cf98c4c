"""Arrays as a page shows them: bytes of grey, and numbers that are short."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from ..types import NDArray

_SHOWN = 32  # channels of an array; more would be too small to see


def maps(array: NDArray) -> dict[str, Any]:
    """Describe the channels of an array as pictures: a byte a number, 0 in the middle if one is negative.

    Parameters
    ----------
    array : ndarray, shape (C, H, W) or (C,)
        The channels; single numbers become one picture of one row.
    """
    channels = array if array.ndim == 3 else array.reshape(1, 1, -1)
    channels = channels[:_SHOWN]
    top = float(np.abs(channels).max(initial=0)) or 1.0
    signed = bool((channels < 0).any())
    grey = np.nan_to_num(channels / top) * (127 if signed else 255) + (128 if signed else 0)
    return {
        "shape": list(channels.shape),
        "signed": signed,
        "top": short(top),
        "bytes": base64.b64encode(grey.round().astype(np.uint8).tobytes()).decode(),
    }


def short(number: float) -> str:
    """Write a number in four digits."""
    return f"{number:.4g}"
