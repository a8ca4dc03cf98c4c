"""Signals that ask a training to stop: it completes the step that it is in."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .trainer import Trainer

__all__ = ["stop_on_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals(trainer: Trainer) -> Iterator[list[int]]:
    """Let Ctrl-C and SIGTERM stop a trainer inside the block, after the step that it is in.

    A second signal acts as it did before the block, which for Ctrl-C is a KeyboardInterrupt at once. Outside
    of the main thread, where Python hands on no signals, the block does nothing.

    Parameters
    ----------
    trainer : Trainer
        The trainer to stop.

    Yields
    ------
    list of int
        The signals that came, which fills meanwhile.

    Examples
    --------
    >>> import signal
    >>> import numpy as np
    >>> from tinygrad_cnn import nn, optim
    >>> params, state = nn.Dense(2, 2).init(np.random.default_rng(0))
    >>> trainer = Trainer(nn.Dense(2, 2), optim.SGD(params, lr=0.5), state, np.random.default_rng(0))
    >>> with stop_on_signals(trainer) as came:
    ...     signal.raise_signal(signal.SIGTERM)
    >>> history = trainer.fit((np.ones((1, 2), np.float32), np.array([0])), epochs=1, batch_size=1)
    >>> trainer.stopped, len(history), came == [signal.SIGTERM]
    ('SIGTERM', 0, True)
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle(number: int, frame: Any) -> None:
        came.append(number)
        trainer.stop(signal.Signals(number).name)
        for again, handler in before.items():
            signal.signal(again, handler)

    for number in _SIGNALS:
        signal.signal(number, handle)
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
