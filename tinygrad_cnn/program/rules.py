"""Gradient rules as functions of a program: what a rule decides by data, it decides at each play."""

from __future__ import annotations

import math
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
        try:
            return self.function(*context)
        except Exception as error:
            error.add_note(f"in the gradient rule of '{self.op.name}' for operand '{self.operand}'")
            raise

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

    def reached(self, context: tuple[Any, ...], boxed: tuple[int, ...], nested: Any) -> tuple[int, ...]:
        """Return through which of the boxed arguments a derivative of the rule goes, and so a walk."""
        leaves = {i: Leaf(np.asarray(context[i])) for i in boxed}
        changed = (box(Tensor, np.asarray(x), leaves[i]) if i in leaves else x for i, x in enumerate(context))
        found: set[Any] = set()
        nodes = [getattr(self(*_put_into(nested, changed)), "node", None)]
        while nodes:
            node = nodes.pop()
            if node is not None and node not in found:
                found.add(node)
                nodes.extend(node.parents)
        return tuple(i for i, leaf in leaves.items() if leaf in found)

    def as_primitive(
        self, boxed: tuple[int, ...], reached: tuple[int, ...], nested: Any = None
    ) -> Primitive[..., Any]:
        """Return the rule as an operation, whose own derivative is that of the rule when it is played.

        ``boxed`` are the positions of what stands on the tape. It is handed over as tensors, for which some
        rules compute by other operations. Derivatives go through those of them that are ``reached``.
        ``nested`` shows the containers, where some of the arguments stood in such.
        """

        def rule(*context: Any) -> Any:
            changed = (box(Tensor, x, None) if i in boxed else x for i, x in enumerate(context))
            return raw(self(*_put_into(nested, changed)))

        rule.__name__ = self.__name__
        op: Primitive[..., Any] = Primitive(rule)
        op.defvjp(context=PullThrough(self, boxed, reached, nested))
        return op


class PullThrough:
    """The gradient rule of a gradient rule, which calls that on the tape and walks back."""

    def __init__(
        self, rule: RuleCall, boxed: tuple[int, ...], reached: tuple[int, ...], nested: Any = None
    ) -> None:
        self.rule, self.boxed, self.reached, self.nested = rule, boxed, reached, nested

    def __call__(self, g: Any, context: tuple[Any, ...], index: int) -> Any:
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
        the newest of them, so that the walk does not go to the others. The oldest are those that no
        derivative goes through: the program has no lines for their cotangents.
        """
        changed = list(context)
        unreached = [i for i in self.boxed if i not in self.reached]
        first_reached = math.inf
        for i in (*unreached, *(i for i in self.reached if i != index), index):
            data = np.asarray(context[i])
            leaf = Leaf(data)
            changed[i] = box(Tensor, data, leaf)
            if i not in unreached:
                first_reached = min(first_reached, leaf.serial)
        out = self.rule(*_put_into(self.nested, changed))
        roots: list[tuple[Any, Any]] = [] if total is None else [(leaf, total)]
        if isinstance(out, Box) and out.node is not None:
            if out.node.oldest < first_reached:
                raise RecordingError(
                    f"{self.rule.__name__}: with these numbers the rule computes by an operand that it did "
                    "not use when the program was recorded, so the program lacks a derivative: write a rule "
                    "whose use of its operands does not depend on numbers"
                )
            roots.append((out.node, g))
        found = walk(iter(roots), [leaf])
        # where the rule does not use the argument: adding -0.0 changes nothing, not even the sign of a zero
        return found[leaf] if leaf in found else np.full_like(data, -0.0)


def _put_into(nested: Any, arguments: Iterable[Any]) -> tuple[Any, ...]:
    """Put arguments into the containers that they stood in."""
    if nested is None:
        return tuple(arguments)
    supply = iter(arguments)
    filled: tuple[Any, ...] = mapped(lambda _: next(supply), nested)
    return filled
