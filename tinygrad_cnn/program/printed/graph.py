"""A program as a picture, in the language of Graphviz or of Mermaid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ... import checks, tree
from ..recorded import AsTensor, Recorded
from ..values import Source, Value
from .source import SourceWriter, kind


class _Box(NamedTuple):
    """A box of the picture: an argument, a call or a result."""

    name: str
    text: str
    is_call: bool
    backward: bool


class _Arrow(NamedTuple):
    """What goes from one box to another."""

    start: str
    end: str
    text: str


def drawn(program: Recorded, format: str) -> str:
    """Write a program as a picture: boxes for calls, arrows with the shapes of arrays."""
    checks.one_of("graph", "format", format, ("dot", "mermaid"))
    boxes, arrows = _parts(program)
    return "\n".join(_dot(boxes, arrows) if format == "dot" else _mermaid(boxes, arrows))


def _parts(program: Recorded) -> tuple[list[_Box], list[_Arrow]]:
    boxes: list[_Box] = []
    arrows: list[_Arrow] = []

    def box(text: str, *, is_call: bool, backward: bool = False) -> _Box:
        boxes.append(_Box(f"v{len(boxes)}", text, is_call, backward))
        return boxes[-1]

    writer = SourceWriter(program)
    makers: dict[Any, _Box] = {}
    used = {x for statement in writer.statements for x in statement.inputs} | set(program.values())
    for x in [x.value if isinstance(x, AsTensor) else x for x in program.arguments]:
        if x in used:
            makers[x] = box(writer.names[x], is_call=False)
    for statement in writer.statements:
        here = box(statement.text, is_call=True, backward=statement.backward)
        arrows += [_Arrow(makers[x].name, here.name, _label(x)) for x in statement.inputs]
        makers |= {part.result: here for part in statement.parts}
    for line in program.lines:
        if line.result not in makers and line.inputs():  # a copy, which is printed in the return
            makers[line.result] = makers[line.inputs()[0]]
    for result, path in zip(program.results, tree.paths(program.returned.skeleton), strict=True):
        value = result.value if isinstance(result, AsTensor) else result
        if isinstance(value, Value):
            maker = makers[value]
            here = box(f"result {path}".strip(), is_call=False, backward=maker.backward)
            arrows.append(_Arrow(maker.name, here.name, _label(value)))
    return boxes, arrows


def _label(value: Value | Source) -> str:
    return kind(value) if isinstance(value, Value) else ""


def _dot(boxes: list[_Box], arrows: list[_Arrow]) -> Iterator[str]:
    yield "digraph program {"
    yield '    node [shape=box, fontname="monospace"];'
    yield '    edge [fontname="monospace", fontsize=10];'
    for box in boxes:
        options = f'label="{_quoted(box.text)}"' + ("" if box.is_call else ", shape=ellipse")
        if box.backward:
            options += ', style="filled,dashed", fillcolor="#508cff24"'
        yield f"    {box.name} [{options}];"
    for arrow in arrows:
        yield f'    {arrow.start} -> {arrow.end} [label="{_quoted(arrow.text)}"];'
    yield "}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _mermaid(boxes: list[_Box], arrows: list[_Arrow]) -> Iterator[str]:
    yield "flowchart TD"
    for box in boxes:
        text = '"' + box.text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;") + '"'
        yield f"    {box.name}[{text}]" if box.is_call else f"    {box.name}([{text}])"
    for arrow in arrows:
        label = f'|"{arrow.text}"| ' if arrow.text else ""
        yield f"    {arrow.start} -->{label or ' '}{arrow.end}"
    if backward := [box.name for box in boxes if box.backward]:
        yield "    classDef backward fill:#508cff24,stroke-dasharray:4"
        yield f"    class {','.join(backward)} backward"
