"""Layers: frozen descriptions with ``init(rng) -> (params, state)`` and a pure call; no gradient code."""

from . import init
from .activation import GELU, LogSoftmax, PReLU, ReLU, Sigmoid, Softmax, Tanh
from .convolution import Conv1d, Conv2d, Conv3d
from .dense import Dense
from .dropout import Dropout, Dropout2d
from .flatten import Flatten
from .function import Lambda
from .layer import Layer, Parameterless
from .normalization import BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm
from .pooling import (
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool2d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from .residual import Residual
from .resizing import PixelShuffle, Upsample
from .sequential import Sequential
from .summary import Summary, SummaryRow, summary

__all__ = [
    "GELU",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "Dense",
    "Dropout",
    "Dropout2d",
    "Flatten",
    "GlobalAvgPool2d",
    "GroupNorm",
    "InstanceNorm2d",
    "Lambda",
    "Layer",
    "LayerNorm",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
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
