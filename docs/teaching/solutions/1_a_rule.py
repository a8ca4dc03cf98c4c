"""Exercise 1, solved: (x / (1 + |x|))' = 1 / (1 + |x|)**2 on both sides of zero."""

import numpy as np

import tinygrad_cnn as tg


@tg.primitive
def softsign(x):
    return x / (1 + np.abs(x))


def rule(g, x):
    return g / (1 + tg.abs(x)) ** 2


softsign.defvjp(x=rule)
