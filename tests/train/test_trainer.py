"""The training loop does what its parts do, and comes back from a loss that is not finite."""

import copy
import pickle
import re

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import nn, optim, tree
from tinygrad_cnn.models import baseline, baseline_bn
from tinygrad_cnn.train import EpochResult, NonFiniteLossError, Trainer, evaluate

MODEL = nn.Sequential(conv=nn.Conv2d(1, 2, 3), norm=nn.BatchNorm2d(2), flat=nn.Flatten(), out=nn.Dense(72, 3))


def _images(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 1, 8, 8)).astype(np.float32), rng.integers(0, 3, n)


def _trainer(model=MODEL, seed=0, **sgd):
    params, state = model.init(np.random.default_rng(seed))
    return Trainer(model, optim.SGD(params, **{"lr": 0.1, **sgd}), state, np.random.default_rng(seed))


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
        assert trainer.step(x, labels) == (loss, np.mean(logits.argmax(1) == labels))
        assert _same(trainer.params, params)
        assert _same(trainer.state, state)


@pytest.mark.parametrize("batch_size", [1, 4, 7, 100])
def test_an_epoch_reports_means_over_all_samples(batch_size):
    model = nn.Sequential(nn.Flatten(), nn.Dense(64, 3))
    trainer = _trainer(model, lr=0.0)  # the parameters stay, so the means must be those of an evaluation
    seen = []
    result = trainer.epoch(_images(14), batch_size, seen.append)
    assert isinstance(result, EpochResult)
    score = evaluate(model, trainer.params, trainer.state, _images(14))
    assert result.loss == pytest.approx(score.loss, rel=1e-6)
    assert result.accuracy == pytest.approx(score.accuracy)
    assert result.images_per_second == pytest.approx(14 / result.seconds)
    assert sum(seen) == 14
    assert max(seen) == min(batch_size, 14)


@pytest.mark.parametrize("make", [baseline, baseline_bn])
def test_the_networks_learn_a_handful_of_images_by_heart(make):
    rng = np.random.default_rng(1)
    dataset = rng.random((20, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, 20)
    trainer = _trainer(make(), lr=0.02, momentum=0.9)
    results = [trainer.epoch(dataset, 5) for _ in range(30)]
    assert results[-1].loss < 0.1 < 1 < results[0].loss
    assert evaluate(make(), trainer.params, trainer.state, dataset).accuracy == 1


def test_the_generators_decide_everything_and_every_epoch_has_an_order_of_its_own(monkeypatch):
    step, orders = Trainer.step, []

    def noting_step(self, x, labels):
        orders.append(x[:, 0, 0, 0].tolist())
        return step(self, x, labels)

    monkeypatch.setattr(Trainer, "step", noting_step)
    runs = [_trainer(seed=seed) for seed in (3, 3, 4)]
    losses = [[trainer.epoch(_images(30), 30).loss for _ in range(2)] for trainer in runs]
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
    results = [trainer.epoch(_images(12), 4).loss for _ in range(20)]
    assert results[-1] < results[0] / 2


def test_parameters_that_overflow_in_the_very_last_step_are_noticed():
    trainer = _trainer(nn.Sequential(nn.Flatten(), nn.Dense(64, 3)), lr=1e39)
    before = _copy(trainer.params)
    with pytest.raises(FloatingPointError, match=r"a parameter overflowed.*'1\.weight'.*try a lower"):
        trainer.epoch(_images(10), 10)
    assert _same(trainer.params, before)


def test_a_loss_that_is_not_finite_says_what_is_to_blame():
    images, labels = _images(9)
    images[5] = np.inf
    with pytest.raises(NonFiniteLossError, match="the data holds a value that is not finite") as caught:
        _trainer().epoch((images, labels), 2)
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
        trainer.epoch((images, given), 4)
        for trainer, given in zip(trainers, (labels, labels.tolist(), ROWS[labels]), strict=True)
    ]
    assert results[0].loss == results[1].loss == pytest.approx(results[2].loss)
    assert results[0].accuracy == results[1].accuracy == results[2].accuracy
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
    ((IMAGES,), ValueError, "expected (images, labels), got 1 arrays"),
    ((IMAGES, LABELS, LABELS), ValueError, "expected (images, labels), got 3 arrays"),
    (IMAGES, TypeError, "expected a tuple of arrays"),
    ((IMAGES.astype(float), LABELS), TypeError, "astype"),
    ((IMAGES[:, 0], LABELS), ValueError, ", 8, 8)"),
]


@pytest.mark.parametrize(("dataset", "error", "said"), BAD_SETS, ids=[said for *_, said in BAD_SETS])
def test_an_epoch_refuses_a_data_set_before_anything_changes(dataset, error, said):
    trainer = _trainer(momentum=0.9)
    before = _everything(trainer)
    with pytest.raises(error, match=re.escape(said)):
        trainer.epoch(dataset, 2)
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
    with pytest.raises(TypeError, match=r"^Trainer\.epoch: progress: expected a function"):
        _trainer().epoch((IMAGES, LABELS), 2, progress=True)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_a_copy_goes_on_bit_by_bit_with_parameters_of_its_own(duplicate):
    model = nn.Sequential(**dict(MODEL.layers), drop=nn.Dropout(0.3))
    params, state = model.init(np.random.default_rng(0))
    first = Trainer(model, optim.Adam(params, lr=0.1), state, np.random.default_rng(0))
    first.epoch((IMAGES, LABELS), 4)
    twin = duplicate(first)
    before = _everything(first)
    results = [twin.epoch((IMAGES, LABELS), 4) for _ in range(2)]
    np.testing.assert_equal(_everything(first), before)
    assert [first.epoch((IMAGES, LABELS), 4).loss for _ in range(2)] == [result.loss for result in results]
    np.testing.assert_equal(_everything(twin), _everything(first))
    twin.restore()
    assert not _same(twin.params, first.params)
