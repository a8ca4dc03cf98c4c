"""What the training loop costs besides training: checkpoints, metrics, the guard against NaN, and the bar.

Run it as ``python tests/bench/bench_training.py``. A bare loop and `Trainer.fit` take turns on the same
batches, and the median of the ratios of their processor times is printed.
"""

import statistics
import tempfile
import time

import numpy as np

import tinygrad_cnn as tg
from tinygrad_cnn import data, models, optim, train

ROUNDS, SAMPLES, BATCH, EVERY = 21, 6400, 64, 100


def new(model):
    params, state = model.init(np.random.default_rng(0))
    return params, state, optim.SGD(params, lr=0.01, momentum=0.9)


def bare(model, dataset):
    params, state, optimizer = new(model)

    def loss(p, s, x, labels):
        logits, s = model(p, s, x, train=True)
        return tg.cross_entropy(logits, labels), s

    step = tg.value_and_grad(loss, has_aux=True)
    for x, labels in data.batches(dataset, BATCH, np.random.default_rng(0)):
        (_, state), grads = step(params, state, x, labels)
        optimizer.step(grads)


def full(model, dataset, folder):
    _, state, optimizer = new(model)
    trainer = train.Trainer(model, optimizer, state, np.random.default_rng(0))
    checkpoints = train.Checkpoints(folder, keep=2)
    with train.progress_bar(SAMPLES // BATCH, "epoch") as advance:

        def on_step(t):
            advance(1)
            if t.updates % EVERY == 0:
                checkpoints.save(t.checkpoint({"seed": 0}))

        trainer.fit(dataset, epochs=1, batch_size=BATCH, on_step=on_step)


def seconds(function, *args):
    start = time.process_time()
    function(*args)
    return time.process_time() - start


def main():
    tg.tune(threads=1)
    dataset = data.digits(SAMPLES, 0)[0]
    for name in ("baseline", "baseline-bn"):
        model = models.MODELS[name]()
        with tempfile.TemporaryDirectory() as folder:
            bare(model, dataset)
            pairs = [
                (seconds(bare, model, dataset), seconds(full, model, dataset, folder)) for _ in range(ROUNDS)
            ]
        ratio = statistics.median(b / a for a, b in pairs)
        print(f"{name:12} {ratio - 1:+.1%}, a checkpoint every {EVERY} steps")


if __name__ == "__main__":
    main()
