"""The sharpest direction of a loss: the top eigenvalue of its Hessian, by products with it alone."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from settings import settings

import tinygrad_cnn as tg
from tinygrad_cnn import data, nn

MODEL = nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Dense(49, 4), tg.tanh, nn.Dense(4, 10))


def top_eigenvalue(loss: Callable[[Any], Any], v: np.ndarray, rng: np.random.Generator) -> float:
    """Multiply a vector by the Hessian again and again, until only its sharpest direction is left."""
    direction = rng.standard_normal(v.shape)
    eigenvalue, before = 0.0, np.inf
    while abs(eigenvalue - before) > 1e-9 * abs(eigenvalue):
        direction /= np.linalg.norm(direction)
        product = tg.hvp(loss, [v], [direction])
        before, eigenvalue = eigenvalue, float(direction @ product)
        direction = product
    return eigenvalue


def main(argv: Sequence[str] | None = None) -> tuple[float, np.ndarray, Callable[[Any], Any]]:
    args = settings(__doc__, argv, batch_size=None, lr=0.5)
    rng = np.random.default_rng(args.seed)
    (images, labels), _ = data.digits(args.samples, n_test=0)
    params, state = MODEL.init(rng, dtype=np.float64)
    vector, tree_of = tg.tree.ravel(params)

    def loss(v: Any) -> Any:
        return tg.cross_entropy(MODEL(tree_of(v), state, images.astype(float))[0], labels)

    print("steps   loss   top eigenvalue   the rate below which a step does not overshoot")
    for steps in range(0, 101, 50):
        eigenvalue = top_eigenvalue(loss, vector, rng)
        print(f"{steps:5d}  {loss(vector):5.3f}   {eigenvalue:14.4f}   {2 / eigenvalue:.4f}")
        for _ in range(50 if steps < 100 else 0):
            vector = vector - args.lr * tg.grad(loss)(vector)
    return eigenvalue, vector, loss


if __name__ == "__main__":
    main()
