"""The verdicts of the conformance suite survive ``python -O``, which removes ``assert`` statements."""

import subprocess
import sys

PROGRAM = """
import numpy as np
import tinygrad_cnn as tg
from tinygrad_cnn.testing import OpCase, strategies
from tinygrad_cnn.testing.suite import run_property

assert False, "this program must run with -O"
bodies = {
    "value": lambda x: (2 * x).astype(np.float32),
    "tensor path": lambda x: 2 * tg.extend.raw(x),
    "float32": lambda x: tg.astype(2 * x, np.float64),
    "deterministic": lambda x: 2 * x,
}
for name, body in bodies.items():
    case = OpCase("double", body, operands=strategies.arrays(), reference=lambda x: 2 * x)
    try:
        run_property(case, name, seed=0, max_examples=20)
    except AssertionError as error:
        print(error)
    else:
        print(name, "holds")
"""


def test_a_property_that_does_not_hold_fails_under_python_o():
    done = subprocess.run([sys.executable, "-O", "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "value: dtype float32, the reference's is float64",
        "a call on tensors returned float64",
        "float32 operands gave float64",
        "deterministic holds",
    ]
