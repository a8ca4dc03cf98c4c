"""By how many units in the last place elementwise operations are wrong: ours, PyTorch's and JAX's.

    python tests/accuracy/report.py [--page docs/accuracy.md] [--only tanh gelu]

Prints a table of the largest errors, or writes it into the page. The points and what is right are those of
the tests. It needs the extras "test" and "peers".
"""

import argparse
import functools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the records are

import jax
import numpy as np
import points
import records
import torch
import truth

jax.config.update("jax_enable_x64", True)

SIZE = 60  # as in the tests
DTYPES = (np.float32, np.float64)
JAX = {"erf": jax.scipy.special.erf, "abs": jax.numpy.abs} | {
    name: getattr(jax.nn, name)
    for name in (
        "relu", "relu6", "elu", "selu", "gelu", "leaky_relu", "log_sigmoid", "mish", "sigmoid", "silu",
        "softplus",
    )
}  # fmt: skip
JAX |= {
    "hardsigmoid": jax.nn.hard_sigmoid, "hardswish": jax.nn.hard_swish, "softsign": jax.nn.soft_sign,
}  # fmt: skip
OPTIONS = {
    "gelu": {"jax": {"approximate": False}},
    "gelu: tanh": {"torch": {"approximate": "tanh"}, "jax": {"approximate": True}},
}
MARKS = ("<!-- measured -->\n", "<!-- end -->\n")


def of_torch(name, order):
    """Return PyTorch's derivative as a function of arrays."""
    record = next(record for record in records.RECORDS if record.name == name.split(":")[0])
    function, options = record.torch_function(torch), OPTIONS.get(name, {}).get("torch", {})

    def derivative(*operands):
        tensors = [torch.tensor(x, requires_grad=True) for x in operands]
        out = function(*tensors, **options)
        for position, times in enumerate([order] if isinstance(order, int) else order):
            for _ in range(times):
                if not out.requires_grad:  # PyTorch's way to say that a derivative is 0
                    return np.zeros_like(operands[0])
                (out,) = torch.autograd.grad(
                    out.sum(), tensors[position], create_graph=True, materialize_grads=True
                )
        return out.detach().numpy(force=True)

    return derivative


def of_jax(name, order):
    """Return JAX's derivative as a function of arrays; None if JAX has no such operation."""
    known, options = name.split(":")[0], OPTIONS.get(name, {}).get("jax", {})
    function = JAX.get(known) or getattr(jax.numpy, known, None)
    if function is None:
        return None

    def derivative(*operands):
        found = functools.partial(function, **options)
        for position, times in enumerate([order] if isinstance(order, int) else order):
            for _ in range(times):
                found = jax.grad(found, position)
        return np.asarray(jax.vmap(found)(*operands))

    return derivative


def cell(error):
    """Show an error shortly: tenths of a unit up to ten, powers of ten beyond a thousand."""
    return f"{error:.1f}" if error < 10 else f"{error:.0f}" if error < 1000 else f"{error:.0e}"


def row(name, order):
    """Measure one derivative of one operation."""
    one, cells, worst = truth.TRUTH[name], [], ""
    for dtype in DTYPES:
        ours = points.measured(name, one.function(name), order, dtype, SIZE)
        cells.append(cell(ours.worst))
        worst = ", ".join(f"{x:.6g}" for x in ours.point)
        for theirs in (of_torch, of_jax):
            function = None if one.call and name not in OPTIONS else theirs(name, order)
            if function is None:  # an expression of ours, or what they do not have
                cells.append("")
                continue
            found = points.measured(name, function, 0, dtype, SIZE, of=order)
            cells.append(cell(found.worst))
    return [name, str(order).replace(" ", ""), *cells, worst]


def table(only):
    """Yield the lines of the table."""
    sides = "| float32: ours | PyTorch | JAX | float64: ours | PyTorch | JAX |"
    yield f"| operation | derivative {sides} our worst point |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, one in truth.TRUTH.items():
        for order in one.derivatives if not only or name.split(":")[0] in only else ():
            yield "| " + " | ".join(row(name, order)) + " |"


def main():
    """Print the table or write it into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--page", type=Path)
    parser.add_argument("--only", nargs="+", help="names of operations")
    options = parser.parse_args()
    lines = []
    for line in table(options.only):
        print(line, flush=True)
        lines.append(line)
    if options.page:
        page = options.page.read_text(encoding="utf-8")
        before, rest = page.split(MARKS[0])
        after = rest.split(MARKS[1])[1]
        text = before + MARKS[0] + "\n".join(lines) + "\n" + MARKS[1] + after
        options.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
