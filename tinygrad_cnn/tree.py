"""Trees of arrays: the dicts, lists, tuples, namedtuples and dataclasses that hold a model's parameters.

``None`` is an empty subtree; anything that is not one of these containers is a leaf. `register` makes a
container of another class.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .checks import function as check_function
from .tables import Column, Row, as_html, as_text

__all__ = [
    "Structure",
    "Table",
    "copy_into",
    "flatten",
    "leaves",
    "map",
    "matching_leaves",
    "paths",
    "ravel",
    "register",
    "register_leaf",
    "structure",
    "table",
    "unflatten",
]


def __dir__() -> list[str]:
    return __all__


_CONTAINERS: dict[str, Any] = {"dict": dict, "sequence": (tuple, list), "empty": type(None)}


class _Registered(NamedTuple):
    """How to take an object of a class apart, and how to make one of its parts."""

    flatten: Callable[[Any], tuple[Any, Any]]
    unflatten: Callable[[Any, Any], Any]


_registered: dict[type, _Registered | None] = {}  # None for a leaf


class _Kinds(dict[type, Any]):
    """A table from a type to the kind of container that it is, or None for a leaf.

    Two trees match where their kinds do, so a list may stand for a tuple. Every step asks for the kind of
    every leaf, and a look-up is faster than `isinstance`.
    """

    def __missing__(self, cls: type) -> Any:
        if len(self) >= 256:  # a program that makes classes as it runs must not keep them all alive
            self.clear()
        self[cls] = kind = _kind(cls)
        return kind


_kinds = _Kinds()


def _kind(cls: type) -> Any:
    """Return the name of a kind of Python's containers, or the class of another container, or None."""
    for base in cls.__mro__:
        if base in _registered:
            return base if _registered[base] else None
    named = next((name for name, types in _CONTAINERS.items() if issubclass(cls, types)), None)
    is_dataclass = hasattr(cls, "__dataclass_fields__")
    return cls if named is None and is_dataclass else named


def register(
    cls: type, flatten: Callable[[Any], tuple[Any, Any]], unflatten: Callable[[Any, Any], Any]
) -> None:
    """Make objects of a class, and of its subclasses, containers of every tree.

    Dataclasses are containers of their fields without that. A new one is made field by field, so that
    ``__init__`` and ``__post_init__`` are not called.

    Parameters
    ----------
    cls : type
        The class.
    flatten : callable
        Takes an object, and returns its children and the rest, as JAX's ``register_pytree_node`` asks: the
        children are subtrees, in a sequence or, so that paths show their names, in a dict. The rest is
        whatever ``unflatten`` needs besides.
    unflatten : callable
        Takes the rest and other children, in a tuple or a dict as ``flatten`` returned them, and makes an
        object. It is also called with placeholders, such as texts, in the place of arrays, so it must not
        compute with them.

    Raises
    ------
    TypeError
        If ``cls`` is no class, or one of the others no function.

    Examples
    --------
    >>> class Line:
    ...     def __init__(self, slope, offset):
    ...         self.slope, self.offset = slope, offset
    >>> register(Line, lambda line: (vars(line), None), lambda rest, parts: Line(**parts))
    >>> line = map(lambda x: 2 * x, Line(1, [2, 3]))
    >>> line.slope, line.offset
    (2, [4, 6])
    """
    check_function("tree.register", "flatten", flatten)
    check_function("tree.register", "unflatten", unflatten)
    _register("tree.register", cls, _Registered(flatten, unflatten))


def register_leaf(cls: type) -> None:
    """Make objects of a class, and of its subclasses, leaves, where they would be containers.

    The layers of `nn` are such dataclasses: they describe a function, and hold no arrays.

    Parameters
    ----------
    cls : type
        The class.

    Raises
    ------
    TypeError
        If ``cls`` is no class.

    Examples
    --------
    >>> import dataclasses
    >>> @dataclasses.dataclass
    ... class Options:
    ...     rate: float
    >>> leaves([Options(0.5), 1.0])
    [0.5, 1.0]
    >>> register_leaf(Options)
    >>> leaves([Options(0.5), 1.0])
    [Options(rate=0.5), 1.0]
    """
    _register("tree.register_leaf", cls, None)


def _register(owner: str, cls: type, way: _Registered | None) -> None:
    if not isinstance(cls, type):
        raise TypeError(f"{owner}: cls: expected a class, got {cls!r}")
    _registered[cls] = way
    _kinds.clear()


def children(container: Any) -> dict[Any, Any]:
    """Return what a container holds, by key; a leaf is no container and holds nothing."""
    kind = _kinds[type(container)]
    if kind is None or kind == "empty":
        return {}
    if kind == "dict":
        return container
    if kind == "sequence":
        return dict(zip(getattr(container, "_fields", range(len(container))), container, strict=True))
    return _taken_apart(container, kind)[0]


def _taken_apart(container: Any, kind: type) -> tuple[dict[Any, Any], Callable[[dict[Any, Any]], Any]]:
    """Return the parts of an object by key, and a function that makes such an object of other parts."""
    way = _registered.get(kind)
    if way is None:
        from dataclasses import fields  # whoever made the class has imported it; the package need not

        names = [field.name for field in fields(container)]
        return {name: getattr(container, name) for name in names}, lambda parts: _with_fields(kind, parts)
    flattened = way.flatten(container)
    if not isinstance(flattened, tuple) or len(flattened) != 2:
        raise TypeError(
            f"tree.register: flatten of {kind.__name__}: expected (children, rest), got {flattened!r:.60}"
        )
    parts, rest = flattened
    if isinstance(parts, dict):
        return parts, lambda parts: way.unflatten(rest, parts)
    return dict(enumerate(parts)), lambda parts: way.unflatten(rest, tuple(parts.values()))


def _with_fields(cls: Any, fields: dict[str, Any]) -> Any:
    """Make an object of a dataclass, frozen or not, that holds nothing but its fields."""
    made = cls.__new__(cls)
    for name, value in fields.items():
        object.__setattr__(made, name, value)
    return made


def _remade(container: Any, parts: Any) -> Any:
    """Make a container of Python, of the same class as another, of other parts."""
    cls = type(container)
    try:
        if isinstance(container, defaultdict):
            return cls(container.default_factory, parts)
        return cls(*parts) if hasattr(cls, "_fields") else cls(parts)
    except Exception as error:
        raise TypeError(
            f"tree: {cls.__name__} cannot be made of a {type(parts).__name__} of its parts ({error}): say "
            "how by tree.register"
        ) from error


def _replace(leaf: Callable[..., Any], tree: Any) -> Any:
    """Copy a tree, with ``leaf(x)`` in the place of each leaf ``x``."""
    cls = type(tree)
    kind = _kinds[cls]
    if kind is None:
        return leaf(tree)
    if kind == "dict":
        replaced = {}
        for key, value in tree.items():  # a comprehension would cost one more call, several times a step
            replaced[key] = _replace(leaf, value)
        return replaced if cls is dict else _remade(tree, replaced)
    if kind == "sequence":
        values = []
        for value in tree:
            values.append(_replace(leaf, value))
        return values if cls is list else _remade(tree, values)
    if kind == "empty":
        return None
    parts, make = _taken_apart(tree, kind)
    return make({key: _replace(leaf, part) for key, part in parts.items()})


def _too_deep(*trees: Any) -> ValueError:
    """Make the error for trees that Python cannot walk through, which says where one of them holds itself."""
    inside: dict[int, Any] = {}  # the containers around the one that is visited, by identity, and their keys
    to_visit: list[tuple[Any, Any, bool]] = [("", tree, False) for tree in trees]
    while to_visit and len(inside) < sys.getrecursionlimit():
        key, container, was_visited = to_visit.pop()
        if was_visited:
            del inside[id(container)]
        elif id(container) in inside:
            path = ".".join(str(key) for key in [*inside.values(), key][1:])
            return ValueError(f"a tree holds itself, at '{path}'")
        elif parts := children(container):
            inside[id(container)] = key
            to_visit.append((key, container, True))
            to_visit += [(key, part, False) for key, part in parts.items()]
    return ValueError(
        f"a tree is nested too deeply: expected fewer than {sys.getrecursionlimit()} levels of containers, "
        "less those of the program (sys.setrecursionlimit)"
    )


def join(path: str, key: Any) -> str:
    """Return the path of what a container holds under a key, from the path of the container."""
    return f"{path}.{key}" if path else str(key)


class Structure(NamedTuple):
    """The containers of a tree, with ``"*"`` in the place of each leaf, and the number of these places."""

    skeleton: Any
    places: int

    def __str__(self) -> str:
        return str(self.skeleton)


def map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply a function to the leaves of one or several trees of the same structure.

    Parameters
    ----------
    function : callable
        It takes one leaf of each tree.
    tree, *rest : tree
        Trees of the same structure; dicts are matched by key, whatever the order.

    Returns
    -------
    tree
        The results, in the structure of ``tree``.

    Raises
    ------
    ValueError
        If the structures differ; the message prints both, and the path where they part.
    TypeError
        If ``function`` is none, as where the arguments have changed places.

    Examples
    --------
    >>> map(lambda a, b: a + b, {"w": 1, "b": [2, 3]}, {"w": 10, "b": [20, 30]})
    {'w': 11, 'b': [22, 33]}
    """
    check_function("tree.map", "function", function)
    if not rest:
        try:
            return _replace(function, tree)
        except RecursionError:
            flatten(tree)  # which raises if the tree is the cause, and not the function
            raise
    first, shape = flatten(tree)
    others = [matching_leaves(tree, other) for other in rest]
    return unflatten(shape, [function(*found) for found in zip(first, *others, strict=True)])


def matching_leaves(reference: Any, tree: Any) -> list[Any]:
    """List the leaves of a tree in the order of another tree of the same structure.

    Parameters
    ----------
    reference : tree
        The tree that gives the order.
    tree : tree
        The tree whose leaves are taken; dicts are matched by key, whatever the order.

    Returns
    -------
    list
        The leaves of ``tree``.

    Raises
    ------
    ValueError
        If the structures differ; see `map`.

    Examples
    --------
    >>> matching_leaves({"w": 1, "b": [2, 3]}, {"b": [20, 30], "w": 10})
    [10, 20, 30]
    """
    found: list[Any] = []
    try:
        mismatch = _visit(reference, tree, found)
        if mismatch is None:
            return found
        error = _mismatch(reference, tree, mismatch)
    except RecursionError:
        raise _too_deep(reference, tree) from None
    raise error


def _visit(expected: Any, actual: Any, found: list[Any]) -> list[Any] | None:
    """Collect the leaves of ``actual``; return where it parts from ``expected``, its last key first, or None.

    This is no function inside `matching_leaves`, because one that calls itself is a reference cycle: it
    would keep the leaves, a whole gradient, alive until the garbage collector runs.
    """
    kind = _kinds[type(expected)]
    if kind != _kinds[type(actual)]:
        return []
    if kind is None:
        found.append(actual)
        return None
    places, given = (expected, actual) if kind == "dict" else (children(expected), children(actual))
    if places.keys() != given.keys():
        return []
    for key, place in places.items():
        mismatch = _visit(place, given[key], found)
        if mismatch is not None:
            return [*mismatch, key]
    return None


def _mismatch(reference: Any, tree: Any, path: list[Any]) -> ValueError:
    where = ".".join(str(key) for key in reversed(path)) or "the root"
    return ValueError(
        f"trees of different structure, at {where}: {structure(reference)} and {structure(tree)}"
    )


def structure(tree: Any) -> Structure:
    """Return the structure of a tree, without its leaves.

    Parameters
    ----------
    tree : tree
        Containers with leaves of any type.

    Returns
    -------
    Structure
        The containers, which print with ``*`` for each leaf.

    Examples
    --------
    >>> print(structure({"w": 1.0, "b": [2.0, None]}))
    {'w': '*', 'b': ['*', None]}
    """
    return flatten(tree)[1]


def leaves(tree: Any) -> list[Any]:
    """List the leaves of a tree in order.

    Parameters
    ----------
    tree : tree
        Containers with leaves of any type.

    Returns
    -------
    list
        The leaves; those of a dict come in the order of its keys.

    Examples
    --------
    >>> leaves({"w": 1, "b": [2, None, 3]})
    [1, 2, 3]
    """
    return flatten(tree)[0]


def paths(tree: Any) -> list[str]:
    """List the places of the leaves as dotted paths, in the order of `leaves`.

    Parameters
    ----------
    tree : tree
        Containers with leaves of any type.

    Returns
    -------
    list of str
        One path for each leaf; a tree that is a single leaf has the empty path.

    Examples
    --------
    >>> paths({"conv": {"weight": 1, "bias": 2}, "rest": [3]})
    ['conv.weight', 'conv.bias', 'rest.0']
    """
    found: list[str] = []
    try:
        _collect_paths("", tree, found)
    except RecursionError:
        raise _too_deep(tree) from None
    return found


def _collect_paths(path: str, tree: Any, found: list[str]) -> None:
    if _kinds[type(tree)] is None:
        found.append(path)
    for key, value in children(tree).items():
        _collect_paths(join(path, key), value, found)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """Take a tree apart into leaves and structure.

    Parameters
    ----------
    tree : tree
        Containers with leaves of any type.

    Returns
    -------
    list
        The leaves.
    Structure
        What `unflatten` needs to put them back.

    Examples
    --------
    >>> values, shape = flatten({"w": 1, "b": (2, 3)})
    >>> values
    [1, 2, 3]
    >>> unflatten(shape, [10, 20, 30])
    {'w': 10, 'b': (20, 30)}
    """
    found: list[Any] = []

    def take(leaf: Any) -> str:
        found.append(leaf)
        return "*"

    try:
        skeleton = _replace(take, tree)
    except RecursionError:
        raise _too_deep(tree) from None
    return found, Structure(skeleton, len(found))


def unflatten(structure: Structure, values: list[Any]) -> Any:
    """Put leaves into a structure; this is the inverse of `flatten`.

    Parameters
    ----------
    structure : Structure
        The containers, as `flatten` returns them.
    values : list
        The leaves, as many as the structure has places.

    Returns
    -------
    tree
        New containers with these leaves.

    Raises
    ------
    ValueError
        If the number of leaves does not fit.
    TypeError
        If ``structure`` is none, or ``values`` are no list.

    Examples
    --------
    >>> unflatten(flatten([0, (0, 0)])[1], [1, 2, 3])
    [1, (2, 3)]
    """
    if not isinstance(structure, Structure):
        raise TypeError(f"tree.unflatten: structure: expected what flatten returns, got {structure!r:.60}")
    if not isinstance(values, list | tuple):
        raise TypeError(f"tree.unflatten: values: expected a list of leaves, got {values!r:.60}")
    if len(values) != structure.places:
        raise ValueError(
            f"expected {structure.places} leaves for the structure {structure}, got {len(values)}"
        )
    supply = iter(values)
    return _replace(lambda _: next(supply), structure.skeleton)


def ravel(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Lay the arrays of a tree into one vector, for algorithms that move a point of a vector space.

    Parameters
    ----------
    tree : tree of array_like
        Arrays, tensors or numbers.

    Returns
    -------
    vector : ndarray or Tensor, 1-d
        All elements, in the order of `leaves`; it has the promoted dtype.
    unravel : callable
        It puts the elements of a vector of that length back into a tree of the same structure, where each
        array has its shape and dtype. It can be differentiated: a tensor makes a tree of tensors.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_cnn import grad
    >>> params = {"w": np.array([[1.0, 2.0]]), "b": np.float32(3.0)}
    >>> vector, unravel = ravel(params)
    >>> vector
    array([1., 2., 3.])
    >>> unravel(10 * vector)
    {'w': array([[10., 20.]]), 'b': array(30., dtype=float32)}
    >>> grad(lambda v: (unravel(v)["w"] ** 2).sum())(vector)
    array([2., 4., 0.])
    """
    found, shape = flatten(tree)
    arrays = [x if hasattr(x, "dtype") else np.asarray(x) for x in found]  # a tensor stays one
    kinds = [(x.shape, x.dtype) for x in arrays]
    for path, (_, dtype), leaf in zip(paths(tree), kinds, found, strict=True):
        if dtype.kind not in "biufc":
            raise TypeError(f"tree.ravel: '{path}': expected numbers, got {leaf!r:.60}")
    ends = list(itertools.accumulate((math.prod(size) for size, _ in kinds), initial=0))

    def unravel(vector: Any) -> Any:
        vector = vector if hasattr(vector, "dtype") else np.asarray(vector)
        if vector.shape != (ends[-1],):
            raise ValueError(f"unravel: vector: expected shape {(ends[-1],)}, got {vector.shape}")
        parts = [vector[start:end] for start, end in itertools.pairwise(ends)]
        return unflatten(
            shape,
            [part.reshape(size).astype(dtype) for part, (size, dtype) in zip(parts, kinds, strict=True)],
        )

    flat = [np.reshape(x, (-1,)) for x in arrays]
    return np.concatenate(flat) if flat else np.zeros(0), unravel


class Table(NamedTuple):
    """The arrays of a tree in a table, which prints as text and is shown as HTML in a notebook.

    Attributes
    ----------
    rows : tuple of (str, str, int, float)
        For each array its path, its dtype and shape, its number of elements, and the root of the mean of
        their squares.
    """

    rows: tuple[tuple[str, str, int, float], ...]

    def __str__(self) -> str:
        return as_text(_COLUMNS, self._cells(), self._total())

    def _repr_html_(self) -> str:
        return as_html(_COLUMNS, self._cells(), self._total())

    def _cells(self) -> list[Row]:
        return [Row((path, kind, f"{size:,}", f"{scale:.3g}")) for path, kind, size, scale in self.rows]

    def _total(self) -> list[Row]:
        return [Row(("total", "", f"{sum(size for _, _, size, _ in self.rows):,}", ""))]


_COLUMNS = (
    Column("path"), Column("array"), Column("elements", is_number=True), Column("rms", is_number=True),
)  # fmt: skip


def table(tree: Any) -> Table:
    """Describe the arrays of a tree, such as parameters or gradients: a dict has no picture of its own.

    Parameters
    ----------
    tree : tree of array_like
        Arrays, tensors or numbers.

    Returns
    -------
    Table
        A row for each array, with the root mean square (rms) of its elements: gradients that vanish or
        explode are seen there.

    Examples
    --------
    >>> import numpy as np
    >>> print(table({"conv": {"weight": np.ones((8, 1, 3, 3)), "bias": np.zeros(8)}}))
    path         array                elements  rms
    -----------------------------------------------
    conv.weight  float64[8, 1, 3, 3]        72    1
    conv.bias    float64[8]                  8    0
    -----------------------------------------------
    total                                   80
    """
    rows = []
    for path, leaf in zip(paths(tree), leaves(tree), strict=True):
        array = np.asarray(getattr(leaf, "data", leaf)) if hasattr(leaf, "node") else np.asarray(leaf)
        scale = float(np.sqrt(np.mean(np.square(array, dtype=float)))) if array.size else 0.0
        rows.append((path, f"{array.dtype}{list(array.shape)}", array.size, scale))
    return Table(tuple(rows))


def copy_into(target: Any, source: Any) -> None:
    """Copy the arrays of one tree into those of another, in place.

    An optimizer is bound to the arrays it was given; loading into these very arrays keeps it bound.

    Parameters
    ----------
    target : tree of ndarray
        The arrays that are overwritten.
    source : tree of array_like
        The new values, in a tree of the same structure and shapes.

    Raises
    ------
    ValueError
        If structures or shapes differ, or an array is read-only; nothing is written then.
    TypeError
        If a target is no ndarray, or would not hold the values; nothing is written then.

    Examples
    --------
    >>> import numpy as np
    >>> params = {"w": np.zeros(2)}
    >>> copy_into(params, {"w": np.array([1.0, 2.0])})
    >>> params["w"]
    array([1., 2.])
    """
    pairs: list[tuple[np.ndarray, Any]] = []
    map(lambda array, value: pairs.append((array, value)), target, source)
    for path, (array, value) in zip(paths(target), pairs, strict=True):
        if not isinstance(array, np.ndarray):
            raise TypeError(f"'{path}': expected an ndarray to copy into, got {type(array).__name__}")
        if not array.flags.writeable:
            raise ValueError(f"'{path}': the array to copy into is read-only")
        if array.shape != np.shape(value):
            raise ValueError(f"'{path}': expected shape {array.shape}, got {np.shape(value)}")
        if not np.can_cast(np.asarray(value).dtype, array.dtype, "same_kind"):
            raise TypeError(f"'{path}': expected values for {array.dtype}, got {np.asarray(value).dtype}")
    for array, value in pairs:
        array[...] = value
