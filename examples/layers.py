"""The network built of layers, trained with mini-batches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from settings import report, settings

import tinygrad_cnn as tg
from tinygrad_cnn import data, nn

MODEL = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Dense(16 * 7 * 7, 128),
    nn.ReLU(),
    nn.Dense(128, 10),
)


def loss_fn(params: Any, state: Any, x: np.ndarray, labels: np.ndarray) -> tuple[Any, Any]:
    logits, state = MODEL(params, state, x, train=True)
    return tg.cross_entropy(logits, labels), state


def main(argv: Sequence[str] | None = None) -> list[float]:
    args = settings(__doc__, argv)
    rng = np.random.default_rng(args.seed)
    params, state = MODEL.init(rng)
    optimizer = tg.optim.SGD(params, lr=args.lr)
    train, _ = data.digits(args.samples, n_test=0)
    losses = []
    for x, labels in data.batches(train, args.batch_size, rng):
        (loss, state), grads = tg.value_and_grad(loss_fn, has_aux=True)(params, state, x, labels)
        optimizer.step(grads)
        losses.append(float(loss))
    report(losses)
    return losses


if __name__ == "__main__":
    main()
