"""The verdicts of the conformance suite survive ``python -O``, which removes ``assert`` statements."""

import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np
import tinygrad_cnn as tg
from tinygrad_cnn.testing import OpCase, strategies
from tinygrad_cnn.testing.suite import run_property

assert False, "this program must run with -O"
case = OpCase("double", lambda x: {body}, operands=strategies.arrays(), reference=lambda x: 2 * x)
run_property(case, "{name}", seed=0, max_examples=20)
"""


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("value", "(2 * x).astype(np.float32)", "value: dtype float32, the reference's is float64"),
        ("tensor path", "2 * tg.extend.raw(x)", "a call on tensors returned float64"),
        ("float32", "tg.astype(2 * x, np.float64)", "float32 operands gave float64"),
        ("deterministic", "2 * x", None),
    ],
)
def test_a_property_that_does_not_hold_fails_under_python_o(name, body, said):
    program = PROGRAM.format(name=name, body=body)
    done = subprocess.run([sys.executable, "-O", "-c", program], capture_output=True, text=True)
    if said is None:
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == 1
        assert f"AssertionError: {said}" in done.stderr
