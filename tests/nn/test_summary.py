import numpy as np
import pytest

from tinygrad_cnn import models, nn, tree


def test_the_table_of_the_baseline():
    table = nn.summary(models.baseline(), (1, 28, 28))
    rows = {row.name: row for row in table.rows}
    assert rows["conv1"] == ("conv1", "Conv2d", (1, 8, 28, 28), 8 * 9 + 8, 28 * 28 * 8 * 9)
    assert rows["pool2"] == ("pool2", "MaxPool2d", (1, 16, 7, 7), 0, 0)
    assert rows["dense1"] == ("dense1", "Dense", (1, 128), 784 * 128 + 128, 784 * 128)
    assert table.parameters == 103_018
    assert table.multiply_adds == 28 * 28 * 72 + 14 * 14 * 16 * 72 + 784 * 128 + 128 * 10
    lines = str(table).splitlines()
    assert lines[0].split() == ["name", "layer", "output", "shape", "parameters", "multiply-adds"]
    assert "103,018" in lines[-1]
    assert len(lines) == len(table.rows) + 4
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("name", models.MODELS)
def test_parameters_are_those_that_init_makes(name):
    model = models.MODELS[name]()
    params, _ = model.init(np.random.default_rng(0))
    total = sum(x.size for x in tree.leaves(params))
    assert nn.summary(model, (1, 28, 28)).parameters == total


def test_nested_layers_are_named_by_their_path():
    block = nn.Sequential(nn.Conv2d(2, 4, (3, 2), padding="same", groups=2), nn.BatchNorm2d(4))
    model = nn.Sequential(
        nn.Residual(block, nn.Conv2d(2, 4, 1)), nn.Residual(nn.Sequential(act=nn.ReLU())), head=nn.Flatten()
    )
    table = nn.summary(model, (2, 5, 6))
    assert [row.name for row in table.rows] == ["0.block.0", "0.block.1", "0.shortcut", "1.block.act", "head"]
    assert table.rows[0].multiply_adds == 5 * 6 * 4 * 1 * 6  # grouped: one input channel each
    assert table.rows[2].multiply_adds == 5 * 6 * 4 * 2
    assert table.rows[-1].output_shape == (1, 120)


def test_a_single_layer_and_a_shape_that_does_not_fit():
    assert nn.summary(nn.Dense(3, 2), (3,)).rows[0] == ("0", "Dense", (1, 2), 8, 6)
    with pytest.raises(ValueError, match="Dense: x: expected shape"):
        nn.summary(nn.Dense(3, 2), (4,))


def test_what_a_layer_counts_that_decides_by_numbers_is_unknown():
    double = nn.Lambda(lambda x: 2 * x if float(x.sum()) >= 0 else x)
    table = nn.summary(nn.Sequential(nn.Dense(3, 2), double), (3,))
    assert [row.multiply_adds for row in table.rows] == [6, None]
    assert table.multiply_adds is None
    assert str(table).splitlines()[-1].split() == ["total", "8", "unknown"]


def test_a_layer_that_fails_is_named_by_its_path():
    model = nn.Sequential(nn.ReLU(), inner=nn.Sequential(nn.ReLU(), out=nn.Dense(3, 2)))
    with pytest.raises(ValueError, match="Dense: x") as caught:
        nn.summary(model, (4,))
    assert caught.value.__notes__ == ["in the layer 'inner.out', Dense, of the summary"]
    params, state = model.init(np.random.default_rng(0))
    with pytest.raises(ValueError, match="Dense: x") as caught:
        model(params, state, np.zeros((1, 4), np.float32))
    assert caught.value.__notes__ == ["in the layer 'out', Dense", "in the layer 'inner', Sequential"]


def test_what_is_no_model_and_no_shape():
    with pytest.raises(TypeError, match="summary: model: expected a layer, got dict"):
        nn.summary({}, (3,))
    with pytest.raises(TypeError, match=r"summary: input_shape: expected a tuple such as \(C, H, W\), got 3"):
        nn.summary(nn.Dense(3, 2), 3)
