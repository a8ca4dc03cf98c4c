"""Medians and quantiles."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.testing import ErrorCase, strategies

from .draws import axes_of, axes_of_something, distinct_arrays
from .million import X
from .record import ByHand, record
from .written import ops

METHODS = ["linear", "lower", "higher", "midpoint", "nearest"]


def asked(x, scale=1.0):
    """Draw axes, shares that are no rounding away from an element, and how to choose between two."""
    share = st.sampled_from([0.0, 0.25, 0.3, 0.5, 0.9, 1.0]).map(lambda q: q * scale)
    shares = share | st.lists(share, min_size=1, max_size=2).map(np.array)
    return {"q": shares, "method": st.sampled_from(METHODS), **axes_of_something(x)}


def over_axes(torch, x, q, axis, keepdims, method):
    """Reduce the axes as one, which PyTorch takes one of."""
    axes = sorted(a % x.ndim for a in axes_of(axis, x.ndim))
    merged = torch.movedim(x, axes, list(range(len(axes))))
    merged = merged.reshape(-1, *merged.shape[len(axes) :])
    # PyTorch takes no array of two axes without elements in one
    found = torch.quantile(merged, torch.as_tensor(q, dtype=x.dtype), dim=0, interpolation=method)
    if not keepdims:
        return found
    kept = [1 if i in axes else n for i, n in enumerate(x.shape)]
    return found.reshape((*found.shape[: found.ndim - merged.ndim + 1], *kept))


def median_in_torch(torch, x, axis, keepdims):
    return over_axes(torch, x, 0.5, axis, keepdims, "linear")


def percentile_in_torch(torch, x, q, axis, keepdims, method):
    return over_axes(torch, x, q / 100, axis, keepdims, method)


def in_the_dtype_of(theirs):
    """An array of shares widens what NumPy returns; here they do not take part in the promotion of dtypes."""

    def narrow(x, q, method, **params):
        dtype = theirs(np.zeros(1, x.dtype), 0.5, method=method).dtype
        return np.asarray(theirs(x, q, method=method, **params)).astype(dtype)

    return narrow


def middle(x, g):
    order = np.argsort(x, 1)[:, 499:501]
    dx = np.zeros_like(x)
    np.put_along_axis(dx, order, g[:, None] / 2, 1)
    return np.median(x, 1), dx


def rows_of(name, q):
    return ByHand((X,), middle, lambda x: getattr(ops, name)(x, *q, axis=1))


OUTSIDE = ErrorCase((np.ones(3), [0.5, 1.5e3]), ValueError, says=("q: expected",))
OF_NOTHING = {"size 0": "NumPy fails for several axes, where this returns nothing"}
RECORDS = [
    record(
        "median",
        operands=distinct_arrays(strategies.shapes(min_side=1)),
        params=axes_of_something,
        reference=np.median,
        skip=OF_NOTHING,
        torch=median_in_torch,
        by_hand=[rows_of("median", ())],
    ),
    record(
        "quantile",
        operands=distinct_arrays(strategies.shapes(min_side=1)),
        params=asked,
        reference=np.quantile,
        numpy=in_the_dtype_of(np.quantile),
        errors=[OUTSIDE, ErrorCase((np.ones((2, 0)), 0.5), ValueError)],
        skip=OF_NOTHING,
        torch=over_axes,
        by_hand=[rows_of("quantile", (0.5,))],
    ),
    record(
        "percentile",
        operands=distinct_arrays(strategies.shapes(min_side=1)),
        params=lambda x: asked(x, 100.0),
        reference=np.percentile,
        numpy=in_the_dtype_of(np.percentile),
        errors=[OUTSIDE],
        skip=OF_NOTHING,
        torch=percentile_in_torch,
        by_hand=[rows_of("percentile", (50,))],
    ),
]
