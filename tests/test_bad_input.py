"""Bad input to the library: one clear error that names the operand, what was expected and what came."""

import re

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, nn

X = np.ones((2, 4, 6, 5), np.float32)
WEIGHT = np.ones((6, 4, 3, 3), np.float32)
LOGITS = np.zeros((3, 5), np.float32)


def as_tensor(x):
    return Tensor(x, requires_grad=x.dtype.kind == "f")


both_kinds = pytest.mark.parametrize("kind", [np.asarray, as_tensor], ids=["ndarray", "tensor"])


def zeros(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


# --- wrong shapes ------------------------------------------------------------------------------------------


@both_kinds
@pytest.mark.parametrize(
    ("x", "weight", "bias", "match"),
    [
        (zeros(4, 6, 5), WEIGHT, None, r"conv2d: x must have 4 axes \(N, C, H, W\), got shape \(4, 6, 5\)"),
        (
            X,
            zeros(6, 36),
            None,
            r"conv2d: weight must have 4 axes \(O, C / groups, KH, KW\), got shape \(6, 36\)",
        ),
        (
            X,
            zeros(6, 3, 3, 3),
            None,
            r"conv2d: weight must have .*4 input channels.* got weight of shape \(6, 3, 3, 3\)",
        ),
        (X, WEIGHT, zeros(5), r"conv2d: bias: expected shape \(6,\), got \(5,\)"),
        (X, WEIGHT, zeros(6, 1, 1), r"conv2d: bias: expected shape \(6,\), got \(6, 1, 1\)"),
        (X, WEIGHT, zeros(), r"conv2d: bias: expected shape \(6,\), got \(\)"),
        (X, zeros(6, 4, 0, 3), None, r"conv2d: kernel size of weight must be at least 1, got 0"),
    ],
)
def test_convolution_of_wrong_shapes(kind, x, weight, bias, match):
    with pytest.raises(ValueError, match=match):
        tg.conv2d(kind(x), weight, bias)
    with pytest.raises(ValueError, match=match):
        tg.conv2d(x, kind(weight), bias)


@pytest.mark.parametrize(
    ("weight", "options", "match"),
    [
        (zeros(4, 2, 9), {}, r"expected x \(N, C, H, W\) and weight .* got \(2, 4, 6, 5\) and \(4, 2, 9\)"),
        (zeros(3, 2, 3, 3), {}, r"weight: expected C = 4 first .* got \(3, 2, 3, 3\)"),
        (zeros(4, 2, 3, 3), {"bias": zeros(3)}, r"bias: expected shape \(2,\), got \(3,\)"),
        (zeros(4, 2, 3, 3), {"groups": 3}, "groups must divide .*groups=3"),
        (
            zeros(4, 2, 3, 3),
            {"output_padding": 1},
            r"output_padding: expected in \[0, stride or dilation\), got 1",
        ),
        (zeros(4, 2, 3, 3), {"output_padding": (0, -1)}, r"output_padding: expected in .* got \(0, -1\)"),
        (zeros(4, 2, 1, 1), {"padding": (3, 0)}, r"padding \(3, 0\) leaves an output of size \(0, 5\)"),
        (zeros(4, 2, 1, 1), {"padding": 4}, r"padding \(4, 4\) leaves an output of size \(-2, -3\)"),
        (zeros(4, 2, 3, 3), {"stride": 0}, "stride must be at least 1, got 0"),
        (zeros(4, 2, 3, 3), {"padding": "same"}, "padding: expected an integer or a pair, got 'same'"),
    ],
)
def test_transposed_convolution_that_does_not_fit(weight, options, match):
    with pytest.raises(ValueError, match=f"conv_transpose2d: {match}"):
        tg.conv_transpose2d(X, weight, **options)


@both_kinds
@pytest.mark.parametrize("pool", [tg.max_pool2d, tg.avg_pool2d])
def test_pooling_of_wrong_shapes(kind, pool):
    with pytest.raises(ValueError, match=rf"{pool.__name__}: x must have 4 axes .* got shape \(4, 6, 5\)"):
        pool(kind(X[0]), 2)


@both_kinds
@pytest.mark.parametrize(
    ("layer", "x", "match"),
    [
        (nn.Dense(5, 2), zeros(3, 4), r"Dense: x: expected shape \(\.\.\., 5\), got \(3, 4\)"),
        (nn.Dense(5, 2), zeros(), r"Dense: x: expected shape \(\.\.\., 5\), got \(\)"),
        (nn.Conv2d(3, 2, 3), X, r"conv2d: weight must have .*got weight of shape \(2, 3, 3, 3\)"),
        (nn.BatchNorm2d(3), X, r"BatchNorm2d: x: expected shape \(N, 3, H, W\), got \(2, 4, 6, 5\)"),
        (nn.BatchNorm2d(3), zeros(2, 3), r"BatchNorm2d: x: expected shape \(N, 3, H, W\), got \(2, 3\)"),
        (nn.Flatten(), zeros(), r"Flatten: x: expected shape \(N, \.\.\.\), got \(\)"),
    ],
)
def test_layers_with_input_of_a_wrong_shape(kind, layer, x, match):
    params, state = layer.init(np.random.default_rng(0))
    for train in (False, True):
        with pytest.raises(ValueError, match=match):
            layer(params, state, kind(x), train=train)


@both_kinds
def test_batch_norm_of_wrong_shapes(kind):
    with pytest.raises(ValueError, match=r"batch_norm: x: expected shape \(N, C, \.\.\.\), got \(4,\)"):
        tg.batch_norm(kind(zeros(4)), zeros(4), zeros(4))
    with pytest.raises(ValueError, match=r"batch_norm: weight: expected shape \(4,\), got \(3,\)"):
        tg.batch_norm(kind(X), zeros(3), zeros(4))
    with pytest.raises(ValueError, match=r"batch_norm: bias: expected shape \(4,\), got \(1, 4\)"):
        tg.batch_norm(X, zeros(4), kind(zeros(1, 4)))


@both_kinds
@pytest.mark.parametrize(
    ("call", "note"),
    [
        (lambda x: x @ zeros(4, 4), "in matmul(a: float32[3, 5], b: float32[4, 4])"),
        (lambda x: x + zeros(4), "in add(a: float32[3, 5], b: float32[4])"),
        (lambda x: tg.reshape(x, (4, 4)), "in reshape(x: float32[3, 5], shape: (4, 4))"),
        (lambda x: tg.concatenate([x, zeros(3)]), "in concatenate(xs[0]: float32[3, 5], xs[1]: float32[3])"),
        (lambda x: tg.broadcast_to(x, (3, 4)), "in broadcast_to(x: float32[3, 5], shape: (3, 4))"),
        (lambda x: tg.sum(x, axis=2), "in sum(x: float32[3, 5], axis: 2)"),
        (lambda x: tg.transpose(x, (0, 1, 2)), "in transpose(x: float32[3, 5], axes: (0, 1, 2))"),
    ],
)
def test_where_numpy_says_what_is_wrong_a_note_adds_operation_operands_and_shapes(kind, call, note):
    if kind is np.asarray and note.startswith(("in matmul", "in add")):
        return  # an operator of ndarrays is NumPy's own
    with pytest.raises(ValueError, match=r".") as caught:
        call(kind(LOGITS))
    assert caught.value.__notes__ == [note]


def test_axes_out_of_range():
    with pytest.raises(np.exceptions.AxisError, match="swapaxes: axis 2 is out of bounds"):
        tg.swapaxes(LOGITS, 0, 2)
    with pytest.raises(np.exceptions.AxisError, match="axis 5 is out of bounds"):
        tg.moveaxis(LOGITS, 0, 5)
    with pytest.raises(np.exceptions.AxisError, match="axis 9 is out of bounds"):
        tg.expand_dims(LOGITS, 9)


@both_kinds
def test_an_index_out_of_range(kind):
    with pytest.raises(IndexError, match="index 7 is out of bounds") as caught:
        tg.getitem(kind(LOGITS), 7)
    assert caught.value.__notes__ == ["in getitem(x: float32[3, 5], key: 7)"]


# --- kernels, strides, padding, groups ---------------------------------------------------------------------


@both_kinds
@pytest.mark.parametrize(
    ("weight", "options", "match"),
    [
        (zeros(6, 4, 7, 3), {}, r"\(7, 3\) is larger than the padded input \(6, 5\) \(input \(6, 5\)"),
        (zeros(6, 4, 9, 3), {"padding": 1}, r"\(9, 3\) is larger than the padded input \(8, 7\)"),
        (
            WEIGHT,
            {"dilation": 3},
            r"\(3, 3\) \(dilated to \(7, 7\)\) is larger than the padded input \(6, 5\)",
        ),
    ],
)
def test_a_kernel_larger_than_its_padded_input(kind, weight, options, match):
    with pytest.raises(ValueError, match=f"conv2d: kernel of size {match}"):
        tg.conv2d(kind(X), weight, **options)


@both_kinds
@pytest.mark.parametrize("pool", [tg.max_pool2d, tg.avg_pool2d])
def test_a_pooling_window_larger_than_its_input(kind, pool):
    with pytest.raises(ValueError, match=rf"{pool.__name__}: kernel of size \(7, 7\).*padded input \(6, 5\)"):
        pool(kind(X), 7)


@both_kinds
@pytest.mark.parametrize(
    ("weight", "groups", "error", "match"),
    [
        (
            zeros(6, 4, 3, 3),
            3,
            ValueError,
            r"conv2d: groups must divide the channels of x, got groups=3 for C=4",
        ),
        (
            zeros(6, 1, 3, 3),
            4,
            ValueError,
            r"conv2d: groups must divide the outputs of weight, got groups=4 for O=6",
        ),
        (
            zeros(6, 4, 3, 3),
            2,
            ValueError,
            r"conv2d: weight must have C / groups = 2 input channels.*groups=2",
        ),
        (WEIGHT, 0, ValueError, r"conv2d: groups must be at least 1, got 0"),
        (WEIGHT, 1.0, TypeError, r"conv2d: groups must be made of integers, got 1.0"),
    ],
)
def test_groups_that_do_not_divide(kind, weight, groups, error, match):
    with pytest.raises(error, match=match):
        tg.conv2d(kind(X), weight, groups=groups)


@pytest.mark.parametrize("groups", [0, -1, 3, 4])
def test_a_layer_whose_groups_do_not_divide_is_refused_when_it_is_made(groups):
    with pytest.raises(ValueError, match=rf"Conv2d: groups.*{groups}"):
        nn.Conv2d(4, 6, 3, groups=groups)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"stride": 0}, ValueError, "conv2d: stride must be at least 1, got 0"),
        ({"stride": 1.5}, TypeError, "conv2d: stride must be made of integers, got 1.5"),
        ({"stride": (1, 2, 3)}, ValueError, r"conv2d: stride must be an integer or a pair .*got \(1, 2, 3\)"),
        (
            {"stride": [1, 2]},
            TypeError,
            r"conv2d: stride: expected integers or tuples, got the list \[1, 2\]",
        ),
        ({"dilation": -1}, ValueError, "conv2d: dilation must be at least 1, got -1"),
        ({"padding": -1}, ValueError, "conv2d: padding must be at least 0, got -1"),
        ({"padding": "full"}, ValueError, "conv2d: padding as a string must be .*got 'full'"),
        ({"padding": True}, TypeError, "conv2d: padding must be made of integers, got True"),
        ({"padding": ((1, 1), 1)}, ValueError, r"conv2d: padding must be an integer, \(ph, pw\) or .*got"),
        (
            {"padding": [1, 1]},
            TypeError,
            r"conv2d: padding: expected integers or tuples, got the list \[1, 1\]",
        ),
    ],
)
def test_geometry_that_makes_no_sense(options, error, match):
    with pytest.raises(error, match=match):
        tg.conv2d(X, WEIGHT, **options)


@pytest.mark.parametrize("pool", [tg.max_pool2d, tg.avg_pool2d])
@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
        (
            {"kernel_size": 2, "padding": 2},
            ValueError,
            r"padding must be at most half the kernel, got .*2.* for kernel",
        ),
        ({"kernel_size": 2, "stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ({"kernel_size": 2, "ceil_mode": 1}, TypeError, "ceil_mode must be a bool, got 1"),
        (
            {"kernel_size": [2, 2]},
            TypeError,
            r"kernel_size: expected integers or tuples, got the list \[2, 2\]",
        ),
    ],
)
def test_pooling_geometry_that_makes_no_sense(pool, options, error, match):
    with pytest.raises(error, match=f"{pool.__name__}: {match}"):
        pool(X, **options)


# --- wrong dtypes ------------------------------------------------------------------------------------------


@both_kinds
@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda x: tg.conv2d(x, WEIGHT.astype(float)),
            r"conv2d: .*one dtype, got: x is float32, weight is float64; cast .* x\.astype\(np\.float64\)",
        ),
        (
            lambda x: tg.conv2d(x, WEIGHT, zeros(6, dtype=float)),
            "conv2d: .*weight is float32, bias is float64",
        ),
        (
            lambda x: tg.batch_norm(x, zeros(4, dtype=float), zeros(4)),
            "batch_norm: .*x is float32, weight is float64",
        ),
    ],
)
def test_operands_of_different_dtypes(kind, call, match):
    with pytest.raises(TypeError, match=match):
        call(kind(X))


@pytest.mark.parametrize("dtype", [object, bool, complex, "U1", "datetime64[s]"])
@pytest.mark.parametrize(
    "call",
    [
        lambda x: tg.conv2d(x, WEIGHT),
        lambda x: tg.max_pool2d(x, 2, padding=1),
        lambda x: tg.avg_pool2d(x, 2),
        lambda x: tg.batch_norm(x, zeros(4), zeros(4)),
    ],
)
def test_operands_of_dtypes_that_are_no_real_numbers(call, dtype):
    with pytest.raises(TypeError, match=r"x: expected a (real|floating) dtype, got"):
        call(np.empty(X.shape, dtype))


def test_a_result_that_leaves_the_real_numbers_does_not_leave_the_tape_in_silence():
    with pytest.raises(TypeError, match=r"'multiply' gives a result of dtype complex128.*the tape is real"):
        tg.grad(lambda x: tg.abs(x * 1j))(2.0)


@pytest.mark.parametrize("dtype", [np.float64, np.uint8, np.int64])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.Conv2d(4, 6, 3), X.shape), (nn.Dense(5, 2), (3, 5)), (nn.BatchNorm2d(4), X.shape)],
)
@pytest.mark.parametrize("train", [False, True])
def test_a_layer_with_input_of_another_dtype_than_its_parameters(layer, shape, dtype, train):
    params, state = layer.init(np.random.default_rng(0))
    op = "conv2d" if isinstance(layer, nn.Conv2d) else type(layer).__name__
    match = (
        rf"{op}: expected operands of one dtype, got: x is {np.dtype(dtype).name}, weight is float32"
        r".*; cast one, as in x\.astype\(np\.float32\)"
    )
    with pytest.raises(TypeError, match=match):
        layer(params, state, np.ones(shape, dtype), train=train)


@pytest.mark.parametrize("wrong", [[[1.0]], 3.0, "x", None])
def test_what_is_no_array(wrong):
    for call, name in (
        (lambda: tg.conv2d(wrong, WEIGHT), "conv2d: x"),
        (lambda: tg.conv2d(X, wrong), "conv2d: weight"),
        (lambda: tg.max_pool2d(wrong, 2), "max_pool2d: x"),
        (lambda: tg.avg_pool2d(wrong, 2), "avg_pool2d: x"),
    ):
        with pytest.raises(TypeError, match=f"{name}: expected an array, got {type(wrong).__name__}"):
            call()


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool, np.complex128])
def test_gradients_of_what_is_not_floating(dtype):
    kind = np.dtype(dtype).name
    with pytest.raises(TypeError, match=f"{kind} tensors cannot require gradients: cast to a floating dtype"):
        tg.grad(lambda p: 1.0)({"w": np.ones(2, dtype)})


# --- labels ------------------------------------------------------------------------------------------------


@both_kinds
@pytest.mark.parametrize(
    ("targets", "error", "match"),
    [
        ([0, -1, 2], ValueError, r"cross_entropy: labels: expected values in 0\.\.4, got -1"),
        ([0, 5, 2], ValueError, r"cross_entropy: labels: expected values in 0\.\.4, got 5"),
        (np.array([0, 255, 2], np.uint8), ValueError, r"labels: expected values in 0\.\.4, got 255"),
        ([0, 1], ValueError, r"cross_entropy: labels: expected shape \(3,\) for logits \(3, 5\), got \(2,\)"),
        (1, ValueError, r"cross_entropy: labels: expected shape \(3,\) .*got \(\)"),
        ([0.0, 1.0, 2.0], TypeError, "cross_entropy: labels: expected integers, got float64"),
        ([True, False, True], TypeError, "cross_entropy: labels: expected integers, got bool"),
        (["0", "1", "2"], TypeError, "cross_entropy: labels: expected integers, got <U1"),
        (
            np.ones((3, 4)),
            ValueError,
            r"cross_entropy: targets: expected probability rows \(3, 5\), got \(3, 4\)",
        ),
        (np.ones((3, 1), int), ValueError, r"cross_entropy: targets: expected .*\(3, 5\), got \(3, 1\)"),
    ],
)
def test_labels_that_do_not_fit(kind, targets, error, match):
    with pytest.raises(error, match=match):
        tg.cross_entropy(kind(LOGITS), targets)


@both_kinds
def test_logits_that_are_no_rows(kind):
    for shape in ((5,), (), (2, 3, 5)):
        match = re.escape(f"cross_entropy: logits: expected shape (N, C), got {shape}")
        with pytest.raises(ValueError, match=match):
            tg.cross_entropy(kind(zeros(*shape)), np.array([0, 1]))


# --- probabilities of dropout ------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2, float("nan")])
def test_rates_out_of_range(rate):
    with pytest.raises(ValueError, match=rf"dropout: rate: expected a number in \[0, 1\), got {rate}"):
        tg.dropout(LOGITS, rate, rng=np.random.default_rng(0))


# --- trees -------------------------------------------------------------------------------------------------


def test_parameters_of_another_model():
    params, state = nn.Sequential(nn.Dense(5, 3)).init(np.random.default_rng(0))
    other = nn.Sequential(nn.Dense(5, 3), nn.Dense(3, 2))
    with pytest.raises(KeyError, match="weight"):
        other(params, state, LOGITS)
    with pytest.raises(ValueError, match=r"trees of different structure, at the root: .*'0'.* and .*'1'"):
        tg.tree.copy_into(params, other.init(np.random.default_rng(0))[0])


@pytest.mark.parametrize("loss", [tg.cross_entropy, tg.nll_loss])
def test_labels_out_of_range_or_of_another_dtype(loss):
    scores = np.zeros((2, 3))
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match=rf"labels: expected values in 0\.\.2, got {wrong}"):
            loss(scores, np.array([0, wrong]))
    with pytest.raises(TypeError, match="labels: expected integers, got float64"):
        loss(scores, np.array([0.0, 1.0]))
    ignored = tg.grad(lambda x: loss(x, np.array([0, -1]), ignore_index=-1))(scores)
    assert not ignored[1].any()
    assert ignored[0].any()
    with pytest.raises(ValueError, match=r"embedding: indices: expected values in 0\.\.2, got -1"):
        tg.embedding(np.ones((3, 2)), [-1])


def test_a_mode_of_padding_that_is_not_known_is_an_error_when_called():
    with pytest.raises(NotImplementedError, match=r"pad: mode: .*'mean'"):
        tg.pad(X, 1, mode="mean")


NORMAL = (np.ones(2), np.zeros(2))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda: tg.nll_loss(np.zeros((2, 3), int), np.array([0, 1])),
            TypeError,
            "nll_loss: log_probabilities: expected a floating array, got int64",
        ),
        (
            lambda: tg.nll_loss(np.zeros(3), np.array([0])),
            ValueError,
            r"nll_loss: log_probabilities: expected shape \(N, C\), got \(3,\)",
        ),
        (
            lambda: tg.group_norm(np.ones((1, 2, 3), int), 1, *NORMAL),
            TypeError,
            "group_norm: x: expected a floating dtype, got int64",
        ),
        (lambda: tg.group_norm(np.ones((1, 2, 3)), 0, *NORMAL), ValueError, "multiple of groups=0"),
        (lambda: tg.group_norm(np.ones((1, 2, 3)), -1, *NORMAL), ValueError, "multiple of groups=-1"),
        (
            lambda: tg.adaptive_avg_pool2d(zeros(1, 1, 0, 3), 1),
            ValueError,
            r"adaptive_avg_pool2d: x: expected .* got \(1, 1, 0, 3\)",
        ),
    ],
)
def test_what_an_operation_cannot_work_with(call, error, match):
    with pytest.raises(error, match=match):
        call()
