"""Planting a mutant into functions that are imported already, by giving them the code of the mutated text."""

import gc
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType

Place = tuple[object, ...]


def living(package: Path) -> dict[Place, list[FunctionType]]:
    """Return the functions of a package in this process by the places of their codes in its texts."""
    found: dict[Place, list[FunctionType]] = defaultdict(list)
    for thing in gc.get_objects():
        if type(thing) is FunctionType and Path(thing.__code__.co_filename).is_relative_to(package):
            found[_place(thing.__code__)].append(thing)
    return found


def plant(path: Path, source: str, mutated: str, functions: Mapping[Place, list[FunctionType]]) -> bool:
    """Give the functions of a file their code in the mutated text, and say whether there are any.

    What ran when the file was imported is not run again.
    """
    old_module, new_module = (compile(text, path, "exec", dont_inherit=True) for text in (source, mutated))
    changed = [(old, new) for old, new in _pairs(old_module, new_module) if old != new]
    pairs = [(function, old, new) for old, new in changed for function in functions.get(_place(old), ())]
    if any(f.__code__ != old or old.co_freevars != new.co_freevars for f, old, new in pairs):
        return False
    for function, _, new in pairs:
        function.__code__ = new
    return bool(pairs)


def _place(code: CodeType) -> Place:
    return code.co_filename, code.co_qualname, tuple(code.co_positions())


def _pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Yield each code with its mutant; where one lost a function inside, what stays inside is unchanged."""
    yield old, new
    inside, inside_new = (
        [constant for constant in code.co_consts if isinstance(constant, CodeType)] for code in (old, new)
    )
    if [code.co_qualname for code in inside] == [code.co_qualname for code in inside_new]:
        for pair in zip(inside, inside_new, strict=True):
            yield from _pairs(*pair)
