"""Different optimizers for different parts of a tree, chosen by patterns of paths."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import tree
from ..checks import function
from .optimizer import Optimizer

__all__ = ["groups"]


def groups(params: Any, makers: Mapping[str, Callable[[Any], Optimizer] | None]) -> Optimizer:
    """Make one optimizer out of several, each for the parameters whose paths match a pattern.

    Parameters
    ----------
    params : tree of ndarray or Tensor
        The parameters.
    makers : mapping of str to callable or None
        Patterns, in which ``*`` stands for anything and ``?`` for one character, with a function that makes
        the optimizer of the parameters that match, or None to freeze them. Each parameter belongs to the
        first pattern that matches its path, such as ``"conv1.weight"``.

    Returns
    -------
    Optimizer
        One that is bound to the whole tree, with one state and one count of steps. Its ``lr`` is the highest
        of the rates of the groups, and is not assigned: give each group a schedule.

    Raises
    ------
    ValueError
        If a parameter matches no pattern, or a pattern is the first to match no parameter.
    TypeError
        If a function returns no optimizer.

    Examples
    --------
    >>> from tinygrad_cnn import optim
    >>> params = {"body": {"weight": np.ones(2), "bias": np.ones(2)}, "head": np.ones(2)}
    >>> optimizer = groups(
    ...     params,
    ...     {
    ...         "body.*": None,
    ...         "*": lambda part: optim.SGD(part, lr=0.5),
    ...     },
    ... )
    >>> optimizer.step({"body": {"weight": np.ones(2), "bias": np.ones(2)}, "head": np.ones(2)})
    >>> params
    {'body': {'weight': array([1., 1.]), 'bias': array([1., 1.])}, 'head': array([0.5, 0.5])}
    """
    parts: dict[str, dict[str, Any]] = {pattern: {} for pattern in makers}
    for path, leaf in zip(tree.paths(params), tree.leaves(params), strict=True):
        pattern = next((pattern for pattern in makers if fnmatch.fnmatchcase(path, pattern)), None)
        if pattern is None:
            raise ValueError(f"groups: '{path}' matches none of the patterns {', '.join(map(repr, makers))}")
        parts[pattern][path] = leaf
    members = {}
    for pattern, make in makers.items():
        if not parts[pattern]:
            raise ValueError(f"groups: {pattern!r} is not the first to match any of the parameters")
        if make is not None:
            function("groups", repr(pattern), make)
            members[pattern] = make(parts[pattern])
            if not isinstance(members[pattern], Optimizer):
                found = type(members[pattern]).__name__
                raise TypeError(f"groups: {pattern!r}: expected an Optimizer, got {found}")
    return _Groups(params, members)


class _Groups(Optimizer):
    """An optimizer that leaves each parameter to one of several, and a frozen one alone."""

    def __init__(self, params: Any, members: dict[str, Optimizer]) -> None:
        self._members = members
        self._owners = {slot.path: member for member in members.values() for slot in member._slots}
        self._steps = 0
        super().__init__(params, 0.0)
        states = {slot.path: slot.state for member in members.values() for slot in member._slots}
        self._bind([slot._replace(state=states.get(slot.path, {})) for slot in self._slots])

    @property
    def steps(self) -> int:
        """The number of steps so far, which all groups share."""
        return self._steps

    @steps.setter
    def steps(self, value: int) -> None:
        self._steps = value
        for member in self._members.values():
            member.steps = value

    @property
    def lr(self) -> float:
        """The highest rate of the groups at the next step."""
        return max((member.lr for member in self._members.values()), default=0.0)

    @lr.setter
    def lr(self, value: Any) -> None:
        raise AttributeError("the groups have rates of their own: give each a schedule")

    def _apply(self, found: Sequence[np.ndarray | None]) -> None:
        rates = {id(member): member.lr for member in self._members.values()}  # all before the first update
        for slot, g in zip(self._slots, found, strict=True):
            owner = self._owners.get(slot.path)
            if g is not None and owner is not None:
                owner.update(slot.param, g, rates[id(owner)], slot.state)

    def __repr__(self) -> str:
        return f"<groups of {', '.join(f'{name!r}: {member!r}' for name, member in self._members.items())}>"
