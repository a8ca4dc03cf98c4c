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
import inspect
import itertools
import math
import operator
import sys
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any, Generic, NamedTuple, overload

import numpy as np
from numpy.typing import DTypeLike

from .types import Operand, Options, Out, Shape

_serials = itertools.count()  # next() on it is atomic, so threads share it safely


def new_serial() -> int:
    """A serial above those of all nodes so far."""
    return next(_serials)


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

    Parameters
    ----------
    x : Tensor or object

    Returns
    -------
    ndarray or object

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
    a finished graph alive until the garbage collector runs. It has no constructor, which would be a tenth
    of what recording costs.

    Attributes
    ----------
    plan : Plan or None
        What was called, and which of its operands are differentiated; None for a leaf.
    parents : sequence of (Node or None)
        The node of each operand; None where the operand is a constant.
    values : sequence
        What the rules asked for, in the order of ``plan.names``.
    shape, dtype
        Of the output, and so of its cotangent.
    serial : int
        Larger than any parent's.
    oldest : float
        The lowest serial that a walk from here can reach.
    """

    __slots__ = ("dtype", "oldest", "parents", "plan", "serial", "shape", "values")

    plan: Any  # not None where the walk asks it
    parents: Sequence[Any]
    values: Sequence[Any]
    shape: tuple[int, ...]
    dtype: np.dtype
    serial: int
    oldest: float

    @property
    def primitive(self) -> Primitive[..., Any] | None:
        """What was called; None for a leaf."""
        return self.plan and self.plan.primitive

    @property
    def saved(self) -> dict[str, Any]:
        """What is kept alive for the rules, by name."""
        return dict(zip(self.plan.names, self.values, strict=True)) if self.plan else {}


class Leaf(Node):
    """The node of a tensor that nothing computed; `Tensor.backward` accumulates in ``grad``."""

    __slots__ = ("grad",)

    def __init__(self, array):
        self.plan = None
        self.parents = self.values = ()
        self.shape = array.shape
        self.dtype = array.dtype
        self.oldest = self.serial = next(_serials)
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


class Rule(NamedTuple):
    """A gradient rule, and the names it asks for, read once from its signature."""

    function: Callable
    asks: tuple[str, ...]


class Primitive(Generic[Options, Out]):
    """A NumPy function that the tape can record, with one gradient rule per operand.

    Made by `primitive`; see there.
    """

    __name__: str
    __qualname__: str

    def __init__(
        self,
        function: Callable[Options, Out],
        *,
        broadcasts: bool = False,
        piecewise_constant: bool = False,
    ):
        functools.update_wrapper(self, function)
        self.name = self.__name__.lstrip("_")  # for messages: the public form of an op has no underscore
        self.function: Callable[..., Any] = function
        self.broadcasts = broadcasts
        self.piecewise_constant = piecewise_constant
        self.rules: dict[str, Rule] = {}
        self._read_signature()
        self._plans: dict[int, Plan] = {}

    def _read_signature(self):
        parameters = inspect.signature(self.function).parameters.values()
        kinds = {kind: [p for p in parameters if p.kind is kind] for kind in inspect._ParameterKind}
        if kinds[inspect.Parameter.VAR_KEYWORD]:
            raise TypeError(f"primitive '{self.name}': **keywords are not supported; name each parameter")
        variadic = kinds[inspect.Parameter.VAR_POSITIONAL]
        single = kinds[inspect.Parameter.POSITIONAL_ONLY] + kinds[inspect.Parameter.POSITIONAL_OR_KEYWORD]
        if variadic and single:
            raise TypeError(
                f"primitive '{self.name}': operands are either named or variadic, "
                f"not both ({', '.join(p.name for p in single)}, *{variadic[0].name})"
            )
        self.variadic: str | None = variadic[0].name if variadic else None
        self.operands = tuple(p.name for p in variadic or single)
        self.operand_defaults = tuple(p.default for p in single)
        self.params = {p.name: p.default for p in kinds[inspect.Parameter.KEYWORD_ONLY]}
        for name in (*self.operands, *self.params):
            if name in _RESERVED or name.endswith("_shape"):
                raise TypeError(
                    f"primitive '{self.name}': '{name}' is reserved (g, out, index and *_shape are what "
                    "rules ask for); rename the parameter"
                )

    def defvjp(self, **rules: Callable[..., Any]) -> None:
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
                    f"primitive '{self.name}' has no operand '{operand}' to give a rule to; "
                    f"it has: {', '.join(self.operands)}"
                )
            rule = Rule(function, tuple(inspect.signature(function).parameters))
            if unknown := [name for name in rule.asks if name not in known]:
                raise TypeError(
                    f"primitive '{self.name}', rule of '{operand}': asks for '{unknown[0]}', which does "
                    f"not exist; it may ask for: {', '.join(sorted(known))}"
                )
            self.rules[operand] = rule
        self._plans.clear()

    def __call__(self, /, *operands: Options.args, **params: Options.kwargs) -> Out:
        """Run the function; record the call when a `Box` is among the operands."""
        for name in params:
            if name not in self.params:
                operands, params = self._bind(operands, params)
                break
        for operand in operands:
            if isinstance(operand, Box):
                return self._record(type(operand), operands, params)
        try:
            return self.function(*operands, **params)
        except Exception as error:
            self._explain(error, operands)
            raise

    def _bind(self, operands, params):
        """Sort operands that were passed by keyword into their places."""
        try:
            bound = inspect.signature(self.function).bind(*operands, **params)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from None
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def _explain(self, error, operands):
        error.add_note(f"in {self.name}({', '.join(self._describe(operands))})")

    def _describe(self, operands):
        for position, operand in enumerate(operands):
            # too many operands is one of the errors described here
            known = self.variadic or position < len(self.operands)
            name = self.operand_name(position) if known else f"operand {position}"
            shape = getattr(operand, "shape", None)
            yield f"{name}: {operand!r:.40}" if shape is None else f"{name}: {operand.dtype}{list(shape)}"

    def _record(self, cls, operands, params):
        if len(operands) < len(self.operand_defaults):
            defaults = self.operand_defaults[len(operands) :]
            if defaults[0] is not inspect.Parameter.empty:  # else the function itself says what is missing
                operands += defaults
        values, parents = [], []
        oldest, mask, bit = math.inf, 0, 1
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
        try:
            out = self.function(*values, **params)
        except Exception as error:
            self._explain(error, values)
            raise
        if type(out) is not np.ndarray:  # NumPy's functions return scalars for 0-d results
            out = np.asarray(out)
        plan = self._plans.get(mask)
        if plan is None or out.dtype.kind != "f":
            plan = self._new_plan(mask, out.dtype)
            if plan is None:
                return box(cls, out, None)
        kept = plan.pick((*values, out)) if plan.is_plain else plan.keep(values, out, params)
        node = Node()
        node.plan = plan
        node.parents = parents
        node.values = kept
        node.shape = out.shape
        node.dtype = out.dtype
        node.oldest = oldest
        node.serial = next(_serials)
        return box(cls, out, node)

    def _new_plan(self, mask, dtype):
        """The plan for a choice of differentiated operands; None if the output is a constant to the tape."""
        if mask and dtype.kind in "cO":
            raise TypeError(
                f"'{self.name}' gives a result of dtype {dtype}, which cannot be differentiated: "
                "the tape is real; use stop_gradient if a constant is meant"
            )
        if not mask or self.piecewise_constant or dtype.kind != "f":
            return None
        plan = self._plans[mask] = Plan(self, mask)
        return plan

    def operand_name(self, position: int) -> str:
        """The name of the operand at ``position``, as errors show it: ``x``, or ``xs[2]``."""
        return f"{self.variadic}[{position}]" if self.variadic else self.operands[position]

    def __repr__(self):
        return f"<primitive {self.name}{inspect.signature(self.function)}>"

    def __reduce__(self):
        return self.__qualname__  # pickle by reference, as functions are


class Edge(NamedTuple):
    """How a cotangent gets from a node to one of its parents."""

    position: int  # of the operand
    rule: Callable | None
    arguments: Callable  # picks the rule's arguments from (g, position, *values)


class Plan:
    """What to keep and which rules to apply, for one choice of differentiated operands (the bits of a mask).

    Made once for each choice: at run time, names are positions in tuples.
    """

    __slots__ = ("boxes", "edges", "is_plain", "names", "params", "pick", "primitive", "shapes")

    def __init__(self, op: Primitive[..., Any], mask: int):
        self.primitive = op
        positions = [i for i in range(mask.bit_length()) if mask >> i & 1]
        rules = {i: op.rules.get(op.variadic or op.operands[i]) for i in positions}
        asked = {name for rule in rules.values() if rule for name in rule.asks}
        self.shapes = tuple(i for i, n in enumerate(op.operands) if f"{n}_shape" in asked)
        self.params = tuple((name, default) for name, default in op.params.items() if name in asked)
        available = (
            *op.operands,
            "out",
            *(f"{op.operands[i]}_shape" for i in self.shapes),
            *(name for name, _ in self.params),
        )
        self.names = tuple(name for name in available if name in asked)
        self.pick = _picker([available.index(name) for name in self.names])
        self.is_plain = not (op.variadic or self.shapes or self.params)
        self.boxes = tuple((i, op.operands.index(n)) for i, n in enumerate(self.names) if n in op.operands)
        context = ("g", "index", *self.names)
        self.edges = tuple(
            Edge(i, rule.function, _picker(map(context.index, rule.asks))) if rule else Edge(i, None, tuple)
            for i, rule in rules.items()
        )

    def keep(self, values, out, params):
        """The values of ``names`` for one call; those of a plain plan are ``pick((*values, out))``."""
        if self.primitive.variadic:  # the one operand's name stands for them all
            values = [tuple(values)]
        available = [*values, out]
        for position in self.shapes:
            value = values[position]
            if type(value) is np.ndarray:  # nearly always, and `np.shape` takes several times as long
                available.append(value.shape)
            else:
                available.append(tuple(map(np.shape, value)) if self.primitive.variadic else np.shape(value))
        for name, default in self.params:
            available.append(params.get(name, default))
        return self.pick(available)


def _picker(positions: Iterable[int]) -> Callable:
    """A function from a sequence to its elements at ``positions``, as a sequence."""
    positions = list(positions)
    if len(positions) > 1:
        return operator.itemgetter(*positions)
    # itemgetter of one position returns the bare element; of a slice, a sequence
    start = positions[0] if positions else 0
    return operator.itemgetter(slice(start, start + len(positions)))


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


def _references(array: np.ndarray) -> int:
    """The reference count of an array, as seen from a function that it was passed to."""
    return sys.getrefcount(array)


def _references_of_a_lone_array() -> int:
    array = np.empty(0)
    return _references(array)


_LONE = _references_of_a_lone_array()


def _is_lone(g: Any) -> bool:
    """Whether one variable of the caller is all that refers to an array and its memory.

    Then nobody else can see it change. Any view of it, any rule that kept it, would count as a reference.
    """
    # writeable: the walk adds to it, and hands it out; the count is taken just as `_references` took it
    return type(g) is np.ndarray and g.base is None and g.flags.writeable and sys.getrefcount(g) <= _LONE


def walk(
    roots: Iterable[tuple[Node, Any]], inputs: Iterable[Node] | None = None, record: type[Box] | None = None
) -> dict[Any, Any]:
    """Carry cotangents from ``roots`` back along the tape.

    Parameters
    ----------
    roots : iterable of (Node, array or Box)
        Where to start, with the cotangent of each. Handed over as an iterator, it lets the walk hold the
        graph alone, and so release each node once it is done with it.
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
    floor = min((node.serial for node in wanted), default=0)
    cotangents: dict[Node, Any] = {}
    # by negated serial, for heapq pops the smallest and the walk wants the newest
    heap: list[tuple[float, Node]] = []
    found: dict[Node, Any] = {}

    def send(node, g):
        if node not in cotangents:
            cotangents[node] = g
            if node.plan is not None and node not in wanted:
                heappush(heap, (-node.serial, node))
            return
        total = cotangents.pop(node)
        if _is_lone(total) and type(g) is np.ndarray:
            total += g
        else:
            total = add(total, g)
        cotangents[node] = total

    for node, g in roots:
        _require_graph(node)
        send(node, g)
    while heap:
        node = heappop(heap)[1]
        g = cotangents.pop(node)
        plan = node.plan
        values = node.values if record is None else _boxed_values(node, record)
        for edge in plan.edges:
            parent = node.parents[edge.position]
            if parent.serial >= floor:
                send(parent, _pull(node, edge, parent, g, values))
            elif not wanted:
                _require_graph(parent)
    while cotangents:
        node, g = cotangents.popitem()
        if not (_is_lone(g) or isinstance(g, Box)):
            g = np.array(g)  # no gradient shares memory: what may be somebody else's is copied
        found[node] = g
    return found


def _boxed_values(node: Node, cls: type[Box]) -> list[Any]:
    """What ``node`` keeps for its rules, with boxes for what has a place on the tape."""
    plan, parents = node.plan, node.parents
    values = list(node.values)
    for i, position in plan.boxes:
        if plan.primitive.variadic:
            values[i] = tuple(box(cls, x, p) if p else x for x, p in zip(values[i], parents, strict=True))
        elif parents[position] is not None:
            values[i] = box(cls, values[i], parents[position])
    if "out" in plan.names:
        i = plan.names.index("out")
        values[i] = box(cls, values[i], node)
    return values


def _pull(node: Node, edge: Edge, parent: Node, g: Any, values: Iterable[Any]) -> Any:
    """Apply one rule, and check or repair the shape and dtype of what it returns."""
    op = node.plan.primitive
    position, rule, arguments = edge
    if rule is None:
        raise TypeError(
            f"'{op.name}' is not differentiable in operand '{op.operand_name(position)}': "
            "it has no gradient rule; use stop_gradient if the operand is meant as a constant"
        )
    try:
        pulled = rule(*arguments((g, position, *values)))
    except Exception as error:
        error.add_note(f"in the gradient rule of '{op.name}' for operand '{op.operand_name(position)}'")
        raise
    try:
        shape, dtype = pulled.shape, pulled.dtype
    except AttributeError:
        raise _misfit(op, position, parent, type(pulled).__name__) from None
    if shape == parent.shape and dtype == parent.dtype:
        return pulled
    if not (op.broadcasts and _broadcasts_to(parent.shape, shape)):
        raise _misfit(op, position, parent, f"{dtype}{list(shape)}")
    if shape != parent.shape:
        pulled = sum_to(pulled, parent.shape)
    return pulled if dtype == parent.dtype else astype(pulled, parent.dtype)


def _misfit(op: Primitive[..., Any], position: int, parent: Node, came: str) -> TypeError:
    return TypeError(
        f"'{op.name}', rule of operand '{op.operand_name(position)}': expected a cotangent "
        f"{parent.dtype}{list(parent.shape)} like the operand, but the rule returned {came}"
    )


def _broadcasts_to(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    lead = len(large) - len(small)
    if lead < 0:
        return False
    ends = large[lead:]
    return small == ends or all(n in (1, m) for n, m in zip(small, ends, strict=True))


def _released() -> Node:
    node = Node()
    node.plan = None
    node.oldest = math.inf
    node.serial = -1  # older than any other: only a walk that goes to every leaf asks for it
    return node


RELEASED = _released()
"""Stands on a tensor whose graph `Tensor.backward` has released, so that walking into it is an error."""


def _require_graph(node: Node) -> None:
    if node is RELEASED:
        raise RuntimeError(
            "the graph was released by an earlier backward(); pass retain_graph=True there to keep it"
        )


# --- what the walk itself applies -------------------------------------------------------------------------


@primitive(broadcasts=True)
def add(a: Operand[Out], b: Operand[Out]) -> Out:
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
def broadcast_to(x: Operand[Out], shape: Shape) -> Out:
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
def sum_to(x: Operand[Out], shape: Shape) -> Out:
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
    axes = tuple(range(lead))
    if x.shape[lead:] != shape:
        axes += tuple(lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1)
    total = np.add.reduce(x, axis=axes, dtype=accumulator(x.dtype), keepdims=True).reshape(shape)
    return total if total.dtype == x.dtype else total.astype(x.dtype)


sum_to.defvjp(x=lambda g, x_shape: broadcast_to(g, x_shape))


@primitive(broadcasts=True)
def astype(x: Operand[Out], dtype: DTypeLike) -> Out:
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
