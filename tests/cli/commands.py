"""Running the command in the tests: its status, its complaint, and files for it to read."""

import functools

import numpy as np

from tinygrad_cnn import cli, data, train
from tinygrad_cnn.data import digits
from tinygrad_cnn.models import MODELS


@functools.cache
def few_digits(n=500):
    """Generate digits once for all tests, and fewer of them to test on than the command does."""
    return digits(n, 300)


def status(argv):
    """Return the exit status, whether argparse or the command decides it."""
    try:
        return cli.main(argv)
    except SystemExit as stop:
        return stop.code


def complaint(argv, capsys, expected=2):
    """Return the one line that a command prints when it fails."""
    assert status(argv) == expected
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.endswith("\n")
    return err


def save_untrained(path, name="baseline", dtype=np.float32, **changes):
    """Save the initial parameters of the baseline, under a name that need not be its own."""
    layer = MODELS["baseline"]()
    params, state = layer.init(np.random.default_rng(0), dtype=dtype)
    train.SavedModel(name, layer, params, state, data.Normalization.none(1), **changes).save(path)
