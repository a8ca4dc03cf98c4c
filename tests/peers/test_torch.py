"""Values and gradients agree with PyTorch's, for every operation that PyTorch has.

The records say how an operation is called and what PyTorch's function is. Data are small multiples of 1/32,
the same numbers in every dtype, or integers where elements may tie.
"""

import functools

import numpy as np
import pytest
import records
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tinygrad_cnn as tg
from tinygrad_cnn import nn, tree
from tinygrad_cnn.testing import Call, strategies
from tinygrad_cnn.testing.flat import flat_function

torch = pytest.importorskip("torch", reason="PyTorch is the peer to compare with (the extra 'peers')")

TOLERANCE = {np.float64: 1e-9, np.float32: 1e-4}
PEERS = {record.name: record for record in records.RECORDS if record.torch_function(torch)}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Take one thread: the machine is not ours alone, and arrays this small gain nothing from more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def is_floating(x):
    return isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"


def over_floats(function, call):
    """Apply a function to the floating operands of a call."""
    operands = tree.map(lambda x: np.asarray(function(x)) if is_floating(x) else x, call.operands)
    return Call(operands, call.params)


def as_tensor(x, requires_grad=False):
    """Give PyTorch an array of its own in C order, with indices in int64.

    It knows no negative strides, and its gradient to the weight of a batch normalisation is wrong for some
    strides of axes of length 1: version 2.13 gives 1.5 times the sum for x of shape (1, 2, 1, 2) and strides
    of (4, 1, 1, 2) elements.
    """
    if not isinstance(x, np.ndarray | np.generic):
        return x
    own = np.array(x, dtype=np.int64 if x.dtype.kind in "iu" else x.dtype, order="C")
    return torch.tensor(own, requires_grad=requires_grad and is_floating(x))


def by_torch(record, call, g_of):
    """Return PyTorch's value and gradients in float64, and the cotangent that ``g_of`` makes."""
    operands = tree.map(lambda x: as_tensor(x, requires_grad=True), call.operands)
    params = {name: as_tensor(value) for name, value in call.params.items()}
    expected = record.torch_function(torch)(*operands, **params)
    g = g_of(tuple(expected.shape))
    if not expected.requires_grad:
        return expected.numpy(), [], g
    wanted = [x for x in tree.leaves(operands) if isinstance(x, torch.Tensor) and x.requires_grad]
    gradients = torch.autograd.grad(expected, wanted, torch.tensor(g, dtype=expected.dtype))
    return expected.detach().numpy(), [x.numpy() for x in gradients], g


def check(record, call, seed):
    """Compare value and gradients in both dtypes with PyTorch's in float64."""
    rng = np.random.default_rng(seed)
    expected, theirs, g = by_torch(record, call, lambda shape: rng.integers(-8, 9, shape) / 4)
    for dtype, tolerance in TOLERANCE.items():
        close = functools.partial(assert_allclose, rtol=tolerance, atol=tolerance)
        cast = over_floats(lambda x, dtype=dtype: x.astype(dtype), call)
        value = record.case.function(*cast.operands, **cast.params)
        assert np.shape(value) == expected.shape
        close(value, expected)
        if theirs:
            flat = flat_function(record.case.bound(cast), cast.operands, ())
            ours = tg.vjp(flat.call, *flat.leaves)[1]([np.asarray(g, np.asarray(value).dtype)])
            for one, other in zip(ours, theirs, strict=True):
                assert one.dtype == dtype
                close(one, other)


@pytest.mark.filterwarnings(r"ignore:(var|std)\(\). degrees of freedom:UserWarning")  # of nothing
@pytest.mark.parametrize("name", PEERS)
def test_values_and_gradients_agree(name):
    record = PEERS[name]
    source = record.case if record.shared is None else record.shared
    has_options = record.case.params or record.shared is not None
    for call, seed in records.drawn(source, 20 if has_options else 10, thorough=2000):
        check(record, call, seed)
        if record.ties:
            check(record, over_floats(np.round, call), seed)


# --- batch normalization's statistics -----------------------------------------------------------------------


@given(st.data())
def test_batch_norm_running_statistics_and_inference_agree(data):
    channels, momentum = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([0.1, 0.5, 1.0]))
    layer = nn.BatchNorm2d(channels, momentum=momentum)
    params, state = layer.init(np.random.default_rng(0), dtype=np.float64)
    peer = torch.nn.BatchNorm2d(channels, momentum=momentum, dtype=torch.float64)
    for _ in range(3):
        size = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        x = data.draw(strategies.arrays((data.draw(st.integers(2, 3)), channels, *size)))
        y, state = layer(params, state, x, train=True)
        assert_allclose(y, peer(torch.from_numpy(x.copy())).detach(), rtol=1e-9, atol=1e-9)
        assert_allclose(state["running_mean"], peer.running_mean, rtol=1e-9, atol=1e-9)
        assert_allclose(state["running_var"], peer.running_var, rtol=1e-9, atol=1e-9)
    peer.eval()
    y, after = layer(params, state, x)
    assert after is state
    assert_allclose(y, peer(torch.from_numpy(x.copy())).detach(), rtol=1e-9, atol=1e-9)
