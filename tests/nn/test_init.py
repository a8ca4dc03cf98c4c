"""Initial values of weights: their distribution, and that a seed decides them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tinygrad_cnn import nn

RNG = np.random.default_rng


def sample_of(init, shape, n=200):
    rng = RNG(0)
    return np.stack([init(rng, shape) for _ in range(n)])


@pytest.mark.parametrize("shape", [(40, 30), (12, 5, 3, 2)])
@pytest.mark.parametrize(
    ("init", "variance", "uniform"),
    [
        (nn.init.he_normal, lambda i, o: 2 / i, False),
        (nn.init.he_uniform, lambda i, o: 2 / i, True),
        (nn.init.xavier_normal, lambda i, o: 2 / (i + o), False),
        (nn.init.xavier_uniform, lambda i, o: 2 / (i + o), True),
    ],
)
def test_initial_weights_have_mean_zero_and_the_variance_of_the_paper(init, variance, uniform, shape):
    fan_in, fan_out = (40, 30) if len(shape) == 2 else (5 * 6, 12 * 6)
    expected = variance(fan_in, fan_out)
    sample = sample_of(init, shape)
    n = sample.size  # from 72 000 draws: six standard deviations of mean and variance
    assert abs(sample.mean()) < 6 * np.sqrt(expected / n)
    spread = {False: 2.0, True: 0.8}[uniform]  # variance of the variance, relative, times n
    assert abs(sample.var() / expected - 1) < 6 * np.sqrt(spread / n)
    bound = np.sqrt(3 * expected)
    if uniform:
        assert 0.999 * bound < np.abs(sample).max() <= bound
    else:
        assert 0.30 < (np.abs(sample) > np.sqrt(expected)).mean() < 0.335  # of a normal: 0.317


def test_the_variance_of_a_layer_is_that_of_what_one_output_sums():
    conv, _ = nn.Conv2d(3, 400, (5, 4)).init(RNG(0), dtype=np.float64)
    assert_allclose(conv["weight"].var(), 2 / (3 * 5 * 4), rtol=0.05)
    dense, _ = nn.Dense(300, 200).init(RNG(0), dtype=np.float64)
    assert_allclose(dense["weight"].var(), 2 / 300, rtol=0.05)
    grouped, _ = nn.Conv2d(8, 400, 3, groups=4).init(RNG(0), dtype=np.float64)
    assert_allclose(grouped["weight"].var(), 2 / (2 * 9), rtol=0.05)  # one output sums two channels
    for params in (conv, dense, grouped):
        assert not params["bias"].any()


def test_a_seed_gives_the_same_network_in_every_dtype_and_another_seed_another():
    layer = nn.Conv2d(2, 3, 3)
    wide, narrow = (layer.init(RNG(5), dtype=dtype)[0]["weight"] for dtype in (np.float64, np.float32))
    assert_array_equal(wide.astype(np.float32), narrow, strict=True)
    assert (layer.init(RNG(6))[0]["weight"] != narrow).all()


def test_a_layer_may_be_given_another_initialiser():
    layer = nn.Dense(4, 3, weight_init=lambda rng, shape: np.full(shape, 7.0))
    assert_array_equal(layer.init(RNG(0))[0]["weight"], np.full((4, 3), 7.0, np.float32), strict=True)


def test_fans_of_a_vector_are_refused():
    with pytest.raises(ValueError, match=r"expected a weight of two axes or more, got shape \(3,\)"):
        nn.init.fans((3,))
