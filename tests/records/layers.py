"""One record for each layer: examples, what it computes, PyTorch's module, and the options it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import tinygrad_cnn as tg
from tinygrad_cnn import nn


class Refused(NamedTuple):
    """Options that a layer refuses, and the error."""

    options: dict[str, Any]
    message: str
    error: type[Exception] = ValueError


@dataclass(frozen=True, kw_only=True)
class LayerRecord:
    """A layer of the package.

    Parameters
    ----------
    make : class
        The layer.
    examples : tuple of (Layer, tuple of int)
        Layers, each with the shape of an input.
    compute : callable
        ``(layer, params, x) -> y``, what the layer does at inference, written with operations. A layer with
        state has None, and tests of its own.
    shapes : callable
        ``layer -> dict``, the shapes of its parameters.
    torch : callable, optional
        ``(torch.nn, layer) -> module``, PyTorch's counterpart, if it has one that draws no random numbers.
    multiply_adds : tuple of int
        What each example counts for one sample.
    needed : dict
        Arguments without which the layer cannot be made.
    refused : tuple of Refused
        Other arguments that are refused when the layer is made.
    """

    make: Callable[..., nn.Layer]
    examples: tuple[tuple[nn.Layer, tuple[int, ...]], ...]
    compute: Callable[[Any, Any, Any], Any] | None = None
    shapes: Callable[[Any], dict[str, tuple[int, ...]]] = lambda layer: {}
    torch: Callable[[Any, Any], Any] | None = None
    multiply_adds: tuple[int, ...] = ()
    needed: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.make.__name__


def channels_twice(layer):
    return {"weight": (layer.channels,), "bias": (layer.channels,)}


def convolution(layer, params, x):
    return getattr(tg, type(layer).__name__.lower())(
        x, params["weight"], params.get("bias"), stride=layer.stride, padding=layer.padding,
        dilation=layer.dilation, groups=layer.groups, padding_mode=layer.padding_mode,
    )  # fmt: skip


def conv_shapes(axes):
    def shapes(layer):
        kernel = layer.kernel_size if isinstance(layer.kernel_size, tuple) else (layer.kernel_size,) * axes
        weight = (layer.out_channels, layer.in_channels // layer.groups, *kernel)
        return {"weight": weight} | ({"bias": (layer.out_channels,)} if layer.bias else {})

    return shapes


def torch_conv(m, layer):
    return getattr(m, type(layer).__name__)(
        layer.in_channels, layer.out_channels, layer.kernel_size, stride=layer.stride, bias=layer.bias,
        padding=layer.padding, dilation=layer.dilation, groups=layer.groups, padding_mode=layer.padding_mode,
    )  # fmt: skip


def dense(layer, params, x):
    return tg.add(x @ params["weight"], params.get("bias", 0))


def dense_shapes(layer):
    bias = {"bias": (layer.out_features,)} if layer.bias else {}
    return {"weight": (layer.in_features, layer.out_features)} | bias


def pooling(layer, params, x):
    """Call the operation that has the name of the layer."""
    options = dict(vars(layer))
    name = {"Max": "max_pool", "Avg": "avg_pool"}[type(layer).__name__[:3]] + type(layer).__name__[-2:]
    return getattr(tg, name)(x, options.pop("kernel_size"), **options)


def torch_pooling(m, layer):
    return getattr(m, type(layer).__name__)(**vars(layer))


def adaptive(layer, params, x):
    return {nn.AdaptiveAvgPool2d: tg.adaptive_avg_pool2d, nn.AdaptiveMaxPool2d: tg.adaptive_max_pool2d}[
        type(layer)
    ](x, layer.output_size)


def pooling_record(make, shape, *examples, refused=()):
    """Make the record of a pooling of sequences or volumes."""
    return LayerRecord(
        make=make,
        examples=tuple((layer, shape) for layer in examples),
        compute=pooling,
        torch=torch_pooling,
        needed={"kernel_size": 3},
        refused=(
            Refused({"kernel_size": 0}, "kernel_size: expected at least 1, got 0"),
            Refused({"stride": 0}, "stride: expected at least 1, got 0"),
            Refused({"padding": 2}, "padding: expected at most half the kernel"),
            Refused({"ceil_mode": 1}, "ceil_mode: expected True or False, got 1", TypeError),
            *refused,
        ),
    )


def activation(make, compute, torch, *more):
    """Make the record of a layer that has neither parameters nor sizes."""
    examples = ((make(), (2, 5)), *((layer, (2, 5, 3)) for layer in more))
    return LayerRecord(make=make, examples=examples, compute=compute, torch=torch)


EPS_REFUSED = "eps: expected a number not below 0, got"
IMAGES = (2, 3, 6, 5)
VOLUMES = (2, 3, 4, 3, 3)
BLOCK = nn.Sequential(conv=nn.Conv2d(3, 4, 3, padding=1), norm=nn.BatchNorm2d(4))

LAYERS = [
    LayerRecord(
        make=nn.Conv2d,
        examples=(
            (nn.Conv2d(3, 4, 3), IMAGES),
            (
                nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2),
                (2, 4, 7, 6),
            ),
            (nn.Conv2d(3, 4, 3, padding="same", bias=False), IMAGES),
            (nn.Conv2d(3, 4, 3, padding=(1, 2), padding_mode="reflect"), IMAGES),
        ),
        compute=convolution,
        shapes=conv_shapes(2),
        torch=torch_conv,
        multiply_adds=(4 * 3 * 4 * 3 * 9, 4 * 4 * 6 * 2 * 6, 6 * 5 * 4 * 3 * 9, 6 * 7 * 4 * 3 * 9),
        needed={"in_channels": 6, "out_channels": 4, "kernel_size": 3},
        refused=(
            Refused({"in_channels": 0}, "in_channels: expected at least 1, got 0"),
            Refused({"out_channels": -1}, "out_channels: expected at least 1, got -1"),
            Refused({"in_channels": 1.0}, "in_channels: expected integers, got 1.0", TypeError),
            Refused({"groups": 0}, "groups: expected at least 1, got 0"),
            Refused({"groups": 3}, "groups=3 must divide in_channels=6 and out_channels=4"),
            Refused({"in_channels": 4, "out_channels": 6, "groups": 4}, "groups=4 must divide in_channels=4"),
            Refused({"kernel_size": 0}, "kernel_size: expected at least 1, got 0"),
            Refused({"kernel_size": (3, 0)}, "kernel_size: expected at least 1, got 0"),
            Refused({"kernel_size": (3, 3, 3)}, "kernel_size: expected an integer or a pair"),
            Refused(
                {"kernel_size": [3, 3]}, "kernel_size: expected integers or tuples, got the list", TypeError
            ),
            Refused({"stride": 0}, "stride: expected at least 1, got 0"),
            Refused({"padding": -1}, "padding: expected at least 0, got -1"),
            Refused({"padding": "full"}, 'padding: expected "same" or "valid" as a string, got \'full\''),
            Refused({"dilation": (1, 0)}, "dilation: expected at least 1, got 0"),
            Refused({"dilation": 1.5}, "dilation: expected integers, got 1.5", TypeError),
            Refused({"padding_mode": "mirror"}, "padding_mode: expected 'zeros' or 'reflect' or"),
        ),
    ),
    LayerRecord(
        make=nn.Conv1d,
        examples=(
            (nn.Conv1d(3, 4, 3), (2, 3, 7)),
            (nn.Conv1d(4, 6, 2, stride=2, padding=1, dilation=2, groups=2, bias=False), (2, 4, 7)),
            (nn.Conv1d(3, 4, 3, padding=2, padding_mode="circular"), (2, 3, 7)),
        ),
        compute=convolution,
        shapes=conv_shapes(1),
        torch=torch_conv,
        multiply_adds=(5 * 4 * 3 * 3, 4 * 6 * 2 * 2, 9 * 4 * 3 * 3),
        needed={"in_channels": 6, "out_channels": 4, "kernel_size": 3},
        refused=(
            Refused({"in_channels": 0}, "in_channels: expected at least 1, got 0"),
            Refused({"groups": 3}, "groups=3 must divide in_channels=6 and out_channels=4"),
            Refused({"kernel_size": (3, 3)}, "kernel_size: expected integers, got (3, 3)", TypeError),
            Refused(
                {"kernel_size": [3]}, "kernel_size: expected integers or tuples, got the list", TypeError
            ),
            Refused({"stride": 0}, "stride: expected at least 1, got 0"),
            Refused({"padding": -1}, "padding: expected at least 0, got -1"),
            Refused({"padding_mode": 1}, "padding_mode: expected 'zeros' or 'reflect' or"),
        ),
    ),
    LayerRecord(
        make=nn.Conv3d,
        examples=(
            (nn.Conv3d(3, 4, 2), VOLUMES),
            (
                nn.Conv3d(4, 2, (2, 3, 1), (1, 2, 1), (1, 1, 0), (2, 1, 1), groups=2, bias=False),
                (1, 4, 3, 4, 3),
            ),
            (nn.Conv3d(3, 2, 3, padding=1, padding_mode="replicate"), VOLUMES),
        ),
        compute=convolution,
        shapes=conv_shapes(3),
        torch=torch_conv,
        multiply_adds=(3 * 2 * 2 * 4 * 3 * 8, 3 * 2 * 3 * 2 * 2 * 6, 4 * 3 * 3 * 2 * 3 * 27),
        needed={"in_channels": 6, "out_channels": 4, "kernel_size": 3},
        refused=(
            Refused({"groups": 3}, "groups=3 must divide in_channels=6 and out_channels=4"),
            Refused({"kernel_size": (3, 3)}, "kernel_size: expected an integer or a triple (depth, height"),
            Refused({"kernel_size": (0, 3, 3)}, "kernel_size: expected at least 1, got 0"),
            Refused({"kernel_size": (3, 3, 0)}, "kernel_size: expected at least 1, got 0"),
            Refused({"stride": (0, 1, 1)}, "stride: expected at least 1, got 0"),
            Refused({"padding": -1}, "padding: expected at least 0, got -1"),
        ),
    ),
    LayerRecord(
        make=nn.PReLU,
        examples=((nn.PReLU(), (2, 5)), (nn.PReLU(3, 0.5), IMAGES)),
        compute=lambda layer, p, x: tg.prelu(x, p["weight"]),
        shapes=lambda layer: {"weight": (layer.channels,)},
        torch=lambda m, layer: m.PReLU(layer.channels, layer.start),
        refused=(
            Refused({"channels": 0}, "channels: expected at least 1, got 0"),
            Refused({"start": "0"}, "start: expected a finite number", TypeError),
        ),
    ),
    LayerRecord(
        make=nn.InstanceNorm2d,
        examples=((nn.InstanceNorm2d(3), IMAGES), (nn.InstanceNorm2d(3, 0.5, affine=True), IMAGES)),
        compute=lambda layer, p, x: tg.instance_norm(x, p.get("weight"), p.get("bias"), eps=layer.eps),
        shapes=lambda layer: channels_twice(layer) if layer.affine else {},
        torch=lambda m, layer: m.InstanceNorm2d(layer.channels, layer.eps, affine=layer.affine),
        needed={"channels": 3},
        refused=(
            Refused({"channels": 0}, "channels: expected at least 1, got 0"),
            Refused({"eps": -1.0}, f"{EPS_REFUSED} -1.0"),
            Refused({"affine": 1}, "affine: expected True or False, got 1", TypeError),
        ),
    ),
    LayerRecord(
        make=nn.Upsample,
        examples=(
            (nn.Upsample(scale_factor=2), IMAGES),
            (nn.Upsample((4, 9), mode="bilinear", align_corners=True), IMAGES),
        ),
        compute=lambda layer, params, x: tg.interpolate(
            x, layer.size, layer.scale_factor, layer.mode, align_corners=layer.align_corners
        ),
        torch=lambda m, layer: m.Upsample(
            layer.size, layer.scale_factor, layer.mode, align_corners=layer.align_corners or None
        ),
        needed={"scale_factor": 2},
        refused=(
            Refused({"mode": "cubic"}, "mode: expected 'nearest' or 'linear' or"),
            Refused({"size": 2}, "expected size or scale_factor, got size=2 and scale_factor=2"),
            Refused({"scale_factor": None}, "expected size or scale_factor, got size=None"),
            Refused({"scale_factor": None, "size": 0}, "size: expected at least 1, got 0"),
            Refused({"align_corners": 1}, "align_corners: expected True or False, got 1", TypeError),
        ),
    ),
    LayerRecord(
        make=nn.PixelShuffle,
        examples=((nn.PixelShuffle(2), (2, 8, 3, 2)),),
        compute=lambda layer, params, x: tg.pixel_shuffle(x, layer.upscale_factor),
        torch=lambda m, layer: m.PixelShuffle(layer.upscale_factor),
        needed={"upscale_factor": 2},
        refused=(
            Refused({"upscale_factor": 0}, "upscale_factor: expected at least 1, got 0"),
            Refused({"upscale_factor": 2.0}, "upscale_factor: expected integers, got 2.0", TypeError),
        ),
    ),
    LayerRecord(
        make=nn.Dense,
        examples=((nn.Dense(5, 3), (4, 5)), (nn.Dense(5, 3, bias=False), (2, 4, 5))),
        compute=dense,
        shapes=dense_shapes,
        torch=lambda m, layer: m.Linear(layer.in_features, layer.out_features, bias=layer.bias),
        multiply_adds=(5 * 3, 4 * 5 * 3),
        needed={"in_features": 3, "out_features": 2},
        refused=(
            Refused({"in_features": 0}, "in_features: expected at least 1, got 0"),
            Refused({"out_features": True}, "out_features: expected integers, got True", TypeError),
        ),
    ),
    LayerRecord(
        make=nn.BatchNorm2d,
        examples=(
            (nn.BatchNorm2d(3), (4, 3, 5, 2)),
            (nn.BatchNorm2d(2, eps=0.5, momentum=0.3), (2, 2, 1, 1)),
        ),
        shapes=channels_twice,
        torch=lambda m, layer: m.BatchNorm2d(layer.channels, eps=layer.eps, momentum=layer.momentum),
        needed={"channels": 2},
        refused=(
            Refused({"channels": 0}, "channels: expected at least 1, got 0"),
            Refused({"eps": -1.0}, f"{EPS_REFUSED} -1.0"),
            Refused({"momentum": 1.1}, "momentum: expected a number in [0, 1], got 1.1"),
            Refused({"momentum": -0.1}, "momentum: expected a number in [0, 1], got -0.1"),
        ),
    ),
    LayerRecord(
        make=nn.LayerNorm,
        examples=((nn.LayerNorm((3, 4), eps=0.5), (2, 3, 4)), (nn.LayerNorm(4), (2, 3, 4))),
        compute=lambda layer, p, x: tg.layer_norm(x, p["weight"], p["bias"], eps=layer.eps),
        shapes=lambda layer: dict.fromkeys(
            ("weight", "bias"), layer.shape if isinstance(layer.shape, tuple) else (layer.shape,)
        ),
        torch=lambda m, layer: m.LayerNorm(layer.shape, eps=layer.eps),
        needed={"shape": 3},
        refused=(
            Refused({"shape": (3, 0)}, "shape: expected at least 1, got 0"),
            Refused({"shape": ()}, "shape: expected at least 1 size, got ()"),
            Refused({"eps": -1.0}, f"{EPS_REFUSED} -1.0"),
        ),
    ),
    LayerRecord(
        make=nn.GroupNorm,
        examples=((nn.GroupNorm(2, 4, eps=0.5), (2, 4, 3, 2)), (nn.GroupNorm(1, 3), (2, 3, 2, 2))),
        compute=lambda layer, p, x: tg.group_norm(x, layer.groups, p["weight"], p["bias"], eps=layer.eps),
        shapes=channels_twice,
        torch=lambda m, layer: m.GroupNorm(layer.groups, layer.channels, eps=layer.eps),
        needed={"groups": 2, "channels": 4},
        refused=(
            Refused({"groups": 3}, "groups=3 must divide channels=4"),
            Refused({"groups": 0}, "groups: expected at least 1, got 0"),
            Refused({"channels": 2.0}, "channels: expected integers, got 2.0", TypeError),
            Refused({"eps": float("nan")}, f"{EPS_REFUSED} nan"),
        ),
    ),
    LayerRecord(
        make=nn.Dropout,
        examples=((nn.Dropout(0.4), (6, 5)), (nn.Dropout(0.0), (2,))),
        compute=lambda layer, params, x: x,
        refused=(
            Refused({"rate": 1.0}, "rate: expected a number in [0, 1), got 1.0"),
            Refused({"rate": -0.1}, "rate: expected a number in [0, 1), got -0.1"),
        ),
    ),
    LayerRecord(
        make=nn.Dropout2d,
        examples=((nn.Dropout2d(0.4), IMAGES), (nn.Dropout2d(0.0), (2, 1, 1, 1))),
        compute=lambda layer, params, x: x,
        refused=(Refused({"rate": 1.0}, "rate: expected a number in [0, 1), got 1.0"),),
    ),
    activation(nn.ReLU, lambda layer, params, x: tg.relu(x), lambda m, layer: m.ReLU()),
    LayerRecord(
        make=nn.GELU,
        examples=((nn.GELU(), (2, 5)), (nn.GELU("tanh"), (2, 5))),
        compute=lambda layer, params, x: tg.gelu(x, approximate=layer.approximate),
        torch=lambda m, layer: m.GELU(layer.approximate),
        refused=(Refused({"approximate": "erf"}, "approximate: expected 'none' or 'tanh', got 'erf'"),),
    ),
    activation(nn.Sigmoid, lambda layer, params, x: tg.sigmoid(x), lambda m, layer: m.Sigmoid()),
    activation(nn.Tanh, lambda layer, params, x: tg.tanh(x), lambda m, layer: m.Tanh()),
    activation(
        nn.Softmax,
        lambda layer, params, x: tg.softmax(x, layer.axis),
        lambda m, layer: m.Softmax(layer.axis),
        nn.Softmax(axis=1),
    ),
    activation(
        nn.LogSoftmax,
        lambda layer, params, x: tg.log_softmax(x, layer.axis),
        lambda m, layer: m.LogSoftmax(layer.axis),
        nn.LogSoftmax(axis=1),
    ),
    LayerRecord(
        make=nn.MaxPool2d,
        examples=(
            (nn.MaxPool2d(2), IMAGES),
            (nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0), ceil_mode=True), IMAGES),
            (nn.MaxPool2d(2, (1, 2), 1, 2, True), IMAGES),
        ),
        compute=pooling,
        torch=torch_pooling,
        needed={"kernel_size": 3},
        refused=(
            Refused({"kernel_size": 0}, "kernel_size: expected at least 1, got 0"),
            Refused({"stride": 0}, "stride: expected at least 1, got 0"),
            Refused({"padding": 2}, "padding: expected at most half the kernel"),
            Refused({"dilation": 0}, "dilation: expected at least 1, got 0"),
            Refused({"ceil_mode": 1}, "ceil_mode: expected True or False, got 1", TypeError),
        ),
    ),
    LayerRecord(
        make=nn.AvgPool2d,
        examples=((nn.AvgPool2d(2), IMAGES), (nn.AvgPool2d((2, 3), 2, 1, True, False), IMAGES)),
        compute=pooling,
        torch=torch_pooling,
        needed={"kernel_size": 3},
        refused=(
            Refused(
                {"kernel_size": [2, 2]}, "kernel_size: expected integers or tuples, got the list", TypeError
            ),
            Refused({"stride": 0}, "stride: expected at least 1, got 0"),
            Refused({"padding": 2}, "padding: expected at most half the kernel"),
            Refused({"ceil_mode": 1}, "ceil_mode: expected True or False, got 1", TypeError),
        ),
    ),
    pooling_record(
        nn.MaxPool1d, (2, 3, 7), nn.MaxPool1d(2), nn.MaxPool1d(3, 2, 1, 1, True), nn.MaxPool1d(2, dilation=3)
    ),
    pooling_record(nn.AvgPool1d, (2, 3, 7), nn.AvgPool1d(2), nn.AvgPool1d(3, 2, 1, True, False)),
    pooling_record(
        nn.MaxPool3d,
        VOLUMES,
        nn.MaxPool3d(2),
        nn.MaxPool3d((3, 2, 1), (2, 1, 1), (1, 0, 0), (1, 2, 1), True),
        refused=(Refused({"kernel_size": (2, 2)}, "kernel_size: expected an integer or a triple (depth"),),
    ),
    pooling_record(nn.AvgPool3d, VOLUMES, nn.AvgPool3d(2), nn.AvgPool3d((2, 3, 2), 2, 1, True, False)),
    *(
        LayerRecord(
            make=make,
            examples=((make(2), IMAGES), (make((3, 1)), IMAGES)),
            compute=adaptive,
            torch=lambda m, layer: getattr(m, type(layer).__name__)(layer.output_size),
            multiply_adds=counts,
            needed={"output_size": 2},
            refused=(
                Refused({"output_size": 0}, "output_size: expected at least 1, got 0"),
                Refused({"output_size": 1.5}, "output_size: expected integers, got 1.5", TypeError),
            ),
        )
        for make, counts in (
            # a mean over windows is a product with a matrix along the rows, and one along the columns
            (nn.AdaptiveAvgPool2d, (3 * (2 * 6 * 5 + 2 * 5 * 2), 3 * (3 * 6 * 5 + 3 * 5 * 1))),
            (nn.AdaptiveMaxPool2d, ()),
        )
    ),
    LayerRecord(
        make=nn.GlobalAvgPool2d,
        examples=((nn.GlobalAvgPool2d(), IMAGES),),
        compute=lambda layer, params, x: tg.global_avg_pool2d(x),
        torch=lambda m, layer: m.Sequential(m.AdaptiveAvgPool2d(1), m.Flatten()),
    ),
    LayerRecord(
        make=nn.Flatten,
        examples=((nn.Flatten(), (2, 3, 4)), (nn.Flatten(), (0, 3, 4))),
        compute=lambda layer, params, x: tg.reshape(x, (x.shape[0], x[:1].size if len(x) else 12)),
        torch=lambda m, layer: m.Flatten(),
    ),
    LayerRecord(
        make=nn.Lambda,
        needed={"function": tg.tanh},
        examples=((nn.Lambda(tg.tanh), (2, 3)),),
        compute=lambda layer, params, x: tg.tanh(x),
        torch=lambda m, layer: m.Tanh(),
    ),
    LayerRecord(
        make=nn.Sequential,
        examples=(
            (nn.Sequential(BLOCK, tg.relu, nn.Dropout(0.2), flat=nn.Flatten()), IMAGES),
            (nn.Sequential(), (2, 3)),
        ),
        refused=(
            Refused(
                {"wrong": "relu"}, "'wrong': expected a layer or a function of one argument, got", TypeError
            ),
            Refused({"wrong": nn.ReLU}, "'wrong': expected a layer or a function of one argument", TypeError),
            Refused({"wrong": None}, "'wrong': expected a layer or a function of one argument", TypeError),
        ),
    ),
    LayerRecord(
        make=nn.Residual,
        examples=(
            (nn.Residual(BLOCK, nn.Conv2d(3, 4, 1)), IMAGES),
            (nn.Residual(nn.Dropout(0.5)), (4, 3)),
            (nn.Residual(tg.relu, tg.tanh), (4, 3)),
        ),
        needed={"block": BLOCK},
        refused=(
            Refused({"block": nn.ReLU}, "block: expected a layer or a function of one argument", TypeError),
            Refused({"shortcut": 3}, "shortcut: expected a layer or a function of one argument", TypeError),
        ),
    ),
]
