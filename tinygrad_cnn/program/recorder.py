"""The recorder: it runs a function once on stand-ins, and writes down each call as a line."""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from .. import tape
from ..recomputation import checkpoint_call
from ..tape import Box, Node, Primitive, Rule, raw
from ..tape.reverse import Cotangents, is_lone
from ..tensor import Tensor
from .errors import RecordingError, leaving, place_of, user_frame
from .frames import surroundings
from .refusals import leaves_of, refuse_call, refuse_captured, refuse_written
from .rules import PullThrough, RuleCall
from .traced import TracedArray, TracedSource
from .values import Expansion, Line, Value, mapped

# What these answer follows from shapes and dtypes, which a program has once and for all.
_OF_SHAPES = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj}


class Recorder:
    """The lines of one program while they are written."""

    def __init__(self, *, expands: bool = False) -> None:
        self.expands = expands  # whether a rule that decides by numbers is taken apart all the same
        self.lines: list[Line] = []
        self.results: dict[Value, Line] = {}
        self._shadows: dict[Primitive[..., Any], Primitive[..., Any]] = {}
        self._rules: dict[tuple[Any, ...], Primitive[..., Any]] = {}
        self._operands: dict[Node, dict[int, Value]] = {}
        self._forward: dict[Node, Line] = {}
        self._pulls: dict[Value, tuple[PullThrough, tuple[Any, ...]]] = {}
        self._errstate = np.geterr()
        self._views: list[weakref.ref[TracedArray]] = []

    # --- calls ---------------------------------------------------------------------------------------------

    def input(self, name: str, array: Any) -> TracedArray:
        """Make the stand-in of an argument."""
        array = np.asarray(array)
        return TracedArray(self, Value(array.shape, array.dtype, name, array.strides), array)

    def run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        as_array: bool = False,
        has_effect: bool = False,
    ) -> Any:
        """Call a function on what the stand-ins stand for, and write the call down."""
        if function in _OF_SHAPES:
            return function(*mapped(_like, args), **mapped(_like, kwargs))
        refuse_call(function, args, kwargs)
        refuse_captured((args, kwargs))
        out = function(*mapped(_hidden, args), **mapped(_hidden, kwargs))
        refuse_written(function, args, out)
        is_own = is_lone(out) or _is_lone_view(out)
        if as_array and type(out) is not np.ndarray:
            out, is_own = np.asarray(out), True
        else:
            as_array = False
        line = self._write(function, args, kwargs, out, is_own, as_array=as_array, has_effect=has_effect)
        if isinstance(out, tuple | list):
            operands = leaves_of((args, kwargs))
            items = [self._item(line.result, out[i], i, operands) for i in range(len(out))]
            return type(out)(*items) if hasattr(out, "_fields") else type(out)(items)
        return self._known_as_view(TracedArray(self, line.result, out))

    def write_effect(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Write down a call that returns nothing, and is not made now."""
        refuse_captured(args)
        result = Value((), np.dtype(object))
        place = place_of(user_frame())
        self.lines.append(
            Line(function, mapped(_value, args), {}, result, has_effect=True, backward=True, place=place)
        )

    def _write(
        self,
        function: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        out: Any,
        is_own: bool,
        **marks: Any,
    ) -> Line:
        array = out if hasattr(out, "dtype") else np.asarray(0 if isinstance(out, tuple | list) else out)
        if array.dtype.kind not in "biuf":
            raise leaving(f"the result of {function.__name__}, a {type(out).__name__},")
        frame = user_frame(self.base) if self.base else None
        around = surroundings(self.base)
        forward = self._forward.get(around.pulled) if around.pulled else None
        line = Line(
            function,
            mapped(_value, args),
            mapped(_value, kwargs),
            Value(
                array.shape,
                array.dtype,
                strides=array.strides,
                is_own=is_own,
                view_of=_seen_in(array, leaves_of((args, kwargs))),
            ),
            errstate=dict(np.geterr().items() - self._errstate.items()),
            backward=around.backward,
            place=forward.place if forward else place_of(frame),
            layer=forward.layer if forward else around.layer,
            **marks,
        )
        self.lines.append(line)
        self.results[line.result] = line
        if around.pulled and around.position is not None and function in (tape.sum_to, tape.astype):
            self._is_gradient(line.result, around.pulled, around.position)
        self._name_variables(frame)
        return line

    def _is_gradient(self, value: Value, node: Node, position: int) -> None:
        """Remember whose cotangent a value is: that of an operand of a call."""
        operand = self._operands.get(node, {}).get(position)
        if operand is not None and value.gradient_of is None and value.shape == operand.shape:
            value.gradient_of = operand

    def _item(self, many: Value, out: Any, i: int, operands: list[Any]) -> TracedArray:
        line = self._write(_item, (many, i), {}, out, False)
        line.result.view_of = _seen_in(out, operands)
        return self._known_as_view(TracedArray(self, line.result, out))

    def _known_as_view(self, array: TracedArray) -> TracedArray:
        """Remember an array, if it is a view, for as long as the user has it."""
        if array.value.view_of is not None:
            self._views.append(weakref.ref(array))
        return array

    def protect(self, array: TracedArray) -> None:
        """Let the result of a line count as an argument, which is not to be changed."""
        del self.results[array.value]

    def may_change(self, value: Value) -> bool:
        """Whether an array is the recorder's own: no argument, no view of another array, and none of it."""
        if value not in self.results or value.view_of is not None:
            return False
        arrays = [array for ref in self._views if (array := ref()) is not None]
        return all(self._base_of(array.value) is not value for array in arrays)

    def _base_of(self, value: Value) -> Value:
        """Return the array that a view is of, through all the views between."""
        while value.view_of is not None:
            value = value.view_of
        return value

    def _name_variables(self, frame: FrameType | None) -> None:
        """Give values the names of the user's variables that hold them by now."""
        while frame is not None and self.is_of_user(frame):
            for name, held in list(frame.f_locals.items()):
                traced = held.data if isinstance(held, Box) else held
                if isinstance(traced, TracedArray) and not traced.value.name and name.isidentifier():
                    traced.value.name = name
            frame = frame.f_back

    def started(self) -> None:
        """Remember who calls the recorded function, whose variables are not the function's."""
        self.base = sys._getframe(1)
        self._errstate = np.geterr()

    base: FrameType | None = None

    def is_of_user(self, frame: FrameType) -> bool:
        """Whether a frame is inside of the recorded function."""
        return frame is not self.base and frame.f_code.co_filename != __file__

    # --- operations and their rules -----------------------------------------------------------------------

    def shadow(self, op: Primitive[..., Any]) -> Primitive[..., Any]:
        """Return an operation as it is while this program is recorded: its function and rules write lines."""
        found = self._shadows.get(op)
        if found is None:
            # a copy would be the operation itself, as copies of functions are
            found = object.__new__(type(op))
            vars(found).update(vars(op))

            def function(*values: Any, **params: Any) -> Any:
                return self.run_primitive(op, values, params, as_array=True)

            found.function, found.of_halves, found._plans = function, None, {}
            found.rules = {
                operand: Rule(functools.partial(self.rule, RuleCall(op, operand, rule.function)), rule.asks)
                for operand, rule in op.rules.items()
            }
            if op is checkpoint_call:  # what it calls, and calls again, is recorded in its place
                found.function, found.rules = self._called_through(op), op.rules
            self._shadows[op] = found
        return found

    def _called_through(self, op: Primitive[..., Any]) -> Callable[..., Any]:
        def function(*values: Any, **params: Any) -> Any:
            out = op.function(*values, **params)
            is_scalar = isinstance(out, TracedArray) and type(out.hidden) is not np.ndarray
            return self.run(np.asarray, (out,), {}) if is_scalar else out

        return function

    def record(self, op: Primitive[..., Any], operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Record a call on the tape, with its line, and remember what the operands were."""
        cls = next(type(x) for x in operands if isinstance(x, Box))
        out = op.record(cls, operands, params)
        if out.node is not None:
            arrays = ((i, x.data if isinstance(x, Box) else x) for i, x in enumerate(operands))
            self._operands[out.node] = {i: x.value for i, x in arrays if isinstance(x, TracedArray)}
            self._forward[out.node] = self.lines[-1]
        return out

    def run_primitive(
        self, op: Primitive[..., Any], values: tuple[Any, ...], params: dict[str, Any], as_array: bool = False
    ) -> Any:
        """Write a call of an operation; what walks add to a cotangent is one line with what is added."""
        if op is tape.add and (fused := self._added_in_place(values)) is not None:
            return fused
        return self.run(op, values, params, as_array=as_array)

    def _added_in_place(self, values: tuple[Any, ...]) -> Any:
        total, g = values
        if not isinstance(g, TracedArray) or g.value not in self._pulls or not _is_called_by_walk():
            return None
        rule, context = self._pulls[g.value]
        if self.lines[-1].result is not g.value:
            return None
        self.lines.pop()
        return self.run(rule.onto, (total, *context), {})

    def rule(self, rule: RuleCall, *context: Any) -> Any:
        """Apply a gradient rule: line by line if it decides nothing by numbers, else as one line."""
        before = len(self.lines)
        try:
            gradient = rule.function(*context)
        except RecordingError:
            del self.lines[before:]
        else:
            # a rule that hands its cotangent on, as that of a sum does, hands on the whole of it
            if isinstance(raw(gradient), TracedArray):
                self._pulls.pop(raw(gradient).value, None)
            return self._named(gradient)
        return self._named(self._as_one_line(rule, context))

    def _as_one_line(self, rule: RuleCall, context: tuple[Any, ...]) -> Any:
        if any(isinstance(x, Box) for x in leaves_of(context)):
            return self._on_the_tape(rule, context)
        out = self.run(rule, context, {})
        self.lines[-1].expansion = self._expansion(rule, context, self.lines[-1].inputs())
        if isinstance(rule.function, PullThrough):
            self._pulls[out.value] = rule.function, context
        return out

    def _on_the_tape(self, rule: RuleCall, context: tuple[Any, ...]) -> Any:
        """Record a rule as an operation, of which an outer derivative may be taken."""
        nested = None
        if any(isinstance(x, Box) for part in context if not isinstance(part, Box) for x in leaves_of(part)):
            nested, context = mapped(lambda _: 0, context), tuple(leaves_of(context))
        used = rule.used(tuple(_revealed(x) for x in context), nested)
        unused = tuple(i for i, x in enumerate(context) if isinstance(x, Box) and i not in used)
        key = rule, used, unused, repr(nested)
        if key not in self._rules:
            self._rules[key] = rule.as_primitive(used, unused, nested)
        operands = tuple(x.data if i in unused else x for i, x in enumerate(context))
        if used:
            out = self.record(self.shadow(self._rules[key]), operands, {})
        else:
            out = self.run(self._rules[key], operands, {}, as_array=True)
        # each play has to see that what is not used stays so
        self.results[raw(out).value].has_effect = bool(unused)
        return out

    def _expansion(self, rule: RuleCall, context: tuple[Any, ...], inputs: list[Value]) -> Expansion | None:
        """Return the lines of a rule, if what it decides by numbers is decided within single calls."""
        other = Recorder(expands=True)
        other.base, other._errstate = self.base, self._errstate
        stand_ins = (
            TracedArray(other, x.value, x.hidden) if isinstance(x, TracedArray) else x for x in context
        )
        try:
            out = rule.function(*stand_ins)
        except RecordingError:
            return None
        if not isinstance(out, TracedArray) or not other.lines:
            return None
        return Expansion(other.lines, out.value, inputs)

    def _named(self, gradient: Any) -> Any:
        """Remember whose cotangent a rule has computed."""
        traced = gradient.data if isinstance(gradient, Box) else gradient
        around = surroundings(self.base)
        if isinstance(traced, TracedArray) and around.pulled and around.position is not None:
            self._is_gradient(traced.value, around.pulled, around.position)
        return gradient


def _is_lone_view(out: Any) -> bool:
    """Whether an array is all that refers to the memory of another one, as a reshaped sum does."""
    base = getattr(out, "base", None)
    if type(base) is not np.ndarray or not (base.flags.owndata and out.flags.writeable):
        return False
    return sys.getrefcount(base) <= _LONE_BASE


_LONE_BASE = 3  # the view, the variable, and the argument of getrefcount


def _item(many: Any, i: int) -> Any:
    return many[i]


item = _item
"""One of several results, as a function that a line can call."""


def _seen_in(array: Any, operands: list[Any]) -> Value | None:
    """Return the operand whose memory an array is in."""
    found = (x.value for x in operands if isinstance(x, TracedArray) and np.may_share_memory(array, x.hidden))
    return next(found, None)


def _hidden(x: Any) -> Any:
    return x.hidden if isinstance(x, TracedArray | TracedSource) else x


def _revealed(x: Any) -> Any:
    """Return what an argument stands for, as a constant tensor if it is a tensor."""
    if isinstance(x, Box):
        return Tensor(_hidden(x.data))
    return mapped(_hidden, x)


def _value(x: Any) -> Any:
    if isinstance(x, TracedArray):
        return x.value
    return x.source if isinstance(x, TracedSource) else x


def _like(x: Any) -> Any:
    return np.broadcast_to(np.zeros((), x.dtype), x.shape) if isinstance(x, TracedArray) else x


def _is_called_by_walk() -> bool:
    frame: FrameType | None = sys._getframe(2)
    for _ in range(8):
        if frame is None:
            return False
        if frame.f_code is Cotangents.add.__code__:
            return True
        frame = frame.f_back
    return False
