"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import checks, nn, optim, tree
from ..autodiff import value_and_grad
from ..data import batches
from ..ops import cross_entropy
from ..types import ArrayLike, NDArray
from .finite import NonFiniteLossError, cause, first_sample
from .metrics import accuracy

__all__ = ["EpochResult", "Trainer"]


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


def _loss(
    params: Any, model: nn.Layer, state: Any, x: NDArray, labels: Any, rng: np.random.Generator
) -> tuple[Any, tuple[Any, Any]]:
    """Return the loss, and beside it the logits and the new state of the model."""
    logits, state = model(params, state, x, train=True, rng=rng)
    return cross_entropy(logits, labels), (logits, state)


_value_and_grad = value_and_grad(_loss, has_aux=True)


class Trainer:
    """Minimise the cross-entropy of a model on mini-batches.

    What is refused is refused before any parameter, state or count has changed. A trainer that was copied by
    `copy.deepcopy` or `pickle` goes on bit by bit as the first would, with parameters of its own.

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
        checks.function("Trainer", "model", model)
        checks.generator("Trainer", rng)
        if not isinstance(optimizer, optim.Optimizer):
            raise TypeError(
                "Trainer: optimizer: expected an Optimizer, which is bound to the parameters, got "
                f"{type(optimizer).__name__}"
            )
        self.model, self.optimizer, self.state, self.rng = model, optimizer, state, rng
        self.params = optimizer.params
        self._arrays = tree.leaves(self.params)
        for path, array in zip(tree.paths(self.params), self._arrays, strict=True):
            checks.floating("Trainer", f"optimizer: '{path}'", array)
        self.updates = 0
        self._last_good = [array.copy() for array in self._arrays], state, 0

    def __repr__(self) -> str:
        return f"<Trainer of {type(self.model).__name__} after {self.updates} updates by {self.optimizer!r}>"

    def step(self, x: NDArray, labels: ArrayLike) -> tuple[float, float]:
        """Update the parameters once: forward, loss, backward, update.

        Parameters
        ----------
        x : ndarray, shape (N, ...)
            The samples of one batch.
        labels : array_like, shape (N,) of int or (N, C)
            The classes of the samples, or rows of probabilities.

        Returns
        -------
        loss, accuracy : float
            The mean loss and the accuracy of the batch before the update.

        Raises
        ------
        NonFiniteLossError
            If the loss is not finite; the parameters and the state of the last finite loss are restored. It
            says whether the data, a parameter or the learning rate is to blame.
        """
        # The error below tells of an overflow, so the warnings are not needed as well.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            (loss, (logits, state)), grads = _value_and_grad(
                self.params, self.model, self.state, x, labels, self.rng
            )
            if not math.isfinite(loss):
                raise self._failure(f"the loss became {loss}", x)
            score = accuracy(logits, labels)
            self._keep()
            self.optimizer.step(grads)
            self.state = state
            self.updates += 1
        return float(loss), score

    def epoch(
        self,
        dataset: tuple[ArrayLike, ArrayLike],
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
        checks.function("Trainer.epoch", "progress", progress)
        parts = batches(dataset, batch_size, self.rng)
        images, labels = self._checked(parts.dataset)
        n, start, loss_sum, correct = len(labels), time.perf_counter(), 0.0, 0.0
        try:
            for x, classes in parts:
                loss, fraction = self.step(x, classes)
                loss_sum += loss * len(x)
                correct += fraction * len(x)
                progress(len(x))
        except NonFiniteLossError as error:
            if (sample := first_sample(images)) is not None:
                error.add_note(f"sample {sample} is the first of the data set that is not finite")
            raise
        # The last update comes after the last loss, which therefore cannot tell that it failed.
        if not all(np.isfinite(array).all() for array in self._arrays):
            raise self._failure("a parameter overflowed", ())
        seconds = time.perf_counter() - start
        return EpochResult(loss_sum / n, correct / n, seconds, n / seconds)

    def _checked(self, arrays: tuple[NDArray, ...]) -> tuple[NDArray, NDArray]:
        """Return images and labels, or raise an error unless every label is one that the model knows."""
        if len(arrays) != 2:
            raise ValueError(f"Trainer.epoch: dataset: expected (images, labels), got {len(arrays)} arrays")
        images, labels = arrays
        if not len(labels):
            raise ValueError("Trainer.epoch: expected at least one sample, got none")
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # `step` tells of an overflow
            logits, _ = self.model(self.params, self.state, images[:1])
        if labels.ndim == 1:
            checks.indices("Trainer.epoch", "labels", labels, logits.shape[-1])
        else:
            checks.shape("Trainer.epoch", "labels", labels.shape, (len(labels), logits.shape[-1]))
        return images, labels

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

    def _failure(self, complaint: str, x: Any) -> NonFiniteLossError:
        """Go back to the last finite loss, and make the error that says what is to blame."""
        reason = cause(self.params, x)
        self.restore()
        return NonFiniteLossError(
            f"{complaint} at step {self.optimizer.steps} (learning rate {self.optimizer.lr:.3g}): {reason}. "
            "The parameters of the last finite loss are kept"
        )
