"""Adversarial examples: a small change of each pixel makes a network read another digit (FGSM)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from settings import save, settings
from trained import trained

import tinygrad_cnn as tg
from tinygrad_cnn import plot
from tinygrad_cnn.train import accuracy


def main(argv: Sequence[str] | None = None) -> dict[float, float]:
    args = settings(__doc__, argv, lr=0.02, out="fgsm.png")
    trainer, (images, labels) = trained(args)

    def network(x: Any) -> Any:
        return trainer.model(trainer.params, trainer.state, x)[0]

    upwards = np.sign(tg.grad(lambda x: tg.cross_entropy(network(x), labels))(images))
    changed = {epsilon: np.clip(images + epsilon * upwards, 0, 1) for epsilon in (0.0, 0.05, 0.1, 0.15, 0.2)}
    right = {epsilon: accuracy(network(x), labels) for epsilon, x in changed.items()}
    for epsilon, share in right.items():
        print(f"each pixel moved by {epsilon:.2f}: {share:7.2%} right")

    before, after = (network(x).argmax(1) for x in (images, changed[0.2]))
    fooled = np.flatnonzero((before == labels) & (after != labels))[:3]
    names = [[str(digit) for digit in digits[fooled]] for digits in (before, after)]
    save(plot.adversarial(images[fooled], changed[0.2][fooled], *names), args.out)
    return right


if __name__ == "__main__":
    main()
