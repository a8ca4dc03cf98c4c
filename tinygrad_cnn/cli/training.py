"""The command ``train``."""

from __future__ import annotations

import argparse
import math
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .. import data, train, tree
from ..train import atomic
from . import options, pictures
from .output import announce_replacing, check_writable, emit, one_line, say
from .sources import make_layer, read_data
from .starting import start_from

_DECIDING = (  # the options that decide what a run learns
    "data", "samples", "model", "epochs", "batch_size", "optimizer", "lr", "momentum", "weight_decay",
    "schedule", "augment", "clip", "average", "parts", "validation", "patience", "seed", "image_shape",
    "from",
)  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Train a network, print a line for each epoch, and save what was learned."""
    if args.patience is not None and args.validation is None:
        raise ValueError("--patience: needs --validation SHARE, since the test images are not to decide")
    if args.image_shape is not None and not args.data.startswith("folder:"):
        raise ValueError("--image-shape: is for pictures of --data folder:DIR, since others have a shape")
    check_writable("--out", args.out, atomic.check)
    if args.log is not None:
        check_writable("--log", args.log, atomic.check)
        if args.log.resolve() == args.out.resolve():
            raise ValueError(f"--log: {args.log}: expected another file than --out")
    if args.plots is not None:
        pictures.prepare(args.plots)
    folder = args.out.with_name(f"{args.out.name[:200]}.checkpoints")
    checkpoints = train.Checkpoints(folder, args.keep or 1)
    check_writable("--out", folder, lambda _: checkpoints.check())
    training = _Training(args, checkpoints)
    training.resume() if args.resume else training.announce()
    return training.run()


class _Training:
    """One run of the command: its data, its trainer, and the files that it writes."""

    def __init__(self, args: argparse.Namespace, checkpoints: train.Checkpoints) -> None:
        self.args, self.checkpoints = args, checkpoints
        parts = read_data(args, args.samples, args.image_shape)
        # There are three streams, so that how many numbers one use draws changes nothing for the others.
        for_model, for_order, for_split = map(
            np.random.default_rng, np.random.SeedSequence(args.seed).spawn(3)
        )
        self.classes, self.training, self.test = parts.classes, parts.train, parts.test
        self.held_out = {"test": self.test}
        if args.validation is not None:
            self.training, held_out = data.split(self.training, args.validation, for_split)
            self.held_out = {"val": held_out}
        self.normalization = data.Normalization.of(self.training.images)
        self.held_out = {
            name: data.Dataset(self.normalization(images), labels)
            for name, (images, labels) in self.held_out.items()
        }
        augment = None
        if args.augment is None:
            images, labels = self.training
            self.training = data.Dataset(self.normalization(images), labels)
        else:  # which puts black where it moves an image away, and so comes before the normalisation
            augment = data.InTurn((args.augment, options.Normalized(self.normalization)))
        self.shape = self.training.images.shape[1:]
        self.layer = make_layer(args.model, self.shape, len(self.classes))
        params, state = self._initial(for_model)
        self.initial = None if args.plots is None else tree.map(np.copy, params)
        self.trainer = train.Trainer(
            self.layer,
            options.optimizer(args, params, len(self.training.labels)),
            state,
            for_order,
            augment=augment,
            clip=args.clip,
            parts=args.parts,
            average=args.average,
            compiles=not args.no_compile,
        )
        self.bar = _Bar(self.trainer, args.epochs, math.ceil(len(self.training.labels) / args.batch_size))
        self.learned: tuple[Any, Any] | None = None
        self._has_heading = False

    def _initial(self, rng: np.random.Generator) -> tuple[Any, Any]:
        """Return the parameters and the state to start from: drawn ones, or those of a file."""
        params, state = self.layer.init(rng)
        start = getattr(self.args, "from")
        return (params, state) if start is None else start_from(start, self.layer, params, state)

    # --- the beginning ------------------------------------------------------------------------------------

    def announce(self) -> None:
        """Say what is trained on what, and what will be replaced."""
        args, n = self.args, len(self.training.labels)
        if args.json:
            return
        for path in (args.out, args.log):
            announce_replacing(path)
        if self.checkpoints.paths():
            folder = one_line(self.checkpoints.folder)
            say(f"{folder} has an unfinished run, which will be replaced: --resume would go on with it")
        size = sum(p.size for p in tree.leaves(self.trainer.params))
        held_out = "".join(
            f", {len(part.labels)} to validate" for name, part in self.held_out.items() if name == "val"
        )
        say(
            f"{args.model}, {size} parameters; {args.data}, {n} images to train on{held_out}, "
            f"{len(self.test.labels)} to test\n"
            f"batch size {args.batch_size}, {args.optimizer}, learning rate {self.trainer.optimizer.lr:.3g} "
            f"({args.schedule}), seed {args.seed}"
        )

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """Return what a run that goes on with a checkpoint must have in common with it."""
        given = {name: getattr(self.args, name) for name in _DECIDING}
        texts = {name: value if value is None else str(value) for name, value in given.items()}
        return {**texts, "images": _fingerprint(self.training)}

    def resume(self) -> None:
        """Go on with the newest checkpoint that is whole, or begin if there is none."""
        checkpoint, damaged = self.checkpoints.newest()
        for complaint in damaged:
            self._tell(f"skipped: {one_line(complaint)}")
        if checkpoint is None:
            self._tell(f"no checkpoint in {one_line(self.checkpoints.folder)}: beginning")
            self.announce()
            return
        wanted = self.configuration
        for name, value in checkpoint.configuration.items():
            if wanted.get(name) != value:
                option = "the images" if name == "images" else f"--{name.replace('_', '-')}"
                raise ValueError(
                    f"--resume: {option}: the checkpoint has {value}, got {wanted.get(name)}: a run goes on "
                    "with the options and the data that it began with"
                )
        self.trainer.resume(checkpoint)
        is_done = checkpoint.epoch >= self.args.epochs
        where = "which was its last" if is_done else f"in epoch {checkpoint.epoch + 1}"
        self._tell(f"resumed at step {checkpoint.step}, {where}")

    def _tell(self, text: str) -> None:
        if not self.args.json:
            say(text)

    # --- the run ------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Train, save, and return the exit status."""
        try:
            with train.stop_on_signals(self.trainer) as signals, self.bar:
                self.trainer.fit(
                    self.training,
                    epochs=self.args.epochs,
                    batch_size=self.args.batch_size,
                    held_out=self.held_out,
                    patience=self.args.patience,
                    on_step=self._after_step,
                    on_epoch=self._after_epoch,
                )
        except KeyboardInterrupt:  # a second one, which may have come between two parameters of one step
            self.trainer.restore()
            self.learned = self.trainer.learned if self.trainer.updates else None
            raise
        except train.NonFiniteLossError:
            self.trainer.restore()
            raise
        else:
            if signals:  # first of all, since whoever sent the signal may not wait for long
                self._checkpoint()
            self.learned = self.trainer.learned if self.trainer.updates else None
        finally:  # what was learned is kept after an interrupt or an error too
            self._save()
        if signals:
            self._tell(f"stopped at step {self.trainer.updates}: the same command with --resume goes on")
            if self.args.json:
                emit({"stopped": self.trainer.stopped, "steps": self.trainer.updates})
            return 128 + signals[0]
        self._finish()
        return 0

    def _after_step(self, trainer: train.Trainer) -> None:
        self.bar.advance()
        every = self.args.checkpoint_every
        if every is not None and trainer.updates % every == 0:
            self._checkpoint()

    def _checkpoint(self) -> None:
        self._try(
            lambda: self.checkpoints.save(self.trainer.checkpoint(self.configuration)),
            "no checkpoint of this step",
        )

    def _try(self, write: Callable[[], None], lost: str) -> None:
        """Write something; where that fails say so and go on, since what was there before is still there."""
        try:
            write()
        except OSError as error:
            say(f"tinygrad-cnn: warning: {one_line(error)}: {lost}", "stderr")

    def _after_epoch(self, trainer: train.Trainer) -> None:
        """Make sure that the training has not diverged, write a checkpoint, and print and log the row.

        It is written before it is printed, since whoever reads the output may have gone.
        """
        self.bar.close()
        error = _divergence(trainer.history[-1], len(self.classes))
        if error is None:
            self.learned = tree.map(np.copy, trainer.learned)
            self._checkpoint()
        self._show(trainer.history)
        if error is not None:
            raise error

    def _show(self, history: train.History) -> None:
        row, path = history[-1], self.args.log
        if path is not None:
            self._try(lambda: history.write(path), "it lacks this row")
        if self.args.json:
            emit(row)
        else:
            say(history.line(row) if self._has_heading else f"{history.heading()}\n{history.line(row)}")
        self._has_heading = True

    # --- the end ------------------------------------------------------------------------------------------

    def _save(self) -> None:
        """Save what was learned; if nothing was, leave an older model in its place."""
        if self.learned is None:
            self._tell("nothing was learned: nothing saved")
            return
        self._model().save(self.args.out)
        self._tell(f"saved {one_line(self.args.out)}")

    def _model(self) -> train.SavedModel:
        assert self.learned is not None
        name = Path(self.args.model).name
        return train.SavedModel(name, self.layer, *self.learned, self.normalization, self.shape, self.classes)

    def _finish(self) -> None:
        """Tell the score on the test images if no epoch has, and remove checkpoints nobody asked for."""
        found = {"saved": str(self.args.out), "epochs": self.trainer.epoch, "steps": self.trainer.updates}
        if "val" in self.held_out:
            images, labels = self.test
            params, state = self.trainer.learned
            score = train.evaluate(self.layer, params, state, (self.normalization(images), labels))
            self._tell(
                f"on the {len(labels)} test images: loss {score.loss:.4f}, accuracy {score.accuracy:.2%}"
            )
            found |= {"test_loss": score.loss, "test_accuracy": score.accuracy}
        if self.args.json:
            emit(found)
        if self.args.keep is None:
            self.checkpoints.remove()
        if self.args.plots is not None:
            self._draw()

    def _draw(self) -> None:
        """Write the pictures of the run, and of what the network gets wrong."""
        saved = self._model()
        scores = pictures.of_scores(self.test, saved, saved.logits(self.test.images))
        pictures.write(
            self.args, {**pictures.of_run(self.trainer.history, self.test, saved, self.initial), **scores}
        )


class _Bar:
    """A progress bar for each epoch, which starts with its first step."""

    def __init__(self, trainer: train.Trainer, epochs: int, steps: int) -> None:
        self.trainer, self.epochs, self.steps = trainer, epochs, steps
        self._stack = ExitStack()
        self._advance: Callable[[int], object] | None = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def advance(self) -> None:
        """Show one more step."""
        if self._advance is None:
            label = f"epoch {self.trainer.epoch + 1}/{self.epochs}"
            before = self.trainer.updates - 1 - self.trainer.epoch * self.steps  # in a run that is resumed
            bar = train.progress_bar(self.steps, label, " steps", done=before)
            self._advance = self._stack.enter_context(bar)
        self._advance(1)

    def close(self) -> None:
        """Take the bar away."""
        self._stack.close()
        self._advance = None


def _fingerprint(dataset: data.Dataset) -> str:
    """Return a number that other images or labels would hardly have; a sample of the images is looked at."""
    found = zlib.crc32(np.ascontiguousarray(dataset.labels).view(np.uint8).data)
    stride = max(1, len(dataset.images) // 1000)
    return f"{zlib.crc32(np.ascontiguousarray(dataset.images[::stride]).view(np.uint8).data, found):08x}"


def _divergence(row: dict[str, float], classes: int) -> train.NonFiniteLossError | None:
    """Return an error if an epoch has diverged.

    Early in a training, the loss may be somewhat above that of guessing. On the test images, a network that
    knows a few images by heart is wrong with great confidence, but not with that of parameters that overflow.
    """
    guessing = math.log(
        max(classes, 10)
    )  # or a little more than the loss of a network that gives all classes the same probability
    held_out = next(value for name, value in row.items() if name.endswith("_loss"))
    if row["loss"] < 2 * guessing and held_out < 100 * guessing:  # which NaN is not
        return None
    return train.NonFiniteLossError(
        f"the training diverged in epoch {row['epoch']}: the loss is {row['loss']:.3g}, {held_out:.3g} "
        f"on the test images, where guessing gives {guessing:.3g}; try a lower learning rate"
    )
