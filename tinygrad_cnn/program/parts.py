"""What operations are made of, and has no name in ``tinygrad_cnn``: printed programs import it here.

Most are the adjoints of operations, such as `sum_to` of `broadcast_to`. A function that prepares operands is
found with the name of its file before its own, as ``losses_places``.

Examples
--------
>>> import numpy as np
>>> from tinygrad_cnn.program.parts import sum_to
>>> sum_to(np.ones((3, 2)), (2,))
array([3., 3.])
"""

from __future__ import annotations

import inspect
import sys
from types import ModuleType
from typing import Any

from .. import linalg, ops
from ..tape import Primitive

__all__: list[str] = []  # they are found by name, so that a new one needs no entry


def __getattr__(name: str) -> Any:
    found = by_name().get(name) or _helpers().get(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no operation {name!r}")
    return found


def name_of(function: Any) -> str:
    """Return the name that a part has here, or nothing if it is none.

    Examples
    --------
    >>> name_of(by_name()["to_labels"]), name_of(len)
    ('to_labels', '')
    """
    if isinstance(function, Primitive):
        return function.name if by_name().get(function.name) is function else ""
    return next((name for name, helper in _helpers().items() if helper is function), "")


def _modules() -> list[ModuleType]:
    package = ops.__name__.rpartition(".")[0]
    return [sys.modules[name] for name in sorted(sys.modules) if name.startswith(f"{package}.")]


def _helpers() -> dict[str, Any]:
    """Return the functions of the operations' files that have no public name."""
    return {
        f"{module.__name__.rpartition('.')[2]}{name}": value
        for module in _modules()
        for name, value in list(vars(module).items())
        if name.startswith("_") and inspect.isfunction(value) and value.__module__ == module.__name__
    }


def by_name() -> dict[str, Primitive[..., Any]]:
    """Return all operations of the package by the names that errors call them.

    Examples
    --------
    >>> by_name()["mean_nll"]
    <primitive mean_nll(log_p: 'Operand[Out]', labels: 'Array') -> 'Out'>
    """
    found = {}
    for module in _modules():
        for value in list(vars(module).values()):  # another thread may import something
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
