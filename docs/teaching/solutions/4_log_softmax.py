"""Exercise 4, solved: subtracting the largest score changes nothing but the size of the numbers."""

import numpy as np

import tinygrad_cnn as tg


@tg.primitive
def log_softmax(x):
    below = x - x.max(-1, keepdims=True)
    return below - np.log(np.exp(below).sum(-1, keepdims=True))


def rule(g, out):
    return g - tg.exp(out) * tg.sum(g, -1, keepdims=True)


log_softmax.defvjp(x=rule)
