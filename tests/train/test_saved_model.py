"""A saved network comes back whole, with what its use needs, and whatever else is refused in one line."""

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import data, nn, tree
from tinygrad_cnn.models import MODELS
from tinygrad_cnn.train import SavedModel, save


def _same(a, b):
    return all(tree.leaves(tree.map(np.array_equal, a, b)))


def _model(name="lenet", shape=(3, 32, 32), classes=("cat", "dog", "é\n\x1b"), dtype=np.float32, **changes):
    layer = MODELS[name](shape, len(classes))
    params, state = layer.init(np.random.default_rng(1), dtype=dtype)
    normalization = data.Normalization(np.float32([0.1, 1e-7, 3]), np.float32([1, 2, 1 / 3]))
    fields = {"params": params, "state": state, "normalization": normalization, **changes}
    return SavedModel(name, layer, shape=shape, classes=classes, **fields)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", MODELS)
def test_a_network_comes_back_exactly(tmp_path, name, dtype):
    model = _model(name, dtype=dtype)
    model.save(tmp_path / "file")
    found = SavedModel.load(tmp_path / "file")
    assert (found.name, found.layer, found.shape, found.classes) == (
        name,
        model.layer,
        model.shape,
        model.classes,
    )
    assert _same([found.params, found.state], [model.params, model.state])
    assert tree.leaves(found.params)[0].dtype == dtype
    assert _same(tuple(found.normalization), tuple(model.normalization))


def test_a_file_of_an_older_version_is_of_digits_without_normalisation(tmp_path):
    params, state = MODELS["baseline"]().init(np.random.default_rng(0))
    both = {"params": params, "state": state}
    np.savez(
        tmp_path / "m.npz",
        model=np.array("baseline"),
        **dict(zip(tree.paths(both), tree.leaves(both), strict=True)),
    )
    found = SavedModel.load(tmp_path / "m.npz")
    assert (found.shape, found.classes) == ((1, 28, 28), tuple("0123456789"))
    images = np.random.default_rng(0).random((3, 1, 28, 28), np.float32)
    np.testing.assert_array_equal(found.logits(images), found.layer(params, state, images)[0])


def test_probabilities_are_those_of_normalised_images_in_pieces_of_any_number():
    model = _model()
    images = np.random.default_rng(0).random((251, 3, 32, 32), np.float32)
    mean, std = (np.float32(x).reshape(3, 1, 1) for x in ([0.1, 1e-7, 3], [1, 2, 1 / 3]))
    logits, _ = model.layer(model.params, model.state, (images - mean) / std)
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(model.probabilities(images), expected, rtol=1e-4)
    np.testing.assert_allclose(model.logits(images), logits, rtol=1e-4, atol=1e-5)
    assert model.probabilities(images[:0]).shape == (0, 3)


def test_a_network_of_the_user_is_loaded_with_its_code_alone(tmp_path):
    layer = nn.Sequential(nn.Flatten(), nn.Dense(784, 10))
    params, state = layer.init(np.random.default_rng(0))
    SavedModel("my_net.py:net", layer, params, state, data.Normalization.none(1)).save(tmp_path / "file")
    with pytest.raises(
        ValueError, match=r"expected a model out of baseline, .*got 'my_net.py:net': give its code"
    ):
        SavedModel.load(tmp_path / "file")
    assert _same(SavedModel.load(tmp_path / "file", layer).params, params)


def _refuses(path, said):
    with pytest.raises(ValueError, match=said) as caught:
        SavedModel.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    assert len(message) < len(str(path)) + 300


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_parameters_that_are_not_finite_are_told(tmp_path, bad):
    model = _model()
    model.params["conv1"]["bias"][1] = bad
    model.save(tmp_path / "file")
    _refuses(tmp_path / "file", r"'params\.conv1\.bias' has values that are not finite")


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": "[1, 28]"}, {"shape": "[1, 28, 28.0]"}, {"shape": "[1, 28, 1000000000]"}, {"shape": "{"},
        {"classes": "[]"}, {"classes": "[1, 2]"}, {"mean": "[NaN]"}, {"std": "[0.0]"}, {"std": "[1.0, 1.0]"},
        {"classes": "[" * 100_000},
    ],
)  # fmt: skip
def test_a_damaged_description_is_refused(tmp_path, changes):
    params, state = MODELS["baseline"]().init(np.random.default_rng(0))
    save(tmp_path / "file", {"params": params, "state": state}, {"model": "baseline", **changes})
    _refuses(tmp_path / "file", "whose description is damaged")


def test_what_is_no_network_or_another_one_is_refused(tmp_path):
    save(tmp_path / "file", {"w": np.ones(2)})
    _refuses(tmp_path / "file", "got a tree without one: use train.load")
    save(tmp_path / "file", {}, {"model": "\x1b[31m" * 200})
    _refuses(tmp_path / "file", r"expected a model out of .*got '(\\x1b\[31m)*.*\.\.\.'")
    save(tmp_path / "file", {"params": {}, "state": {}}, {"model": "baseline"})
    _refuses(tmp_path / "file", "lacks params.conv1.bias")


def test_the_preset_networks_take_any_shape_and_number_of_classes():
    for make in MODELS.values():
        for shape in ((1, 28, 28), (3, 32, 32), (3, 17, 22)):
            layer = make(shape, 7)
            params, state = layer.init(np.random.default_rng(0))
            x = np.random.default_rng(1).standard_normal((2, *shape)).astype(np.float32)
            y, _ = layer(params, state, tg.Tensor(x), train=True, rng=np.random.default_rng(0))
            assert y.shape == (2, 7)
