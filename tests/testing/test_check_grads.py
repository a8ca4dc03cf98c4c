"""`check_grads` itself: what it accepts, what it refuses, and what it says."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn import primitive
from tinygrad_cnn.tape import raw
from tinygrad_cnn.testing import GradientError, KinkError, check_grads

POINT = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


@primitive
def cube(x):
    return x**3


cube.defvjp(x=lambda g, x: g * 3 * x**2)


@primitive
def wrong_cube(x):
    return x**3


wrong_cube.defvjp(x=lambda g, x: g * 2 * x**2)


@primitive
def half_wrong(a, b):
    return a * np.sin(b)


half_wrong.defvjp(a=lambda g, b: g * tg.sin(b), b=lambda g, a, b: g * a * tg.sin(b))


# --- what is right passes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_right_rules_pass_to_order_4(dtype):
    check_grads(lambda x: tg.sin(x) * cube(x), POINT.astype(dtype), order=4)


def test_trees_static_arguments_and_several_outputs():
    def f(params, axis, x):
        h = tg.tanh(x @ params["weight"] + params["layers"][0])
        return {"mean": tg.mean(h, axis), "h": h, "shape": np.array(h.shape)}

    check_grads(f, {"weight": POINT, "layers": [np.ones(3)]}, 0, np.ones((4, 2)))


def test_a_function_that_computes_in_float32_is_judged_by_it():
    def narrow(x):
        return tg.astype(tg.sin(tg.astype(x, np.float32)), np.float64)

    check_grads(narrow, POINT)
    with pytest.raises(GradientError):
        check_grads(lambda x: narrow(x) + 0.01 * wrong_cube(x), POINT)


def test_scales_from_tiny_to_huge():
    for scale in (1e-150, 1e-7, 1e7, 1e150):
        check_grads(lambda x, scale=scale: scale * tg.sin(x), POINT)
        check_grads(lambda x, scale=scale: tg.sin(x / scale), POINT * scale)


def test_size_0_and_0_d():
    check_grads(tg.sin, np.zeros((0, 3)))
    check_grads(tg.multiply, np.zeros((0, 3)), np.ones(3), linear_in=["a", "b"])
    check_grads(tg.sin, 0.5)


def test_constants_are_not_differentiated():
    check_grads(half_wrong, POINT, POINT, constant=["b"], order=1)
    with pytest.raises(GradientError):
        check_grads(half_wrong, POINT, POINT, order=1)


def shifted_norm(x, shift):
    return tg.batch_norm(x + shift, np.ones(1, x.dtype), np.zeros(1, x.dtype))


def opaque(x):
    return np.log(1 + np.exp(-x))


opaque = primitive(opaque)
opaque.defvjp(x=lambda g, x: -g * tg.sigmoid(-x))
ZEROS = np.zeros((2, 1, 2, 2))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("f", "point"),
    [
        # the value is absorbed
        (lambda x: tg.log(1 + tg.exp(-x)), [[40.0, 36.5, 1.0]]),
        (opaque, [[40.0]]),
        (opaque, [[36.5, 1.0]]),
        (lambda x: 1 - tg.erf(x), [[6.5, 26.0]]),
        (lambda x: tg.sqrt(1 + x * x) - 1, [[1e-9, 3e-8]]),
        (lambda x: (x + 1e10) - 1e10, [[1e-8, 0.5]]),
        (lambda x: tg.exp(-x * x), [[27.0, 30.0]]),  # it underflows
        (lambda x: tg.cross_entropy(x, np.array([0, 2])), [np.array([[50.0, 0, 0], [0, 0, 40.0]])]),
        # the derivative is exactly zero, and computed as a sum that cancels
        (shifted_norm, [ZEROS, np.zeros(1)]),
        (shifted_norm, [ZEROS + 0.3, np.full(1, 0.1)]),
        (lambda shift: shifted_norm(ZEROS.astype(shift.dtype), shift), [np.zeros(1)]),
        (lambda x, b: tg.softmax(x + b, 1), [np.zeros((2, 3)), np.zeros(1)]),
        (lambda x, b: (x + b) - (x + b).mean(), [np.zeros(3), np.zeros(1)]),
        (lambda x, s: x * s / tg.norm(x * s), [np.array([0.3, 0.4, 0.5]), np.ones(1)]),
        (lambda x: tg.sin(x) ** 2 + tg.cos(x) ** 2 - 1, [np.array([0.1, 3.0, 1e5])]),
    ],
)  # fmt: skip
def test_rounding_is_no_wrong_gradient(f, point, dtype):
    check_grads(f, *(np.array(x, dtype) for x in point))


@pytest.mark.parametrize(
    ("forward", "rule", "point"),
    [
        (np.round, lambda g: 1 * g, [1.4]),  # a step function is no rounded one
        (lambda x: np.maximum(x, 0), lambda g, x: g * np.where(raw(x) > 0, 1, 1e-3), [-1e-20]),
        (lambda x: 0 * x, lambda g: 1e-16 * g, [1.0]),
        (lambda x: x - np.mean(x), lambda g: g - tg.mean(g) * (1 + 1e-6), [0.0, 0.0, 0.0]),
        (lambda x: np.log(1 + np.exp(-x)), lambda g, x: g * tg.sigmoid(-x), [30.0]),
    ],
)
def test_a_wrong_gradient_among_rounded_values_is_wrong(forward, rule, point):
    @primitive
    def op(x):
        return forward(x)

    op.defvjp(x=rule)
    with pytest.raises(GradientError):
        check_grads(op, np.array(point), order=1)


# --- what is wrong does not -------------------------------------------------------------------------------


def test_the_message_names_everything():
    with pytest.raises(GradientError) as caught:
        check_grads(lambda b: half_wrong(POINT, b), POINT)
    text = str(caught.value)
    for words in (
        "'<lambda>'",
        "'b'",
        "order 1",
        "worst at",
        "analytic",
        "numeric",
        "step",
        "To reproduce",
        "seed=0",
    ):
        assert words in text


def test_the_worst_index_is_that_of_the_wrong_element():
    @primitive
    def corner(x):
        return np.sin(x)

    factor = np.ones(POINT.shape)
    factor[1, 2] = 1.5
    corner.defvjp(x=lambda g, x: g * tg.cos(x) * factor)
    with pytest.raises(GradientError, match=r"worst at +x\[1, 2\]"):
        check_grads(corner, POINT)


def test_the_worst_of_a_large_array_is_looked_for():
    @primitive
    def shifted(x):
        return np.sin(x)

    factor = np.ones(5000)
    factor[4321] = 3
    shifted.defvjp(x=lambda g, x: g * tg.cos(x) * factor)
    with pytest.raises(GradientError, match="'shifted': wrong gradient to 'x'"):
        check_grads(shifted, np.linspace(0, 1, 5000), order=1)


def test_errors_at_several_steps_are_printed():
    with pytest.raises(GradientError) as caught:
        check_grads(wrong_cube, POINT)
    rows = str(caught.value).split("step ")[1].splitlines()[1:5]
    assert all(len(row.split()) == 3 for row in rows)


USER = """
import functools, numpy as np, tinygrad_cnn as tg
from tinygrad_cnn.testing import GradientError, check_grads, conformance

@tg.primitive
def wrong(x, *, power=3):
    return x**power

wrong.defvjp(x=lambda g, x, power: g * 2 * x**2)
scale = np.array([1.5, float("inf")], np.float32)

def helper(x):
    return wrong(x) * np.minimum(scale, 2).astype(x.dtype)

def failure(f, *args, **options):
    try:
        check_grads(f, *args, **options)
    except GradientError as error:
        return str(error)

def local(limit):
    def inner(x, axis, *, twice=2):
        return tg.sum(helper(x), axis) * (limit * twice)
    return inner
"""

CUT = "--- cut ---\n"
CALLS = {
    "a primitive": "wrong, np.array([0.1, 2.0])",
    "a partial": "functools.partial(wrong, power=2), np.array([0.1, 2.0])",
    "a lambda": "(lambda x, k=[3, 4]: helper(x) * k[0]), np.ones((3, 2), np.float32)[::-1]",
    "a local function": "local({'a': 0.1}['a']), np.asfortranarray(np.ones((2, 2)) / 3), 0, seed=4",
    "off its kinks": "lambda x: tg.relu(wrong(x)), np.zeros(2) , off_kinks=True, order=1, constant=set()",
}


def run_fresh(snippets, folder):
    """What a new process prints for each snippet, which has names of its own."""
    code = f"for snippet in {snippets!r}:\n    exec(snippet, {{}})\n    print({CUT!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.split(CUT)[:-1]


def test_the_printed_lines_reproduce_the_error(tmp_path):
    fails = [f"def fail_{i}():\n    return failure({call})\n" for i, call in enumerate(CALLS.values())]
    (tmp_path / "user.py").write_text("\n".join([USER, *fails]))
    messages = run_fresh([f"import user; print(user.fail_{i}())" for i in range(len(fails))], tmp_path)
    pasted = []
    for message in messages:
        lines = textwrap.dedent(message.partition("To reproduce:\n")[2])
        last = lines.strip().splitlines()[-1]
        shown = f"print(user.failure{last.removeprefix('check_grads')})"
        pasted.append("import user\n" + lines.replace(last, shown))
    for name, message, again in zip(CALLS, messages, run_fresh(pasted, tmp_path), strict=True):
        said = message.partition("To reproduce:\n")[0]
        assert "wrong gradient" in said, name
        assert again.startswith(said), name


def test_an_output_that_is_a_constant_to_the_tape_is_named():
    def with_statistics(x):
        return tg.sin(x), tg.stop_gradient(tg.mean(x))

    with pytest.raises(GradientError, match="output 1 is a constant to the tape, although it changes"):
        check_grads(with_statistics, POINT)


def test_a_failure_is_short_and_a_missing_rule_is_one(pytester):
    pytester.makepyfile(
        """
        import numpy as np
        import tinygrad_cnn as tg
        from tinygrad_cnn.testing import OpCase, check_grads, conformance, strategies

        @tg.primitive
        def wrong(x):
            return x**3

        wrong.defvjp(x=lambda g, x: g * 2 * x**2)

        @tg.primitive
        def without(x):
            return x**3

        def test_wrong():
            check_grads(wrong, np.ones(2))

        test_without = conformance(OpCase("without", without, operands=strategies.arrays()))
        """
    )
    result = pytester.runpytest("-p", "no:cacheprovider", "-k", "test_wrong")
    assert result.parseoutcomes()["failed"] == 1
    end = next(i for i, line in enumerate(result.outlines) if "short test summary" in line)
    assert end < 40, "\n".join(result.outlines)  # in CI, pytest writes all of it once more below
    result = pytester.runpytest("-p", "no:cacheprovider", "-k", "test_without")
    assert result.parseoutcomes()["failed"] == 1


def test_tiny_derivatives_are_not_zero():
    @primitive
    def tiny(x):
        return 1e-7 * x

    tiny.defvjp(x=lambda g: 0 * g)
    with pytest.raises(GradientError):
        check_grads(tiny, POINT)
    with pytest.raises(GradientError):
        check_grads(lambda x: 1 + tiny(x), POINT)


def test_order_2_finds_what_order_1_cannot():
    @primitive
    def frozen(x):
        return np.exp(x)

    frozen.defvjp(x=lambda g, out: g * raw(out))
    check_grads(frozen, POINT, order=1)
    with pytest.raises(GradientError, match="order 2"):
        check_grads(frozen, POINT)


def test_linear_operands_are_tested_without_tolerance():
    @primitive
    def doubled(x):
        return 2 * x

    doubled.defvjp(x=lambda g: g * (2 + 1e-12))
    check_grads(doubled, POINT)
    with pytest.raises(GradientError, match="'doubled'"):
        check_grads(doubled, POINT, linear_in=["x"])


def test_cotangents_come_in_every_layout():
    seen = []

    @primitive
    def spy(x):
        return 1 * x

    def rule(g):
        array = raw(g)
        seen.append((array.strides, array.flags.writeable, array.flags.f_contiguous))
        return 1 * g

    spy.defvjp(x=rule)
    check_grads(spy, POINT, order=1)
    strides = {s for s, _, _ in seen}
    assert {(24, 8), (8, 16), (-24, -8), (96, 16), (0, 0), (0, 8), (8, 0)} <= strides
    assert {writable for _, writable, _ in seen} == {True, False}


def test_a_mutated_cotangent_is_named():
    @primitive
    def careless(a, b):
        return a * b

    def rule(g, a):
        gradient = g * a
        raw(g)[...] = 0
        return gradient

    careless.defvjp(a=lambda g, b: g * b, b=rule)
    with pytest.raises(GradientError, match="the gradient rule of 'b' changes its cotangent"):
        check_grads(careless, POINT, POINT)


def test_what_is_not_deterministic_is_named():
    rng = np.random.default_rng(0)
    with pytest.raises(GradientError, match="not deterministic: two calls with the same arguments"):
        check_grads(lambda x: x * rng.random(), POINT)

    @primitive
    def drawn(x):
        return 1 * x

    drawn.defvjp(x=lambda g: g * rng.random())
    with pytest.raises(GradientError, match=r"gradient to 'x' \(order 1\) is not deterministic"):
        check_grads(drawn, POINT)


def test_float32_gradients_have_their_dtype_and_value():
    @primitive
    def coarse(x):
        return np.sin(x)

    def rule(g, x):  # right in float64 alone
        return g * tg.cos(x) * (1 if x.dtype == np.float64 else 1.5)

    coarse.defvjp(x=rule)
    check_grads(coarse, POINT)
    with pytest.raises(GradientError, match="in float32"):
        check_grads(coarse, POINT.astype(np.float32))


def test_a_gradient_of_nan_is_wrong():
    @primitive
    def hole(x):
        return x * x

    hole.defvjp(x=lambda g, x: g * x * x / x * 2)
    with np.errstate(invalid="ignore"), pytest.raises(GradientError, match=r"analytic +nan"):
        check_grads(hole, np.array([0.0, 1.0]))


# --- points without a derivative --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "point", "place"),
    [
        (tg.relu, [1.0, 0.0, 2.0], r"x\[1\] = 0"),
        (tg.abs, [0.0], r"x\[0\] = 0"),
        (tg.max, [1.0, 3.0, 3.0], r"x\[1\] = 3"),
        (lambda x: tg.sqrt(x), [1.0, 0.0], r"x\[1\] = 0"),
    ],
)
def test_kinks_are_named(f, point, place):
    with pytest.raises(KinkError, match=f"not differentiable at {place}"):
        check_grads(f, np.array(point))


def test_a_gradient_beyond_the_slopes_of_both_sides_is_wrong_at_a_kink_too():
    @primitive
    def steep(x):
        return np.abs(x)

    steep.defvjp(x=lambda g, x: g * (2 * (raw(x) == 0) + np.sign(raw(x))))
    with pytest.raises(GradientError):
        check_grads(steep, np.array([0.0, 1.0]))


def test_a_kink_nearby_is_no_obstacle():
    for distance in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        check_grads(tg.relu, np.array([distance, -distance, 1.0]))


def test_a_wrong_gradient_is_reported_before_a_kink():
    with pytest.raises(GradientError):
        check_grads(lambda a, b: tg.relu(a) + wrong_cube(b), np.zeros(2), np.ones(2))


def test_a_value_that_is_not_finite_is_refused():
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="'log' is not finite at this point"):
        check_grads(tg.log, np.array([0.0, 1.0]))


# --- arguments --------------------------------------------------------------------------------------------


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="order: expected at least 1, got 0"):
        check_grads(cube, POINT, order=0)
    with pytest.raises(ValueError, match=r"no operand \['y'\]; it has: x"):
        check_grads(cube, POINT, linear_in=["y"])
    with pytest.raises(ValueError, match=r"no operand \['y'\]; it has: x"):
        check_grads(cube, POINT, constant=["y"])
    with pytest.raises(ValueError, match="no floating argument to differentiate"):
        check_grads(cube, np.arange(3))


def test_the_seed_decides():
    def message(seed):
        with pytest.raises(GradientError) as caught:
            check_grads(lambda x: tg.sum(wrong_cube(x)), POINT, seed=seed)
        return str(caught.value)

    assert message(3) == message(3)
    assert message(3) != message(4)


def test_operands_are_not_written_to():
    def careless(x):
        raw(x)[...] = 0
        return x

    with pytest.raises(ValueError, match="read-only"):
        check_grads(careless, POINT.copy())


def test_random_numbers_are_drawn_anew_in_every_call():
    x = np.linspace(-1, 1, 40)

    def f(x, rng):
        return (tg.dropout(x, 0.5, rng=rng) * x).sum()

    rng = np.random.default_rng(0)
    gradient = tg.grad(f)(x, rng)
    step = 1e-6
    for i in (0, 7, 39):
        moved = np.zeros(40)
        moved[i] = step
        slope = (f(x + moved, np.random.default_rng(0)) - f(x - moved, np.random.default_rng(0))) / (2 * step)
        np.testing.assert_allclose(gradient[i], slope, atol=1e-8)
    assert np.any(f(x, np.random.default_rng(1)) != f(x, np.random.default_rng(2)))
    with pytest.raises(TypeError, match="rng"):
        tg.dropout(x, 0.5)  # no hidden generator
    state = rng.bit_generator.state
    tg.testing.check_grads(f, x, rng)  # each call draws the same mask
    assert rng.bit_generator.state == state

    def draws_twice(x, first, second):
        assert first is second  # as it was given, or the second mask would be the first
        return f(f(x, first) * x, second)

    tg.testing.check_grads(draws_twice, x, rng, rng)
    stateful = np.random.default_rng(0)
    with pytest.raises(tg.testing.GradientError, match="not deterministic"):  # and not a wrong verdict
        tg.testing.check_grads(lambda x: f(x, stateful), x)


@pytest.mark.parametrize("f", [lambda op, x: op(x), lambda op, x: op(x * 2) + 1])
def test_an_operation_that_changes_its_operand_is_named(f):
    @primitive
    def rectified(x):
        x *= x > 0
        return x.copy()

    rectified.defvjp(x=lambda g, out: g * (raw(out) > 0))
    with pytest.raises(GradientError, match="'rectified' changes its operand 'x'"):
        check_grads(lambda x: f(rectified, x), np.array([1.0, -2.0]))
