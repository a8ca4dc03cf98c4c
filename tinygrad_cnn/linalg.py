"""Linear algebra, under the names of `numpy.linalg`.

Matrices stand in the last two axes, and the axes before them count matrices. As for NumPy, they are of single
or double precision, not halves.

Examples
--------
>>> import numpy as np
>>> import tinygrad_cnn as tg
>>> a, b = np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([2.0, 3.0])
>>> tg.grad(lambda b: tg.sum(tg.linalg.solve(a, b)))(b)
array([0., 1.])
"""

from .ops.chains import matrix_power, multi_dot
from .ops.determinants import det, slogdet
from .ops.factorizations import cholesky, eigh, eigvalsh, qr, svd, svdvals
from .ops.least_squares import lstsq, pinv
from .ops.norms import norm
from .ops.solving import inv, solve

__all__ = [
    "cholesky",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matrix_power",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
]
