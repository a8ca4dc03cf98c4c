"""Learning to learn (MAML, Finn et al. 2017): parameters from which one step of descent fits a new sine."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from settings import save, settings

import tinygrad_cnn as tg
from tinygrad_cnn import nn

MODEL = nn.Sequential(nn.Dense(1, 32), tg.tanh, nn.Dense(32, 32), tg.tanh, nn.Dense(32, 1))
INNER_RATE = 0.05


def sine(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw a task: twenty points of a sine of its own height and phase."""
    height, phase = rng.uniform(0.5, 2.0), rng.uniform(0, np.pi)
    x = rng.uniform(-3, 3, (20, 1))
    return x, height * np.sin(x + phase)


def loss(params: Any, x: Any, y: Any) -> Any:
    return tg.mse_loss(MODEL(params, {}, x)[0], y)


def adapted(params: Any, x: Any, y: Any) -> Any:
    """Make one step of descent; the outer gradient goes through it, since gradients are recorded too."""
    grads = tg.grad(loss)(params, x, y)
    return tg.tree.map(lambda p, g: p - INNER_RATE * g, params, grads)


def loss_after(params: Any, tasks: Any) -> Any:
    """The loss on the second half of each task's points, after a step on the first half."""
    return sum(loss(adapted(params, x[:10], y[:10]), x[10:], y[10:]) for x, y in tasks) / len(tasks)


def main(argv: Sequence[str] | None = None) -> tuple[float, float]:
    args = settings(__doc__, argv, lr=0.003, out="maml.png")
    rng = np.random.default_rng(args.seed)
    params, _ = MODEL.init(rng, dtype=np.float64)
    new_tasks = [sine(rng) for _ in range(50)]
    before = float(loss_after(params, new_tasks))
    optimizer = tg.optim.Adam(params, lr=args.lr)
    for _ in range(args.samples // args.batch_size):
        optimizer.step(tg.grad(loss_after)(params, [sine(rng) for _ in range(args.batch_size)]))
    after = float(loss_after(params, new_tasks))
    print(f"loss on new sines after one step on ten points: {before:.3f} untrained, {after:.3f} learned")
    save(picture(params, new_tasks[0]), args.out)
    return before, after


def picture(params: Any, task: tuple[np.ndarray, np.ndarray]) -> Figure:
    x, y = task
    line = np.linspace(-3, 3, 100)[:, None]
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(line, MODEL(params, {}, line)[0], "C0:", label="what was learned from other sines")
    axes.plot(line, MODEL(adapted(params, x[:10], y[:10]), {}, line)[0], "C1-", label="after one step")
    axes.plot(x[:10], y[:10], "C1o", label="ten points of a new sine")
    axes.plot(x[10:], y[10:], "C0x", label="ten more, not shown to it")
    axes.legend(fontsize="small")
    return figure


if __name__ == "__main__":
    main()
