"""The training loop does what its parts do, and comes back from a loss that is not finite."""

import copy
import pickle
import re

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn, optim, tree
from tinygrad_cnn.models import baseline, baseline_bn
from tinygrad_cnn.program import RecordingError
from tinygrad_cnn.train import (
    Checkpoint,
    History,
    MovingAverage,
    NonFiniteLossError,
    Trainer,
    accuracy,
    evaluate,
)

MODEL = nn.Sequential(conv=nn.Conv2d(1, 2, 3), norm=nn.BatchNorm2d(2), flat=nn.Flatten(), out=nn.Dense(72, 3))


def _images(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 1, 8, 8)).astype(np.float32), rng.integers(0, 3, n)


def _trainer(model=MODEL, seed=0, *, compiles=True, parts=1, **sgd):
    params, state = model.init(np.random.default_rng(seed))
    optimizer, rng = optim.SGD(params, **{"lr": 0.1, **sgd}), np.random.default_rng(seed)
    return Trainer(model, optimizer, state, rng, compiles=compiles, parts=parts)


def _epoch(trainer, dataset, batch_size, **options):
    """Train for one more epoch, and return its row."""
    return trainer.fit(dataset, epochs=trainer.epoch + 1, batch_size=batch_size, **options)[-1]


def _copy(values):
    return tree.map(np.copy, values)


def _same(a, b):
    return all(tree.leaves(tree.map(np.array_equal, a, b)))


def test_a_step_is_value_and_grad_and_the_optimizer():
    trainer = _trainer(momentum=0.9)
    params, state = MODEL.init(np.random.default_rng(0))
    optimizer = optim.SGD(params, lr=0.1, momentum=0.9)

    def loss_fn(params, state, x, labels):
        logits, state = MODEL(params, state, x, train=True)
        return tg.cross_entropy(logits, labels), (logits, state)

    for seed in range(3):
        x, labels = _images(6, seed)
        (loss, (logits, state)), grads = tg.value_and_grad(loss_fn, has_aux=True)(params, state, x, labels)
        optimizer.step(grads)
        assert trainer.step(x, labels) == (loss, {"accuracy": np.mean(logits.argmax(1) == labels)})
        assert _same(trainer.params, params)
        assert _same(trainer.state, state)


@pytest.mark.parametrize("batch_size", [1, 4, 7, 100])
def test_an_epoch_reports_means_over_all_samples(batch_size):
    model = nn.Sequential(nn.Flatten(), nn.Dense(64, 3))
    trainer = _trainer(model, lr=0.0)  # the parameters stay, so the means must be those of an evaluation
    row = _epoch(trainer, _images(14), batch_size, held_out={"same": _images(14), "more": _images(300)})
    for name, n in (("", 14), ("same_", 14), ("more_", 300)):
        score = evaluate(model, trainer.params, trainer.state, _images(n))
        assert row[f"{name}loss"] == pytest.approx(score.loss, rel=1e-6)
        assert row[f"{name}accuracy"] == pytest.approx(score.accuracy)
    assert row["images_per_second"] == pytest.approx(14 / row["seconds"])
    assert (row["epoch"], row["step"], row["lr"]) == (1, -(-14 // batch_size), 0.0)


@pytest.mark.parametrize("make", [baseline, baseline_bn])
def test_the_networks_learn_a_handful_of_images_by_heart(make):
    rng = np.random.default_rng(1)
    dataset = rng.random((20, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, 20)
    trainer = _trainer(make(), lr=0.02, momentum=0.9)
    results = [_epoch(trainer, dataset, 5) for _ in range(30)]
    assert results[-1]["loss"] < 0.1 < 1 < results[0]["loss"]
    assert evaluate(make(), trainer.params, trainer.state, dataset).accuracy == 1


def test_the_generators_decide_everything_and_every_epoch_has_an_order_of_its_own(monkeypatch):
    step, orders = Trainer.step, []

    def noting_step(self, x, labels):
        orders.append(x[:, 0, 0, 0].tolist())
        return step(self, x, labels)

    monkeypatch.setattr(Trainer, "step", noting_step)
    runs = [_trainer(seed=seed) for seed in (3, 3, 4)]
    losses = [[_epoch(trainer, _images(30), 30)["loss"] for _ in range(2)] for trainer in runs]
    assert losses[0] == losses[1] != losses[2]
    assert orders[0] != orders[1]


def test_layers_draw_from_the_trainers_generator():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Dense(64, 3))
    x, labels = _images(8)
    trainer = _trainer(model)
    rng = np.random.default_rng(0)  # in the same state as that of the trainer
    for _ in range(2):
        logits, _ = model(trainer.params, {}, x, train=True, rng=rng)
        assert trainer.step(x, labels)[0] == tg.cross_entropy(logits, labels)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_restores_what_gave_the_last_finite_one(poison):
    trainer = _trainer(momentum=0.9)
    for seed in range(3):
        good_params, good_state = _copy(trainer.params), _copy(trainer.state)
        trainer.step(*_images(6, seed))
    x, labels = _images(6)
    x[2, 0, 4, 4] = poison
    leaves = tree.leaves(trainer.params)
    with pytest.raises(
        NonFiniteLossError, match=r"became nan at step 3 .*rate 0\.1\): .*sample 2 of the batch"
    ):
        trainer.step(x, labels)
    assert _same(trainer.params, good_params)
    assert _same(trainer.state, good_state)
    assert all(a is b for a, b in zip(leaves, tree.leaves(trainer.optimizer.params), strict=True))


def test_a_trainer_whose_first_loss_is_not_finite_goes_on_from_the_initial_parameters():
    trainer = _trainer()
    with pytest.raises(NonFiniteLossError):
        trainer.step(np.full((2, 1, 8, 8), np.nan, np.float32), np.array([0, 1]))
    params, state = MODEL.init(np.random.default_rng(0))
    assert _same(trainer.params, params)
    assert _same(trainer.state, state)
    results = [_epoch(trainer, _images(12), 4)["loss"] for _ in range(20)]
    assert results[-1] < results[0] / 2


def test_parameters_that_overflow_in_the_very_last_step_are_noticed():
    trainer = _trainer(nn.Sequential(nn.Flatten(), nn.Dense(64, 3)), lr=1e39)
    before = _copy(trainer.params)
    with pytest.raises(FloatingPointError, match=r"a parameter overflowed.*'1\.weight'.*try a lower"):
        _epoch(trainer, _images(10), 10)
    assert _same(trainer.params, before)


def test_a_loss_that_is_not_finite_says_what_is_to_blame():
    images, labels = _images(9)
    images[5] = np.inf
    with pytest.raises(NonFiniteLossError, match="the data holds a value that is not finite") as caught:
        _epoch(_trainer(), (images, labels), 2)
    assert caught.value.__notes__ == ["sample 5 is the first of the data set that is not finite"]
    trainer = _trainer()
    trainer.params["conv"]["bias"][1] = np.nan
    with pytest.raises(NonFiniteLossError, match=r"'conv\.bias' holds a value that is not finite; if"):
        trainer.step(*_images(4))
    trainer.params["conv"]["bias"][1] = np.nan
    with pytest.raises(NonFiniteLossError, match=r"samples 0 to 3 is nan: 'params\.conv\.bias' holds"):
        evaluate(MODEL, trainer.params, trainer.state, _images(4))
    trainer = _trainer(lr=1e30)
    trainer.step(*_images(6))
    with pytest.raises(NonFiniteLossError, match=r"; try a lower learning rate\. The parameters"):
        trainer.step(*_images(6))


# --- what is refused, and what is held --------------------------------------------------------------------


def _everything(trainer):
    optimizer = trainer.optimizer
    return _copy((trainer.params, trainer.state, optimizer.state)), optimizer.steps, trainer.updates


ROWS = np.eye(3)


def test_labels_may_be_a_list_or_rows_of_probabilities():
    images, labels = _images(6)
    trainers = [_trainer() for _ in range(3)]
    results = [
        _epoch(trainer, (images, given), 4)
        for trainer, given in zip(trainers, (labels, labels.tolist(), ROWS[labels]), strict=True)
    ]
    assert results[0]["loss"] == results[1]["loss"] == pytest.approx(results[2]["loss"])
    assert results[0]["accuracy"] == results[1]["accuracy"] == results[2]["accuracy"]
    scores = [evaluate(MODEL, *_everything(t)[0][:2], (images, ROWS[labels])).accuracy for t in trainers]
    assert scores[0] == evaluate(MODEL, trainers[0].params, trainers[0].state, (images, labels)).accuracy


IMAGES, LABELS = _images(6)
BAD_SETS = [
    ((IMAGES[:0], LABELS[:0]), ValueError, "at least one sample, got none"),
    ((IMAGES, np.array([0, 1, 2, 0, 1, 3])), ValueError, "labels: expected values in 0..2, got 3"),
    ((IMAGES, np.array([0, 1, 2, 0, 1, -1])), ValueError, "labels: expected values in 0..2, got -1"),
    ((IMAGES, LABELS.astype(float)), TypeError, "labels: expected integers, got float64"),
    ((IMAGES, LABELS.astype(str)), TypeError, "labels: expected integers, got <U"),
    ((IMAGES, np.zeros((6, 4))), ValueError, "labels: expected shape (6, 3), got (6, 4)"),
    ((IMAGES, LABELS[:5]), ValueError, "arrays of one length"),
    ((IMAGES,), ValueError, "expected (x, labels), got 1 arrays"),
    ((IMAGES, LABELS, LABELS), ValueError, "expected (x, labels), got 3 arrays"),
    (IMAGES, TypeError, "expected a tuple of arrays"),
    ((IMAGES.astype(float), LABELS), TypeError, "astype"),
    ((IMAGES[:, 0], LABELS), ValueError, ", 8, 8)"),
]


@pytest.mark.parametrize(("dataset", "error", "said"), BAD_SETS, ids=[said for *_, said in BAD_SETS])
def test_an_epoch_refuses_a_data_set_before_anything_changes(dataset, error, said):
    trainer = _trainer(momentum=0.9)
    before = _everything(trainer)
    with pytest.raises(error, match=re.escape(said)):
        _epoch(trainer, dataset, 2)
    np.testing.assert_equal(_everything(trainer), before)


def _nan_rate(trainer):
    trainer.optimizer.lr = lambda step: np.nan


def _replaced(trainer):
    trainer.params["conv"]["bias"] = np.zeros(2, np.float32)


@pytest.mark.parametrize(
    ("spoil", "arguments", "said"),
    [
        (_nan_rate, (IMAGES, LABELS), "lr at step 0: expected a finite number"),
        (_replaced, (IMAGES, LABELS), r"'conv\.bias' was replaced"),
        (id, (IMAGES, LABELS[:4]), r"labels: expected shape \(6,\)"),
        (id, (IMAGES, [0, 1, 2, 0, 1, 7]), r"labels: expected values in 0\.\.2, got 7"),
        (id, (IMAGES, ROWS[[0, 1]]), "expected probability rows"),
    ],
)
def test_a_step_refuses_before_anything_changes(spoil, arguments, said):
    trainer = _trainer(momentum=0.9)
    spoil(trainer)
    before = _everything(trainer)
    with pytest.raises(ValueError, match=said):
        trainer.step(*arguments)
    np.testing.assert_equal(_everything(trainer), before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"optimizer": {}}, "optimizer: expected an Optimizer, .* got dict"),
        (
            {"optimizer": optim.SGD({"w": tg.Tensor([1.0])}, lr=1)},
            "optimizer: 'w': expected a floating .*got Tensor",
        ),
        ({"rng": 0}, r"rng: expected a numpy\.random\.Generator, got 0"),
        ({"model": {}}, "model: expected a function, got {}"),
    ],
)
def test_a_trainer_refuses_other_parts(change, said):
    parts = {**vars(_trainer()), **change}
    with pytest.raises(TypeError, match=f"^Trainer: {said}"):
        Trainer(*(parts[name] for name in ("model", "optimizer", "state", "rng")))
    with pytest.raises(TypeError, match=r"^Trainer\.fit: on_step: expected a function"):
        _epoch(_trainer(), (IMAGES, LABELS), 2, on_step=True)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_a_copy_goes_on_bit_by_bit_with_parameters_of_its_own(duplicate):
    model = nn.Sequential(**dict(MODEL.layers), drop=nn.Dropout(0.3))
    params, state = model.init(np.random.default_rng(0))
    first = Trainer(model, optim.Adam(params, lr=0.1), state, np.random.default_rng(0))
    _epoch(first, (IMAGES, LABELS), 4)
    twin = duplicate(first)
    before = _everything(first)
    results = [_epoch(twin, (IMAGES, LABELS), 4) for _ in range(2)]
    np.testing.assert_equal(_everything(first), before)
    assert [_epoch(first, (IMAGES, LABELS), 4)["loss"] for _ in range(2)] == [
        result["loss"] for result in results
    ]
    np.testing.assert_equal(_everything(twin), _everything(first))
    twin.restore()
    assert not _same(twin.params, first.params)


# --- a run that goes on -----------------------------------------------------------------------------------


def _noisy(images, rng):
    return images + rng.normal(0, 0.1, images.shape).astype(np.float32)


def _full_trainer(bits=np.random.PCG64):
    """A trainer with all that has a state: dropout, augmentation, momentum, an average, parts of batches."""
    model = nn.Sequential(**dict(MODEL.layers), drop=nn.Dropout(0.3))
    params, state = model.init(np.random.default_rng(0))
    optimizer = optim.AdamW(params, lr=optim.Cosine(0.1, 30))
    rng = np.random.Generator(bits(5))
    return Trainer(model, optimizer, state, rng, augment=_noisy, clip=1.0, parts=2, average=0.9)


FIT = {"epochs": 3, "batch_size": 4, "held_out": {"val": _images(9, seed=1)}, "patience": 2}


def _numbers(trainer):
    """All that two runs must have in common, but for the time that they took."""
    timeless = [name for name in trainer.history.names if "second" not in name]
    rows = {name: trainer.history[name] for name in timeless}
    return _copy((trainer.params, trainer.state, trainer.learned, trainer.optimizer.state)), rows


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_a_run_goes_on_bit_by_bit_from_a_checkpoint_of_any_step(bits, tmp_path):
    whole, checkpoints = _full_trainer(bits), []
    keep = lambda trainer: checkpoints.append(trainer.checkpoint({"seed": 5}))  # noqa: E731
    whole.fit(_images(14), **FIT, on_step=keep, on_epoch=keep)
    assert len(checkpoints) == 15  # four steps and an end in each epoch
    for checkpoint in checkpoints:
        checkpoint.save(tmp_path / "file")
        loaded = Checkpoint.load(tmp_path / "file")
        assert loaded.configuration == {"seed": 5}
        resumed = _full_trainer(bits)
        resumed.resume(loaded)
        resumed.fit(_images(14), **FIT)
        np.testing.assert_equal(_numbers(resumed), _numbers(whole))


def test_a_checkpoint_is_a_copy_and_resuming_what_does_not_fit_changes_nothing():
    trainer = _full_trainer()
    trainer.fit(_images(8), epochs=1, batch_size=4)
    checkpoint = trainer.checkpoint()
    before = _copy((checkpoint.params, checkpoint.state, checkpoint.average, checkpoint.optimizer))
    trainer.fit(_images(8), epochs=2, batch_size=4)
    after = checkpoint.params, checkpoint.state, checkpoint.average, checkpoint.optimizer
    np.testing.assert_equal(after, before)
    kept = _everything(trainer)
    others = [
        checkpoint._replace(average=None),
        checkpoint._replace(params={**checkpoint.params, "out": {}}),
        checkpoint._replace(state={}),
        checkpoint._replace(rng={"bit_generator": "MT19937"}),
    ]
    for other in others:
        with pytest.raises(ValueError, match=r"average|structure|rng"):
            trainer.resume(other)
        np.testing.assert_equal(_everything(trainer), kept)


def test_a_stop_is_obeyed_after_the_step_and_the_next_fit_goes_on():
    whole, stopped, steps = _full_trainer(), _full_trainer(), []
    whole.fit(_images(14), **FIT)

    def stop_at_times(trainer):
        steps.append(trainer.updates)
        if trainer.updates in (2, 4, 7):
            trainer.stop(f"at {trainer.updates}")

    reasons = []
    while stopped.epoch < 3:
        stopped.fit(_images(14), **FIT, on_step=stop_at_times)
        reasons.append(stopped.stopped)
    assert reasons == ["at 2", "at 4", "at 7", None]
    assert steps == list(range(1, 13))
    np.testing.assert_equal(_numbers(stopped), _numbers(whole))
    stopped.stop("before")
    stopped.fit(_images(14), **{**FIT, "epochs": 4})
    assert (stopped.stopped, stopped.epoch) == ("before", 3)


def test_an_epoch_goes_on_with_the_batches_that_it_began_with():
    trainer = _full_trainer()
    trainer.fit(_images(14), **FIT, on_step=lambda t: t.stop("now"))
    before = _everything(trainer)
    for n, size in ((14, 5), (13, 4)):
        with pytest.raises(
            ValueError, match=f"expected the 14 samples in batches of 4 .*, got {n} in .* {size}"
        ):
            trainer.fit(_images(n), **{**FIT, "batch_size": size})
    np.testing.assert_equal(_everything(trainer), before)


# --- what can be asked of it ------------------------------------------------------------------------------


def test_any_loss_and_any_metrics():
    model = nn.Sequential(nn.Dense(2, 1))
    params, state = model.init(np.random.default_rng(0))
    metrics = {"farthest": lambda y, target: np.abs(y - target).max(), "one": lambda y, target: 1}
    trainer = Trainer(
        model, optim.SGD(params, lr=0.1), state, np.random.default_rng(0), loss=tg.mse_loss, metrics=metrics
    )
    x = np.random.default_rng(1).standard_normal((60, 2)).astype(np.float32)
    y = x @ np.float32([[2], [-1]]) + 3
    trainer.fit((x, y), epochs=30, batch_size=10, held_out={"val": (x[:7], y[:7])})
    np.testing.assert_allclose(params["0"]["weight"].T, [[2, -1]], atol=0.01)
    row = trainer.history[-1]
    assert {"loss", "farthest", "one", "val_loss", "val_farthest"} <= row.keys()
    assert "accuracy" not in row
    assert row["val_farthest"] == np.abs(model(params, state, x[:7])[0] - y[:7]).max()
    assert row["one"] == 1.0


def test_a_batch_in_parts_has_the_loss_and_the_gradient_of_the_whole():
    model = nn.Sequential(nn.Flatten(), nn.Dense(64, 3))
    x, labels = _images(7)
    moved = []
    for parts in (1, 2, 3, 7, 9):
        params, state = model.init(np.random.default_rng(0), dtype=np.float64)
        trainer = Trainer(model, optim.SGD(params, lr=1.0), state, np.random.default_rng(0), parts=parts)
        moved.append((trainer.step(x.astype(float), labels), params))
    for result, params in moved[1:]:
        assert result[0] == pytest.approx(moved[0][0][0], rel=1e-12)
        assert result[1] == moved[0][0][1]
        np.testing.assert_allclose(params["1"]["weight"], moved[0][1]["1"]["weight"], atol=1e-12)


def test_clipping_bounds_the_norm_of_a_step():
    x, labels = _images(6)
    moves = {}
    for clip in (None, 0.01, 1e9):
        params, state = MODEL.init(np.random.default_rng(0))
        before = _copy(params)
        Trainer(MODEL, optim.SGD(params, lr=1.0), state, np.random.default_rng(0), clip=clip).step(x, labels)
        moves[clip] = np.concatenate(
            [(a - b).ravel() for a, b in zip(tree.leaves(before), tree.leaves(params), strict=True)]
        )
    assert np.linalg.norm(moves[0.01]) == pytest.approx(0.01, rel=1e-4)
    np.testing.assert_array_equal(moves[None], moves[1e9])
    np.testing.assert_allclose(moves[0.01] / 0.01, moves[None] / np.linalg.norm(moves[None]), atol=1e-4)


def test_early_stopping_keeps_the_best_parameters():
    """Labels that are noise are learned by heart, so the loss on others grows from some epoch on."""
    trainer, seen = _trainer(lr=0.05, momentum=0.9), []
    trainer.fit(
        _images(12),
        epochs=200,
        batch_size=4,
        held_out={"val": _images(12, seed=1)},
        patience=3,
        on_epoch=lambda t: seen.append(_copy((t.params, t.state))),
    )
    losses = trainer.history["val_loss"]
    best = int(np.argmin(losses))
    assert len(losses) == best + 4 < 200
    assert _same(trainer.learned, seen[best])
    assert not _same(trainer.params, seen[best][0])
    said = r"monitor: expected 'loss' or 'accuracy' or 'val_loss' or 'val_accuracy', got 'test_loss'"
    with pytest.raises(ValueError, match=said):
        _epoch(_trainer(), _images(4), 4, patience=1, monitor="test_loss", held_out={"val": _images(4)})
    upward = _trainer(lr=0.05)
    upward.fit(_images(12), epochs=9, batch_size=4, patience=2, monitor="accuracy", held_out={})
    best = int(np.argmax(upward.history["accuracy"]))
    assert len(upward.history) == min(best + 3, 9)


def test_an_average_is_what_is_scored_and_learned():
    params, state = MODEL.init(np.random.default_rng(0))
    trainer = Trainer(MODEL, optim.SGD(params, lr=0.3), state, np.random.default_rng(0), average=0.5)
    average = MovingAverage(0.5, (params, state))
    trainer.fit(
        _images(12), epochs=2, batch_size=4, held_out={"val": _images(9)},
        on_step=lambda t: average.update((t.params, t.state)),
    )  # fmt: skip
    assert _same(trainer.learned, average.values)
    score = evaluate(MODEL, *average.values, _images(9))
    assert trainer.history[-1]["val_loss"] == pytest.approx(score.loss, rel=1e-6)


def test_a_frozen_part_does_not_move():
    params, state = MODEL.init(np.random.default_rng(0))
    before = _copy(params)
    optimizer = optim.groups(params, {"conv.*": None, "*": lambda p: optim.Adam(p, lr=0.1)})
    _epoch(Trainer(MODEL, optimizer, state, np.random.default_rng(0)), _images(12), 4)
    assert _same(params["conv"], before["conv"])
    assert not _same(params["out"], before["out"])


def test_an_overflow_names_the_operation_and_the_line():
    flat, out = nn.Flatten(), nn.Dense(64, 3)
    layer = nn.Lambda(lambda x: tg.exp(1000 * x))  # the line to be named
    trainer, x, labels = _trainer(nn.Sequential(flat, layer, out)), np.ones((2, 1, 8, 8), np.float32), [0, 1]
    rng = copy.deepcopy(trainer.rng)
    said = r"given is finite: exp made 128 infinite of 128 numbers, at .*# the line to be named; try a lower"
    with pytest.raises(NonFiniteLossError, match=said):
        trainer.step(x, labels)
    assert trainer.rng.bit_generator.state == rng.bit_generator.state
    by_value = nn.Lambda(lambda x: tg.exp(1000 * x) if float(x.sum()) else x)  # which cannot be recorded
    with pytest.raises(
        NonFiniteLossError, match=r"given is finite: overflow encountered in exp; in exp.*'1'"
    ):
        _trainer(nn.Sequential(flat, by_value, out), compiles=False).step(x, labels)


def test_callbacks_see_each_step_and_each_epoch_when_it_is_complete():
    trainer, calls = _trainer(), []
    history = trainer.fit(
        _images(10), epochs=2, batch_size=4,
        on_step=lambda t: calls.append((t.updates, t.epoch)),
        on_epoch=lambda t: calls.append(t.history[-1]["epoch"]),
    )  # fmt: skip
    assert calls == [(1, 0), (2, 0), (3, 0), 1, (4, 1), (5, 1), (6, 1), 2]
    assert isinstance(history, History)
    assert history is trainer.history
    assert accuracy(np.eye(3), np.arange(3)) == 1


@pytest.mark.parametrize("options", [{}, {"parts": 2}])
def test_a_compiled_step_trains_bit_by_bit_as_the_eager_one(options):
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5), nn.Flatten(),
        nn.Dense(18, 3),
    )  # fmt: skip
    eager, compiled = (_trainer(model, compiles=compiles, **options) for compiles in (False, True))
    for trainer in (eager, compiled):
        trainer.fit(_images(10), epochs=2, batch_size=4)
    assert _same(eager.params, compiled.params)
    assert _same(eager.state, compiled.state)
    assert eager.history[-1]["loss"] == compiled.history[-1]["loss"]


def test_a_network_that_cannot_be_recorded_names_the_way_out():
    by_value = nn.Lambda(lambda x: x if float(x.sum()) else -x)
    trainer = _trainer(nn.Sequential(by_value, nn.Flatten(), nn.Dense(64, 3)))
    with pytest.raises(RecordingError) as caught:
        trainer.step(np.ones((2, 1, 8, 8), np.float32), [0, 1])
    assert "compiles=False" in caught.value.__notes__[-1]
