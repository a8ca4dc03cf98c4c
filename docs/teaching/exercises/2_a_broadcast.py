"""Exercise 2: what was stretched is added up again.

``scaled(x, scale)`` multiplies each column of ``x``, of shape (N, C), by its own factor; ``scale`` has
shape (C,). NumPy stretches ``scale`` over the N rows. So every factor was used N times, and its gradient is
a sum. Write both rules: each returns an array of the shape of its operand.
"""

import tinygrad_cnn as tg


@tg.primitive
def scaled(x, scale):
    return x * scale


def rule_of_x(g, scale):
    raise NotImplementedError


def rule_of_scale(g, x):
    raise NotImplementedError


scaled.defvjp(x=rule_of_x, scale=rule_of_scale)
