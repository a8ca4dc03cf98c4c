"""Normalizations, and the gradients of that of a batch."""

import numpy as np
import references
from hypothesis import strategies as st

from tinygrad_cnn.ops import normalization
from tinygrad_cnn.testing import Call, strategies

from .draws import arrays, distinct_arrays
from .million import IMAGE, ROW, Z
from .record import ByHand, part, record
from .written import ops

eps = st.sampled_from([0.5, 1.0, 2.0**-4])  # of few samples the variance may be small


@st.composite
def batches(draw, *names):
    """Draw operands by name: ``x`` and ``y`` of one shape, ``weight`` and ``bias`` of its channels."""
    filled = draw(strategies.shapes(min_dims=1, max_dims=3, min_side=1, max_side=3))
    shape = (draw(st.integers(0, 3)), *filled)
    drawn = {name: draw(arrays(shape[1:2] if name in ("weight", "bias") else shape)) for name in names}
    drawn["x"] = draw(distinct_arrays(shape))
    return Call(tuple(drawn[name] for name in names), {"eps": draw(eps)})


@st.composite
def samples(draw):
    """Draw samples, and a weight and a bias of their last axes."""
    x = draw(distinct_arrays(strategies.shapes(min_dims=1, min_side=1, max_side=3)))
    shape = x.shape[draw(st.integers(0, x.ndim - 1)) :]
    return Call((x, draw(arrays(shape)), draw(arrays(shape))), {"eps": draw(eps)})


@st.composite
def groups(draw):
    """Draw channels in groups, and a weight and a bias of each."""
    count, each = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    spatial = draw(strategies.shapes(max_dims=2, min_side=1, max_side=3))
    shape = (draw(st.integers(0, 2)), count * each, *spatial)
    x, (weight, bias) = draw(distinct_arrays(shape)), (draw(arrays(shape[1:2])) for _ in range(2))
    return Call((x, count, weight, bias), {"eps": draw(eps)})


def has_two_values(call):
    """Whether a channel has more than one value: PyTorch refuses to normalize a single one."""
    x = call.operands[0]
    return x.ndim > 1 and x.size > x.shape[1]


def batch_norm_in_torch(torch, x, weight, bias, *, eps):
    return torch.nn.functional.batch_norm(x, None, None, weight, bias, training=True, eps=eps)


def layer_norm_in_torch(torch, x, weight, bias, *, eps):
    return torch.nn.functional.layer_norm(x, weight.shape, weight, bias, eps=eps)


def normalize(x, g, axes):
    """Return the normalized array, and the function from a cotangent of it to one of ``x``."""
    m = x - x.mean(axes, keepdims=True)
    r = 1 / np.sqrt((m * m).mean(axes, keepdims=True) + np.float32(1e-5))
    hat = m * r

    def back(h):
        return r * (h - h.mean(axes, keepdims=True) - hat * (h * hat).mean(axes, keepdims=True))

    return hat, back


def layer_norm(x, weight, bias, g):
    hat, back = normalize(x, g, (1,))
    return hat * weight + bias, back(g * weight), (g * hat).sum(0), g.sum(0)


def batch_norm(x, weight, bias, g):
    axes = (0, 2, 3)
    hat, back = normalize(x, g, axes)
    w = weight[:, None, None]
    return hat * w + bias[:, None, None], back(g * w), (g * hat).sum(axes), g.sum(axes)


def group_norm(x, weight, bias, g):
    """Normalize four groups of two channels."""
    grouped = (len(x), 4, 2, *x.shape[2:])
    hat, back = normalize(x.reshape(grouped), g, (2, 3, 4))
    hat, w = hat.reshape(x.shape), weight[:, None, None]
    dx = back((g * w).reshape(grouped)).reshape(x.shape)
    return hat * w + bias[:, None, None], dx, (g * hat).sum((0, 2, 3)), g.sum((0, 2, 3))


@st.composite
def instances(draw):
    """Draw samples, and a weight and a bias of their channels or neither."""
    x = draw(distinct_arrays(strategies.shapes(min_dims=3, max_dims=4, min_side=1, max_side=3)))
    given = st.tuples(*[arrays(x.shape[1:2])] * 2) | st.just((None, None))
    return Call((x, *draw(given)), {"eps": draw(eps)})


def instance_norm(x, weight, bias, g):
    hat, back = normalize(x, g, (2, 3))
    w = weight[:, None, None]
    return hat * w + bias[:, None, None], back(g * w), (g * hat).sum((0, 2, 3)), g.sum((0, 2, 3))


ONES = np.ones(8, np.float32)

RECORDS = [
    record(
        "batch_norm",
        operands=batches("x", "weight", "bias"),
        reference=references.batch_norm,
        torch=batch_norm_in_torch,
        shared=batches("x", "weight", "bias").filter(has_two_values),
        by_hand=[ByHand((IMAGE, ONES, ONES), batch_norm)],
    ),
    part(
        "batch_norm_output",
        normalization._batch_norm,
        operands=batches("x", "weight", "bias"),
        reference=references.batch_norm,
    ),
    part(
        "batch_norm_input",
        normalization.batch_norm_input,
        operands=batches("y", "x", "weight"),
        reference=references.batch_norm_input,
    ),
    part(
        "batch_norm_weight",
        normalization.batch_norm_weight,
        operands=batches("y", "x"),
        reference=references.batch_norm_weight,
    ),
    record(
        "layer_norm",
        operands=samples(),
        reference=references.layer_norm,
        skip={"size 0": "nothing drawn here is empty"},
        torch=layer_norm_in_torch,
        by_hand=[ByHand((Z, ROW, ROW), layer_norm)],
    ),
    record(
        "group_norm",
        operands=groups(),
        reference=references.group_norm,
        torch="nn.functional.group_norm",
        shared=groups().filter(lambda call: call.operands[0].size > call.operands[0].shape[1] * 2),
        by_hand=[
            ByHand((IMAGE, ONES, ONES), group_norm, lambda x, w, b: ops.group_norm(x, 4, w, b)),
        ],
    ),
    record(
        "instance_norm",
        operands=instances(),
        reference=lambda x, weight, bias, eps: references.group_norm(
            x,
            x.shape[1],
            np.ones(x.shape[1]) if weight is None else weight,
            np.zeros(x.shape[1]) if bias is None else bias,
            eps=eps,
        ),
        torch=lambda torch, x, weight, bias, eps: torch.nn.functional.instance_norm(
            x, weight=weight, bias=bias, eps=eps
        ),
        shared=instances().filter(lambda call: np.prod(call.operands[0].shape[2:]) > 1),
        skip={"size 0": "nothing drawn here is empty"},
        by_hand=[ByHand((IMAGE, ONES, ONES), instance_norm)],
    ),
]
