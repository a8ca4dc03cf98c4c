"""The bar is shown where somebody can see it, and nothing breaks where nobody can."""

import io
import sys

import pytest

from tinygrad_cnn.train import progress, progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def _run():
    with progress_bar(100, "epoch 1") as advance:
        advance(60)
        advance(40)


def test_a_terminal_shows_the_label_and_the_end(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    _run()
    assert "epoch 1" in sys.stderr.getvalue()
    assert "0/100" in sys.stderr.getvalue()


def test_a_file_gets_nothing(capsys):
    _run()
    assert capsys.readouterr() == ("", "")


def test_without_tqdm_there_is_no_bar_and_no_error(monkeypatch):
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    _run()
    assert sys.stderr.getvalue() == ""
