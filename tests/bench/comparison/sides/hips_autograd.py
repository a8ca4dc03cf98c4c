"""HIPS autograd: the convolution is `autograd.scipy.signal.convolve`, as in the project's own example.

It has no pooling, and no optimizer that makes one step; here it is the maximum of reshaped windows, and three
lines of NumPy.
"""

import autograd.numpy as anp
import numpy as np
from autograd import grad, value_and_grad
from autograd.scipy.signal import convolve

from .. import problem


def start(threads):
    """Nothing to do."""


to_numpy = np.asarray


def convolution(x, weight, bias):
    padded = anp.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), "constant")
    flipped = weight[:, :, ::-1, ::-1]  # a convolution in the strict sense, where networks correlate
    y = convolve(padded, flipped, axes=([2, 3], [2, 3]), dot_axes=([1], [1]), mode="valid")
    return y + bias[:, None, None]


def max_pool(x):
    n, c, h, w = x.shape
    return anp.max(anp.max(x.reshape(n, c, h // 2, 2, w // 2, 2), axis=5), axis=3)


def network(p, x):
    for name in ("conv1", "conv2"):
        x = max_pool(anp.maximum(convolution(x, p[name]["weight"], p[name]["bias"]), 0))
    x = x.reshape(len(x), -1)
    x = anp.maximum(x @ p["dense1"]["weight"] + p["dense1"]["bias"], 0)
    return x @ p["dense2"]["weight"] + p["dense2"]["bias"]


def step(batch):
    images, labels = problem.batch(batch)
    rows = np.arange(batch)
    params = problem.parameters()
    velocity = {name: {key: np.zeros_like(p) for key, p in layer.items()} for name, layer in params.items()}

    def loss_of(params):
        logits = network(params, images)
        shifted = logits - anp.max(logits, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(shifted), axis=1)) - shifted[rows, labels])

    loss_and_gradient = value_and_grad(loss_of)

    def step():
        loss, grads = loss_and_gradient(params)
        for name, layer in params.items():
            for key, p in layer.items():
                v = velocity[name][key]
                v *= problem.MOMENTUM
                v += grads[name][key]
                p -= problem.LR * v
        return (loss,)

    return step


def inference(batch):
    params, (images, _) = problem.parameters(), problem.batch(batch)
    return lambda: (network(params, images),)


def engine(name):
    gradient = grad(problem.on_a_number(name, lambda x: anp.maximum(x, 0)))
    return lambda: (gradient(1.5),)
