"""Training: the loop over mini-batches, the scores, saved models and the progress bar."""

from .checkpoint import Checkpoint, load, load_tree, read_metadata, save, save_tree
from .metrics import Score, accuracy, evaluate
from .progress import progress_bar
from .trainer import EpochResult, NonFiniteLossError, Trainer

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
