"""Bad input to the library: one clear error that names the operand, what was expected and what came."""

import inspect
import re

import numpy as np
import pytest
import records

import tinygrad_cnn as tg
from tinygrad_cnn import Tensor, checks, nn, tree


def zeros(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


X, W, LOGITS = zeros(2, 4, 6, 5), zeros(6, 4, 3, 3), zeros(3, 5)
POOLS = [tg.max_pool2d, tg.avg_pool2d]


def as_tensor(x):
    return Tensor(x, requires_grad=x.dtype.kind == "f")


both_kinds = pytest.mark.parametrize("kind", [np.asarray, as_tensor], ids=["ndarray", "tensor"])


def refuses(error, said):
    """Expect an error whose text is the given one, with "..." for anything in between."""
    return pytest.raises(error, match=re.escape(said).replace(r"\.\.\.", ".*"))


# --- wrong shapes and options of operations ---------------------------------------------------------------


def conv(weight=W, bias=None, x=X, **options):
    return lambda kind: tg.conv2d(kind(x), kind(weight), bias, **options)


def transposed(weight, bias=None, **options):
    return lambda kind: tg.conv_transpose2d(kind(X), weight, bias, **options)


W2, W1 = zeros(4, 2, 3, 3), zeros(4, 2, 1, 1)
CONVOLUTIONS = [
    (conv(x=X[0]), "x must have 4 axes (N, C, H, W), got shape (4, 6, 5)"),
    (conv(zeros(6, 36)), "weight must have 4 axes (O, C / groups, KH, KW), got shape (6, 36)"),
    (conv(zeros(6, 3, 3, 3)), "weight must have ...4 input channels... got weight of shape (6, 3, 3, 3)"),
    (conv(bias=zeros(5)), "bias: expected shape (6,), got (5,)"),
    (conv(bias=zeros(6, 1, 1)), "bias: expected shape (6,), got (6, 1, 1)"),
    (conv(bias=zeros()), "bias: expected shape (6,), got ()"),
    (conv(zeros(6, 4, 0, 3)), "kernel size of weight: expected at least 1, got 0"),
    (conv(zeros(6, 4, 7, 3)), "kernel of size (7, 3) is larger than the padded input (6, 5) (input (6, 5)"),
    (conv(zeros(6, 4, 9, 3), padding=1), "kernel of size (9, 3) is larger than the padded input (8, 7)"),
    (conv(dilation=3), "kernel of size (3, 3) (dilated to (7, 7)) is larger than the padded input (6, 5)"),
    (conv(groups=3), "groups must divide the channels of x, got groups=3 for C=4"),
    (conv(zeros(6, 1, 3, 3), groups=4), "groups must divide the outputs of weight, got groups=4 for O=6"),
    (conv(groups=2), "weight must have C / groups = 2 input channels...groups=2"),
    (conv(groups=0), "groups: expected at least 1, got 0"),
    (conv(stride=0), "stride: expected at least 1, got 0"),
    (conv(stride=(1, 2, 3)), "stride: expected ... a pair ...got (1, 2, 3)"),
    (conv(dilation=-1), "dilation: expected at least 1, got -1"),
    (conv(padding=-1), "padding: expected at least 0, got -1"),
    (conv(padding="full"), "padding: expected ... as a string, got 'full'"),
    (conv(padding=((1, 1), 1)), "padding: expected an integer, (ph, pw) or ...got"),
]
CONVOLUTION_TYPES = [
    (conv(groups=1.0), "groups: expected integers, got 1.0"),
    (conv(stride=1.5), "stride: expected integers, got 1.5"),
    (conv(stride=[1, 2]), "stride: expected integers or tuples, got the list [1, 2]"),
    (conv(padding=True), "padding: expected integers, got True"),
    (conv(padding=[1, 1]), "padding: expected integers or tuples, got the list [1, 1]"),
    (
        conv(W.astype(float)),
        "...one dtype, got: x is float32, weight is float64; cast ... x.astype(np.float64)",
    ),
    (conv(bias=zeros(6, dtype=float)), "...weight is float32, bias is float64"),
]
TRANSPOSED = [
    (transposed(zeros(4, 2, 9)), "expected x (N, C, H, W) and weight ... got (2, 4, 6, 5) and (4, 2, 9)"),
    (transposed(zeros(3, 2, 3, 3)), "weight: expected C = 4 first ... got (3, 2, 3, 3)"),
    (transposed(W2, zeros(3)), "bias: expected shape (2,), got (3,)"),
    (transposed(W2, groups=3), "groups must divide ...groups=3"),
    (transposed(W2, output_padding=1), "output_padding: expected in [0, stride or dilation), got 1"),
    (transposed(W2, output_padding=(0, -1)), "output_padding: expected in ... got (0, -1)"),
    (transposed(W1, padding=(3, 0)), "padding (3, 0) leaves an output of size (0, 5)"),
    (transposed(W1, padding=4), "padding (4, 4) leaves an output of size (-2, -3)"),
    (transposed(W2, stride=0), "stride: expected at least 1, got 0"),
    (transposed(W2, padding="same"), "padding: expected an integer or a pair, got 'same'"),
]


@both_kinds
@pytest.mark.parametrize(
    ("owner", "error", "call", "said"),
    [
        *(("conv2d", ValueError, *row) for row in CONVOLUTIONS),
        *(("conv2d", TypeError, *row) for row in CONVOLUTION_TYPES),
        *(("conv_transpose2d", ValueError, *row) for row in TRANSPOSED),
    ],
)
def test_a_convolution_that_does_not_fit(kind, owner, error, call, said):
    with refuses(error, f"{owner}: {said}"):
        call(kind)


@both_kinds
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(
    ("x", "kernel", "options", "error", "said"),
    [
        (X[0], 2, {}, ValueError, "x must have 4 axes ... got shape (4, 6, 5)"),
        (X, 7, {}, ValueError, "kernel of size (7, 7)...padded input (6, 5)"),
        (X, 0, {}, ValueError, "kernel_size: expected at least 1, got 0"),
        (X, [2, 2], {}, TypeError, "kernel_size: expected integers or tuples, got the list [2, 2]"),
        (
            X,
            2,
            {"padding": 2},
            ValueError,
            "padding: expected at most half the kernel, got ...2... for kernel",
        ),
        (X, 2, {"stride": 0}, ValueError, "stride: expected at least 1, got 0"),
        (X, 2, {"ceil_mode": 1}, TypeError, "ceil_mode: expected True or False, got 1"),
    ],
)
def test_a_pooling_that_does_not_fit(kind, pool, x, kernel, options, error, said):
    with refuses(error, f"{pool.__name__}: {said}"):
        pool(kind(x), kernel, **options)


TWO = (zeros(2), zeros(2))
WRONG_VALUES = [
    (lambda k: tg.batch_norm(k(zeros(4)), W, W), "batch_norm: x: expected shape (N, C, ...), got (4,)"),
    (lambda k: tg.batch_norm(k(X), zeros(3), W), "batch_norm: weight: expected shape (4,), got (3,)"),
    (lambda k: tg.batch_norm(X, zeros(4), k(zeros(1, 4))), "batch_norm: bias: ...(4,), got (1, 4)"),
    (lambda k: tg.group_norm(k(zeros(1, 2, 3)), 0, *TWO), "group_norm: ...multiple of groups=0"),
    (lambda k: tg.group_norm(k(zeros(1, 2, 3)), -1, *TWO), "group_norm: ...multiple of groups=-1"),
    (lambda k: tg.adaptive_avg_pool2d(k(X[:, :, :0]), 1), "adaptive_avg_pool2d: x: ... got (2, 4, 0, 5)"),
    (lambda k: tg.embedding(k(LOGITS), [-1]), "embedding: indices: expected values in 0..2, got -1"),
    (lambda k: tg.swapaxes(k(LOGITS), 0, 2), "swapaxes: axis2: axis 2 is out of bounds"),
    (lambda k: tg.moveaxis(k(LOGITS), 0, 5), "axis 5 is out of bounds"),
    (lambda k: tg.expand_dims(k(LOGITS), 9), "axis 9 is out of bounds"),
]
WRONG_TYPES = [
    (lambda k: tg.batch_norm(k(X), W.astype(float), W), "batch_norm: ...x is float32, weight is float64"),
    (
        lambda k: tg.group_norm(k(zeros(1, 2, 3, dtype=int)), 1, *TWO),
        "group_norm: x: ...floating..., got int64",
    ),
]


@both_kinds
@pytest.mark.parametrize(
    ("error", "call", "said"),
    [
        *((ValueError, *row) for row in WRONG_VALUES),  # NumPy's AxisError is one too
        *((TypeError, *row) for row in WRONG_TYPES),
        (NotImplementedError, lambda k: tg.pad(k(X), 1, mode="mean"), "pad: mode: ...'mean'"),
    ],
)
def test_what_an_operation_cannot_work_with(kind, error, call, said):
    with refuses(error, said):
        call(kind)


@both_kinds
@pytest.mark.parametrize(
    ("call", "note"),
    [
        (lambda x: x @ zeros(4, 4), "matmul(a: float32[3, 5], b: float32[4, 4])"),
        (lambda x: x + zeros(4), "add(a: float32[3, 5], b: float32[4])"),
        (lambda x: tg.reshape(x, (4, 4)), "reshape(x: float32[3, 5], shape: (4, 4))"),
        (lambda x: tg.concatenate([x, W]), "concatenate(xs[0]: float32[3, 5], xs[1]: float32[6, 4, 3, 3])"),
        (lambda x: tg.broadcast_to(x, (3, 4)), "broadcast_to(x: float32[3, 5], shape: (3, 4))"),
        (lambda x: tg.sum(x, axis=2), "sum(x: float32[3, 5], axis: 2)"),
        (lambda x: tg.transpose(x, (0, 1, 2)), "transpose(x: float32[3, 5], axes: (0, 1, 2))"),
        (lambda x: tg.getitem(x, 7), "getitem(x: float32[3, 5], key: 7)"),
    ],
)
def test_where_numpy_says_what_is_wrong_a_note_adds_operation_operands_and_shapes(kind, call, note):
    if kind is np.asarray and note.startswith(("matmul", "add")):
        return  # an operator of ndarrays is NumPy's own
    with pytest.raises((ValueError, IndexError), match=r".") as caught:
        call(kind(LOGITS))
    assert caught.value.__notes__ == [f"in {note}"]


# --- layers -----------------------------------------------------------------------------------------------


@both_kinds
@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(
    ("layer", "x", "said"),
    [
        (nn.Dense(5, 2), zeros(3, 4), "Dense: x: expected shape (..., 5), got (3, 4)"),
        (nn.Dense(5, 2), zeros(), "Dense: x: expected shape (..., 5), got ()"),
        (nn.Conv2d(3, 2, 3), X, "conv2d: weight must have ...got weight of shape (2, 3, 3, 3)"),
        (nn.BatchNorm2d(3), X, "BatchNorm2d: x: expected shape (N, 3, H, W), got (2, 4, 6, 5)"),
        (nn.BatchNorm2d(3), zeros(2, 3), "BatchNorm2d: x: expected shape (N, 3, H, W), got (2, 3)"),
        (nn.Flatten(), zeros(), "Flatten: x: expected shape (N, ...), got ()"),
    ],
)
def test_layers_with_input_of_a_wrong_shape(kind, layer, x, said, train):
    params, state = layer.init(np.random.default_rng(0))
    with refuses(ValueError, said):
        layer(params, state, kind(x), train=train)


@pytest.mark.parametrize("dtype", [np.float64, np.uint8, np.int64])
@pytest.mark.parametrize(
    ("layer", "shape", "owner"),
    [
        (nn.Conv2d(4, 6, 3), X.shape, "conv2d"),
        (nn.Dense(5, 2), (3, 5), "Dense"),
        (nn.BatchNorm2d(4), X.shape, "BatchNorm2d"),
    ],
)
@pytest.mark.parametrize("train", [False, True])
def test_a_layer_with_input_of_another_dtype_than_its_parameters(layer, shape, owner, dtype, train):
    params, state = layer.init(np.random.default_rng(0))
    came = f"x is {np.dtype(dtype).name}, weight is float32... by x.astype(np.float32)"
    with refuses(TypeError, f"{owner}: ...: {came}"):
        layer(params, state, np.ones(shape, dtype), train=train)


@pytest.mark.parametrize("groups", [0, -1, 3, 4])
def test_a_layer_whose_groups_do_not_divide_is_refused_when_it_is_made(groups):
    with refuses(ValueError, f"Conv2d: groups...{groups}"):
        nn.Conv2d(4, 6, 3, groups=groups)


def test_parameters_of_another_model():
    params, state = nn.Sequential(nn.Dense(5, 3)).init(np.random.default_rng(0))
    other = nn.Sequential(nn.Dense(5, 3), nn.Dense(3, 2))
    with pytest.raises(KeyError, match="weight"):
        other(params, state, LOGITS)
    with refuses(ValueError, "trees of different structure, at the root: ...'0'... and ...'1'"):
        tg.tree.copy_into(params, other.init(np.random.default_rng(0))[0])


# --- sizes that no memory holds ----------------------------------------------------------------------------

ONE = zeros(1, 1, 1, 1)
HUGE = 2**41


@pytest.mark.parametrize(
    ("call", "owner_and_option"),
    [
        (lambda: tg.conv2d(ONE, ONE, padding=2**15), "conv2d: padding"),
        (lambda: tg.conv2d(ONE, zeros(1, 1, 3, 3), padding="same", dilation=2**15), "conv2d: padding"),
        (lambda: tg.conv1d(ONE[0], ONE[0], padding=2**30), "conv1d: padding"),
        (lambda: tg.conv_transpose2d(zeros(1, 1, 2, 2), ONE, stride=2**16), "conv_transpose2d: stride"),
        (
            lambda: tg.conv_transpose2d(ONE, zeros(1, 1, 2, 2), dilation=2**16),
            "conv_transpose2d: .*dilation",
        ),
        (lambda: tg.max_pool2d(ONE, (2**20, 5), padding=(2**19, 1)), "max_pool2d: kernel_size"),
        (lambda: tg.avg_pool2d(ONE, 2**12, padding=2**11), "avg_pool2d: kernel_size"),
        (lambda: tg.adaptive_avg_pool2d(ONE, HUGE), "adaptive_avg_pool2d: output_size"),
        (lambda: tg.pad(np.ones(2), HUGE), "pad: pad_width"),
        (lambda: tg.pad(np.ones(2), HUGE, mode="edge"), "pad: pad_width"),
        (lambda: tg.tile(np.ones(2), HUGE), "tile: reps"),
        (lambda: tg.repeat(np.ones(2), HUGE), "repeat: repeats"),
        (lambda: tg.repeat(np.ones(2), np.array([1, HUGE])), "repeat: repeats"),
        (lambda: tg.one_hot([0], HUGE), "one_hot: classes"),
        (lambda: nn.Conv2d(1, 1, 3, padding=2**15), "Conv2d: padding"),
        (lambda: nn.Conv2d(1, 1, 2**21), "Conv2d: weight"),
        (lambda: nn.Conv2d(2**21, 2**21, 1), "Conv2d: weight"),
        (lambda: nn.Dense(2**21, 2**21), "Dense: weight"),
        (lambda: nn.MaxPool2d(2**12), "MaxPool2d: kernel_size"),
        (lambda: nn.LayerNorm((2**21, 2**21)), "LayerNorm: shape"),
        (lambda: nn.BatchNorm2d(HUGE), "BatchNorm2d: channels"),
        (lambda: nn.GroupNorm(1, HUGE), "GroupNorm: channels"),
    ],
)
def test_sizes_that_no_memory_holds_are_refused_before_anything_is_planned(call, owner_and_option):
    with pytest.raises(ValueError, match=f"{owner_and_option}.*: expected .*, got"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: tg.interpolate(zeros(1, 1, 4, 4), size=(4, 4)),
        lambda: tg.adaptive_avg_pool2d(zeros(1, 1, 4, 4), 4),
        lambda: tg.pad(zeros(2), 7),
        lambda: tg.tile(zeros(2), 8),
        lambda: tg.repeat(zeros(2), 8),
        lambda: tg.one_hot([0] * 4, 4),
    ],
)
def test_a_result_that_memory_just_holds_is_not_refused(monkeypatch, call):
    monkeypatch.setattr(checks, "LARGEST_ARRAY", 16)
    assert call().size == 16


# --- wrong dtypes -----------------------------------------------------------------------------------------

WITH_IMAGES = {
    "conv2d: x": lambda x: tg.conv2d(x, W),
    "conv2d: weight": lambda x: tg.conv2d(X, x),
    "max_pool2d: x": lambda x: tg.max_pool2d(x, 2, padding=1),
    "avg_pool2d: x": lambda x: tg.avg_pool2d(x, 2),
}


@pytest.mark.parametrize("wrong", [[[1.0]], 3.0, "x", None])
@pytest.mark.parametrize("name", WITH_IMAGES)
def test_what_is_no_array(name, wrong):
    with refuses(TypeError, f"{name}: expected an array, got {type(wrong).__name__}"):
        WITH_IMAGES[name](wrong)


@pytest.mark.parametrize("wrong", [[[1.0]], 3.0, "x", None])
@pytest.mark.parametrize("layer", [nn.Dense(1, 2), nn.BatchNorm2d(2), nn.LayerNorm(1)])
def test_what_is_no_array_for_a_layer(layer, wrong):
    with refuses(TypeError, f": x: expected an array, got {type(wrong).__name__}"):
        layer(*layer.init(np.random.default_rng(0)), wrong)


@pytest.mark.parametrize("dtype", [object, bool, complex, "U1", "datetime64[s]"])
def test_operands_of_dtypes_that_are_no_real_numbers(dtype):
    x = np.empty(X.shape, dtype)
    calls = [call for name, call in WITH_IMAGES.items() if name.endswith(": x")]
    for call in (*calls, lambda x: tg.batch_norm(x, zeros(4), zeros(4))):
        with pytest.raises(TypeError, match=r"x: expected a (real|floating) dtype, got"):
            call(x)


@pytest.mark.parametrize("wrong", ["x", None, object(), {}, {1}, [[1.0], [1.0, 2.0]], np.array(["x"])])
@pytest.mark.parametrize("number", [1.0, Tensor(1.0, requires_grad=True)], ids=["array", "tensor"])
def test_an_operand_that_is_no_array_of_numbers_is_named(wrong, number):
    came = ".*dtype <U1" if isinstance(wrong, np.ndarray) else re.escape(repr(wrong)[:10])
    for op in (tg.relu, tg.exp, tg.sigmoid, tg.log_sigmoid, tg.gelu):
        with pytest.raises((TypeError, ValueError), match=rf"\w+: x: expected numbers, got {came}") as caught:
            op(wrong)
        assert caught.value.__notes__[0].startswith("in ")
    for op in (tg.add, tg.multiply, tg.maximum):
        with pytest.raises((TypeError, ValueError), match=f"^{op.name}: a: expected numbers, got {came}"):
            op(wrong, number)
        with pytest.raises((TypeError, ValueError), match=f"^{op.name}: b: expected numbers, got {came}"):
            op(number, wrong)


def test_a_result_that_leaves_the_real_numbers_does_not_leave_the_tape_in_silence():
    with refuses(TypeError, "'multiply' gives a result of dtype complex128...the tape is real"):
        tg.grad(lambda x: tg.abs(x * 1j))(2.0)


# --- losses and probabilities -----------------------------------------------------------------------------


@both_kinds
@pytest.mark.parametrize(
    ("targets", "error", "said"),
    [
        ([0, -1, 2], ValueError, "labels: expected values in 0..4, got -1"),
        ([0, 5, 2], ValueError, "labels: expected values in 0..4, got 5"),
        (np.array([0, 255, 2], np.uint8), ValueError, "labels: expected values in 0..4, got 255"),
        ([0, 1], ValueError, "labels: expected shape (3,) for logits (3, 5), got (2,)"),
        (1, ValueError, "labels: expected shape (3,) ...got ()"),
        ([0.0, 1.0, 2.0], TypeError, "labels: expected integers, got float64"),
        ([True, False, True], TypeError, "labels: expected integers, got bool"),
        (["0", "1", "2"], TypeError, "labels: expected integers, got <U1"),
        (np.ones((3, 4)), ValueError, "targets: expected probability rows (3, 5), got (3, 4)"),
        (np.ones((3, 1), int), ValueError, "targets: expected ...(3, 5), got (3, 1)"),
    ],
)
def test_labels_that_do_not_fit(kind, targets, error, said):
    with refuses(error, f"cross_entropy: {said}"):
        tg.cross_entropy(kind(LOGITS), targets)


@both_kinds
@pytest.mark.parametrize(
    ("scores", "targets", "error", "said"),
    [
        (LOGITS, [0, -1, 1], ValueError, "labels: expected values in 0..4, got -1"),
        (LOGITS, [0, 5, 1], ValueError, "labels: expected values in 0..4, got 5"),
        (LOGITS, [0.0, 1.0, 1.0], TypeError, "labels: expected integers, got float64"),
        (LOGITS.astype(int), [0, 1, 1], TypeError, "log_probabilities: expected a floating array, got int64"),
        (zeros(3), [0], ValueError, "log_probabilities: expected shape (N, C, ...), got (3,)"),
    ],
)
def test_labels_that_do_not_fit_log_probabilities(kind, scores, targets, error, said):
    with refuses(error, f"nll_loss: {said}"):
        tg.nll_loss(kind(scores), np.array(targets))


@pytest.mark.parametrize(
    "use",
    [
        lambda y: tg.cross_entropy(y, [0, 1]),
        lambda y: tg.nll_loss(y, [0, 1]),
        lambda y: tg.mse_loss(y, zeros(2, 3)),
        lambda y: tg.binary_cross_entropy_with_logits(y, zeros(2, 3)),
        lambda y: tg.relu(y),
        lambda y: tg.add(y, Tensor(1.0)),
    ],
)
@both_kinds
def test_what_a_layer_returns_is_told_from_its_output(kind, use):
    layer = nn.Dense(2, 3)
    params, state = layer.init(np.random.default_rng(0))
    with pytest.raises((TypeError, ValueError), match=r"write y, state = model\(\.\.\.\)"):
        use(layer(params, state, kind(zeros(2, 2).astype(np.float32))))


@both_kinds
@pytest.mark.parametrize("shape", [(5,), ()])
def test_logits_that_are_no_rows(kind, shape):
    with refuses(ValueError, f"cross_entropy: logits: expected shape (N, C, ...), got {shape}"):
        tg.cross_entropy(kind(zeros(*shape)), np.array([0, 1]))


@pytest.mark.parametrize("loss", [tg.cross_entropy, tg.nll_loss])
def test_a_label_to_ignore_may_be_out_of_range(loss):
    gradient = tg.grad(lambda x: loss(x, np.array([0, -1]), ignore_index=-1))(np.zeros((2, 3)))
    assert not gradient[1].any()
    assert gradient[0].any()


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2, float("nan")])
def test_rates_out_of_range(rate):
    with refuses(ValueError, f"dropout: rate: expected a number in [0, 1), got {rate}"):
        tg.dropout(LOGITS, rate, rng=np.random.default_rng(0))


# --- operands that are no numbers --------------------------------------------------------------------------

# those of the tape, of which astype casts texts as NumPy does; nested lists; and where a text leads
LENIENT = {"astype", "block", "broadcast_to", "einsum"}
REFUSING = [pytest.param(record, id=record.name) for record in records.RECORDS if record.name not in LENIENT]


def operands_of(record, function):
    """Yield the arguments of a call with one array, or list of arrays, left out, and its name and place."""
    drawn = [call for call, _ in records.drawn(record.case, 8)]
    names = inspect.signature(function).parameters
    full = [call for call in drawn if all(np.size(x) for x in tree.leaves(call.operands))]
    operands = (full or drawn)[-1].operands
    options = {name: value for name, value in (full or drawn)[-1].params.items() if name in names}
    for i, operand in enumerate(operands):
        name, parameter = list(names.items())[min(i, len(names) - 1)]
        is_operand = "Operand" in parameter.annotation or "NDArray" in parameter.annotation
        if is_operand and isinstance(operand, np.ndarray | list | tuple):
            may_be_none = parameter.default is None
            yield (
                name,
                may_be_none,
                lambda x, i=i: function(*operands[:i], x, *operands[i + 1 :], **options),
            )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("record", REFUSING)
def test_an_operation_refuses_what_is_no_number_and_names_the_operand(record):
    function = getattr(tg, record.name, None) or getattr(tg.linalg, record.name)
    for name, may_be_none, call in operands_of(record, function):
        for wrong in ("x",) if may_be_none else (None, "x"):
            with pytest.raises(TypeError, match=rf"^{record.name}: .*\b{name}\b"):
                call(wrong)
