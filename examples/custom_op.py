"""An operation of one's own, its gradient proved right, in a network: the snake of Ziyin et al. 2020.

snake(x, a) = x + sin(a x)^2 / a has a rule for each operand. It goes on with a wave where tanh stops.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from settings import save, settings

import tinygrad_cnn as tg
from tinygrad_cnn import testing


@tg.primitive(broadcasts=True)
def snake(x, a):
    return x + np.sin(a * x) ** 2 / a


snake.defvjp(
    x=lambda g, x, a: g * (1 + tg.sin(2 * a * x)),
    a=lambda g, x, a: g * (x * tg.sin(2 * a * x) / a - (tg.sin(a * x) / a) ** 2),
)


def fitted(
    activation: Callable[..., Any], steps: int, lr: float, rng: np.random.Generator
) -> Callable[..., Any]:
    """Fit a wave on [-4, 4] by a network of one hidden layer, whose units have a frequency each."""
    params = {"w": rng.standard_normal((1, 32)), "b": rng.standard_normal(32), "a": np.full(32, 1.0),
              "v": rng.standard_normal((32, 1)) / 6}  # fmt: skip

    def network(p: Any, x: Any) -> Any:
        return activation(x @ p["w"] + p["b"], p["a"]) @ p["v"]

    x = np.linspace(-4, 4, 80)[:, None]
    optimizer = tg.optim.Adam(params, lr=lr)
    for _ in range(steps):
        optimizer.step(tg.grad(lambda p: tg.mse_loss(network(p, x), wave(x)))(params))
    return lambda x: network(params, x)


def wave(x: np.ndarray) -> np.ndarray:
    return np.sin(2 * x) + 0.3 * x


def main(argv: Sequence[str] | None = None) -> dict[str, float]:
    args = settings(__doc__, argv, batch_size=None, lr=0.02, out="custom_op.png")
    rng = np.random.default_rng(args.seed)
    testing.check_grads(snake, rng.standard_normal((3, 4)), rng.uniform(0.5, 2.0, 4))
    print("the gradients of snake are those that differences give, to the second order")

    x = np.linspace(-7, 7, 200)[:, None]
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(x, wave(x), "-", linewidth=3, alpha=0.4, label="the wave, known on [-4, 4]")
    errors = {}
    for name, activation, dashes in (("snake", snake, "-"), ("tanh", lambda x, a: tg.tanh(x) * a, "--")):
        network = fitted(activation, args.samples, args.lr, np.random.default_rng(args.seed))
        axes.plot(x, network(x), dashes, label=name)
        errors[name] = float(tg.mse_loss(network(x), wave(x)))
        print(f"{name}: mean squared error {errors[name]:.3f} on [-7, 7]")
    axes.set_ylim(-5, 5)
    axes.legend(fontsize="small")
    save(figure, args.out)
    return errors


if __name__ == "__main__":
    main()
