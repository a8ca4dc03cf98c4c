"""The parts that all examples share: their command line, and the way they show their losses."""

import argparse
from collections.abc import Sequence


def settings(
    description: str | None, argv: Sequence[str] | None = None, *, batched: bool = True
) -> argparse.Namespace:
    """Parse the settings of an example; only a batched one has a batch size."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--samples", type=int, default=2000, help="digits to generate, each trained on once")
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    if batched:
        parser.add_argument("--batch-size", type=int, default=8)
    return parser.parse_args(argv)


def report(losses: list[float]) -> None:
    """Print the mean loss of each tenth of the steps."""
    size = max(len(losses) // 10, 1)
    for start in range(0, len(losses), size):
        part = losses[start : start + size]
        print(f"steps {start + 1:5d} to {start + len(part):5d}: mean loss {sum(part) / len(part):.4f}")
