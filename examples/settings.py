"""What the examples share: their command line, and how they show their losses."""

import argparse


def settings(description, argv=None, *, batched=True):
    """Parse the settings of an example; ``batched``: whether it has a batch size to set."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--samples", type=int, default=2000, help="generated digits to train on, once")
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    if batched:
        parser.add_argument("--batch-size", type=int, default=8)
    return parser.parse_args(argv)


def report(losses):
    """Print the mean loss of each tenth of the steps."""
    size = max(len(losses) // 10, 1)
    for start in range(0, len(losses), size):
        part = losses[start : start + size]
        print(f"steps {start + 1:5d} to {start + len(part):5d}: mean loss {sum(part) / len(part):.4f}")
