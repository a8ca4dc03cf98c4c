"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import nn, optim, tree
from ..autodiff import value_and_grad
from ..data import batches
from ..ops import cross_entropy
from .metrics import accuracy

__all__ = ["EpochResult", "NonFiniteLossError", "Trainer"]


class NonFiniteLossError(FloatingPointError):
    """The error for a loss that is infinite or not a number; the last good parameters are back in place."""


class EpochResult(NamedTuple):
    """The result of one epoch of training.

    Parameters
    ----------
    loss, accuracy : float
        Means over the samples at the time each was trained on: while the parameters moved, in training mode.
    seconds : float
        The time that the epoch took.
    images_per_second : float
        The number of samples over that time.
    """

    loss: float
    accuracy: float
    seconds: float
    images_per_second: float


class Trainer:
    """Minimise the cross-entropy of a model on mini-batches.

    Parameters
    ----------
    model : Layer
        The model, which maps images to logits of shape (N, C).
    optimizer : Optimizer
        The optimizer, which is bound to a tree of ndarrays, the parameters, and updates them in place.
    state : tree of ndarray
        The initial state of the model.
    rng : numpy.random.Generator
        The generator that draws the order of the samples, and whatever the layers draw in training.

    Attributes
    ----------
    params : tree of ndarray
        The parameters, which are those of the optimizer.
    state : tree of ndarray
        The state of the model, which every step replaces.
    updates : int
        The number of steps that ``params`` contains: fewer than were made once `restore` has gone back.

    Examples
    --------
    >>> from tinygrad_cnn import nn, optim
    >>> rng = np.random.default_rng(0)
    >>> model = nn.Sequential(nn.Dense(2, 2))
    >>> params, state = model.init(rng)
    >>> trainer = Trainer(model, optim.SGD(params, lr=0.5), state, rng)
    >>> x = rng.standard_normal((200, 2)).astype(np.float32)
    >>> labels = (x[:, 0] > x[:, 1]).astype(np.int64)
    >>> results = [trainer.epoch((x, labels), batch_size=10) for _ in range(3)]
    >>> results[-1].loss < results[0].loss
    True
    """

    def __init__(
        self, model: nn.Layer, optimizer: optim.Optimizer, state: Any, rng: np.random.Generator
    ) -> None:
        self.model, self.optimizer, self.state, self.rng = model, optimizer, state, rng
        self.params = optimizer.params
        self._arrays = tree.leaves(self.params)
        self.updates = 0
        self._last_good = [array.copy() for array in self._arrays], state, 0
        self._value_and_grad = value_and_grad(self._loss, has_aux=True)

    def _loss(self, params: Any, x: np.ndarray, labels: np.ndarray) -> tuple[Any, tuple[Any, Any]]:
        """Return the loss, and beside it the logits and the new state of the model."""
        logits, state = self.model(params, self.state, x, train=True, rng=self.rng)
        return cross_entropy(logits, labels), (logits, state)

    def step(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
        """Update the parameters once: forward, loss, backward, update.

        Parameters
        ----------
        x : ndarray, shape (N, ...)
            The samples of one batch.
        labels : ndarray of int, shape (N,)
            The classes of the samples.

        Returns
        -------
        loss, accuracy : float
            The mean loss and the accuracy of the batch before the update.

        Raises
        ------
        NonFiniteLossError
            If the loss is not finite; the parameters and the state of the last finite loss are restored.
        """
        # The error below tells of an overflow, so the warnings are not needed as well.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            (loss, (logits, state)), grads = self._value_and_grad(self.params, x, labels)
            self._require(math.isfinite(loss), f"the loss became {loss}")
            self._keep()
            self.state = state
            self.optimizer.step(grads)
            self.updates += 1
        return float(loss), accuracy(logits, labels)

    def epoch(
        self,
        dataset: tuple[np.ndarray, np.ndarray],
        batch_size: int,
        progress: Callable[[int], object] = lambda images: None,
    ) -> EpochResult:
        """Train on every sample of a data set once, in random order.

        Parameters
        ----------
        dataset : Dataset or (images, labels)
            The samples to train on, at least one.
        batch_size : int
            The number of samples in a step; the last step may have fewer.
        progress : callable
            A function that is called after each step with the number of its samples.

        Returns
        -------
        EpochResult
            The means over the epoch, and the time that it took.

        Raises
        ------
        NonFiniteLossError
            If a loss is not finite, as in `step`, or a parameter is not finite after the last step.
        ValueError
            If the data set is empty, or a label is out of range.
        """
        n = len(dataset[1])
        if n == 0:
            raise ValueError("Trainer.epoch: expected at least one sample, got none")
        start, loss_sum, correct = time.perf_counter(), 0.0, 0.0
        for x, labels in batches(dataset, batch_size, self.rng):
            loss, fraction = self.step(x, labels)
            loss_sum += loss * len(labels)
            correct += fraction * len(labels)
            progress(len(labels))
        # The last update comes after the last loss, which therefore cannot tell that it failed.
        self._require(all(np.isfinite(array).all() for array in self._arrays), "a parameter overflowed")
        seconds = time.perf_counter() - start
        return EpochResult(loss_sum / n, correct / n, seconds, n / seconds)

    def _keep(self) -> None:
        """Remember the parameters and the state that have just given a finite loss."""
        copies, *_ = self._last_good
        for kept, array in zip(copies, self._arrays, strict=True):
            kept[...] = array
        self._last_good = copies, self.state, self.updates

    def restore(self) -> None:
        """Go back to the parameters and the state that gave the last finite loss.

        Call it also after an interrupt, which may have cut a step short between two of its parameters.

        Examples
        --------
        >>> from tinygrad_cnn import nn, optim
        >>> params, state = nn.Dense(2, 2).init(np.random.default_rng(0))
        >>> trainer = Trainer(nn.Dense(2, 2), optim.SGD(params, lr=0.5), state, np.random.default_rng(0))
        >>> before = params["weight"].copy()
        >>> _ = trainer.step(np.ones((1, 2), np.float32), np.array([0]))
        >>> trainer.restore()
        >>> bool((params["weight"] == before).all()), trainer.updates
        (True, 0)
        """
        copies, self.state, self.updates = self._last_good
        for array, kept in zip(self._arrays, copies, strict=True):
            array[...] = kept

    def _require(self, is_finite: bool, complaint: str) -> None:
        """Go back to the last finite loss and raise an error, unless all is finite."""
        if is_finite:
            return
        self.restore()
        raise NonFiniteLossError(
            f"{complaint} at step {self.optimizer.steps} (learning rate {self.optimizer.lr:.3g}): the "
            "parameters of the last finite loss are kept; try a lower learning rate"
        )
