"""Gradient rules as functions of a program: what a rule decides by data, it decides at each play."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..autodiff import vjp
from ..tape import Box, Leaf, Primitive, box, raw, walk
from ..tensor import Tensor
from .errors import RecordingError
from .values import mapped


class RuleCall:
    """The gradient rule of an operand, which is called with what it asks for.

    Parameters
    ----------
    op : Primitive
        The operation.
    operand : str
        The operand that the rule differentiates.
    function : callable
        The rule.
    """

    def __init__(self, op: Primitive[..., Any], operand: str, function: Callable[..., Any]) -> None:
        self.op, self.operand, self.function = op, operand, function
        self.__name__ = f"{op.name}.vjp.{operand}"

    @classmethod
    def of(cls, op: Primitive[..., Any], operand: str) -> RuleCall:
        """Return the rule of an operand of an operation."""
        return cls(op, operand, op.rules[operand].function)

    @property
    def is_plain(self) -> bool:
        """Whether the rule is the operation's own."""
        return self.operand in self.op.rules and self.op.rules[self.operand].function is self.function

    def __call__(self, *context: Any) -> Any:
        """Apply the rule."""
        try:
            return self.function(*context)
        except Exception as error:
            self.explain(error)
            raise

    def explain(self, error: Exception) -> None:
        """Add to an error which rule raised it."""
        error.add_note(f"in the gradient rule of '{self.op.name}' for operand '{self.operand}'")

    def __repr__(self) -> str:
        return f"<rule of {self.op.name} for {self.operand}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuleCall) and (other.op.name, other.operand, other.function) == (
            self.op.name,
            self.operand,
            self.function,
        )

    def __hash__(self) -> int:
        return hash((self.op.name, self.operand))

    def used(self, context: tuple[Any, ...], nested: Any = None) -> tuple[int, ...]:
        """Return the positions of the tensors among these arguments that the result depends on."""
        leaves = {i: Leaf(x.data) for i, x in enumerate(context) if isinstance(x, Box)}
        changed = (box(Tensor, x.data, leaves[i]) if i in leaves else x for i, x in enumerate(context))
        out = self(*_put_into(nested, changed))
        if not isinstance(out, Box) or out.node is None:
            return ()
        found = walk(iter([(out.node, np.zeros_like(out.data))]), leaves.values())
        return tuple(i for i, leaf in leaves.items() if leaf in found)

    def changed(self) -> RecordingError:
        """Make the error of a rule that uses an operand for some numbers, and for others does not."""
        return RecordingError(
            f"{self!r} has a derivative for numbers like these, and had none when recorded: record anew"
        )

    def as_primitive(
        self, used: tuple[int, ...], unused: tuple[int, ...], nested: Any = None
    ) -> Primitive[..., Any]:
        """Return the rule as an operation, whose own derivative is that of the rule when it is played.

        Both are positions of what stands on the tape. It is handed over as tensors, for which some rules
        compute by other operations. What is not used has no derivative, which each play makes sure of.
        ``nested`` shows the containers, where some arguments of the rule stand in such.
        """

        def rule(*context: Any) -> Any:
            changed = list(context)
            for i in used:
                changed[i] = box(Tensor, context[i], None)
            for i in unused:
                changed[i] = box(Tensor, context[i], Leaf(np.asarray(context[i])))
            out = self(*_put_into(nested, changed))
            if isinstance(out, Box) and out.node is not None:
                raise self.changed()
            return raw(out)

        rule.__name__, rule.__self__ = self.__name__, self  # type: ignore[attr-defined]
        op: Primitive[..., Any] = Primitive(rule)
        op.defvjp(context=PullThrough(self, used, unused, nested))
        return op


class PullThrough:
    """The gradient rule of a gradient rule, which calls that on the tape and walks back."""

    def __init__(
        self, rule: RuleCall, used: tuple[int, ...], unused: tuple[int, ...], nested: Any = None
    ) -> None:
        self.rule, self.used, self.unused, self.nested = rule, used, unused, nested

    def __call__(self, g: Any, context: tuple[Any, ...], index: int) -> Any:
        """Return the cotangent of one argument of the rule."""
        if not any(isinstance(x, Box) for x in (*context, g)):
            return self.onto(None, g, context, index)

        def of_one(x: Any) -> Any:
            changed = (x if i == index else other for i, other in enumerate(context))
            return self.rule(*_put_into(self.nested, changed))

        (pulled,) = vjp(of_one, context[index])[1](g)
        return pulled

    def onto(self, total: Any, g: Any, context: tuple[Any, ...], index: int) -> Any:
        """Return the cotangent of one argument of the rule, added to the total of what had arrived before.

        It adds in the order of the walk that this is a part of, so that not one bit differs. All arguments
        that stood on the tape do so again, since a rule may ask for that; the one that is differentiated is
        the newest of them, so that the walk does not go to the others. The oldest are those that had no
        derivative when the program was recorded, so that it is seen if they have one now.
        """
        changed = list(context)
        leaves = {}
        for i in (*self.unused, *(i for i in self.used if i != index), index):
            data = np.asarray(context[i])
            leaves[i] = leaf = Leaf(data)
            changed[i] = box(Tensor, data, leaf)
        out = self.rule(*_put_into(self.nested, changed))
        roots: list[tuple[Any, Any]] = [] if total is None else [(leaf, total)]
        if isinstance(out, Box) and out.node is not None:
            if out.node.oldest < min(leaves[i].serial for i in self.used):
                raise self.rule.changed()
            roots.append((out.node, g))
        found = walk(iter(roots), [leaf])
        return found[leaf] if leaf in found else np.zeros_like(data)


def _put_into(nested: Any, arguments: Iterable[Any]) -> tuple[Any, ...]:
    """Put arguments into the containers that they stood in."""
    if nested is None:
        return tuple(arguments)
    supply = iter(arguments)
    filled: tuple[Any, ...] = mapped(lambda _: next(supply), nested)
    return filled
