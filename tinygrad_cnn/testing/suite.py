"""`conformance`: from one `OpCase` a test for each property, which pytest collects."""

from __future__ import annotations

from collections.abc import Callable

from .cases import Call, OpCase
from .drawn import drawn_calls
from .properties import has_empty, properties_of
from .refusals import check_error_case

__tracebackhide__ = True  # pytest shows the user's lines, and leaves out those of this module

__all__ = ["check_property", "conformance", "run_property"]


def conformance(case: OpCase) -> Callable[..., None]:
    """Make a test of an operation that pytest collects as one item for each property.

    The number of examples follows the hypothesis profile, and they are the same in each run. Where one fails,
    hypothesis draws more, and shows the simplest that fails. The properties are: the value is that of the
    reference; the tensor path equals the ndarray path bit for bit; first and higher derivatives are right;
    jvp agrees with differences; recorded and unrecorded gradients agree; gradients are linear in the
    cotangent; in an elementwise operation, elements that are not used do not matter; nothing is mutated;
    float32 stays float32; every memory layout and size 0 work; gradients are writable, unshared, and left
    alone by a second call; calls are deterministic, also pickled and in threads; errors name the shapes.

    Parameters
    ----------
    case : OpCase
        The operation.

    Returns
    -------
    callable
        The test, to be assigned to a name that begins with ``test_``.

    Examples
    --------
    >>> from tinygrad_cnn import sin
    >>> from tinygrad_cnn.testing import strategies
    >>> test_sin = conformance(OpCase("sin", sin, operands=strategies.arrays(), order=3))
    >>> test_sin("order 3")
    """
    import pytest

    @pytest.mark.parametrize("checked", list(properties_of(case)))
    def test(checked: str) -> None:
        try:
            _check_and_simplify(case, checked)
        except TypeError as error:
            # A missing rule is one failure, and "order 1" reports it.
            if checked == "order 1" or "it has no gradient rule" not in str(error):
                raise
            pytest.skip(f"needs a rule that is missing: {error}")

    test.__name__ = test.__qualname__ = f"test_{case.name}"
    test.__doc__ = f"Conformance of the operation '{case.name}'."
    collected: Callable[..., None] = test
    return collected


def run_property(
    case: OpCase, name: str, *, seed: int | None = None, max_examples: int | None = None
) -> None:
    """Run one property of a case on drawn calls.

    Parameters
    ----------
    case : OpCase
        The operation.
    name : str
        The name of the property, a key of `properties_of`.
    seed, max_examples : int, optional
        The seed and the number of examples of a run that is the same each time, as in `strategies.for_all`.

    Examples
    --------
    >>> from tinygrad_cnn import sin
    >>> from tinygrad_cnn.testing import strategies
    >>> run_property(OpCase("sin", sin, operands=strategies.arrays()), "deterministic")
    """
    from . import strategies

    check = properties_of(case)[name]
    calls = strategies.calls(case.operands, case.params)
    if name == "size 0":
        calls = calls.filter(has_empty)
    _check_refusals(case, name)

    def holds(call: Call, check_seed: int) -> None:
        check(case, call, check_seed)

    strategies.for_all(
        f"{case.name}_{name.replace(' ', '_')}", calls, holds, seed=seed, max_examples=max_examples
    )


def check_property(case: OpCase, name: str, calls: list[tuple[Call, int]]) -> None:
    """Check one property of a case on given calls.

    Parameters
    ----------
    case : OpCase
        The operation.
    name : str
        The name of the property, a key of `properties_of`.
    calls : list of (Call, int)
        The calls, each with a seed for what the check draws itself.

    Raises
    ------
    Exception
        What the check or the operation raises, with a note that shows the call.

    Examples
    --------
    >>> from tinygrad_cnn import sin
    >>> check_property(OpCase("sin", sin, operands=None), "order 1", [(Call((0.5,), {}), 0)])
    """
    check = properties_of(case)[name]
    _check_refusals(case, name)
    for call, seed in calls:
        try:
            check(case, call, seed)
        except Exception as error:
            error.add_note(f"'{name}' does not hold for {call}")
            raise


def _check_refusals(case: OpCase, name: str) -> None:
    """Check the wrong calls of a case, which are a part of one property and need no drawn calls."""
    for wrong in case.errors if name == "errors" else ():
        check_error_case(case, wrong)


def _check_and_simplify(case: OpCase, name: str) -> None:
    """Check one property on drawn calls; if it fails, raise what the simplest call that is found raises."""
    from . import strategies  # it needs hypothesis

    drawn = drawn_calls(case, strategies.hypothesis.settings().max_examples)
    try:
        check_property(case, name, drawn.of(name))
    except Exception as error:
        failure = error
    else:
        return
    run_property(case, name)
    raise failure  # hypothesis, with calls of its own, has found none
