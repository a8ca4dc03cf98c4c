"""A network that is trained in seconds, for a page that was given none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import data, models, optim
from ..train import SavedModel, Trainer

_SAMPLES, _EPOCHS, _BATCH = 4000, 3, 64


def quick_model(on_epoch: Callable[[int, int, float], None]) -> SavedModel:
    """Train the baseline with batch normalisation on generated digits.

    Parameters
    ----------
    on_epoch : callable
        It is told the number of the epoch, that of all epochs, and the accuracy on the training images.
    """
    images, labels = data.digits(_SAMPLES, 0)[0]
    normalization = data.Normalization.of(images)
    layer = models.baseline_bn()
    params, state = layer.init(np.random.default_rng(0))
    schedule = optim.Cosine(0.04, _EPOCHS * -(-_SAMPLES // _BATCH))
    optimizer = optim.SGD(params, schedule, momentum=0.9)
    trainer = Trainer(layer, optimizer, state, np.random.default_rng(0), average=0.98)
    trainer.fit(
        data.Dataset(normalization(images), labels),
        epochs=_EPOCHS,
        batch_size=_BATCH,
        on_epoch=lambda t: on_epoch(t.epoch, _EPOCHS, t.history[-1]["accuracy"]),
    )
    return SavedModel("baseline-bn", layer, *trainer.learned, normalization)
