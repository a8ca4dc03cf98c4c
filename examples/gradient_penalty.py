"""A penalty on a gradient: training so that the loss hardly depends on any pixel (double backprop)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from settings import settings

import tinygrad_cnn as tg
from tinygrad_cnn import data, insight
from tinygrad_cnn.models import baseline
from tinygrad_cnn.train import accuracy

MODEL = baseline()


def loss(params: Any, x: Any, labels: np.ndarray) -> Any:
    return tg.cross_entropy(MODEL(params, {}, x)[0], labels)


def loss_with_penalty(params: Any, x: np.ndarray, labels: np.ndarray, weight: float) -> Any:
    """Add the mean squared norm of each image's gradient, which the optimizer then makes small too."""
    value, by_pixels = tg.value_and_grad(loss, argnums=1)(params, x, labels)  # of the mean over the batch
    return value + weight * len(x) * (by_pixels**2).sum()


def main(argv: Sequence[str] | None = None) -> dict[float, tuple[float, float, float]]:
    args = settings(__doc__, argv, lr=0.02)
    train, (images, labels) = data.digits(args.samples, n_test=max(args.samples // 4, 10))
    found = {}
    print("penalty  norm of the gradient  right  right after each pixel was moved by 0.05")
    for weight in (0.0, 0.05):
        rng = np.random.default_rng(args.seed)
        params, _ = MODEL.init(rng)
        optimizer = tg.optim.SGD(params, lr=args.lr, momentum=0.9)
        for _ in range(2):
            for x, y in data.batches(train, args.batch_size, rng):
                optimizer.step(tg.grad(loss_with_penalty)(params, x, y, weight))
        found[weight] = measured(params, images, labels)
        norm, right, after = found[weight]
        print(f"{weight:7.2f}  {norm:20.4f}  {right:.1%}  {after:.1%}")
    return found


def measured(params: Any, images: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """The norm of the gradient by the pixels, and the share read rightly before and after a step along it."""
    norm = float(np.linalg.norm(tg.grad(loss, argnums=1)(params, images, labels)))
    changed = insight.fgsm(lambda x: loss(params, x, labels), images, 0.05)
    right, after = (accuracy(MODEL(params, {}, x)[0], labels) for x in (images, changed))
    return norm, right, after


if __name__ == "__main__":
    main()
