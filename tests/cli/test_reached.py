"""What the command reaches, on real data and on digits from another pen, in minutes.

Times are those of the processor, all threads together, since another program on the machine prolongs others.
"""

import json
import time

import numpy as np
import pytest
from pen import pictures

from tinygrad_cnn import cli

pytestmark = pytest.mark.slow
ADAMW = "--model resnet8 --epochs 8 --batch-size 32 --optimizer adamw --lr 0.005 --weight-decay 0.05"
RESNET8 = f"{ADAMW} --schedule onecycle --average 0.999 --augment"
AUGMENT = {"mnist": "crop:2,rotate:10", "fashion-mnist": "crop:2,flip"}
FROM_DIGITS = "--model baseline-bn --samples 20000 --epochs 3 --augment elastic --average 0.995"


def result(argv, capsys):
    """The last object of JSON that a command prints."""
    assert cli.main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def trained(folder, name, options, capsys):
    """The accuracy on the test images of a data set in files, after a training."""
    source = ["--data", name, "--data-dir", str(folder)]
    result(["train", *source, *options.split()], capsys)
    return result(["evaluate", "model.safetensors", *source], capsys)["accuracy"]


@pytest.mark.parametrize(("model", "least"), [("baseline", 0.986), ("baseline-bn", 0.988)])
def test_the_defaults_on_mnist(model, least, family_folder, capsys):
    runs = [f"--model {model} --seed {seed}" for seed in range(3)]
    assert np.median([trained(family_folder("mnist"), "mnist", options, capsys) for options in runs]) > least


def test_five_epochs_on_mnist(family_folder, capsys):
    assert trained(family_folder("mnist"), "mnist", "--model baseline-bn --epochs 5", capsys) > 0.991


@pytest.mark.parametrize(("name", "least"), [("mnist", 0.995), ("fashion-mnist", 0.925)])
def test_resnet8_in_twenty_minutes(name, least, family_folder, capsys):
    begin = time.process_time()
    assert trained(family_folder(name), name, f"{RESNET8} {AUGMENT[name]}", capsys) > least
    assert time.process_time() - begin < 20 * 60 * 2  # of two cores


def test_generated_digits_alone_teach_to_read_real_ones_and_those_of_another_pen(family_folder, capsys):
    image = pytest.importorskip("PIL.Image")
    begin = time.process_time()
    result(["train", *FROM_DIGITS.split()], capsys)
    assert time.process_time() - begin < 30
    source = ["--data", "mnist", "--data-dir", str(family_folder("mnist"))]
    assert result(["evaluate", "model.safetensors", *source], capsys)["accuracy"] > 0.965
    files, labels = [], []
    for n, (picture, digit) in enumerate(pictures()):
        files.append(f"{n}.{'png' if n % 2 else 'jpg'}")
        image.fromarray(picture).save(files[-1])
        labels.append(str(digit))
    assert cli.main(["predict", "model.safetensors", *files, "--json"]) == 0
    found = [json.loads(line)["label"] for line in capsys.readouterr().out.splitlines()]
    assert np.mean([a == b for a, b in zip(found, labels, strict=True)]) >= 0.9
