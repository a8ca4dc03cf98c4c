"""What README shows works: its code runs, and its commands are those that `.ci/run` runs."""

import re
import runpy
import shlex
from pathlib import Path

import numpy as np
import pytest

from tinygrad_cnn import cross_entropy, value_and_grad
from tinygrad_cnn.cli.arguments import parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SHELL = [
    line for block in re.findall(r"^```sh\n(.*?)^```$", README, re.M | re.S) for line in block.splitlines()
]


@pytest.fixture(scope="module")
def names():
    """What the blocks define, run one after the other as a reader would."""
    names = {}
    for block in PYTHON:
        exec(compile(block, "README.md", "exec"), names)
    return names


def test_the_twelve_lines_train_the_network(names):
    train, _ = names["data"].digits(2000, n_test=0)
    after = cross_entropy(names["network"](names["params"], train.images), train.labels)
    assert after < 0.7 < np.log(10)


def test_the_network_takes_twelve_lines():
    lines = [line for line in PYTHON[0].splitlines() if line and "import" not in line]
    assert len(lines) == 12


def test_the_new_operation_is_there(names):
    assert names["softsign"](3.0) == 0.75


def test_the_backward_that_is_shown_is_the_one_that_is_derived(tmp_path, monkeypatch, capsys):
    (block,) = [block for block in PYTHON if "tg.trace" in block]
    (tmp_path / "network.py").write_text(block)
    monkeypatch.chdir(tmp_path)
    names = runpy.run_path("network.py")
    printed = capsys.readouterr().out
    assert f"```text\n{printed.rstrip()}\n```" in README
    pasted = {}
    exec(printed, pasted)
    arguments = names["p"], np.ones((5, 4)), np.array([0, 1, 1, 0, 1])
    value, grads = value_and_grad(names["loss"])(*arguments)
    ours, derived = pasted["loss"](*arguments)
    assert ours == value
    assert all(np.array_equal(derived[name], grads[name]) for name in grads)


@pytest.mark.parametrize(("ends", "first"), [("/pytest", "install -e"), ("tinygrad-cnn train", "install")])
def test_ci_finds_the_two_commands(ends, first):
    (found,) = [line for line in README.splitlines() if line.endswith(ends)]
    assert found in SHELL[:2]
    assert first in found
    assert f"{ends}$'" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_commands_shown_parse():
    shown = [shlex.split(line)[1:] for line in SHELL if line.startswith(".venv/bin/tinygrad-cnn")]
    assert len(shown) == 2
    for argv in shown:
        assert parser("1").parse_args(argv).data == "mnist"
