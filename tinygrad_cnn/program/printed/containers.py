"""The arguments and the results of a printed program: arrays in the containers that the user has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ... import tree
from ...tree import children
from ..recorded import Recorded
from .preamble import Preamble


class Unpacked(NamedTuple):
    """A leaf of the arguments, and the expression that takes it out of them."""

    leaf: Any
    text: str


def signature(program: Recorded) -> tuple[list[str], list[Unpacked]]:
    """List the parameters of a program as its ``def`` has them, and how each leaf is taken out of them."""
    positional, keywords = program.structure.skeleton
    leaves = iter(program.arguments)
    found: list[Unpacked] = []
    for name, part in zip([*program.parameters, *keywords], [*positional, *keywords.values()], strict=True):
        found += unpacked(part, name, leaves)
    return [*program.parameters, *(["*", *keywords] if keywords else [])], found


def unpacked(part: Any, text: str, leaves: Iterator[Any]) -> Iterator[Unpacked]:
    """Yield the leaves of a tree, each with how it is taken out of what ``text`` stands for."""
    if part is None:
        return
    below = children(part)
    if not below and not isinstance(part, dict | list | tuple):
        yield Unpacked(next(leaves), text)
    elif all(_is_attribute(part, key, inner) for key, inner in below.items()):
        for key, inner in below.items():
            yield from unpacked(inner, f"{text}.{key}", leaves)
    elif isinstance(part, dict | list | tuple):
        for key, inner in below.items():
            yield from unpacked(inner, f"{text}[{quoted(key)}]", leaves)
    else:
        for i in range(len(tree.leaves(part))):
            yield Unpacked(next(leaves), f"tg.tree.leaves({text})[{i}]")


def _is_attribute(container: Any, key: Any, inner: Any) -> bool:
    return (
        not isinstance(container, dict)
        and isinstance(key, str)
        and key.isidentifier()
        and getattr(container, key, None) is inner
    )


def returned(skeleton: Any, leaves: Iterator[str], preamble: Preamble) -> str:
    """Write what a program returns."""
    if skeleton is None:
        return "None"
    if isinstance(skeleton, dict):
        items = (f"{quoted(key)}: {returned(part, leaves, preamble)}" for key, part in skeleton.items())
        return "{" + ", ".join(items) + "}"
    below = children(skeleton)
    if not below and not isinstance(skeleton, list | tuple):
        return next(leaves)
    parts = [returned(part, leaves, preamble) for part in below.values()]
    if isinstance(skeleton, list):
        return "[" + ", ".join(parts) + "]"
    if type(skeleton) is tuple:
        return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
    made = preamble.callee(type(skeleton))
    return f"{made}({', '.join(f'{key}={part}' for key, part in zip(below, parts, strict=True))})"


def quoted(key: Any) -> str:
    """Write a key, with the quotes of this package's style."""
    text = repr(key)
    return f'"{text[1:-1]}"' if text.startswith("'") and '"' not in text else text
