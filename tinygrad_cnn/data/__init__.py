"""Data sets: those that have a name, those of the user, generated digits; batches, and changed copies."""

from .arrays import read_csv, read_npz
from .augmentation import Crop, Elastic, Flip, InTurn, Rotate, Shift
from .batches import batches
from .cifar import cifar10
from .dataset import Dataset
from .digits import digits
from .fetching import fetch
from .idx import read_idx
from .mnist import fashion_mnist, kmnist, mnist
from .normalization import Normalization
from .pictures import read_folder, read_picture, scale_picture
from .preparation import prepare_digit
from .sources import Parts, read
from .splitting import split

__all__ = [
    "Crop",
    "Dataset",
    "Elastic",
    "Flip",
    "InTurn",
    "Normalization",
    "Parts",
    "Rotate",
    "Shift",
    "batches",
    "cifar10",
    "digits",
    "fashion_mnist",
    "fetch",
    "kmnist",
    "mnist",
    "prepare_digit",
    "read",
    "read_csv",
    "read_folder",
    "read_idx",
    "read_npz",
    "read_picture",
    "scale_picture",
    "split",
]


def __dir__() -> list[str]:
    return __all__
