"""Derivatives of convolutions up to the third order, in all their options, exactly.

``T(x, w, b, g) = <g, conv(x, w) + b>`` is linear in each of its arguments. Along a line, on which all of them
move at once, it is a cubic polynomial, whose coefficients are values of T at its corners: integers for
integer data. The derivatives that the tape takes, one of the other, must be these integers; each of the six
rules of the triad of primitives takes part.
"""

import itertools
import math

import numpy as np
import pytest
import records
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import tinygrad_cnn as tg
from tinygrad_cnn import grad

EXAMPLES = settings(deadline=None, max_examples=40 if settings.default.max_examples < 1000 else 1000)
CONVOLUTIONS = {r.name: r for r in records.RECORDS if r.name in ("conv1d", "conv2d", "conv_transpose2d")}


def check_line(op, form, start, direction):
    """``form`` along a line, differentiated three times, against its values at the corners.

    ``op(x, w, b)`` is the operation on the tape, ``form(x, w, b, g)`` the same form by naive loops; in both
    ``b`` may be missing.
    """

    def along(t):
        *operands, g = (a + t * b for a, b in zip(start, direction, strict=True))
        return tg.sum(g * op(*operands))

    # coefficient k: all ways to take k of the operands from the direction; <g, conv> and <g, b> apart
    (x, w, *b, g), (dx, dw, *db, dg) = start, direction
    expected = [0.0] * 4
    for choice in itertools.product((0, 1), repeat=3):
        corner = [pair[i] for pair, i in zip(((x, dx), (w, dw), (g, dg)), choice, strict=True)]
        expected[sum(choice)] += form(*corner)
    for bias, d_bias in zip(b, db, strict=True):
        for choice in itertools.product((0, 1), repeat=2):
            spread = (bias, d_bias)[choice[0]].reshape(1, -1, *(1,) * (g.ndim - 2))
            expected[sum(choice)] += np.sum((g, dg)[choice[1]] * spread)
    value = along
    for order in range(4):
        assert value(0.0) == math.factorial(order) * expected[order], f"order {order}"
        value = grad(value)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_derivatives_to_the_third_order_are_exact(name):
    case = CONVOLUTIONS[name].case

    @EXAMPLES
    @given(CONVOLUTIONS[name].calls, st.sampled_from("CF"), st.integers(0, 2**16))
    def exact(call, order, seed):
        rng = np.random.default_rng(seed)
        x, w, *bias = (operand.shape for operand in call.operands if operand is not None)

        def op(x, w, b=None):
            return case.function(x, w, b, **call.params)

        def form(x, w, g):
            return np.sum(g * case.reference(x, w, None, **call.params))

        shapes = [x, w, *bias, op(np.zeros(x), np.zeros(w)).shape]
        start, direction = (
            [np.array(rng.integers(-3, 4, shape), dtype=float, order=order) for shape in shapes] for _ in "12"
        )
        assert_array_equal(op(*start[:2]), case.reference(*start[:2], None, **call.params))
        check_line(op, form, start, direction)

    exact()
