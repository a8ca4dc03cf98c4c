"""The properties that must hold of every operation, of which `conformance` makes tests.

Each property is a function of the case, one drawn call, and a seed. It raises an `AssertionError` if the
property does not hold, and lets an exception of the operation itself pass.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from .. import tree
from ..autodiff import jvp, vjp
from ..tape import Leaf, box, raw
from ..tensor import Tensor
from .cases import Call, OpCase
from .differences import ROUNDING, slope
from .flat import Flat, flat_function, is_floating, joined
from .gradients import check_order
from .layouts import LAYOUTS, relaid
from .own_dtype import check_own_dtype
from .refusals import check_errors
from .reproduce import Reproduction
from .rounding import half_the_digits, precision, rounding_noise, tolerance
from .verdict import require, require_close, require_same

__tracebackhide__ = True  # pytest shows the user's lines, and leaves out those of this module

Property: TypeAlias = Callable[[OpCase, Call, int], None]


# --- steps that several properties share ------------------------------------------------------------------


def _mapped(call: Call, function: Callable[[np.ndarray], Any]) -> Call:
    """Return the call with a function applied to its floating arrays."""
    return Call(
        tree.map(lambda leaf: function(leaf) if is_floating(leaf) else leaf, call.operands), call.params
    )


def _value(case: OpCase, call: Call) -> np.ndarray:
    return np.asarray(raw(case.function(*call.operands, **call.params)))


def _cotangents(flat: Flat, seed: int) -> list[np.ndarray]:
    return flat.draw_cotangents(np.random.default_rng(seed))


def _gradients(flat: Flat, cotangents: list[Any]) -> list[np.ndarray]:
    _, pullback = vjp(flat.call, *flat.leaves)
    return list(pullback(cotangents))


def has_empty(call: Call) -> bool:
    """Tell whether one of the operands is an array of size 0."""
    return any(is_floating(leaf) and np.size(leaf) == 0 for leaf in tree.leaves(call.operands))


# --- values -----------------------------------------------------------------------------------------------


def _value_is_the_references(case: OpCase, call: Call, seed: int) -> None:
    """The value is that of the slow reference, where the case has one."""
    if case.reference is None:
        return
    with np.errstate(all="ignore"):  # plain formulas warn where the operation need not
        expected = np.asarray(case.reference(*call.operands, **call.params))
    found = _value(case, call)
    complaint = f"value: dtype {found.dtype}, the reference's is {expected.dtype}"
    require(found.dtype == expected.dtype, complaint)
    # A plain reference may subtract terms as large as its operands, as x - log(exp(x)) does.
    terms = [float(np.max(np.abs(x), initial=0)) for x in tree.leaves(call.operands) if is_floating(x)]
    require_close(found, expected, "value", max(terms, default=0.0))


def _tensor_path_is_the_ndarray_path(case: OpCase, call: Call, seed: int) -> None:
    """A call on tensors computes the same bits as one on ndarrays, and returns a tensor."""
    lifted = _mapped(call, lambda x: Tensor(x))
    out = case.function(*lifted.operands, **lifted.params)
    require(isinstance(out, Tensor), f"a call on tensors returned {type(out).__name__}")
    require_same(out, _value(case, call), "the value on tensors")


def _deterministic(case: OpCase, call: Call, seed: int) -> None:
    """Two calls, and two gradients, are equal bit for bit."""
    flat = case.flat(call)
    g = _cotangents(flat, seed)
    require_same(_value(case, call), _value(case, call), "a second call")
    for first, second in zip(_gradients(flat, g), _gradients(flat, g), strict=True):
        require_same(second, first, "a second gradient")


def _pickled_and_threaded(case: OpCase, call: Call, seed: int) -> None:
    """The operation survives pickling, and gives the same bits in two threads at once."""
    copied = pickle.loads(pickle.dumps(case.function))
    require_same(copied(*call.operands, **call.params), _value(case, call), "a pickled function's value")
    flat = case.flat(call)
    g = _cotangents(flat, seed)
    expected = _gradients(flat, g)
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(_gradients, flat, g) for _ in range(2)]:
            for found, alone in zip(future.result(), expected, strict=True):
                require_same(found, alone, "a gradient in a thread")


# --- derivatives ------------------------------------------------------------------------------------------


def _right_order(order: int) -> Property:
    """Return the property that the derivatives of one order pass `check_order`."""

    def right(case: OpCase, call: Call, seed: int) -> None:
        check_order(
            case.bound(call),
            *call.operands,
            order=order,
            constant=case.constant,
            linear_in=case.linear_in,
            seed=seed,
        )

    return right


def _jvp_is_the_directional_derivative(case: OpCase, call: Call, seed: int) -> None:
    """``jvp`` equals a central difference, in all operands at once."""
    flat = case.flat(call)
    rng = np.random.default_rng(seed)
    tangents = [rng.uniform(-1, 1, x.shape) * np.maximum(np.abs(x), 2.0**-4) for x in flat.leaves]
    count = len(tangents)
    pushed = flat.with_call(lambda *xs: jvp(flat.call, xs[:count], xs[count:])[1], [*flat.leaves, *tangents])
    analytic, outputs, eps = joined(pushed.values()), flat.values(), precision(flat)

    def moved(distance: float) -> np.ndarray:
        return joined(flat.values([x + distance * v for x, v in zip(flat.leaves, tangents, strict=True)]))

    for everywhere in (False, True):  # rounding is looked for at length only where something seems wrong
        noise = rounding_noise(flat, outputs, eps, rng, everywhere=everywhere)
        numeric = slope(moved, joined(outputs), noise, eps)
        size = np.maximum(np.abs(analytic), np.abs(numeric.value))
        allowed = 2 * numeric.error + half_the_digits(eps) * size
        if everywhere:
            allowed += ROUNDING * rounding_noise(pushed, pushed.values(), eps, rng, everywhere=True)
        wrong = ~(np.abs(analytic - numeric.value) <= allowed) & ~numeric.kink
        if not wrong.any():
            return
    raise AssertionError(
        f"jvp is {analytic[wrong][0]:.9g}, a central difference {numeric.value[wrong][0]:.9g}"
    )


def _recorded_is_unrecorded(case: OpCase, call: Call, seed: int) -> None:
    """A gradient that is itself recorded has the values of one that is not."""
    flat = case.flat(call)
    g = _cotangents(flat, seed)
    plain = _gradients(flat, g)
    on_tape = [box(Tensor, x, Leaf(x)) for x in flat.leaves]
    recorded = _gradients(flat.with_leaves(on_tape), [box(Tensor, one, Leaf(one)) for one in g])
    for name, found, expected in zip(flat.names, recorded, plain, strict=True):
        dtype = raw(found).dtype
        require(dtype == expected.dtype, f"recorded gradient to '{name}': dtype {dtype}")
        require_close(found, expected, f"recorded gradient to '{name}'")


def _linear_in_the_cotangent(case: OpCase, call: Call, seed: int) -> None:
    """Gradients are linear in the cotangent: zero for zero, twice for twice (exactly), and additive."""
    flat = case.flat(call)
    g, h = _cotangents(flat, seed), _cotangents(flat, seed + 1)
    to_g, to_h = _gradients(flat, g), _gradients(flat, h)
    zero = _gradients(flat, [np.zeros_like(one) for one in g])
    twice = _gradients(flat, [2 * one for one in g])
    both = _gradients(flat, [a + b for a, b in zip(g, h, strict=True)])
    eps = precision(flat)
    for name, a, b, none, double, total in zip(flat.names, to_g, to_h, zero, twice, both, strict=True):
        require(not np.any(none), f"the gradient to '{name}' is not zero for a cotangent of zeros")
        require_same(double, 2 * a, f"gradient to '{name}' for twice the cotangent")
        scale = np.max(np.abs(a), initial=0) + np.max(np.abs(b), initial=0)
        what = f"'{name}': not additive in the cotangent"
        np.testing.assert_allclose(total, a + b, rtol=1024 * eps, atol=1024 * eps * scale, err_msg=what)


_UNUSABLE = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1.0, 1e30, -1e30)


def _unused_elements_do_not_matter(case: OpCase, call: Call, seed: int) -> None:
    """Where the cotangent is zero an element may be NaN, infinite or singular, and no gradient changes.

    So ``where(mask, f(x), 0)`` has the gradient of `f` where it was chosen, and 0 elsewhere. This is asked of
    the first derivative, and of the derivative of that by the operands.
    """
    # NumPy's exponential, for one, rounds some elements in another way where they do not lie side by side
    flat = case.flat(_mapped(call, lambda x: np.array(x, order="C")))
    if has_empty(call):
        return
    rng = np.random.default_rng(seed)
    masks = [rng.random(x.shape) < 0.5 for x in flat.leaves]
    shape = flat.values()[0].shape
    unused = np.logical_or.reduce([np.broadcast_to(mask, shape) for mask in masks])
    g = [np.where(unused, 0, one) for one in _cotangents(flat, seed)]
    spoilt = [
        np.where(mask, rng.choice(_UNUSABLE, x.shape), x).astype(x.dtype)
        for mask, x in zip(masks, flat.leaves, strict=True)
    ]
    first, second = flat, flat.with_leaves(spoilt)
    with np.errstate(all="ignore"):
        for order in range(1, min(case.order, 2) + 1):
            gradients = zip(flat.names, _gradients(second, g), _gradients(first, g), strict=False)
            for name, found, expected in gradients:
                require_same(found, expected, f"order {order}, gradient to '{name}' past unused elements")
            first, second = first.gradient(g), second.gradient(g)
            g = _cotangents(first, seed + order)


# --- arrays -----------------------------------------------------------------------------------------------


def _nothing_is_mutated(case: OpCase, call: Call, seed: int) -> None:
    """Operands and cotangents keep their bits, and read-only ones serve as well as writable ones."""
    writable = _mapped(call, lambda x: np.array(x, order="C"))
    frozen = _mapped(call, lambda x: relaid(np.asarray(x), "read-only"))
    _value(case, frozen)
    _value(case, writable)
    flat = case.flat(writable)
    g = _cotangents(flat, seed)
    before = [one.copy() for one in g]
    _gradients(flat, g)
    for found, expected in zip(g, before, strict=True):
        require_same(found, expected, "the cotangent after the gradient")
    for one in g:
        one.flags.writeable = False
    _gradients(case.flat(frozen), g)
    for found, expected in zip(tree.leaves(writable.operands), tree.leaves(call.operands), strict=True):
        if is_floating(expected):
            require_same(found, expected, "an operand after the call")


def _float32_stays_float32(case: OpCase, call: Call, seed: int) -> None:
    """float32 operands give a float32 value and float32 gradients, that agree with those in float64."""
    narrow = _mapped(call, lambda x: np.asarray(x).astype(np.float32, order="K"))
    flat = case.flat(_mapped(narrow, lambda x: x.astype(np.float64, order="K")))
    values, reference = case.flat(narrow).values(), flat.values()
    for value, wide in zip(values, reference, strict=True):
        expected = np.float32 if wide.dtype == np.float64 else wide.dtype
        require(value.dtype == expected, f"float32 operands gave {value.dtype}")
    eps = float(np.finfo(np.float32).eps)
    found, right = joined(values), joined(reference)
    noise = rounding_noise(flat, reference, eps, np.random.default_rng(seed))
    wrong = ~(np.abs(found - right) <= tolerance(right, noise, eps))
    if wrong.any():  # where rounding cancels, it shows in float32 alone
        own = case.flat(narrow)
        rounded = rounding_noise(own, values, eps, np.random.default_rng(seed), everywhere=True)
        wrong = ~(np.abs(found - right) <= tolerance(right, np.maximum(noise, rounded), eps))
    if wrong.any():
        raise AssertionError(f"float32 value {found[wrong][0]:.9g}, but {right[wrong][0]:.9g} in float64")
    f, operands = case.bound(narrow), narrow.operands
    for order in range(1, case.order + 1):
        origin = Reproduction(f, operands, {"order": order, "constant": case.constant, "seed": seed})
        own = flat_function(f, operands, case.constant, origin=origin)
        check_own_dtype(own, flat_function(f, operands, case.constant, np.float64), order, seed)


def _every_layout(case: OpCase, call: Call, seed: int) -> None:
    """Values and gradients do not depend on the memory layout of operands and cotangents."""
    flat = case.flat(_mapped(call, lambda x: np.array(x, order="C")))
    g = _cotangents(flat, seed)
    value, gradients = flat.values(), _gradients(flat, g)
    for layout in LAYOUTS:
        other = flat.with_leaves([relaid(x, layout) for x in flat.leaves])
        for found, expected in zip(other.values(), value, strict=True):
            require_close(found, expected, f"value for operands in {layout}")
        for name, one, expected in zip(
            flat.names, _gradients(other, [relaid(one, layout) for one in g]), gradients, strict=True
        ):
            require_close(one, expected, f"gradient to '{name}' for arrays in {layout}")


def _size_0(case: OpCase, call: Call, seed: int) -> None:
    """With an empty operand the shapes are right, and gradients are finite."""
    _value_is_the_references(case, call, seed)
    flat = case.flat(call)
    for name, leaf, g in zip(flat.names, flat.leaves, _gradients(flat, _cotangents(flat, seed)), strict=True):
        require(g.shape == leaf.shape, f"gradient to '{name}': shape {g.shape}, expected {leaf.shape}")
    for order in range(1, case.order + 1):
        _right_order(order)(case, call, seed)


def _gradients_are_ones_own(case: OpCase, call: Call, seed: int) -> None:
    """Gradients are writable, share no memory with anything, and stay when the operation is used again."""
    flat = case.flat(call)
    g = _cotangents(flat, seed)
    gradients = _gradients(flat, g)
    others = [*flat.leaves, *g]
    for name, one in zip(flat.names, gradients, strict=True):
        require(isinstance(one, np.ndarray), f"the gradient to '{name}' is a {type(one).__name__}")
        require(one.flags.writeable, f"the gradient to '{name}' is read-only")
        is_shared = any(np.shares_memory(one, other) for other in others)
        require(not is_shared, f"the gradient to '{name}' is shared")
        others.append(one)
    h = _cotangents(flat, seed + 1)
    twice = replace(flat, call=lambda *leaves: [*flat.call(*leaves), *flat.call(*leaves)])
    for name, one, other, total in zip(
        flat.names, gradients, _gradients(flat, h), _gradients(twice, [*g, *h]), strict=True
    ):
        terms = float(np.max(np.abs(one), initial=0.0))
        require_close(total, one + other, f"gradient to '{name}' of two calls", terms)


# --- the table --------------------------------------------------------------------------------------------


def properties_of(case: OpCase) -> dict[str, Property]:
    """Return the properties that a case is tested for, by their names.

    Raises a ValueError if the case skips a property that does not exist.
    """
    table: dict[str, Property] = {
        "value": _value_is_the_references,
        "tensor path": _tensor_path_is_the_ndarray_path,
        **{f"order {n}": _right_order(n) for n in range(1, case.order + 1)},
        "jvp": _jvp_is_the_directional_derivative,
        "recorded": _recorded_is_unrecorded,
        "linear in cotangent": _linear_in_the_cotangent,
        **({"unused elements": _unused_elements_do_not_matter} if case.elementwise else {}),
        "no mutation": _nothing_is_mutated,
        "float32": _float32_stays_float32,
        "layouts": _every_layout,
        "size 0": _size_0,
        "own gradients": _gradients_are_ones_own,
        "deterministic": _deterministic,
        "pickle and threads": _pickled_and_threaded,
        "errors": check_errors,
    }
    if unknown := set(case.skip) - set(table):
        raise ValueError(f"{case.name}: no property {sorted(unknown)}; there are: {', '.join(table)}")
    left_out = set(case.skip) | ({"value"} if case.reference is None else set())
    return {name: check for name, check in table.items() if name not in left_out}
