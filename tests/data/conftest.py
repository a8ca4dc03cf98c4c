"""Where the real files of the MNIST family are."""

import os
from pathlib import Path

import pytest

BESIDE_THE_REPOSITORY = Path(__file__).resolve().parents[2].parent / "shared" / "data"


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
