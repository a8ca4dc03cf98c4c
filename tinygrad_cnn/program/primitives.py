"""The operations that have no name of their own in ``tinygrad_cnn``, for programs that call them.

Most are the adjoints of others, such as `sum_to` of `broadcast_to`. A printed program imports them from here.

Examples
--------
>>> import numpy as np
>>> from tinygrad_cnn.program.primitives import sum_to
>>> sum_to(np.ones((3, 2)), (2,))
array([3., 3.])
"""

from __future__ import annotations

import sys
from typing import Any

from .. import linalg, ops
from ..tape import Primitive

__all__: list[str] = []  # they are found by name, so that a new one needs no entry


def __getattr__(name: str) -> Any:
    found = by_name().get(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no operation {name!r}")
    return found


def by_name() -> dict[str, Primitive[..., Any]]:
    """Return all operations of the package by the names that errors call them.

    Examples
    --------
    >>> by_name()["mean_nll"]
    <primitive mean_nll(log_p: 'Operand[Out]', labels: 'Array') -> 'Out'>
    """
    package = ops.__name__.rpartition(".")[0]
    found = {}
    for module in [sys.modules[name] for name in sorted(sys.modules) if name.startswith(f"{package}.")]:
        for value in vars(module).values():
            if isinstance(value, Primitive) and value.__module__ == module.__name__:
                found[value.name] = value
    return found


def is_public(function: Any) -> str:
    """Return what a user calls an operation by, such as ``tg.linalg.det``, or nothing.

    Examples
    --------
    >>> is_public(ops.exp), is_public(by_name()["sum_to"])
    ('tg.exp', '')
    """
    name = getattr(function, "__name__", "")
    for module, prefix in ((ops, "tg"), (linalg, "tg.linalg")):
        if name in module.__all__ and getattr(module, name) is function:
            return f"{prefix}.{name}"
    return ""
