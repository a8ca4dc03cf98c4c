"""Time the kernels against PyTorch eager on one thread; run as a script.

Both sides run in one process, in turns, so that other work on the machine falls on both.  Processor time is
counted, not the time on the wall: on one thread they agree, until the machine is busy.  The table gives
medians; a ratio below 1 says that the kernels are faster.

    python tests/bench/bench_kernels.py [--repeats 30] [--only conv|layers|step]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when NumPy is imported

import numpy as np
import torch
from comparison.problem import CONVOLUTIONS
from torch.nn import functional

from tinygrad_cnn.kernels import conv, normalization, pool
from tinygrad_cnn.kernels.geometry import ConvSpec, PoolSpec
from tinygrad_cnn.kernels.memory import batch_first, keep_heap

Work = Callable[[], object]

OTHER_BATCHES = [
    (n, *shape) for n in (1, 8, 256) for shape in ((1, 28, 28, 8, 3, 1, 1), (8, 14, 14, 16, 3, 1, 1))
]


def timed(work: Work, inner: int) -> float:
    """Return the milliseconds of one call, averaged over `inner` calls in a row."""
    start = time.thread_time()
    for _ in range(inner):
        work()
    return (time.thread_time() - start) * 1e3 / inner


def compare(ours: Work, theirs: Work, repeats: int) -> tuple[float, float, float]:
    """Return the median milliseconds of both sides, and the median of the ratios of neighbouring runs."""
    timed(ours, 2)
    timed(theirs, 2)
    inner = max(1, int(2 / max(timed(ours, 1), 1e-3)))  # some 2 ms a turn
    pairs = [(timed(ours, inner), timed(theirs, inner)) for _ in range(repeats)]
    a, b = zip(*pairs, strict=True)
    return statistics.median(a), statistics.median(b), statistics.median(x / y for x, y in pairs)


def report(name: str, result: tuple[float, float, float]) -> None:
    print(f"{name:<58}{result[0]:9.3f}{result[1]:9.3f}{result[2]:8.2f}", flush=True)


def stored_batch_last(rng: np.random.Generator, *shape: int) -> np.ndarray:
    n, *rest = shape
    return batch_first(rng.standard_normal((*rest, n), np.float32))


def bench_convolution(problem: tuple[int, ...], repeats: int, *, parts: bool) -> float:
    n, c, h, w, o, k, stride, padding = problem
    rng = np.random.default_rng(0)
    x, weight = stored_batch_last(rng, n, c, h, w), rng.standard_normal((o, c, k, k), np.float32)
    bias = np.zeros(o, np.float32)
    spec = ConvSpec.of(x.shape, weight.shape, stride=stride, padding=padding)
    g = stored_batch_last(rng, n, o, *spec.output_size)
    tx, tweight, tbias, tg = (torch.from_numpy(np.ascontiguousarray(a)) for a in (x, weight, bias, g))

    def torch_backward(mask: list[bool]) -> object:
        pair = [stride, stride], [padding, padding], [1, 1]
        return torch.ops.aten.convolution_backward(tg, tx, tweight, [o], *pair, False, [0, 0], 1, mask)

    def ours_all() -> None:
        conv.forward(x, weight, bias, spec)
        conv.input_gradient(g, weight, spec)
        conv.weight_gradient(x, g, spec)
        g.sum(axis=(0, 2, 3))

    def torch_all() -> None:
        functional.conv2d(tx, tweight, tbias, stride, padding)
        torch_backward([True, True, True])

    def torch_forward() -> object:
        return functional.conv2d(tx, tweight, tbias, stride, padding)

    total = compare(ours_all, torch_all, repeats)
    report(f"conv {tuple(problem)}", total)
    if parts:
        report("  forward", compare(lambda: conv.forward(x, weight, bias, spec), torch_forward, repeats))
        dx = compare(
            lambda: conv.input_gradient(g, weight, spec),
            lambda: torch_backward([True, False, False]),
            repeats,
        )
        report("  gradient to x", dx)
        dw = compare(
            lambda: conv.weight_gradient(x, g, spec), lambda: torch_backward([False, True, False]), repeats
        )
        report("  gradient to weight", dw)
    return total[2]


def bench_layers(repeats: int) -> None:
    rng = np.random.default_rng(0)
    x = stored_batch_last(rng, 64, 8, 28, 28)
    for name, kernel, stride, padding in (("2x2", 2, 2, 0), ("3x3 stride 2 padding 1", 3, 2, 1)):
        spec = PoolSpec.of(x.shape, kernel, stride=stride, padding=padding)
        g = stored_batch_last(rng, 64, 8, *spec.output_size)
        tx = torch.from_numpy(np.ascontiguousarray(x)).requires_grad_()
        tg = torch.from_numpy(np.ascontiguousarray(g))

        def ours_max(spec: PoolSpec = spec, g: np.ndarray = g) -> None:
            pool.max_forward(x, spec)
            pool.max_scatter(g, x, spec)

        def ours_avg(spec: PoolSpec = spec, g: np.ndarray = g) -> None:
            pool.avg_forward(x, spec, True)
            pool.avg_backward(g, spec, True)

        def torch_pool(
            function: Callable[..., torch.Tensor],
            tx: torch.Tensor = tx,
            tg: torch.Tensor = tg,
            geometry: tuple[int, int, int] = (kernel, stride, padding),
        ) -> None:
            function(tx, *geometry).backward(tg)
            tx.grad = None

        report(f"max pool {name}", compare(ours_max, lambda f=torch_pool: f(functional.max_pool2d), repeats))
        report(f"avg pool {name}", compare(ours_avg, lambda f=torch_pool: f(functional.avg_pool2d), repeats))
    bench_batch_norm(x, repeats)


def bench_batch_norm(x: np.ndarray, repeats: int) -> None:
    weight, bias = np.ones(8, np.float32), np.zeros(8, np.float32)
    tensors = [torch.from_numpy(np.ascontiguousarray(a)).requires_grad_() for a in (x, weight, bias)]
    tg = torch.from_numpy(np.ascontiguousarray(x))

    def ours() -> None:
        normalization.batch_norm(x, weight, bias, 1e-5)
        normalization.batch_norm_input_gradient(x, x, weight, 1e-5)
        normalization.batch_norm_weight_gradient(x, x, 1e-5)
        x.sum(axis=(0, 2, 3))

    def theirs() -> None:
        functional.batch_norm(tensors[0], None, None, *tensors[1:], training=True).backward(tg)
        for tensor in tensors:
            tensor.grad = None

    report("batch norm (64, 8, 28, 28)", compare(ours, theirs, repeats))


def bench_step(n: int, repeats: int) -> None:
    """The convolutional part of the baseline network: two blocks of convolution, relu and pooling."""
    rng = np.random.default_rng(0)
    x = stored_batch_last(rng, n, 1, 28, 28)
    shapes = [(8, 1, 3, 3), (16, 8, 3, 3)]
    weights = [rng.standard_normal(shape, np.float32) for shape in shapes]
    biases = [np.zeros(shape[0], np.float32) for shape in shapes]
    g = stored_batch_last(rng, n, 16, 7, 7)
    tx, tg = (torch.from_numpy(np.ascontiguousarray(a)) for a in (x, g))
    parameters = [torch.from_numpy(a).requires_grad_() for a in (*weights, *biases)]

    def ours() -> None:
        h, saved = x, []
        for weight, bias in zip(weights, biases, strict=True):
            spec = ConvSpec.of(h.shape, weight.shape, padding=1)
            active = np.maximum(conv.forward(h, weight, bias, spec), 0)
            pooling = PoolSpec.of(active.shape, 2)
            saved.append((h, weight, spec, active, pooling))
            h = pool.max_forward(active, pooling)
        back = g
        for h, weight, spec, active, pooling in reversed(saved):
            back = pool.max_scatter(back, active, pooling) * (active > 0)
            conv.weight_gradient(h, back, spec)
            back.sum(axis=(0, 2, 3))
            if h is not x:
                back = conv.input_gradient(back, weight, spec)

    def theirs() -> None:
        h = tx
        for weight, bias in zip(parameters[:2], parameters[2:], strict=True):
            h = functional.max_pool2d(functional.relu(functional.conv2d(h, weight, bias, padding=1)), 2)
        h.backward(tg)
        for parameter in parameters:
            parameter.grad = None

    report(f"baseline convolutional step, batch {n}", compare(ours, theirs, repeats))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--only", choices=["conv", "layers", "step"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_heap()
    print(f"{'':<58}{'ours ms':>9}{'torch ms':>9}{'ratio':>8}")
    if options.only in (None, "step"):
        for n in (1, 8, 64, 256):
            bench_step(n, options.repeats)
    if options.only in (None, "layers"):
        bench_layers(options.repeats)
    if options.only in (None, "conv"):
        ratios = [bench_convolution(problem, options.repeats, parts=True) for problem in CONVOLUTIONS]
        print(f"geometric mean of the {len(ratios)} problems: {statistics.geometric_mean(ratios):.2f}")
        for problem in OTHER_BATCHES:
            bench_convolution(problem, options.repeats, parts=False)


if __name__ == "__main__":
    main()
