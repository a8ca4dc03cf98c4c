"""Each pass over the lines of a program changes what is done, and nothing of what is computed."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from played import bits

import tinygrad_cnn as tg
from tinygrad_cnn import nn, tree
from tinygrad_cnn.ops.activations import relu
from tinygrad_cnn.ops.pool import max_pool2d_output
from tinygrad_cnn.program.passes import PASSES
from tinygrad_cnn.program.played.play import Player
from tinygrad_cnn.program.played.rewriting import SPEED, relu_after_pool
from tinygrad_cnn.program.program import record

NETWORK = nn.Sequential(
    nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dense(4 * 64, 3)
)  # fmt: skip


def loss(params, x, labels):
    logits, _ = NETWORK(params, {}, x, train=True)
    return tg.cross_entropy(logits, labels)


def arguments(seed, images=8):
    rng = np.random.default_rng(seed)
    params, _ = NETWORK.init(np.random.default_rng(0))
    x = rng.standard_normal((images, 1, 16, 16)).astype(np.float32)
    return params, x, rng.integers(0, 3, images)


@pytest.fixture(scope="module")
def program():
    return record(tg.value_and_grad(loss), arguments(0), {})


@pytest.mark.parametrize("left_out", [None, *PASSES, *SPEED], ids=lambda f: getattr(f, "__name__", "none"))
def test_a_program_plays_the_same_without_a_pass(program, left_out):
    passes = [change for change in (*PASSES, *SPEED) if change is not left_out]
    played = Player(program.through(passes), binds=False)
    given = arguments(1)
    assert bits(played(*tree.leaves((given, {})))) == bits(tg.value_and_grad(loss)(*given))


@pytest.mark.parametrize("change", PASSES, ids=lambda f: f.__name__)
def test_a_pass_leaves_lines_out(change):
    def f(x):
        both = tg.value_and_grad(lambda x: tg.sum(tg.stop_gradient(x) * tg.broadcast_to(x, (3,))))
        return both(x)[1] + 1, tg.grad(lambda x: tg.sum(2 * x))(x)

    program = record(f, (np.ones(3),), {})
    before = [other for other in PASSES if other is not change]
    fewer, more = (len(program.through(passes).lines) for passes in (PASSES, before))
    assert fewer < more


def functions(program):
    return [line.function for line in program.lines]


def test_the_rectifier_follows_the_pooling_where_it_is_large(program):
    assert functions(program).index(relu) < functions(program).index(max_pool2d_output)
    changed = program.through([*PASSES, relu_after_pool])
    assert functions(changed).index(relu) > functions(changed).index(max_pool2d_output)
    assert len(changed.lines) < len(program.through(PASSES).lines)
    small = record(loss, arguments(0, images=1), {}).through([relu_after_pool])
    assert functions(small).index(relu) < functions(small).index(max_pool2d_output)


@given(
    st.sampled_from([(2, 2), (3, 2), (3, 1), (2, 3)]),
    st.sampled_from([0.0, 0.01, 0.3]),
    st.sampled_from([np.nan, np.inf, -np.inf]),
    st.integers(0, 99),
)
def test_pooling_before_the_rectifier_is_exact(window, share, value, seed):
    kernel, stride = window
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, (2, 3, 30, 30)).astype(np.float32)
    x[rng.random(x.shape) < share] = value

    def slope(x, g):
        y, pullback = tg.vjp(lambda x: tg.max_pool2d(tg.relu(2 * x), kernel, stride=stride), x)
        return y, pullback(g)

    g = rng.standard_normal(tg.max_pool2d(x, kernel, stride=stride).shape).astype(np.float32)
    compiled = tg.compile(slope)
    for _ in range(2):
        for found, expected in zip(tree.leaves(compiled(x, g)), tree.leaves(slope(x, g)), strict=True):
            np.testing.assert_array_equal(found, expected)
    assert max_pool2d_output in functions(compiled.programs[0].player.program)


def test_a_played_step_allocates_none_of_its_large_arrays():
    optimizer = tg.optim.SGD(arguments(0)[0], lr=0.1, momentum=0.9)
    _, x, labels = arguments(0, images=256)

    def step(optimizer, x, labels):
        value, grads = tg.value_and_grad(loss)(optimizer.params, x, labels)
        optimizer.step(grads)
        return value

    compiled = tg.compile(step)
    for _ in range(3):
        compiled(optimizer, x, labels)
    tracemalloc.start()
    try:
        compiled(optimizer, x, labels)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        compiled(optimizer, x, labels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    largest = 256 * 4 * 16 * 16 * 4  # bytes, of the first convolution's output
    assert peak - before < largest / 8  # NumPy casts in a buffer of 64 KiB
