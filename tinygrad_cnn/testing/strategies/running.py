"""Whole calls of an operation, and the run of a check on drawn examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import hypothesis
from hypothesis import strategies as st

from ..cases import Call
from .values import SEEDS, drawable

__tracebackhide__ = True  # pytest shows the user's lines, and leaves out those of this module

# Explaining a failure by the lines that it runs takes minutes, and the lines are those of the tape.
_PHASES = [phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain]

__all__ = ["calls", "for_all"]


@st.composite
def calls(draw: st.DrawFn, operands: Any, params: Any = None) -> Call:
    """Draw whole calls: the operands, and the keywords that go with them.

    Parameters
    ----------
    operands : strategy or tuple of strategy
        A strategy of an array, of a tuple of operands, or of a `Call`, which is left as it is; or a tuple
        with one strategy for each operand.
    params : dict of str to strategy, or callable, optional
        The strategies of the keywords. A callable is given the operands and returns the dict.

    Returns
    -------
    strategy of Call
        The strategy of the calls.

    Examples
    --------
    >>> from hypothesis import find
    >>> from tinygrad_cnn.testing.strategies import arrays, axes
    >>> summed = calls(arrays((2, 3)), lambda x: {"axis": axes(x.ndim)})
    >>> find(summed, lambda call: call.params["axis"] == 1).operands[0].shape
    (2, 3)
    """
    drawn = tuple(map(draw, operands)) if isinstance(operands, tuple) else draw(operands)
    if isinstance(drawn, Call):
        return drawn
    drawn = drawn if isinstance(drawn, tuple) else (drawn,)
    chosen: Mapping[str, Any] = params(*drawn) if callable(params) else params or {}
    return Call(drawn, {name: draw(drawable(strategy)) for name, strategy in chosen.items()})


def for_all(
    name: str,
    strategy: st.SearchStrategy[Any],
    check: Callable[[Any, int], None],
    *,
    seed: int | None = None,
    max_examples: int | None = None,
) -> None:
    """Run a check on drawn examples, each with a seed of its own for what the check draws itself.

    Parameters
    ----------
    name : str
        An identifier under which hypothesis remembers failing examples.
    strategy : strategy
        The strategy of the examples.
    check : callable
        A function of an example and a seed, which raises if something does not hold.
    seed, max_examples : int, optional
        The seed and the number of examples of a run that is the same each time and does not shrink, as a
        count of caught faults needs. By default the hypothesis profile decides.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_cnn.testing.strategies import arrays
    >>> for_all("squares", arrays(), lambda x, seed: np.testing.assert_array_equal(x * x >= 0, True))
    """

    def holds(example: Any, check_seed: int) -> None:
        check(example, check_seed)

    holds.__name__ = holds.__qualname__ = name
    test = hypothesis.given(strategy, SEEDS)(holds)
    # There is no deadline: the first call of an operation may be slow, and building arrays is.
    # And one wrong rule is one failure, however many errors it leads to.
    quiet = hypothesis.settings(
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        report_multiple_bugs=False,
        phases=_PHASES,
    )
    if seed is None:
        quiet(test)()
        return
    fixed = hypothesis.settings(
        quiet,
        database=None,
        phases=[hypothesis.Phase.generate],
        max_examples=max_examples or 100,
    )
    hypothesis.seed(f"{name} {seed}")(fixed(test))()  # the name gives each property other examples
