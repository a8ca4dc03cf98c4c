"""What the modules of a room of the package define, to compare it with what the room exports."""

import importlib
import inspect
import pkgutil


def defined(room):
    """Find the public classes and functions that are written in the modules of a room, by name."""
    found = {}
    for info in pkgutil.iter_modules(room.__path__):
        module = importlib.import_module(f"{room.__name__}.{info.name}")
        for name, value in vars(module).items():
            is_code = inspect.isclass(value) or inspect.isfunction(value)
            if is_code and not name.startswith("_") and value.__module__ == module.__name__:
                found[name] = value
    return found
