"""Both sides of every row of the page for those who come from another framework give the same numbers."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tg

PAGE = Path(__file__).parents[1] / "docs" / "coming_from.md"
RNG = np.random.default_rng(0)
ARRAYS = {
    "x": RNG.normal(size=(2, 3)),
    "y": RNG.normal(size=(3, 4)),
    "images": RNG.normal(size=(2, 3, 8, 8)),
    "kernels": RNG.normal(size=(4, 3, 3, 3)),
    "scores": RNG.normal(size=(2, 5)),
    "labels": np.array([3, 1]),
}


def rows():
    """Every pair of code with the framework that the table's heading names."""
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        heading, *lines = section.splitlines()
        for line in lines:
            if line.startswith("| `"):
                there, here = line.strip("| ").split(" | ")
                for code in re.findall(r"`(.*?)`", there):
                    yield pytest.param(heading, code, here.strip("`"), id=f"{heading}-{code}")


def backward(f, x):
    """The gradient that ``backward`` leaves in a tensor."""
    f(x).backward()
    return x.grad


def sum_of_squared_sines(sin):
    return lambda x: (sin(x) ** 2).sum()


def of_pytorch():
    torch = pytest.importorskip("torch")
    arrays = {name: torch.from_numpy(array) for name, array in ARRAYS.items()}
    return arrays | {
        "torch": torch,
        "nn": torch.nn,
        "F": torch.nn.functional,
        "f": sum_of_squared_sines(torch.sin),
    }


def of_jax():
    jax = pytest.importorskip("jax")
    importlib.import_module("jax.flatten_util")
    arrays = {name: jax.numpy.asarray(array) for name, array in ARRAYS.items()}
    return arrays | {"jax": jax, "jnp": jax.numpy, "f": sum_of_squared_sines(jax.numpy.sin)}


def of_autograd():
    autograd = pytest.importorskip("autograd")
    anp = importlib.import_module("autograd.numpy")
    return ARRAYS | {"autograd": autograd, "anp": anp, "f": sum_of_squared_sines(anp.sin)}


def of_mygrad():
    mg = pytest.importorskip("mygrad")
    losses = importlib.import_module("mygrad.nnet.losses")
    names = {"mg": mg, "backward": backward, "softmax_crossentropy": losses.softmax_crossentropy}
    return ARRAYS | names | {"f": sum_of_squared_sines(mg.sin)}


NAMES = {"PyTorch": of_pytorch, "JAX": of_jax, "HIPS autograd": of_autograd, "MyGrad": of_mygrad}
OURS = ARRAYS | {"tg": tg, "np": np, "backward": backward, "f": sum_of_squared_sines(tg.sin)}


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # PyTorch's own, where it is first used
@pytest.mark.parametrize(("framework", "there", "here"), list(rows()))
def test_both_sides_of_a_row_compute_the_same(framework, there, here):
    theirs = np.asarray(eval(there, NAMES[framework]()))
    ours = np.asarray(eval(here, OURS))
    assert ours.shape == theirs.shape
    single = theirs.dtype == np.float32  # JAX computes in float32, unless it is told otherwise
    np.testing.assert_allclose(ours, theirs, rtol=1e-4 if single else 1e-10, atol=1e-5 if single else 1e-12)
