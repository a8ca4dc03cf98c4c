"""A training step of the baseline network against PyTorch eager: same run, same data, same threads.

The two take turns, step by step, so that whatever else the machine does meets both; medians are compared.

    python tests/bench/bench_step.py --threads 1 --batch-sizes 1 8 32 64 128 256

Needs torch (the extra ``peers``).
"""

import argparse
import os
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8, 32, 64, 128, 256])
parser.add_argument(
    "--repeats", type=int, default=0, help="steps of each; by default enough for a stable median"
)
options = parser.parse_args()
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(options.threads)  # read once, when the libraries are loaded

import numpy as np  # noqa: E402
import torch  # noqa: E402

import tinygrad_cnn as tg  # noqa: E402
from tinygrad_cnn.kernels.memory import keep_heap  # noqa: E402

LR, MOMENTUM = 0.01, 0.9


def our_step(images, labels):
    """A function that makes one step of ours on a batch."""
    model = tg.models.baseline()
    params, state = model.init(np.random.default_rng(0))
    optimizer = tg.optim.SGD(params, lr=LR, momentum=MOMENTUM)

    def loss(p):
        logits, new_state = model(p, state, images, train=True)
        return tg.cross_entropy(logits, labels), new_state

    loss_and_gradient = tg.value_and_grad(loss, has_aux=True)

    def step():
        _, grads = loss_and_gradient(params)
        optimizer.step(grads)

    return step


def torch_step(images, labels):
    """A function that makes one step of PyTorch's on a batch."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def seconds(function):
    """The wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compare(batch_size, repeats):
    """Median seconds of ours and theirs, in alternating steps on warm code."""
    rng = np.random.default_rng(0)
    images = rng.random((batch_size, 1, 28, 28), dtype=np.float32)
    labels = rng.integers(0, 10, batch_size)
    ours, theirs = our_step(images, labels), torch_step(images, labels)
    for _ in range(10):
        ours()
        theirs()
    times = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    return np.median(times, axis=0)


def main():
    """Print the table."""
    keep_heap()
    torch.set_num_threads(options.threads)
    print(f"numpy {np.__version__}, torch {torch.__version__}, {options.threads} thread(s) each")
    print(f"{'batch':>6} {'ours ms':>9} {'torch ms':>9} {'ratio':>7}")
    for batch_size in options.batch_sizes:
        repeats = options.repeats or max(25, 6000 // (batch_size + 20))
        ours, theirs = compare(batch_size, repeats)
        print(f"{batch_size:>6} {ours * 1e3:>9.3f} {theirs * 1e3:>9.3f} {ours / theirs:>7.2f}", flush=True)


if __name__ == "__main__":
    main()
