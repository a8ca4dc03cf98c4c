"""Pictures, by matplotlib: of a run, of a network's filters and feature maps, and of what it looks at.

Each function draws numbers that others have computed, and returns the figure, which a notebook shows and
``savefig`` writes. Colours, fonts and sizes follow ``matplotlib.rcParams``, so a style such as
``dark_background`` holds for them all; no state of pyplot is used. A figure is five inches wide and grows
downwards, as a small screen wants it, and nothing is told by colour alone.
"""

import importlib.util

if importlib.util.find_spec("matplotlib") is None:
    raise ImportError("tinygrad_cnn.plot needs matplotlib: pip install 'tinygrad-cnn[plot]'")

from .attention import adversarial, saliency
from .curves import curves, losses_between
from .images import feature_maps, filters, mistakes
from .matrix import confusion_matrix

__all__ = [
    "adversarial",
    "confusion_matrix",
    "curves",
    "feature_maps",
    "filters",
    "losses_between",
    "mistakes",
    "saliency",
]


def __dir__() -> list[str]:
    return __all__
