"""The verdicts of the properties, raised explicitly: ``python -O`` removes ``assert`` statements."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tape import raw

__tracebackhide__ = True  # pytest shows the user's lines, and leaves out those of this module

_EPS = float(np.finfo(np.float64).eps)


def require(holds: Any, complaint: str) -> None:
    """Raise an AssertionError unless the condition holds."""
    if not holds:
        raise AssertionError(complaint)


def require_same(found: Any, expected: Any, what: str) -> None:
    """Raise an AssertionError unless two values have the same shape, dtype and elements."""
    found, expected = np.asarray(raw(found)), np.asarray(raw(expected))
    require(found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}")
    require(found.dtype == expected.dtype, f"{what}: dtype {found.dtype}, expected {expected.dtype}")
    np.testing.assert_array_equal(found, expected, err_msg=what)


def require_close(found: Any, expected: Any, what: str, terms: float = 0.0) -> None:
    """Raise an AssertionError unless two values are equal but for the order in which terms were added.

    That is ``n * eps`` of the largest term, with n in the tens; ``terms`` is a size that some terms may have.
    """
    found, expected = np.asarray(raw(found)), np.asarray(raw(expected))
    require(found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}")
    largest = max(float(np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))), terms)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=256 * _EPS * largest, err_msg=what)
