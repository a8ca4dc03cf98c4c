"""The points at which elementwise operations are compared with the truth."""

import mpmath
import numpy as np
import truth

from tinygrad_cnn.testing import floats_between, ulp_errors

BITS = 200  # of the numbers of mpmath


def points(one, dtype, size):
    """Spread points over all magnitudes, crowd them around the places that matter, and draw some."""
    rng = np.random.default_rng(0)
    steps = np.geomspace(1e-16, 0.3, 16)
    around = [np.concatenate([p - steps, [p], p + steps]) for p in one.near]
    drawn = [rng.normal(0, 2, size // 3), rng.uniform(-40, 40, size // 3)]
    x = np.concatenate(
        [floats_between(one.low, one.high, dtype=dtype, size=size), *around, one.found, *drawn]
    )
    x = np.unique(x.astype(dtype)).astype(np.float64)
    x = x[(x >= one.low) & (x <= one.high)].astype(dtype)
    if not one.second:
        return (x,)
    return tuple(np.ravel(each) for each in np.meshgrid(x, np.array(one.second, dtype)))


def measured(name, function, order, dtype, size, of=None):
    """Measure a derivative of a function against one of an operation, by default of the same order."""
    one = truth.TRUTH[name]
    with mpmath.workprec(BITS):
        reference = one.derivatives[order if of is None else of]
        return ulp_errors(function, reference, *points(one, dtype, size), order=order, number=mpmath.mpf)
