"""SciPy's L-BFGS on a network: `tree.ravel` makes one vector of all parameters, and a tree of a vector."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize
from settings import settings

import tinygrad_cnn as tg
from tinygrad_cnn import data, nn

MODEL = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Dense(196, 16), tg.tanh, nn.Dense(16, 10))


def main(argv: Sequence[str] | None = None) -> dict[str, float]:
    args = settings(__doc__, argv, batch_size=None, lr=0.5)
    (images, labels), _ = data.digits(args.samples, n_test=0)
    params, state = MODEL.init(np.random.default_rng(args.seed), dtype=np.float64)
    start, tree_of = tg.tree.ravel(params)

    def loss(vector: Any, x: np.ndarray, labels: np.ndarray) -> Any:
        weights = sum((w**2).sum() for w in tg.tree.leaves(tree_of(vector)))
        return tg.cross_entropy(MODEL(tree_of(vector), state, x)[0], labels) + 1e-4 * weights

    value_and_grad = tg.compile(tg.value_and_grad(loss))
    samples = (images.astype(float), labels)
    found = minimize(value_and_grad, start, samples, jac=True, method="L-BFGS-B", options={"maxiter": 60})
    vector = start
    for _ in range(found.nfev):
        vector = vector - args.lr * value_and_grad(vector, *samples)[1]
    vectors = {"start": start, "descent": vector, "L-BFGS": found.x}
    losses = {name: float(loss(v, *samples)) for name, v in vectors.items()}
    print(f"loss after {found.nfev} evaluations of the gradient")
    for name, value in losses.items():
        print(f"{name:8s} {value:.6f}")
    return losses


if __name__ == "__main__":
    main()
