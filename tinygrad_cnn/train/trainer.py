"""The training loop."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np

from .. import checks, nn, optim, tree
from ..data import batches
from ..ops import cross_entropy
from ..program import RecordingError, compile
from ..types import ArrayLike, NDArray
from .averaging import MovingAverage
from .checkpoint import Checkpoint
from .finite import NonFiniteLossError, cause, first_sample
from .history import History
from .metrics import accuracy
from .objective import Given, Gradients, Loss, Metric, Result, result, scores, value_and_gradients
from .position import Position

__all__ = ["Trainer"]

Augmentation = Callable[[NDArray, np.random.Generator], NDArray]
Callback = Callable[["Trainer"], object]


class Trainer:
    """Minimise a loss of a model on mini-batches; stop, go on, and keep a history.

    What is refused is refused before any parameter, state or count has changed. A trainer that was copied by
    `copy.deepcopy` or `pickle` goes on bit by bit as the first would, with parameters of its own. So does one
    that takes a `checkpoint` of it.

    Parameters
    ----------
    model : Layer
        The model, which maps samples to outputs.
    optimizer : Optimizer
        The optimizer, which is bound to a tree of ndarrays, the parameters, and updates them in place.
    state : tree of ndarray
        The initial state of the model.
    rng : numpy.random.Generator
        The generator that draws the order of the samples, and whatever augmentation and layers draw.
    loss : callable
        A function ``(outputs, labels)`` that returns the mean loss of a batch, made of operations.
    metrics : mapping of str to callable
        Functions ``(outputs, labels)`` that return a number, the mean over the samples.
    augment : callable, optional
        A function ``(x, rng)`` that returns a changed copy of a batch to train on, such as `data.Shift`.
    clip : float, optional
        The largest norm of all gradients together; see `optim.clip_by_global_norm`.
    parts : int
        The number of parts in which the gradients of a batch are computed and added up, for batches whose
        tape would not fit into memory.
    average : float, optional
        The decay of a moving average of parameters and state, which is what is then evaluated and kept.
    compiles : bool
        Whether the loss and its gradients are compiled; see `tinygrad_cnn.compile`. The numbers are the same.
        A model or a loss that cannot be recorded needs False.

    Attributes
    ----------
    params : tree of ndarray
        The parameters, which are those of the optimizer.
    state : tree of ndarray
        The state of the model, which every step replaces.
    updates : int
        The number of steps that ``params`` contains: fewer than were made once `restore` has gone back.
    epoch : int
        The number of complete epochs.
    history : History
        A row for each epoch.
    stopped : str or None
        The reason that was given to `stop`, if that made the last `fit` return.

    Examples
    --------
    >>> from tinygrad_cnn import nn, optim
    >>> rng = np.random.default_rng(0)
    >>> model = nn.Sequential(nn.Dense(2, 2))
    >>> params, state = model.init(rng)
    >>> trainer = Trainer(model, optim.SGD(params, lr=0.5), state, rng)
    >>> x = rng.standard_normal((200, 2)).astype(np.float32)
    >>> labels = (x[:, 0] > x[:, 1]).astype(np.int64)
    >>> history = trainer.fit((x, labels), epochs=3, batch_size=10)
    >>> history[-1]["loss"] < history[0]["loss"]
    True
    """

    def __init__(
        self,
        model: nn.Layer,
        optimizer: optim.Optimizer,
        state: Any,
        rng: np.random.Generator,
        *,
        loss: Loss = cross_entropy,
        metrics: Mapping[str, Metric] | None = None,
        augment: Augmentation | None = None,
        clip: float | None = None,
        parts: int = 1,
        average: float | None = None,
        compiles: bool = True,
    ) -> None:
        for name, function in {"model": model, "loss": loss}.items():
            checks.function("Trainer", name, function)
        checks.generator("Trainer", rng)
        self.metrics = {"accuracy": accuracy} if metrics is None else dict(metrics)
        self.clip = None if clip is None else checks.within("Trainer", "clip", clip, "(0, inf]")
        self.parts = checks.integer("Trainer: parts", parts, 1)
        checks.flag("Trainer: compiles", compiles)
        self.model, self.loss, self.augment, self.compiles = model, loss, augment, compiles
        self.optimizer, self.state, self.rng = optimizer, state, rng
        self._arrays = _arrays_of(optimizer)
        self.params = optimizer.params
        self.updates, self.epoch, self.history = 0, 0, History()
        self.stopped: str | None = None
        self._request: str | None = None
        self._position: Position | None = None
        self._best: dict[str, Any] | None = None
        self._average = (
            None if average is None else MovingAverage(average, {"params": self.params, "state": state})
        )
        self._last_good = [array.copy() for array in self._arrays], state, 0

    def __repr__(self) -> str:
        return f"<Trainer of {type(self.model).__name__} after {self.updates} updates by {self.optimizer!r}>"

    @property
    def learned(self) -> tuple[Any, Any]:
        """The parameters and the state to use: the best if training stops early, or else the average, if any.

        They are those of the last step otherwise.
        """
        return self._current() if self._best is None else (self._best["params"], self._best["state"])

    def step(self, x: NDArray, labels: ArrayLike) -> tuple[float, dict[str, float]]:
        """Update the parameters once: forward, loss, backward, update.

        Parameters
        ----------
        x : ndarray, shape (N, ...)
            The samples of one batch.
        labels : array_like, shape (N, ...)
            What the loss compares the outputs with: classes, or rows of probabilities, say.

        Returns
        -------
        loss : float
            The mean loss of the batch before the update.
        scores : dict of str to float
            The metrics of the batch before the update.

        Raises
        ------
        NonFiniteLossError
            If the loss is not finite; the parameters and the state of the last finite loss are restored. It
            says whether the data, a parameter or an operation is to blame.
        """
        # The error below tells of an overflow, so the warnings are not needed as well.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = self._result(x, np.asarray(labels))
            if not math.isfinite(found.loss):
                raise self._failure(f"the loss became {found.loss}", x, labels)
            scored = scores(self.metrics, found.outputs, labels)
            self._keep()
            self._update(found)
        return found.loss, scored

    def _result(self, x: NDArray, labels: NDArray) -> Result:
        given = Given(self.params, self.model, self.loss, self.state, x, labels, self.rng)
        try:
            return result(self._gradients, given, self.parts)
        except RecordingError as error:
            error.add_note("Trainer: with compiles=False (--no-compile), the step is not recorded")
            raise

    @cached_property
    def _gradients(self) -> Gradients:
        return compile(value_and_gradients) if self.compiles else value_and_gradients

    def __getstate__(self) -> dict[str, Any]:
        """Leave programs out of a copy, which records its own."""
        return {name: value for name, value in vars(self).items() if name != "_gradients"}

    def _update(self, found: Result) -> None:
        grads = found.grads
        if self.clip is not None:
            grads, _ = optim.clip_by_global_norm(grads, self.clip)
        self.optimizer.step(grads)
        self.state = found.state
        self.updates += 1
        if self._average is not None:
            self._average.update({"params": self.params, "state": self.state})

    def stop(self, reason: str) -> None:
        """Let `fit` return when the step that it is in is complete; callbacks and signal handlers call it.

        If `fit` is not running, the next one returns at once.

        Parameters
        ----------
        reason : str
            What ``stopped`` says from then on.
        """
        self._request = reason

    def fit(
        self,
        dataset: Sequence[ArrayLike],
        *,
        epochs: int,
        batch_size: int,
        held_out: Mapping[str, Sequence[ArrayLike]] | None = None,
        patience: int | None = None,
        monitor: str = "val_loss",
        on_step: Callback = lambda trainer: None,
        on_epoch: Callback = lambda trainer: None,
    ) -> History:
        """Train until so many epochs are complete, from wherever the training is.

        Parameters
        ----------
        dataset : Dataset or (x, labels)
            The samples to train on, at least one.
        epochs : int
            The number of epochs when it is done, those included that were complete before.
        batch_size : int
            The number of samples in a step; the last step of an epoch may have fewer.
        held_out : mapping of str to Dataset or (x, labels), optional
            Samples to score after each epoch, by what their names in the rows begin with: those of
            ``{"val": dataset}`` are called ``val_loss`` and so on.
        patience : int, optional
            Stop when so many epochs in a row have brought nothing better; `learned` is then the best.
        monitor : str
            What is better with ``patience``: the lower of a name that ends in ``loss``, the higher of others.
        on_step, on_epoch : callable
            Functions that are called with the trainer after each step and each epoch.

        Returns
        -------
        History
            A row for each epoch, of this and of earlier calls.

        Raises
        ------
        NonFiniteLossError
            If a loss is not finite, as in `step`, or a parameter is not finite after the last step.
        ValueError
            If the data set is empty, a label is out of range, or nothing of the name to monitor is scored.
        """
        parts = batches(dataset, batch_size, self.rng)
        for name, callback in {"on_step": on_step, "on_epoch": on_epoch}.items():
            checks.function("Trainer.fit", name, callback)
        self._check(parts.dataset)
        if patience is not None:
            prefixes = ["", *(f"{prefix}_" for prefix in held_out or {})]
            names = tuple(f"{prefix}{name}" for prefix in prefixes for name in ("loss", *self.metrics))
            checks.one_of("Trainer.fit", "monitor", monitor, names)
        while self.epoch < epochs and self._request is None and not self._is_exhausted(patience):
            position = self._train(parts, on_step)
            scored = self._scores_of(held_out or {})
            if self._request is not None:
                break
            self._complete(position, scored)
            if patience is not None:
                self._keep_best(monitor)
            on_epoch(self)
        self.stopped, self._request = self._request, None
        return self.history

    def _train(self, parts: batches, on_step: Callback) -> Position:
        """Train on the batches of the epoch that are left, and return the sums over the epoch."""
        left = self._left(parts)
        position = self._position
        assert position is not None  # `_left` has made it
        for x, labels in left:
            if self._request is not None:
                return position
            start = time.perf_counter()
            self._advance(position, x, labels, parts.dataset[0])
            position.seconds += time.perf_counter() - start
            on_step(self)
        # The last update comes after the last loss, which therefore cannot tell that it failed.
        if not all(np.isfinite(array).all() for array in self._arrays):
            raise self._failure("a parameter overflowed", (), None)
        return position

    def _left(self, parts: batches) -> Iterator[tuple[NDArray, ...]]:
        """Return the batches of the epoch that are left; an epoch that is resumed gets the order it had."""
        bits = self.rng.bit_generator
        n, size = len(parts.dataset[0]), parts.batch_size
        if self._position is None:
            self._position = Position(dict(bits.state), n, size)
            return iter(parts)
        if (n, size) != (self._position.examples, self._position.batch_size):
            raise ValueError(
                f"Trainer.fit: expected the {self._position.examples} samples in batches of "
                f"{self._position.batch_size} that the epoch began with, got {n} in batches of {size}"
            )
        now, bits.state = bits.state, self._position.order
        left = parts.without_first(self._position.batches)
        bits.state = now
        return left

    def _advance(self, position: Position, x: NDArray, labels: NDArray, samples: NDArray) -> None:
        """Make a step on a batch of all samples, and add its loss and scores to the sums."""
        try:
            loss, found = self.step(x if self.augment is None else self.augment(x, self.rng), labels)
        except NonFiniteLossError as error:
            if (sample := first_sample(samples)) is not None:
                error.add_note(f"sample {sample} is the first of the data set that is not finite")
            raise
        position.add(len(x), {"loss": loss, **found})

    def _scores_of(self, held_out: Mapping[str, Sequence[ArrayLike]]) -> dict[str, float]:
        """Score the model on held-out samples, unless it is asked to stop meanwhile."""
        found = {}
        for prefix, dataset in held_out.items():
            sums = Position()
            for x, labels in batches(dataset, 250):
                if self._request is not None:
                    return {}
                sums.add(len(x), self._scored(x, labels))
            found.update({f"{prefix}_{name}": value for name, value in sums.means().items()})
        return found

    def _scored(self, x: NDArray, labels: NDArray) -> dict[str, float]:
        params, state = self._current()
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            outputs, _ = self.model(params, state, x)
            return {"loss": float(self.loss(outputs, labels)), **scores(self.metrics, outputs, labels)}

    def _complete(self, position: Position, scored: dict[str, float]) -> None:
        """Close the epoch with its row."""
        self.epoch += 1
        self._position = None
        self.history.append(
            {
                "epoch": self.epoch,
                "step": self.updates,
                **position.means(),
                **scored,
                "lr": self.optimizer.lr,
                "seconds": position.seconds,
                "images_per_second": position.samples / position.seconds,
            }
        )

    def _keep_best(self, monitor: str) -> None:
        """Remember the parameters and the state if the last epoch is the best one by what is monitored."""
        row = self.history[-1]
        value = row[monitor] if monitor.endswith("loss") else -row[monitor]
        if self._best is None or value < self._best["value"]:
            params, state = tree.map(np.copy, self._current())
            self._best = {"epoch": self.epoch, "value": value, "params": params, "state": state}

    def _is_exhausted(self, patience: int | None) -> bool:
        """Whether so many epochs in a row were not better than the best one."""
        return (
            patience is not None and self._best is not None and self.epoch - self._best["epoch"] >= patience
        )

    def _current(self) -> tuple[Any, Any]:
        """The parameters and the state to evaluate after the last step: the average, if there is one."""
        if self._average is None:
            return self.params, self.state
        return self._average.values["params"], self._average.values["state"]

    def checkpoint(self, configuration: Mapping[str, Any] | None = None) -> Checkpoint:
        """Return all that decides how the training goes on, in copies that later steps leave alone.

        Parameters
        ----------
        configuration : mapping of str to object, optional
            What to write beside it, such as the options of the run.

        Returns
        -------
        Checkpoint

        Examples
        --------
        >>> from tinygrad_cnn import nn, optim
        >>> def a_trainer():
        ...     params, state = nn.Dense(2, 2).init(np.random.default_rng(0))
        ...     return Trainer(nn.Dense(2, 2), optim.SGD(params, lr=0.5), state, np.random.default_rng(0))
        >>> first, second = a_trainer(), a_trainer()
        >>> x, labels = np.eye(2, dtype=np.float32), np.array([0, 1])
        >>> _ = first.fit((x, labels), epochs=1, batch_size=1)
        >>> second.resume(first.checkpoint())
        >>> for trainer in (first, second):
        ...     _ = trainer.fit((x, labels), epochs=2, batch_size=1)
        >>> bool((first.params["weight"] == second.params["weight"]).all())
        True
        """
        position, average = self._position, self._average
        return Checkpoint(
            params=tree.map(np.copy, self.params),
            state=tree.map(np.copy, self.state),
            optimizer={"state": tree.map(np.copy, self.optimizer.state), "steps": self.optimizer.steps},
            rng=dict(self.rng.bit_generator.state),
            step=self.updates,
            epoch=self.epoch,
            configuration=dict(configuration or {}),
            history=self.history.columns(),
            position=None if position is None else asdict(position),
            average=None if average is None else average.copy(),
            best=None if self._best is None else dict(self._best),
        )

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go to where another trainer was, made with the same model, optimizer and options.

        Parameters
        ----------
        checkpoint : Checkpoint
            What `checkpoint` has returned, also after it was saved and loaded.

        Raises
        ------
        ValueError
            If it does not fit the model or the optimizer; nothing is changed then.
        """
        optimizer = self.optimizer
        kept = checkpoint.average
        if (kept is None) != (self._average is None):
            raise ValueError(
                "Trainer.resume: expected a checkpoint that has an average if the trainer has one"
            )
        kinds = [state["bit_generator"] for state in (self.rng.bit_generator.state, checkpoint.rng)]
        if kinds[0] != kinds[1]:
            raise ValueError(
                f"Trainer.resume: rng: expected the state of a {kinds[0]}, got that of a {kinds[1]}"
            )
        targets = [self.params, optimizer.state, *([self._average.values] if self._average else [])]
        sources = [checkpoint.params, checkpoint.optimizer["state"], *([kept["values"]] if kept else [])]
        tree.matching_leaves(self.state, checkpoint.state)
        tree.copy_into(targets, sources)
        optimizer.steps = checkpoint.optimizer["steps"]
        if self._average is not None and kept is not None:
            self._average.updates = kept["updates"]
        self.rng.bit_generator.state = checkpoint.rng
        self.state, self.updates, self.epoch = checkpoint.state, checkpoint.step, checkpoint.epoch
        self.history = History.of_columns(checkpoint.history)
        self._position = None if checkpoint.position is None else Position(**checkpoint.position)
        self._best = checkpoint.best
        self._keep()

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

    def _failure(self, complaint: str, x: Any, labels: Any) -> NonFiniteLossError:
        """Go back to the last finite loss, and make the error that says what is to blame."""
        again = copy.deepcopy(self.rng)  # so that what is drawn for the explanation is not drawn from it

        def compute(params: Any, state: Any, x: Any, labels: Any, rng: Any) -> Any:
            return value_and_gradients(params, self.model, self.loss, state, x, labels, rng)

        given = () if labels is None else (compute, self.params, self.state, x, np.asarray(labels), again)
        reason = cause(self.params, x, *given)
        self.restore()
        return NonFiniteLossError(
            f"{complaint} at step {self.optimizer.steps} (learning rate {self.optimizer.lr:.3g}): {reason}. "
            "The parameters of the last finite loss are kept"
        )

    def _check(self, arrays: tuple[NDArray, ...]) -> None:
        """Raise an error unless the data are samples and labels, and the labels some that the model knows."""
        if len(arrays) != 2:
            raise ValueError(f"Trainer.fit: dataset: expected (x, labels), got {len(arrays)} arrays")
        x, labels = arrays
        if not len(labels):
            raise ValueError("Trainer.fit: expected at least one sample, got none")
        if self.loss is not cross_entropy:
            return
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # `step` tells of an overflow
            logits, _ = self.model(self.params, self.state, x[:1])
        if labels.ndim == 1:
            checks.indices("Trainer.fit", "labels", labels, logits.shape[-1])
        else:
            checks.shape("Trainer.fit", "labels", labels.shape, (len(labels), logits.shape[-1]))


def _arrays_of(optimizer: optim.Optimizer) -> list[NDArray]:
    """Return the arrays that an optimizer is bound to, or raise an error if a step could not update them."""
    if not isinstance(optimizer, optim.Optimizer):
        raise TypeError(
            "Trainer: optimizer: expected an Optimizer, which is bound to the parameters, got "
            f"{type(optimizer).__name__}"
        )
    arrays = tree.leaves(optimizer.params)
    for path, array in zip(tree.paths(optimizer.params), arrays, strict=True):
        checks.floating("Trainer", f"optimizer: '{path}'", array)
    return arrays
