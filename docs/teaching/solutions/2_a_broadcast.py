"""Exercise 2, solved: the rows that shared a factor are added up."""

import tinygrad_cnn as tg


@tg.primitive
def scaled(x, scale):
    return x * scale


def rule_of_x(g, scale):
    return g * scale


def rule_of_scale(g, x):
    return tg.sum(g * x, 0)


scaled.defvjp(x=rule_of_x, scale=rule_of_scale)
