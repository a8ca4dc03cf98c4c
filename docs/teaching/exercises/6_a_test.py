"""Exercise 6: a test that notices.

The rules of ``smooth_hinge`` are right, and the test below passes. It would pass for many wrong rules too:
the grader plants faults in the rules, one after the other, and lists those that the test does not notice.
Write a better test. ``check_grads`` is a good beginning. Which points, shapes and cotangents does a wrong
rule need to show itself?
"""

import tinygrad_cnn as tg
from tinygrad_cnn.testing import check_grads


@tg.primitive(broadcasts=True)
def smooth_hinge(x, width):
    """Zero for negative ``x``, a parabola up to ``width``, and a straight line above."""
    inside = x.clip(0, width)
    return inside**2 / 2 + width * (x - inside) * (x > 0)


def rule_of_x(g, x, width):
    return g * tg.clip(x, 0.0, width)


def rule_of_width(g, x, width):
    return g * tg.relu(x - width)


smooth_hinge.defvjp(x=rule_of_x, width=rule_of_width)


def test():
    assert tg.grad(smooth_hinge)(3.0, 1.0) == 1.0
    check_grads(lambda x: smooth_hinge(x, 1.0), 0.5)
