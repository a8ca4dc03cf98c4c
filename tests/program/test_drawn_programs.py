"""Programs of drawn compositions play bit for bit what the functions compute, to the second order in all."""

import operator

import numpy as np
from hypothesis import given, note, settings
from hypothesis import strategies as st
from played import Orders, assert_plays

import tinygrad_cnn as tg

SIDE = 3  # all arrays are square, so that each may follow each


def changed_in_place(x, y):
    z = x * 2
    z += y
    z *= x
    z -= 1
    return z


def through_a_tree(x, y):
    both = tg.tree.map(tg.tanh, {"a": x, "b": [y, None]})
    return both["a"] - both["b"][0]


ONE = {
    "tanh": tg.tanh,
    "sin by NumPy": np.sin,
    "exp": lambda x: tg.exp(-abs(x)),
    "relu": tg.relu,
    "square": lambda x: x**2,
    "sum": lambda x: x.sum(0, keepdims=True) + x,
    "softmax": lambda x: tg.softmax(x, 1),
    "max": lambda x: x / (1 + tg.max(x * x)),
    "transpose": lambda x: x.T,
    "rows": lambda x: tg.stack(list(x))[::-1],
    "sort": lambda x: tg.sort(x, 0),
    "stopped": lambda x: x * tg.stop_gradient(x),
    "checkpoint": tg.checkpoint(lambda x: tg.cos(x) * x),
    "gradient": tg.grad(lambda x: tg.sum(tg.sigmoid(x) * x)),
    "triangle": tg.tril,
    "twice": lambda x: x + x,
}
TWO = {
    "add": operator.add,
    "multiply": operator.mul,
    "over": lambda x, y: x / (1 + y * y),
    "product": lambda x, y: x @ y / SIDE,
    "maximum": tg.maximum,
    "where": lambda x, y: tg.where(x > y, x * y, y),
    "in place": changed_in_place,
    "tree": through_a_tree,
    "column": lambda x, y: x - y[:, :1],
    "jvp": lambda x, y: tg.jvp(tg.sin, [x], [y])[1],
}


INSIDE = {"gradient": 1, "jvp": 2}  # orders of derivatives that are a part of the function


@st.composite
def functions(draw):
    """Draw a function of two arrays, and the highest order to test: steps from any earlier results."""
    steps = []
    for count in range(2, 2 + draw(st.integers(1, 5))):
        earlier = st.integers(0, count - 1)
        one = st.tuples(st.sampled_from(sorted(ONE)), earlier)
        two = st.tuples(st.sampled_from(sorted(TWO)), earlier, earlier)
        steps.append(draw(one | two))
    last = len(steps) + 1
    returned = draw(st.lists(st.integers(0, last), max_size=2))

    def function(arrays):
        values = list(arrays)
        for name, *places in steps:
            values.append((ONE | TWO)[name](*(values[i] for i in places)))
        return {"last": values[-1], "others": [values[i] + 0 for i in returned]}

    note(f"{steps}, of which {returned} are returned too")
    return function, 2 - max(INSIDE.get(name, 0) for name, *_ in steps)


@settings(max_examples=40)
@given(functions(), st.integers(0, 99), st.sampled_from([np.float32, np.float64]))
def test_a_drawn_function_plays_what_it_computes(drawn, seed, dtype):
    function, highest = drawn
    rng = np.random.default_rng(seed)
    arrays = [rng.integers(-4, 5, (SIDE, SIDE)).astype(dtype) / 4 for _ in range(2)]  # some are 0, some tie
    orders = Orders(function, arrays, [0, 1], rng)
    for order in range(highest + 1):
        assert_plays(*orders.of(order, 1.0), orders.of(order, 0.5)[1], orders.of(order, -1.0)[1])
