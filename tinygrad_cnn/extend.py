"""All names that the author of an operation needs, in one place.

`primitive` makes an operation of a NumPy function, and its ``defvjp`` takes the gradient rules. `raw` takes
the array out of a `Tensor`, for a value that a rule treats as a constant. `check_grads` and `OpCase` prove
the rules right. docs/adding_an_op.md goes from an idea to a tested operation.

The gradient of a composite function is overridden in the same way, by a primitive whose body calls other
operations. They receive ndarrays there, so nothing inside is recorded and the rule alone decides.

Examples
--------
>>> import numpy as np
>>> import tinygrad_cnn as tg
>>> @primitive
... def reverse_gradient(x):
...     return np.array(x)
>>> reverse_gradient.defvjp(x=lambda g: -g)
>>> tg.grad(lambda x: reverse_gradient(x) ** 2)(3.0)
array(-6.)
"""

from .tape import primitive, raw
from .tensor import Tensor
from .testing import OpCase, check_grads

__all__ = ["OpCase", "Tensor", "check_grads", "primitive", "raw"]


def __dir__() -> list[str]:
    return __all__
