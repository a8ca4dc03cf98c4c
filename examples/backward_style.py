"""The ``.backward()`` style: parameters are tensors that collect their gradients."""

from collections.abc import Sequence

import numpy as np
from settings import report, settings

import tinygrad_cnn as tg
from tinygrad_cnn import data
from tinygrad_cnn.models import baseline


def main(argv: Sequence[str] | None = None) -> list[float]:
    args = settings(__doc__, argv)
    rng = np.random.default_rng(args.seed)
    model = baseline()
    arrays, state = model.init(rng)
    params = tg.tree.map(lambda array: tg.Tensor(array, requires_grad=True), arrays)
    optimizer = tg.optim.SGD(params, lr=args.lr)
    train, _ = data.digits(args.samples, n_test=0)
    losses = []
    for x, labels in data.batches(train, args.batch_size, rng):
        logits, state = model(params, state, x, train=True)
        loss = tg.cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    report(losses)
    return losses


if __name__ == "__main__":
    main()
