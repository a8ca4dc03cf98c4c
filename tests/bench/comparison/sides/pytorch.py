"""PyTorch: eager in either memory format, and compiled."""

import torch
from torch.nn import functional

from .. import problem

memory_format = torch.contiguous_format
compiler = None


def start(threads, *, channels_last=False, compiled=False):
    global memory_format, compiler
    torch.set_num_threads(threads)
    if channels_last:
        memory_format = torch.channels_last
    if compiled:
        compiler = torch.compile


def to_numpy(value):
    return value.detach().numpy()


def network():
    """The baseline network, with the common parameters."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    layers = [layer for layer in model if hasattr(layer, "weight")]
    with torch.no_grad():
        for layer, values in zip(layers, problem.parameters().values(), strict=True):
            weight = torch.from_numpy(values["weight"])
            layer.weight.copy_(weight if weight.ndim == 4 else weight.T)
            layer.bias.copy_(torch.from_numpy(values["bias"]))
    return model.to(memory_format=memory_format)


def data(batch):
    images, labels = map(torch.from_numpy, problem.batch(batch))
    return images.contiguous(memory_format=memory_format), labels


def compiled(function):
    """The function compiled for the shapes it will meet, where this side compiles."""
    if compiler is None:
        return function
    torch.compiler.reset()  # each case is the first one, not a recompilation
    return compiler(function, dynamic=False)


def step(batch):
    model, (images, labels) = network(), data(batch)
    optimizer = torch.optim.SGD(model.parameters(), lr=problem.LR, momentum=problem.MOMENTUM)
    loss_of = compiled(lambda images, labels: functional.cross_entropy(model(images), labels))

    def step():
        optimizer.zero_grad()
        loss = loss_of(images, labels)
        loss.backward()
        optimizer.step()
        return (loss,)

    return step


def inference(batch):
    model, (images, _) = network().eval(), data(batch)
    predict = compiled(model)

    def infer():
        with torch.inference_mode():
            return (predict(images),)

    return infer


def conv(convolution):
    x, weight, bias, g = map(torch.from_numpy, problem.operands(convolution))
    x, weight, g = (tensor.contiguous(memory_format=memory_format) for tensor in (x, weight, g))
    leaves = [tensor.requires_grad_() for tensor in (x, weight, bias)]

    def forward_and_backward():
        out = functional.conv2d(*leaves, stride=convolution.stride, padding=convolution.padding)
        return out, *torch.autograd.grad(out, leaves, g)

    return forward_and_backward


def engine(name):
    x = torch.tensor(1.5, requires_grad=True)
    function = problem.on_a_number(name, torch.relu)

    def forward_and_backward():
        x.grad = None
        function(x).backward()
        return (x.grad,)

    return forward_and_backward
