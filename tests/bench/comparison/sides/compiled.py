"""tinygrad_cnn, compiled: the step with its update is one program, and nothing is opted in."""

import numpy as np

import tinygrad_cnn as tg

from .. import problem
from . import ours


def start(threads):
    """Only share the work: a program plans its memory by itself."""
    if threads > 1:
        tg.tune(threads=threads)


to_numpy = np.asarray


def step(batch):
    model, (images, labels) = tg.models.baseline(), problem.batch(batch)
    optimizer = tg.optim.SGD(problem.parameters(), lr=problem.LR, momentum=problem.MOMENTUM)

    def loss(params, state, images, labels):
        logits, new_state = model(params, state, images, train=True)
        return tg.cross_entropy(logits, labels), new_state

    def step(optimizer, images, labels):
        (value, _), grads = tg.value_and_grad(loss, has_aux=True)(optimizer.params, {}, images, labels)
        optimizer.step(grads)
        return value

    compiled = tg.compile(step)
    return lambda: (compiled(optimizer, images, labels),)


def inference(batch):
    model, params, (images, _) = tg.models.baseline(), problem.parameters(), problem.batch(batch)
    compiled = tg.compile(lambda params, images: model(params, {}, images)[:1])
    return lambda: compiled(params, images)


def small(name):
    function, arguments = ours.SMALL[name]
    compiled = tg.compile(tg.value_and_grad(function))
    return lambda: (compiled(*arguments)[0],)
