"""The networks that the command line trains."""

from collections.abc import Callable

from . import nn

__all__ = ["MODELS", "baseline", "baseline_bn"]


def __dir__() -> list[str]:
    return __all__


def baseline() -> nn.Sequential:
    """Two convolutions and two dense layers, for images (N, 1, 28, 28) and ten classes.

    Returns
    -------
    Sequential
        ``Conv 1->8, ReLU, MaxPool, Conv 8->16, ReLU, MaxPool, Flatten, Dense 784->128, ReLU, Dense 128->10``
        with kernels of 3x3, padding 1 and pooling 2x2.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_cnn import tree
    >>> params, state = baseline().init(np.random.default_rng(0))
    >>> sum(array.size for array in tree.leaves(params)), state
    (103018, {})
    """
    return nn.Sequential(
        conv1=nn.Conv2d(1, 8, 3, padding=1),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(8, 16, 3, padding=1),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        dense1=nn.Dense(16 * 7 * 7, 128),
        relu3=nn.ReLU(),
        dense2=nn.Dense(128, 10),
    )


def baseline_bn() -> nn.Sequential:
    """`baseline` with batch normalisation between each convolution and its ReLU.

    Returns
    -------
    Sequential

    Examples
    --------
    >>> import numpy as np
    >>> params, state = baseline_bn().init(np.random.default_rng(0))
    >>> list(params), list(state)
    (['conv1', 'norm1', 'conv2', 'norm2', 'dense1', 'dense2'], ['norm1', 'norm2'])
    """
    return nn.Sequential(
        conv1=nn.Conv2d(1, 8, 3, padding=1, bias=False),  # the normalisation has a bias of its own
        norm1=nn.BatchNorm2d(8),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(8, 16, 3, padding=1, bias=False),
        norm2=nn.BatchNorm2d(16),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        dense1=nn.Dense(16 * 7 * 7, 128),
        relu3=nn.ReLU(),
        dense2=nn.Dense(128, 10),
    )


MODELS: dict[str, Callable[[], nn.Sequential]] = {"baseline": baseline, "baseline-bn": baseline_bn}
"""The networks by the names that the command line knows them by."""
