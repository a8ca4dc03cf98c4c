"""What the frames of a call say about a line that is recorded: the walk, the rule and the layer around it."""

from __future__ import annotations

import sys
from types import FrameType
from typing import NamedTuple

from ..tape import Node, walk
from ..tape.reverse import pull


class Surroundings(NamedTuple):
    """What is around a call.

    Attributes
    ----------
    backward : bool
        Whether a walk is what calls.
    pulled : Node or None
        The node whose rule is applied.
    position : int or None
        The position of the operand that the rule is of.
    layer : str
        The names of the layers, the outermost first.
    """

    backward: bool
    pulled: Node | None
    position: int | None
    layer: str


def surroundings(base: FrameType | None) -> Surroundings:
    """Look at the frames of the caller, up to the one that called the recorded function."""
    backward, pulled, position, layers = False, None, None, []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not base:
        code = frame.f_code
        if code is walk.__code__:
            backward = True
        elif code is pull.__code__:
            if pulled is None:
                pulled, position = frame.f_locals["node"], frame.f_locals["edge"].position
        elif code.co_name == "run" and frame.f_globals.get("__name__") == _LAYERS:
            layers.append(frame.f_locals["name"])
        frame = frame.f_back
    return Surroundings(backward, pulled, position, ".".join(reversed(layers)))


_LAYERS = f"{__package__.rpartition('.')[0]}.nn.layer"  # the room below, which this one must not import
