"""The types of arguments: each reads a text, or raises the error that argparse prints."""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections.abc import Callable
from typing import TypeVar

from ..data.families import FAMILIES
from ..models import MODELS

_Number = TypeVar("_Number", int, float)


def _number(
    text: str, read: Callable[[str], _Number], expected: str, accepts: Callable[[_Number], bool]
) -> _Number:
    """Read a number from an argument, or raise the error that argparse prints."""
    complaint = argparse.ArgumentTypeError(f"expected {expected}, got '{text}'")
    try:
        number = read(text)
    except ValueError:
        raise complaint from None
    if not accepts(number):
        raise complaint
    return number


def count(text: str) -> int:
    """Read a whole number of at least 1."""
    return _number(text, int, "a whole number of at least 1", lambda count: count >= 1)


def threads(text: str) -> int:
    """Read a number of threads, for which threadpoolctl has to be there."""
    if importlib.util.find_spec("threadpoolctl") is None:
        raise argparse.ArgumentTypeError("needs threadpoolctl: pip install 'tinygrad-cnn[train]'")
    return count(text)


def seed(text: str) -> int:
    """Read a whole number of at least 0."""
    return _number(text, int, "a whole number of at least 0", lambda seed: seed >= 0)


def port(text: str) -> int:
    """Read the number of a port."""
    return _number(text, int, "a port from 0 to 65535", lambda port: 0 <= port <= 65535)


def rate(text: str) -> float:
    """Read a finite number above 0."""
    return _number(text, float, "a finite number above 0", lambda rate: 0 < rate < math.inf)


def decay(text: str) -> float:
    """Read a finite number of at least 0."""
    return _number(text, float, "a finite number of at least 0", lambda decay: 0 <= decay < math.inf)


def momentum(text: str) -> float:
    """Read a number from 0 to below 1."""
    return _number(text, float, "a number in [0, 1)", lambda momentum: 0 <= momentum < 1)


def share(text: str) -> float:
    """Read a number between 0 and 1."""
    return _number(text, float, "a number in (0, 1)", lambda share: 0 < share < 1)


def image_shape(text: str) -> tuple[int, int, int]:
    """Read channels, rows and columns, such as 3x32x32."""
    complaint = argparse.ArgumentTypeError(f"expected CxHxW with C 1 or 3, such as 3x32x32, got '{text}'")
    try:
        channels, height, width = (int(part) for part in text.split("x"))
    except ValueError:
        raise complaint from None
    if channels not in (1, 3) or not (1 <= height <= 4096 and 1 <= width <= 4096):
        raise complaint
    return channels, height, width


def model(text: str) -> str:
    """Read the name of a network, or the file and the name of one of the user's own."""
    if text not in MODELS and ".py:" not in text:
        raise argparse.ArgumentTypeError(
            f"expected one of {', '.join(MODELS)}, or FILE.py:NAME, got '{text}'"
        )
    return text


def source(text: str) -> str:
    """Read the name of a data set, or where one of the user's own is."""
    if (
        text not in ("digits", *FAMILIES)
        and not text.startswith("folder:")
        and not text.endswith((".npz", ".csv"))
    ):
        known = ", ".join(["digits", *FAMILIES])
        raise argparse.ArgumentTypeError(
            f"expected one of {known}, folder:DIR, or a file .npz or .csv, got '{text}'"
        )
    return text
