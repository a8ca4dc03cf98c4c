"""Each row is written with its step, and the absence of the writer is told."""

import sys
import types

import pytest

from tinygrad_cnn.train import History, tensorboard


def test_each_number_of_a_row_is_a_scalar_at_its_step(tmp_path, monkeypatch):
    written = []

    class Writer:
        def __init__(self, folder):
            written.append(folder)

        def add_scalar(self, name, value, step):
            written.append((name, value, step))

        def flush(self):
            written.append("flushed")

    monkeypatch.setitem(sys.modules, "tensorboardX", types.SimpleNamespace(SummaryWriter=Writer))
    trainer = types.SimpleNamespace(history=History([{"epoch": 1, "step": 7, "loss": 0.5}]))
    tensorboard(tmp_path)(trainer)
    assert written == [str(tmp_path), ("epoch", 1, 7), ("step", 7, 7), ("loss", 0.5, 7), "flushed"]


def test_without_the_writer_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad-cnn\[tensorboard\]'"):
        tensorboard(tmp_path)
