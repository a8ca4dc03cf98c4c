"""What every optimizer does: bind parameters, collect gradients, keep the state and count the steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from .. import tree
from ..checks import within
from ..tape import Box, Leaf, raw
from .binding import Binding
from .gradients import in_order
from .parameters import bindable
from .schedules import Constant

__all__ = ["Optimizer"]

Schedule = Callable[[int], float]
State = dict[str, np.ndarray]


class _Slot(NamedTuple):
    """One parameter with all that belongs to it."""

    path: str
    leaf: Any
    param: np.ndarray
    state: State


class Optimizer:
    """The part that optimizers share. A subclass defines `update`, and `init` if it remembers anything.

    An optimizer is bound to the arrays it is given and updates these very arrays in place, off the tape. To
    load other values, write them into the arrays with `tinygrad_cnn.tree.copy_into`; an array that is put in
    the place of another is found by the next step, which raises.

    What it remembers is `state`: a tree of the structure of the parameters, with a dict of named arrays for
    each. It is saved like any tree of arrays, and loaded by ``copy_into(optimizer.state, saved)``. Together
    with the parameters and ``steps``, which schedules follow, it is all that a training run needs to go on as
    if it had not stopped. A copy by `copy.deepcopy` or `pickle` goes on in the same way, with parameters of
    its own in ``params``; one by `copy.copy` has a state of its own, and updates the same parameters.

    To freeze parameters, pass the optimizer only the part of the tree that shall move, or pass None in the
    place of the gradients that shall do nothing. Such a parameter keeps its values and all that is remembered
    of it, bit by bit. `stop_gradient` is not enough: it makes the gradient zero, and with a gradient of zero
    weight decay and momentum still move the values.

    Parameters
    ----------
    params : tree of ndarray or Tensor
        The writable floating arrays, or the leaf tensors, to update. No two share memory, which would be
        updated twice: what a model uses in two places has one place in the tree.
    lr : float or callable
        The learning rate, or a schedule ``step -> rate`` that is asked with 0 first.

    Attributes
    ----------
    steps : int
        The number of steps made so far. It may be assigned, which moves a schedule.

    Examples
    --------
    >>> class Signs(Optimizer):
    ...     def init(self, param):
    ...         return {"total": np.zeros_like(param)}
    ...
    ...     def update(self, param, g, lr, state):
    ...         state["total"] += g
    ...         param -= lr * np.sign(state["total"])
    >>> params = {"w": np.zeros(2)}
    >>> optimizer = Signs(params, lr=0.5)
    >>> optimizer.step({"w": np.array([3.0, -1.0])})
    >>> params, optimizer.state
    ({'w': array([-0.5,  0.5])}, {'w': {'total': array([ 3., -1.])}})

    None freezes what is below it:

    >>> optimizer.step({"w": None})
    >>> params, optimizer.state
    ({'w': array([-0.5,  0.5])}, {'w': {'total': array([ 3., -1.])}})

    Going back to an earlier point, or to one that was saved, is a copy into the arrays:

    >>> saved = {"params": {"w": np.ones(2)}, "state": {"w": {"total": np.zeros(2)}}}
    >>> tree.copy_into({"params": params, "state": optimizer.state}, saved)
    >>> optimizer.steps = 0
    """

    def __init__(self, params: Any, lr: float | Schedule):
        self._params = params
        self._schedule: Schedule = self._checked_schedule(lr)
        found = bindable(type(self).__name__, params)
        self._bind([_Slot(path, leaf, array, self.init(array)) for path, leaf, array in found])
        self.steps = 0

    def _bind(self, slots: list[_Slot]) -> None:
        """Take slots for the parameters, and make the tree of what they remember."""
        structure = tree.structure(self._params)
        self._slots = slots
        self._state = tree.unflatten(structure, [slot.state for slot in slots])
        self._binding = Binding(self._params, self._state)
        self._skeleton = structure.skeleton

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._bind([slot._replace(state=tree.map(np.copy, slot.state)) for slot in self._slots])
        return twin

    def __repr__(self) -> str:
        options = {name: value for name, value in vars(self).items() if name[0] != "_" and name != "steps"}
        told = ", ".join(f"{name}={value!r}" for name, value in {"lr": self._schedule, **options}.items())
        return f"<{type(self).__name__} of {len(self._slots)} parameters after {self.steps} steps: {told}>"

    def _checked_schedule(self, lr: float | Schedule) -> Schedule:
        """Return a schedule as it is, and make one of a number."""
        return lr if callable(lr) else Constant(within(type(self).__name__, "lr", lr, "[0, inf)"))

    @property
    def params(self) -> Any:
        """The tree of parameters that the optimizer was given."""
        return self._params

    @property
    def state(self) -> Any:
        """What is remembered: a tree like ``params``, with a dict of named arrays for each parameter."""
        return self._state

    @property
    def lr(self) -> float:
        """The learning rate of the next step; it may be assigned, a number or a schedule."""
        rate = self._schedule(self.steps)
        if type(rate) is float and 0.0 <= rate < math.inf:  # nearly always
            return rate
        return within(type(self).__name__, f"lr at step {self.steps}", rate, "[0, inf)")

    @lr.setter
    def lr(self, value: float | Schedule) -> None:
        self._schedule = self._checked_schedule(value)

    def init(self, param: np.ndarray) -> State:
        """Make what is remembered of one parameter before its first step; by default nothing.

        A subclass that overrides this sets its options before it calls the constructor of `Optimizer`.

        Parameters
        ----------
        param : ndarray
            The parameter, for its shape, dtype and memory layout.

        Returns
        -------
        dict of str to ndarray
            New arrays by name; a count is an array without axes, so that it can be saved like the others.
        """
        return {}

    def update(self, param: np.ndarray, g: np.ndarray, lr: float, state: State) -> None:
        """Update one parameter, and what is remembered of it, in place.

        Parameters
        ----------
        param : ndarray
            The parameter to change.
        g : ndarray
            The gradient of the parameter, which must not be changed.
        lr : float
            The learning rate of this step.
        state : dict of str to ndarray
            The arrays that `init` made for this parameter, as the last step left them.
        """
        raise NotImplementedError

    def step(self, grads: Any = None) -> None:
        """Update every parameter once.

        Parameters
        ----------
        grads : tree of ndarray, optional
            Gradients in the structure and the shapes of the parameters, where None leaves alone all that is
            below it. By default the ``grad`` that `Tensor.backward` has left in each leaf tensor; a leaf
            without one is not updated.

        Raises
        ------
        ValueError
            If there are no gradients to take, if structures or shapes differ, if an array was replaced since
            the optimizer was made, or if a schedule gives no finite rate. Nothing is updated then.
        TypeError
            If a gradient is not made of real numbers. Nothing is updated then.
        """
        self._binding.check()
        found = self._own_gradients() if grads is None else self._checked(grads)
        self._apply(found)
        self.steps += 1

    def _apply(self, found: Sequence[np.ndarray | None]) -> None:
        """Update the parameters that have a gradient, each with its own."""
        lr = self.lr
        for (_, _, param, state), g in zip(self._slots, found, strict=True):
            if g is not None:
                self.update(param, g, lr, state)

    def bound_step(self, grads: Sequence[np.ndarray]) -> Callable[..., None]:
        """Return a step for gradients like these, which are passed in the order of the parameters.

        It makes the updates of `step` without checking the gradients, which a compiled function has done.
        """

        def step(*grads: np.ndarray) -> None:
            self._binding.check()
            self._apply(grads)
            self.steps += 1

        return step

    def zero_grad(self) -> None:
        """Forget the gradients that `Tensor.backward` has accumulated in the leaf tensors."""
        for slot in self._slots:
            if isinstance(slot.leaf, Box) and isinstance(slot.leaf.node, Leaf):
                slot.leaf.node.grad = None

    def _own_gradients(self) -> list[np.ndarray | None]:
        found = [getattr(slot.leaf, "grad", None) for slot in self._slots]
        if not any(g is not None for g in found):
            raise ValueError(
                "step: no gradients: pass step(grads), or call backward() first, on leaf tensors"
            )
        return found

    def _checked(self, grads: Any) -> list[np.ndarray | None]:
        found: list[np.ndarray | None] = []
        for (path, _, param, _), g in zip(self._slots, in_order(self._skeleton, grads), strict=True):
            if g is None:
                found.append(None)
                continue
            array = g if type(g) is np.ndarray else np.asarray(raw(g))
            if array.shape != param.shape:
                raise ValueError(
                    f"step: '{path}': expected a gradient of shape {param.shape}, got {array.shape}"
                )
            if array.dtype is not param.dtype and array.dtype.kind not in "fiu":
                raise TypeError(f"step: '{path}': expected a real gradient, got {array.dtype}")
            found.append(array)
        return found
