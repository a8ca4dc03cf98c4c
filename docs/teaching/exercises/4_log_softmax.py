"""Exercise 4: a formula that is right, and numbers that are not.

``log_softmax(x) = x - log(sum(exp(x)))`` along the last axis of (N, C). Written like that, it is infinite
as soon as a score is above 709. Write a function that is right for any scores, and its rule. The rule may
ask for ``out``, the output, which saves computing it again.
"""

import numpy as np

import tinygrad_cnn as tg


@tg.primitive
def log_softmax(x):
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def rule(g, out):
    raise NotImplementedError


log_softmax.defvjp(x=rule)
