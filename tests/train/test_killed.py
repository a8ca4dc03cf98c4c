"""A run that is killed at any moment goes on from a checkpoint, and ends as if nothing had happened."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from house import PACKAGE

from tinygrad_cnn.data import digits

RUN = [
    sys.executable, "-m", "tinygrad_cnn", "train", "--data", "../digits.npz", "--batch-size", "8",
    "--epochs", "4", "--model", "baseline-bn", "--checkpoint-every", "3", "--augment", "shift",
    "--average", "0.9", "--validation", "0.2", "--patience", "3", "--optimizer", "adamw",
    "--threads", "2", "--resume",
]  # fmt: skip


def start(folder):
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    return subprocess.Popen(
        RUN, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process):
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    return printed


def new_folder(parent, name):
    """A folder for a run, beside the data that all runs read."""
    folder = parent / name
    folder.mkdir()
    if not (parent / "digits.npz").exists():
        images, labels = digits(180, 0)[0]
        np.savez(parent / "digits.npz", images=images, labels=labels)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The model of a run that was never stopped, and the seconds that it took."""
    folder, begin = new_folder(tmp_path_factory.mktemp("whole"), "run"), time.monotonic()
    finish(start(folder))
    return (folder / "model.safetensors").read_bytes(), time.monotonic() - begin


def killed_and_resumed(folder, kills, seconds, rng):
    """Kill runs at random moments, and let the last one end; count the kills."""
    killed = 0
    while killed < kills:
        process = start(folder)
        try:
            process.communicate(timeout=rng.uniform(0.15, 1.1) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += 1
        else:  # it was complete before the signal came
            assert process.returncode == 0
            break
    return killed, finish(start(folder))


def check(folder, expected):
    assert (folder / "model.safetensors").read_bytes() == expected
    assert [path.name for path in folder.iterdir()] == ["model.safetensors"]


def test_a_run_that_is_killed_ends_with_the_same_model(tmp_path, whole):
    expected, seconds = whole
    folder = new_folder(tmp_path, "run")
    killed, printed = killed_and_resumed(folder, 3, 0.7 * seconds, random.Random(1))
    assert killed > 0
    assert "resumed at step" in printed or "beginning" in printed
    check(folder, expected)


@pytest.mark.slow
def test_200_kills(tmp_path, whole, record_property):
    (expected, seconds), rng, killed = whole, random.Random(0), 0
    for run in itertools.count():
        folder = new_folder(tmp_path, str(run))
        more, _ = killed_and_resumed(folder, min(5, 200 - killed), seconds, rng)
        killed += more
        check(folder, expected)
        if killed == 200:
            break
    record_property("count: kills that were survived bit by bit", killed)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_the_step_end_saves_and_the_run_goes_on(number, status, tmp_path, whole):
    folder = new_folder(tmp_path, "run")
    process = start(folder)
    for line in process.stdout:
        if line.split()[:1] == ["1"]:  # the row of the first epoch
            process.send_signal(number)
            break
    printed, _ = process.communicate()
    assert process.returncode == status, printed
    assert "saved model.safetensors" in printed
    assert "with --resume goes on" in printed
    assert "resumed at step" in finish(start(folder))
    check(folder, whole[0])
