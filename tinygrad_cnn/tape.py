"""The tape: primitives, the nodes they record, and the reverse walk.

A *primitive* is a plain NumPy function with one gradient rule per operand. Called on ndarrays it is that
function. Called with a `Box` among its operands it runs the same function on the boxes' arrays and records
one `Node`. Nodes carry a serial number; since a node can only be made after its parents, descending serial
order is a topological order, and walking it *is* reverse-mode differentiation: no sort, no recursion.

The rules are written with primitives. Handed ndarrays they compute a gradient; handed boxes they record it,
and the recorded gradient can be differentiated again, to any order, by the same rules.

This module knows shapes and dtypes, not mathematics. The four primitives at its end are those that the walk
itself applies: `add` where paths meet; `sum_to`, `broadcast_to` and `astype` to undo broadcasting and
promotion.
"""

from __future__ import annotations

import functools
import heapq
import inspect
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

_serials = itertools.count()  # next() on it is atomic, so threads share it safely

new_serial = functools.partial(next, _serials)


class Box:
    """An array and the node that computed it (None: a constant).

    `Tensor` adds operators and methods; the tape needs no more than these two fields.
    """

    __slots__ = ("__weakref__", "data", "node")

    data: np.ndarray
    node: Node | None


def box(cls: type[Box], data: np.ndarray, node: Node | None) -> Any:
    """Make a ``cls`` without running its constructor, which is for users and validates."""
    self = cls.__new__(cls)
    self.data = data
    self.node = node
    return self


def raw(x: Any) -> Any:
    """The ndarray inside a `Tensor`; anything else unchanged.

    What is computed from a raw array is a constant to the tape: use it in a rule for what is locally
    constant, such as the winners of a maximum.

    Examples
    --------
    >>> from tinygrad_cnn import Tensor
    >>> raw(Tensor([1.0, 2.0]))
    array([1., 2.])
    """
    return x.data if isinstance(x, Box) else x


class Node:
    """One recorded call: who its operands were, and what the rules will ask for.

    It refers to arrays and parent nodes, never to a box: a box refers to its node, and the cycle would keep
    a finished graph alive until the garbage collector runs.

    Attributes
    ----------
    primitive : Primitive or None
        What was called; None for a leaf.
    parents : tuple of (Node or None)
        The node of each operand; None where the operand is a constant.
    saved : dict of str to object
        The values that the rules of the differentiable operands asked for, by name.
    shape, dtype
        Of the output, and so of its cotangent.
    serial : int
        Larger than any parent's.
    oldest : float
        The lowest serial that a walk from here can reach.
    """

    __slots__ = ("dtype", "oldest", "parents", "primitive", "saved", "serial", "shape")

    def __init__(self, primitive, parents, saved, array, oldest):
        self.primitive = primitive
        self.parents = parents
        self.saved = saved
        self.shape = array.shape
        self.dtype = array.dtype
        self.oldest = oldest
        self.serial = new_serial()


class Leaf(Node):
    """The node of a tensor that nothing computed; `Tensor.backward` accumulates in ``grad``."""

    __slots__ = ("grad",)

    def __init__(self, array):
        super().__init__(None, (), {}, array, math.inf)
        self.oldest = self.serial
        self.grad: np.ndarray | None = None

    def accumulate(self, g: np.ndarray) -> None:
        """Add a gradient, an array that nobody else holds, to what earlier walks have left."""
        if self.grad is None:
            self.grad = g
        else:
            self.grad += g


def require_floating(dtype: np.dtype) -> None:
    """Raise the TypeError that says why only floating-point arrays are differentiated."""
    if dtype.kind != "f":
        raise TypeError(f"{dtype} tensors cannot require gradients: cast to a floating dtype")


# --- primitives -------------------------------------------------------------------------------------------

_RESERVED = {"g", "out", "index"}


class Rule:
    """A gradient rule, and the names it asks for, read once from its signature."""

    __slots__ = ("asks", "function", "pick")

    def __init__(self, function: Callable):
        self.function = function
        self.asks = tuple(inspect.signature(function).parameters)
        # operator.itemgetter of one name returns the bare value: the call below wants a tuple
        self.pick = (
            operator.itemgetter(*self.asks)
            if len(self.asks) > 1
            else lambda context: tuple(context[name] for name in self.asks)
        )

    def __call__(self, context: Mapping[str, Any]) -> Any:
        """Apply the rule to what it asks for, found by name in ``context``."""
        return self.function(*self.pick(context))


class Primitive:
    """A NumPy function that the tape can record, with one gradient rule per operand.

    Made by `primitive`; see there.
    """

    __name__: str
    __qualname__: str

    def __init__(self, function: Callable, *, broadcasts: bool = False, piecewise_constant: bool = False):
        functools.update_wrapper(self, function)
        self.function = function
        self.broadcasts = broadcasts
        self.piecewise_constant = piecewise_constant
        self.rules: dict[str, Rule] = {}
        self._read_signature()
        self._plans: dict[int, _Plan] = {}

    def _read_signature(self):
        parameters = inspect.signature(self.function).parameters.values()
        kinds = {kind: [p for p in parameters if p.kind is kind] for kind in inspect._ParameterKind}
        if kinds[inspect.Parameter.VAR_KEYWORD]:
            raise TypeError(f"primitive '{self.__name__}': **keywords are not supported; name each parameter")
        variadic = kinds[inspect.Parameter.VAR_POSITIONAL]
        single = kinds[inspect.Parameter.POSITIONAL_ONLY] + kinds[inspect.Parameter.POSITIONAL_OR_KEYWORD]
        if variadic and single:
            raise TypeError(
                f"primitive '{self.__name__}': operands are either named or variadic, "
                f"not both ({', '.join(p.name for p in single)}, *{variadic[0].name})"
            )
        self.variadic: str | None = variadic[0].name if variadic else None
        self.operands = tuple(p.name for p in variadic or single)
        self.operand_defaults = tuple(p.default for p in single)
        self.params = {p.name: p.default for p in kinds[inspect.Parameter.KEYWORD_ONLY]}
        for name in (*self.operands, *self.params):
            if name in _RESERVED or name.endswith("_shape"):
                raise TypeError(
                    f"primitive '{self.__name__}': '{name}' is reserved (g, out, index and *_shape are what "
                    "rules ask for); rename the parameter"
                )

    def defvjp(self, **rules: Callable) -> None:
        """Register gradient rules, each under the name of the operand it differentiates.

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
                    f"primitive '{self.__name__}' has no operand '{operand}' to give a rule to; "
                    f"it has: {', '.join(self.operands)}"
                )
            rule = Rule(function)
            if unknown := [name for name in rule.asks if name not in known]:
                raise TypeError(
                    f"primitive '{self.__name__}', rule of '{operand}': asks for '{unknown[0]}', which does "
                    f"not exist; it may ask for: {', '.join(sorted(known))}"
                )
            self.rules[operand] = rule
        self._plans.clear()

    def __call__(self, /, *operands, **params):
        """Run the function; record the call when a `Box` is among the operands."""
        if params and not params.keys() <= self.params.keys():
            operands, params = self._bind(operands, params)
        for operand in operands:
            if isinstance(operand, Box):
                return self._record(type(operand), operands, params)
        return self._run(operands, params)

    def _bind(self, operands, params):
        """Sort operands that were passed by keyword into their places."""
        bound = inspect.signature(self.function).bind(*operands, **params)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def _run(self, operands, params):
        try:
            return self.function(*operands, **params)
        except Exception as error:
            error.add_note(f"in {self.__name__}({', '.join(self._describe(operands))})")
            raise

    def _describe(self, operands):
        for position, operand in enumerate(operands):
            # too many operands is one of the errors described here
            name = self.operands[position] if position < len(self.operands) else f"operand {position}"
            shape = getattr(operand, "shape", None)
            yield f"{name}: {operand!r:.40}" if shape is None else f"{name}: {operand.dtype}{list(shape)}"

    def _record(self, cls, operands, params):
        missing = len(self.operands) - len(operands)
        if missing > 0 and not self.variadic:
            operands = operands + self.operand_defaults[-missing:]
        values, parents = [], []
        oldest, mask, bit = math.inf, 0, 1
        for operand in operands:
            if isinstance(operand, Box):
                values.append(operand.data)
                node = operand.node
                if node is not None:
                    mask |= bit
                    if node.oldest < oldest:
                        oldest = node.oldest
                parents.append(node)
            else:
                values.append(operand)
                parents.append(None)
            bit <<= 1
        out = np.asarray(self._run(values, params))
        if not mask or self.piecewise_constant or out.dtype.kind != "f":
            return box(cls, out, None)
        plan = self._plans.get(mask)
        if plan is None:
            plan = self._plans[mask] = _Plan(self, mask)
        saved = plan.save(values, out, params)
        return box(cls, out, Node(self, tuple(parents), saved, out, oldest))

    def operand_name(self, position: int) -> str:
        """The name of the operand at ``position``, as errors show it: ``x``, or ``xs[2]``."""
        return f"{self.variadic}[{position}]" if self.variadic else self.operands[position]

    def rule_of(self, position: int) -> Rule:
        """The rule of the operand at ``position``; a TypeError that names both where there is none."""
        rule = self.rules.get(self.variadic or self.operands[position])
        if rule is None:
            raise TypeError(
                f"'{self.__name__}' is not differentiable in operand '{self.operand_name(position)}': "
                "it has no gradient rule; use stop_gradient if the operand is meant as a constant"
            )
        return rule

    def __repr__(self):
        return f"<primitive {self.__name__}{inspect.signature(self.function)}>"

    def __reduce__(self):
        return self.__qualname__  # pickle by reference, as functions are


class _Plan:
    """What a call must save, for one choice of operands that need gradients (the bits of a mask)."""

    __slots__ = ("operands", "out", "params", "shapes", "variadic")

    def __init__(self, op: Primitive, mask: int):
        active = op.operands if op.variadic else [n for i, n in enumerate(op.operands) if mask >> i & 1]
        asked = {name for operand in active if operand in op.rules for name in op.rules[operand].asks}
        self.variadic = op.variadic
        self.out = "out" in asked
        self.operands = tuple((i, name) for i, name in enumerate(op.operands) if name in asked)
        self.shapes = tuple((i, f"{n}_shape") for i, n in enumerate(op.operands) if f"{n}_shape" in asked)
        self.params = tuple((name, default) for name, default in op.params.items() if name in asked)

    def save(self, values, out, params) -> dict[str, Any]:
        saved: dict[str, Any] = {}
        if self.out:
            saved["out"] = out
        if self.variadic:  # the one operand's name stands for them all
            values = [tuple(values)]
        for position, name in self.operands:
            saved[name] = values[position]
        for position, name in self.shapes:
            value = values[position]
            saved[name] = tuple(map(np.shape, value)) if self.variadic else np.shape(value)
        for name, default in self.params:
            saved[name] = params.get(name, default)
        return saved


def primitive(
    function: Callable | None = None, /, *, broadcasts: bool = False, piecewise_constant: bool = False
):
    """Turn a NumPy function into an operation that the tape can record.

    Positional parameters are *operands*: arrays, or static values such as an axis, which then have no rule.
    Keyword-only parameters are static. Give the gradient with `Primitive.defvjp`.

    Parameters
    ----------
    function : callable
        Takes ndarrays (and static values), returns one new ndarray; must not mutate its operands.
    broadcasts : bool
        The operands broadcast and promote as in NumPy. A rule may then return a cotangent of the output's
        shape and dtype: the tape sums and casts it to the operand's.
    piecewise_constant : bool
        The derivative is zero wherever it exists (`floor`, `sign`): the output is a constant to the tape.

    Returns
    -------
    Primitive

    Raises
    ------
    TypeError
        If a parameter has a reserved name, or operands are both named and variadic.

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


# --- the walk ---------------------------------------------------------------------------------------------


class _Pending:
    """A node waiting for its turn, and the sum of the cotangents that have reached it."""

    __slots__ = ("cotangent", "node", "owned")

    def __init__(self, node, cotangent):
        self.node = node
        self.cotangent = cotangent
        self.owned = False  # a first cotangent may be anybody's array; the first sum is the walk's own

    def add(self, g):
        if self.owned and type(g) is np.ndarray:
            self.cotangent += g
        else:
            self.cotangent = add(self.cotangent, g)
            self.owned = type(self.cotangent) is np.ndarray

    def take(self):
        """The sum, as an array of its own when it is not recorded: no gradient shares memory."""
        if self.owned or isinstance(self.cotangent, Box):
            return self.cotangent
        return np.array(self.cotangent)


def walk(
    roots: Iterable[tuple[Node, Any]], inputs: Iterable[Node] | None = None, record: type[Box] | None = None
) -> dict[Any, Any]:
    """Carry cotangents from ``roots`` back along the tape.

    Parameters
    ----------
    roots : iterable of (Node, array or Box)
        Where to start, with the cotangent of each.
    inputs : iterable of Node, optional
        Where to stop: the walk visits no node older than the oldest of these, which could not depend on
        them. By default it goes on to every leaf.
    record : type of Box, optional
        Hand the rules boxes of this class, so that the derivative is itself recorded.

    Returns
    -------
    dict of Node to (ndarray or Box)
        The cotangent of each of ``inputs`` (or of each leaf) that was reached. ndarrays are writable and
        share no memory.
    """
    wanted = frozenset(inputs or ())
    floor = min((node.serial for node in wanted), default=-math.inf)
    pending: dict[float, _Pending] = {}
    heap: list[float] = []  # negated serials: heapq keeps the smallest first, the walk wants the newest
    found: dict[Node, Any] = {}

    def send(node, g):
        entry = pending.get(node.serial)
        if entry is None:
            pending[node.serial] = _Pending(node, g)
            heapq.heappush(heap, -node.serial)
        else:
            entry.add(g)

    for node, g in roots:
        send(node, g)
    while heap:
        entry = pending.pop(-heapq.heappop(heap))
        node = entry.node
        if node in wanted or node.primitive is None:
            if node is RELEASED:
                raise RuntimeError(
                    "the graph was released by an earlier backward(); pass retain_graph=True there to keep it"
                )
            found[node] = entry.take()
            continue
        context = _context(node, record)
        context["g"] = entry.cotangent
        for position, parent in enumerate(node.parents):
            if parent is not None and parent.serial >= floor:
                send(parent, _pull(node, position, parent, context))
    return found


def _context(node: Node, cls: type[Box] | None) -> dict[str, Any]:
    """What ``node``'s rules may ask for: arrays, or boxes in their place on the tape."""
    context = dict(node.saved)
    if cls is None:
        return context
    op, parents = node.primitive, node.parents
    if "out" in context:
        context["out"] = box(cls, context["out"], node)
    if op.variadic in context:
        context[op.variadic] = tuple(
            value if parent is None else box(cls, value, parent)
            for value, parent in zip(context[op.variadic], parents, strict=True)
        )
        return context
    for name, parent in zip(op.operands, parents, strict=False):
        if parent is not None and name in context:
            context[name] = box(cls, context[name], parent)
    return context


def _pull(node: Node, position: int, parent: Node, context: dict[str, Any]) -> Any:
    """Apply one rule, and check or repair the shape and dtype of what it returns."""
    op = node.primitive
    rule = op.rule_of(position)
    if op.variadic:
        context["index"] = position
    try:
        g = rule(context)
    except Exception as error:
        error.add_note(f"in the gradient rule of '{op.__name__}' for operand '{op.operand_name(position)}'")
        raise
    shape, dtype = getattr(g, "shape", None), getattr(g, "dtype", None)
    if shape == parent.shape and dtype == parent.dtype:
        return g
    if op.broadcasts and shape is not None and dtype is not None:
        if shape != parent.shape and _broadcasts_to(parent.shape, shape):
            g = sum_to(g, parent.shape)
        if dtype != parent.dtype:
            g = astype(g, parent.dtype)
        if g.shape == parent.shape:
            return g
    came = type(g).__name__ if shape is None or dtype is None else f"{dtype}{list(shape)}"
    raise TypeError(
        f"'{op.__name__}', rule of operand '{op.operand_name(position)}': expected a cotangent "
        f"{parent.dtype}{list(parent.shape)} like the operand, but the rule returned {came}"
    )


def _broadcasts_to(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    lead = len(large) - len(small)
    return lead >= 0 and all(n in (1, m) for n, m in zip(small, large[lead:], strict=True))


def _released() -> Node:
    node = Node(None, (), {}, np.empty(()), math.inf)
    node.serial = -1  # older than any other: only a walk that goes to every leaf comes here
    return node


RELEASED = _released()
"""Stands on a tensor whose graph `Tensor.backward` has released, so that walking into it is an error."""


# --- what the walk itself applies -------------------------------------------------------------------------


@primitive(broadcasts=True)
def add(a, b):
    """Add elementwise: ``a + b``, with broadcasting.

    Parameters
    ----------
    a, b : array_like
        Of mutually broadcastable shapes.

    Returns
    -------
    ndarray or Tensor
        Of the broadcast shape and the promoted dtype.

    Examples
    --------
    >>> import numpy as np
    >>> add(np.array([1.0, 2.0]), 3.0)
    array([4., 5.])
    """
    return np.add(a, b)


add.defvjp(a=lambda g: g, b=lambda g: g)


@primitive(broadcasts=True)
def broadcast_to(x, shape):
    """Broadcast to a shape: the adjoint of `sum_to`.

    Parameters
    ----------
    x : array_like
    shape : tuple of int

    Returns
    -------
    ndarray or Tensor
        A read-only view of ``x`` with the given shape.

    Examples
    --------
    >>> import numpy as np
    >>> broadcast_to(np.array([1.0, 2.0]), (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    return np.broadcast_to(x, shape)


broadcast_to.defvjp(x=lambda g: g)


@primitive
def sum_to(x, shape):
    """Sum over the axes along which ``shape`` was broadcast: the adjoint of `broadcast_to`.

    Parameters
    ----------
    x : array_like
    shape : tuple of int
        Broadcastable to ``x.shape``.

    Returns
    -------
    ndarray or Tensor
        Of the given shape; float16 is accumulated in float32.

    Examples
    --------
    >>> import numpy as np
    >>> sum_to(np.ones((3, 2)), (1, 2))
    array([[3., 3.]])
    """
    lead = x.ndim - len(shape)
    stretched = tuple(lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1)
    axes = (*range(lead), *stretched)
    total = np.add.reduce(x, axis=axes, dtype=accumulator(x.dtype), keepdims=True)
    return total.reshape(shape).astype(x.dtype, copy=False)


sum_to.defvjp(x=lambda g, x_shape: broadcast_to(g, x_shape))


@primitive(broadcasts=True)
def astype(x, dtype):
    """Cast to a dtype.

    Parameters
    ----------
    x : array_like
    dtype : dtype_like
        Casting to an integer or bool dtype leaves the tape.

    Returns
    -------
    ndarray or Tensor

    Examples
    --------
    >>> import numpy as np
    >>> astype(np.array([1.5, 2.0]), np.float32)
    array([1.5, 2. ], dtype=float32)
    """
    return np.asarray(x).astype(dtype)


astype.defvjp(x=lambda g: g)  # the walk casts the cotangent back


def accumulator(dtype: np.dtype) -> np.dtype | None:
    """The dtype to sum in: float32 for float16, whose range ends at 65504; else NumPy's own choice."""
    return np.dtype(np.float32) if dtype == np.float16 else None
