"""The memory order that the kernels are fast on holds through a whole training step."""

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.tape import reverse


def is_batch_last(array):
    return array.transpose(1, 2, 3, 0).flags.c_contiguous


@pytest.mark.parametrize("name", ["baseline", "baseline-bn"])
def test_every_image_and_cotangent_on_the_tape_is_batch_last(name, monkeypatch):
    model = tg.models.MODELS[name]()
    params, state = model.init(np.random.default_rng(0))
    images = np.random.default_rng(1).random((5, 1, 28, 28), dtype=np.float32)
    seen = []
    pull = reverse.pull

    def noting_pull(node, edge, parent, g, values):
        result = pull(node, edge, parent, g, values)
        weight = node.plan.primitive.operands[edge.position] == "weight"
        seen.append((node.primitive.name, "g", g))
        if not weight:
            seen.append((node.primitive.name, "result", result))
        seen.extend((node.primitive.name, n, v) for n, v in node.saved.items() if n != "weight")
        return result

    monkeypatch.setattr(reverse, "pull", noting_pull)

    def loss(p):
        return tg.cross_entropy(model(p, state, images, train=True)[0], np.arange(5))

    tg.grad(loss)(params)
    four_dimensional = [s for s in seen if np.ndim(s[2]) == 4 and s[2] is not images]
    assert len(four_dimensional) > 20
    assert [(op, what) for op, what, array in four_dimensional if not is_batch_last(array)] == []


def test_the_gradient_of_flattened_images_keeps_their_memory_order():
    images = np.ones((2, 3, 4, 5), np.float32).transpose(3, 0, 1, 2)  # batch-last
    flat = images.reshape(5, -1)
    weight = np.ones((24, 7), np.float32)
    gradient = tg.vjp(tg.matmul, flat, weight)[1](np.ones((5, 7), np.float32))[0]
    assert flat.flags.f_contiguous
    assert gradient.flags.f_contiguous
