"""The nodes and arrays of an ONNX model, while they are written."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...program.printed.spelling import as_public
from ...program.recorder import item
from ...program.values import Line, Method, Value
from ...tape import Primitive
from .exporters import TABLE
from .merging import Merged, Samples, of_samples
from .reading import library

_ALIASES = {
    "absolute": "abs",
    "true_divide": "divide",
    "amax": "max",
    "amin": "min",
    "sum_to": "broadcast_back",
}
_UNPACKED = {"reshape", "transpose"}  # methods that also take the sizes or axes one by one


class Writer:
    """What `exporters` call: it knows the names of values, and adds nodes.

    Parameters
    ----------
    program : Merged
        The lines.
    """

    opset: ClassVar[int] = 20
    _line: Line  # the one that is being written

    def __init__(self, program: Merged) -> None:
        self.onnx = library()
        self.shapes, self.constants = program.shapes, program.constants
        self.names: dict[Value, Any] = {}
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.initializers: dict[Any, Any] = {}
        self.result = Value((), np.dtype(float))
        self._samples = ""
        self._taken: set[str] = set()

    # --- the program --------------------------------------------------------------------------------------

    def weight(self, value: Value, name: str, array: np.ndarray) -> None:
        """Add an initializer."""
        self.names[value] = self._free(name)
        self.initializers[value] = self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)

    def input(self, value: Value, name: str) -> None:
        """Add an input."""
        self.names[value] = self._free(name)
        self.inputs.append(self._info(name, value))
        if not self._samples and any(isinstance(n, Samples) for n in self.shapes[value]):
            self._samples = name

    def output(self, value: Value, number: int) -> Any:
        """Add an output, under a name of its own."""
        name = self._free(
            value.name if value.name.isidentifier() and value.name not in self._taken else f"output{number}"
        )
        self.nodes.append(self.onnx.helper.make_node("Identity", [self.ref(value)], [name]))
        self._shorten(name)
        return self._info(name, value)

    def _shorten(self, name: str) -> None:
        """Let the node before a last identity compute the output itself, if nothing else needs it."""
        *_, before, last = [None, *self.nodes]
        source = last.input[0]
        uses = sum(list(node.input).count(source) for node in self.nodes)
        if before is not None and list(before.output) == [source] and uses == 1:
            self.nodes.pop()
            before.output[0] = name

    def line(self, line: Line) -> None:
        """Write the nodes of a line."""
        function, args, kwargs = line.function, line.args, line.kwargs
        if function is item:
            self.names[line.result] = self.names[args[0]][args[1]]
            return
        if isinstance(function, Primitive):
            function, args, kwargs = as_public(function, args, kwargs)
        name = getattr(function, "name", getattr(function, "__name__", str(function))).lstrip("_")
        name = _ALIASES.get(name, name)
        if isinstance(function, Method) and name in _UNPACKED and len(args) != 2:
            args = (args[0], args[1:] or None)
        self.result, self._line = line.result, line
        where = f", recorded at {line.place}" if line.place else ""
        if name not in TABLE:
            raise ValueError(f"export: {name} has no counterpart in ONNX{where}")
        try:
            self.names[line.result] = TABLE[name](self, *args, **kwargs)
        except TypeError as error:  # an argument that the exporter does not take
            raise ValueError(f"export: {name}: {error}{where}") from error

    # --- for the exporters --------------------------------------------------------------------------------

    def put(self, op: str, *inputs: Any, count: int = 1, **attributes: Any) -> Any:
        """Add a node, and return the name of its output, or the names if there are several."""
        names = [self.ref(x) for x in inputs]
        outputs = [self._free(f"{op.lower()}_{len(self.nodes)}") for _ in range(count)]
        given = {name: x for name, x in attributes.items() if x is not None}
        self.nodes.append(self.onnx.helper.make_node(op, names, outputs, **given))
        return outputs[0] if count == 1 else tuple(outputs)

    def ref(self, x: Any) -> str:
        """Return the name of a value, an output, an array, or a number in the dtype of the result."""
        if x is None:
            return ""
        if isinstance(x, str):
            return x
        if isinstance(x, Value):
            if x not in self.constants:
                return self.names[x]
            x = self.constants[x]
        self._refuse_samples(x)
        array = np.asarray(x, self.result.dtype if isinstance(x, bool | int | float) else None)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self.initializers:
            name = self._free(f"constant_{len(self.initializers)}")
            self.initializers[key] = self.onnx.numpy_helper.from_array(np.array(array, order="C"), name)
        return str(self.initializers[key].name)

    def dtype(self, x: Any) -> Any:
        """Return the dtype of an operand, or a number of Python, as NumPy's rules for promotion want it."""
        return x.dtype if isinstance(x, Value | np.generic | np.ndarray) else x

    def cast(self, x: Any, dtype: Any) -> Any:
        """Return an operand in a dtype."""
        dtype = np.dtype(dtype)
        if isinstance(x, Value):
            return x if x.dtype == dtype else self.put("Cast", x, to=self.code(dtype))
        self._refuse_samples(x)
        return np.asarray(x, dtype)

    def _refuse_samples(self, x: Any) -> None:
        """Raise an error for the number of samples as an operand: only shapes may follow from it."""
        if isinstance(x, Samples):
            raise of_samples(self._line)

    def code(self, dtype: Any) -> int:
        """Return ONNX's number for a dtype."""
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def shape(self, x: Value) -> tuple[int, ...]:
        """Return a shape, in which sizes may be `Samples`."""
        return self.shapes[x]

    def sizes(self, sizes: Any) -> Any:
        """Return sizes as a tensor, which is computed where one follows from the number of samples."""
        sizes = [sizes] if isinstance(sizes, int) else list(sizes)
        if not any(isinstance(n, Samples) for n in sizes):
            return np.array(sizes, np.int64)
        now = next(n for n in self._sample_sizes if n)
        count = self.put("Shape", self._samples, start=0, end=1)
        parts = [
            self.put("Mul", count, np.array([n // now]))
            if isinstance(n, Samples)
            else np.array([n], np.int64)
            for n in sizes
        ]
        return self.put("Concat", *parts, axis=0)

    @property
    def _sample_sizes(self) -> list[int]:
        return [int(n) for shape in self.shapes.values() for n in shape[:1] if isinstance(n, Samples)]

    # --- names --------------------------------------------------------------------------------------------

    def _free(self, name: str) -> str:
        """Take a name that nothing has yet."""
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def _info(self, name: str, value: Value) -> Any:
        shape = [_dimension(n, i) for i, n in enumerate(self.shapes[value])]
        return self.onnx.helper.make_tensor_value_info(name, self.code(value.dtype), shape)


def _dimension(n: int, axis: int) -> Any:
    """Return a size, the letter for the number of samples, or nothing where a size follows from it."""
    if not isinstance(n, Samples):
        return n
    return "N" if axis == 0 else None
