"""Activations of pieces and their kin: what they refuse, and their limits."""

import numpy as np
import pytest

import tinygrad_cnn as tg


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda: tg.glu(np.ones((2, 3))),
            ValueError,
            r"glu: x: expected an even length along axis 1, got .*\(2, 3\)",
        ),
        (lambda: tg.glu(np.ones(2), axis=1), ValueError, "glu: axis"),
        (
            lambda: tg.prelu(np.ones((2, 3)), np.ones(2)),
            ValueError,
            r"prelu: weight: .* x \(2, 3\), got \(2,\)",
        ),
        (lambda: tg.prelu(np.ones(3), np.ones(3)), ValueError, "prelu: weight: expected"),
        (
            lambda: tg.hardtanh(1.0, min_val=1.0),
            ValueError,
            "hardtanh: expected min_val below max_val, got 1.0",
        ),
        (lambda: tg.hardshrink(1.0, lambd=-1.0), ValueError, "hardshrink: lambd: .* not below 0, got -1.0"),
        (lambda: tg.softshrink(1.0, lambd="1"), TypeError, "softshrink: lambd: .*, got '1'"),
        (lambda: tg.threshold(1.0, None, 0.0), TypeError, "threshold: threshold: expected a number"),
    ],
)
def test_activations_name_what_they_refuse(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    ("activation", "below"),
    [
        (tg.relu6, 0), (tg.hardsigmoid, 0), (tg.hardswish, 0), (tg.softshrink, -np.inf), (tg.mish, 0),
        (tg.softsign, -1), (tg.tanhshrink, -np.inf), (tg.selu, -1.7580993408473766),
    ],
)  # fmt: skip
def test_activations_have_their_limits_and_keep_nan(activation, below):
    assert activation(np.array([-np.inf, np.nan])).tolist() == pytest.approx([below, np.nan], nan_ok=True)
