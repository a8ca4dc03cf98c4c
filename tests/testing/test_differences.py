import numpy as np
import pytest

from tinygrad_cnn.testing.differences import slope

EPS = 2.0**-52


def at(function, point):
    """The slope of a function of one number."""

    def moved(t):
        with np.errstate(all="ignore"):
            return np.array([function(point + t)])

    here = moved(0.0)
    return slope(moved, here, EPS * np.abs(here), EPS)


@pytest.mark.parametrize(
    ("function", "point", "derivative"),
    [
        (np.exp, 1.0, np.e),
        (np.sin, 0.0, 1.0),
        (np.cos, 0.0, 0.0),
        (lambda t: t**5, 0.0, 0.0),
        (lambda t: 1e-7 * t, 1.0, 1e-7),
        (lambda t: 1 + 1e-7 * t, 1.0, 1e-7),
        (lambda t: t * abs(t), 0.0, 0.0),  # once differentiable is enough
        (np.log, 1e-4, 1e4),  # the first steps leave the domain
        (lambda t: np.sin(1e4 * t), 0.0, 1e4),  # the first steps are longer than a period
        (lambda t: abs(t - 1e-4), 0.0, -1.0),  # a kink within the first steps
    ],
)
def test_slopes_are_as_exact_as_they_say(function, point, derivative):
    found = at(function, point)
    assert not found.kink.any()
    assert abs(found.value[0] - derivative) <= found.error[0] + 4 * EPS * abs(derivative)
    assert found.error[0] <= 1e-5 * abs(derivative) + 1e-7


@pytest.mark.parametrize(
    ("function", "left", "right"),
    [(np.abs, -1, 1), (lambda t: max(t, 0), 0, 1), (lambda t: max(t, 0) + t**2 + 3 * t, 3, 4)],
)
def test_kinks_are_found_with_both_slopes(function, left, right):
    found = at(function, 0.0)
    assert found.kink.all()
    assert found.left[0] == pytest.approx(left, abs=1e-8)
    assert found.right[0] == pytest.approx(right, abs=1e-8)


@pytest.mark.parametrize("function", [np.sign, np.sqrt, lambda t: np.sign(t) * np.sqrt(np.abs(t))])
def test_no_slope_is_claimed_where_there_is_none(function):
    assert at(function, 0.0).kink.all()


def test_what_is_0_in_the_middle_is_rounded_beside_it():
    rng = np.random.default_rng(0)
    for a, b, c in rng.uniform(-0.1, 0.1, (200, 3)):
        found = at(lambda t, a=a, b=b, c=c: (1 / 32 + t * a) * (t * b) * (t * c), 0.0)
        assert abs(found.value[0]) <= found.error[0]
