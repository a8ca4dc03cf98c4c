"""Probes in a copy of the package tell which statements a test runs.

A tracer would slow down every line of Python, those of the test tools too; a probe costs one call of a C
function, and only in the package.
"""

import ast
import builtins
from pathlib import Path

NAME = "_mutation_probe"
PER_FILE = 100_000  # a probe's number is that of its file times this, plus its line

hits: set[int] = set()


def install(tree: Path) -> list[str]:
    """Write probes into the package of a copied checkout, and return its files by their numbers."""
    package = tree / "tinygrad_cnn"
    files = sorted(str(path.relative_to(package)) for path in package.rglob("*.py"))
    for number, file in enumerate(files):
        path = package / file
        text = probed(path.read_text(encoding="utf-8"), number * PER_FILE)
        path.write_text(text, encoding="utf-8")
    # a process that a test starts has the calls in its package too
    (tree / "sitecustomize.py").write_text(f"import builtins\nbuiltins.{NAME} = id\n")
    return files


def listen() -> None:
    """Let the probes of this process add to ``hits``."""
    setattr(builtins, NAME, hits.add)


def probed(source: str, base: int) -> str:
    """Return a module with a probe before each statement and in each lambda function."""
    tree = _Prober(base).visit(ast.parse(source))
    return ast.unparse(ast.fix_missing_locations(tree))


class _Prober(ast.NodeTransformer):
    def __init__(self, base: int):
        self.base = base

    def call(self, line: int) -> ast.expr:
        return ast.Call(ast.Name(NAME, ast.Load()), [ast.Constant(self.base + line)], [])

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in "body", "orelse", "finalbody":
            body = getattr(node, field, None)
            if isinstance(body, list):
                setattr(node, field, [part for statement in body for part in self.with_probe(statement)])
        return node

    def with_probe(self, statement: ast.stmt) -> list[ast.stmt]:
        silent = isinstance(statement, (ast.Import, ast.ImportFrom)) or (
            isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        )
        return [statement] if silent else [ast.Expr(self.call(statement.lineno)), statement]

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        self.generic_visit(node)
        pair = ast.Tuple([self.call(node.body.lineno), node.body], ast.Load())
        node.body = ast.Subscript(pair, ast.Constant(1), ast.Load())
        return node
