"""What the package is built of, read from its source: modules, their imports, their lines of code."""

import ast
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
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _module_name(path):
    parts = (NAME, *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module):
    """Name the room of a module: the folder or file below the package, or "" for the package's own face."""
    return module.split(".")[1] if "." in module else ""


def imports_of(module, source=None):
    """List the package's modules that one imports, anywhere in its source, also only for annotations."""
    path = MODULES[module]
    found = set()
    for node in ast.walk(ast.parse(source or path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
            above = start[: len(start) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            # a name that is imported may be a module, or stand in the module that it is imported from
            found |= {f"{base}.{a.name}" if f"{base}.{a.name}" in MODULES else base for a in node.names}
    return sorted(name for name in found if name in MODULES and name != module)


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
