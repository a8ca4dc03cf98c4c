"""What is saved comes back exactly, and any other file gives one clear ValueError, at little cost."""

import io
import json
import pickle
import tempfile
import tracemalloc
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from tinygrad_cnn import Tensor, nn, tree
from tinygrad_cnn.train import load, read_metadata, save

DTYPES = [np.dtype(name) for name in ["?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]]


def _small():
    return nn.Sequential(conv=nn.Conv2d(1, 2, 3), norm=nn.BatchNorm2d(2), out=nn.Dense(4, 3))


PARAMS, STATE = _small().init(np.random.default_rng(5))
SMALL = {"params": PARAMS, "state": STATE}


def _written(write, *args):
    """The bytes of a file that a function writes."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "file", *args)
        return (Path(folder) / "file").read_bytes()


def _older_version():
    """The bytes of the small model, as versions before this format saved it."""
    both, file = {"params": PARAMS, "state": STATE}, io.BytesIO()
    np.savez(file, model=np.array("small"), **dict(zip(tree.paths(both), tree.leaves(both), strict=True)))
    return file.getvalue()


OLDER = _older_version()
NEWER = _written(save, SMALL, {"model": "small"})


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoint") / "file"


def _same(a, b):
    """Whether two trees are equal in every type, dtype and bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    if isinstance(a, dict):
        return _same(list(a), list(b)) and _same(list(a.values()), list(b.values()))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return a == b or a != a != b != b


def _refuses(path, said, read=lambda path: load(path, like=SMALL)):
    """Check that reading is a ValueError of one short, clean line, which names the file."""
    with pytest.raises(ValueError, match=said) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    assert len(message) < len(str(path)) + 300


# --- what is saved comes back -----------------------------------------------------------------------------

SCALARS = st.one_of(st.booleans(), st.integers(-(2**99), 2**99), st.floats(), st.text(max_size=5), st.none())
KEYS = st.one_of(SCALARS, st.tuples(SCALARS, st.tuples(SCALARS)))
LEAVES = hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, min_side=0))
TREES = st.recursive(
    st.one_of(SCALARS, LEAVES, LEAVES.filter(lambda array: array.size).map(lambda array: array.flat[0])),
    lambda trees: st.one_of(
        st.lists(trees, max_size=3),
        st.lists(trees, max_size=3).map(tuple),
        st.dictionaries(KEYS, trees, max_size=3),
    ),
)


@given(TREES)
def test_any_tree_comes_back_with_its_keys_containers_and_dtypes(file, tree_):
    try:
        save(file, tree_)
    except ValueError as error:
        assume("different dotted paths" not in str(error) and "UTF-8" not in str(error))  # the next test
        raise
    assert _same(load(file), tree_)


class Line(NamedTuple):
    slope: np.ndarray
    steps: int


@pytest.mark.parametrize(
    "saved", [Line(np.ones(2), 5), {"a": [Line(np.ones(2), 5)]}, OrderedDict(b=np.ones(2), a=np.float32(3))]
)
def test_a_container_of_another_class_comes_back_in_an_example_of_it(tmp_path, saved):
    save(tmp_path / "file", saved)
    example = tree.map(lambda leaf: 0 * leaf, saved)
    assert _same(load(tmp_path / "file", like=example), saved)
    _refuses(tmp_path / "file", "pass like=", load)
    save(tmp_path / "file", tree.map(lambda leaf: np.ones(3), saved))
    _refuses(tmp_path / "file", "expected .* got", lambda path: load(path, like=example))


@pytest.mark.parametrize(
    "array",
    [np.arange(6.0).reshape(2, 3).T, np.arange(6.0)[::-2], np.arange(3, dtype=">i4")],
    ids=["transposed", "reversed", "big-endian"],
)
def test_the_layout_and_the_byte_order_of_an_array_do_not_matter(tmp_path, array):
    save(tmp_path / "file", array)
    assert_array_equal(load(tmp_path / "file"), array, strict=array.dtype.isnative)


def test_arrays_that_come_back_are_writable_and_the_name_of_the_file_gets_no_suffix(tmp_path):
    save(tmp_path / "model", SMALL, {"model": "small"})
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert read_metadata(tmp_path / "model") == {"model": "small"}
    assert all(array.flags.writeable for array in tree.leaves(load(tmp_path / "model")))


def test_a_model_of_an_older_version_is_read(tmp_path):
    (tmp_path / "model.npz").write_bytes(OLDER)
    assert _same(load(tmp_path / "model.npz", like=SMALL), SMALL)
    assert read_metadata(tmp_path / "model.npz") == {"model": "small"}
    flat = load(tmp_path / "model.npz")
    assert flat.keys() == {f"params.{path}" for path in tree.paths(PARAMS)} | {
        f"state.{path}" for path in tree.paths(STATE)
    }


def _parts(content):
    """Take a safetensors file apart, without the package."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def _safetensors(header, body=b""):
    """Make a safetensors file of a header, given as JSON or as bytes, without the package."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def test_a_file_has_the_format_that_other_programs_read(tmp_path):
    save(tmp_path / "file", {"a": np.zeros(3, np.int8), "b": [np.arange(4.0)]}, {"note": "é"})
    content = (tmp_path / "file").read_bytes()
    header, body = _parts(content)
    assert (len(content) - len(body)) % 8 == 0
    assert header.pop("__metadata__")["note"] == "é"
    assert header == {
        "b.0": {"dtype": "F64", "shape": [4], "data_offsets": [0, 32]},  # the larger dtype first, aligned
        "a": {"dtype": "I8", "shape": [3], "data_offsets": [32, 35]},
    }
    assert body == np.arange(4.0).tobytes() + bytes(3)


def test_a_file_of_another_program_is_read(tmp_path):
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    (tmp_path / "file").write_bytes(
        _safetensors({"w": entry, "__metadata__": {"by": "me"}}, b"\0\0\x80\x3f" * 2)
    )
    assert _same(load(tmp_path / "file"), {"w": np.ones(2, np.float32)})
    assert _same(load(tmp_path / "file", like={"w": np.zeros(2)}), {"w": np.ones(2, np.float32)})
    assert read_metadata(tmp_path / "file") == {"by": "me"}


# --- what is refused before anything is written -----------------------------------------------------------


def _nested(depth):
    nest = np.ones(1)
    for _ in range(depth):
        nest = [nest]
    return nest


HELD_BY_ITSELF = []
HELD_BY_ITSELF.append(HELD_BY_ITSELF)


@pytest.mark.parametrize(
    ("leaf", "error", "said"),
    [
        (np.array([object()]), TypeError, r"'x': expected an array of .* got object\[1\]"),
        (np.ones(2, complex), TypeError, r"got complex128\[2\]"),
        (np.longdouble(1), TypeError, r"got float128\[\]|got longdouble"),
        (np.array(["a"]), TypeError, "got <U1"),
        (np.array(["a"], np.dtypes.StringDType()), TypeError, "got StringDType"),
        (np.zeros(2, "M8[s]"), TypeError, "got datetime64"),
        (np.ma.zeros(2), TypeError, "expected an ndarray, got a MaskedArray"),
        (Tensor([1.0]), TypeError, r"got Tensor: save its \.numpy\(\)"),
        ({1, 2}, TypeError, "expected an array, a number, a text or a container, got set"),
        ({b"k": 1}, TypeError, "a key: expected .* got bytes"),
        ({np.int64(1): 1}, TypeError, "a key: expected .* got int64"),
        ({"a.b": 1, "a": {"b": 1}}, ValueError, "different dotted paths, got two of 'x.a.b'"),
        (1 << 2000, ValueError, "at most 1024 bits"),
        ("x" * (5 << 20), ValueError, "fit into a header of 4194304 bytes"),
        ({"\udcff": np.ones(1)}, ValueError, "UTF-8"),
        (_nested(900), ValueError, "at most 100 levels"),
        (HELD_BY_ITSELF, ValueError, "one that holds itself"),
    ],
)
def test_what_no_file_can_hold_is_refused_and_the_older_file_stays(tmp_path, leaf, error, said):
    (tmp_path / "file").write_bytes(b"older")
    with pytest.raises(error, match=f"^save: .*{said}"):
        save(tmp_path / "file", {"x": leaf})
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"older"]


@pytest.mark.parametrize("metadata", [{"a": 1}, {1: "a"}, {"tinygrad_cnn.crc32": "0"}])
def test_metadata_are_texts_under_names_that_are_free(tmp_path, metadata):
    with pytest.raises((TypeError, ValueError), match=r"^save: "):
        save(tmp_path / "file", {}, metadata)


# --- files that are damaged, made up, or of something else ------------------------------------------------

MIXED = {"a": [1, 2.5, "x", (np.arange(3), None)], 3: np.ones((2, 2), bool), "n": np.float32(3)}


WHOLE = {
    "tree": (_written(save, MIXED), load, MIXED),
    "model": (NEWER, lambda path: load(path, like=SMALL), SMALL),
    "older model": (OLDER, lambda path: load(path, like=SMALL), SMALL),
}


@st.composite
def damaged(draw, content):
    """A content with bits flipped, bytes put in, a piece copied to another place, or the end cut off."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        position, start = (draw(st.integers(0, len(content) - 1)) for _ in range(2))
        how = draw(st.sampled_from(["flip", "flip", "insert", "copy", "cut"]))
        if how == "flip":
            content[position] ^= 1 << draw(st.integers(0, 7))
        elif how == "insert":
            content[position:position] = draw(st.binary(min_size=1, max_size=9))
        elif how == "copy":
            content[position : position + 40] = content[start : start + 40]
        else:
            del content[position + 1 :]
    return bytes(content)


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=settings().max_examples * 10)  # each takes a millisecond
@given(data=st.data())
def test_damage_anywhere_is_noticed_or_harmless(file, kind, data):
    content, read, expected = WHOLE[kind]
    file.write_bytes(data.draw(damaged(content)))
    try:
        found = read(file)
    except ValueError:
        _refuses(file, None, read)
    else:
        assert _same(found, expected)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"tinygrad_cnn.", b"tinygrad_bnn.", "checksum is missing"),
        (b'\\"x\\"', b'\\"y\\"', "checksum is wrong"),
        (b'"n"', b'"m"', "checksum is wrong"),
        (np.float32(3).tobytes(), np.float32(2).tobytes(), "checksum is wrong"),
    ],
)
def test_a_change_that_gives_another_tree_is_noticed(file, old, new, said):
    content, read, _ = WHOLE["tree"]
    assert old in content
    file.write_bytes(content.replace(old, new))
    _refuses(file, said, read)


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_cut_short_anywhere_is_refused(file, kind):
    content, read, _ = WHOLE[kind]
    for length in [*range(0, len(content), 97), len(content) - 1]:
        file.write_bytes(content[:length])
        _refuses(file, "damaged or other file", read)


class _Bomb:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def _archive(*members, compression=zipfile.ZIP_STORED):
    """The bytes of an archive with these members, each a name and an array or bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members:
            if not isinstance(content, bytes):
                npy = io.BytesIO()
                np.save(npy, content, allow_pickle=True)
                content = npy.getvalue()
            archive.writestr(name, content)
    return file.getvalue()


def _npy(header, body=b""):
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + body


def _entry(dtype="F32", shape=(1,), offsets=(0, 4), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


def _overlapping():
    """An archive in which one member stands within the array of another."""
    inner = _archive(("b.npy", np.zeros(1000, np.uint8)))
    outer = ("a.npy", np.frombuffer(inner, np.uint8))
    file = io.BytesIO(_archive(outer))
    start = file.getvalue().index(inner)
    with zipfile.ZipFile(file, "a") as archive, zipfile.ZipFile(io.BytesIO(inner)) as other:
        archive.filelist.append(other.infolist()[0])
        archive.filelist[-1].header_offset = start
        archive.comment = b"so that the list is written again"
    return file.getvalue()


def _long_list():
    """An archive whose list of members takes more than 4 MiB."""
    file = io.BytesIO(_archive(*((f"{n}.npy", np.zeros(1)) for n in range(70))))
    with zipfile.ZipFile(file, "a") as archive:
        for info in archive.infolist():
            info.comment = bytes(65_000)
        archive.comment = b"so that the list is written again"
    return file.getvalue()


def _structured(tree_, values="{}", body=b"", **entries):
    """Make a file of ours by hand: the JSON of its tree and of its scalars, and its entries."""
    structure = f'{{"tree of tinygrad_cnn":{tree_},"values":{values},"scalars of numpy":[]}}'
    metadata = {"tinygrad_cnn.structure": structure, "tinygrad_cnn.crc32": "00000000"}
    header = json.dumps({"__metadata__": metadata, **entries}, separators=(",", ":"))
    checksum = zlib.crc32(header.encode() + body)
    return _safetensors(header.replace("00000000", f"{checksum:08x}").encode(), body)


def test_a_file_of_ours_that_is_made_by_hand_is_read(file):
    file.write_bytes(_structured('{"list":[{"leaf":"w"},null]}', w=_entry(), body=bytes(4)))
    assert _same(load(file), [np.zeros(1, np.float32), None])


NOISE = np.random.default_rng(0).integers(256, size=1000, dtype=np.uint8)
MODEL = ("model.npy", np.array("small"))
HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"
ODD = "{'descr': '\\d', 'fortran_order': False, 'shape': (1L,), }\n"
OTHER_FILES = {
    "empty": b"",
    "text": b"hello, this is no model",
    "npy": _npy(HUGE, bytes(8)),
    "pickle": pickle.dumps(_Bomb()),
    "header of gigabytes": (1 << 40).to_bytes(8, "little") + b"{}",
    "header beyond the limit": _safetensors(b"{}" + b" " * (5 << 20)),
    "header that is a list": _safetensors([]),
    "header in UTF-16": _safetensors(json.dumps({"w": _entry()}).encode("utf-16"), bytes(4)),
    "deep header": _safetensors(b'{"w":' + b"[" * 200_000),
    "wide header": _safetensors(b'{"w":[' + b"[]," * 50_000 + b"0]}"),
    "long number": _safetensors(b'{"w":' + b"9" * 1_000_000 + b"}"),
    "name twice": _safetensors(b'{"w":%b,"w":%b}' % ((json.dumps(_entry()).encode(),) * 2), bytes(4)),
    "metadata that are no texts": _safetensors({"__metadata__": {"a": 1}}),
    "array of gigabytes": _safetensors({"w": _entry(shape=(2**40,), offsets=(0, 2**42))}, bytes(4)),
    "shape of nothing and everything": _safetensors({"w": _entry(shape=(0, 2**62), offsets=(0, 0))}),
    "hundred dimensions": _safetensors({"w": _entry(shape=(1,) * 100)}, bytes(4)),
    "overlap": _safetensors({"v": _entry(), "w": _entry(offsets=(2, 6))}, bytes(6)),
    "hole": _safetensors({"v": _entry(), "w": _entry(offsets=(6, 10))}, bytes(10)),
    "bytes nobody asked for": _safetensors({"w": _entry()}, bytes(5)),
    "size that does not fit the shape": _safetensors({"w": _entry(shape=(2,))}, bytes(4)),
    "offsets backwards": _safetensors({"w": _entry(offsets=(4, 0))}, bytes(4)),
    "offsets not a number": _safetensors(
        b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,NaN]}}', bytes(4)
    ),
    "offsets that are no integers": _safetensors({"w": _entry(offsets=(0, 4.0))}, bytes(4)),
    "three offsets": _safetensors({"w": _entry(offsets=(0, 4, 4))}, bytes(4)),
    "negative shape": _safetensors({"w": _entry(shape=(-1,), offsets=(0, 0))}),
    "truth as a shape": _safetensors({"w": _entry(shape=(True,))}, bytes(4)),
    "unknown dtype": _safetensors({"w": _entry("BF16", offsets=(0, 2))}, bytes(2)),
    "dtype that is a list": _safetensors({"w": _entry([])}, bytes(4)),
    "entry with more": _safetensors({"w": _entry(more=1)}, bytes(4)),
    "truth of 2": _safetensors({"w": _entry("BOOL", offsets=(0, 1))}, b"\2"),
    "structure without checksum": _safetensors({"__metadata__": {"tinygrad_cnn.structure": "[]"}}),
    "structure without its array": _structured("null", w=_entry(), body=bytes(4)),
    "structure with an array of nobody": _structured('{"leaf":"w"}'),
    "structure with a key twice": _structured('{"dict":[["a",null],["a",null]]}'),
    "structure with a key that is a dict": _structured('{"dict":[[{"dict":[]},null]]}'),
    "structure of an unknown kind": _structured('{"set":[]}'),
    "deep structure": _structured('{"list":[' * 100_000),
    "archive with members that overlap": _overlapping(),
    "archive with a long list": _long_list(),
    "archive of text": _archive(("readme.txt", b"hello")),
    "archive with a pickle": _archive(MODEL, ("w.npy", np.array([_Bomb()], object))),
    "compressed bomb": _archive(MODEL, ("w.npy", np.zeros(8 << 20)), compression=zipfile.ZIP_DEFLATED),
    "compressed noise": _archive(("w.npy", NOISE), compression=zipfile.ZIP_DEFLATED),
    "member that claims gigabytes": _archive(MODEL, ("w.npy", _npy(HUGE, bytes(8)))),
    "member with an odd header": _archive(MODEL, ("w.npy", _npy(ODD, bytes(8)))),
    "member without its suffix": _archive(MODEL, ("w", np.ones(1))),
    "member of texts": _archive(MODEL, ("w.npy", np.array("text"))),
    "member with a truth of 2": _archive(MODEL, ("w.npy", np.array([2], np.uint8).view(bool))),
    "x beside x.npy": _archive(MODEL, ("w.npy", np.ones(1)), ("w", b"")),
    "model that is an array": _archive(("model.npy", np.array(["small"]))),
    "model that is a number": _archive(("model.npy", np.array(3))),
    "model with a long name": _archive(("model.npy", np.array("x" * 300_000))),
}


@pytest.mark.parametrize("content", OTHER_FILES.values(), ids=OTHER_FILES)
def test_other_files_are_refused_at_little_cost_and_pickles_never_run(tmp_path, content):
    (tmp_path / "other").write_bytes(content)
    tracemalloc.start()
    try:
        _refuses(tmp_path / "other", "got a damaged or other file: ", load)
        _refuses(tmp_path / "other", "expected a saved tree|does not fit 'like'")
        assert tracemalloc.get_traced_memory()[1] < 48 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_stands_twice_in_an_archive_is_refused(tmp_path):
    (tmp_path / "other").write_bytes(_archive(MODEL, ("w.npy", np.ones(1)), ("w.npy", np.zeros(1))))
    _refuses(tmp_path / "other", "a name occurs twice")


def _changed(changes):
    """The parameters of the small model with some leaves replaced, or left out where the change is None."""
    flat = dict(zip(tree.paths(PARAMS), tree.leaves(PARAMS), strict=True)) | changes
    params = {}
    for name, array in flat.items():
        if array is not None:
            layer, _, leaf = name.partition(".")
            params.setdefault(layer, {})[leaf] = array
    return params


WRONG_WEIGHT = r"'params\.out\.weight': expected a floating array of shape \(4, 3\), got "


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"conv.bias": None}, r"does not fit 'like': lacks params\.conv\.bias"),
        ({"more.w": np.zeros(2)}, r"does not fit 'like': has unknown params\.more\.w"),
        ({"more.\x1b[31m" + "w" * 300_000: np.zeros(2)}, r"unknown params\.more\.\\x1b\[31mw+\.\.\."),
        ({"out.weight": np.zeros((4, 2), np.float32)}, WRONG_WEIGHT + r"float32\[4, 2\]"),
        ({"out.weight": np.zeros((4, 3), np.int64)}, WRONG_WEIGHT + r"int64\[4, 3\]"),
        ({"out.weight": 3.0}, WRONG_WEIGHT + "float"),
    ],
)
def test_a_tree_that_does_not_fit_the_example_is_refused(tmp_path, changes, said):
    save(tmp_path / "file", {"params": _changed(changes), "state": STATE})
    _refuses(tmp_path / "file", said)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")
    _refuses(tmp_path, "expected a file, got a folder")
