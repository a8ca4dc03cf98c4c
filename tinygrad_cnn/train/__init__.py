"""Training: the loop over mini-batches, the scores, saved models and the progress bar."""

from .checkpoint import Checkpoint, load, load_tree, read_metadata, save, save_tree
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
    "load_tree",
    "progress_bar",
    "read_metadata",
    "save",
    "save_tree",
]


def __dir__() -> list[str]:
    return __all__
