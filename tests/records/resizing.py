"""Interpolation, and moves between channels and space."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.testing import Call, ErrorCase, strategies

from .draws import arrays
from .million import IMAGE, X
from .record import ByHand, record
from .written import ops

MEANS = {3: "linear", 4: "bilinear", 5: "trilinear"}


@st.composite
def resized(draw):
    """Draw sequences, images and volumes, and a size or a factor for each axis or for all."""
    shape = draw(strategies.shapes(min_dims=3, max_dims=5, min_side=1, max_side=3))
    x = draw(arrays((*shape[:2], *(n + 1 for n in shape[2:])), from_one_seed=True))
    each = st.integers(1, 5) if draw(st.booleans()) else st.sampled_from([0.5, 0.75, 1.5, 2.0])
    values = tuple(draw(each) for _ in shape[2:])
    value = draw(st.sampled_from([values, values[0]]))
    params = {"size" if isinstance(values[0], int) else "scale_factor": value}
    mode = draw(st.sampled_from(["nearest", MEANS[len(shape)]]))
    if mode != "nearest":
        params["align_corners"] = draw(st.booleans())
    return Call((x,), {"mode": mode, **params})


def positions(n, m, step, mode, align_corners):
    """Say where each output stands along an axis."""
    if mode == "nearest":
        return [min(int(i * step), n - 1) for i in range(m)]
    if align_corners:
        return [i * (n - 1) / max(m - 1, 1) for i in range(m)]
    return [min(max((i + 0.5) * step - 0.5, 0), n - 1) for i in range(m)]


def plain_interpolate(x, *, mode, size=None, scale_factor=None, align_corners=False):
    """Interpolate line by line."""
    given = size if scale_factor is None else scale_factor
    given = given if isinstance(given, tuple) else (given,) * (x.ndim - 2)
    for axis, (n, value) in enumerate(zip(x.shape[2:], given, strict=True), 2):
        m, step = (value, n / value) if scale_factor is None else (int(n * value), 1 / value)
        at = positions(n, m, step, mode, align_corners)
        x = np.apply_along_axis(lambda line, at=at: np.interp(at, np.arange(len(line)), line), axis, x)
    return x


def in_torch(torch, x, *, mode, align_corners=None, **options):
    return torch.nn.functional.interpolate(x, mode=mode, align_corners=align_corners, **options)


def doubled(x, g):
    return x.repeat(2, 2).repeat(2, 3), g.reshape(20, 8, 79, 2, 79, 2).sum((3, 5))


@st.composite
def blocks(draw, name, *, shuffled):
    """Draw images whose channels, or whose height and width, blocks divide."""
    *lead, channels, height, width = draw(strategies.shapes(min_dims=3, max_dims=4, max_side=2))
    r = draw(st.integers(1, 2))
    shape = (*lead, channels * r * r, height, width) if shuffled else (*lead, channels, height * r, width * r)
    return Call((draw(arrays(shape)),), {name: r})


def plain_shuffle(x, *, upscale_factor):
    r = upscale_factor
    *lead, channels, height, width = x.shape
    out = np.zeros((*lead, channels // (r * r), height * r, width * r))
    for c, i, j in np.ndindex(channels // (r * r), height * r, width * r):
        out[..., c, i, j] = x[..., c * r * r + i % r * r + j % r, i // r, j // r]
    return out


def plain_unshuffle(x, *, downscale_factor):
    r = downscale_factor
    *lead, channels, height, width = x.shape
    out = np.zeros((*lead, channels * r * r, height // r, width // r))
    for c, i, j in np.ndindex(channels, height, width):
        out[..., c * r * r + i % r * r + j % r, i // r, j // r] = x[..., c, i, j]
    return out


CHANNELS = X.reshape(1, 400, 50, 50)


def shuffle(x, g):
    whole = x.reshape(100, 2, 2, 50, 50).transpose(0, 3, 1, 4, 2).reshape(1, 100, 100, 100)
    return whole, unshuffle(g, None)[0]


def unshuffle(x, g):
    parts = x.reshape(100, 50, 2, 50, 2).transpose(0, 2, 4, 1, 3).reshape(1, 400, 50, 50)
    return parts, None if g is None else shuffle(g, x)[0]


RECORDS = [
    record(
        "interpolate",
        operands=resized(),
        reference=plain_interpolate,
        torch=in_torch,
        skip={"size 0": "there is nothing to interpolate between"},
        errors=[ErrorCase((np.ones((1, 1, 3)),), ValueError, {"size": 2, "mode": "bilinear"})],
        by_hand=[ByHand((IMAGE,), doubled, lambda x: ops.interpolate(x, scale_factor=2))],
    ),
    record(
        "pixel_shuffle",
        operands=blocks("upscale_factor", shuffled=True),
        reference=plain_shuffle,
        linear_in=("x",),
        errors=[
            ErrorCase((np.ones((3, 2, 2)),), ValueError, {"upscale_factor": 2}, says=("pixel_shuffle", "3"))
        ],
        shared=blocks("upscale_factor", shuffled=True).filter(lambda call: call.operands[0].size),
        by_hand=[ByHand((CHANNELS,), shuffle, lambda x: ops.pixel_shuffle(x, 2))],
    ),
    record(
        "pixel_unshuffle",
        operands=blocks("downscale_factor", shuffled=False),
        reference=plain_unshuffle,
        linear_in=("x",),
        shared=blocks("downscale_factor", shuffled=False).filter(lambda call: call.operands[0].size),
        by_hand=[ByHand((X.reshape(1, 100, 100, 100),), unshuffle, lambda x: ops.pixel_unshuffle(x, 2))],
    ),
]
