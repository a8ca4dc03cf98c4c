"""Values and gradients agree with PyTorch's, for every operation that PyTorch has.

One record an operation: how to draw a problem, our function, PyTorch's. The data are small multiples of 1/64,
so that they are the same numbers in every dtype, or small integers, so that elements tie.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tinygrad_cnn as tg
from tinygrad_cnn import nn, ops

torch = pytest.importorskip("torch", reason="PyTorch is the peer to compare with (the extra 'peers')")
F = torch.nn.functional

IS_THOROUGH = settings.get_current_profile_name() == "thorough"
TOLERANCE = {np.float64: 1e-9, np.float32: 1e-4}


def examples(default, thorough):
    """Settings for a test by the active profile, which may be hypothesis's own."""
    return settings(
        max_examples=thorough if IS_THOROUGH else default,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The machine is not ours alone, and arrays this small gain nothing from threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Peer(NamedTuple):
    """An operation, and how PyTorch computes the same."""

    name: str
    draw: Callable  # of a Source; returns operands, or (operands, parameters)
    ours: Callable
    theirs: Callable


class Source:
    """Draws: hypothesis chooses sizes and options, a seed that it chooses the numbers."""

    def __init__(self, draw):
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.is_tied = draw(st.booleans())

    def int(self, low, high):
        return self.draw(st.integers(low, high))

    def flag(self):
        return self.draw(st.booleans())

    def one_of(self, *values):
        return self.draw(st.sampled_from(values))

    def shape(self, low=0, high=3, *, smallest=0, largest=4):
        return tuple(self.int(smallest, largest) for _ in range(self.int(low, high)))

    def positions(self, low, high, shape):
        """Integers from ``low`` to below ``high``."""
        return np.array(self.rng.integers(low, high, shape))

    def array(self, shape, low=-3.0, high=3.0):
        """Multiples of 1/64, or integers, between bounds; often not in C order."""
        grain = 1 if self.is_tied and math.floor(high) > math.ceil(low) else 64
        numbers = self.rng.integers(math.ceil(low * grain), math.floor(high * grain), shape, endpoint=True)
        return np.array(numbers / grain, order=self.rng.choice(["C", "F"]))

    def untied(self, shape, low=-3.0, high=3.0):
        """Different multiples of 1/64 (or of 1/1024, where these do not suffice)."""
        size = math.prod(shape)
        grain = 64 if size < (high - low) * 32 else 1024
        found = np.arange(math.ceil(low * grain), math.floor(high * grain) + 1) / grain
        return np.array(self.rng.choice(found, size, replace=False).reshape(shape))

    def broadcastable(self, count=2):
        """Shapes that broadcast together."""
        full = self.shape()
        shapes = []
        for _ in range(count):
            kept = full[self.int(0, len(full)) :]
            shapes.append(tuple(1 if self.int(0, 3) == 0 else n for n in kept))
        return shapes

    def axis(self, ndim):
        return self.int(-ndim, ndim - 1)

    def axes(self, ndim):
        """None, one axis or several; PyTorch takes no empty tuple."""
        if ndim == 0 or self.int(0, 3) == 0:
            return None
        if self.flag():
            return self.axis(ndim)
        return tuple(self.draw(st.lists(st.integers(0, ndim - 1), min_size=1, unique=True)))


# --- how to draw --------------------------------------------------------------------------------------------


def elementwise(low=-3.0, high=3.0, **params):
    """One array of any shape between bounds, with parameters drawn from the values given."""

    def draw(s):
        drawn = {name: s.one_of(*values) for name, values in params.items()}
        return (s.array(s.shape(), low, high),), drawn

    return draw


def pair(low=-3.0, high=3.0):
    return lambda s: tuple(s.array(shape, low, high) for shape in s.broadcastable())


def away_from_zero(s):
    a, b = s.broadcastable()
    return s.array(a), s.array(b, 0.5, 3.0) * s.rng.choice([-1.0, 1.0], b)


def reduction(*, smallest=1, is_untied=False):
    def draw(s):
        x = (s.untied if is_untied else s.array)(s.shape(smallest=smallest))
        return (x,), {"axis": s.axes(x.ndim), "keepdims": s.flag()}

    return draw


def spread_reduction(s):
    (x,), params = reduction(is_untied=True)(s)
    axes = params["axis"]
    count = math.prod(x.shape[a] for a in _tuple(axes, x.ndim))
    return (x,), {**params, "ddof": s.int(0, 1) if count > 1 else 0}


def along_axis(**params):
    def draw(s):
        x = s.array(s.shape(1, smallest=1))
        return (x,), {"axis": s.axis(x.ndim), **{name: s.one_of(*v) for name, v in params.items()}}

    return draw


def _tuple(axis, ndim):
    return tuple(range(ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)


def reduced(function):
    """A PyTorch reduction with NumPy's keywords."""

    def theirs(x, axis, keepdims, **params):
        return (
            function(x, dim=_tuple(axis, x.ndim), keepdim=keepdims, **params)
            if x.ndim
            else function(x, dim=())
        )

    return theirs


def torch_prod(x, axis, keepdims):
    for a in sorted((a % x.ndim for a in _tuple(axis, x.ndim)), reverse=True):
        x = torch.prod(x, dim=a, keepdim=keepdims)
    return x


def torch_moments(function):
    def theirs(x, axis, keepdims, ddof):
        return function(x, dim=_tuple(axis, x.ndim), correction=ddof, keepdim=keepdims)

    return theirs


def draw_clip(s):
    """Bounds that are numbers, or arrays with a gradient of their own."""
    if s.flag():
        return (s.array(s.shape()),), {"a_min": s.one_of(None, -1.0), "a_max": s.one_of(1.0, 2.0)}
    x, low, high = s.broadcastable(3)
    return s.array(x), s.array(low, -3.0, -0.5), s.array(high, 0.5, 3.0)


def torch_clip(x, a_min, a_max):
    if isinstance(a_max, torch.Tensor):  # its own broadcast of a 0-d tensor with one of shape (1,) fails
        x, a_min, a_max = torch.broadcast_tensors(x, a_min, a_max)
    return torch.clamp(x, a_min, a_max)


def draw_where(s):
    condition, a, b = s.broadcastable(3)
    return s.positions(0, 2, condition).astype(bool), s.array(a), s.array(b)


def draw_power(s):
    a, b = s.broadcastable()
    if s.flag():
        return (s.array(a, -2.0, 2.0),), {"exponent": s.one_of(0, 1, 2, 3, 2.0)}
    return (s.array(a, 0.25, 2.0), s.array(b, -2.0, 2.0)), {}


def draw_reshape(s):
    shape = s.shape(smallest=1)
    return (s.array(shape),), {"shape": s.one_of(shape[::-1], (-1,), (1, *shape), (math.prod(shape),))}


def draw_transpose(s):
    x = s.array(s.shape(1))
    return (x,), {"axes": tuple(s.draw(st.permutations(range(x.ndim))))}


def draw_two_axes(first, second):
    def draw(s):
        x = s.array(s.shape(1))
        return (x,), {first: s.axis(x.ndim), second: s.axis(x.ndim)}

    return draw


def draw_broadcast_to(s):
    small, large = s.broadcastable()
    try:
        shape = np.broadcast_shapes(small, large)
        return (s.array(small),), {"shape": (s.int(1, 2), *shape)}
    except ValueError:
        return (s.array(small),), {"shape": small}


def draw_squeeze(s):
    shape = tuple(s.one_of(1, 1, 2) for _ in range(s.int(1, 4)))
    ones = [i for i, n in enumerate(shape) if n == 1]
    return (s.array(shape),), {"axis": s.one_of(*ones) if ones and s.flag() else None}


def draw_expand_dims(s):
    x = s.array(s.shape())
    return (x,), {"axis": s.int(-x.ndim - 1, x.ndim)}


def draw_joined(is_new):
    def draw(s):
        shape = s.shape(0 if is_new else 1)
        axis = s.int(-len(shape) - is_new, len(shape) - 1 + is_new)
        arrays = []
        for _ in range(s.int(1, 3)):
            lengths = list(shape)
            if not is_new:
                lengths[axis] = s.int(0, 3)
            arrays.append(s.array(tuple(lengths)))
        return tuple(arrays), {"axis": axis}

    return draw


def draw_tile(s):
    return (s.array(s.shape()),), {"reps": s.shape(1, 3, smallest=0, largest=2)}


def draw_repeat(s):
    x = s.array(s.shape(1))
    axis = s.axis(x.ndim)
    repeats = s.int(0, 3) if s.flag() else s.positions(0, 3, x.shape[axis])
    return (x,), {"repeats": repeats, "axis": axis}


def draw_pad(s):
    """PyTorch pads the last two of four axes in every mode, each with its own limits."""
    mode = s.one_of("constant", "edge", "reflect", "wrap")
    height, width = s.int(2, 4), s.int(2, 4)
    most = {"constant": (3, 3), "edge": (3, 3), "reflect": (height - 1, width - 1), "wrap": (height, width)}[
        mode
    ]
    widths = ((0, 0), (0, 0), *((s.int(0, n), s.int(0, n)) for n in most))
    return (s.array((s.int(1, 2), s.int(1, 2), height, width)),), {"pad_width": widths, "mode": mode}


def torch_pad(x, pad_width, mode):
    (top, bottom), (left, right) = pad_width[2:]
    names = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}
    return F.pad(x, (left, right, top, bottom), mode=names[mode])


def draw_flip(s):
    x = s.array(s.shape(1))
    return (x,), {"axis": s.one_of(None, s.axis(x.ndim), tuple(range(x.ndim)))}


def draw_roll(s):
    x = s.array(s.shape(1))
    return (x,), {"shift": s.int(-6, 6), "axis": s.one_of(None, s.axis(x.ndim))}


def draw_take(s):
    x = s.array(s.shape(1, smallest=1))
    axis = s.axis(x.ndim)
    return (x, s.positions(0, x.shape[axis], s.shape(0, 2))), {"axis": axis}


def torch_take(x, indices, axis):
    taken = torch.index_select(x, axis, indices.reshape(-1))
    axis %= x.ndim
    return taken.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def draw_getitem(s):
    """Basic and advanced indices; PyTorch has no negative steps."""
    shape = s.shape(1, 3, smallest=1)
    length = s.int(0, 3)
    parts = []
    for n in shape:
        kind = s.int(0, 3)
        if kind == 0:
            parts.append(s.int(-n, n - 1))
        elif kind == 1:
            parts.append(slice(s.one_of(None, 0, 1), s.one_of(None, n, -1), s.one_of(None, 1, 2)))
        elif kind == 2:
            parts.append(s.positions(-n, n, length))
        else:
            parts.append(None)
            parts.append(s.positions(0, 2, n).astype(bool) if s.int(0, 2) == 0 else slice(None))
    if sum(isinstance(part, np.ndarray) for part in parts) > 1:  # a mask might not fit the others
        parts = [slice(None) if isinstance(p, np.ndarray) and p.dtype == bool else p for p in parts]
    if any(isinstance(part, np.ndarray) for part in parts):  # to PyTorch an int is no advanced index
        parts = [slice(None) if isinstance(part, int) else part for part in parts]
    if s.flag():
        parts = [*parts[: s.int(0, len(parts))], Ellipsis]
    return (s.array(shape),), {"key": tuple(parts)}


def torch_getitem(x, key):
    return x[tuple(torch.from_numpy(part) if isinstance(part, np.ndarray) else part for part in key)]


def draw_embedding(s):
    rows = s.int(1, 5)
    return s.array((rows, s.int(1, 3))), s.positions(0, rows, s.shape(0, 2))


def draw_matmul(s):
    m, k, n = (s.int(0, 4) for _ in range(3))
    kind = s.int(0, 3)
    if kind == 0:
        return s.array((k,)), s.array((k,))
    batch_a, batch_b = s.broadcastable()
    if kind == 1:
        return s.array((k,)), s.array((*batch_b, k, n))
    if kind == 2:
        return s.array((*batch_a, m, k)), s.array((k,))
    return s.array((*batch_a, m, k)), s.array((*batch_b, k, n))


def draw_tensordot(s):
    shared = [s.int(1, 3) for _ in range(s.int(0, 2))]
    a = [*(s.int(1, 3) for _ in range(s.int(0, 2))), *shared]
    b = [*shared, *(s.int(1, 3) for _ in range(s.int(0, 2)))]
    if s.flag():
        return (s.array(a), s.array(b)), {"axes": len(shared)}
    order = s.draw(st.permutations(range(len(b))))
    axes = (
        list(range(len(a) - len(shared), len(a))),
        [order.index(i) for i in range(len(shared))],
    )
    return (s.array(a), s.array([b[i] for i in order])), {"axes": axes}


def draw_einsum(s):
    """One to three operands, with sums, diagonals, stretched and implicit indices."""
    lengths = dict(zip("abcd", (s.int(1, 3) for _ in range(4)), strict=True))
    terms = ["".join(s.one_of(*"abcd") for _ in range(s.int(0, 3))) for _ in range(s.int(1, 3))]
    letters = sorted(set("".join(terms)))
    subscripts = ",".join(terms)
    if s.flag():
        subscripts += "->" + "".join(s.draw(st.permutations([c for c in letters if s.flag()])))
    operands = tuple(s.array(tuple(lengths[c] for c in term)) for term in terms)
    return operands, {"subscripts": subscripts}


def draw_conv(dims):
    """Every option; PyTorch's ``"same"`` is for stride 1 alone, uneven padding is a padding of its own."""

    def draw(s):
        groups = s.one_of(1, 1, 2)
        kernel = [s.int(1, 3) for _ in range(dims)]
        stride, dilation = ([s.int(1, n) for _ in range(dims)] for n in (3, 2))
        spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        kind = s.int(0, 3)
        if kind == 0:
            padding, stride = "same", [1] * dims
        elif kind == 1:
            padding = "valid"
        elif kind == 2:
            padding = [s.int(0, 4) for _ in range(dims)]
        else:
            padding = [(s.int(0, 3), s.int(0, 3)) for _ in range(dims)]
        size = [max(1, span + s.int(0, 3)) for span in spans]
        c, o = groups * s.int(1, 2), groups * s.int(1, 2)
        x = s.array((s.int(0, 2), c, *size))
        weight = s.array((o, c // groups, *kernel))
        bias = (s.array((o,)),) if s.flag() else ()
        params = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        if dims == 1:
            params |= {"stride": stride[0], "dilation": dilation[0]}
            params["padding"] = padding if isinstance(padding, str) else padding[0]
        else:
            params |= {"stride": tuple(stride), "dilation": tuple(dilation)}
            params["padding"] = padding if isinstance(padding, str) else tuple(padding)
        return (x, weight, *bias), params

    return draw


def torch_conv(function):
    def theirs(x, weight, bias=None, *, padding, **params):
        if not isinstance(padding, str):
            sides = padding if isinstance(padding, tuple) else (padding,)
            if function is F.conv1d and isinstance(padding, tuple):
                sides = (padding,)
            pairs = [side if isinstance(side, tuple) else (side, side) for side in sides]
            x, padding = F.pad(x, [n for before_after in reversed(pairs) for n in before_after]), 0
        return function(x, weight, bias, padding=padding, **params)

    return theirs


def draw_conv_transpose(s):
    groups = s.one_of(1, 1, 2)
    kernel, stride, dilation = ([s.int(1, n) for _ in range(2)] for n in (3, 3, 2))
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = [s.int(0, (span - 1) // 2) for span in spans]
    extra = [s.int(0, max(a, b) - 1) for a, b in zip(stride, dilation, strict=True)]
    c, o = groups * s.int(1, 2), s.int(1, 2)
    operands = (
        s.array((s.int(0, 2), c, s.int(1, 4), s.int(1, 4))),
        s.array((c, o, *kernel)),
        *((s.array((o * groups,)),) if s.flag() else ()),
    )
    options = {"stride": stride, "padding": padding, "output_padding": extra, "dilation": dilation}
    return operands, {**{k: tuple(v) for k, v in options.items()}, "groups": groups}


def draw_pool(s, *, is_max):
    kernel = (s.int(1, 3), s.int(1, 4))
    dilation = (s.int(1, 2), s.int(1, 2)) if is_max else (1, 1)
    padding = (s.int(0, kernel[0] // 2), s.int(0, kernel[1] // 2))
    size = (max(1, d * (k - 1) + 1 + s.int(0, 3)) for k, d in zip(kernel, dilation, strict=True))
    params = {
        "kernel_size": kernel,
        "stride": s.one_of(None, (1, 2), (2, 1), (3, 2)),
        "padding": padding,
        "ceil_mode": s.flag(),
    }
    params |= {"dilation": dilation} if is_max else {"count_include_pad": s.flag()}
    return (s.array((s.int(1, 2), s.int(1, 2), *size)),), params


def draw_adaptive(s):
    x = s.array((s.int(0, 2), s.int(1, 2), s.int(1, 6), s.int(1, 6)))
    return (x,), {"output_size": (s.int(1, 4), s.int(1, 4))}


def draw_normalisation(s, dims=(2, 4)):
    shape = (s.int(1, 3), *(s.int(1, 4) for _ in range(s.int(*dims) - 1)))
    if shape[0] * math.prod(shape[2:]) == 1:
        shape = (2, *shape[1:])  # PyTorch refuses to normalise a single value
    return s.untied(shape), s.array(shape[1:2]), s.array(shape[1:2])


def draw_layer_norm(s):
    x = s.untied(s.shape(1, 4, smallest=1))
    shape = x.shape[s.int(0, x.ndim - 1) :]
    return x, s.array(shape), s.array(shape)


def draw_group_norm(s):
    groups, each = s.int(1, 3), s.int(1, 2)
    shape = (s.int(1, 2), groups * each, *(s.int(2, 3) for _ in range(s.int(1, 2))))
    return (s.untied(shape), s.array(shape[1:2]), s.array(shape[1:2])), {"groups": groups}


EPS = 0.5  # as an eps: of one sample the variance may be small


def draw_labels(s):
    n, c = s.int(1, 4), s.int(1, 4)
    labels = s.positions(0, c, n)
    params = {"reduction": s.one_of("mean", "sum", "none")}
    if s.flag():
        params["weight"] = s.array((c,), 0.5, 2.0)
    if s.flag():
        params["ignore_index"] = s.one_of(-100, 0)
        if params["reduction"] == "mean" and (labels == params["ignore_index"]).all():
            params["ignore_index"] = -100  # the mean of nothing is NaN
    return (s.array((n, c)), labels), params


def draw_cross_entropy(s):
    (logits, labels), params = draw_labels(s)
    params["label_smoothing"] = s.one_of(0.0, 0.25)
    if s.flag():
        p = s.array(logits.shape, 0.5, 2.0)
        labels = p / p.sum(1, keepdims=True)
        params.pop("ignore_index", None)
        params["targets"] = labels
        return (logits,), params
    return (logits, labels), params


def torch_labels(function):
    def theirs(x, labels=None, *, targets=None, weight=None, ignore_index=None, **params):
        weight = None if weight is None else torch.from_numpy(weight).to(x.dtype)
        if ignore_index is not None:
            params["ignore_index"] = ignore_index
        labels = torch.from_numpy(targets).to(x.dtype) if labels is None else labels
        return function(x, labels, weight=weight, **params)

    return theirs


def draw_regression(s):
    shape = s.shape(smallest=1)
    return (s.array(shape), s.array(shape)), {"reduction": s.one_of("mean", "sum", "none")}


def draw_binary(s):
    shape = s.shape(smallest=1)
    return (s.array(shape, -9.0, 9.0),), {
        "targets": s.array(shape, 0.0, 1.0),
        "reduction": s.one_of("mean", "sum", "none"),
    }


def torch_binary(x, targets, reduction):
    return F.binary_cross_entropy_with_logits(x, torch.from_numpy(targets).to(x.dtype), reduction=reduction)


# --- the records --------------------------------------------------------------------------------------------


def same(name, draw, theirs=None):
    """An operation that PyTorch knows under the same name or the one given."""
    return Peer(name, draw, getattr(ops, name), theirs or getattr(torch, name))


def flat_when_none(function):
    """A PyTorch function along one dimension, for NumPy's ``axis=None``."""
    return lambda x, axis=None, **k: (
        function(x.reshape(-1), 0, **k) if axis is None else function(x, axis, **k)
    )


PEERS = [
    same("abs", elementwise()),
    same("add", pair()),
    same("arctan", elementwise()),
    same("clip", draw_clip, torch_clip),
    same("cos", elementwise()),
    same("cosh", elementwise()),
    same("divide", away_from_zero),
    same("erf", elementwise(-7.0, 7.0), torch.special.erf),
    same("exp", elementwise()),
    same("expm1", elementwise()),
    same("floor", elementwise()),
    same("hypot", away_from_zero),
    same("log", elementwise(0.25)),
    same("log1p", elementwise(-0.75)),
    same("maximum", pair()),
    same("minimum", pair()),
    same("multiply", pair()),
    same("negative", elementwise()),
    same("power", draw_power, torch.pow),
    same("sign", elementwise()),
    same("sin", elementwise()),
    same("sinc", elementwise()),
    same("sinh", elementwise()),
    same("sqrt", elementwise(0.25)),
    same("square", elementwise()),
    same("subtract", pair()),
    same("tanh", elementwise()),
    same("where", draw_where),
    same("sum", reduction(smallest=0), reduced(torch.sum)),
    same("mean", reduction(), reduced(torch.mean)),
    same("var", spread_reduction, torch_moments(torch.var)),
    same("std", lambda s: _at_least_two(spread_reduction(s)), torch_moments(torch.std)),
    same("max", reduction(), reduced(torch.amax)),
    same("min", reduction(), reduced(torch.amin)),
    same("prod", reduction(smallest=0), torch_prod),
    same("logsumexp", reduction(), reduced(torch.logsumexp)),
    same("norm", reduction(smallest=0), reduced(functools.partial(torch.linalg.vector_norm, ord=2))),
    same("cumsum", lambda s: _maybe_flat(s, along_axis()(s)), flat_when_none(torch.cumsum)),
    same("argmax", lambda s: _maybe_flat(s, along_axis()(s)), flat_when_none(torch.argmax)),
    same(
        "sort",
        lambda s: _maybe_flat(s, along_axis()(s)),
        flat_when_none(lambda x, dim: torch.sort(x, dim=dim, stable=True).values),
    ),
    same("astype", elementwise(dtype=[np.float32, np.float64]), lambda x, dtype: x.to(_TORCH[dtype])),
    same("broadcast_to", draw_broadcast_to, lambda x, shape: torch.broadcast_to(x, shape)),
    same("concatenate", draw_joined(False)),
    same("expand_dims", draw_expand_dims, lambda x, axis: torch.unsqueeze(x, axis)),
    same("flip", draw_flip, lambda x, axis: torch.flip(x, _tuple(axis, x.ndim))),
    same("getitem", draw_getitem, torch_getitem),
    same("moveaxis", draw_two_axes("source", "destination")),
    same("pad", draw_pad, torch_pad),
    same("repeat", draw_repeat, lambda x, repeats, axis: torch_repeat(x, repeats, axis)),
    same("reshape", draw_reshape, lambda x, shape: torch.reshape(x, shape)),
    same("roll", draw_roll, lambda x, shift, axis: torch.roll(x, shift, axis)),
    same(
        "squeeze", draw_squeeze, lambda x, axis: torch.squeeze(x) if axis is None else torch.squeeze(x, axis)
    ),
    same("stack", draw_joined(True)),
    same(
        "swapaxes", draw_two_axes("axis1", "axis2"), lambda x, axis1, axis2: torch.swapaxes(x, axis1, axis2)
    ),
    same("take", draw_take, torch_take),
    same("tile", draw_tile, lambda x, reps: torch.tile(x, reps)),
    same("transpose", draw_transpose, lambda x, axes: torch.permute(x, axes)),
    same("embedding", draw_embedding, lambda weight, indices: F.embedding(indices, weight)),
    Peer(
        "one_hot",
        lambda s: ((s.positions(0, 4, s.shape(0, 2, smallest=1)),), {"classes": s.int(4, 6)}),
        ops.one_hot,
        lambda indices, classes: F.one_hot(indices, classes).to(torch.float32),
    ),
    same("einsum", draw_einsum, lambda *xs, subscripts: torch.einsum(subscripts, *xs)),
    same("matmul", draw_matmul),
    same("outer", lambda s: (s.array((s.int(0, 4),)), s.array((s.int(0, 4),)))),
    same("tensordot", draw_tensordot, lambda a, b, axes: torch.tensordot(a, b, dims=axes)),
    same("elu", elementwise(alpha=[0.5, 1.0, 2.0]), lambda x, alpha: F.elu(x, alpha=alpha)),
    same("gelu", elementwise(-7.0, 7.0, approximate=["none", "tanh"]), F.gelu),
    same("leaky_relu", elementwise(negative_slope=[0.01, 0.25]), F.leaky_relu),
    same("log_sigmoid", elementwise(-30.0, 30.0), F.logsigmoid),
    same("log_softmax", along_axis()),
    same("relu", elementwise()),
    same("sigmoid", elementwise(-30.0, 30.0)),
    same("silu", elementwise(-30.0, 30.0), F.silu),
    same("softmax", along_axis()),
    same("softplus", elementwise(-9.0, 9.0), functools.partial(F.softplus, threshold=1e3)),
    same("conv1d", draw_conv(1), torch_conv(F.conv1d)),
    same("conv2d", draw_conv(2), torch_conv(F.conv2d)),
    same("conv_transpose2d", draw_conv_transpose, F.conv_transpose2d),
    same("max_pool2d", functools.partial(draw_pool, is_max=True), F.max_pool2d),
    same("avg_pool2d", functools.partial(draw_pool, is_max=False), F.avg_pool2d),
    same("adaptive_avg_pool2d", draw_adaptive, F.adaptive_avg_pool2d),
    same(
        "global_avg_pool2d",
        lambda s: (s.array((s.int(0, 2), s.int(1, 2), s.int(1, 4), s.int(1, 4))),),
        lambda x: torch.mean(x, (2, 3)),
    ),
    Peer(
        "batch_norm",
        draw_normalisation,
        functools.partial(ops.batch_norm, eps=EPS),
        lambda x, weight, bias: F.batch_norm(x, None, None, weight, bias, training=True, eps=EPS),
    ),
    Peer(
        "layer_norm",
        draw_layer_norm,
        functools.partial(ops.layer_norm, eps=EPS),
        lambda x, weight, bias: F.layer_norm(x, weight.shape, weight, bias, eps=EPS),
    ),
    Peer(
        "group_norm",
        draw_group_norm,
        lambda x, weight, bias, groups: ops.group_norm(x, groups, weight, bias, eps=EPS),
        lambda x, weight, bias, groups: F.group_norm(x, groups, weight, bias, eps=EPS),
    ),
    same("cross_entropy", draw_cross_entropy, torch_labels(F.cross_entropy)),
    same("nll_loss", draw_labels, torch_labels(F.nll_loss)),
    same("mse_loss", draw_regression, F.mse_loss),
    same("binary_cross_entropy_with_logits", draw_binary, torch_binary),
]

WITHOUT_PEER = {"dropout": "draws a mask of its own"}

_TORCH = {np.float32: torch.float32, np.float64: torch.float64}
_OURS = {
    "concatenate": lambda *xs, axis: ops.concatenate(xs, axis),
    "stack": lambda *xs, axis: ops.stack(xs, axis),
    "einsum": lambda *xs, subscripts: ops.einsum(subscripts, *xs),
}
_THEIRS = {
    "concatenate": lambda *xs, axis: torch.cat(xs, axis),
    "stack": lambda *xs, axis: torch.stack(xs, axis),
}
PEERS = [
    peer._replace(ours=_OURS.get(peer.name, peer.ours), theirs=_THEIRS.get(peer.name, peer.theirs))
    for peer in PEERS
]


def _at_least_two(problem):
    """A standard deviation of one value is 0: there PyTorch's gradient is NaN."""
    (x,), params = problem
    count = math.prod(x.shape[a] for a in _tuple(params["axis"], x.ndim))
    if count > 1:
        return problem
    return (np.stack([x, x + 1]),), {**params, "axis": 0}


def _maybe_flat(s, problem):
    operands, params = problem
    return (operands, {**params, "axis": None}) if s.int(0, 3) == 0 else problem


def torch_repeat(x, repeats, axis):
    return torch.repeat_interleave(
        x, repeats if isinstance(repeats, int) else torch.from_numpy(repeats), axis
    )


# --- the tests ----------------------------------------------------------------------------------------------


def is_floating(x):
    return x.dtype.kind == "f"


def check(peer, operands, params, seed):
    """Value and gradients in both dtypes, against PyTorch's in float64."""
    inputs = [torch.tensor(x.copy(), requires_grad=is_floating(x)) for x in operands]
    expected = peer.theirs(*inputs, **params)
    g = np.random.default_rng(seed).integers(-8, 9, tuple(expected.shape)) / 4
    wanted = [x for x in inputs if x.requires_grad]
    gradients = []
    if expected.requires_grad:
        gradients = torch.autograd.grad(expected, wanted, torch.tensor(g, dtype=expected.dtype))
    for dtype, tolerance in TOLERANCE.items():
        close = functools.partial(assert_allclose, rtol=tolerance, atol=tolerance)
        cast = [x.astype(dtype) if is_floating(x) else x for x in operands]
        places = [i for i, x in enumerate(cast) if is_floating(x)]

        def of_floats(*xs, cast=cast, places=places):
            filled = list(cast)
            for place, x in zip(places, xs, strict=True):
                filled[place] = x
            return peer.ours(*filled, **params)

        value, pullback = tg.vjp(of_floats, *(cast[i] for i in places))
        assert np.shape(value) == tuple(expected.shape)
        close(value, expected.detach().numpy())
        if gradients:
            for ours, theirs in zip(pullback(np.asarray(g, np.asarray(value).dtype)), gradients, strict=True):
                assert ours.dtype == dtype
                close(ours, theirs.numpy())


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("peer", PEERS, ids=[peer.name for peer in PEERS])
def test_values_and_gradients_agree(peer):
    @st.composite
    def problems(draw):
        drawn = peer.draw(Source(draw))
        return drawn if isinstance(drawn[-1], dict) else (drawn, {})

    @examples(default=200, thorough=2000)
    @given(problems(), st.integers(0, 2**16))
    def agree(problem, seed):
        check(peer, *problem, seed)

    agree()


def test_every_operation_has_a_peer_or_a_reason():
    assert {peer.name for peer in PEERS} | set(WITHOUT_PEER) == set(ops.__all__)


# --- batch normalisation's statistics -----------------------------------------------------------------------


@examples(default=40, thorough=400)
@given(st.data())
def test_batch_norm_running_statistics_and_inference_agree(data):
    s = Source(data.draw)
    channels, momentum = s.int(1, 3), s.one_of(0.1, 0.5, 1.0)
    layer = nn.BatchNorm2d(channels, momentum=momentum)
    params, state = layer.init(s.rng, dtype=np.float64)
    peer = torch.nn.BatchNorm2d(channels, momentum=momentum, dtype=torch.float64)
    for _ in range(3):
        x = s.array((s.int(2, 3), channels, s.int(1, 3), s.int(1, 3)))
        y, state = layer(params, state, x, train=True)
        assert_allclose(y, peer(torch.from_numpy(x.copy())).detach(), rtol=1e-9, atol=1e-9)
        assert_allclose(state["running_mean"], peer.running_mean, rtol=1e-9, atol=1e-9)
        assert_allclose(state["running_var"], peer.running_var, rtol=1e-9, atol=1e-9)
    peer.eval()
    y, after = layer(params, state, x)
    assert after is state
    assert_allclose(y, peer(torch.from_numpy(x.copy())).detach(), rtol=1e-9, atol=1e-9)


# --- optimizers ---------------------------------------------------------------------------------------------

SMALL = (0.0, 0.01, 0.25)
OPTIMIZERS = {
    "SGD": (tg.optim.SGD, torch.optim.SGD, {"weight_decay": SMALL}),
    "SGD momentum": (tg.optim.SGD, torch.optim.SGD, {"momentum": (0.5, 0.9), "weight_decay": SMALL}),
    "SGD nesterov": (
        tg.optim.SGD,
        torch.optim.SGD,
        {"momentum": (0.5, 0.9), "nesterov": (True,), "weight_decay": SMALL},
    ),
    "Adam": (
        tg.optim.Adam,
        torch.optim.Adam,
        {"betas": ((0.9, 0.999), (0.5, 0.7), (0.0, 0.0)), "eps": (1e-8, 1e-3), "weight_decay": SMALL},
    ),
    "AdamW": (
        tg.optim.AdamW,
        torch.optim.AdamW,
        {"betas": ((0.9, 0.999), (0.5, 0.7)), "eps": (1e-8, 1e-3), "weight_decay": SMALL},
    ),
    "RMSprop": (
        tg.optim.RMSprop,
        torch.optim.RMSprop,
        {"alpha": (0.9, 0.99), "eps": (1e-8, 1e-3), "momentum": (0.0, 0.9), "weight_decay": SMALL},
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_agree_over_50_steps(name):
    ours, theirs, options = OPTIMIZERS[name]
    drawn = st.fixed_dictionaries({key: st.sampled_from(values) for key, values in options.items()})

    @examples(default=12, thorough=200)
    @given(drawn, st.sampled_from([0.001, 0.05]), st.integers(0, 2**16))
    def agree(chosen, lr, seed):
        rng = np.random.default_rng(seed)
        params = {"w": rng.standard_normal((3, 2)), "b": rng.standard_normal(2)}
        tensors = {key: torch.tensor(value, requires_grad=True) for key, value in params.items()}
        optimizer, peer = ours(params, lr, **chosen), theirs(tensors.values(), lr, **chosen)
        for _ in range(50):
            pull = {key: rng.standard_normal(value.shape) for key, value in params.items()}
            # of the parameters too: an error in one step shows in the gradients of those that follow
            optimizer.step({key: params[key] ** 3 + pull[key] for key in params})
            for key, tensor in tensors.items():
                tensor.grad = tensor.detach() ** 3 + torch.from_numpy(pull[key])
            peer.step()
            for key, tensor in tensors.items():
                assert_allclose(params[key], tensor.detach(), rtol=1e-9, atol=1e-9)

    agree()


# --- schedules ----------------------------------------------------------------------------------------------


def torch_rates(make, lr, steps):
    """The rates that a PyTorch scheduler gives for steps 0, 1, ..."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@examples(default=30, thorough=300)
@given(st.sampled_from([0.01, 0.3]), st.integers(1, 9), st.sampled_from([0.1, 0.5]))
def test_the_step_schedule_agrees(lr, every, factor):
    rates = torch_rates(lambda o: torch.optim.lr_scheduler.StepLR(o, every, gamma=factor), lr, 30)
    assert_allclose([tg.optim.Step(lr, every=every, factor=factor)(i) for i in range(30)], rates, rtol=1e-9)


@examples(default=30, thorough=300)
@given(st.sampled_from([0.01, 0.3]), st.integers(1, 40), st.sampled_from([0.0, 0.001]))
def test_the_cosine_schedule_agrees(lr, steps, end):
    rates = torch_rates(
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, steps, eta_min=end), lr, steps + 1
    )
    ours = [tg.optim.Cosine(lr, steps=steps, end=end)(i) for i in range(steps + 1)]
    assert_allclose(ours, rates, rtol=1e-9, atol=1e-12)


@examples(default=30, thorough=300)
@given(
    st.sampled_from([0.01, 0.3]),
    st.integers(10, 60),
    st.sampled_from([0.2, 0.3, 0.5]),
    st.sampled_from([10.0, 25.0]),
    st.sampled_from([1e2, 1e4]),
)
def test_the_one_cycle_schedule_agrees(lr, steps, rise, start, end):
    def make(optimizer):
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, lr, steps, pct_start=rise, div_factor=start, final_div_factor=end, cycle_momentum=False
        )

    rates = torch_rates(make, lr, steps - 1)
    ours = [tg.optim.OneCycle(lr, steps=steps, rise=rise, start=start, end=end)(i) for i in range(steps - 1)]
    assert_allclose(ours, rates, rtol=1e-9, atol=1e-12)


@examples(default=30, thorough=300)
@given(st.sampled_from([0.01, 0.3]), st.integers(1, 9))
def test_the_warm_up_agrees(lr, steps):
    rates = torch_rates(
        lambda o: torch.optim.lr_scheduler.LinearLR(o, start_factor=1 / steps, total_iters=max(steps - 1, 1)),
        lr,
        20,
    )
    ours = [tg.optim.WarmUp(tg.optim.Constant(lr), steps=steps)(i) for i in range(20)]
    assert_allclose(ours, rates, rtol=1e-9)
