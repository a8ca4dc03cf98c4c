"""Each test of the command works in a folder of its own, and with few digits."""

import pytest
from commands import few_digits

from tinygrad_cnn import data


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own_with_few_digits(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINYGRAD_CNN_CACHE", str(tmp_path / "cache"))
    if "slow" not in request.keywords:
        monkeypatch.setattr(data, "digits", few_digits)
