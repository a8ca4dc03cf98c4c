"""Planting a mutant into functions that are imported already, by giving them the code of the mutated text."""

import gc
import importlib
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, MemberDescriptorType

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


def import_anew(package: Path, path: Path, text: str) -> None:
    """Run the text of a file again, and give what it makes to the objects that the first import made.

    Others keep references to these, so they stay, and change inside.
    """
    name = ".".join([package.name, *path.relative_to(package).with_suffix("").parts]).removesuffix(
        ".__init__"
    )
    old = importlib.import_module(name)
    anew = {key: value for key, value in vars(old).items() if key.startswith("__")}
    exec(compile(text, path, "exec", dont_inherit=True), anew)
    for key, now in anew.items():
        was = vars(old).get(key)
        if was is now or key.startswith("__"):
            continue
        if type(was) is FunctionType and type(now) is FunctionType:
            _change_function(was, now)
        elif isinstance(was, type) and was.__module__ == name:
            for attribute, value in vars(now).items():
                is_slot = isinstance(value, MemberDescriptorType)  # of the second class only
                if isinstance(value, FunctionType) or not (is_slot or attribute.startswith("__")):
                    setattr(was, attribute, value)
        elif _class_of(was) == _class_of(now) and _class_of(was)[0].startswith(package.name):
            _change_instance(was, now)
        else:
            _replace(package.name, was, now)


def _class_of(thing: object) -> tuple[str, str]:
    """Return the name of a class, which is the same for its second making."""
    return type(thing).__module__, type(thing).__qualname__


def _change_function(was: FunctionType, now: FunctionType) -> None:
    if was.__code__.co_freevars == now.__code__.co_freevars:
        was.__code__, was.__defaults__, was.__kwdefaults__ = (
            now.__code__,
            now.__defaults__,
            now.__kwdefaults__,
        )
        vars(was).update(vars(now))
        for old_cell, cell in zip(was.__closure__ or (), now.__closure__ or (), strict=True):
            old_cell.cell_contents = cell.cell_contents


def _change_instance(was: object, now: object) -> None:
    names = [name for cls in type(was).__mro__ for name in getattr(cls, "__slots__", ())]
    for name in (*names, *getattr(now, "__dict__", ())):
        if hasattr(now, name) and name not in ("__dict__", "__weakref__"):
            object.__setattr__(was, name, getattr(now, name))


def _replace(package: str, was: object, now: object) -> None:
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == package:
            for key, value in list(vars(module).items()):
                if value is was:
                    setattr(module, key, now)


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
