"""What the modules of a room of the package define, to compare it with what the room exports."""

import importlib
import pkgutil
import types

from tinygrad_cnn.tape import Primitive


def modules_of(room):
    """Import the modules of a room, however deep, but for those that run as a program."""
    names = [found.name for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")]
    return [importlib.import_module(name) for name in names if not name.endswith("__main__")]


def defined_in(module):
    """Find the public classes, functions and primitives that are written in a module, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, Primitive | types.FunctionType | type)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


def defined(room):
    """Find what is public and written in the modules of a room, by name."""
    return {name: value for module in modules_of(room) for name, value in defined_in(module).items()}
