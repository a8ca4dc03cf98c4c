"""Layers: frozen descriptions with ``init(rng) -> (params, state)`` and a pure call; no gradient code."""

from . import init
from .activation import GELU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from .convolution import Conv2d
from .dense import Dense
from .dropout import Dropout
from .flatten import Flatten
from .function import Lambda
from .layer import Layer, Parameterless
from .normalization import BatchNorm2d, GroupNorm, LayerNorm
from .pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from .residual import Residual
from .sequential import Sequential
from .summary import Summary, SummaryRow, summary
from .upsampling import Upsample

__all__ = [
    "GELU",
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "GroupNorm",
    "Lambda",
    "Layer",
    "LayerNorm",
    "LogSoftmax",
    "MaxPool2d",
    "Parameterless",
    "ReLU",
    "Residual",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Summary",
    "SummaryRow",
    "Tanh",
    "Upsample",
    "init",
    "summary",
]


def __dir__() -> list[str]:
    return __all__
