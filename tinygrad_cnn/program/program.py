"""What a user does with a recorded function: play it, print it, and look into it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from .. import tree
from ..optim import Optimizer
from ..tape import Box, raw
from ..tensor import Tensor
from .chance import no_draws
from .cost import Cost
from .errors import RecordingError, captured
from .matching import taker
from .optimizers import TracedOptimizer
from .played.play import Player
from .printed.graph import drawn
from .printed.html import page_of
from .printed.source import SourceWriter
from .recorded import AsTensor, Recorded, Static
from .recorder import Recorder
from .recording import hook
from .stepping import steps
from .traced import TracedArray, TracedGenerator, TracedSource
from .values import Source


class Program(Recorded):
    """A function that was recorded: its calls, forward and backward, as a straight line.

    `trace` makes them. A program prints as Python source, and is called as the function is.
    """

    @property
    def source(self) -> str:
        """The program as Python source, which runs when it is pasted into a file."""
        return SourceWriter(self).text

    def __str__(self) -> str:
        return self.source.rstrip("\n")

    def _repr_html_(self) -> str:
        return page_of(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Play the program on arguments of the structure, shapes and dtypes that it was recorded with.

        Raises
        ------
        TypeError
            If the arguments are others.
        """
        return self._play(*self.leaves(args, kwargs))

    @cached_property
    def _play(self) -> Callable[..., Any]:
        return Player(self, binds=False)

    def cost(self) -> Cost:
        """Count what each line costs: multiply-adds, bytes moved, and the memory that is held.

        Returns
        -------
        Cost
            It prints as a table.

        Examples
        --------
        >>> from tinygrad_cnn.program import trace
        >>> cost = trace(lambda x, w: x @ w, np.ones((5, 4)), np.ones((4, 3))).cost()
        >>> cost.multiply_adds, cost.bytes_moved, cost.peak_memory
        (60, 376, 120)
        """
        return Cost.of(self)

    def numbers(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Play the program, and return what each line of its source computes.

        Of a function that returns gradients, the lines of the derived backward are among them: ``d_h`` is the
        gradient with respect to ``h``.

        Returns
        -------
        dict of str to ndarray
            The values by the names that they have in `source`, in its order.

        Raises
        ------
        TypeError
            If the arguments are of other shapes or dtypes.

        Examples
        --------
        >>> from tinygrad_cnn import grad
        >>> from tinygrad_cnn.program import trace
        >>> def f(x):
        ...     h = 2 * x
        ...     return (h * h).sum()
        >>> found = trace(grad(f), np.ones(2)).numbers(np.array([3.0, 1.0]))
        >>> found["h"], found["d_h"]
        (array([6., 2.]), array([12.,  4.]))
        """
        names = {x.line: x.text.split(" = ")[0] for x in SourceWriter(self).statements}
        played = steps(self, args, kwargs)
        return {names[step.line]: step.result for step in played if step.line in names}

    def graph(self, format: str = "dot") -> str:
        """Draw the program: a box for each line, an arrow with its shape for each array.

        Parameters
        ----------
        format : "dot" or "mermaid"
            The language: that of Graphviz, or the one that many pages of Markdown show as a picture.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If the format is another.

        Examples
        --------
        >>> from tinygrad_cnn.program import trace
        >>> print(trace(lambda x: x * x, np.ones(3)).graph("mermaid"))
        flowchart TD
            v0(["x"])
            v1["multiply = x * x"]
            v2(["result"])
            v0 -->|"float64[3]"| v1
            v1 -->|"float64[3]"| v2
        """
        return drawn(self, format)


def _unheard(kind: str, flag: int) -> None:
    """Take a warning of the recorded call, which the first play will give; see `Line.errstate`."""


def record(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Program:
    """Run a function once on stand-ins for its arguments, and return what it did."""
    recorder = Recorder()
    example = args, kwargs
    leaves, structure = tree.flatten(example)
    parameters = _parameters(f, len(args))
    paths = [_path(path, parameters) for path in tree.paths(example)]
    stand_ins = [_stand_in(recorder, path, leaf) for path, leaf in zip(paths, leaves, strict=True)]
    args, kwargs = tree.unflatten(structure, stand_ins)
    with no_draws(f), hook.installed(), np.errstate(all="call", call=_unheard):
        recorder.started()
        out = f(*args, **kwargs)
    results, returned = tree.flatten(out)
    return Program(
        getattr(f, "__name__", type(f).__name__),
        parameters,
        [_described(x) for x in stand_ins],
        paths,
        structure,
        recorder.lines,
        [_described(x) for x in results],
        returned,
        taker(example),
    )


def _parameters(f: Callable[..., Any], count: int) -> list[str]:
    """Name the positional arguments by the parameters of the function."""
    try:
        kinds = [(p.name, p.kind) for p in inspect.signature(f).parameters.values()]
    except (TypeError, ValueError):
        kinds = []
    names = [name for name, kind in kinds if kind < inspect.Parameter.VAR_POSITIONAL]
    rest = next((name for name, kind in kinds if kind is inspect.Parameter.VAR_POSITIONAL), "arg")
    return (names + [f"{rest}{i}" for i in range(len(names), count)])[:count]


def _path(path: str, parameters: list[str]) -> str:
    """Let the path of a leaf of ``(args, kwargs)`` begin with a parameter of the function."""
    kind, first, *rest = path.split(".")
    return ".".join([parameters[int(first)] if kind == "0" else first, *rest])


def _stand_in(recorder: Recorder, name: str, leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind in "biuf":
        if isinstance(leaf, np.ma.MaskedArray | np.matrix):
            raise RecordingError(f"'{name}' is a {type(leaf).__name__}: pass np.asarray(...) of it")
        return recorder.input(name, leaf)
    if isinstance(leaf, np.ndarray):
        raise RecordingError(f"'{name}' is an array of {leaf.dtype}: a program takes arrays of real numbers")
    if isinstance(leaf, Box):
        return Tensor(recorder.input(name, leaf.data))
    if isinstance(leaf, np.random.Generator):
        return TracedGenerator(recorder, Source(name), leaf)
    if isinstance(leaf, Optimizer):
        return TracedOptimizer(recorder, Source(name, leaf), leaf)
    return leaf


def _described(leaf: Any) -> Any:
    if isinstance(leaf, TracedArray):
        return leaf.value
    if isinstance(leaf, Box) and isinstance(leaf.data, TracedArray):
        return AsTensor(leaf.data.value)
    if isinstance(leaf, TracedSource):
        return leaf.source
    if isinstance(raw(leaf), np.ndarray):
        raise captured(raw(leaf))
    return Static(leaf)
