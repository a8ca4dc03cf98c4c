"""Tools that prove the gradients of operations right, those of this package and yours.

`check_grads` compares derivatives with finite differences, and `ulp_errors` with a reference of higher
precision, to the last digit; they need NumPy alone. `mutate_rules` plants faults in gradient rules, and
`survivors` are those that a test does not notice. `OpCase` describes an
operation in one record, and `conformance` turns the record into tests. `strategies` draws the examples. The
last two need pytest and hypothesis, which are imported when they are first used.
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
    from .errors import GradientError as GradientError
    from .errors import KinkError as KinkError
    from .faults import Fault as Fault
    from .faults import mutate_rules as mutate_rules
    from .faults import survivors as survivors
    from .gradients import check_grads as check_grads
    from .suite import conformance as conformance
    from .ulp import UlpErrors as UlpErrors
    from .ulp import floats_between as floats_between
    from .ulp import ulp_errors as ulp_errors

__all__ = [
    "Call",
    "ErrorCase",
    "Fault",
    "GradientError",
    "KinkError",
    "OpCase",
    "UlpErrors",
    "check_grads",
    "conformance",
    "floats_between",
    "mutate_rules",
    "strategies",
    "survivors",
    "ulp_errors",
]


def __dir__() -> list[str]:
    return __all__


_HOMES = {
    "Call": "cases",
    "ErrorCase": "cases",
    "Fault": "faults",
    "GradientError": "errors",
    "KinkError": "errors",
    "OpCase": "cases",
    "UlpErrors": "ulp",
    "check_grads": "gradients",
    "mutate_rules": "faults",
    "survivors": "faults",
    "conformance": "suite",  # a module called conformance would take the place of the function once imported
    "floats_between": "ulp",
    "ulp_errors": "ulp",
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

    Thanks to this, ``from tinygrad_cnn.testing import check_grads, strategies`` is quick, and works where
    hypothesis is not installed.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"no module {name}", name=name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
