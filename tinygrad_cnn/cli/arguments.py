"""The arguments of the command and of its subcommands."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from ..data.families import FAMILIES
from ..models import MODELS
from . import describing, export, options, predicting, scoring, showing, training, types
from .output import one_line, say

_EXIT = (
    "Exit status: 0 success, 1 diverged or non-finite loss, 2 bad input, 130 stopped by Ctrl-C, 141 nobody "
    "reads the output any more, 143 stopped by SIGTERM."
)


class _Parser(argparse.ArgumentParser):
    """A parser that complains in one line, where the one of argparse would print the usage before it."""

    def error(self, message: str) -> NoReturn:
        say(f"{self.prog}: error: {one_line(message)}", "stderr")
        self.exit(2)


def parser(version: str) -> argparse.ArgumentParser:
    """Make the parser of the command and its subcommands."""
    found = _Parser(
        prog="tinygrad-cnn",
        description="Train small convolutional networks on images, score them, and let them read pictures.",
        epilog=f"{_EXIT} 'tinygrad-cnn COMMAND --help' explains a command.",
    )
    found.add_argument("--version", action="version", version=f"%(prog)s {version}")
    commands = found.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _add_train, _add_evaluate, _add_predict, _add_demo, _add_summary, _add_export, _add_compare,
        _add_datasets,
    ):  # fmt: skip
        add(commands)
    return found


def _command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], Any],
    summary: str,
    text: str,
    more: str = "",
) -> Any:
    command = commands.add_parser(name, help=summary, description=text, epilog=f"{more} {_EXIT}".strip())
    command.set_defaults(run=run)
    command.add_argument(
        "--json", action="store_true", help="print objects of JSON, one a line, and nothing else"
    )
    return command


def _add_train(commands: Any) -> None:
    command = _command(
        commands,
        "train",
        training.run,
        "train a network and save it",
        "Train a network and save it. The loss and the accuracy of an epoch are running means over its "
        "batches; the scores on test images (or, with --validation, on those held out) are measured after "
        "it. While it runs, checkpoints stand in FILE.checkpoints beside the result. On a terminal, with "
        "tqdm installed, a bar shows the progress.",
        "Ctrl-C and SIGTERM complete the step, save, and stop; the same command with --resume goes on, bit "
        "by bit as if nothing had happened, also after a crash. Training that diverges keeps its last good "
        "epoch. A file that exists is replaced, which is announced, unless it is read-only.",
    )
    _add_data(command)
    _add_threads(command)
    _add_network_options(command)
    _add_descent_options(command)
    _add_file_options(command)


def _add_network_options(command: Any) -> None:
    add = command.add_argument_group("what is trained on what").add_argument
    add("--samples", type=types.count, metavar="N", help="train on N images: that many digits are generated "
        "(10000 by default), or the first N are taken from the files (all by default)")  # fmt: skip
    add("--model", type=types.model, default="baseline", metavar="NAME", help="one of "
        f"{', '.join(MODELS)}, or FILE.py:NAME, a layer of your own or a function that makes one "
        "(default: %(default)s)")  # fmt: skip
    add("--from", type=Path, metavar="FILE", help="start from the parameters in this file: a saved model, or "
        "arrays by their paths (.safetensors or .npz); the images are normalised anew")  # fmt: skip
    add("--image-shape", type=types.image_shape, metavar="CxHxW", help="scale the pictures of a folder to "
        "these channels, rows and columns, as in 3x32x32 (default: those of the first picture)")  # fmt: skip
    add("--validation", type=types.share, metavar="SHARE", help="hold out this share of the images to train "
        "on, and score on it after each epoch; the test images are then scored once, at the end")  # fmt: skip
    add("--augment", type=options.augmentation, metavar="LIST", help="train on changed copies of the "
        f"images: some of {', '.join(options.AUGMENTATIONS)}, with commas between them, each with an amount "
        "if you want, as in shift:2,rotate:15 (pixels and degrees)")  # fmt: skip
    add("--seed", type=types.seed, default=0, metavar="N", help="decides the initial parameters and the "
        "order of the images; the generated digits are always the same (default: %(default)s)")  # fmt: skip


def _add_descent_options(command: Any) -> None:
    add = command.add_argument_group("how it is trained").add_argument
    add("--epochs", type=types.count, default=3, metavar="N", help="(default: %(default)s)")
    add("--batch-size", type=types.count, default=64, metavar="N", help="(default: %(default)s)")
    add("--optimizer", choices=options.LR, default="sgd", help="(default: %(default)s, with momentum)")
    add("--lr", type=types.rate, metavar="RATE", help="the highest learning rate (default: "
        f"{options.LR['sgd']} for sgd, and in proportion less for batches below {options.LR_BATCH}; "
        f"{options.LR['adam']} for others)")  # fmt: skip
    add("--schedule", choices=options.SCHEDULES, default="cosine", help="how the rate changes over the run: "
        "cosine falls to 0, step divides by 10 at each third, warmup grows for 5%% of the steps and then "
        "falls along a cosine (default: %(default)s)")  # fmt: skip
    add("--momentum", type=types.momentum, default=0.9, metavar="M", help="of sgd, in [0, 1) (default: "
        "%(default)s)")  # fmt: skip
    add("--weight-decay", type=types.decay, metavar="D", help="(default: that of the optimizer)")
    add("--clip", type=types.rate, metavar="NORM", help="scale gradients down to this norm of all together")
    add("--average", type=types.momentum, metavar="D", help="score and save a moving average of the "
        "parameters, of which a step keeps the share D, such as 0.999")  # fmt: skip
    add("--parts", type=types.count, default=1, metavar="N", help="compute the gradients of a batch in N "
        "parts, which takes less memory (default: %(default)s)")  # fmt: skip
    add("--no-compile", action="store_true", help="compute each step anew, in the place of recording it once "
        "and playing the record: for a network of your own that branches on numbers")  # fmt: skip
    add("--patience", type=types.count, metavar="N", help="stop after N epochs that brought no lower loss "
        "on the images of --validation, and keep the best parameters")  # fmt: skip


def _add_file_options(command: Any) -> None:
    group = command.add_argument_group("what is written")
    add = group.add_argument
    add("--out", type=Path, default=Path("model.safetensors"), metavar="FILE", help="(default: %(default)s)")
    add("--log", type=Path, metavar="FILE", help="write the rows to this file after each epoch: as CSV if "
        "it is called .csv, or else as lines of JSON")  # fmt: skip
    _add_plots(group)
    add("--checkpoint-every", type=types.count, metavar="N", help="write a checkpoint every N steps too, "
        "and not only after each epoch")  # fmt: skip
    add("--keep", type=types.count, metavar="N", help="keep the N newest checkpoints, also when the run is "
        "complete (default: one, and none when it is complete)")  # fmt: skip
    add("--resume", action="store_true", help="go on with the newest checkpoint of the same command; begin "
        "if there is none")  # fmt: skip


def _add_evaluate(commands: Any) -> None:
    command = _command(
        commands,
        "evaluate",
        scoring.evaluate,
        "score a saved model",
        "Measure the loss and the accuracy of a saved model on the test images of a data set, the precision "
        "and the recall of each class, and how often each class was taken for each other.",
        "Precision is the share of the images taken for a class that are of it; recall is the share of the "
        "images of a class that were taken for it.",
    )
    command.add_argument("saved", metavar="MODEL", help="what train has saved")
    _add_own_model(command)
    _add_data(command)
    _add_threads(command)
    _add_plots(command)


def _add_predict(commands: Any) -> None:
    command = _command(
        commands,
        "predict",
        predicting.run,
        "say what is in pictures",
        "Print for each picture what a saved model takes it for, and how probable that is. A picture of a "
        "digit, drawn or photographed, is first brought to the form of MNIST: light on dark, cut out, "
        "scaled and centred. Needs Pillow: pip install 'tinygrad-cnn[pictures]'.",
    )
    command.add_argument("saved", metavar="MODEL", help="what train has saved")
    command.add_argument(
        "pictures", metavar="PICTURE", nargs="+", help="files, PNG or JPEG, or - for standard input"
    )
    _add_own_model(command)


def _add_demo(commands: Any) -> None:
    command = _command(
        commands,
        "demo",
        showing.run,
        "serve a page to draw digits on",
        "Serve a page on this machine alone. One draws a digit, and sees what the network takes it for, and "
        "what each line of its program computes; trains a network in front of one's eyes; and steps through "
        "the forward and the backward of an expression.",
        "Without a model, one is trained first, for some seconds.",
    )
    command.add_argument("saved", metavar="MODEL", nargs="?", help="what train has saved, from digits")
    command.add_argument("--port", type=types.port, default=0, metavar="N",
        help="the port of the page, or 0 for any that is free (default: %(default)s)")  # fmt: skip
    command.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")
    _add_own_model(command)
    _add_threads(command)


def _add_summary(commands: Any) -> None:
    command = _command(
        commands,
        "summary",
        describing.summary,
        "show the layers of a model",
        "Print the layers of a model, with the shapes of their outputs, their parameters, and their "
        "multiply-adds for one image.",
    )
    command.add_argument("network", metavar="MODEL", help="what train has saved, or one of "
        f"{', '.join(MODELS)}, or FILE.py:NAME")  # fmt: skip
    command.add_argument("--image-shape", type=types.image_shape, metavar="CxHxW",
        help="of a model that is not a saved one (default: 1x28x28)")  # fmt: skip
    command.add_argument("--classes", type=types.count, default=10, metavar="N",
        help="of a model that is not a saved one (default: %(default)s)")  # fmt: skip
    _add_own_model(command)


def _add_export(commands: Any) -> None:
    command = _command(
        commands,
        "export",
        export.run,
        "write a saved model for other programs",
        "Write a saved model to a file in a form that other programs read. 'train --from FILE' goes back.",
        "A file that exists is replaced, which is announced, unless it is read-only.",
    )
    command.add_argument("saved", metavar="MODEL", help="what train has saved")
    forms = command.add_mutually_exclusive_group(required=True)
    for name, form in export.FORMATS.items():
        forms.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write {form.help}")
    _add_own_model(command)


def _add_compare(commands: Any) -> None:
    command = _command(
        commands,
        "compare",
        scoring.compare,
        "score several saved models",
        "Score several saved models on the same test images, and print them in a table, the best one first.",
    )
    command.add_argument("saved", metavar="MODEL", nargs="+", help="what train has saved")
    _add_own_model(command)
    _add_data(command)
    _add_threads(command)


def _add_datasets(commands: Any) -> None:
    command = _command(
        commands,
        "datasets",
        describing.datasets,
        "list the data sets",
        "List the data sets that have a name, and say which of them are in the cache. Each is fetched when "
        "it is first asked for, and checked by its SHA-256; $TINYGRAD_CNN_CACHE says where the cache is.",
    )
    command.add_argument("--fetch", choices=FAMILIES, default=[], action="append", help="fetch this one now")


def _add_own_model(command: Any) -> None:
    command.add_argument("--model", metavar="FILE.py:NAME",
        help="the code of the model, if it is one of your own: it is run; no file asks for it")  # fmt: skip


def _add_data(command: Any) -> None:
    command.add_argument("--data", type=types.source, default="digits", metavar="NAME",
        help=f"digits, which are generated, or one of {', '.join(FAMILIES)}, or folder:DIR for pictures in "
        "a folder a class, or a file .npz or .csv (default: %(default)s)")  # fmt: skip
    command.add_argument("--data-dir", metavar="DIR",
        help="the folder of the files of the data set; without it, they are fetched")  # fmt: skip


def _add_plots(group: Any) -> None:
    group.add_argument("--plots", type=Path, metavar="DIR",
        help="write pictures of the result to this folder; needs matplotlib: pip install "
        "'tinygrad-cnn[plot]'")  # fmt: skip


def _add_threads(command: Any) -> None:
    installed = importlib.util.find_spec("threadpoolctl") is not None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    default = min(2, cores) if installed else None
    command.add_argument("--threads", type=types.threads, default=default, metavar="N",
        help="share large work between N threads, and keep BLAS to one; needs threadpoolctl (default: 2 "
        "where there are two cores; without threadpoolctl left to BLAS)")  # fmt: skip
