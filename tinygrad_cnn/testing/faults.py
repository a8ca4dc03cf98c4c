"""Faults that can be planted in any gradient rule, to see whether the tests of the rule notice them.

They are those of gradient code gone wrong in public frameworks. A test that passes for a wrong rule proves
nothing about the right one.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import numpy as np

from ..ops import expand_dims, flip
from ..tape import Primitive, astype, raw

__all__ = ["Fault", "mutate_rules", "survivors"]

Rule = Callable[..., Any]
Change = Callable[[Rule, dict[str, Any]], Any]


class Fault:
    """A wrong rule, which stands in the place of the right one within a ``with`` block.

    Parameters
    ----------
    what : str
        What is wrong, for messages.
    primitive : primitive
        The operation.
    operand : str
        The operand whose rule is replaced.
    rule : callable
        The wrong rule.

    Examples
    --------
    >>> import tinygrad_cnn as tg
    >>> with Fault("sign", tg.sin, "x", lambda g, x: -g * tg.cos(x)):
    ...     print(tg.grad(tg.sin)(0.0))
    -1.0
    >>> tg.grad(tg.sin)(0.0)
    array(1.)
    """

    def __init__(self, what: str, primitive: Primitive[..., Any], operand: str, rule: Rule) -> None:
        self.what, self.primitive, self.operand, self.rule = what, primitive, operand, rule
        self._right: list[Rule] = []

    def __enter__(self) -> Fault:
        self._right.append(self.primitive.rules[self.operand].function)
        self.primitive.defvjp(**{self.operand: self.rule})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.primitive.defvjp(**{self.operand: self._right.pop()})

    def __str__(self) -> str:
        return f"{self.primitive.name}.{self.operand}: {self.what}"

    __repr__ = __str__


def mutate_rules(op: Primitive[..., Any]) -> list[Fault]:
    """Make the wrong versions of the gradient rules of an operation, one fault in each.

    Parameters
    ----------
    op : primitive
        The operation, which has its rules.

    Returns
    -------
    list of Fault
        For each operand with a rule: a wrong sign, factor, dtype or shape, a term or factor that is missing,
        a swapped operand, a reversed axis, an unexpected memory layout, a changed cotangent, a stale or
        shared buffer, a result that the tape takes for a constant, and so on.

    Examples
    --------
    >>> import tinygrad_cnn as tg
    >>> [fault for fault in mutate_rules(tg.sin) if "sign" in str(fault)]
    [sin.x: sign]
    """
    faults = []
    for operand, rule in list(op.rules.items()):
        for what, plant in FAULTS.items():
            if what != "not summed over broadcast" or op.broadcasts:
                faults.append(Fault(what, op, operand, plant(rule.function)))
        for asked in rule.asks:
            if asked in (*op.operands, "out") and not op.variadic:
                faults += [
                    Fault(
                        f"{asked} taken for {value}", op, operand, plant_constant(asked, value)(rule.function)
                    )
                    for value in (0, 1)
                ]
        for other, its in op.rules.items():
            if other != operand:
                faults.append(Fault(f"the rule of {other}", op, operand, its.function))
    return faults


def survivors(op: Primitive[..., Any], test: Callable[[], Any]) -> list[Fault]:
    """Return the faults in the rules of an operation that a test does not notice.

    Parameters
    ----------
    op : primitive
        The operation.
    test : callable
        The test, a function without arguments. It passes for the right rules, and notices a fault by any
        exception.

    Returns
    -------
    list of Fault
        The faults for which the test passes. A fault that makes no difference to the operation is among them.

    Raises
    ------
    Exception
        What the test raises with the right rules.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_cnn as tg
    >>> checked = survivors(tg.sinh, lambda: tg.testing.check_grads(tg.sinh, np.array([0.5, -1.0])))
    >>> "sinh.x: sign" in map(str, checked)
    False
    >>> "sinh.x: sign" in map(str, survivors(tg.sinh, lambda: tg.grad(tg.sinh)(0.5)))
    True
    """
    test()
    return [fault for fault in mutate_rules(op) if _passes(fault, test)]


def _passes(fault: Fault, test: Callable[[], Any]) -> bool:
    with fault:
        try:
            test()
        except Exception:
            return False
        return True


# --- how a rule goes wrong --------------------------------------------------------------------------------


def planted(change: Change) -> Callable[[Rule], Rule]:
    """Return a function from a right rule to a wrong one, which asks for the same values."""

    def plant(rule: Rule) -> Rule:
        names = list(inspect.signature(rule).parameters)

        def wrong(*values: Any) -> Any:
            return change(rule, dict(zip(names, values, strict=True)))

        wrong.__signature__ = inspect.signature(rule)  # type: ignore[attr-defined]  # `defvjp` reads it
        return wrong

    return plant


def result_changed(change: Callable[[Any, dict[str, Any]], Any]) -> Callable[[Rule], Rule]:
    """Return a fault that spoils what the right rule returns."""
    return planted(lambda rule, asked: change(rule(**asked), asked))


def times_at(index: int) -> Callable[[Rule], Rule]:
    """Return a fault that is three times too large at one element."""

    def spoil(gradient: Any, asked: dict[str, Any]) -> Any:
        factor = np.ones(gradient.shape, gradient.dtype)
        if factor.size:
            factor.reshape(-1)[index] = 3
        return gradient * factor

    return result_changed(spoil)


def unless(condition: Callable[[np.ndarray], bool]) -> Callable[[Rule], Rule]:
    """Return a fault that is twice too large unless the cotangent's memory fulfils a condition."""
    return result_changed(lambda gradient, asked: gradient if condition(raw(_g(asked))) else 2 * gradient)


def plant_constant(name: str, value: int) -> Callable[[Rule], Rule]:
    """Return a fault that takes a value for 0, which drops a term, or for 1, which drops a factor."""
    return planted(lambda rule, asked: rule(**{**asked, name: np.full_like(raw(asked[name]), value)}))


def _g(asked: dict[str, Any]) -> Any:
    return asked.get("g", np.zeros(1))


def _detached(rule: Rule, asked: dict[str, Any]) -> Any:
    return rule(**{name: raw(value) for name, value in asked.items()})


def _without_cotangent(rule: Rule, asked: dict[str, Any]) -> Any:
    return rule(**({**asked, "g": np.ones_like(raw(asked["g"]))} if "g" in asked else asked))


def _mutating(rule: Rule, asked: dict[str, Any]) -> Any:
    gradient, g = rule(**asked), raw(_g(asked))
    g *= 2
    return gradient


def _every_third_call(rule: Rule) -> Rule:
    calls = itertools.count()
    return result_changed(lambda gradient, asked: 2 * gradient if next(calls) % 3 == 2 else gradient)(rule)


def _noisy(rule: Rule) -> Rule:
    rng = np.random.default_rng(0)
    return result_changed(lambda gradient, asked: gradient * float(1 + 1e-3 * rng.random()))(rule)


def _stale(rule: Rule) -> Rule:
    """Go on to use the operands of the first call, as a mask that is kept in the wrong place."""
    kept: dict[str, Any] = {}

    def change(rule: Rule, asked: dict[str, Any]) -> Any:
        for name, value in asked.items():
            array = raw(value)
            first = kept.setdefault(name, array.copy() if isinstance(array, np.ndarray) else array)
            if name != "g" and np.shape(first) == np.shape(array):
                asked = {**asked, name: first}
        return rule(**asked)

    return planted(change)(rule)


def _in_one_buffer(rule: Rule) -> Rule:
    """Return the same memory in every call, as a rule that is right until it is called again."""
    buffers: dict[Any, np.ndarray] = {}

    def change(gradient: Any, asked: dict[str, Any]) -> Any:
        if type(gradient) is not np.ndarray:
            return gradient
        buffer = buffers.setdefault((gradient.shape, gradient.dtype), np.empty_like(gradient))
        buffer[...] = gradient
        return buffer[...]  # a view, so that nobody takes the memory for its own

    return result_changed(change)(rule)


def _not_summed(gradient: Any, asked: dict[str, Any]) -> Any:
    """Keep the first of the elements that undoing a broadcast should add."""
    kept = np.zeros(gradient.shape, gradient.dtype)
    kept.reshape(-1)[:1] = 1
    return gradient * kept


def _listed() -> Iterator[tuple[str, Callable[[Rule], Rule]]]:
    yield "zero", result_changed(lambda gradient, asked: 0 * gradient)
    yield "cotangent ignored", planted(_without_cotangent)
    yield "twice", result_changed(lambda gradient, asked: 2 * gradient)
    yield "sign", result_changed(lambda gradient, asked: -gradient)
    yield "one in a million", result_changed(lambda gradient, asked: gradient * (1 + 1e-6))
    yield "reversed", result_changed(lambda gradient, asked: flip(gradient))
    yield "not summed over broadcast", result_changed(_not_summed)
    yield "C order only", unless(lambda g: g.flags.c_contiguous)
    yield "not for zero strides", unless(lambda g: 0 not in g.strides)
    yield "not for negative strides", unless(lambda g: all(step >= 0 for step in g.strides))
    yield "writable only", unless(lambda g: g.flags.writeable)
    yield "mutates the cotangent", planted(_mutating)
    yield "float64", result_changed(lambda gradient, asked: astype(gradient, np.float64))
    yield (
        "float32",
        result_changed(lambda gradient, asked: astype(astype(gradient, np.float32), gradient.dtype)),
    )
    yield "list", result_changed(lambda gradient, asked: [gradient])
    yield "None", result_changed(lambda gradient, asked: None)
    yield "wrong shape", result_changed(lambda gradient, asked: expand_dims(gradient, 0))
    yield "last element", times_at(-1)
    yield "first element", times_at(0)
    yield "recorded as a constant", planted(_detached)
    yield "wrong every third call", _every_third_call
    yield "noise", _noisy
    yield "values of the first call", _stale
    yield "one buffer for every call", _in_one_buffer


FAULTS = dict(_listed())
"""The faults that fit any rule, each a function from the right rule to a wrong one."""
