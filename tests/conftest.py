"""Profiles of hypothesis, and where the real files of the MNIST family are."""

import os
from pathlib import Path

import hypothesis
import pytest

# --hypothesis-profile=NAME chooses another; deadlines would make a busy machine fail a test
hypothesis.settings.register_profile("default", max_examples=10, deadline=None)
hypothesis.settings.register_profile("ci", max_examples=10, deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("thorough", max_examples=1000, deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

BESIDE_THE_REPOSITORY = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def family_folder():
    """A function from a name ("mnist", "fashion-mnist") to its folder; skips where the folder is absent."""
    root = Path(os.environ.get("TINYGRAD_CNN_DATA", BESIDE_THE_REPOSITORY))

    def find(name):
        folder = root / name
        if not folder.is_dir():
            pytest.skip(f"no folder {folder}; set TINYGRAD_CNN_DATA to the folder that holds {name}/")
        return folder

    return find
