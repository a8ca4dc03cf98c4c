"""The cases that ONNX itself has for each operator: whatever `load` accepts gives the numbers of the case."""

import warnings

import numpy as np
import pytest

from tinygrad_cnn.interop import onnx as exchange

onnx = pytest.importorskip("onnx", reason="the package onnx (the extra 'onnx')")

# The numbers of this case are sums of float16 in float16; ours are wider, as those of `tg.matmul` always are.
NARROW = {"test_attention_4d_causal_fp16_expanded"}


@pytest.fixture(scope="module")
def cases():
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_model_tests(kind="node")


def array_of(x):
    return onnx.numpy_helper.to_array(x) if isinstance(x, onnx.TensorProto) else x


def claimed(case):
    """Run a case, unless its model is not imported."""
    from onnx.backend.test.runner import Runner

    try:
        network, params, state = exchange.load(case.model)
    except ValueError:
        return False
    for inputs, outputs in case.data_sets:
        with np.errstate(all="ignore"):
            found, _ = network(params, state, *map(array_of, inputs))
        found = found if isinstance(found, tuple) else (found,)
        outputs = [array_of(x) for x in outputs]
        Runner.assert_similar_outputs(outputs, [np.asarray(x) for x in found], case.rtol, case.atol)
    return True


def test_a_sample_of_the_cases(cases):
    sample = [case for case in cases[::20] if case.name not in NARROW]
    assert sum(map(claimed, sample)) > len(sample) / 2


@pytest.mark.slow
def test_all_cases_that_are_claimed(cases):
    failed, count = [], 0
    for case in cases:
        if case.name in NARROW:
            continue
        try:
            count += claimed(case)
        except Exception as error:
            failed.append((case.name, str(error)[:200]))
    assert not failed
    assert count >= 1500
