"""A reader of the pickles that PyTorch writes for a state dict; it imports nothing and calls nothing else.

A pickle is a program for a stack machine, and Python's own reader runs whatever it names. This one knows the
instructions that make dicts, lists, tuples, numbers and texts, and four functions by their names; all else is
an error. Source: `pickletools.opcodes`, and ``torch/serialization.py`` for what stands in the files.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_MARK = object()
_MOST = 1 << 20  # instructions: a hundred thousand arrays need fewer


class Storage(NamedTuple):
    """Where the elements of an array stand: the kind of PyTorch, the name in the archive, and how many."""

    kind: str
    key: str
    length: int


class Stored(NamedTuple):
    """An array that has not been read yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Global(NamedTuple):
    name: str


def parsed(pickle: bytes) -> Any:
    """Return what a pickle makes, with `Stored` for its tensors; raise a ValueError for anything unusual."""
    machine = _Machine()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(pickle)):
        if count > _MOST:
            raise ValueError("it has too many instructions")
        if opcode.name == "STOP":
            break
        step = _STEPS.get(opcode.name)
        if step is None:
            raise ValueError(f"it has the instruction {opcode.name}, which no state dict needs")
        step(machine, argument)
    (made,) = machine.stack
    return made


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        """Take the topmost value."""
        if not self.stack or self.stack[-1] is _MARK:
            raise ValueError("it takes a value that is not there")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        """Take all values above the last mark, and the mark."""
        above: list[Any] = []
        while self.stack and self.stack[-1] is not _MARK:
            above.append(self.stack.pop())
        if not self.stack:
            raise ValueError("it takes values down to a mark that is not there")
        self.stack.pop()
        return above[::-1]

    def top(self, kind: type) -> Any:
        """Return the topmost value, which must be a container of a kind."""
        if not self.stack or type(self.stack[-1]) is not kind:
            raise ValueError(f"it fills something that is no {kind.__name__}")
        return self.stack[-1]


def _push(value: Any) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(value)


def _push_argument(machine: _Machine, argument: Any) -> None:
    machine.stack.append(argument)


def _nothing(machine: _Machine, argument: Any) -> None:
    """Do what PROTO and FRAME ask for."""


def _put(machine: _Machine, key: Any) -> None:
    machine.memo[int(key)] = machine.stack[-1]


def _memoize(machine: _Machine, _: Any) -> None:
    _put(machine, len(machine.memo))


def _get(machine: _Machine, key: Any) -> None:
    machine.stack.append(machine.memo[int(key)])


def _tuple_of(count: int) -> Callable[[_Machine, Any], None]:
    def make(machine: _Machine, _: Any) -> None:
        machine.stack.append(tuple(machine.pop() for _ in range(count))[::-1])

    return make


def _tuple(machine: _Machine, _: Any) -> None:
    machine.stack.append(tuple(machine.pop_to_mark()))


def _append(machine: _Machine, _: Any) -> None:
    item = machine.pop()
    machine.top(list).append(item)


def _appends(machine: _Machine, _: Any) -> None:
    items = machine.pop_to_mark()
    machine.top(list).extend(items)


def _set_items(machine: _Machine, pairs: list[Any]) -> None:
    filled = machine.top(dict)
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(key, str | int) or key in filled:
            raise ValueError("it has a name twice, or one that is no text")
        filled[key] = value


def _set_item(machine: _Machine, _: Any) -> None:
    value, key = machine.pop(), machine.pop()
    _set_items(machine, [key, value])


def _global(machine: _Machine, argument: str) -> None:
    machine.stack.append(_Global(argument.replace(" ", ".", 1)))


def _stack_global(machine: _Machine, _: Any) -> None:
    name, module = machine.pop(), machine.pop()
    machine.stack.append(_Global(f"{module}.{name}"))


def _persistent(machine: _Machine, _: Any) -> None:
    """Make a storage of ``("storage", kind, key, device, count)``."""
    tag, kind, key, _device, count = machine.pop()
    if tag != "storage" or not isinstance(kind, _Global) or not _are_numbers([count]):
        raise ValueError("it refers to something that is no storage")
    machine.stack.append(Storage(kind.name, str(key), count))


def _reduce(machine: _Machine, _: Any) -> None:
    args, function = machine.pop(), machine.pop()
    name = function.name if isinstance(function, _Global) else type(function).__name__
    if name not in _FUNCTIONS:
        raise ValueError(
            f"it calls {name}: a state dict of tensors is needed, as model.state_dict() gives it"
        )
    machine.stack.append(_FUNCTIONS[name](*args))


def _build(machine: _Machine, _: Any) -> None:
    """Leave out the attributes of a dict, such as the versions that a state dict has beside its arrays."""
    machine.pop()
    machine.top(dict)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Stored:
    if not (isinstance(storage, Storage) and _are_numbers([offset, *shape, *strides])):
        raise ValueError("it has a tensor without a storage, or with sizes that are no numbers")
    if len(shape) != len(strides):
        raise ValueError("it has a tensor whose shape and strides differ in length")
    return Stored(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


def _ordered(*pairs: Any) -> dict[Any, Any]:
    if pairs not in ((), ([],)):
        raise ValueError("it makes a dict in an unusual way")
    return {}


def _are_numbers(values: list[Any]) -> bool:
    return all(type(n) is int and 0 <= n < 1 << 62 for n in values)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _ordered,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": lambda sizes: tuple(sizes),
}


def _makes(make: Callable[[], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(make())


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), _nothing),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), _push_argument),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE"), _push_argument),
    "NONE": _push(None), "NEWTRUE": _push(True), "NEWFALSE": _push(False), "MARK": _push(_MARK),
    "EMPTY_DICT": _makes(dict), "EMPTY_LIST": _makes(list), "EMPTY_TUPLE": _push(()),
    "BINPUT": _put, "LONG_BINPUT": _put, "MEMOIZE": _memoize, "BINGET": _get, "LONG_BINGET": _get,
    "TUPLE": _tuple, "TUPLE1": _tuple_of(1), "TUPLE2": _tuple_of(2), "TUPLE3": _tuple_of(3),
    "APPEND": _append, "APPENDS": _appends, "SETITEM": _set_item,
    "SETITEMS": lambda machine, _: _set_items(machine, machine.pop_to_mark()),
    "GLOBAL": _global, "STACK_GLOBAL": _stack_global, "BINPERSID": _persistent,
    "REDUCE": _reduce, "BUILD": _build,
}  # fmt: skip


def named(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the arrays of nested dicts and lists by their dotted paths, and leave out numbers and texts."""
    if isinstance(tree, Stored):
        yield path, tree
    elif isinstance(tree, dict | list | tuple):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, value in items:
            yield from named(value, f"{path}.{key}" if path else str(key))
