"""Which small faults can be planted in a source text, and where.

A mutant replaces the text of one node and leaves every other character and every line number as it was.
Docstrings, annotations, imports, error messages, ``__all__`` and ``__slots__`` are left alone, since no
behaviour hangs on them.
"""

import ast
import copy
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace


def _both_ways(*pairs: tuple) -> dict:
    return {a: b for pair in pairs for a, b in (pair, pair[::-1])}


NEGATED = _both_ways(
    (ast.Eq, ast.NotEq), (ast.Lt, ast.GtE), (ast.Gt, ast.LtE), (ast.Is, ast.IsNot), (ast.In, ast.NotIn)
)
BOUNDARY = _both_ways((ast.Lt, ast.LtE), (ast.Gt, ast.GtE))
ARITHMETIC = _both_ways(
    (ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.BitAnd, ast.BitOr), (ast.LShift, ast.RShift)
) | {ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult}
OPPOSITE_CALLS = _both_ways(
    ("min", "max"), ("any", "all"), ("minimum", "maximum"), ("floor", "ceil"), ("zeros", "ones")
)
Positioned = ast.expr | ast.stmt
Change = tuple[str, Positioned, ast.AST | None]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef)
# the fields of a statement that are statements themselves, or left alone
ELSEWHERE = ("body", "orelse", "finalbody", "handlers", "annotation", "returns", "exc", "cause")
UNTOUCHED_NAMES = {"__all__", "__slots__", "__match_args__"}


@dataclass(frozen=True)
class Mutant:
    """One planted fault: who it is (the first five fields) and what its text becomes."""

    room: str
    scope: str
    statement: str
    operator: str
    occurrence: int
    file: str
    line: int
    end_line: int
    # the lines whose execution runs the mutated code, or, when it runs at import, the function that it makes
    lines: tuple[int, ...]
    at_import: bool
    start: int
    stop: int
    text: str

    @property
    def identity(self) -> tuple[str, str, str, str, int]:
        """What stays when the code moves to another place or file."""
        return self.room, self.scope, self.statement, self.operator, self.occurrence

    def apply(self, source: str) -> str:
        """Return the source with the fault in it."""
        data = source.encode()
        return (data[: self.start] + self.text.encode() + data[self.stop :]).decode()


def normalised(statement: ast.stmt) -> str:
    """Return a statement as one text without layout; of a compound statement its head only."""
    if isinstance(statement, SCOPES):
        head = copy.copy(statement)
        head.body = [ast.Pass()]
        if isinstance(head, FUNCTIONS):
            head.args, head.returns = copy.deepcopy(head.args), None
            for argument in ast.walk(head.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
        return ast.unparse(head).removesuffix("\n    pass")
    if isinstance(statement, (ast.If, ast.While)):
        return f"{type(statement).__name__.lower()} {ast.unparse(statement.test)}:"
    if isinstance(statement, ast.For):
        return f"for {ast.unparse(statement.target)} in {ast.unparse(statement.iter)}:"
    if isinstance(statement, ast.With):
        return f"with {', '.join(ast.unparse(item) for item in statement.items)}:"
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        return f"{ast.unparse(statement.target)} = {ast.unparse(statement.value)}"
    return ast.unparse(statement)


def changes(node: ast.AST) -> Iterator[Change]:
    """Yield the faults of one node: the operator's name, the node replaced, and by what (None: ``pass``)."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        kind = type(node.ops[0])
        for table, name in (NEGATED, "comparison negated"), (BOUNDARY, "boundary moved"):
            if kind in table:
                yield f"{name}: {kind.__name__}", node, _changed(node, ops=[table[kind]()])
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not _is_text(node):
        swapped = _changed(node, op=ARITHMETIC[type(node.op)]())
        yield f"arithmetic swapped: {type(node.op).__name__}", node, swapped
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"boolean swapped: {type(node.op).__name__}", node, _changed(node, op=other)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield f"{type(node.op).__name__} removed", node, node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        changed = not node.value if isinstance(node.value, bool) else node.value + 1
        yield f"constant: {node.value!r} -> {changed!r}", node, ast.Constant(changed)
    elif isinstance(node, ast.IfExp):
        yield from _forced(node.test)
    elif isinstance(node, ast.comprehension):
        for test in node.ifs:
            yield "condition forced: True", test, ast.Constant(True)
    elif isinstance(node, ast.Call):
        yield from _call_changes(node)
    elif isinstance(node, ast.stmt):
        yield from _statement_changes(node)


def _call_changes(node: ast.Call) -> Iterator[Change]:
    for keyword in node.keywords:
        if keyword.arg is not None and keyword.arg != "slots":
            rest = [other for other in node.keywords if other is not keyword]
            yield f"keyword dropped: {keyword.arg}", node, _changed(node, keywords=rest)
    called = node.func
    if isinstance(called, ast.Name) and called.id in OPPOSITE_CALLS:
        yield f"call swapped: {called.id}", called, _changed(called, id=OPPOSITE_CALLS[called.id])
    if isinstance(called, ast.Attribute) and called.attr in OPPOSITE_CALLS:
        yield f"call swapped: {called.attr}", called, _changed(called, attr=OPPOSITE_CALLS[called.attr])


def _statement_changes(node: ast.stmt) -> Iterator[Change]:
    if isinstance(node, ast.Return) and node.value is not None:
        if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield "returns None", node.value, ast.Constant(None)
    elif isinstance(node, ast.If):
        yield from _forced(node.test)
    elif isinstance(node, ast.While):
        yield "condition forced: False", node.test, ast.Constant(False)
    elif isinstance(node, (ast.Raise, ast.AugAssign, ast.Delete)) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield f"statement deleted: {type(node).__name__}", node, None
    if isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC:
        swapped = _changed(node, op=ARITHMETIC[type(node.op)]())
        yield f"arithmetic swapped: {type(node.op).__name__}", node, swapped


def _forced(test: ast.expr) -> Iterator[Change]:
    for value in True, False:
        yield f"condition forced: {value}", test, ast.Constant(value)


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    return type(node)(**{**vars(node), **fields})


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str))
        for part in (node.left, node.right)
    )


def mutants(source: str, file: str, room: str) -> list[Mutant]:
    """Return every mutant of a source text, in the order of the text."""
    finder = _Finder(source, file, room)
    finder.visit_body(ast.parse(source).body)
    seen: Counter[tuple[str, str, str]] = Counter()
    numbered = []
    for mutant in sorted(finder.found, key=lambda m: (m.start, -m.stop, m.operator)):
        key = mutant.scope, mutant.statement, mutant.operator
        numbered.append(replace(mutant, occurrence=seen[key]))
        seen[key] += 1
    return numbered


class _Finder:
    """Walks a module and knows at each node its scope, its statement and the lines that run it."""

    def __init__(self, source: str, file: str, room: str):
        self.data = source.encode()
        self.file, self.room = file, room
        self.found: list[Mutant] = []
        self.scope: list[str] = []
        self.in_function = False
        self.line_starts = list(
            itertools.accumulate(map(len, self.data.splitlines(keepends=True)), initial=0)
        )

    def visit_body(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if not _is_untouched(statement):
                self.visit_statement(statement)

    def visit_statement(self, statement: ast.stmt) -> None:
        if isinstance(statement, SCOPES):
            self.scope.append(statement.name)
        text = normalised(statement)
        for change in changes(statement):
            self.add(change, statement, text, None)
        for child in _children(statement, but=ELSEWHERE):
            self.visit_expression(child, statement, text, None)
        outside = self.in_function
        self.in_function |= isinstance(statement, FUNCTIONS)
        for field in "body", "orelse", "finalbody":
            self.visit_body(getattr(statement, field, None) or [])
        for handler in getattr(statement, "handlers", []):
            self.visit_body(handler.body)
        self.in_function = outside
        if isinstance(statement, SCOPES):
            self.scope.pop()

    def visit_expression(self, node, statement: ast.stmt, text: str, function: ast.Lambda | None) -> None:
        if isinstance(node, ast.JoinedStr):  # positions inside one are not those of the file
            return
        for change in changes(node):
            self.add(change, statement, text, function)
        for child in _children(node, but=("annotation",)):
            inner = node if isinstance(node, ast.Lambda) and child is node.body else function
            self.visit_expression(child, statement, text, inner)

    def add(self, change: Change, statement: ast.stmt, text: str, function: ast.Lambda | None) -> None:
        operator, old, new = change
        first, last = _span(old)
        breaks = "\n" * (last - first)
        if new is None:
            written = "pass" + breaks
        elif isinstance(new, ast.stmt):
            written = ast.unparse(new) + breaks
        else:
            written = f"({ast.unparse(new)}{breaks})"
        makes = isinstance(statement, (ast.ClassDef, ast.FunctionDef))
        runs = function is not None or (self.in_function and not makes)
        self.found.append(
            Mutant(
                room=self.room,
                scope=".".join(self.scope) or "<module>",
                statement=text,
                operator=operator,
                occurrence=0,
                file=self.file,
                line=first,
                end_line=last,
                lines=_lines_that_run(old, statement, function) if runs else _lines(_span(statement)),
                at_import=not runs,
                start=self.line_starts[first - 1] + old.col_offset,
                stop=self.line_starts[last - 1] + (old.end_col_offset or 0),
                text=written,
            )
        )


def _children(node: ast.AST, but: tuple[str, ...]) -> Iterator[ast.AST]:
    """Yield the nodes in the fields of a node, but for some of its fields."""
    for field, value in ast.iter_fields(node):
        if field not in but:
            yield from (
                child
                for child in (value if isinstance(value, list) else [value])
                if isinstance(child, ast.AST)
            )


def _lines_that_run(node: Positioned, statement: ast.stmt, function: ast.Lambda | None) -> tuple[int, ...]:
    """Return the node's lines, then those of the expression or statement around it as a second choice."""
    first, last = _span(function.body if function is not None else statement)
    body = getattr(statement, "body", None)
    if function is None and body:
        last = max(body[0].lineno - 1, first)
    return tuple(dict.fromkeys(_lines(_span(node)) + _lines((first, last))))


def _lines(span: tuple[int, int]) -> tuple[int, ...]:
    return tuple(range(span[0], span[1] + 1))


def _span(node: Positioned) -> tuple[int, int]:
    return node.lineno, node.end_lineno or node.lineno


def _is_untouched(statement: ast.stmt) -> bool:
    """Say whether a statement is documentation, an import, an assertion or a list of names."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.If):
        return "TYPE_CHECKING" in ast.unparse(statement.test)
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return any(isinstance(target, ast.Name) and target.id in UNTOUCHED_NAMES for target in targets)
    return isinstance(statement, (ast.Import, ast.ImportFrom, ast.Assert))
