"""A network that several examples look into: the baseline, trained on generated digits."""

import argparse

import numpy as np

from tinygrad_cnn import data, models, optim, train


def trained(args: argparse.Namespace) -> tuple[train.Trainer, data.Dataset]:
    """Train the baseline for three epochs; return its trainer, and digits that it has not seen."""
    model, rng = models.baseline(), np.random.default_rng(args.seed)
    digits, test = data.digits(args.samples, n_test=max(args.samples // 4, 10))
    params, state = model.init(rng)
    trainer = train.Trainer(model, optim.SGD(params, args.lr, momentum=0.9), state, rng)
    trainer.fit(digits, epochs=3, batch_size=args.batch_size)
    return trainer, test
