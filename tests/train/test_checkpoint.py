"""A saved model comes back exactly, and any other file gives one clear ValueError."""

import pickle
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tinygrad_cnn import nn, tree
from tinygrad_cnn.models import MODELS
from tinygrad_cnn.train import Checkpoint, load, save


def _small():
    return nn.Sequential(conv=nn.Conv2d(1, 2, 3), norm=nn.BatchNorm2d(2), out=nn.Dense(4, 3))


SMALL = {"small": _small}


@pytest.fixture
def saved(tmp_path):
    """Save the small model; return the file and the arrays in it."""
    path = tmp_path / "model.npz"
    save(path, "small", *_small().init(np.random.default_rng(5)))
    with np.load(path, allow_pickle=False) as archive:
        return path, dict(archive)


def _refuses(path, said):
    """Check that loading is a ValueError of one line, which names the file."""
    with pytest.raises(ValueError, match=said) as caught:
        load(path, SMALL)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", MODELS)
def test_a_round_trip_is_exact(tmp_path, name, dtype):
    params, state = MODELS[name]().init(np.random.default_rng(1), dtype=dtype)
    state = tree.map(lambda a: a + dtype(0.123), state)
    save(tmp_path / "model", name, params, state)  # the name of the file gets no suffix
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    loaded = load(tmp_path / "model")
    assert isinstance(loaded, Checkpoint)
    assert loaded.model_name == name
    tree.map(lambda a, b: assert_array_equal(a, b, strict=True), (params, state), tuple(loaded[1:]))
    assert all(array.flags.writeable for array in tree.leaves(tuple(loaded[1:])))


def test_the_arrays_stand_under_their_dotted_paths(saved):
    parameters = [
        f"params.{layer}.{name}" for layer in ("conv", "norm", "out") for name in ("bias", "weight")
    ]
    assert sorted(saved[1]) == ["model", *parameters, "state.norm.running_mean", "state.norm.running_var"]


@pytest.mark.parametrize("array", [np.arange(2), np.array([object(), 1])], ids=["integers", "objects"])
def test_a_save_that_is_refused_leaves_the_old_file(saved, array):
    path, _ = saved
    with pytest.raises(TypeError, match=rf"'params\.w': expected a floating array, got {array.dtype}\[2\]"):
        save(path, "small", {"w": array}, {})
    assert load(path, SMALL).model_name == "small"
    assert list(path.parent.iterdir()) == [path]


class _Bomb:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def test_a_missing_file_is_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.npz")


def test_a_file_cut_short_anywhere_is_refused(saved):
    path, _ = saved
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        _refuses(path, "damaged or other file")


def test_a_flipped_bit_is_refused_or_harmless(saved):
    path, arrays = saved
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for position in rng.integers(0, len(whole), 100):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            _, params, _ = load(path, SMALL)
        except ValueError:
            refused += 1
        else:  # zip does not check every byte, such as those of a date
            assert_array_equal(params["out"]["weight"], arrays["params.out.weight"])
    assert refused > 50


def _write_npy(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def _write_zip(path, mode="w", name="readme.txt"):
    with zipfile.ZipFile(path, mode) as archive:
        archive.writestr(name, "hello")


def _write_pickled_member(path):
    with path.open("wb") as file:
        np.savez(file, model=np.array([_Bomb()], dtype=object))


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_text("hello"), "damaged or other file"),
        (_write_npy, "damaged or other file"),
        (_write_zip, "expected a model out of small"),
        (lambda path: path.write_bytes(pickle.dumps(_Bomb())), "damaged or other file"),
        (_write_pickled_member, "damaged or other file"),
    ],
    ids=["text", "npy", "zip", "pickle", "pickle inside"],
)
def test_other_files_are_refused_and_pickles_never_run(tmp_path, write, said):
    write(tmp_path / "other")
    _refuses(tmp_path / "other", said)


def _rewrite(saved, changes):
    """Write the file again with some arrays replaced, or left out where the change is None."""
    path, arrays = saved
    arrays = {name: array for name, array in {**arrays, **changes}.items() if array is not None}
    with path.open("wb") as file:
        np.savez(file, **arrays)
    return path


def test_a_member_that_is_no_array_is_refused(saved):
    path = _rewrite(saved, {"params.out.weight": None})
    _write_zip(path, "a", "params.out.weight")
    _refuses(path, r"'params\.out\.weight': expected a floating array .*got bytes")


WRONG_WEIGHT = r"'params\.out\.weight': expected a floating array of shape \(4, 3\), got "


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": np.array("vgg")}, "expected a model out of small, got 'vgg'"),
        ({"model": None}, "expected a model out of small"),
        ({"params.conv.bias": None}, r"'small'.*lacks params\.conv\.bias"),
        ({"params.more": np.zeros(2)}, r"'small'.*unknown params\.more"),
        ({"params.out.weight": np.zeros((4, 2), np.float32)}, WRONG_WEIGHT + r"float32\[4, 2\]"),
        ({"params.out.weight": np.zeros((4, 3), np.int64)}, WRONG_WEIGHT + r"int64\[4, 3\]"),
        ({"params.out.weight": np.zeros((4, 3), np.complex64)}, WRONG_WEIGHT + r"complex64\[4, 3\]"),
    ],
)
def test_arrays_that_do_not_fit_the_model_are_refused(saved, changes, said):
    _refuses(_rewrite(saved, changes), said)


def test_a_failed_save_leaves_the_older_file_and_nothing_else(saved, monkeypatch):
    path, _ = saved
    before = path.read_bytes()

    def failing(file, **arrays):
        file.write(b"half a mod")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", failing)
    with pytest.raises(OSError, match="no space left"):
        save(path, "small", *_small().init(np.random.default_rng(6)))
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before
