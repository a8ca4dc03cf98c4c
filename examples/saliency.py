"""What a network looks at: the gradient of a class's score by the pixels, SmoothGrad, and Grad-CAM."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from settings import save, settings
from trained import trained

from tinygrad_cnn import insight, plot


def main(argv: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    args = settings(__doc__, argv, lr=0.02, out="saliency.png")
    trainer, test = trained(args)
    model, params, state = trainer.model, trainer.params, trainer.state
    images = test.images[:4]

    def network(x: Any) -> Any:
        return model(params, state, x)[0]

    maps = {
        "gradient": insight.input_gradient(network, images),
        "SmoothGrad": insight.smooth_grad(network, images, np.random.default_rng(args.seed)),
        "Grad-CAM": insight.grad_cam(model, params, state, images),
    }
    save(plot.saliency(images, maps), args.out)
    return maps


if __name__ == "__main__":
    main()
