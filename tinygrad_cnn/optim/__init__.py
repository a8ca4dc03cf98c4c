"""Optimizers, bound to a tree of parameters which they update in place; and learning-rate schedules."""

from .optimizer import Optimizer
from .schedules import Cosine
from .sgd import SGD

__all__ = ["SGD", "Cosine", "Optimizer"]
