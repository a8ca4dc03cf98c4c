"""MyGrad, with its memory guard off, as its documentation advises where speed matters."""

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu
from mygrad.nnet.layers import conv_nd, max_pool
from mygrad.nnet.losses import softmax_crossentropy

from .. import problem


def start(threads):
    mg.turn_memory_guarding_off()


to_numpy = np.asarray


def network(p, x):
    for name in ("conv1", "conv2"):
        x = conv_nd(x, p[name]["weight"], stride=1, padding=1) + p[name]["bias"].reshape(-1, 1, 1)
        x = max_pool(relu(x), (2, 2), 2)
    x = x.reshape(len(x), -1)
    x = relu(x @ p["dense1"]["weight"] + p["dense1"]["bias"])
    return x @ p["dense2"]["weight"] + p["dense2"]["bias"]


def tensors(params):
    return {name: {key: mg.tensor(array) for key, array in layer.items()} for name, layer in params.items()}


def step(batch):
    images, labels = problem.batch(batch)
    params = tensors(problem.parameters())
    leaves = [p for layer in params.values() for p in layer.values()]
    velocities = [np.zeros_like(p.data) for p in leaves]

    def step():
        loss = softmax_crossentropy(network(params, images), labels)
        loss.backward()
        for p, v in zip(leaves, velocities, strict=True):
            v *= problem.MOMENTUM
            v += p.grad
            p.data -= problem.LR * v  # the array, so that the update is not recorded
            p.null_grad()
        return (loss.data,)

    return step


def inference(batch):
    params, (images, _) = tensors(problem.parameters()), problem.batch(batch)

    def infer():
        with mg.no_autodiff:
            return (network(params, images).data,)

    return infer


def engine(name):
    x = mg.tensor(1.5, dtype=np.float32)
    function = problem.on_a_number(name, relu)

    def forward_and_backward():
        function(x).backward()
        return (x.grad,)

    return forward_and_backward
