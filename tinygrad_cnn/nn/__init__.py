"""Layers: frozen descriptions with ``init(rng) -> (params, state)`` and a pure call. Compositions only."""

from . import init
from .layer import Layer
from .layers import (
    BatchNorm2d,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    LogSoftmax,
    MaxPool2d,
    ReLU,
    Softmax,
)
from .sequential import Sequential

__all__ = [
    "BatchNorm2d",
    "Conv2d",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LogSoftmax",
    "MaxPool2d",
    "ReLU",
    "Sequential",
    "Softmax",
    "init",
]
