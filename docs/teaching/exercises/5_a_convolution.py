"""Exercise 5: a convolution in one dimension.

``convolve(x, weight)[i] = sum over k of x[i + k] * weight[k]``, for ``x`` of shape (N,) and ``weight`` of
shape (K,); there are N - K + 1 windows. Write the function and both rules. The gradient with respect to
``weight`` is a convolution again, and so is the one with respect to ``x``, of a padded array with a flipped
kernel. If the rules are made of operations (``convolve`` itself, ``tg.flip``, ``tg.pad``), they can be
differentiated too.
"""

import tinygrad_cnn as tg


@tg.primitive
def convolve(x, weight):
    raise NotImplementedError


def rule_of_x(g, weight):
    raise NotImplementedError


def rule_of_weight(g, x):
    raise NotImplementedError


convolve.defvjp(x=rule_of_x, weight=rule_of_weight)
