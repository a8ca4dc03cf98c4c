"""The facade for authors of operations: what a rule can get wrong is reported, with its op and operand."""

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import extend
from tinygrad_cnn.extend import Tensor, primitive, raw

X = np.array([[1.0, 2.0, 3.0]])


@pytest.fixture
def op():
    @primitive
    def triple(x, scale=None, *, shift=0.0):
        return 3 * x + shift

    return triple


def gradient(op, x=X):
    return tg.grad(lambda x: op(x).sum())(x)


def test_the_facade_is_complete():
    assert set(extend.__all__) == {"primitive", "raw", "Tensor", "OpCase", "check_grads"}
    assert all(hasattr(extend, name) for name in extend.__all__)


def test_nothing_of_it_needs_hypothesis_or_pytest():
    code = (
        "import sys; from tinygrad_cnn.testing import OpCase, check_grads, conformance, strategies;"
        "from tinygrad_cnn import extend; import numpy as np;"
        "extend.check_grads(lambda x: x * x, np.ones(2));"
        "assert not {'hypothesis', 'pytest'} & set(sys.modules), 'imported';"
        "strategies.arrays(); assert 'hypothesis' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- at registration --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"y": lambda g: g}, "'triple' has no operand 'y' to give a rule to; it has: x, scale"),
        (
            {"x": lambda g, output: g},
            "'triple', rule of 'x': asks for 'output', which does not exist.*shift",
        ),
        ({"x": lambda g, index: g}, "asks for 'index'"),  # which is for variadic operands alone
    ],
)
def test_a_rule_that_does_not_fit_its_primitive(op, rules, said):
    with pytest.raises(TypeError, match=said):
        op.defvjp(**rules)


@pytest.mark.parametrize("name", ["g", "out", "index", "x_shape"])
def test_reserved_names(name):
    source = f"def f({name}): return {name}"
    namespace = {}
    exec(source, namespace)
    with pytest.raises(TypeError, match=f"primitive 'f': '{name}' is reserved"):
        primitive(namespace["f"])


def test_signatures_that_cannot_be_recorded():
    with pytest.raises(TypeError, match=r"\*\*keywords are not supported"):
        primitive(lambda x, **options: x)
    with pytest.raises(TypeError, match=r"named or variadic, not both \(x, \*xs\)"):
        primitive(lambda x, *xs: x)


# --- at the first backward --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "came"),
    [
        (lambda g: [g], "list"),
        (lambda g: None, "NoneType"),
        (lambda g: 1.0, "float"),
        (lambda g: g[0], r"float64\[3\]"),
        (lambda g: tg.astype(g, np.float32), r"float32\[1, 3\]"),
        (lambda g: tg.broadcast_to(g, (2, 3)), r"float64\[2, 3\]"),
    ],
)
def test_a_rule_that_returns_something_else(op, rule, came):
    op.defvjp(x=rule)
    expected = rf"'triple', rule of operand 'x': expected a cotangent float64\[1, 3\].* returned {came}"
    with pytest.raises(TypeError, match=expected):
        gradient(op)


def test_a_missing_rule(op):
    with pytest.raises(
        TypeError, match="'triple' is not differentiable in operand 'x': it has no gradient rule"
    ):
        gradient(op)


def test_an_error_inside_a_rule_is_located(op):
    op.defvjp(x=lambda g: g @ np.ones((7, 7)))
    with pytest.raises(ValueError, match="matmul") as caught:
        gradient(op)
    assert any("gradient rule of 'triple' for operand 'x'" in note for note in caught.value.__notes__)


def test_broadcasting_is_undone_where_it_was_asked_for():
    @primitive(broadcasts=True)
    def scaled(a, b):
        return a * b

    scaled.defvjp(a=lambda g, b: g * b, b=lambda g, a: g * a)
    g = tg.grad(lambda a: scaled(a, np.ones((4, 3))).sum())(np.ones((1, 3), dtype=np.float32))
    assert (g.shape, g.dtype) == ((1, 3), np.float32)
    assert g.tolist() == [[4.0, 4.0, 4.0]]


def test_variadic_operands():
    @primitive
    def total(*xs, weight=1.0):
        return weight * sum(xs)

    total.defvjp(xs=lambda g, weight, index: g * weight * (index + 1))
    grads = tg.grad(lambda *xs: total(*xs, weight=2.0).sum(), argnums=(0, 1, 2))(X, X, X)
    assert [g[0, 0] for g in grads] == [2.0, 4.0, 6.0]
    total.defvjp(xs=lambda g, index: g if index == 0 else None)
    with pytest.raises(TypeError, match=r"'total', rule of operand 'xs\[1\]'"):
        tg.grad(lambda *xs: total(*xs).sum(), argnums=(0, 1))(X, X)


def test_static_parameters_reach_the_rules(op):
    op.defvjp(x=lambda g, shift: g * shift)
    assert tg.grad(lambda x: op(x, shift=5.0).sum())(X).tolist() == [[5.0, 5.0, 5.0]]


# --- overriding a gradient --------------------------------------------------------------------------------


def test_the_rule_of_a_composite_decides_alone():
    seen = []

    @primitive
    def composite(x):
        seen.append(type(x))
        return tg.exp(tg.sin(x))

    composite.defvjp(x=lambda g: 7 * g)
    assert gradient(composite).tolist() == [[7.0, 7.0, 7.0]]
    assert seen == [np.ndarray]
    assert isinstance(composite(Tensor(X)), Tensor)
    assert isinstance(raw(composite(Tensor(X))), np.ndarray)
