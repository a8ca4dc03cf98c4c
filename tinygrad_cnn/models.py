"""The networks that the command trains: functions of the shape of an image and the number of classes."""

from __future__ import annotations

from collections.abc import Callable

from . import nn

__all__ = ["MODELS", "baseline", "baseline_bn", "lenet", "resnet8"]

Shape = tuple[int, int, int]


def __dir__() -> list[str]:
    return __all__


def _check(name: str, shape: Shape, least: int) -> None:
    """Raise a ValueError if nothing would be left of an image behind the last pooling."""
    if min(shape[1:]) < least:
        rows, columns = shape[1:]
        raise ValueError(f"{name}: shape: expected at least {least} rows and columns, got {rows} x {columns}")


def baseline(shape: Shape = (1, 28, 28), classes: int = 10) -> nn.Sequential:
    """Two convolutions and two dense layers.

    Parameters
    ----------
    shape : tuple of int
        The channels, the rows and the columns of an image; at least 4 rows and columns.
    classes : int
        The number of classes.

    Returns
    -------
    Sequential
        For the default shape ``Conv 1->8, ReLU, MaxPool, Conv 8->16, ReLU, MaxPool, Flatten, Dense 784->128,
        ReLU, Dense 128->10`` with kernels of 3x3, padding 1 and pooling 2x2.

    Raises
    ------
    ValueError
        If the images are smaller than that.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_cnn import tree
    >>> params, state = baseline().init(np.random.default_rng(0))
    >>> sum(array.size for array in tree.leaves(params)), state
    (103018, {})
    """
    return _baseline(shape, classes, normalized=False)


def baseline_bn(shape: Shape = (1, 28, 28), classes: int = 10) -> nn.Sequential:
    """`baseline` with batch normalisation between each convolution and its ReLU.

    Parameters
    ----------
    shape : tuple of int
        The channels, the rows and the columns of an image; at least 4 rows and columns.
    classes : int
        The number of classes.

    Returns
    -------
    Sequential

    Raises
    ------
    ValueError
        If the images are smaller than that.

    Examples
    --------
    >>> import numpy as np
    >>> params, state = baseline_bn().init(np.random.default_rng(0))
    >>> list(params), list(state)
    (['conv1', 'norm1', 'conv2', 'norm2', 'dense1', 'dense2'], ['norm1', 'norm2'])
    """
    return _baseline(shape, classes, normalized=True)


def _baseline(shape: Shape, classes: int, *, normalized: bool) -> nn.Sequential:
    _check("baseline-bn" if normalized else "baseline", shape, 4)
    channels, height, width = shape

    def block(number: int, before: int, after: int) -> dict[str, nn.Layer]:
        norm = {f"norm{number}": nn.BatchNorm2d(after)} if normalized else {}  # it has a bias of its own
        return {
            f"conv{number}": nn.Conv2d(before, after, 3, padding=1, bias=not normalized),
            **norm,
            f"relu{number}": nn.ReLU(),
            f"pool{number}": nn.MaxPool2d(2),
        }

    return nn.Sequential(
        **block(1, channels, 8),
        **block(2, 8, 16),
        flatten=nn.Flatten(),
        dense1=nn.Dense(16 * (height // 4) * (width // 4), 128),
        relu3=nn.ReLU(),
        dense2=nn.Dense(128, classes),
    )


def lenet(shape: Shape = (1, 28, 28), classes: int = 10) -> nn.Sequential:
    """LeNet-5 (LeCun et al. 1998), with rectifiers and maximum pooling as it is mostly built now.

    Parameters
    ----------
    shape : tuple of int
        The channels, the rows and the columns of an image; at least 12 rows and columns.
    classes : int
        The number of classes.

    Returns
    -------
    Sequential

    Raises
    ------
    ValueError
        If the images are smaller than that.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_cnn import tree
    >>> params, _ = lenet().init(np.random.default_rng(0))
    >>> sum(array.size for array in tree.leaves(params))
    61706
    """
    _check("lenet", shape, 12)
    channels, height, width = shape
    return nn.Sequential(
        conv1=nn.Conv2d(channels, 6, 5, padding=2),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(6, 16, 5),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        dense1=nn.Dense(16 * ((height // 2 - 4) // 2) * ((width // 2 - 4) // 2), 120),
        relu3=nn.ReLU(),
        dense2=nn.Dense(120, 84),
        relu4=nn.ReLU(),
        dense3=nn.Dense(84, classes),
    )


def resnet8(shape: Shape = (1, 28, 28), classes: int = 10) -> nn.Sequential:
    """Three residual blocks of 16, 32 and 64 channels, the second and the third at half the resolution.

    It is the smallest of the networks of He et al. 2016, section 4.2, with one block in the place of each
    three and convolutions of size 1 as shortcuts.

    Parameters
    ----------
    shape : tuple of int
        The channels, the rows and the columns of an image.
    classes : int
        The number of classes.

    Returns
    -------
    Sequential

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_cnn import tree
    >>> params, _ = resnet8().init(np.random.default_rng(0))
    >>> sum(array.size for array in tree.leaves(params))
    77754
    """
    return nn.Sequential(
        conv=nn.Conv2d(shape[0], 16, 3, padding=1, bias=False),
        norm=nn.BatchNorm2d(16),
        relu=nn.ReLU(),
        block1=_residual(16, 16, stride=1),
        relu1=nn.ReLU(),
        block2=_residual(16, 32, stride=2),
        relu2=nn.ReLU(),
        block3=_residual(32, 64, stride=2),
        relu3=nn.ReLU(),
        pool=nn.GlobalAvgPool2d(),
        flatten=nn.Flatten(),
        dense=nn.Dense(64, classes),
    )


def _residual(before: int, after: int, *, stride: int) -> nn.Residual:
    """Make a block of two convolutions; its shortcut is a convolution too where it changes the shape."""
    block = nn.Sequential(
        conv1=nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        norm1=nn.BatchNorm2d(after),
        relu=nn.ReLU(),
        conv2=nn.Conv2d(after, after, 3, padding=1, bias=False),
        norm2=nn.BatchNorm2d(after),
    )
    if stride == 1:
        return nn.Residual(block)
    around = nn.Sequential(
        conv=nn.Conv2d(before, after, 1, stride=stride, bias=False), norm=nn.BatchNorm2d(after)
    )
    return nn.Residual(block, around)


MODELS: dict[str, Callable[..., nn.Sequential]] = {
    "baseline": baseline,
    "baseline-bn": baseline_bn,
    "lenet": lenet,
    "resnet8": resnet8,
}
"""The networks by the names that the command line knows them by."""
