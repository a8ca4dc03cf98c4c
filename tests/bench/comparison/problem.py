"""What every side computes: the baseline network's parameters and data, and the single convolutions."""

from typing import NamedTuple

import numpy as np

LR, MOMENTUM = 0.01, 0.9
BATCHES = (1, 8, 32, 64, 128, 256)


class Convolution(NamedTuple):
    """A convolution of images (n, c, h, w) to o channels, with square kernels."""

    n: int
    c: int
    h: int
    w: int
    o: int
    k: int
    stride: int
    padding: int

    def __str__(self):
        return (
            f"({self.n},{self.c},{self.h},{self.w})->{self.o} {self.k}x{self.k}/{self.stride}+{self.padding}"
        )


CONVOLUTIONS = tuple(
    Convolution(*sizes)
    for sizes in (
        (64, 1, 28, 28, 8, 3, 1, 1),
        (64, 8, 14, 14, 16, 3, 1, 1),
        (32, 3, 32, 32, 32, 3, 1, 1),
        (32, 16, 32, 32, 16, 3, 1, 1),
        (32, 64, 28, 28, 64, 3, 1, 1),
        (16, 128, 28, 28, 128, 3, 1, 1),
        (16, 256, 14, 14, 1024, 1, 1, 0),
        (8, 3, 224, 224, 64, 7, 2, 3),
    )
)

SQUARES, TWO_LAYERS = "sum(sin(x)**2), 3 elements", "MLP 64-32-10, batch 8"
SMALL_OP, CHAIN = "x * x", "50 relu"
CHAIN_LENGTH = 50


def on_a_number(name, relu):
    """A function of one number that makes one operation, or a chain of them."""

    def small_op(x):
        return x * x

    def chain(x):
        for _ in range(CHAIN_LENGTH):
            x = relu(x)
        return x

    return {SMALL_OP: small_op, CHAIN: chain}[name]


def parameters():
    """The baseline network's: convolutions as (out, in, kh, kw), dense layers as (in, out)."""
    rng = np.random.default_rng(0)
    shapes = {"conv1": (8, 1, 3, 3), "conv2": (16, 8, 3, 3), "dense1": (784, 128), "dense2": (128, 10)}

    def layer(shape):
        is_convolution = len(shape) == 4
        fan_in = np.prod(shape[1:] if is_convolution else shape[:1])
        return {
            "weight": (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32),
            "bias": rng.uniform(-0.1, 0.1, shape[0 if is_convolution else 1]).astype(np.float32),
        }

    return {name: layer(shape) for name, shape in shapes.items()}


def batch(size, shape=(1, 28, 28)):
    """Images and labels."""
    rng = np.random.default_rng(size)
    return rng.random((size, *shape), dtype=np.float32), rng.integers(0, 10, size)


def three_numbers():
    """The argument of the smallest function."""
    return np.array([0.5, 1.0, 2.0], np.float32)


def two_layers():
    """Parameters, samples and labels of a small network of dense layers."""
    rng = np.random.default_rng(0)
    shapes = {"w1": (64, 32), "b1": (32,), "w2": (32, 10), "b2": (10,)}
    params = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return params, rng.standard_normal((8, 64)).astype(np.float32), rng.integers(0, 10, 8)


def operands(convolution):
    """Images, weight, bias, and a cotangent of the output."""
    n, c, h, w, o, k, stride, padding = convolution
    rng = np.random.default_rng(0)
    sides = [(side + 2 * padding - k) // stride + 1 for side in (h, w)]
    shapes = (n, c, h, w), (o, c, k, k), (o,), (n, o, *sides)
    return [rng.standard_normal(shape, np.float32) for shape in shapes]
