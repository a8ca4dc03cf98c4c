"""tinygrad_cnn: layers, `value_and_grad` and `SGD`, as README shows them."""

import numpy as np

import tinygrad_cnn as tg
from tinygrad_cnn.kernels.memory import batch_first, batch_last

from .. import problem


def start(threads, *, opt_in):
    """Make the documented call that a program makes once; this is the only place where it is made."""
    if opt_in:
        tg.tune(threads=threads)


to_numpy = np.asarray


def training_step(model, params, state, images, labels):
    """A function that makes one step."""
    optimizer = tg.optim.SGD(params, lr=problem.LR, momentum=problem.MOMENTUM)

    def loss(p):
        logits, new_state = model(p, state, images, train=True)
        return tg.cross_entropy(logits, labels), new_state

    loss_and_gradient = tg.value_and_grad(loss, has_aux=True)

    def step():
        (value, _), grads = loss_and_gradient(params)
        optimizer.step(grads)
        return (value,)

    return step


def step(batch):
    return training_step(tg.models.baseline(), problem.parameters(), {}, *problem.batch(batch))


def inference(batch):
    model, params, (images, _) = tg.models.baseline(), problem.parameters(), problem.batch(batch)
    return lambda: model(params, {}, images)[:1]


def conv(convolution):
    """With images and cotangent in the memory order that they have inside a network."""
    x, weight, bias, g = problem.operands(convolution)
    x, g = (batch_first(batch_last(array)) for array in (x, g))

    def function(x, weight, bias):
        return tg.conv2d(x, weight, bias, stride=convolution.stride, padding=convolution.padding)

    def forward_and_backward():
        out, pullback = tg.vjp(function, x, weight, bias)
        return out, *pullback(g)

    return forward_and_backward


def engine(name):
    x = tg.Tensor(np.array(1.5, np.float32), requires_grad=True)
    function = problem.on_a_number(name, tg.relu)

    def forward_and_backward():
        x.grad = None
        function(x).backward()
        return (x.grad,)

    return forward_and_backward


def squares(x):
    return (tg.sin(x) ** 2).sum()


def loss_of_two_layers(params, x, labels):
    hidden = tg.relu(x @ params["w1"] + params["b1"])
    return tg.cross_entropy(hidden @ params["w2"] + params["b2"], labels)


SMALL = {
    problem.SQUARES: (squares, (problem.three_numbers(),)),
    problem.TWO_LAYERS: (loss_of_two_layers, problem.two_layers()),
}


def small(name):
    function, arguments = SMALL[name]
    both = tg.value_and_grad(function)
    return lambda: (both(*arguments)[0],)


def growth(axis, size):
    """A training step of a network that has `size` in one direction."""
    if axis == "batch":
        return step(size)
    nn = tg.nn
    if axis == "pixels":
        n, shape = 8, (1, round(size**0.5), round(size**0.5))
        layers = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        layers += [nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        width = 16
    elif axis == "channels":
        n, shape, width = 16, (size, 28, 28), size
        layers = [nn.Conv2d(size, size, 3, padding=1), nn.ReLU()]
    else:
        n, shape, width = 32, (8, 14, 14), 8
        layers = [layer for _ in range(size) for layer in (nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())]
    model = nn.Sequential(*layers, nn.GlobalAvgPool2d(), nn.Flatten(), nn.Dense(width, 10))
    params, state = model.init(np.random.default_rng(0))
    return training_step(model, params, state, *problem.batch(n, shape))
