"""The command ``tinygrad-cnn``: train a network on digits, and score a saved one.

Exit status: 0 for success, 1 for a loss that is not finite or shows divergence, 2 for bad input, 130 for an
interrupt. An interrupt saves the parameters as they are; training that fails, those of its last good epoch.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar

import numpy as np

from . import __version__, data, nn, optim, train, tree
from .checks import printable
from .models import MODELS
from .train import atomic
from .tuning import tune

__all__ = ["main"]

FILES: dict[str, Callable[[str], tuple[data.Dataset, data.Dataset]]] = {
    "mnist": data.mnist,
    "fashion-mnist": data.fashion_mnist,
}
_Number = TypeVar("_Number", int, float)
LR = 0.04
GUESSING = math.log(10)  # the loss of a network that gives ten classes the same probability
LR_BATCH = 64  # for smaller batches the rate shrinks in proportion (Goyal et al. 2017, section 2.1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; if its input is bad, print one line that says so on standard error.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    SystemExit
        If argparse ends the command: after ``--help`` or ``--version``, and with status 2 for a bad argument.

    Examples
    --------
    >>> main(["evaluate", "missing.safetensors"])  # prints one line on standard error
    2
    """
    args = _parser().parse_args(argv)
    try:
        tune(threads=args.threads)
        args.run(args)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except train.NonFiniteLossError as error:
        return _complain(error, 1)
    except (OSError, ValueError, MemoryError) as error:
        return _complain(error, 2)
    return 0


def _complain(problem: object, status: int) -> int:
    """Print one line on standard error, and return the exit status."""
    if isinstance(problem, OSError) and problem.filename:
        problem = f"{problem.filename}: {problem.strerror}"
    _say(f"tinygrad-cnn: error: {_one_line(problem)}", sys.stderr)
    return status


def _one_line(problem: object) -> str:
    """Return a problem as one line of a length to be read, which holds no character that moves a cursor."""
    return printable(" ".join(str(problem).splitlines()), 500)


def _say(text: str, file: TextIO | None = None) -> None:
    """Print a text at once, with escapes for what the encoding of the output lacks, such as in a path."""
    file = file or sys.stdout
    encoding = getattr(file, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=file, flush=True)


# --- the two commands -------------------------------------------------------------------------------------


def _train(args: argparse.Namespace) -> None:
    """Train a network, print a line for each epoch, and save what was learned."""
    _check_out(args.out)
    training, test = _read(args.data, args.data_dir, args.samples)
    # There are two streams, so that how many numbers a model draws does not change the order of the images.
    for_model, for_order = map(np.random.default_rng, np.random.SeedSequence(args.seed).spawn(2))
    model = MODELS[args.model]()
    params, state = model.init(for_model)
    trainer = train.Trainer(model, _optimizer(args, params, len(training.labels)), state, for_order)
    if args.out.exists():
        _say(f"{_one_line(args.out)} exists, and will be replaced")
    _say(
        f"{args.model}, {sum(p.size for p in tree.leaves(params))} parameters; "
        f"{args.data}, {len(training.labels)} images to train on, {len(test.labels)} to test\n"
        f"batch size {args.batch_size}, learning rate {trainer.optimizer.lr:.3g} falling to 0, "
        f"momentum {args.momentum:g}, seed {args.seed}"
    )
    learned = None
    try:
        for learned in _epochs(args, trainer, model, training, test):  # noqa: B007 - the last one counts
            pass
    except KeyboardInterrupt:
        trainer.restore()  # the interrupt may have come between two parameters of one step
        if trainer.updates:
            learned = trainer.params, trainer.state
        raise
    finally:  # what was learned is kept after an interrupt or an error too
        _save(args, learned)


def _save(args: argparse.Namespace, learned: tuple[Any, Any] | None) -> None:
    """Save what was learned; if nothing was, leave an older model in its place."""
    if learned is None:
        _say("nothing was learned: nothing saved")
        return
    train.save(args.out, args.model, *learned)
    _say(f"saved {_one_line(args.out)}")


def _epochs(
    args: argparse.Namespace,
    trainer: train.Trainer,
    model: nn.Layer,
    training: data.Dataset,
    test: data.Dataset,
) -> Iterator[tuple[Any, Any]]:
    """Train epoch by epoch, score the network on the test images, and yield copies of what it has learned."""
    _say("epoch    loss  train acc  test acc  seconds  images/s")
    for epoch in range(1, args.epochs + 1):
        with train.progress_bar(len(training.labels), f"epoch {epoch}/{args.epochs}") as advance:
            result = trainer.epoch(training, args.batch_size, advance)
        try:
            score = train.evaluate(model, trainer.params, trainer.state, test)
        except train.NonFiniteLossError:
            trainer.restore()
            raise
        _say(
            f"{epoch:5d} {result.loss:7.4f} {result.accuracy:10.2%} {score.accuracy:9.2%} "
            f"{result.seconds:8.1f} {result.images_per_second:9.0f}"
        )
        _check_progress(epoch, result.loss, score.loss)
        yield tree.map(np.copy, (trainer.params, trainer.state))


def _check_progress(epoch: int, training_loss: float, test_loss: float) -> None:
    """Raise an error if an epoch has diverged.

    Early in a training, the loss may be somewhat above that of guessing. On the test images, a network that
    knows a few images by heart is wrong with great confidence, but not with that of parameters that overflow.
    """
    if not (training_loss < 2 * GUESSING and test_loss < 100 * GUESSING):  # NaN too
        raise train.NonFiniteLossError(
            f"the training diverged in epoch {epoch}: the loss is {training_loss:.3g}, {test_loss:.3g} on "
            f"the test images, where guessing gives {GUESSING:.3g}; try a lower learning rate"
        )


def _evaluate(args: argparse.Namespace) -> None:
    """Print the loss and the accuracy of a saved network on the test images."""
    name, *trees = train.load(args.saved)
    if name not in MODELS:
        known = " or ".join(MODELS)
        raise ValueError(f"{args.saved}: expected a model {known}, got '{printable(name, 60)}'")
    with np.errstate(over="ignore"):  # the error below tells of an overflow
        params, state = tree.map(lambda array: array.astype(np.float32), trees)  # the dtype of the images
    if not all(np.isfinite(array).all() for array in tree.leaves((params, state))):
        raise ValueError(f"{args.saved}: expected parameters within float32, got larger ones")
    _, test = _read(args.data, args.data_dir, samples=0)
    try:
        score = train.evaluate(MODELS[name](), params, state, test)
    except train.NonFiniteLossError as error:
        raise train.NonFiniteLossError(
            f"{args.saved}: the loss on the test images is not finite: the parameters are too large"
        ) from error
    _say(
        f"{name} on the {len(test.labels)} test images of {args.data}: "
        f"loss {score.loss:.4f}, accuracy {score.accuracy:.2%}"
    )


# --- their parts ------------------------------------------------------------------------------------------


def _check_out(out: Path) -> None:
    """Raise a ValueError before the training, not after it, if the result cannot be saved."""
    try:
        atomic.check(out)
    except OSError as error:
        raise ValueError(f"--out: {out} cannot be written: {error.strerror}") from error


def _read(name: str, folder: str | None, samples: int | None) -> tuple[data.Dataset, data.Dataset]:
    """Read both parts of a data set, and cut the training part to a number of samples."""
    if name not in FILES:
        if folder is not None:
            raise ValueError(f"--data-dir: {name} are generated; name what is in the folder: --data mnist")
        return data.digits() if samples is None else data.digits(samples)
    if folder is None:
        raise ValueError(f"--data {name}: expected --data-dir DIR, the folder of its four files, got none")
    training, test = FILES[name](folder)
    if samples is not None and samples > len(training.labels):
        raise ValueError(f"--samples: expected at most {len(training.labels)}, got {samples}")
    return data.Dataset(training.images[:samples], training.labels[:samples]), test


def _optimizer(args: argparse.Namespace, params: Any, n: int) -> optim.SGD:
    """Make SGD with momentum, whose rate falls to zero along a cosine, step by step."""
    lr = LR * min(1, args.batch_size / LR_BATCH) if args.lr is None else args.lr
    steps = args.epochs * math.ceil(n / args.batch_size)
    return optim.SGD(params, lr=optim.Cosine(lr, steps), momentum=args.momentum)


# --- arguments --------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """A parser that complains in one line, where the one of argparse would print the usage before it."""

    def error(self, message: str) -> NoReturn:
        _say(f"{self.prog}: error: {_one_line(message)}", sys.stderr)
        self.exit(2)


def _parser() -> argparse.ArgumentParser:
    """Make the parser of the command and its two subcommands."""
    parser = _Parser(
        prog="tinygrad-cnn",
        description="Train a small convolutional network on digits, and score it.",
        epilog="Exit status: 0 success, 1 diverged or non-finite loss, 2 bad input, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands)
    _add_evaluate(commands)
    return parser


def _add_train(commands: Any) -> None:
    parser = commands.add_parser(
        "train",
        help="train a network and save it",
        description="Train a network with SGD and momentum, the learning rate falling to zero along a "
        "cosine, and save its parameters. The loss and training accuracy of an epoch are running means over "
        "its batches; the test accuracy is measured after it. On a terminal, with tqdm installed, a bar "
        "shows the progress.",
        epilog="Ctrl-C saves what was learned so far, and training that diverges what was learned until the "
        "last good epoch. A file that exists is replaced, unless it is read-only.",
    )
    _add_data(parser)
    _add_threads(parser)
    add = parser.add_argument
    add("--samples", type=_count, metavar="N", help="train on N images: that many digits are generated "
        "(10000 by default), or the first N are taken from the files (all by default)")  # fmt: skip
    add("--model", choices=MODELS, default="baseline", help="baseline-bn has batch normalisation "
        "(default: %(default)s)")  # fmt: skip
    add("--epochs", type=_count, default=3, metavar="N", help="(default: %(default)s)")
    add("--batch-size", type=_count, default=64, metavar="N", help="(default: %(default)s)")
    add("--lr", type=_rate, metavar="RATE", help=f"the learning rate at the start (default: {LR}, "
        f"and in proportion less for batches below {LR_BATCH})")  # fmt: skip
    add("--momentum", type=_momentum, default=0.9, metavar="M", help="in [0, 1) (default: %(default)s)")
    add("--seed", type=_seed, default=0, metavar="N", help="decides the initial parameters and the order "
        "of the images; the generated digits are always the same (default: %(default)s)")  # fmt: skip
    add("--out", type=Path, default=Path("model.safetensors"), metavar="FILE", help="(default: %(default)s)")
    parser.set_defaults(run=_train)


def _add_evaluate(commands: Any) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="score a saved model",
        description="Measure the loss and the accuracy of a saved model on the test part of a data set.",
    )
    parser.add_argument("saved", metavar="MODEL", help="what train has saved")
    _add_data(parser)
    _add_threads(parser)
    parser.set_defaults(run=_evaluate)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", choices=("digits", *FILES), default="digits",
        help="digits are generated, the others are read from --data-dir (default: %(default)s)")  # fmt: skip
    parser.add_argument("--data-dir", metavar="DIR", help="the folder of the four IDX files, plain or .gz")


def _add_threads(parser: argparse.ArgumentParser) -> None:
    installed = importlib.util.find_spec("threadpoolctl") is not None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser.add_argument("--threads", type=_threads, default=min(2, cores) if installed else None, metavar="N",
        help="share large work between N threads, and keep BLAS to one; needs threadpoolctl "
        "(default: 2 where there are two cores; without threadpoolctl left to BLAS)")  # fmt: skip


def _number(
    text: str, read: Callable[[str], _Number], expected: str, accepts: Callable[[_Number], bool]
) -> _Number:
    """Read a number from an argument, or raise the error that argparse prints."""
    complaint = argparse.ArgumentTypeError(f"expected {expected}, got '{text}'")
    try:
        number = read(text)
    except ValueError:
        raise complaint from None
    if not accepts(number):
        raise complaint
    return number


def _count(text: str) -> int:
    return _number(text, int, "a whole number of at least 1", lambda count: count >= 1)


def _threads(text: str) -> int:
    if importlib.util.find_spec("threadpoolctl") is None:
        raise argparse.ArgumentTypeError("needs threadpoolctl: pip install 'tinygrad-cnn[train]'")
    return _count(text)


def _seed(text: str) -> int:
    return _number(text, int, "a whole number of at least 0", lambda seed: seed >= 0)


def _rate(text: str) -> float:
    return _number(text, float, "a finite number above 0", lambda rate: 0 < rate < math.inf)


def _momentum(text: str) -> float:
    return _number(text, float, "a number in [0, 1)", lambda momentum: 0 <= momentum < 1)
