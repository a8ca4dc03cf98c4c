"""Functions of one library as functions of the other, which derives through them, to any order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import autodiff
from ...checks import function as check_function
from ...tape import Primitive, raw

__all__ = ["function", "primitive"]


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError("PyTorch is not installed: python -m pip install torch") from error
    return torch


def function(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of arrays as a function of PyTorch's tensors, which `torch.autograd` derives through.

    Parameters
    ----------
    f : callable
        A function of arrays, made of operations of this package, that returns an array or a tuple of them.

    Returns
    -------
    callable
        It takes CPU tensors in the place of the arrays; other arguments are handed on. Its derivatives can be
        derived again (``create_graph=True``), since each is such a function too.

    Raises
    ------
    TypeError
        If ``f`` cannot be called.
    ImportError
        If PyTorch is not installed, at the first call.

    Examples
    --------
    >>> import tinygrad_cnn as tg
    >>> softsign = function(lambda x: x / (1 + tg.abs(x)))
    >>> softsign(torch.ones(2, requires_grad=True)).sum().backward()  # doctest: +SKIP
    """
    check_function("function", "f", f)

    @functools.wraps(f)
    def called(*args: Any) -> Any:
        return _bridge().apply(f, *args)

    return called


@functools.cache
def _bridge() -> Any:
    """Make the `torch.autograd.Function` that calls any function of ours."""
    torch = _torch()

    class Ours(torch.autograd.Function):  # type: ignore[misc,name-defined,unused-ignore]
        @staticmethod
        def forward(ctx: Any, f: Any, *args: Any) -> Any:
            ctx.f, ctx.args = f, [None if isinstance(x, torch.Tensor) else x for x in args]
            ctx.save_for_backward(*(x for x in args if isinstance(x, torch.Tensor)))
            out = f(*(_to_array(x) if isinstance(x, torch.Tensor) else x for x in args))
            ctx.is_tuple = isinstance(out, tuple | list)
            return tuple(map(_to_tensor, out)) if ctx.is_tuple else _to_tensor(out)

        @staticmethod
        def backward(ctx: Any, *gs: Any) -> Any:
            tensors = iter(ctx.saved_tensors)
            args = [next(tensors) if x is None else x for x in ctx.args]
            wanted = [i for i, needed in enumerate(ctx.needs_input_grad[1:]) if needed]
            pulled = _pulled(ctx.f, args, wanted, ctx.is_tuple)
            gradients = iter(Ours.apply(pulled, *(args[i] for i in wanted), *gs))
            return (None, *(next(gradients) if i in wanted else None for i in range(len(args))))

    return Ours


def _pulled(f: Callable[..., Any], args: list[Any], wanted: list[int], is_tuple: bool) -> Callable[..., Any]:
    """Return the gradients of ``f`` as a function of the derived arguments and of the cotangents."""
    fixed = [_to_array(x) if hasattr(x, "detach") else x for x in args]

    def gradients(*values: Any) -> Any:
        xs, gs = values[: len(wanted)], values[len(wanted) :]

        def of_wanted(*xs: Any) -> Any:
            given = dict(zip(wanted, xs, strict=True))
            return f(*(given.get(i, x) for i, x in enumerate(fixed)))

        _, pull = autodiff.vjp(of_wanted, *xs)
        return tuple(pull(gs if is_tuple else gs[0]))

    return gradients


def _to_array(tensor: Any) -> np.ndarray:
    array: np.ndarray = tensor.detach().numpy()
    return array


def _to_tensor(array: Any) -> Any:
    array = np.asarray(raw(array))
    is_plain = array.flags.writeable and min(array.strides, default=0) >= 0
    return _torch().from_numpy(array if is_plain else array.copy())


def primitive(f: Callable[..., Any]) -> Primitive[..., Any]:
    """Return a function of PyTorch's tensors as an operation of ours, with PyTorch's gradients.

    Parameters
    ----------
    f : callable
        A function of tensors that returns a tensor. What is no tensor, such as an option, it has to know
        already: ``lambda x: torch.logcumsumexp(x, 0)``.

    Returns
    -------
    Primitive
        An operation on arrays and on our tensors. Its derivatives are such operations too, so that they can
        be derived again, as far as PyTorch can.

    Raises
    ------
    TypeError
        If ``f`` cannot be called.
    ImportError
        If PyTorch is not installed, at the first call.

    Examples
    --------
    >>> import tinygrad_cnn as tg
    >>> erfc = primitive(lambda x: torch.special.erfc(x))  # doctest: +SKIP
    >>> tg.grad(erfc)(0.5)  # doctest: +SKIP
    array(-0.87878258)
    """
    check_function("primitive", "f", f)

    def call(*operands: Any) -> Any:
        torch = _torch()
        with torch.enable_grad():
            out = f(*(_to_tensor(x).requires_grad_(_is_floating(x)) for x in operands))
        return out.detach().numpy()

    call.__name__ = getattr(f, "__name__", "call").replace("<lambda>", "call")
    op: Primitive[..., Any] = Primitive(call)

    @functools.cache
    def gradient(index: int) -> Primitive[..., Any]:
        def pulled(g: Any, *operands: Any) -> Any:
            x = operands[index]
            options = {"create_graph": True, "allow_unused": True}
            (found,) = _torch().autograd.grad(f(*operands), x, g, **options)
            return _torch().zeros_like(x) if found is None else found

        return primitive(pulled)

    op.defvjp(operands=lambda g, operands, index: gradient(index)(g, *operands))
    return op


def _is_floating(x: Any) -> bool:
    return bool(np.asarray(x).dtype.kind == "f")
