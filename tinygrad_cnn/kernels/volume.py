"""Convolution of volumes and its two adjoints: sums of two-dimensional ones over the depth of the kernel.

For each offset in the depth, the planes that all windows have there are images. They are convolved as one
large batch, and the results are added. No columns of a whole volume are ever made: beside the operands and
the result, the memory that is needed is one copy of the volume and the planes of one offset.

The depth of the image is stored last, beside the samples: ``(C, H, W, N, D)``. So the planes of an offset are
a strided slice, and those of a result need no copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..checks import integer
from ..types import NDArray
from . import conv
from .geometry import ConvSpec
from .memory import batch_first, batch_last
from .options import Triple, VolumePadding, padding_of_volume, parts_of_triple


class VolumeSpec(NamedTuple):
    """Geometry of one three-dimensional convolution, as those of two; build it with `VolumeSpec.of`."""

    depth: ConvSpec  # of one row (1, D), by kernels (1, KD)
    plane: ConvSpec

    @classmethod
    def of(
        cls,
        x_shape: tuple[int, ...],
        weight_shape: tuple[int, ...],
        *,
        stride: int | Triple = 1,
        padding: int | Triple | VolumePadding | str = 0,
        dilation: int | Triple = 1,
        groups: int = 1,
    ) -> VolumeSpec:
        """Return the geometry of `tinygrad_cnn.conv3d` for these shapes and options."""
        if len(x_shape) != 5 or len(weight_shape) != 5:
            raise ValueError(
                f"expected x (N, C, D, H, W) and weight (O, C / groups, KD, KH, KW), got {x_shape} and "
                f"{weight_shape}"
            )
        if x_shape[1] != weight_shape[1] * integer("groups", groups, 1):
            raise ValueError(
                f"weight: expected C / groups input channels for x {x_shape} and groups={groups}, got "
                f"{weight_shape}"
            )
        step, steps = parts_of_triple("stride", stride)
        gap, gaps = parts_of_triple("dilation", dilation)
        ends, sides = padding_of_volume(padding)
        shapes = [(*shape[:2], *shape[3:]) for shape in (x_shape, weight_shape)]
        rows = [(*shape[:2], 1, shape[2]) for shape in (x_shape, weight_shape)]
        return cls(
            ConvSpec.of(*rows, stride=(1, step), padding=ends, dilation=(1, gap), groups=groups),
            ConvSpec.of(*shapes, stride=steps, padding=sides, dilation=gaps, groups=groups),
        )

    @property
    def output_size(self) -> Triple:
        """Depth, height and width of the output."""
        return (self.depth.output_size[1], *self.plane.output_size)

    @property
    def of_padded(self) -> VolumeSpec:
        """Geometry of the same convolution of an input that has been padded already."""
        return VolumeSpec(self.depth.of_padded, self.plane.of_padded)

    def offsets(self) -> Iterator[slice]:
        """Yield what each offset in the depth of a kernel reads of the padded depth."""
        (_, step), (_, gap) = self.depth.stride, self.depth.dilation
        span = (self.depth.output_size[1] - 1) * step + 1
        for k in range(self.depth.kernel_size[1]):
            yield slice(k * gap, k * gap + span, step)


def forward(
    x: NDArray,  # (N, C, D, H, W)
    weight: NDArray,  # (O, C / groups, KD, KH, KW)
    bias: NDArray | None,  # (O,)
    spec: VolumeSpec,
) -> NDArray:  # (N, O, OD, OH, OW), fresh
    """Return the convolution of `x` by `weight`, plus `bias`."""
    planes = _planes(x, spec)
    total = batch_last(conv.forward(next(planes), weight[:, :, 0], bias, spec.plane))
    for k, images in enumerate(planes, 1):
        total += batch_last(conv.forward(images, weight[:, :, k], None, spec.plane))
    return total.reshape(*total.shape[:3], len(x), spec.output_size[0]).transpose(3, 0, 4, 1, 2)


def input_gradient(
    y: NDArray,  # (N, O, OD, OH, OW)
    weight: NDArray,  # (O, C / groups, KD, KH, KW)
    spec: VolumeSpec,
) -> NDArray:  # (N, C, D, H, W), fresh
    """Return the adjoint of `forward` in `x`; what no window reads gets zero."""
    channels, images = weight.shape[1] * spec.plane.groups, _images(y)
    depth, before = spec.depth.input_size[1], spec.depth.padding[1][0]
    shape = (channels, *spec.plane.input_size, len(y), _padded_depth(spec))
    padded = np.zeros(shape, np.result_type(y, weight))
    for k, offset in enumerate(spec.offsets()):
        part = batch_last(conv.input_gradient(images, weight[:, :, k], spec.plane))
        padded[..., offset] += part.reshape(*shape[:4], y.shape[2])
    return padded[..., before : before + depth].transpose(3, 0, 4, 1, 2)


def weight_gradient(
    x: NDArray,  # (N, C, D, H, W)
    y: NDArray,  # (N, O, OD, OH, OW)
    spec: VolumeSpec,
) -> NDArray:  # (O, C / groups, KD, KH, KW), fresh
    """Return the adjoint of `forward` in `weight`."""
    images = _images(y)
    parts = [conv.weight_gradient(planes, images, spec.plane) for planes in _planes(x, spec)]
    return np.stack(parts, axis=2)


def _planes(x: NDArray, spec: VolumeSpec) -> Iterator[NDArray]:
    """Yield, for each offset in the depth, the planes that it reads, as images (N * OD, C, H, W)."""
    n, channels, depth, *size = x.shape
    before = spec.depth.padding[1][0]
    padded: NDArray = np.zeros((channels, *size, n, _padded_depth(spec)), x.dtype)
    padded[..., before : before + depth] = x.transpose(1, 3, 4, 0, 2)
    for offset in spec.offsets():
        yield _merged(padded[..., offset])


def _padded_depth(spec: VolumeSpec) -> int:
    """Return the depth with its padding; one below 0 at the end leaves planes that no window reads."""
    before, after = spec.depth.padding[1]
    return before + spec.depth.input_size[1] + max(after, 0)


def _images(y: NDArray) -> NDArray:
    """Return volumes (N, C, D, H, W) as images (N * D, C, H, W)."""
    return _merged(y.transpose(1, 3, 4, 0, 2))


def _merged(stored: NDArray) -> NDArray:
    """Return (C, H, W, N, D) as images (N * D, C, H, W)."""
    *lead, n, depth = stored.shape
    return batch_first(np.ascontiguousarray(stored).reshape(*lead, n * depth))
