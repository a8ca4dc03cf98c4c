"""Every example runs and shows what it says; one network in different styles gives the same losses."""

import importlib
import runpy
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
STYLES = ["functional", "layers", "backward_style", "one_sample"]
SHOWN = {
    "custom_op": (["--samples", "100"], lambda errors: errors["snake"] < errors["tanh"]),
    "edge_detector": (
        ["--samples", "60", "--batch-size", "1", "--lr", "0.05"],
        lambda w: np.abs(w[0, 0] - SOBEL).max() < 0.1,
    ),
    "fgsm": (["--samples", "100"], lambda right: right[0.0] > right[0.2]),
    "gradient_penalty": (["--samples", "40"], lambda found: found[0.05][0] < found[0.0][0]),
    "hessian_eigenvalue": (["--samples", "10"], lambda found: is_top_eigenvalue(*found)),
    "lbfgs": (["--samples", "30"], lambda loss: loss["L-BFGS"] < loss["descent"] < loss["start"]),
    "maml": (["--samples", "80", "--lr", "0.02"], lambda loss: loss[1] < loss[0] / 2),
    "per_sample_gradients": (["--samples", "400"], lambda found: found > 0.1),  # 2 % of the labels are wrong
    "residual": (
        ["--samples", "16", "--batch-size", "8", "--epochs", "1"],
        lambda history: len(history) == 1,
    ),
    "saliency": (["--samples", "16"], lambda maps: [m.shape[-1] for m in maps.values()] == [28, 28, 7]),
}
"""The arguments of each example that ends in a picture or a table, and what holds of its result."""

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4
TINY = ["--samples", "20", "--lr", "0.02", "--seed", "3"]


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)


def _losses(name, *argv):
    return importlib.import_module(name).main([*TINY, *argv])


def test_no_example_is_left_out():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*STYLES, *SHOWN, "settings", "trained"}


def test_one_sample_at_a_time_all_styles_give_the_same_losses():
    one_sample = _losses("one_sample")
    assert len(one_sample) == 20
    for name in STYLES[:3]:
        assert _losses(name, "--batch-size", "1") == one_sample


def test_in_batches_all_styles_give_the_same_losses():
    functional, layers, backward = (_losses(name, "--batch-size", "8") for name in STYLES[:3])
    assert len(functional) == 3
    assert functional == layers == backward


def test_another_seed_gives_other_losses():
    assert _losses("layers") != _losses("layers", "--seed", "4")


@pytest.mark.parametrize("name", STYLES)
def test_a_script_shows_falling_losses(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [name, "--samples", "300"])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    means = [float(line.rsplit(maxsplit=1)[1]) for line in lines]
    assert len(means) >= 10
    assert means[-1] < means[0]


def drop(right):
    return right[0] - right[2]


def is_top_eigenvalue(eigenvalue, vector, loss):
    values = np.linalg.eigvalsh(tg.hessian(loss)(vector))
    return np.isclose(eigenvalue, max(values, key=abs))


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_shows_what_it_says(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    argv, holds = SHOWN[name]
    module = importlib.import_module(name)
    assert holds(module.main([*argv, "--seed", "1"]))
    out = capsys.readouterr().out
    pictures = [path.name for path in tmp_path.iterdir()]
    assert out.splitlines()
    assert out.splitlines()[-1] == f"wrote {pictures[0]}" if pictures else len(out.splitlines()) >= 3


def test_gradients_of_samples_are_the_rows_of_the_jacobian():
    example = importlib.import_module("per_sample_gradients")
    rng = np.random.default_rng(0)
    sizes = {"hidden": (784, 3), "out": (3, 10)}
    params = {
        name: {"weight": rng.standard_normal(size), "bias": np.ones(size[1])} for name, size in sizes.items()
    }
    x, labels = rng.random((4, 1, 28, 28)), np.arange(4)
    found = tg.tree.leaves(example.per_sample(params, x, labels))
    rows = tg.tree.leaves(tg.jacobian(lambda p: example.losses(p, x, labels))(params))
    for gradient, row in zip(found, rows, strict=True):
        np.testing.assert_allclose(gradient.reshape(row.shape), row, atol=1e-12)
