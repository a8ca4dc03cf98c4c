"""Tools to prove an operation's gradients right: for this package's own operations and for yours.

`check_grads` compares derivatives with finite differences and needs NumPy alone. `OpCase` describes an
operation in one record, and `conformance` turns the record into tests; together with `strategies` it needs
hypothesis and pytest, which are imported when first used.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import strategies as strategies
    from .cases import Call as Call
    from .cases import ErrorCase as ErrorCase
    from .cases import OpCase as OpCase
    from .gradients import GradientError as GradientError
    from .gradients import KinkError as KinkError
    from .gradients import check_grads as check_grads
    from .suite import conformance as conformance

__all__ = [
    "Call",
    "ErrorCase",
    "GradientError",
    "KinkError",
    "OpCase",
    "check_grads",
    "conformance",
    "strategies",
]

_HOMES = {
    "Call": "cases",
    "ErrorCase": "cases",
    "GradientError": "gradients",
    "KinkError": "gradients",
    "OpCase": "cases",
    "check_grads": "gradients",
    "conformance": "suite",  # not a module of its own name, which an import would put in its place
}


def __getattr__(name: str) -> Any:
    if name == "strategies":
        value = _module_run_on_first_use(f"{__name__}.{name}")
    elif name in _HOMES:
        value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def _module_run_on_first_use(name: str) -> Any:
    """Import a module whose body runs when its first attribute is asked for.

    So ``from tinygrad_cnn.testing import check_grads, strategies`` works, and stays quick, where hypothesis
    is not installed.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
