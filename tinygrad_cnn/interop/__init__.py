"""Models that come in and go out: state dicts of PyTorch, ONNX, and the layouts of Keras, Flax and Equinox.

Each module needs its library when it is used, and not before: files of PyTorch are read without PyTorch.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from . import jax as jax
    from . import keras as keras
    from . import layouts as layouts
    from . import onnx as onnx
    from . import torch as torch

__all__ = ["jax", "keras", "layouts", "onnx", "torch"]


def __getattr__(name: str) -> typing.Any:
    """Import a module when it is first used."""
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
