"""The package, used as a user would: mypy checks this file strictly, and nothing runs it.

Here are chosen types and typical uses; that every public name has a type is tested beside this file.
An expected error is marked with ``type: ignore``, and mypy complains about a mark that is not needed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import tinygrad_cnn as tg
from tinygrad_cnn import data, debug, insight, linalg, models, nn, optim, plot, testing, train, tree
from tinygrad_cnn import program as program_module

Float64 = NDArray[np.float64]
AnyArray = NDArray[Any]


def results_follow_the_operands(x: Float64, t: tg.Tensor, unknown: Any) -> None:
    assert_type(tg.relu(x), AnyArray)
    assert_type(tg.relu(t), tg.Tensor)
    assert_type(tg.relu(unknown), Any)
    assert_type(tg.relu(1.0), AnyArray)
    assert_type(tg.relu([1.0, 2.0]), AnyArray)
    assert_type(tg.matmul(x, t), tg.Tensor)
    assert_type(tg.matmul(t, x), tg.Tensor)
    assert_type(tg.matmul(x, [1.0, 2.0]), AnyArray)
    assert_type(tg.cross_entropy(t, x), tg.Tensor)
    assert_type(tg.mse_loss(x, t), tg.Tensor)
    assert_type(tg.log_softmax(tg.relu(t) @ x), tg.Tensor)
    tg.relu({"a": x})  # type: ignore[arg-type]
    tg.relu(x, 0)  # type: ignore[call-arg]
    tg.sum(t, keepdim=True)  # type: ignore[call-arg]
    tg.cross_entropy(t, x, reduction="average")  # type: ignore[arg-type]
    tg.no_such_operation(x)  # type: ignore[attr-defined]


def tensors(x: Float64, t: tg.Tensor) -> None:
    leaf = tg.Tensor(x, requires_grad=True, dtype=np.float32)
    for found in (
        t + x,
        x + t,
        2.0 * t,
        t @ x,
        x @ t,
        t**2,
        2**t,
        -t,
        abs(t),
        t[0],
        t[1:, None],
        np.float32(2) * t,
    ):
        assert_type(found, tg.Tensor)
    assert_type(t > 0, NDArray[np.bool_])
    assert_type(t.sum(0).mean().reshape(1, 1).transpose().squeeze().astype(np.float32), tg.Tensor)
    assert_type(t.var(ddof=1) + t.std() + t.max(axis=(0, 1), keepdims=True) - t.min(), tg.Tensor)
    assert_type((t.shape, t.ndim, t.size, t.requires_grad), tuple[tuple[int, ...], int, int, bool])
    assert_type([row for row in t.T.detach()], list[tg.Tensor])  # noqa: C416
    loss = tg.mean(tg.relu(leaf) * x)
    loss.backward(retain_graph=True)
    if leaf.grad is not None:
        assert_type(leaf.grad, AnyArray)
    leaf.grad = None
    assert_type(loss.numpy(), AnyArray)
    print(loss.item(), f"{loss:.3f}", loss.dtype, np.asarray(loss.detach()), int(tg.argmax(x)))
    leaf[0] = 1.0  # type: ignore[index]
    leaf.fill(0.0)  # type: ignore[attr-defined]


def products_and_losses(x: Float64, t: tg.Tensor, labels: NDArray[np.int64]) -> None:
    assert_type(tg.matmul(x, x), AnyArray)
    assert_type(
        tg.outer(t, x) + tg.tensordot(x, t, axes=([0], [1])) + tg.einsum("ij,jk->ik", x, t), tg.Tensor
    )
    assert_type(tg.nll_loss(tg.log_softmax(t), labels, weight=x, ignore_index=0), tg.Tensor)
    assert_type(tg.cross_entropy(t, labels, label_smoothing=0.1, reduction="none"), tg.Tensor)
    assert_type(tg.binary_cross_entropy_with_logits(t, x, reduction="sum"), tg.Tensor)


def options(x: Float64, t: tg.Tensor, weight: tg.Tensor) -> None:
    """Arguments of a form of their own: a bound left open, a choice by name, a list, pairs of pairs."""
    assert_type(
        tg.clip(t, 0.0, None) + tg.clip(t, max=1.0) + tg.where(t > 0, t, 0.0) + tg.power(2.0, t), tg.Tensor
    )
    assert_type(tg.gelu(t, approximate="tanh") + tg.leaky_relu(t, negative_slope=0.1), tg.Tensor)
    assert_type(tg.dropout(t, 0.5, rng=np.random.default_rng(0)), tg.Tensor)
    assert_type(tg.sum(t, (0, 1)) + tg.mean(t, 0, keepdims=True) + tg.norm(t, axis=0), tg.Tensor)
    assert_type(tg.argmax(t, axis=1) + tg.sort(t, axis=None) + tg.var(t, 0, ddof=1), tg.Tensor)
    assert_type(tg.reshape(t, (2, -1)) + tg.take(t, [0, 1], axis=0) + tg.one_hot([1, 0], 3), tg.Tensor)
    assert_type(tg.pad(t, ((0, 0), (1, 1)), mode="reflect") + tg.tile(t, (2, 1)), tg.Tensor)
    assert_type(tg.astype(x, np.float32), AnyArray)
    tg.concatenate([x, t], axis=1).sum()
    tg.conv1d(t, weight, stride=2, padding="same")
    tg.conv2d(t, weight, padding=((1, 1), (0, 1)), dilation=2, groups=1)
    tg.conv_transpose2d(t, weight, stride=(2, 2), output_padding=1)
    tg.max_pool2d(t, 2, stride=1, padding=1, ceil_mode=True)
    tg.avg_pool2d(t, (2, 2), count_include_pad=False)


def one_array(t: tg.Tensor) -> None:
    for found in (
        tg.arccos(t), tg.arccosh(t), tg.arcsin(t), tg.arcsinh(t), tg.arctan(t), tg.arctanh(t),
        tg.cbrt(t), tg.ceil(t), tg.celu(t, alpha=0.5),
        tg.cos(t), tg.cosh(t), tg.deg2rad(t), tg.elu(t, alpha=2.0), tg.erf(t), tg.exp(t), tg.exp2(t),
        tg.expm1(t), tg.floor(t), tg.glu(t, axis=0), tg.hardshrink(t, lambd=1.0), tg.hardsigmoid(t),
        tg.hardswish(t), tg.hardtanh(t, min_val=-2.0, max_val=2.0), tg.log(t), tg.log10(t), tg.log1p(t),
        tg.log2(t), tg.log_sigmoid(t), tg.mish(t), tg.nan_to_num(t), tg.negative(t), tg.rad2deg(t),
        tg.ravel(t), tg.reciprocal(t), tg.relu6(t), tg.round(t, 2), tg.selu(t), tg.sigmoid(t), tg.sign(t),
        tg.silu(t), tg.sinc(t), tg.sinh(t), tg.softmax(t, 0), tg.softplus(t), tg.softshrink(t),
        tg.softsign(t), tg.sqrt(t), tg.square(t), tg.tan(t), tg.tanhshrink(t), tg.threshold(t, 0.0, 1.0),
        tg.trunc(t), tg.dropout2d(t, 0.5, rng=np.random.default_rng(0)),
    ):  # fmt: skip
        assert_type(found, tg.Tensor)


def two_arrays(x: Float64, t: tg.Tensor) -> None:
    for found in (
        tg.add(t, x), tg.arctan2(t, x), tg.copysign(t, x), tg.cross(t, x), tg.divide(t, x), tg.dot(t, x),
        tg.floor_divide(t, x), tg.fmax(t, x), tg.fmin(t, x), tg.fmod(t, x), tg.heaviside(t, 0.5),
        tg.hypot(t, x), tg.inner(t, x), tg.kron(t, x), tg.logaddexp(t, x), tg.logaddexp2(t, x),
        tg.maximum(t, x), tg.minimum(t, x), tg.multiply(t, x), tg.prelu(t, x), tg.remainder(t, x),
        tg.subtract(t, x), tg.vdot(t, x), tg.append(t, x, axis=0),
    ):  # fmt: skip
        assert_type(found, tg.Tensor)
    for loss in (
        tg.binary_cross_entropy(t, x, reduction="sum"), tg.huber_loss(t, x, delta=2.0), tg.kl_div(t, x),
        tg.l1_loss(t, x), tg.smooth_l1_loss(t, x), tg.cosine_similarity(t, x, axis=0),
    ):  # fmt: skip
        assert_type(loss, tg.Tensor)


def along_axes(x: Float64, t: tg.Tensor) -> None:
    for found in (
        tg.logsumexp(t, 0), tg.prod(t, (0, 1)), tg.nanmax(t), tg.nanmean(t, axis=0),
        tg.nanmin(t, keepdims=True), tg.nansum(t), tg.median(t, 0), tg.percentile(t, 50, axis=0),
        tg.quantile(t, 0.5), tg.trapezoid(t, x), tg.cumprod(t, axis=0), tg.cumsum(t), tg.diff(t, n=2),
        tg.argmin(t, axis=0), tg.argsort(t), tg.partition(t, 1), tg.linspace(t, 1.0, 5),
        tg.instance_norm(t), tg.batch_norm(t, eps=0.1), tg.layer_norm(t, x, x), tg.group_norm(t, 2, bias=x),
    ):  # fmt: skip
        assert_type(found, tg.Tensor)
    values, places = tg.topk(t, 2, axis=0)
    print(values, places, tg.gradient(t), tg.select([t > 0], [t], 0.0))


def shapes_and_places(x: Float64, t: tg.Tensor) -> None:
    for found in (
        tg.broadcast_to(t, (2, 3)), tg.diag(t), tg.diagonal(t, 1), tg.trace(t), tg.tril(t), tg.triu(t, 1),
        tg.embedding(t, [1, 0]), tg.expand_dims(t, 0), tg.flip(t, 0), tg.fliplr(t), tg.flipud(t),
        tg.getitem(t, 0), tg.moveaxis(t, 0, 1), tg.put_along_axis(t, [[0]], 1.0, axis=1), tg.repeat(t, 2),
        tg.roll(t, 1), tg.rollaxis(t, 1), tg.rot90(t), tg.scatter_add(t, 0, x), tg.swapaxes(t, 0, 1),
        tg.take_along_axis(t, [[0]]),
    ):  # fmt: skip
        assert_type(found, tg.Tensor)
    for joined in (tg.column_stack([t, x]), tg.dstack([t, x]), tg.hstack([t, x]), tg.vstack([t, x])):
        print(joined, tg.stack([t, x], axis=1), tg.block([[t, x]]))
    parts = [*tg.split(t, 2), *tg.array_split(t, 3, axis=1), *tg.hsplit(t, 2), *tg.vsplit(t, 2)]
    print(tg.atleast_1d(t), tg.atleast_2d(t), tg.atleast_3d(t))
    print(parts, tg.dsplit(t, 2), tg.broadcast_arrays(t, x), tg.meshgrid(t, x))


def images_and_sequences(t: tg.Tensor, weight: tg.Tensor) -> None:
    for found in (
        tg.adaptive_avg_pool2d(t, 2), tg.adaptive_max_pool2d(t, (2, 1)), tg.global_avg_pool2d(t),
        tg.avg_pool1d(t, 2), tg.max_pool1d(t, 2, stride=1), tg.avg_pool3d(t, 2),
        tg.max_pool3d(t, (1, 2, 2)), tg.conv3d(t, weight, padding="same"),
        tg.conv_transpose1d(t, weight, stride=2), tg.conv_transpose3d(t, weight),
        tg.max_unpool1d(t, [[[0]]], 2), tg.max_unpool2d(t, [[[[0]]]], 2),
        tg.max_unpool3d(t, [[[[[0]]]]], 2), tg.interpolate(t, scale_factor=2.0, mode="bilinear"),
        tg.pixel_shuffle(t, 2), tg.pixel_unshuffle(t, 2),
    ):  # fmt: skip
        assert_type(found, tg.Tensor)


def linear_algebra(x: Float64, t: tg.Tensor) -> None:
    for found in (
        linalg.cholesky(t), linalg.det(t), linalg.eigvalsh(t), linalg.inv(t), linalg.matrix_power(t, 2),
        linalg.pinv(t), linalg.solve(t, x), linalg.svdvals(t), linalg.norm(t),
    ):  # fmt: skip
        assert_type(found, tg.Tensor)
    print(linalg.multi_dot([t, x, t]), linalg.eigh(t), linalg.lstsq(t, x), linalg.qr(t), linalg.slogdet(t))
    print(linalg.svd(t, full_matrices=False))


def derivatives(x: Float64) -> None:
    def f(x: Any, *, scale: float = 1.0) -> Any:
        return tg.sum(tg.sin(x) * tg.stop_gradient(x)) * scale

    gradient = tg.grad(f)(x, scale=2.0)
    tg.grad(f)(x, 2.0)  # type: ignore[call-arg]
    tg.jacobian(f)(x, factor=2.0)  # type: ignore[call-arg]
    tg.hessian(f)(x, scale="2")  # type: ignore[arg-type]
    value, gradients = tg.value_and_grad(f)(x)
    assert_type(tg.stop_gradient({"w": x}), dict[str, Float64])
    out, pull = tg.vjp(f, x)
    pull(np.ones(()))
    out, tangent = tg.jvp(f, (x,), (x,))
    print(gradient, value, gradients, out, tangent)
    print(tg.jacobian(f)(x), tg.hessian(f)(x), tg.hvp(f, (x,), (x,)), tg.checkpoint(f)(x))
    tg.tune(threads=2)


@tg.primitive
def cube(x: AnyArray) -> AnyArray:
    return x**3


cube.defvjp(x=lambda g, x: g * 3 * x**2)


@tg.primitive(broadcasts=True)
def scaled(a: Any, b: Any, *, scale: float = 1.0) -> Any:
    return scale * a * b


def primitives(x: Float64) -> None:
    assert_type(cube(x), AnyArray)
    scaled(x, 2.0, scale=3.0)
    scaled(x, 2.0, factor=3.0)  # type: ignore[call-arg]


def trees(params: dict[str, Float64]) -> None:
    leaves, structure = tree.flatten(params)
    assert isinstance(structure, tree.Structure)
    print(tree.paths(params), tree.leaves(params), tree.structure(params), tree.unflatten(structure, leaves))
    doubled = tree.map(lambda x: 2 * x, params)
    tree.copy_into(params, doubled)
    tree.matching_leaves(params, doubled)
    vector, unravel = tree.ravel(params)
    print(unravel(2 * vector))
    tree.register_leaf(Path)
    tree.register(slice, lambda part: ([part.start, part.stop], None), lambda _, ends: slice(*ends))


def layers(x: Float64) -> None:
    assert isinstance(nn.ReLU(), nn.Layer)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding="same", weight_init=nn.init.he_normal),
        nn.BatchNorm2d(8),
        nn.GroupNorm(2, 8),
        nn.Residual(nn.Sequential(nn.GELU(), nn.Sigmoid(), nn.Tanh())),
        nn.MaxPool2d(2),
        nn.AvgPool2d(2, stride=1),
        nn.GlobalAvgPool2d(),
        nn.Flatten(),
        nn.LayerNorm(8),
        nn.Dropout(0.5),
        nn.Dense(8, 3),
        nn.Softmax(),
        nn.LogSoftmax(),
    )
    other: list[nn.Layer] = [
        nn.Conv1d(1, 8, 3, padding=1),
        nn.Conv3d(1, 8, (1, 3, 3), weight_init=nn.init.he_uniform),
        nn.MaxPool1d(2),
        nn.MaxPool3d((1, 2, 2)),
        nn.AvgPool1d(2),
        nn.AvgPool3d(2, count_include_pad=False),
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveMaxPool2d((2, 1)),
        nn.Dropout2d(0.5),
        nn.InstanceNorm2d(8, affine=True),
        nn.PReLU(8),
        nn.PixelShuffle(2),
        nn.Upsample(scale_factor=2),
    ]
    print(other, nn.init.fans((2, 3)), nn.init.xavier_normal, nn.init.xavier_uniform)
    params, state = model.init(np.random.default_rng(0), dtype=np.float32)
    y, state = model(params, state, x, train=True, rng=np.random.default_rng(0))
    loss = tg.cross_entropy(y, np.array([0, 1]))
    loss.backward()
    described = nn.summary(model, (1, 1, 28, 28))
    assert isinstance(described, nn.Summary)
    assert_type(described.rows[0], nn.SummaryRow)


class Doubled(nn.Parameterless):
    def apply(self, x: Any) -> Any:
        return 2 * x


def functions_as_layers(x: Float64) -> None:
    model = nn.Sequential(nn.Lambda(tg.tanh), tg.relu, Doubled())
    print(model({}, {}, x))


def optimizers(params: dict[str, tg.Tensor], grads: dict[str, Float64]) -> None:
    schedules: list[Callable[[int], float]] = [
        optim.Constant(0.1),
        optim.Cosine(0.1, steps=10),
        optim.OneCycle(0.1, steps=10),
        optim.Step(0.1, every=5),
        optim.WarmUp(optim.Constant(0.1), steps=3),
    ]
    optimizers: list[optim.Optimizer] = [
        optim.SGD(params, lr=schedules[0], momentum=0.9, nesterov=True),
        optim.Adam(params, lr=1e-3, betas=(0.9, 0.99)),
        optim.AdamW(params, weight_decay=0.1),
        optim.RMSprop(params, lr=0.1),
        optim.Adagrad(params, lr=0.1),
    ]
    clipped, norm = optim.clip_by_global_norm(grads, 1.0)
    for optimizer in optimizers:
        optimizer.step(clipped)
        optimizer.zero_grad()
        optimizer.lr = 0.5 * optimizer.lr
    assert_type(norm, float)


def training(folder: Path) -> None:
    training_set, test_set = data.digits(100, 10, seed=1)
    assert isinstance(training_set, data.Dataset)
    data.mnist(folder)
    data.fashion_mnist(folder)
    data.read_idx(folder / "images.gz")
    data.kmnist(folder)
    data.cifar10(data.fetch("cifar10", folder))
    parts = data.read("mnist", folder)
    assert isinstance(parts, data.Parts)
    own, names = data.read_folder(folder, (3, 32, 32))
    tables = data.read_csv(folder / "own.csv"), data.read_npz(folder / "own.npz")
    picture = data.scale_picture(data.read_picture(folder / "a.png"), (3, 8, 8))
    print(own, names, tables, data.Crop(4)(picture[None], np.random.default_rng(0)), data.Flip())
    rest, held_out = data.split(parts.train, 0.1, np.random.default_rng(0))
    changed = data.InTurn((data.Shift(2), data.Rotate(10), data.Elastic()))(
        rest.images, np.random.default_rng(0)
    )
    print(data.Normalization.of(changed)(held_out.images), data.prepare_digit(np.zeros((9, 9))))
    model = models.MODELS["baseline"]()
    print(models.baseline(), models.baseline_bn(), models.lenet(), models.resnet8((3, 32, 32), 10))
    params, state = model.init(np.random.default_rng(0))
    trainer = train.Trainer(model, optim.SGD(params, lr=0.1), state, np.random.default_rng(0))
    for images, labels in data.batches(training_set, 10, rng=np.random.default_rng(0)):
        loss, scores = trainer.step(images, labels)
        print(loss, scores["accuracy"])
    try:
        with train.progress_bar(10, "epoch") as advance, train.stop_on_signals(trainer):
            history = trainer.fit(
                training_set,
                epochs=2,
                batch_size=10,
                held_out={"test": test_set},
                on_step=lambda t: advance(1),
            )
        assert isinstance(history, train.History)
        history.write(folder / "rows.csv")
        train.tensorboard(folder)(trainer)
    except train.NonFiniteLossError:
        trainer.restore()
    checkpoints = train.Checkpoints(folder, keep=2)
    checkpoints.save(trainer.checkpoint({"seed": 0}))
    trainer.resume(train.Checkpoint.load(folder / "checkpoint"))
    average = train.MovingAverage(0.99, params)
    average.update(params)
    print(train.confusion_matrix([0], [1], 2), train.score(np.zeros((1, 2)), [1]))
    score = train.evaluate(model, params, state, test_set)
    assert isinstance(score, train.Score)
    assert_type(train.accuracy(np.zeros((1, 2)), np.zeros(1, np.int64)), float)
    train.SavedModel("baseline", model, params, state, data.Normalization.none(1)).save(folder / "model")
    print(train.SavedModel.load(folder / "model").probabilities(test_set.images))
    train.save(folder / "run", {"params": params, "steps": 3}, {"note": "a text"})
    print(train.load(folder / "run"), train.load(folder / "run", like=params))
    assert_type(train.read_metadata(folder / "run"), dict[str, str])


def playing_and_explaining(x: Float64) -> None:
    def f(x: Float64, scale: float) -> Float64:
        return tg.exp(x) * scale

    assert_type(tg.compile(f)(x, 2.0), Float64)
    explanation = tg.explain(f, x, 2.0)
    print(explanation, [(line.text, line.check) for line in explanation.lines])
    program = program_module.trace(f, x, 2.0)
    cost = program.cost()
    assert_type(cost.multiply_adds + cost.bytes_moved + cost.peak_memory, int)
    assert_type(program.source + program.graph("mermaid"), str)
    found = debug.first_nonfinite(f, x, 2.0)
    print(found and found.place)


def proving_an_operation(x: Float64) -> None:
    try:
        testing.check_grads(cube, x)
    except (testing.GradientError, testing.KinkError) as error:
        print(error)
    case = testing.OpCase(
        "cube",
        cube,
        operands=testing.strategies.arrays().map(lambda x: testing.Call((x,), {})),
        errors=(testing.ErrorCase(("text",), TypeError),),
    )
    test = testing.conformance(case)
    print(test)
    faults: list[testing.Fault] = testing.mutate_rules(cube)
    print(faults, testing.survivors(cube, lambda: testing.check_grads(cube, x)))
    points = testing.floats_between(1.0, 2.0, dtype=np.float32)
    found = testing.ulp_errors(cube, lambda x: x**3, points)
    assert_type(found, testing.UlpErrors)


def drawing_operands() -> None:
    drawn = testing.strategies
    drawn.for_all("cube", drawn.calls(drawn.distinct_arrays((2,))), lambda call, seed: print(call, seed))
    print(drawn.shapes(max_dims=2), drawn.indices((2, 3)), drawn.broadcastable(3), drawn.matmul_operands())
    print(drawn.conv2d_problems(bias=False), drawn.pool2d_problems(dilated=True))


def data_of_other_kinds(folder: Path) -> None:
    fetched = data.fetch("kmnist", folder)
    for training_set, test_set in (data.kmnist(fetched), data.cifar10(folder)):
        assert_type((training_set, test_set), tuple[data.Dataset, data.Dataset])
    print(data.read_csv(folder / "table.csv"), data.read_npz(folder / "arrays.npz"), data.read_folder(folder))
    picture = data.scale_picture(data.read_picture(folder / "picture.png"), (3, 32, 32))
    print(picture, data.Crop(4), data.Flip(), data.Parts)
    print(models.lenet((1, 28, 28)), models.resnet8((3, 32, 32), classes=10))
    print(train.MovingAverage(0.9, {"w": np.ones(2)}), train.confusion_matrix([1], [0], 2))
    print(train.tensorboard(folder))


def looking_into_a_network(model: nn.Sequential, params: Any, x: AnyArray, labels: NDArray[np.int64]) -> None:
    def network(pixels: Any) -> Any:
        return model(params, {}, pixels)[0]

    found = insight.outputs(model, params, {}, x)
    assert_type(insight.output_gradients(tg.sum, model, params, {}, x), dict[str, AnyArray])
    rng = np.random.default_rng(0)
    maps = {"gradient": insight.input_gradient(network, x), "smooth": insight.smooth_grad(network, x, rng)}
    cam = insight.grad_cam(model, params, {}, x, labels, layer="relu2")
    changed = insight.fgsm(lambda pixels: tg.cross_entropy(network(pixels), labels), x, 0.1)
    worst = insight.worst_mistakes(network(x), labels)
    losses = insight.losses_between(lambda p: tg.sum(p["w"]), params, params, [0.0, 1.0])
    print(tree.table(params).rows, cam.shape, tree.Table(()))
    plot.saliency(x, maps).savefig("saliency.png")
    for figure in (
        plot.curves(train.History()),
        plot.losses_between([0.0, 1.0], {"test": losses}),
        plot.confusion_matrix(np.eye(2), ["a", "b"]),
        plot.filters(params["conv"]["weight"]),
        plot.feature_maps(x[0], {path: y[0] for path, y in found.items()}),
        plot.mistakes(x[worst], ["1"], ["2"], [0.5]),
        plot.adversarial(x, changed, ["1"], ["2"]),
    ):
        figure.savefig("picture.png")
    plot.filters("weight.png", size=3)  # type: ignore[call-arg]
