"""The command serves the page until Ctrl-C, and trains a network by itself if it is given none."""

import contextlib
import json
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from pen import pictures
from test_page import untrained

from tinygrad_cnn import cli, data
from tinygrad_cnn.demo.quick_model import quick_model


@contextlib.contextmanager
def started(*argv):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "tinygrad_cnn", "demo", "--no-browser", *argv]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_the_page_is_served_until_an_interrupt(tmp_path, capsys):
    untrained().save(tmp_path / "model")
    with started(str(tmp_path / "model"), "--json") as process:
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(url) as page:
            assert "Draw a digit" in page.read().decode()
        port = url.rstrip("/").rpartition(":")[2]
        assert cli.main(["demo", str(tmp_path / "model"), "--no-browser", "--port", port]) == 2
        assert (
            capsys.readouterr().err
            == f"tinygrad-cnn: error: --port: {port} cannot be served: Address already in use\n"
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stdout.read() == process.stderr.read() == ""


@pytest.mark.slow
def test_the_network_of_seconds_reads_the_digits_of_another_pen():
    told, begin = [], time.process_time()
    model = quick_model(lambda *epoch: told.append(epoch))
    assert time.process_time() - begin < 15
    assert [epoch[:2] for epoch in told] == [(1, 3), (2, 3), (3, 3)]
    read = [
        model.logits(data.prepare_digit(picture)[None]).argmax() == digit for picture, digit in pictures()
    ]
    assert sum(read) >= 45
