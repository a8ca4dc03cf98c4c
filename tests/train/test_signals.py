"""A signal stops the trainer, a second one acts as before, and handlers are put back."""

import signal
import threading

import numpy as np
import pytest

from tinygrad_cnn import nn, optim
from tinygrad_cnn.train import Trainer, stop_on_signals


@pytest.fixture
def trainer():
    params, state = nn.Dense(2, 2).init(np.random.default_rng(0))
    return Trainer(nn.Dense(2, 2), optim.SGD(params, lr=0.1), state, np.random.default_rng(0))


@pytest.fixture
def interrupts():
    """A process in the background ignores Ctrl-C, which Python then does not turn into an error."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_the_first_stops_and_the_second_interrupts(trainer):
    def send(t):
        if t.updates == 2:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stop_on_signals(trainer) as came:
        trainer.fit((np.eye(2, dtype=np.float32), np.arange(2)), epochs=9, batch_size=1, on_step=send)
        assert (trainer.updates, trainer.stopped, came) == (2, "SIGINT", [signal.SIGINT])
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_outside_of_the_main_thread_nothing_is_handled(trainer):
    seen = []

    def work():
        with stop_on_signals(trainer) as came:
            seen.append((came, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [([], signal.getsignal(signal.SIGTERM))]
