"""Rows of numbers as lines of JSON, which programs of any language read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def line(row: Mapping[str, Any]) -> str:
    """Return a row as an object of JSON in ASCII; what is not finite, which JSON does not know, is null.

    Examples
    --------
    >>> line({"epoch": 1, "loss": float("nan")})
    '{"epoch": 1, "loss": null}'
    """
    return json.dumps(_finite(row), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
