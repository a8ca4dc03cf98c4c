"""The average follows its formula, in place."""

import numpy as np
import pytest

from tinygrad_cnn.train import MovingAverage


def test_it_follows_the_formula_and_takes_integers_as_they_are():
    rng = np.random.default_rng(0)
    start = {"w": rng.standard_normal(3).astype(np.float32), "n": np.array(7)}
    average = MovingAverage(0.5, start)
    expected = start["w"].astype(float)
    arrays = average.values["w"]
    for n in range(1, 30):
        value = rng.standard_normal(3).astype(np.float32)
        average.update({"w": value, "n": np.array(n)})
        decay = min(0.5, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * value
        np.testing.assert_allclose(average.values["w"], expected, rtol=1e-5)
        assert average.values["n"] == n
    assert average.values["w"] is arrays
    assert arrays.dtype == np.float32
    assert start["n"] == 7


@pytest.mark.parametrize("decay", [1, -0.1, np.nan, "x"])
def test_other_decays_are_refused(decay):
    with pytest.raises((ValueError, TypeError), match="MovingAverage: decay"):
        MovingAverage(decay, {})
