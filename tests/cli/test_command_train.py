"""The command prints and saves what it should, and says in one line whatever is wrong."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import complaint, save_untrained, status
from idx_files import write_idx

from tinygrad_cnn import __version__, cli, data, train
from tinygrad_cnn.cli.arguments import parser
from tinygrad_cnn.cli.options import LR, optimizer
from tinygrad_cnn.data import digits
from tinygrad_cnn.models import MODELS

QUICK = ["train", "--samples", "120", "--epochs", "2", "--batch-size", "30"]
ROW = re.compile(
    r"^ *(\d+) +(\d+\.\d{4}) +(\d+\.\d\d)% +\d+\.\d{4} +(\d+\.\d\d)% +\d+\.\d +\d+$", re.MULTILINE
)


@pytest.fixture
def files(tmp_path):
    """Make a folder of generated digits in the format of MNIST."""
    folder = tmp_path / "files"
    folder.mkdir()
    for part, dataset in zip(("train", "t10k"), digits(100, 40), strict=True):
        pixels = (dataset.images[:, 0] * 255).round()
        write_idx(folder / f"{part}-images-idx3-ubyte", pixels.astype(np.uint8))
        write_idx(folder / f"{part}-labels-idx1-ubyte", dataset.labels.astype(np.uint8))
    return folder


# --- the command does its work ----------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_train_prints_a_row_an_epoch_and_saves_what_evaluate_scores_alike(model, tmp_path, capsys):
    assert cli.main([*QUICK, "--model", model]) == 0
    out, err = capsys.readouterr()
    rows = ROW.findall(out)
    assert [row[0] for row in rows] == ["1", "2"]
    assert err == ""
    assert out.endswith("saved model.safetensors\n")
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    assert cli.main(["evaluate", "model.safetensors"]) == 0
    scored = capsys.readouterr().out
    assert scored.startswith(f"{model} on the 300 test images of digits: loss ")
    assert f"accuracy {rows[-1][3]}%" in scored


def test_the_seed_decides_the_model_and_the_order_of_the_images_whatever_the_model(monkeypatch, capsys):
    step, runs = train.Trainer.step, []

    def noting_step(self, x, labels):
        runs[-1].append(labels.tolist())
        return step(self, x, labels)

    monkeypatch.setattr(train.Trainer, "step", noting_step)
    for seed, model in (("0", "baseline"), ("0", "baseline"), ("1", "baseline"), ("0", "baseline-bn")):
        runs.append([])
        assert cli.main([*QUICK, "--seed", seed, "--model", model, "--out", str(len(runs))]) == 0
    weights = [train.load(str(i))["params"]["dense2"]["weight"] for i in (1, 2, 3)]
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])
    assert runs[0] == runs[3] != runs[2]


def test_the_default_rate_learns_one_image_at_a_time(capsys):
    assert cli.main(["train", "--samples", "500", "--epochs", "1", "--batch-size", "1"]) == 0
    assert float(ROW.findall(capsys.readouterr().out)[0][3]) > 60


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_files_are_trained_on_and_scored(name, files, capsys):
    source = ["--data", name, "--data-dir", str(files)]
    assert cli.main(["train", *source, "--epochs", "1", "--samples", "90"]) == 0
    assert f"{name}, 90 images to train on, 40 to test" in capsys.readouterr().out
    assert cli.main(["evaluate", "model.safetensors", *source]) == 0
    assert f"baseline on the 40 test images of {name}" in capsys.readouterr().out


def test_a_subset_of_real_mnist_is_learned(family_folder, capsys):
    source = ["--data", "mnist", "--data-dir", str(family_folder("mnist"))]
    assert cli.main(["train", *source, "--samples", "4000", "--epochs", "1"]) == 0
    assert float(ROW.findall(capsys.readouterr().out)[-1][3]) > 88


def test_what_the_user_asks_for_is_what_trains(capsys):
    assert cli.main([*QUICK, "--lr", "0.025", "--momentum", "0.5", "--seed", "7"]) == 0
    expected = "batch size 30, sgd, learning rate 0.025 (cosine), seed 7"
    assert expected in capsys.readouterr().out


def optimizer_of(*options, n):
    args = parser("1").parse_args(["train", *options])
    return optimizer(args, {"w": np.zeros(1)}, n)


@pytest.mark.parametrize(("batch_size", "rate"), [(1, 1 / 64), (32, 0.5), (64, 1), (640, 1)])
def test_the_default_rate_follows_the_batch_size_up_to_the_reference(batch_size, rate):
    assert optimizer_of("--batch-size", str(batch_size), n=1000).lr == pytest.approx(LR["sgd"] * rate)


def test_the_rate_reaches_zero_with_the_last_step():
    optimizer = optimizer_of("--batch-size", "30", "--epochs", "2", n=100)  # 4 steps an epoch
    rates = []
    for _ in range(9):
        rates.append(optimizer.lr)
        optimizer.step({"w": np.ones(1)})
    assert rates == sorted(rates, reverse=True)
    assert rates[7] > 0 == rates[8]


def test_version(capsys):
    assert status(["--version"]) == 0
    assert capsys.readouterr().out == f"tinygrad-cnn {__version__}\n"


def test_the_module_is_the_command_and_saves_to_a_path_that_its_output_cannot_encode():
    out, env = "é\udcff", {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    argv = [sys.executable, "-m", "tinygrad_cnn", "train", "--samples", "50", "--epochs", "1", "--out", out]
    done = subprocess.run(argv, capture_output=True, text=True, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(ROW.findall(done.stdout)) == 1
    assert done.stdout.endswith("saved \\xe9\\udcff\n")
    assert train.SavedModel.load(out).name == "baseline"
    again = subprocess.run([*argv, "--lr", "x"], capture_output=True, text=True)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)


# --- training is cut short --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--lr 1e39", "the loss became nan"),
        ("--lr 1e6", "the loss became nan"),
        ("--lr 10", "the training diverged in epoch 1"),
        ("--lr 10 --model baseline-bn", "the training diverged in epoch 1"),
        ("--batch-size 120 --epochs 1 --lr 1e4", "the training diverged in epoch 1"),
    ],
)
def test_a_training_that_diverges_fails_and_leaves_an_older_model_alone(options, said, capsys):
    Path("model.safetensors").write_bytes(b"an older model")
    line = complaint([*QUICK, *options.split()], capsys, 1)
    assert said in line
    assert "try a lower learning rate" in line
    assert Path("model.safetensors").read_bytes() == b"an older model"


def test_knowing_one_image_by_heart_is_no_divergence():
    assert cli.main(["train", "--samples", "1", "--epochs", "20"]) == 0


def test_a_training_that_fails_later_saves_what_the_last_good_epoch_has_learned(monkeypatch, capsys):
    step = train.Trainer.step

    def failing_step(self, x, labels):
        if self.updates == 6:  # of 4 in each epoch
            self.params["dense2"]["bias"][0] = np.nan
        return step(self, x, labels)

    monkeypatch.setattr(train.Trainer, "step", failing_step)
    assert cli.main(QUICK) == 1
    ((_, _, _, accuracy),) = ROW.findall(capsys.readouterr().out)
    assert cli.main(["evaluate", "model.safetensors"]) == 0
    assert f"accuracy {accuracy}%" in capsys.readouterr().out


def test_a_file_that_will_be_replaced_is_announced_before_the_training(capsys):
    for expected in ("baseline, ", "model.safetensors exists, and will be replaced\nbaseline, "):
        assert cli.main(QUICK) == 0
        assert capsys.readouterr().out.startswith(expected)


@pytest.mark.parametrize(
    ("value", "status", "said"),
    [
        (np.nan, 2, "m: 'params.conv1.weight' has values that are not finite"),
        (1e308, 1, "m: the loss on the test images is not finite: the parameters are too large"),
    ],
)
def test_parameters_that_give_no_score_are_told(value, status, said, capsys):
    layer = MODELS["baseline"]()
    params, state = layer.init(np.random.default_rng(0), dtype=np.float64)
    params["conv1"]["weight"][...] = value
    train.SavedModel("baseline", layer, params, state, data.Normalization.none(1)).save("m")
    assert said in complaint(["evaluate", "m"], capsys, status)


def test_whatever_is_in_a_name_is_shown_as_one_clean_line(capsys):
    save_untrained("m", "\x1b[31m\nx" * 100_000)
    for argv in (["evaluate", "m"], ["train", "--lr", "\x1b[31m" * 1000], ["evaluate", "\x1b[31m\n"]):
        line = complaint(argv, capsys).removesuffix("\n")
        assert line.isprintable()
        assert len(line) < 600


def test_a_model_of_another_floating_dtype_is_scored(capsys):
    save_untrained("f64", "baseline", np.float64)
    assert cli.main(["evaluate", "f64"]) == 0
    assert "accuracy" in capsys.readouterr().out


def test_the_command_tunes_the_process_and_leaves_threads_to_blas_without_threadpoolctl(monkeypatch, capsys):
    tunings = []
    monkeypatch.setattr(cli, "tune", lambda **options: tunings.append(options))
    complaint(["evaluate", "missing", "--threads", "1"], capsys)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    complaint(["evaluate", "missing"], capsys)
    assert tunings == [{"threads": 1}, {"threads": None}]
    assert "--threads: needs threadpoolctl" in complaint(["evaluate", "x", "--threads", "2"], capsys)


def test_an_interrupt_saves_what_was_learned(monkeypatch, capsys):
    step, steps = train.Trainer.step, []

    def interrupted_step(self, x, labels):
        if len(steps) == 3:
            raise KeyboardInterrupt
        steps.append(step(self, x, labels))
        return steps[-1]

    monkeypatch.setattr(train.Trainer, "step", interrupted_step)
    assert "interrupted" in complaint(QUICK, capsys, 130)
    trained = train.load("model.safetensors")["params"]["dense2"]["bias"]
    assert trained.any()  # it starts at zero


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "COMMAND"),
        (["fly"], "'fly'"),
        (["train", "--model", "vgg"], "baseline-bn.*'vgg'"),
        (["train", "--data", "cifar"], "fashion-mnist.*'cifar'"),
        (["train", "--data-dir", "x"], "--data-dir: digits are generated"),
        (["train", "--data", "mnist", "--data-dir", "nowhere"], "nowhere.*train-images-idx3-ubyte"),
        (["train", "--epochs", "0"], "--epochs: expected a whole number of at least 1, got '0'"),
        (["train", "--epochs", "2.5"], "--epochs: .*'2.5'"),
        (["train", "--batch-size", "-1"], "--batch-size: .*'-1'"),
        (["train", "--samples", "0"], "--samples: .*'0'"),
        (["train", "--seed", "-1"], "--seed: expected a whole number of at least 0, got '-1'"),
        (["train", "--lr", "nan"], "--lr: expected a finite number above 0, got 'nan'"),
        (["train", "--lr", "inf"], "--lr: .*'inf'"),
        (["train", "--lr", "-0.1"], "--lr: .*'-0.1'"),
        (["train", "--lr", "0"], "--lr: .*'0'"),
        (["train", "--lr", "fast"], "--lr: .*'fast'"),
        (["train", "--momentum", "1"], r"--momentum: expected a number in \[0, 1\), got '1'"),
        (["train", "--momentum", "nan"], "--momentum: .*'nan'"),
        (["train", "--colour", "red"], "--colour"),
        (["evaluate"], r"MODEL"),
        (["evaluate", "missing"], r"missing: No such file"),
        (["evaluate", "."], "expected a file, got a folder"),
    ],
)
def test_bad_arguments_are_one_line_and_status_2(argv, said, capsys):
    assert re.search(said, complaint(argv, capsys))


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("no/such/file", "No such file or directory"),
        (".", "Is a directory"),
        ("/dev/null", "expected a file, got a device"),
        ("n" * 256, "File name too long"),
        ("older", "the file is read-only"),
    ],
)
def test_what_cannot_be_saved_is_found_before_the_training(out, said, monkeypatch, capsys):
    Path("older").touch(0o444)
    monkeypatch.setattr(data, "digits", lambda *args: pytest.fail("it went on to the data"))
    assert re.search(f"--out: {out} cannot be written: {said}", complaint([*QUICK, "--out", out], capsys))


def test_more_samples_than_the_files_hold(files, capsys):
    argv = ["train", "--data", "mnist", "--data-dir", str(files), "--samples", "101"]
    assert "--samples: expected at most 100, got 101" in complaint(argv, capsys)


@pytest.mark.parametrize("command", [["train"], ["evaluate", "model.safetensors"]])
def test_a_data_file_that_is_damaged_or_missing(command, files, capsys):
    save_untrained("model.safetensors", "baseline")
    argv = [*command, "--data", "mnist", "--data-dir", str(files)]
    path = files / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    assert re.search("t10k-images-idx3-ubyte.*expected 31360", complaint(argv, capsys))
    path.unlink()
    assert "t10k-images-idx3-ubyte" in complaint(argv, capsys)


def test_a_saved_model_that_is_damaged_or_does_not_fit(tmp_path, capsys):
    (tmp_path / "m").write_bytes(b"PK\x03\x04 damaged")
    assert "m: expected a saved tree" in complaint(["evaluate", "m"], capsys)
    save_untrained("m", "baseline-bn")
    assert "m: does not fit 'like'" in complaint(["evaluate", "m"], capsys)
