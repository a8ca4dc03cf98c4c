"""The frameworks that are compared, a module each.

A module has the functions ``start(threads)``, ``to_numpy(value)`` and, where it can play, ``step(batch)``,
``inference(batch)``, ``conv(convolution)``, ``engine(name)``, ``small(name)``. The latter prepare a function
without arguments that does the work once, to the end, and returns what can be checked: the loss before the
update, the logits, the output and three gradients, the gradient.
"""

import importlib
from types import ModuleType
from typing import NamedTuple


class Description(NamedTuple):
    """The module of a side, what it is called with, and the distributions whose versions tell what it is."""

    module: str
    title: str
    options: dict[str, bool]
    packages: tuple[str, ...]


SIDES = {
    "ours": Description("ours", "tinygrad_cnn", {"opt_in": True}, ("tinygrad-cnn", "numpy")),
    "ours-plain": Description("ours", "tinygrad_cnn, not opted in", {"opt_in": False}, ()),
    "compiled": Description("compiled", "tinygrad_cnn, compiled", {}, ()),
    "torch": Description("pytorch", "PyTorch eager, NCHW", {}, ("torch",)),
    "torch-channels-last": Description(
        "pytorch", "PyTorch eager, channels_last", {"channels_last": True}, ()
    ),
    "torch-compile": Description("pytorch", "torch.compile", {"compiled": True}, ()),
    "jax": Description("jax_jit", "JAX jit", {}, ("jax", "jaxlib")),
    "autograd": Description("hips_autograd", "HIPS autograd", {}, ("autograd", "scipy")),
    "mygrad": Description("my_grad", "MyGrad", {}, ("mygrad",)),
}

PEERS = tuple(name for name in SIDES if not name.startswith(("ours", "compiled")))

PLAYERS = {
    "step": PEERS,
    "inference": PEERS,
    "conv": ("torch", "torch-channels-last"),
    "engine": ("torch", "autograd", "mygrad"),
    "compiled step": (*PEERS, "ours"),
    "compiled inference": PEERS,
    "compiled small": ("jax", "ours"),
}
"""Who is compared in which section: with ours, or in a compiled section with ours compiled."""


def load(name: str, threads: int) -> ModuleType:
    """Import a side and make it ready."""
    module = importlib.import_module(f".{SIDES[name].module}", __name__)
    module.start(threads, **SIDES[name].options)
    return module
