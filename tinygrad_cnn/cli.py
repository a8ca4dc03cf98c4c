"""The command ``tinygrad-cnn``: train a network on digits, and score a saved one.

Exit status: 0 for success, 1 for training that met a non-finite loss, 2 for bad input, 130 for an interrupt.
Training that was cut short, by an interrupt or a non-finite loss, still saves the parameters it has.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from . import __version__, data, nn, optim, train, tree
from .kernels.memory import keep_heap
from .models import MODELS

__all__ = ["main"]

FILES: dict[str, Callable[[str], tuple[data.Dataset, data.Dataset]]] = {
    "mnist": data.mnist,
    "fashion-mnist": data.fashion_mnist,
}
DIGITS = 10_000  # generated for training; a fifth of it for the test
LR, LR_BATCH = 0.1, 64  # the rate for batches of this size and larger ones


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; errors of the user's input are one line on standard error.

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
        By argparse: after ``--help`` and ``--version``, and with status 2 for a bad argument.

    Examples
    --------
    >>> main(["evaluate", "missing.npz"])  # prints one line on standard error
    2
    """
    keep_heap()
    args = _parser().parse_args(argv)
    try:
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
    if isinstance(problem, OSError) and problem.strerror:
        problem = f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
    print("tinygrad-cnn: error:", *str(problem).split(), file=sys.stderr)
    return status


# --- train ------------------------------------------------------------------------------------------------


def _train(args: argparse.Namespace) -> None:
    _check_out(args.out)
    training, test = _read(args)
    # two streams, so that the order of the samples does not depend on how many numbers a model draws
    for_model, for_order = map(np.random.default_rng, np.random.SeedSequence(args.seed).spawn(2))
    model = MODELS[args.model]()
    params, state = model.init(for_model)
    optimizer = _optimizer(args, params, len(training.labels))
    trainer = train.Trainer(model, optimizer, state, for_order)
    print(
        f"{args.model}, {sum(p.size for p in tree.leaves(params))} parameters; "
        f"{args.data}, {len(training.labels)} images to train and {len(test.labels)} to test; "
        f"batch size {args.batch_size}, learning rate {optimizer.lr:.3g}, momentum {args.momentum:g}, "
        f"seed {args.seed}"
    )
    try:
        _run_epochs(args, trainer, model, training, test)
    finally:  # also after an interrupt or a non-finite loss: what was learned is kept
        train.save(args.out, args.model, trainer.params, trainer.state)
        print(f"saved {args.out}")


def _optimizer(args: argparse.Namespace, params: dict, n: int) -> optim.SGD:
    """SGD with momentum, at a rate that falls to zero along a cosine, step by step."""
    lr = LR * min(1, args.batch_size / LR_BATCH) if args.lr is None else args.lr
    steps = args.epochs * math.ceil(n / args.batch_size)
    return optim.SGD(params, lr=optim.Cosine(lr, steps), momentum=args.momentum)


def _run_epochs(
    args: argparse.Namespace,
    trainer: train.Trainer,
    model: nn.Layer,
    training: data.Dataset,
    test: data.Dataset,
) -> None:
    print("epoch     loss  train acc   test acc  seconds  images/s", flush=True)
    for epoch in range(1, args.epochs + 1):
        with train.progress_bar(len(training.labels), f"epoch {epoch}/{args.epochs}") as advance:
            result = trainer.epoch(training, args.batch_size, advance)
        score = train.evaluate(model, trainer.params, trainer.state, test)
        print(
            f"{epoch:5d} {result.loss:8.4f} {result.accuracy:9.2%} {score.accuracy:10.2%} "
            f"{result.seconds:8.1f} {result.images_per_second:9.0f}",
            flush=True,
        )


def _check_out(out: Path) -> None:
    """Find out before training, not after it, that the result cannot be saved."""
    if out.exists() and not out.is_file():
        raise ValueError(f"--out: expected a file to write, got {out}, which is something else")
    if not out.parent.is_dir():
        raise ValueError(f"--out: the folder {out.parent} does not exist")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise ValueError(f"--out: the folder {out.parent} is not writable")


# --- evaluate ---------------------------------------------------------------------------------------------


def _evaluate(args: argparse.Namespace) -> None:
    model_name, params, state = train.load(args.saved)
    _, test = _read(args)
    score = train.evaluate(MODELS[model_name](), params, state, test)
    print(
        f"{model_name} on the {len(test.labels)} test images of {args.data}: "
        f"loss {score.loss:.4f}, accuracy {score.accuracy:.2%}"
    )


# --- data -------------------------------------------------------------------------------------------------


def _read(args: argparse.Namespace) -> tuple[data.Dataset, data.Dataset]:
    """Both parts of the data set that the arguments name."""
    if args.data not in FILES:
        if args.data_dir is not None:
            raise ValueError(f"--data-dir: {args.data} are generated; say which files: --data mnist")
        samples = DIGITS if args.samples is None else args.samples
        return data.digits(samples, max(DIGITS // 5 if args.samples is None else samples // 5, 1))
    if args.data_dir is None:
        raise ValueError(f"--data {args.data} needs --data-dir, the folder of its four files")
    training, test = FILES[args.data](args.data_dir)
    return data.Dataset(*(array[: args.samples] for array in training)), test


# --- arguments --------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Complains in one line; argparse's own prints the usage before it."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="tinygrad-cnn",
        description="Train a small convolutional network on digits, and score it.",
        epilog="Exit status: 0 success, 1 non-finite loss, 2 bad input, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands)
    _add_evaluate(commands)
    return parser


def _add_train(commands) -> None:
    parser = commands.add_parser(
        "train",
        help="train a network and save it",
        description="Train a network with SGD and momentum, the learning rate falling to zero along a cosine, "
        "and save its parameters. The training loss and accuracy of an epoch are running means over its "
        "batches; the test accuracy is measured after it. A progress bar needs a terminal, and tqdm.",
        epilog="Ctrl-C saves what was learned so far. So does a non-finite loss, with the last good parameters.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_data(parser)
    add = parser.add_argument
    add("--samples", type=_positive_int, metavar="N", help="..."),
    add("--model", choices=MODELS, default="baseline", help="the network")
    add("--epochs", type=_positive_int, default=3, metavar="N", help="passes over the training data")
    add("--batch-size", type=_positive_int, default=64, metavar="N", help="images a step")
    add("--lr", type=_rate, metavar="RATE", help=f"{LR}")
    add("--momentum", type=_momentum, default=0.9, metavar="M", help="in [0, 1)")
    add("--seed", type=_seed, default=0, metavar="N", help="of initial parameters and of the order of images")
    add("--out", type=Path, default=Path("model.npz"), metavar="FILE", help="where to save the parameters")
    parser.set_defaults(run=_train)
