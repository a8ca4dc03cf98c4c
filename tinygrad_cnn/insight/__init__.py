"""What a network does with an image: outputs of its layers, saliency, adversarial examples, mistakes."""

from .adversarial import fgsm
from .between import losses_between
from .layers import output_gradients, outputs
from .mistakes import worst_mistakes
from .saliency import grad_cam, input_gradient, smooth_grad

__all__ = [
    "fgsm",
    "grad_cam",
    "input_gradient",
    "losses_between",
    "output_gradients",
    "outputs",
    "smooth_grad",
    "worst_mistakes",
]


def __dir__() -> list[str]:
    return __all__
