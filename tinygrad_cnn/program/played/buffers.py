"""The static plan of memory: which buffer each bound line writes into.

A buffer is given to a result when its line is bound, and free again after the last line that reads the result
or what may be a view of it. Later lines take free buffers of a fitting size, so a program needs little more
memory than is in use at once, and what was written last is still in the cache.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...kernels.memory import aligned_bytes
from ..values import Line, Value

_WASTE = 2  # a buffer may be so many times larger than what is put into it


class Buffers:
    """The memory of the bound lines of one program, which are bound in order."""

    def __init__(self, lines: list[Line], aliases: Iterable[bool]) -> None:
        self._ends = _ends(lines, aliases)
        self._free: list[np.ndarray] = []
        self._in_use: dict[Value, np.ndarray] = {}
        self.nbytes = 0

    def take(self, value: Value) -> np.ndarray:
        """Return an array for the result of a line; its elements are not set."""
        wanted = value.nbytes
        fitting = [m for m in self._free if wanted <= m.size <= _WASTE * wanted]
        memory = min(fitting, key=lambda m: m.size, default=None)
        if memory is None:
            memory = aligned_bytes(wanted)
            self.nbytes += wanted
        else:
            self._free = [m for m in self._free if m is not memory]
        self._in_use[value] = memory
        return value.new(memory)

    def after(self, number: int) -> None:
        """Take back the buffers that no line after this one reads."""
        for value in self._ends.get(number, ()):
            memory = self._in_use.pop(value, None)
            if memory is not None:
                self._free.append(memory)


def _ends(lines: list[Line], aliases: Iterable[bool]) -> dict[int, list[Value]]:
    """Return the values whose memory is read for the last time by each line.

    Where the result of a line may be a view of its arguments, reading it reads their memory.
    """
    owners: dict[Value, set[Value]] = {}
    last: dict[Value, int] = {}
    for number, (line, is_alias) in enumerate(zip(lines, aliases, strict=True)):
        inputs = line.inputs()
        read = {owner for value in inputs for owner in owners.get(value, ())}
        for owner in read:
            last[owner] = number
        owners[line.result] = read | {line.result} if is_alias else {line.result}
        last[line.result] = number
    ends: dict[int, list[Value]] = {}
    for value, number in last.items():
        ends.setdefault(number, []).append(value)
    return ends
