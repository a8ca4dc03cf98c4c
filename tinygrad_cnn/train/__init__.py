"""Training: the loop over mini-batches, the scores, saved models and the progress bar."""

from .checkpoint import Checkpoint, load, save
from .finite import NonFiniteLossError
from .metrics import Score, accuracy, evaluate
from .progress import progress_bar
from .trainer import EpochResult, Trainer

__all__ = [
    "Checkpoint",
    "EpochResult",
    "NonFiniteLossError",
    "Score",
    "Trainer",
    "accuracy",
    "evaluate",
    "load",
    "progress_bar",
    "save",
]


def __dir__() -> list[str]:
    return __all__
