"""What must hold of every operation: the properties that `conformance` turns into tests.

Each is a function of the case, one drawn call, and a seed. It raises `AssertionError`, or lets the
operation's own exception pass.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from .. import tree
from ..autodiff import jvp, vjp
from ..tape import Leaf, box, raw
from ..tensor import Tensor
from .cases import Call, ErrorCase, OpCase
from .differences import ROUNDING, slope
from .flat import Flat, flat_function, is_floating, joined, precision, rounding_noise
from .gradients import check_dtype, check_order
from .layouts import LAYOUTS, relaid
from .report import describe_call

_EPS = float(np.finfo(np.float64).eps)


# --- helpers ----------------------------------------------------------------------------------------------


def _mapped(call: Call, function: Callable[[np.ndarray], Any]) -> Call:
    """The call with a function applied to its floating arrays."""
    return Call(
        tree.map(lambda leaf: function(leaf) if is_floating(leaf) else leaf, call.operands), call.params
    )


def _value(case: OpCase, call: Call) -> np.ndarray:
    return np.asarray(raw(case.function(*call.operands, **call.params)))


def _flat(case: OpCase, call: Call) -> Flat:
    return flat_function(case.bound(call), call.operands, case.constant)


def _cotangents(flat: Flat, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, out.shape).astype(out.dtype) for out in flat.values()]


def _gradients(flat: Flat, cotangents: list[Any]) -> list[np.ndarray]:
    _, pullback = vjp(flat.call, *flat.leaves)
    return list(pullback(cotangents))


def _same(found: Any, expected: Any, what: str) -> None:
    """Equal bit for bit."""
    found, expected = np.asarray(raw(found)), np.asarray(raw(expected))
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    assert found.dtype == expected.dtype, f"{what}: dtype {found.dtype}, expected {expected.dtype}"
    np.testing.assert_array_equal(found, expected, err_msg=what)


def _close(found: Any, expected: Any, what: str, terms: float = 0.0) -> None:
    """Equal but for the order of the additions: ``n * eps`` of the largest term, with n in the tens."""
    found, expected = np.asarray(raw(found)), np.asarray(raw(expected))
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    largest = max(float(np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))), terms)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=256 * _EPS * largest, err_msg=what)


def has_empty(call: Call) -> bool:
    """Whether one of the operands is an array of size 0."""
    return any(is_floating(leaf) and np.size(leaf) == 0 for leaf in tree.leaves(call.operands))


# --- values -----------------------------------------------------------------------------------------------


def _value_is_the_references(case: OpCase, call: Call, seed: int) -> None:
    """The value is that of the slow reference."""
    assert case.reference is not None
    with np.errstate(all="ignore"):  # plain formulas warn where the operation need not
        expected = np.asarray(case.reference(*call.operands, **call.params))
    found = _value(case, call)
    assert found.dtype == expected.dtype, f"value: dtype {found.dtype}, the reference's is {expected.dtype}"
    # a plain reference may subtract terms as large as its operands: x - log(exp(x))
    terms = [float(np.max(np.abs(x), initial=0)) for x in tree.leaves(call.operands) if is_floating(x)]
    _close(found, expected, "value", max(terms, default=0.0))


def _tensor_path_is_the_ndarray_path(case: OpCase, call: Call, seed: int) -> None:
    """A call on tensors computes the same bits as one on ndarrays, and returns a tensor."""
    lifted = _mapped(call, lambda x: Tensor(x))
    out = case.function(*lifted.operands, **lifted.params)
    assert isinstance(out, Tensor), f"a call on tensors returned {type(out).__name__}"
    _same(out, _value(case, call), "the value on tensors")


def _deterministic(case: OpCase, call: Call, seed: int) -> None:
    """Two calls, and two gradients, are equal bit for bit."""
    flat = _flat(case, call)
    g = _cotangents(flat, seed)
    _same(_value(case, call), _value(case, call), "a second call")
    for first, second in zip(_gradients(flat, g), _gradients(flat, g), strict=True):
        _same(second, first, "a second gradient")


def _pickled_and_threaded(case: OpCase, call: Call, seed: int) -> None:
    """The operation survives pickling, and gives the same bits in two threads at once."""
    copied = pickle.loads(pickle.dumps(case.function))
    _same(copied(*call.operands, **call.params), _value(case, call), "a pickled function's value")
    flat = _flat(case, call)
    g = _cotangents(flat, seed)
    expected = _gradients(flat, g)
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(_gradients, flat, g) for _ in range(2)]:
            for found, alone in zip(future.result(), expected, strict=True):
                _same(found, alone, "a gradient in a thread")


# --- derivatives ------------------------------------------------------------------------------------------


def check_order_of(order: int) -> Callable[[OpCase, Call, int], None]:
    """The property that derivatives of one order are right, by `check_grads`."""

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
    flat = _flat(case, call)
    rng = np.random.default_rng(seed)
    tangents = [rng.uniform(-1, 1, x.shape) * np.maximum(np.abs(x), 2.0**-4) for x in flat.leaves]
    outputs, found = jvp(lambda *leaves: flat.call(*leaves), flat.leaves, tangents)

    def moved(t):
        return joined(flat.values([x + t * v for x, v in zip(flat.leaves, tangents, strict=True)]))

    eps = precision(flat)
    noise = rounding_noise(flat, [raw(out) for out in outputs], eps, rng)
    numeric = slope(moved, noise, eps)
    analytic = joined([raw(one) for one in found])
    tolerance = 2 * numeric.error + 16 * np.sqrt(eps) * np.maximum(np.abs(analytic), np.abs(numeric.value))
    wrong = ~(np.abs(analytic - numeric.value) <= tolerance) & ~numeric.kink
    assert not wrong.any(), (
        f"jvp is {analytic[wrong][0]:.9g}, a central difference {numeric.value[wrong][0]:.9g}"
    )


def _recorded_is_unrecorded(case: OpCase, call: Call, seed: int) -> None:
    """A gradient that is itself recorded has the values of one that is not."""
    flat = _flat(case, call)
    g = _cotangents(flat, seed)
    plain = _gradients(flat, g)
    on_tape = [box(Tensor, x, Leaf(x)) for x in flat.leaves]
    recorded = _gradients(flat.with_leaves(on_tape), [box(Tensor, one, Leaf(one)) for one in g])
    for name, found, expected in zip(flat.names, recorded, plain, strict=True):
        assert raw(found).dtype == expected.dtype, f"recorded gradient to '{name}': dtype {found.dtype}"
        _close(found, expected, f"recorded gradient to '{name}'")


def _linear_in_the_cotangent(case: OpCase, call: Call, seed: int) -> None:
    """Gradients are linear in the cotangent: zero for zero, twice for twice (exactly), and additive."""
    flat = _flat(case, call)
    g, h = _cotangents(flat, seed), _cotangents(flat, seed + 1)
    to_g, to_h = _gradients(flat, g), _gradients(flat, h)
    zero = _gradients(flat, [np.zeros_like(one) for one in g])
    twice = _gradients(flat, [2 * one for one in g])
    both = _gradients(flat, [a + b for a, b in zip(g, h, strict=True)])
    eps = precision(flat)
    for name, a, b, none, double, total in zip(flat.names, to_g, to_h, zero, twice, both, strict=True):
        assert not np.any(none), f"the gradient to '{name}' is not zero for a cotangent of zeros"
        _same(double, 2 * a, f"gradient to '{name}' for twice the cotangent")
        scale = np.max(np.abs(a), initial=0) + np.max(np.abs(b), initial=0)
        what = f"'{name}': not additive in the cotangent"
        np.testing.assert_allclose(total, a + b, rtol=1024 * eps, atol=1024 * eps * scale, err_msg=what)


# --- arrays -----------------------------------------------------------------------------------------------


def _nothing_is_mutated(case: OpCase, call: Call, seed: int) -> None:
    """Operands and cotangents keep their bits; read-only ones do as well as writable ones."""
    writable = _mapped(call, lambda x: np.array(x, order="C"))
    frozen = _mapped(call, lambda x: relaid(np.asarray(x), "read-only"))
    _value(case, frozen)
    _value(case, writable)
    flat = _flat(case, writable)
    g = _cotangents(flat, seed)
    before = [one.copy() for one in g]
    _gradients(flat, g)
    for found, expected in zip(g, before, strict=True):
        _same(found, expected, "the cotangent after the gradient")
    for one in g:
        one.flags.writeable = False
    _gradients(_flat(case, frozen), g)
    for found, expected in zip(tree.leaves(writable.operands), tree.leaves(call.operands), strict=True):
        if is_floating(expected):
            _same(found, expected, "an operand after the call")


def _float32_stays_float32(case: OpCase, call: Call, seed: int) -> None:
    """float32 operands give a float32 value and float32 gradients, that agree with those in float64."""
    narrow = _mapped(call, lambda x: np.asarray(x).astype(np.float32, order="K"))
    flat = _flat(case, _mapped(narrow, lambda x: x.astype(np.float64, order="K")))
    values, reference = _flat(case, narrow).values(), flat.values()
    for value, wide in zip(values, reference, strict=True):
        expected = np.float32 if wide.dtype == np.float64 else wide.dtype
        assert value.dtype == expected, f"float32 operands gave {value.dtype}"
    eps = float(np.finfo(np.float32).eps)
    found, right = joined(values), joined(reference)
    # as of gradients: half the digits, and the rounding of sums as large as the largest element
    noise = rounding_noise(flat, reference, eps, np.random.default_rng(seed))
    rounding = ROUNDING * (noise + eps * np.max(np.abs(right), initial=0.0))
    wrong = ~(np.abs(found - right) <= 16 * np.sqrt(eps) * np.abs(right) + rounding)
    assert not wrong.any(), f"float32 value {found[wrong][0]:.9g}, but {right[wrong][0]:.9g} in float64"
    f = case.bound(narrow)
    for order in range(1, case.order + 1):
        origin = describe_call(f, narrow.operands, {"order": order, "constant": case.constant, "seed": seed})
        check_dtype(f, narrow.operands, case.constant, order, seed, origin)


def _every_layout(case: OpCase, call: Call, seed: int) -> None:
    """Values and gradients do not depend on the memory layout of operands and cotangents."""
    flat = _flat(case, _mapped(call, lambda x: np.array(x, order="C")))
    g = _cotangents(flat, seed)
    value, gradients = flat.values(), _gradients(flat, g)
    for layout in LAYOUTS:
        other = flat.with_leaves([relaid(x, layout) for x in flat.leaves])
        for found, expected in zip(other.values(), value, strict=True):
            _close(found, expected, f"value for operands in {layout}")
        for name, one, expected in zip(
            flat.names, _gradients(other, [relaid(one, layout) for one in g]), gradients, strict=True
        ):
            _close(one, expected, f"gradient to '{name}' for arrays in {layout}")


def _size_0(case: OpCase, call: Call, seed: int) -> None:
    """With an empty operand the shapes are right, and gradients are finite."""
    if case.reference is not None:
        _value_is_the_references(case, call, seed)
    flat = _flat(case, call)
    for name, leaf, g in zip(flat.names, flat.leaves, _gradients(flat, _cotangents(flat, seed)), strict=True):
        assert g.shape == leaf.shape, f"gradient to '{name}': shape {g.shape}, expected {leaf.shape}"
    for order in range(1, case.order + 1):
        check_order_of(order)(case, call, seed)


def _gradients_are_ones_own(case: OpCase, call: Call, seed: int) -> None:
    """Gradients are writable, share no memory with anything, and stay when the operation is used again."""
    flat = _flat(case, call)
    g = _cotangents(flat, seed)
    gradients = _gradients(flat, g)
    others = [*flat.leaves, *g]
    for name, one in zip(flat.names, gradients, strict=True):
        assert isinstance(one, np.ndarray), f"the gradient to '{name}' is a {type(one).__name__}"
        assert one.flags.writeable, f"the gradient to '{name}' is read-only"
        assert not any(np.shares_memory(one, other) for other in others), (
            f"the gradient to '{name}' is shared"
        )
        others.append(one)
    h = _cotangents(flat, seed + 1)
    twice = replace(flat, call=lambda *leaves: [*flat.call(*leaves), *flat.call(*leaves)])
    for name, one, other, total in zip(
        flat.names, gradients, _gradients(flat, h), _gradients(twice, [*g, *h]), strict=True
    ):
        terms = float(np.max(np.abs(one), initial=0.0))
        _close(total, one + other, f"gradient to '{name}' of two calls", terms)


# --- errors -----------------------------------------------------------------------------------------------


def check_errors(case: OpCase, call: Call, seed: int) -> None:
    """A cotangent of a wrong shape is refused, and both shapes are named."""
    flat = _flat(case, call)
    _, pullback = vjp(flat.call, *flat.leaves)
    outputs = flat.values()
    wrong = [np.zeros((*out.shape, 7), out.dtype) for out in outputs]
    _refused(lambda: pullback(wrong), ValueError, [str(outputs[0].shape), str(wrong[0].shape)])


def check_error_case(case: OpCase, wrong: ErrorCase) -> None:
    """The call is refused with the right type of error, which says what it must."""
    shapes = tuple(str(x.shape) for x in wrong.operands if isinstance(x, np.ndarray))
    _refused(lambda: case.function(*wrong.operands, **wrong.params), wrong.error, wrong.says or shapes)


def _refused(call: Callable, error: type[Exception], says: Sequence[str]) -> None:
    try:
        call()
    except error as found:
        text = "\n".join([str(found), *getattr(found, "__notes__", ())])
    else:
        raise AssertionError(f"expected {error.__name__}, but the call went through")
    as_list = re.sub(r"\(([\d, ]+?),?\)", r"[\1]", text)  # shapes stand in either kind of bracket
    for words in says:
        assert words in text or re.sub(r"\(([\d, ]+?),?\)", r"[\1]", words) in as_list, (
            f"the error does not say {words!r}: {text}"
        )


# --- the table --------------------------------------------------------------------------------------------


def properties_of(case: OpCase) -> dict[str, Callable[[OpCase, Call, int], None]]:
    """The properties that a case is tested for, by name.

    Parameters
    ----------
    case : OpCase

    Returns
    -------
    dict of str to callable

    Raises
    ------
    ValueError
        If the case skips a property that does not exist.

    Examples
    --------
    >>> from tinygrad_cnn import sin
    >>> list(properties_of(OpCase("sin", sin, operands=None)))[:2]
    ['tensor path', 'order 1']
    """
    table = {
        "value": _value_is_the_references,
        "tensor path": _tensor_path_is_the_ndarray_path,
        **{f"order {n}": check_order_of(n) for n in range(1, case.order + 1)},
        "jvp": _jvp_is_the_directional_derivative,
        "recorded": _recorded_is_unrecorded,
        "linear in cotangent": _linear_in_the_cotangent,
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
