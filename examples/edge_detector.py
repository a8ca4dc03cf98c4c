"""A convolution that learns to find edges, from images and their edges alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from settings import save, settings

import tinygrad_cnn as tg
from tinygrad_cnn import data, plot

SOBEL = np.array([[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]]], np.float32) / 4


def loss(weight: Any, x: np.ndarray, edges: np.ndarray) -> Any:
    return tg.mse_loss(tg.conv2d(x, weight, padding=1), edges)


def main(argv: Sequence[str] | None = None) -> np.ndarray:
    args = settings(__doc__, argv, lr=0.05, out="edges.png")
    rng = np.random.default_rng(args.seed)
    (images, _), _ = data.digits(args.samples, n_test=0)
    weight = rng.standard_normal(SOBEL.shape).astype(np.float32)
    first = weight.copy()
    optimizer = tg.optim.Adam(weight, lr=args.lr)
    for _ in range(4):
        for (x,) in data.batches((images,), args.batch_size, rng):
            optimizer.step(tg.grad(loss)(weight, x, tg.conv2d(x, SOBEL, padding=1)))
    print(f"Sobel's kernel\n{SOBEL[0, 0]}\nwhat was learned\n{weight[0, 0].round(3)}")
    kernels: dict[str, np.ndarray] = {"Sobel's edges": SOBEL, "before": first, "learned": weight}
    maps = {name: tg.conv2d(images[:1], kernel, padding=1)[0] for name, kernel in kernels.items()}
    save(plot.feature_maps(images[0], maps), args.out)
    return weight


if __name__ == "__main__":
    main()
