"""Layers: frozen descriptions with ``init(rng) -> (params, state)`` and a pure call; no gradient code."""

from . import init
from .activation import GELU, LogSoftmax, PReLU, ReLU, Sigmoid, Softmax, Tanh
from .convolution import Conv1d, Conv2d
from .dense import Dense
from .dropout import Dropout
from .flatten import Flatten
from .function import Lambda
from .layer import Layer, Parameterless
from .normalization import BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm
from .pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from .residual import Residual
from .resizing import PixelShuffle, Upsample
from .sequential import Sequential
from .summary import Summary, SummaryRow, summary

__all__ = [
    "GELU",
    "AvgPool2d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "GroupNorm",
    "InstanceNorm2d",
    "Lambda",
    "Layer",
    "LayerNorm",
    "LogSoftmax",
    "MaxPool2d",
    "PReLU",
    "Parameterless",
    "PixelShuffle",
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
