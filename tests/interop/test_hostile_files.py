"""Damaged, foreign and hostile files: a line of error, nothing loaded in part, and no code that runs."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from tinygrad_cnn import models
from tinygrad_cnn.interop import onnx as exchange
from tinygrad_cnn.interop import torch as bridge


def weights():
    layer = models.lenet((1, 12, 12), 3)
    return layer, *layer.init(np.random.default_rng(0))


def torch_file(tmp_path):
    path = tmp_path / "w.pt"
    bridge.save(path, bridge.from_layer(*weights()))
    return path.read_bytes()


def safetensors_file(tmp_path):
    path = tmp_path / "w.safetensors"
    bridge.save(path, bridge.from_layer(*weights()))
    return path.read_bytes()


def onnx_file(tmp_path):
    pytest.importorskip("onnx", reason="the package onnx (the extra 'onnx')")
    layer, params, state = weights()
    return exchange.export(layer, (params, state), (np.ones((1, 1, 12, 12), np.float32),)).SerializeToString()


FORMATS = {
    "pt": (torch_file, bridge.load),
    "safetensors": (safetensors_file, bridge.load),
    "onnx": (onnx_file, exchange.load),
}


def mutated(body, rng):
    """Change, cut, repeat or move some bytes, mostly where the structure is."""
    body = bytearray(body)
    ends = np.concatenate([np.arange(min(4000, len(body))), np.arange(max(len(body) - 4000, 0), len(body))])
    for _ in range(rng.integers(1, 4)):
        i = int(rng.choice(ends)) % max(len(body), 1)
        kind = rng.integers(5)
        if kind <= 1:
            body[i : i + 1] = bytes([rng.integers(256)])
        elif kind == 2:
            del body[i : i + int(rng.integers(1, 200))]
        elif kind == 3:
            body[i:i] = body[i : i + int(rng.integers(1, 50))]
        else:
            body[i : i + 8] = rng.bytes(8)
    return bytes(body)


def check_mutations(form, tmp_path, count):
    make, load = FORMATS[form]
    body, path, refused = make(tmp_path), tmp_path / f"mutated.{form}", 0
    rng = np.random.default_rng(count)
    for _ in range(count):
        path.write_bytes(mutated(body, rng))
        complaint = None
        try:
            load(path)
        except ValueError as error:
            complaint = str(error)
        if complaint is not None:
            assert "\n" not in complaint
            assert str(path) in complaint
            refused += 1
    assert refused > count / 4


@pytest.mark.parametrize("form", FORMATS)
def test_a_mutated_file_is_refused_in_one_line_or_read_whole(form, tmp_path):
    check_mutations(form, tmp_path, 100)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_ten_thousand_mutated_files_are_refused_in_one_line_or_read_whole(form, tmp_path):
    check_mutations(form, tmp_path, 10_000)


class Hostile:
    def __init__(self, call, *args):
        self.call = call, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("call", [os.mkdir, eval, exec])
def test_code_in_a_pickle_does_not_run(call, protocol, tmp_path):
    target = tmp_path / "ran"
    argument = str(target) if call is os.mkdir else f"__import__('os').mkdir({str(target)!r})"
    path = tmp_path / "bad.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bad/data.pkl", pickle.dumps({"w": Hostile(call, argument)}, protocol))
    with pytest.raises(ValueError, match=r"^.*bad.pt: expected a state dict of PyTorch, got another[^\n]*$"):
        bridge.load(path)
    assert not target.exists()


def archive_of(path, **parts):
    with zipfile.ZipFile(path, "w", parts.pop("compression", zipfile.ZIP_STORED)) as archive:
        for name, part in parts.items():
            archive.writestr(name.replace("__", "/").replace("_pkl", ".pkl"), part)


def test_other_archives_are_refused(tmp_path):
    path = tmp_path / "a.pt"
    archive_of(path, a__data_pkl=pickle.dumps({}), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="is compressed"):
        bridge.load(path)
    archive_of(path, weights=b"1")
    with pytest.raises(ValueError, match=r"it has no data.pkl"):
        bridge.load(path)
    np.savez(path.with_suffix(".npz"), w=np.ones(3))
    with pytest.raises(ValueError, match=r"it has no data.pkl"):
        bridge.load(path.with_suffix(".npz"))


def test_a_model_with_arrays_in_another_file_is_refused(tmp_path):
    onnx = pytest.importorskip("onnx", reason="the package onnx (the extra 'onnx')")
    model = onnx.load(io.BytesIO(onnx_file(tmp_path)))
    entry = model.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(ValueError, match="stands in another file"):
        exchange.load(model.SerializeToString())
