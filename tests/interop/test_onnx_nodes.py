"""The operators of ONNX give the numbers of its reference, and of the cases that it has for each of them."""

import warnings

import numpy as np
import pytest

from tinygrad_cnn.interop import onnx as exchange

onnx = pytest.importorskip("onnx", reason="the package onnx (the extra 'onnx')")
reference = pytest.importorskip("onnx.reference")

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


F = np.random.default_rng(0).standard_normal
IMAGE, KERNEL = F((2, 4, 7, 6)).astype(np.float32), F((4, 2, 3, 3)).astype(np.float32)
ROW = np.array([1, -2, 0, 3])
SAMPLE = {
    "Conv": ([IMAGE, KERNEL], {"group": 2, "pads": [1, 0, 0, 2], "strides": [2, 1]}),
    "ConvTranspose": (
        [IMAGE, F((4, 3, 3, 3)).astype(np.float32)],
        {"strides": [2, 2], "output_padding": [1, 0]},
    ),
    "MaxPool": ([IMAGE], {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]}),
    "AveragePool": ([IMAGE], {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "count_include_pad": 1}),
    "BatchNormalization": ([IMAGE, *np.abs(F((4, 4))).astype(np.float32)], {"epsilon": 0.1}),
    "LayerNormalization": ([IMAGE, F((7, 6)).astype(np.float32)], {"axis": -2}),
    "Gemm": ([F((3, 4)), F((5, 4)), F(5)], {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    "ReduceMean": ([IMAGE, np.array([1, -1])], {"keepdims": 0}),
    "ReduceLogSumExp": ([IMAGE, np.array([2])], {}),
    "ArgMax": ([IMAGE], {"axis": 2, "keepdims": 0, "select_last_index": 1}),
    "CumSum": ([IMAGE, np.array(3)], {"exclusive": 1, "reverse": 1}),
    "Div": ([ROW, np.array([2, 3, 5, -2])], {}),
    "Mod": ([ROW, np.array([2, 3, 5, -2])], {"fmod": 1}),
    "Slice": ([IMAGE, np.array([5, -1]), np.array([-9, 1]), np.array([2, 3]), np.array([-2, -1])], {}),
    "Pad": ([IMAGE, np.array([0, 0, 1, 0, 0, 1, 2, 0]), np.array(1.5, np.float32)], {}),
    "Reshape": ([IMAGE, np.array([0, -1, 3])], {}),
    "Split": ([IMAGE], {"axis": 2, "num_outputs": 1}),
    "Gather": ([IMAGE, np.array([[0, -1]])], {"axis": 3}),
    "GatherElements": ([IMAGE, np.zeros((2, 4, 1, 6), np.int64)], {"axis": 2}),
    "ScatterND": ([IMAGE, np.array([[1, 2], [0, 3]]), F((2, 7, 6)).astype(np.float32)], {}),
    "Trilu": ([IMAGE, np.array(1)], {"upper": 0}),
    "Softmax": ([IMAGE], {"axis": 1}),
    "Resize": ([IMAGE, None, np.array([1, 1, 2, 1.5], np.float32)], {"mode": "linear"}),
    "DepthToSpace": ([IMAGE], {"blocksize": 2, "mode": "CRD"}),
}


@pytest.mark.parametrize("op", SAMPLE)
def test_an_operator_computes_what_the_reference_does(op):
    arrays, attributes = SAMPLE[op]
    helper = onnx.helper
    names = ["" if x is None else f"x{i}" for i, x in enumerate(arrays)]
    given = {name: x for name, x in zip(names, arrays, strict=True) if name}
    node = helper.make_node(op, names, ["y"], **attributes)
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in given.items()
    ]
    result = helper.make_tensor_value_info("y", infos[0].type.tensor_type.elem_type, None)
    model = helper.make_model(
        helper.make_graph([node], "g", infos, [result]), opset_imports=[helper.make_opsetid("", 18)]
    )
    network, params, state = exchange.load(model)
    (expected,) = reference.ReferenceEvaluator(model).run(None, given)
    found, _ = network(params, state, *given.values())
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


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
