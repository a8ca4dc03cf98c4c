"""Training: the loop over mini-batches, scores, files of trees, checkpoints, and the progress bar."""

from .averaging import MovingAverage
from .checkpoint import Checkpoint
from .finite import NonFiniteLossError
from .history import History
from .metrics import Score, accuracy, confusion_matrix, evaluate, score
from .progress import progress_bar
from .rotation import Checkpoints
from .saved_model import SavedModel
from .saving import load, read_metadata, save
from .signals import stop_on_signals
from .tensorboard import tensorboard
from .trainer import Trainer

__all__ = [
    "Checkpoint",
    "Checkpoints",
    "History",
    "MovingAverage",
    "NonFiniteLossError",
    "SavedModel",
    "Score",
    "Trainer",
    "accuracy",
    "confusion_matrix",
    "evaluate",
    "load",
    "progress_bar",
    "read_metadata",
    "save",
    "score",
    "stop_on_signals",
    "tensorboard",
]


def __dir__() -> list[str]:
    return __all__
