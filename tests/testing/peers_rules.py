"""Run the checker on the gradient rules of other libraries, and print a table of what it finds.

Each function is made a primitive whose rule asks the other library: python tests/testing/peers_rules.py
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import autograd
import autograd.numpy as hnp
import mygrad
import numpy as np

from tinygrad_cnn.extend import check_grads, primitive, raw
from tinygrad_cnn.testing import GradientError, KinkError


class Probe(NamedTuple):
    """A function of a library, where to look, and whether its gradient is right there."""

    library: str
    text: str
    function: Callable
    point: np.ndarray
    right: bool = False


def hips(function):
    """The gradient rule that HIPS autograd has for a function."""

    def rule(g, x):
        gradient, _ = autograd.make_vjp(function)(raw(x))
        return np.asarray(gradient(raw(g)))

    return primitive_of(lambda x: np.asarray(function(x)), rule)


def my(function):
    """The gradient rule that MyGrad has for a function."""

    def rule(g, x):
        tensor = mygrad.tensor(raw(x), constant=False)
        function(tensor).backward(raw(g))
        return np.asarray(tensor.grad)

    return primitive_of(lambda x: function(mygrad.tensor(x, constant=True)).data, rule)


def primitive_of(forward, rule):
    def f(x):
        return forward(x)

    op = primitive(f)
    op.defvjp(x=rule)
    return op


ZEROS, ONES = np.zeros(2), np.array([1.0, 2.0])
THREE = np.array([1.0, 2.0, 4.0], dtype=np.float32)

PROBES = [
    Probe("autograd", "linalg.norm(x) at 0", hips(hnp.linalg.norm), ZEROS),
    Probe(
        "autograd", "where(x >= 0, x, sqrt(-x))", hips(lambda x: hnp.where(x >= 0, x, hnp.sqrt(-x))), ONES[:1]
    ),
    Probe("autograd", "prod([0, 3])", hips(hnp.prod), np.array([0.0, 3.0])),
    Probe("autograd", "std of equal numbers", hips(hnp.std), np.ones(3)),
    Probe("autograd", "sinc(x) at 0", hips(hnp.sinc), np.zeros(1)),
    Probe("autograd", "max(x), float32", hips(hnp.max), THREE),
    Probe("autograd", "mean(x), float32", hips(hnp.mean), THREE),
    Probe("autograd", "var(x), float32", hips(hnp.var), THREE),
    Probe("autograd", "maximum(x, 1.5), float32", hips(lambda x: hnp.maximum(x, np.float32(1.5))), THREE),
    Probe("autograd", "tanh(x)", hips(hnp.tanh), ONES, right=True),
    Probe("autograd", "prod([2, 3])", hips(hnp.prod), np.array([2.0, 3.0]), right=True),
    Probe("mygrad", "linalg.norm(x) at 0", my(mygrad.linalg.norm), ZEROS),
    Probe(
        "mygrad",
        "where(x >= 0, x, sqrt(-x))",
        my(lambda x: mygrad.where(x.data >= 0, x, mygrad.sqrt(-x))),
        ONES[:1],
    ),
    Probe("mygrad", "std of equal numbers", my(mygrad.std), np.ones(3)),
    Probe("mygrad", "prod([0, 3])", my(mygrad.prod), np.array([0.0, 3.0]), right=True),
    Probe("mygrad", "tanh(x)", my(mygrad.tanh), ONES, right=True),
]


def verdict(probe):
    """What the checker says of a probe, in a few words."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # dividing by zero is what some of these rules do
        try:
            check_grads(probe.function, probe.point, order=1)
        except KinkError:
            return "no derivative there; the rule's value is a possible one"
        except GradientError as error:
            lines = [line.split(None, 1) for line in str(error).splitlines()]
            shown = {line[0]: line[1] for line in lines if len(line) == 2}
            return f"wrong: {shown['analytic']}, by differences {float(shown['numeric']):.4g}"
        except TypeError as error:
            return "wrong dtype: " + str(error).rsplit("the rule returned ", 1)[1]
    return "right"


def table():
    """The verdicts, as a table in markdown."""
    rows = [f"| {p.library} | `{p.text}` | {verdict(p)} |" for p in PROBES]
    return "\n".join(["| library | function | the checker says |", "|---|---|---|", *rows])


if __name__ == "__main__":
    print(table())
