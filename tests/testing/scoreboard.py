"""Plant the same faults in the rules of several frameworks, and see whose gradient checker notices which.

The table of docs/scoreboard.md: python tests/testing/scoreboard.py
"""

import itertools
import warnings

import autograd
import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import torch
from autograd.extend import defvjp as autograd_defvjp
from autograd.extend import primitive as autograd_primitive
from autograd.test_util import check_grads as autograd_check

import tinygrad_cnn as tg

POINT = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


class Rule:
    """The derivative of the sine with a fault: ``rule(g, x, cos)``, in the arrays of any framework."""

    def __init__(self, change, *, makes_state=None, in_memory=False, dtype=np.float64):
        self.change, self.makes_state, self.in_memory, self.dtype = change, makes_state, in_memory, dtype

    def __call__(self, plain):
        """A fresh rule; ``plain`` takes the array out of what a framework hands to rules."""
        state = self.makes_state() if self.makes_state else None
        return lambda g, x, cos: self.change(g, x, cos, plain, state)


def scaled_at(index):
    """Three times too large at one element."""
    factor = np.ones(POINT.size)
    factor[index] = 3
    factor = factor.reshape(POINT.shape)
    return Rule(lambda g, x, cos, plain, state: g * cos(x) * like(factor, x))


def like(array, x):
    return torch.as_tensor(array, dtype=x.dtype) if isinstance(x, torch.Tensor) else array


def mutated(g, x, cos, plain, state):
    gradient = g * cos(x)
    plain(g)[...] *= 2
    return gradient


def unless(condition):
    """Twice too large unless the memory of the cotangent is of some kind."""

    def change(g, x, cos, plain, state):
        return g * cos(x) * (1 if condition(np.asarray(plain(g))) else 2)

    return Rule(change, in_memory=True)


def noisy(g, x, cos, plain, state):
    return g * cos(x) * float(1 + 1e-3 * state.random())


def in_one_buffer(g, x, cos, plain, state):
    state.setdefault("buffer", plain(g * cos(x)))[...] = plain(g * cos(x))
    return state["buffer"]


def every_third(g, x, cos, plain, state):
    return g * cos(x) * (2 if next(state) % 3 == 2 else 1)


FAULTS = {
    "no fault": Rule(lambda g, x, cos, plain, state: g * cos(x)),
    "zero": Rule(lambda g, x, cos, plain, state: 0 * g * cos(x)),
    "cotangent ignored": Rule(lambda g, x, cos, plain, state: 0 * g + cos(x)),
    "twice": Rule(lambda g, x, cos, plain, state: 2 * g * cos(x)),
    "sign": Rule(lambda g, x, cos, plain, state: -g * cos(x)),
    "one in a million": Rule(lambda g, x, cos, plain, state: g * cos(x) * (1 + 1e-6)),
    "first element": scaled_at(0),
    "last element": scaled_at(-1),
    "right at order 1 alone": Rule(lambda g, x, cos, plain, state: g * cos(plain(x))),
    "dtype: float64 for a float32 operand": Rule(
        lambda g, x, cos, plain, state: (
            (g * cos(x)).astype("float64") if not isinstance(x, torch.Tensor) else (g * cos(x)).double()
        ),
        dtype=np.float32,
    ),
    "C order only": unless(lambda g: g.flags.c_contiguous),
    "not for zero strides": unless(lambda g: 0 not in g.strides),
    "changes the cotangent": Rule(mutated, in_memory=True),
    "noise of 0.1 %": Rule(noisy, makes_state=lambda: np.random.default_rng(0)),
    "wrong every third call": Rule(every_third, makes_state=itertools.count),
    "one buffer for every call": Rule(in_one_buffer, makes_state=dict, in_memory=True),
}


def with_tinygrad_cnn(rule, dtype):
    @tg.primitive
    def sine(x):
        return np.sin(x)

    fixed = rule(tg.extend.raw)
    sine.defvjp(x=lambda g, x: fixed(g, x, tg.cos))
    tg.testing.check_grads(sine, POINT.astype(dtype))


def with_autograd(rule, dtype):
    fixed = rule(lambda x: getattr(x, "_value", x))
    sine = autograd_primitive(np.sin)
    autograd_defvjp(sine, lambda out, x: lambda g: fixed(g, x, autograd.numpy.cos))
    autograd_check(sine, modes=["rev"], order=2)(POINT.astype(dtype))


def with_jax(rule, dtype):
    fixed = rule(jax.lax.stop_gradient)
    sine = jax.custom_vjp(jnp.sin)
    sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (fixed(g, x, jnp.cos),))
    jax.test_util.check_grads(sine, (jnp.asarray(POINT, dtype),), order=2, modes=["rev"])


def with_torch(rule, dtype):
    fixed = rule(lambda x: x.detach())

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.sin(x)

        @staticmethod
        def backward(ctx, g):
            return fixed(g, ctx.saved_tensors[0], torch.cos)

    x = torch.tensor(POINT, dtype=getattr(torch, np.dtype(dtype).name), requires_grad=True)
    torch.autograd.gradcheck(Sine.apply, x)
    torch.autograd.gradgradcheck(Sine.apply, x)


CHECKERS = {
    "tinygrad_cnn": with_tinygrad_cnn,
    "autograd": with_autograd,
    "JAX": with_jax,
    "PyTorch": with_torch,
}


def verdict(framework, fault):
    """Whether a checker notices a fault: yes or no; a dash where a framework cannot have it."""
    if framework == "JAX" and fault.in_memory:
        return "—"
    with warnings.catch_warnings(), jax.enable_x64(True):
        warnings.simplefilter("ignore")
        try:
            CHECKERS[framework](fault, fault.dtype)
        except Exception:  # each framework has errors of its own
            return "yes"
    return "no"


def table():
    """The verdicts, as a table in markdown."""
    rows = [
        f"| {name} | {' | '.join(verdict(framework, fault) for framework in CHECKERS)} |"
        for name, fault in FAULTS.items()
    ]
    return "\n".join([f"| fault | {' | '.join(CHECKERS)} |", f"|---|{'---|' * len(CHECKERS)}", *rows])


if __name__ == "__main__":
    print(table())
