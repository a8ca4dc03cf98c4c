"""Every example runs, and the same network written in different styles gives the same losses."""

import importlib
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
STYLES = ["functional", "layers", "backward_style", "one_sample"]
TINY = ["--samples", "20", "--lr", "0.02", "--seed", "3"]


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)


def _losses(name, *argv):
    return importlib.import_module(name).main([*TINY, *argv])


def test_no_example_is_left_out():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*STYLES, "settings"}


def test_one_sample_at_a_time_all_styles_give_the_same_losses():
    one_sample = _losses("one_sample")
    assert len(one_sample) == 20
    for name in STYLES[:3]:
        assert _losses(name, "--batch-size", "1") == one_sample


def test_in_batches_all_styles_give_the_same_losses():
    functional, layers, backward = (_losses(name, "--batch-size", "8") for name in STYLES[:3])
    assert len(functional) == 3
    assert functional == layers == backward


def test_another_seed_gives_other_losses():
    assert _losses("layers") != _losses("layers", "--seed", "4")


@pytest.mark.parametrize("name", STYLES)
def test_a_script_shows_falling_losses(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [name, "--samples", "300"])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    means = [float(line.rsplit(maxsplit=1)[1]) for line in lines]
    assert len(means) >= 10
    assert means[-1] < means[0]
