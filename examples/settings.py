"""The parts that all examples share: their command line, and the way they show their losses."""

import argparse
from collections.abc import Sequence
from typing import Any


def parser_of(
    description: str | None, *, lr: float = 0.01, batch_size: int | None = 8, out: str | None = None
) -> argparse.ArgumentParser:
    """Make the parser of an example; not every one makes batches, or a picture."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--samples", type=int, default=2000, help="digits to generate, or steps to make")
    parser.add_argument("--lr", type=float, default=lr)
    parser.add_argument("--seed", type=int, default=0)
    if batch_size is not None:
        parser.add_argument("--batch-size", type=int, default=batch_size)
    if out is not None:
        parser.add_argument("--out", default=out, help="the picture to write (default: %(default)s)")
    return parser


def settings(
    description: str | None,
    argv: Sequence[str] | None = None,
    *,
    lr: float = 0.01,
    batch_size: int | None = 8,
    out: str | None = None,
) -> argparse.Namespace:
    """Parse the settings of an example."""
    return parser_of(description, lr=lr, batch_size=batch_size, out=out).parse_args(argv)


def save(figure: Any, path: str) -> None:
    """Write a picture, and say where it is."""
    figure.savefig(path)
    print(f"wrote {path}")


def report(losses: list[float]) -> None:
    """Print the mean loss of each tenth of the steps."""
    size = max(len(losses) // 10, 1)
    for start in range(0, len(losses), size):
        part = losses[start : start + size]
        print(f"steps {start + 1:5d} to {start + len(part):5d}: mean loss {sum(part) / len(part):.4f}")
