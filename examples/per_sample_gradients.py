"""The gradient of each sample by itself, in one walk: the samples with the largest ones have wrong labels.

Zeros of its own are added to the weights of each sample. What the loss of the batch has for a gradient with
respect to the zeros of a sample is the gradient of that sample's loss with respect to the weights.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from settings import save, settings

import tinygrad_cnn as tg
from tinygrad_cnn import data, nn


def losses(params: Any, x: np.ndarray, labels: np.ndarray) -> Any:
    """The loss of each sample; the weights may have an axis of samples before their own."""
    h = x.reshape(len(x), 1, -1)  # (N, 1, 784)
    h = tg.relu(h @ params["hidden"]["weight"] + params["hidden"]["bias"])
    scores = (h @ params["out"]["weight"] + params["out"]["bias"]).reshape(len(x), 10)
    return tg.cross_entropy(scores, labels, reduction="none")


def per_sample(params: Any, x: np.ndarray, labels: np.ndarray) -> Any:
    zeros = tg.tree.map(lambda p: np.zeros((len(x), *np.atleast_2d(p).shape), p.dtype), params)

    def total(zeros: Any) -> Any:
        return losses(tg.tree.map(lambda p, z: p + z, params, zeros), x, labels).sum()

    return tg.grad(total)(zeros)


def main(argv: Sequence[str] | None = None) -> float:
    args = settings(__doc__, argv, lr=0.02, out="wrong_labels.png")
    rng = np.random.default_rng(args.seed)
    (images, right), _ = data.digits(args.samples, n_test=0)
    labels = right.copy()
    wrong = rng.choice(args.samples, args.samples // 50, replace=False)
    labels[wrong] = (right[wrong] + rng.integers(1, 10, len(wrong))) % 10

    layers = {"hidden": nn.Dense(784, 32), "out": nn.Dense(32, 10)}
    params = {name: layer.init(rng)[0] for name, layer in layers.items()}
    optimizer = tg.optim.SGD(params, lr=args.lr, momentum=0.9)
    for _ in range(6):
        for x, y in data.batches((images, labels), args.batch_size, rng):
            optimizer.step(tg.grad(lambda p, x=x, y=y: losses(p, x, y).mean())(params))

    parts = data.batches((images, labels), 100)
    norms = np.concatenate([norms_of(per_sample(params, x, y)) for x, y in parts])
    suspects = np.argsort(-norms)[: max(len(wrong), 1)]
    found = float(np.isin(suspects, wrong).mean())
    print(
        f"{len(wrong)} labels are wrong, and {found:.0%} of the {len(suspects)} largest gradients are theirs"
    )
    save(picture(images[suspects], right[suspects], labels[suspects]), args.out)
    return found


def picture(images: np.ndarray, right: np.ndarray, labels: np.ndarray) -> Figure:
    figure = Figure(figsize=(5, 5.5), layout="constrained")
    for axes, image, digit, label in zip(figure.subplots(3, 4).flat, images, right, labels, strict=False):
        axes.imshow(image[0], cmap="gray")
        axes.set_title(
            f"{digit}, labelled {label}", fontsize="small", weight="bold" if digit != label else None
        )
        axes.set_axis_off()
    return figure


def norms_of(grads: Any) -> np.ndarray:
    return np.sqrt(sum((g.reshape(len(g), -1) ** 2).sum(1) for g in tg.tree.leaves(grads)))


if __name__ == "__main__":
    main()
