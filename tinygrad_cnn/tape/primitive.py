"""Primitives: NumPy functions with one gradient rule for each operand, which record their calls.

Called on ndarrays, a primitive is its function. Called with a `Box` among its operands, it runs the function
on the arrays inside and records one `Node`.
"""

from __future__ import annotations

import functools
import inspect
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, overload

import numpy as np

from ..checks import PAIR, is_pair
from ..stand_in import as_array
from ..types import Options, Out
from .node import Box, Node, box, new_serial
from .signature import REQUIRED, parameters

_RESERVED = {"g", "out", "index"}
# A variadic primitive may be called with any number of operands, any of them constant, and each choice has a
# plan. Its plans are made anew when they have so many edges, of 200 bytes each; a single plan may have more.
_MOST_EDGES = 1 << 14


class Rule(NamedTuple):
    """A gradient rule, and the names that it asks for, read once from its signature."""

    function: Callable[..., Any]
    asks: tuple[str, ...]


class Edge(NamedTuple):
    """How a cotangent gets from a node to one of its parents."""

    position: int  # the operand's place in the call
    rule: Callable[..., Any] | None
    arguments: Callable[..., Any]  # picks what the rule asks for out of (g, position, *node.values)


class Plan:
    """What to keep and which rules to apply, for one choice of differentiated operands.

    The operands are the bits of a mask. A plan is made once for each mask, so that at run time names are
    positions in tuples.

    Attributes
    ----------
    names : tuple of str
        What the rules ask for, in the order in which a node keeps it.
    edges : tuple of Edge
        One for each differentiated operand.
    boxes : tuple of (int, int)
        Which of ``names`` are operands, and of which position, so that they can be put on the tape again.
    shapes : tuple of int
        The positions of the operands whose shapes are kept.
    params : tuple of (str, object)
        The parameters that are kept, with their defaults.
    """

    __slots__ = ("_is_plain", "_pick", "boxes", "edges", "names", "params", "primitive", "shapes")

    def __init__(self, op: Primitive[..., Any], mask: int) -> None:
        self.primitive = op
        positions = [i for i in range(mask.bit_length()) if mask >> i & 1]
        rules = {i: op.rules.get(op.variadic or op.operands[i]) for i in positions}
        asked = {name for rule in rules.values() if rule for name in rule.asks}
        self.shapes = tuple(i for i, name in enumerate(op.operands) if f"{name}_shape" in asked)
        self.params = tuple((name, default) for name, default in op.params.items() if name in asked)
        available = (
            *op.operands,
            "out",
            *(f"{op.operands[i]}_shape" for i in self.shapes),
            *(name for name, _ in self.params),
        )
        self.names = tuple(name for name in available if name in asked)
        self._pick = _picker(available.index(name) for name in self.names)
        self._is_plain = not (op.variadic or self.shapes or self.params)
        self.boxes = tuple((i, op.operands.index(n)) for i, n in enumerate(self.names) if n in op.operands)
        context = ("g", "index", *self.names)
        self.edges = tuple(
            Edge(i, rule.function, _picker(map(context.index, rule.asks))) if rule else Edge(i, None, tuple)
            for i, rule in rules.items()
        )

    def keep(self, values: Sequence[Any], out: np.ndarray, params: dict[str, Any]) -> Sequence[Any]:
        """Select what the rules will ask for, in the order of ``names``."""
        if self._is_plain:  # nothing but operands and output, as usual: 0.4 % of a training step at batch 1
            return self._pick((*values, out))
        if self.primitive.variadic:  # the one operand's name stands for all of them
            values = (tuple(values),)
        available = [*values, out]
        for position in self.shapes:
            available.append(_shape(values[position]))
        for name, default in self.params:
            available.append(params.get(name, default))
        return self._pick(available)


def _shape(value: Any) -> tuple[Any, ...]:
    """Return the shape of an operand, or the shapes of a variadic one."""
    if type(value) is np.ndarray:  # nearly always, and `np.shape` takes several times as long
        return value.shape
    return tuple(map(np.shape, value)) if isinstance(value, tuple) else np.shape(value)


def _picker(positions: Iterable[int]) -> Callable[..., Any]:
    """Make a function from a sequence to its elements at ``positions``, as a sequence."""
    positions = list(positions)
    if len(positions) > 1:
        return operator.itemgetter(*positions)
    # itemgetter returns the bare element for one position, but a sequence for a slice
    start = positions[0] if positions else 0
    return operator.itemgetter(slice(start, start + len(positions)))


class Primitive(Generic[Options, Out]):
    """A NumPy function that the tape can record, with one gradient rule for each operand.

    `primitive` makes them; see there.
    """

    __name__: str
    __qualname__: str

    def __init__(
        self,
        function: Callable[Options, Out],
        *,
        broadcasts: bool = False,
        piecewise_constant: bool = False,
    ) -> None:
        # What `in_single` wraps is called without the wrapper, which would be one more Python call, unless
        # the first operand may be a half: its elements have two bytes. To compare dtypes takes longer.
        plain: Callable[..., Any] = getattr(function, "of_others", function)
        functools.update_wrapper(self, plain)
        self.name = self.__name__.lstrip("_")  # for messages: the public form of an op has no underscore
        self.function = plain  # what is handed to it here are plain arrays
        self.of_halves: Callable[..., Any] | None = None if plain is function else function
        self.broadcasts = broadcasts
        self.piecewise_constant = piecewise_constant
        self.rules: dict[str, Rule] = {}
        self._read_signature()
        self._plans: dict[int, Plan] = {}
        self._edges_planned = 0

    def _read_signature(self) -> None:
        single, variadic, self.params, takes_any_keyword = parameters(self.function)
        self.variadic = variadic
        self.operands = (variadic,) if variadic else tuple(single)
        self.operand_defaults = tuple(single.values())
        if self.operands[:1] in (("self",), ("cls",)):
            raise TypeError(
                f"primitive '{self.name}': a method cannot be a primitive, since its '{self.operands[0]}' is "
                "no array: make a primitive of a function of arrays, and call that in the method"
            )
        if takes_any_keyword:
            raise TypeError(f"primitive '{self.name}': **keywords are not supported; name each parameter")
        if variadic and single:
            raise TypeError(
                f"primitive '{self.name}': operands are either named or variadic, "
                f"not both ({', '.join(single)}, *{self.variadic})"
            )
        for name in (*self.operands, *self.params):
            if name in _RESERVED or name.endswith("_shape"):
                raise TypeError(
                    f"primitive '{self.name}': '{name}' is reserved (g, out, index and *_shape are what "
                    "rules ask for); rename the parameter"
                )

    def defvjp(self, **rules: Callable[..., Any]) -> None:
        """Register gradient rules, each under the name of the operand that it differentiates.

        Parameters
        ----------
        **rules : callable
            ``operand=rule``. The rule returns the operand's cotangent and asks, by the names of its own
            parameters, for what it needs: ``g`` (the output's cotangent), ``out`` (the output), any operand,
            any keyword-only parameter, ``<operand>_shape`` for a shape alone; the rule of a variadic operand
            also for ``index``, the position it is to differentiate. What no rule asks for is not kept alive.

        Raises
        ------
        TypeError
            If the primitive has no such operand, or a rule asks for a name that does not exist.

        Examples
        --------
        >>> import numpy as np
        >>> from tinygrad_cnn import grad, primitive
        >>> @primitive
        ... def cube(x):
        ...     return x**3
        >>> cube.defvjp(x=lambda g, x: g * 3 * x**2)
        >>> grad(cube)(np.float64(2.0))
        array(12.)
        """
        known = {"g", "out", *self.operands, *self.params, *(f"{name}_shape" for name in self.operands)}
        if self.variadic:
            known.add("index")
        for operand, function in rules.items():
            if operand not in self.operands:
                raise TypeError(
                    f"primitive '{self.name}' has no operand '{operand}' to give a rule to; "
                    f"it has: {', '.join(self.operands)}"
                )
            rule = Rule(function, parameters(function).names)
            if unknown := [name for name in rule.asks if name not in known]:
                raise TypeError(
                    f"primitive '{self.name}', rule of '{operand}': asks for '{unknown[0]}', which does "
                    f"not exist; it may ask for: {', '.join(sorted(known))}"
                )
            self.rules[operand] = rule
        self._forget_plans()

    def vjp(self, operand: str, /, **asked: Any) -> Any:
        """Apply the gradient rule of an operand: multiply a cotangent by the Jacobian, from the left.

        Parameters
        ----------
        operand : str
            The operand to differentiate.
        **asked
            What the rule asks for, by name: ``g``, ``out``, operands, parameters.

        Returns
        -------
        ndarray or Tensor
            The cotangent of the operand, before it is summed to the operand's shape where that was broadcast.

        Raises
        ------
        TypeError
            If the operand has no rule, or what the rule asks for is missing; the message says what that is.

        Examples
        --------
        >>> import numpy as np
        >>> from tinygrad_cnn import multiply
        >>> multiply.vjp("a", g=np.array([1.0, 10.0]), b=np.array([2.0, 3.0]))
        array([ 2., 30.])
        """
        rule = self.rules.get(operand)
        if rule is None:
            known = ", ".join(self.rules)
            raise TypeError(f"'{self.name}' has no gradient rule for '{operand}'; it has: {known}")
        if asked.keys() != set(rule.asks):
            raise TypeError(
                f"'{self.name}', rule of '{operand}': asks for {', '.join(rule.asks)}; got {', '.join(asked)}"
            )
        return rule.function(**asked)

    def __call__(self, /, *operands: Options.args, **params: Options.kwargs) -> Out:
        """Run the function; record the call when a `Box` is among the operands."""
        for name in params:
            if name not in self.params:
                args, kwargs = self._bind(operands, params)
                return self(*args, **kwargs)
        for operand in operands:
            if isinstance(operand, Box):
                return self.record(type(operand), operands, params)
        function = self.function
        if self.of_halves is not None and operands and getattr(operands[0], "itemsize", 0) == 2:
            function = self.of_halves
        try:
            return function(*operands, **params)
        except Exception as error:
            self._explain(error, operands)
            raise

    def _bind(
        self, operands: tuple[Any, ...], params: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort operands that were passed by keyword into their places."""
        try:
            bound = self._signature.bind(*operands, **params)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from None
        bound.apply_defaults()
        return bound.args, bound.kwargs

    @functools.cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.function)  # read once, when an operand is first passed by keyword

    def _explain(self, error: Exception, values: Sequence[Any]) -> None:
        """Add to an error what the function was called with, or raise one that names what is no number."""
        note = f"in {self.name}({', '.join(self._described(values))})"
        for position, value in enumerate(values):
            if self._is_array(position) and (found := _no_numbers(value)):
                kind = ValueError if isinstance(error, ValueError) else TypeError
                wrong = kind(f"{self.name}: {self.operand_name(position)}: expected numbers, got {found}")
                wrong.add_note(note)
                raise wrong from error
        error.add_note(note)

    def _is_array(self, position: int) -> bool:
        """Whether an operand is an array, as far as is known; an axis or a shape has no rule."""
        if self.variadic:
            return True
        return position < len(self.operands) and (not self.rules or self.operands[position] in self.rules)

    def _described(self, values: Sequence[Any]) -> Iterator[str]:
        for position, value in enumerate(values):
            # one operand too many is among the errors that this describes
            known = self.variadic or position < len(self.operands)
            name = self.operand_name(position) if known else f"operand {position}"
            shape = getattr(value, "shape", None)
            yield f"{name}: {value!r:.40}" if shape is None else f"{name}: {value.dtype}{list(shape)}"

    def record(self, cls: type[Box], operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Run the function on the arrays inside the operands; return its output in a ``cls``, with a node."""
        if len(operands) < len(self.operand_defaults):
            operands = self._with_defaults(operands)
        values, parents, mask, oldest = _opened(operands)
        function = self.function  # as in a call on arrays: a method for both would be one more Python call
        if self.of_halves is not None and values and getattr(values[0], "itemsize", 0) == 2:
            function = self.of_halves
        try:
            out = function(*values, **params)
        except Exception as error:
            self._explain(error, values)
            raise
        if type(out) is not np.ndarray:  # NumPy's functions return scalars for 0-d results
            out = as_array(out)
        plan = self._plans.get(mask)
        if plan is None or out.dtype.kind != "f":
            plan = self._new_plan(mask, out.dtype)
            if plan is None:
                return box(cls, out, None)
        node = Node()
        node.plan = plan
        node.parents = parents
        node.values = plan.keep(values, out, params)
        node.shape = out.shape
        node.dtype = out.dtype
        node.oldest = oldest
        node.serial = new_serial()
        return box(cls, out, node)

    def _with_defaults(self, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        missing = self.operand_defaults[len(operands) :]
        # a missing operand without a default is reported by the function itself
        return operands if missing[0] is REQUIRED else operands + missing

    def _new_plan(self, mask: int, dtype: np.dtype) -> Plan | None:
        """Make the plan for a mask; return None if an output of this dtype is a constant to the tape."""
        if mask and dtype.kind in "cO":
            raise TypeError(
                f"'{self.name}' gives a result of dtype {dtype}, which cannot be differentiated: "
                "the tape is real; use stop_gradient if a constant is meant"
            )
        if not mask or self.piecewise_constant or dtype.kind != "f":
            return None
        plan = Plan(self, mask)
        if self._edges_planned + len(plan.edges) > _MOST_EDGES:
            self._forget_plans()
        self._plans[mask] = plan
        self._edges_planned += len(plan.edges)
        return plan

    def _forget_plans(self) -> None:
        self._plans.clear()
        self._edges_planned = 0

    def operand_name(self, position: int) -> str:
        """Return the name of the operand at ``position`` as errors show it: ``x``, or ``xs[2]``."""
        return f"{self.variadic}[{position}]" if self.variadic else self.operands[position]

    def __repr__(self) -> str:
        return f"<primitive {self.name}{inspect.signature(self.function)}>"

    def __reduce__(self) -> str:
        return self.__qualname__  # pickle by reference, as functions are


def _no_numbers(value: Any) -> str:
    """Say what an operand is if it cannot be an array of numbers, else nothing."""
    if is_pair(value):
        return PAIR
    try:
        dtype = as_array(value).dtype
    except ValueError:
        return f"{value!r:.60}, whose rows differ in length"
    if dtype.kind in "biufc":
        return ""
    return f"an array of dtype {dtype}" if isinstance(value, np.ndarray) else f"{value!r:.60}"


def _opened(operands: tuple[Any, ...]) -> tuple[list[Any], list[Node | None], int, float]:
    """Take operands apart: their arrays, their nodes, the mask of these, the oldest serial in reach."""
    values, parents = [], []
    mask, oldest, bit = 0, math.inf, 1
    for operand in operands:
        if isinstance(operand, Box):
            node = operand.node
            values.append(operand.data)
            parents.append(node)
            if node is not None:
                mask |= bit
                if node.oldest < oldest:
                    oldest = node.oldest
        else:
            values.append(operand)
            parents.append(None)
        bit <<= 1
    return values, parents, mask, oldest


@overload
def primitive(function: Callable[Options, Out], /) -> Primitive[Options, Out]: ...


@overload
def primitive(
    *, broadcasts: bool = False, piecewise_constant: bool = False
) -> Callable[[Callable[Options, Out]], Primitive[Options, Out]]: ...


def primitive(
    function: Callable[..., Any] | None = None,
    /,
    *,
    broadcasts: bool = False,
    piecewise_constant: bool = False,
) -> Any:
    """Turn a NumPy function into an operation that the tape can record.

    Positional parameters are *operands*: arrays, or static values such as an axis, which then have no rule.
    Keyword-only parameters are static. Give the gradient with `Primitive.defvjp`.

    Parameters
    ----------
    function : callable
        Takes ndarrays (and static values), returns one new ndarray; must not mutate its operands.
    broadcasts : bool
        Whether the operands broadcast and promote as in NumPy. A rule may then return a cotangent of the
        output's shape and dtype: the tape sums and casts it to the operand's.
    piecewise_constant : bool
        Whether the derivative is zero wherever it exists (`floor`, `sign`): the output is then a constant to
        the tape.

    Returns
    -------
    Primitive
        The operation. Without a function, a decorator that makes one.

    Raises
    ------
    TypeError
        If a parameter has a reserved name, if operands are both named and variadic, or if the function is a
        method: its ``self`` is no array.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_cnn import grad, primitive
    >>> @primitive(broadcasts=True)
    ... def scaled_product(a, b, *, scale=1.0):
    ...     return scale * a * b
    >>> scaled_product.defvjp(a=lambda g, b, scale: g * scale * b, b=lambda g, a, scale: g * scale * a)
    >>> grad(lambda a: scaled_product(a, np.array([3.0, 4.0]), scale=2.0).sum())(np.array([1.0]))
    array([14.])
    """
    options = {"broadcasts": broadcasts, "piecewise_constant": piecewise_constant}
    if function is None:
        return lambda f: Primitive(f, **options)
    return Primitive(function, **options)
