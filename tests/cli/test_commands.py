"""Every command prints what it should, as text and as JSON, and says in one line whatever is wrong."""

import io
import json
import os
import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from commands import complaint, few_digits, save_untrained, status

from tinygrad_cnn import cli, data, train, tree
from tinygrad_cnn.data import families
from tinygrad_cnn.interop import torch as bridge
from tinygrad_cnn.models import MODELS
from tinygrad_cnn.plot.picture import Picture

QUICK = ["train", "--samples", "120", "--epochs", "2", "--batch-size", "30"]


def printed(argv, capsys):
    """What a command prints, which must end well."""
    assert cli.main(argv) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def objects(argv, capsys):
    """The objects of JSON that a command prints."""
    return [json.loads(line) for line in printed([*argv, "--json"], capsys).splitlines()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model that reads most of the generated digits."""
    path = tmp_path_factory.mktemp("trained") / "model.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "digits", few_digits)
        assert cli.main(["train", "--samples", "1000", "--batch-size", "16", "--out", str(path)]) == 0
    return str(path)


# --- train ------------------------------------------------------------------------------------------------


def test_train_prints_a_row_an_epoch_as_json_and_writes_the_same_rows(capsys):
    *rows, end = objects([*QUICK, "--log", "rows.jsonl"], capsys)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert {"loss", "accuracy", "test_loss", "test_accuracy", "lr", "step"} <= rows[0].keys()
    assert end == {"saved": "model.safetensors", "epochs": 2, "steps": 8}
    assert [json.loads(line) for line in Path("rows.jsonl").read_text().splitlines()] == rows
    printed([*QUICK, "--log", "rows.csv"], capsys)
    assert Path("rows.csv").read_text().startswith("epoch,step,loss,accuracy,test_loss,test_accuracy,lr,")


def test_held_out_images_decide_when_to_stop_and_the_test_images_are_scored_once(capsys):
    argv = [*QUICK, "--epochs", "40", "--validation", "0.25", "--patience", "1", "--schedule", "constant"]
    *rows, end = objects(argv, capsys)
    losses = [row["val_loss"] for row in rows]
    assert len(rows) < 40
    assert np.argmin(losses) == len(rows) - 2
    assert "test_loss" not in rows[0]
    (scored,) = objects(["evaluate", "model.safetensors"], capsys)
    assert scored["accuracy"] == end["test_accuracy"]
    assert scored["loss"] == pytest.approx(end["test_loss"], rel=1e-5)


@pytest.mark.parametrize("drawn", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_pictures_are_written_and_announced(drawn, trained, capsys, monkeypatch):
    """A run shows itself and what the network gets wrong; a score also what the network looks at."""
    if not drawn:  # the pictures are made, and files in their places
        monkeypatch.setattr(Picture, "savefig", lambda self, path: Path(path).write_bytes(b"\x89PNG"))
    out = printed([*QUICK, "--plots", "deep/run"], capsys)
    of_run = "curves.png, between.png, confusion.png, mistakes.png, filters.png"
    assert out.splitlines()[-1] == f"pictures in deep/run: {of_run}"
    *_, told = objects(["evaluate", trained, "--plots", "seen"], capsys)
    names = ["confusion", "mistakes", "filters", "layers", "saliency", "adversarial"]
    assert told == {"pictures": [f"seen/{name}.png" for name in names]}
    for path in [*told["pictures"], *(f"deep/run/{name}" for name in of_run.split(", "))]:
        assert Path(path).read_bytes()[:4] == b"\x89PNG"
    Path("file").touch()
    assert "--plots: file/x cannot be made" in complaint(["evaluate", trained, "--plots", "file/x"], capsys)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "tinygrad_cnn.plot")
    monkeypatch.delattr("tinygrad_cnn.plot", raising=False)
    assert "pip install 'tinygrad-cnn[plot]'" in complaint([*QUICK, "--plots", "other"], capsys)
    assert not Path("other").exists()


@pytest.mark.parametrize(
    "options",
    [
        "--model lenet --optimizer adam --schedule onecycle",
        "--model resnet8 --optimizer adamw --schedule warmup --augment crop:2,flip",
        "--optimizer rmsprop --schedule constant --augment shift,rotate:5,elastic --weight-decay 0.001",
        "--schedule step --clip 1 --average 0.9 --parts 3",
    ],
)
def test_all_that_can_be_asked_for_trains(options, capsys):
    first, last, _ = objects([*QUICK, "--lr", "0.003", *options.split()], capsys)
    assert last["loss"] < first["loss"]


def test_a_run_goes_on_with_its_own_options_alone(monkeypatch, capsys):
    argv = [*QUICK, "--keep", "3", "--checkpoint-every", "2"]
    printed(argv, capsys)
    whole = Path("model.safetensors").read_bytes()
    folder = Path("model.safetensors.checkpoints")
    bars = []
    monkeypatch.setattr(train, "progress_bar", lambda *args, done: bars.append(done) or nullcontext(str))
    assert sorted(path.name for path in folder.iterdir()) == [
        f"step-0000000{n}.safetensors" for n in (4, 6, 8)
    ]
    (folder / "step-00000008.safetensors").write_bytes(b"torn")
    out = printed([*argv, "--resume"], capsys)
    assert re.search(r"skipped: .*step-00000008.*damaged.*\nresumed at step 6, in epoch 2\n", out)
    assert Path("model.safetensors").read_bytes() == whole
    assert bars == [2]  # the bar begins where the epoch had stopped
    assert "resumed at step 8, which was its last" in printed([*argv, "--resume"], capsys)
    for option, value in (("--lr", "0.1"), ("--batch-size", "20"), ("--seed", "1"), ("--model", "lenet")):
        line = complaint([*argv, "--resume", option, value], capsys)
        assert re.search(rf"--resume: {option}: the checkpoint has .*, got {value}", line)
    assert "has an unfinished run, which will be replaced" in printed(argv, capsys)
    assert "no checkpoint in other.checkpoints: beginning" in printed(
        [*argv, "--resume", "--out", "other"], capsys
    )


def test_own_images_and_an_own_model(capsys):
    images = np.random.default_rng(0).integers(0, 256, (60, 5, 5, 3), dtype=np.uint8)
    np.savez("own data.npz", images=images, labels=np.arange(60) % 3)
    Path("beside.py").write_text("classes = 3\n")
    Path("my_net.py").write_text(
        "from beside import classes\nfrom tinygrad_cnn import nn\n"
        "def net():\n    return nn.Sequential(nn.Flatten(), nn.Dense(75, classes))\n"
        "broken = 1 / 1\nother = net()\n"
    )
    source = ["--data", "own data.npz"]
    printed(["train", *source, "--model", "my_net.py:net", "--epochs", "1"], capsys)
    (scored,) = objects(["evaluate", "model.safetensors", *source, "--model", "my_net.py:other"], capsys)
    assert (scored["model"], scored["images"], list(scored["classes"])) == (
        "my_net.py:net",
        12,
        ["0", "1", "2"],
    )
    assert "give its code" in complaint(["evaluate", "model.safetensors", *source], capsys)
    for name, said in (
        ("none.py:net", "none.py: no such file"),
        ("my_net.py:nothing", "AttributeError: module 'my_net' has no attribute 'nothing'"),
        ("my_net.py:broken", "'float' object is not callable"),
        ("my_net.py:classes", "'int' object is not callable"),
    ):
        assert said in complaint(["train", *source, "--model", name], capsys)


def test_a_run_does_not_go_on_with_other_images(capsys):
    images, labels = few_digits(120)[0]
    argv = [*QUICK[:1], "--data", "own.npz", "--epochs", "1", "--keep", "1"]
    np.savez("own.npz", images=images, labels=labels)
    printed(argv, capsys)
    np.savez("own.npz", images=1 - images, labels=labels)
    assert "--resume: the images: the checkpoint has" in complaint([*argv, "--resume"], capsys)


# --- evaluate and compare ---------------------------------------------------------------------------------


def test_evaluate_prints_what_each_class_is_taken_for(trained, capsys):
    (found,) = objects(["evaluate", trained], capsys)
    _, test = few_digits()
    predicted = train.SavedModel.load(trained).logits(test.images).argmax(1)
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (test.labels, predicted), 1)
    assert found["confusion"] == matrix.tolist()
    assert found["accuracy"] == pytest.approx((predicted == test.labels).mean())
    for label in range(10):
        one = found["classes"][str(label)]
        assert one["images"] == (test.labels == label).sum()
        assert one["recall"] == pytest.approx(matrix[label, label] / matrix[label].sum())
        assert one["precision"] == pytest.approx(matrix[label, label] / matrix[:, label].sum())
    out = printed(["evaluate", trained], capsys)
    assert re.search(r"^3 +30 +\d+\.\d\d% +\d+\.\d\d%$", out, re.MULTILINE)
    assert re.search(rf"^3 +{' +'.join(map(str, matrix[3]))}$", out, re.MULTILINE)


def test_compare_ranks_models(trained, capsys):
    save_untrained("worse")
    best, worst = objects(["compare", "worse", trained], capsys)
    assert (best["file"], worst["file"]) == (trained, "worse")
    assert best["errors"] < worst["errors"] == round(300 * (1 - worst["accuracy"]))
    assert re.search(r"model\.safetensors .*\nworse .*103018", printed(["compare", "worse", trained], capsys))


def test_a_model_of_other_images_is_told(trained, capsys):
    np.savez("own.npz", images=np.zeros((20, 5, 5)), labels=np.arange(20) % 2)
    said = complaint(["evaluate", trained, "--data", "own.npz"], capsys)
    assert "expected images of shape (1, 28, 28) in 10 classes, got (1, 5, 5) in 2" in said


def test_pictures_of_a_folder_are_scored_and_scaled_as_those_that_were_trained_on(capsys):
    for n in range(20):
        Path("own", "abc"[n % 2]).mkdir(parents=True, exist_ok=True)
        write_picture(Path("own", "abc"[n % 2], f"{n}.png"), np.full((20 + n, 30), n % 2))
    source = ["--data", "folder:own"]
    printed(["train", *source, "--image-shape", "1x8x8", "--batch-size", "2"], capsys)
    for command in ("evaluate", "compare"):
        (found,) = objects([command, "model.safetensors", *source], capsys)
        assert found["accuracy"] == 1
    assert re.search(r"\(20, 30\) pixels .*, got .*--image-shape", complaint(["train", *source], capsys))


# --- predict ----------------------------------------------------------------------------------------------


def write_picture(path, image):
    pytest.importorskip("PIL.Image").fromarray((255 * image).round().astype(np.uint8)).save(path)


def test_predict_reads_pictures_of_digits_dark_or_light(trained, capsys):
    _, test = few_digits()
    files = []
    for n, (image, label) in enumerate(zip(test.images[:20, 0], test.labels[:20], strict=True)):
        files.append(f"{n} {label}.{'png' if n % 3 else 'jpg'}")
        write_picture(files[-1], np.kron(image if n % 2 else 1 - image, np.ones((4, 4))))
    found = objects(["predict", trained, *files], capsys)
    assert [one["file"] for one in found] == files
    plain = train.SavedModel.load(trained).logits(test.images[:20]).argmax(1)
    right = [one["label"] == file[-5] for one, file in zip(found, files, strict=True)]
    assert sum(right) >= (plain == test.labels[:20]).sum() - 1
    for one in found:
        assert sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert max(one["probabilities"], key=one["probabilities"].get) == one["label"]
    lines = printed(["predict", trained, *files], capsys).splitlines()
    assert re.fullmatch(r"0 \d\.jpg: (\d) \(\1 \d+\.\d%, \d \d+\.\d%, \d \d+\.\d%\)", lines[0])


def test_predict_reads_standard_input_and_other_images(trained, monkeypatch, capsys):
    write_picture("x.png", few_digits()[1].images[0, 0])

    class Input:
        buffer = io.BytesIO(Path("x.png").read_bytes())

    monkeypatch.setattr(sys, "stdin", Input)
    assert printed(["predict", trained, "-"], capsys).startswith("-: ")
    layer = MODELS["lenet"]((3, 16, 16), 2)
    params, state = layer.init(np.random.default_rng(0))
    train.SavedModel(
        "lenet", layer, params, state, data.Normalization.none(3), (3, 16, 16), ("cat", "dog")
    ).save("pets")
    assert re.search(r"^x\.png: (cat|dog) \(", printed(["predict", "pets", "x.png"], capsys))


def test_predict_says_what_is_no_picture(trained, monkeypatch, capsys):
    Path("x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "x.png: expected a picture" in complaint(["predict", trained, "x.png"], capsys)
    assert "y.png: No such file" in complaint(["predict", trained, "y.png"], capsys)
    write_picture("white.png", np.ones((20, 20)))
    assert "white.png: expected a picture of a digit, found no ink" in complaint(
        ["predict", trained, "white.png"], capsys
    )
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "pip install 'tinygrad-cnn[pictures]'" in complaint(["predict", trained, "x.png"], capsys)


# --- summary and datasets ---------------------------------------------------------------------------------


def test_summary_of_a_name_and_of_a_saved_model(trained, capsys):
    (named,) = objects(["summary", "baseline"], capsys)
    (saved,) = objects(["summary", trained], capsys)
    assert named == saved
    assert named["parameters"] == 103_018
    assert "BatchNorm2d" in printed(["summary", "baseline-bn"], capsys)
    (other,) = objects(["summary", "lenet", "--image-shape", "3x32x32", "--classes", "4"], capsys)
    assert other["layers"][0]["output_shape"] == [1, 6, 32, 32]
    assert other["layers"][-1]["output_shape"] == [1, 4]


def test_datasets_lists_what_has_a_name(capsys):
    found = objects(["datasets"], capsys)
    assert [one["name"] for one in found] == list(families.FAMILIES)
    assert {one["folder"] for one in found} == {None}
    assert re.search(r"^kmnist +1x28x28 .*not fetched$", printed(["datasets"], capsys), re.MULTILINE)


# --- export, and train from what it has written -------------------------------------------------------------


@pytest.mark.parametrize("form", ["safetensors", "npz"])
def test_what_is_exported_is_read_by_its_own_library_and_trained_on(form, capsys):
    printed([*QUICK, "--model", "baseline-bn"], capsys)
    model = train.SavedModel.load("model.safetensors")
    (found,) = objects(["export", "model.safetensors", f"--{form}", f"out.{form}"], capsys)
    size = Path(f"out.{form}").stat().st_size
    assert found == {"model": "baseline-bn", "format": form, "saved": f"out.{form}", "bytes": size}
    arrays = {"params": model.params, "state": model.state}
    if form == "npz":
        read = dict(np.load("out.npz", allow_pickle=False))
    else:
        read = pytest.importorskip("safetensors.numpy").load_file("out.safetensors")
    assert read.keys() == set(tree.paths(arrays))
    for path, array in zip(tree.paths(arrays), tree.leaves(arrays), strict=True):
        np.testing.assert_array_equal(read[path], array, strict=True)
    again = [*QUICK, "--model", "baseline-bn", "--epochs", "1", "--lr", "1e-30"]
    printed([*again, "--from", f"out.{form}", "--out", "again"], capsys)
    trained_on = tree.leaves(train.load("again")["params"])
    for ours, theirs in zip(tree.leaves(model.params), trained_on, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert f"out.{form} exists, and will be replaced" in printed(
        ["export", "model.safetensors", f"--{form}", f"out.{form}"], capsys
    )


def test_a_page_is_exported_of_digits_alone(trained, capsys):
    (found,) = objects(["export", trained, "--html", "page.html"], capsys)
    assert found["bytes"] == len(Path("page.html").read_bytes())
    save_untrained("letters", classes=tuple("abcdefghij"))
    assert "expected a model of the ten digits" in complaint(["export", "letters", "--html", "x"], capsys)
    assert not Path("x").exists()


def test_the_onnx_model_takes_images_as_predict_does(capsys):
    runtime = pytest.importorskip("onnxruntime")
    printed([*QUICK, "--model", "baseline-bn"], capsys)
    (found,) = objects(["export", "model.safetensors", "--onnx", "out.onnx"], capsys)
    assert found["format"] == "onnx"
    images = np.random.default_rng(0).random((3, 1, 28, 28), np.float32)
    scores = runtime.InferenceSession("out.onnx").run(None, {"images": images})[0]
    expected = train.SavedModel.load("model.safetensors").logits(images)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_train_starts_from_a_state_dict_of_pytorch(capsys):
    layer = MODELS["baseline-bn"]()
    params, state = layer.init(np.random.default_rng(1))
    bridge.save("w.pt", bridge.from_layer(layer, params, state))
    printed([*QUICK, "--model", "baseline-bn", "--epochs", "1", "--lr", "1e-30", "--from", "w.pt"], capsys)
    saved = train.load("model.safetensors")["params"]
    np.testing.assert_array_equal(saved["dense1"]["weight"], params["dense1"]["weight"])
    argv = [*QUICK, "--model", "lenet", "--epochs", "1", "--from", "w.pt"]
    assert "--from: w.pt: does not fit the model: to_layer: what was given has" in complaint(argv, capsys)


def test_train_from_arrays_of_any_program_names_all_that_does_not_fit(capsys):
    params, _ = MODELS["lenet"]().init(np.random.default_rng(1))
    names = dict(zip(tree.paths(params), tree.leaves(params), strict=True))
    argv = [*QUICK, "--model", "lenet", "--epochs", "1", "--lr", "1e-30", "--from", "w.npz"]
    np.savez("w.npz", **{name: array.astype(np.float64) for name, array in names.items()})
    printed(argv, capsys)
    np.testing.assert_array_equal(
        train.load("model.safetensors")["params"]["conv2"]["weight"], params["conv2"]["weight"], strict=True
    )
    names["dense1.weight"] = names["dense1.weight"].T
    names["dense2.bias"] = np.full(84, np.nan)
    names["dense3.weights"] = names.pop("dense3.weight")
    np.savez("w.npz", **names)
    assert complaint(argv, capsys) == (
        "tinygrad-cnn: error: --from: w.npz: does not fit the model: it lacks params.dense3.weight; has "
        "unknown params.dense3.weights; has arrays of another kind or shape params.dense1.weight "
        "(float32[120, 400] for [400, 120]); has values that are not finite in params.dense2.bias\n"
    )
    said = complaint([*argv, "--model", "resnet8"], capsys)
    assert re.search("it lacks .*, .*, .* and 26 more; has unknown .* and 7 more", said)
    assert "none: No such file" in complaint([*argv, "--from", "none"], capsys)


# --- wherever it runs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["train", "evaluate", "predict", "demo", "summary", "export", "compare", "datasets"]
)
def test_help_explains_each_command_with_its_exit_status(command, capsys):
    assert status([command, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Exit status: 0 success, 1 diverged" in text
    assert "--json" in text


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["train", "--augment", "blur"], "--augment: expected some of shift, crop, flip, rotate, elastic"),
        (["train", "--augment", "shift:x"], "an amount that 'shift' can have, got 'shift:x'"),
        (["train", "--augment", "crop:1.5"], "an amount that 'crop' can have"),
        (["train", "--augment", "flip:2"], "--augment"),
        (["train", "--patience", "3"], "--patience: needs --validation SHARE"),
        (["train", "--validation", "1"], r"--validation: expected a number in \(0, 1\), got '1'"),
        (["train", "--image-shape", "2x3x4"], "--image-shape: expected CxHxW"),
        (["train", "--optimizer", "lion"], "--optimizer: invalid choice: 'lion'"),
        (["train", "--weight-decay", "-1"], "--weight-decay: expected a finite number of at least 0"),
        (["train", "--keep", "0"], "--keep: expected a whole number"),
        (["train", "--log", "no/such/folder"], "--log: no/such/folder cannot be written"),
        (["train", "--data", "none.csv"], "none.csv: No such file"),
        (["train", "--data", "folder:none"], "none: No such file"),
        (["train", "--data", "none.npz", "--data-dir", "."], "a folder is for mnist"),
        (["train", "--out", "x", "--log", "./x"], "--log: x: expected another file than --out"),
        (["summary", "baseline-bn", "--image-shape", "1x3x9"], "baseline-bn: .*at least 4 rows .*got 3 x 9"),
        (["summary", "lenet", "--image-shape", "1x12x11"], "lenet: .*at least 12 rows .*got 12 x 11"),
        (["summary", "none"], "none: No such file"),
        (["compare"], "MODEL"),
        (["export", "none"], "one of the arguments --safetensors --onnx --npz --html is required"),
        (["export", "none", "--npz", "x"], "none: No such file"),
        (["export", "m", "--npz", "no/x"], "--npz: no/x cannot be written: No such file or directory"),
        (["export", "m", "--npz", "./m"], "--npz: m: expected another file than the saved model"),
        (["evaluate", "m", "--model", "lenet"], "--model: expected FILE.py:NAME .*, got 'lenet'"),
        (["train", "--image-shape", "1x8x8"], "--image-shape: is for pictures of --data folder:DIR"),
        (["export", "none", "--npz", "x", "--safetensors", "y"], "not allowed with"),
        (["predict", "none", "x.png"], "none: No such file"),
        (["demo", "none"], "none: No such file"),
        (["demo", "--port", "70000"], "--port: expected a port from 0 to 65535, got '70000'"),
        (["datasets", "--fetch", "imagenet"], "--fetch: invalid choice"),
    ],
)
def test_bad_arguments_are_one_line_and_status_2(argv, said, capsys):
    save_untrained("m")
    assert re.search(said, complaint(argv, capsys))


@pytest.mark.parametrize("flags", [["-O"], ["-X", "dev", "-W", "error"]])
def test_the_whole_command_runs_optimised_and_in_development_mode(flags, tmp_path):
    """It runs from a folder with a space, without any extra, and to an output that knows no accents."""
    folder = tmp_path / "a folder é"
    folder.mkdir()
    np.savez(folder / "é.npz", images=few_digits()[1].images, labels=few_digits()[1].labels)
    commands = [
        ["train", "--epochs", "2", "--out", "é.safetensors", "--log", "é.csv", "--data", "é.npz"],
        ["evaluate", "é.safetensors", "--data", "é.npz"],
        ["compare", "é.safetensors", "--data", "é.npz"],
        ["summary", "é.safetensors"],
        ["datasets"],
        ["predict", "é.safetensors", "x.png"],
    ]
    code = """if True:
        import importlib.util, sys
        hidden, find = ["tqdm", "threadpoolctl", "PIL", "matplotlib"], importlib.util.find_spec
        sys.modules.update(dict.fromkeys(hidden))
        importlib.util.find_spec = lambda name, *rest: None if name in hidden else find(name, *rest)
        from tinygrad_cnn.cli import main
        sys.exit("".join(str(main(argv)) for argv in eval(sys.argv[1])))
    """
    env = {**os.environ, "PYTHONIOENCODING": "ascii:strict", "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    argv = [sys.executable, *flags, "-c", code, ascii(commands)]
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True)
    missing, statuses = done.stderr.splitlines()
    assert statuses == "000002"
    assert "pip install 'tinygrad-cnn[pictures]'" in missing
    assert "saved \\xe9.safetensors" in done.stdout


def test_an_epoch_is_kept_when_whoever_reads_of_it_has_gone():
    argv = [sys.executable, "-m", "tinygrad_cnn", *QUICK, "--epochs", "999"]  # it does not end by itself
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        announced = [process.stdout.readline() for _ in range(2)]
        process.stdout.close()
        assert announced[1].startswith("batch size")
        assert process.wait() == 141
        assert process.stderr.read() == ""
    assert train.Checkpoints("model.safetensors.checkpoints").newest()[0].epoch >= 1
    assert train.SavedModel.load("model.safetensors").params["dense2"]["bias"].any()


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_a_stream_that_is_closed_is_missed_by_nobody(closed, monkeypatch, capsys):
    save_untrained("m")
    monkeypatch.setattr(sys, closed, None)
    assert cli.main(QUICK) == 0
    assert cli.main(["evaluate", "none"]) == 2
    assert cli.main(["predict", "m", "-"]) == 2
    assert ("-: standard input is closed" in capsys.readouterr().err) == (closed == "stdin")


def test_a_log_that_cannot_be_written_is_told_and_the_run_goes_on(monkeypatch, capsys):
    def fail(self, path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(train.History, "write", fail)
    assert cli.main([*QUICK, "--log", "rows.csv"]) == 0
    out, err = capsys.readouterr()
    assert err.count("warning: [Errno 28] No space left on device: 'rows.csv': it lacks this row") == 2
    assert out.endswith("saved model.safetensors\n")


def test_a_checkpoint_that_cannot_be_written_is_told_and_the_run_goes_on(monkeypatch, capsys):
    def fail(self, checkpoint):
        raise OSError(28, "No space left on device", "the file")

    monkeypatch.setattr(train.Checkpoints, "save", fail)
    assert cli.main(QUICK) == 0
    out, err = capsys.readouterr()
    assert err.count("warning: [Errno 28] No space left on device: 'the file': no checkpoint") == 2
    assert out.endswith("saved model.safetensors\n")
    Path("model.safetensors.checkpoints").touch()
    assert "model.safetensors.checkpoints cannot be written: Not a directory" in complaint(QUICK, capsys)
