"""Grade the exercises: ``python docs/teaching/grade.py FILE ...``.

The first digit in a file's name says which exercise it answers. The exit status is 0 if all of them are
right.
"""

import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_cnn as tg
from tinygrad_cnn.testing import check_grads, survivors

Check = tuple[str, Callable[[], Any]]
RNG = np.random.default_rng(0)


def same(got: Any, expected: Any) -> None:
    """Raise an error that shows both, unless they are the same to rounding."""
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12, strict=True)


def a_rule(answer: dict[str, Any]) -> Iterator[Check]:
    """Exercise 1: softsign."""
    softsign, x = answer["softsign"], np.array([-3.0, -0.5, 0.25, 2.0])
    yield "the slope at 1 is 1/4", lambda: same(tg.grad(softsign)(1.0), np.array(1 / 4))
    yield "the slope at -3 is 1/16", lambda: same(tg.grad(softsign)(-3.0), np.array(1 / 16))
    yield "the rule agrees with differences", lambda: check_grads(softsign, x, order=1)
    yield "the rule can be differentiated too", lambda: check_grads(softsign, x)


def a_broadcast(answer: dict[str, Any]) -> Iterator[Check]:
    """Exercise 2: scaled."""
    scaled, x, scale = answer["scaled"], RNG.normal(size=(4, 3)), RNG.normal(size=3)
    yield "the rule of x is right", lambda: check_grads(scaled, x, scale, order=1, constant=["scale"])
    yield "the rule of scale is right", lambda: check_grads(scaled, x, scale, order=1, constant=["x"])
    yield "a single row is right as well", lambda: check_grads(scaled, x[:1], scale, order=1)
    yield "the rules can be differentiated too", lambda: check_grads(scaled, -x, scale + 1)


def backward_by_hand(answer: dict[str, Any]) -> Iterator[Check]:
    """Exercise 3: the backward pass, which is compared with the one that the tape derives."""
    p = {
        "w1": RNG.normal(size=(3, 5)),
        "b1": RNG.normal(size=5),
        "w2": RNG.normal(size=(5, 2)),
        "b2": np.ones(2),
    }
    x, y = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2))
    derived = tg.grad(answer["forward"])(p, x, y)
    for name in reversed(p):  # in the order of the way back
        yield (
            f"the gradient to {name} is right",
            lambda name=name: same(answer["backward"](p, x, y)[name], derived[name]),
        )


def log_softmax(answer: dict[str, Any]) -> Iterator[Check]:
    """Exercise 4: the logarithm of softmax."""
    op, x = answer["log_softmax"], RNG.normal(size=(3, 4))
    yield "the probabilities add up to 1", lambda: same(np.exp(op(x)).sum(-1), np.ones(3))
    yield "scores of a thousand are no trouble", lambda: same(op(1000 + x), op(x))
    yield "the rule agrees with differences", lambda: check_grads(op, x, order=1)
    yield "the rule can be differentiated too", lambda: check_grads(op, -x)


def a_convolution(answer: dict[str, Any]) -> Iterator[Check]:
    """Exercise 5: convolve."""
    op, x, weight = answer["convolve"], RNG.normal(size=7), RNG.normal(size=3)
    by_hand = np.array([x[i] * weight[0] + x[i + 1] * weight[1] + x[i + 2] * weight[2] for i in range(5)])
    yield "the values are right", lambda: same(op(x, weight), by_hand)
    yield "the rule of x is right", lambda: check_grads(op, x, weight, order=1, constant=["weight"])
    yield "the rule of weight is right", lambda: check_grads(op, x, weight, order=1, constant=["x"])
    yield "a kernel of one element is right as well", lambda: check_grads(op, x, weight[:1], order=1)
    yield "the rules can be differentiated too", lambda: check_grads(op, -x, weight + 1)


def a_test(answer: dict[str, Any]) -> Iterator[Check]:
    """Exercise 6: a test, while faults are planted in the rules of its operation."""
    yield "the test passes while the rules are right", answer["test"]

    def notices() -> None:
        wrong_in_memory_only = {"float64", "float32", "wrong shape", "one buffer for every call"}
        missed = survivors(answer["smooth_hinge"], answer["test"])
        missed = [fault for fault in map(str, missed) if fault.partition(": ")[2] not in wrong_in_memory_only]
        assert not missed, "it does not notice these faults:\n" + "\n".join(missed)

    yield "the test notices every wrong number", notices


EXERCISES = (a_rule, a_broadcast, backward_by_hand, log_softmax, a_convolution, a_test)


def grade(path: Path) -> bool:
    """Print what is right in an answer, up to the first thing that is not, and tell whether all is."""
    print(path.name)
    exercise = EXERCISES[int(path.name[0]) - 1]
    for what, check in exercise(runpy.run_path(str(path))):
        try:
            check()
        except NotImplementedError:
            print(f"  open   {what}: not written yet")
            return False
        except Exception as error:  # whatever is wrong with an answer is what its author wants to read
            print(f"  wrong  {what}:")
            print("         " + f"{type(error).__name__}: {error}".strip().replace("\n", "\n         "))
            return False
        print(f"  right  {what}")
    return True


def main(argv: list[str]) -> int:
    """Grade the files that are named."""
    if not argv:
        print(__doc__.strip())
        return 2
    graded = [grade(Path(name)) for name in argv]
    return 0 if all(graded) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
