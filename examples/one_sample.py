"""The network trained one sample at a time, with the update written out: forward, loss, backward, update."""

from collections.abc import Sequence

import numpy as np
from settings import report, settings

import tinygrad_cnn as tg
from tinygrad_cnn import data
from tinygrad_cnn.models import baseline


def main(argv: Sequence[str] | None = None) -> list[float]:
    args = settings(__doc__, argv, batch_size=None)
    rng = np.random.default_rng(args.seed)
    model = baseline()
    arrays, state = model.init(rng)
    params = tg.tree.map(lambda array: tg.Tensor(array, requires_grad=True), arrays)
    train, _ = data.digits(args.samples, n_test=0)
    losses = []
    for i in rng.permutation(args.samples):
        logits, _ = model(params, state, train.images[i : i + 1], train=True)  # forward
        loss = tg.cross_entropy(logits, train.labels[i : i + 1])  # loss
        loss.backward()  # backward
        for p in tg.tree.leaves(params):  # update
            p.data -= args.lr * p.grad
            p.grad = None
        losses.append(loss.item())
    report(losses)
    return losses


if __name__ == "__main__":
    main()
