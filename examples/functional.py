"""The network as a plain function of (params, x), trained with mini-batches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from settings import report, settings

import tinygrad_cnn as tg
from tinygrad_cnn import data


def network(p: Any, x: Any) -> Any:
    x = tg.max_pool2d(tg.relu(tg.conv2d(x, p["conv1"]["weight"], p["conv1"]["bias"], padding=1)), 2)
    x = tg.max_pool2d(tg.relu(tg.conv2d(x, p["conv2"]["weight"], p["conv2"]["bias"], padding=1)), 2)
    x = x.reshape(len(x), -1)  # (N, 16 * 7 * 7)
    x = tg.relu(x @ p["dense1"]["weight"] + p["dense1"]["bias"])
    return x @ p["dense2"]["weight"] + p["dense2"]["bias"]


def init(rng: np.random.Generator) -> dict[str, dict[str, np.ndarray]]:
    shapes = {"conv1": (8, 1, 3, 3), "conv2": (16, 8, 3, 3), "dense1": (784, 128), "dense2": (128, 10)}
    biases = {"conv1": 8, "conv2": 16, "dense1": 128, "dense2": 10}
    return {
        name: {
            "weight": tg.nn.init.he_normal(rng, shape).astype(np.float32),
            "bias": np.zeros(biases[name], np.float32),
        }
        for name, shape in shapes.items()
    }


def loss_fn(params: Any, x: np.ndarray, labels: np.ndarray) -> Any:
    return tg.cross_entropy(network(params, x), labels)


def main(argv: Sequence[str] | None = None) -> list[float]:
    args = settings(__doc__, argv)
    rng = np.random.default_rng(args.seed)
    params = init(rng)
    optimizer = tg.optim.SGD(params, lr=args.lr)
    train, _ = data.digits(args.samples, n_test=0)
    losses = []
    for x, labels in data.batches(train, args.batch_size, rng):
        loss, grads = tg.value_and_grad(loss_fn)(params, x, labels)
        optimizer.step(grads)
        losses.append(float(loss))
    report(losses)
    return losses


if __name__ == "__main__":
    main()
