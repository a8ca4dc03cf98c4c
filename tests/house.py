"""What the package is built of, read from its source: modules, their imports, their lines of code."""

import ast
import functools
import io
import tokenize
from pathlib import Path

import tinygrad_cnn

PACKAGE = Path(tinygrad_cnn.__file__).parent
NAME = PACKAGE.name
_NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
_IMPORTERS = {"import_module", "__import__"}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _module_name(path):
    parts = (NAME, *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module):
    """Name the room of a module: the folder or file below the package, or "" for the package's own face."""
    return module.split(".")[1] if "." in module else ""


@functools.cache
def imports_of(module, source=None):
    """List the package's modules that one imports, anywhere in its source, also only for annotations.

    A call of `importlib.import_module` or ``__import__`` counts too, if it names the module.
    """
    path = MODULES[module]
    start = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(source or path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(start, node.level, node.module)
            # a name that is imported may be a module, or stand in the module that it is imported from
            found |= {f"{base}.{a.name}" if f"{base}.{a.name}" in MODULES else base for a in node.names}
        elif isinstance(node, ast.Call) and _name(node.func) in _IMPORTERS:
            found |= {_named(start, argument) for argument in node.args}
    return sorted(name for name in found if name in MODULES and name != module)


def _name(function):
    return getattr(function, "attr", getattr(function, "id", None))


def _absolute(start, level, name):
    above = start[: len(start) - level + 1] if level else []
    return ".".join([*above, *([name] if name else [])])


def _named(start, argument):
    """Name the module that a string argument of a call would import, absolute or relative."""
    if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
        return None
    name = argument.value.lstrip(".")
    return _absolute(start, len(argument.value) - len(name), name)


def circle(imports):
    """Find modules that import each other in a circle; return them in order, or None."""
    done, path = set(), []

    def visit(module):
        if module in path:
            return path[path.index(module) :]
        if module in done:
            return None
        path.append(module)
        for other in imports.get(module, ()):
            if found := visit(other):
                return found
        done.add(path.pop())
        return None

    return next((found for module in imports if (found := visit(module))), None)


@functools.cache
def code_lines(source):
    """Number the lines that hold code: no blank lines, comments or docstrings."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            lines.difference_update(range(text.lineno, text.end_lineno + 1))
    return lines


def function_sizes(source):
    """Yield the name of each function and method, and its number of lines of code."""
    lines = code_lines(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, sum(node.lineno <= line <= node.end_lineno for line in lines)
