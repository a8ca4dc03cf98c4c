"""Whatever happens to a write, the last good checkpoint of a run is whole and is found."""

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from tinygrad_cnn.train import Checkpoint, Checkpoints, atomic, save


def a_checkpoint(step, size=10):
    return Checkpoint({"w": np.full(size, step)}, {}, {}, {}, step, 0, {}, {}, None, None, None)


def steps(folder):
    return [int(path.stem[5:]) for path in Checkpoints(folder).paths()]


def test_the_newest_are_kept_in_the_order_of_steps(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run", keep=2)
    for step in (9, 10, 100, 100, 123_456_789):
        checkpoints.save(a_checkpoint(step))
    assert steps(tmp_path / "run") == [100, 123_456_789]
    newest, damaged = Checkpoints(tmp_path / "run").newest()
    assert (newest.step, damaged) == (123_456_789, [])


def test_what_an_earlier_run_left_goes_when_the_new_one_has_saved(tmp_path):
    for step in (50, 60):
        Checkpoints(tmp_path, keep=9).save(a_checkpoint(step))
    (tmp_path / "step-00000070.safetensors.0123456789abcdef.part").touch()
    (tmp_path / "notes.txt").touch()
    checkpoints = Checkpoints(tmp_path, keep=1)
    assert len(list(tmp_path.iterdir())) == 3
    checkpoints.save(a_checkpoint(5))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "step-00000005.safetensors"]
    checkpoints.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_damaged_one_is_skipped_and_told_and_the_run_goes_on_from_the_one_before(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=3)
    for step in (1, 2, 3):
        checkpoints.save(a_checkpoint(step))
    path = tmp_path / "step-00000003.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    save(tmp_path / "step-00000004.safetensors", {"another": 1})
    again = Checkpoints(tmp_path, keep=3)
    newest, damaged = again.newest()
    assert newest.step == 2
    assert ["expected a checkpoint" in damaged[0], "damaged or other file" in damaged[1]] == [True, True]
    again.save(a_checkpoint(3))
    assert steps(tmp_path) == [1, 2, 3]
    assert Checkpoint.load(path).params["w"][0] == 3


def test_an_empty_or_missing_folder_has_none(tmp_path):
    assert Checkpoints(tmp_path / "none").newest() == (None, [])
    Checkpoints(tmp_path / "none").remove()
    assert Checkpoints(tmp_path).newest() == (None, [])


def full_disk(monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)


def refused_rename(monkeypatch):
    def fail(source, target):
        raise PermissionError(errno.EACCES, "held by a scanner")

    monkeypatch.setattr(atomic, "WAITS", (0,))
    monkeypatch.setattr(os, "replace", fail)
    monkeypatch.setattr(Path, "replace", fail)


def read_only_folder(monkeypatch):
    def fail(path, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", fail)


@pytest.mark.parametrize("break_it", [full_disk, refused_rename, read_only_folder])
def test_the_last_good_one_stays_whole_when_a_write_fails(break_it, tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save(a_checkpoint(1))
    with monkeypatch.context() as broken:
        break_it(broken)
        with pytest.raises(OSError, match="step-00000002"):
            checkpoints.save(a_checkpoint(2))
    newest, damaged = Checkpoints(tmp_path).newest()
    assert (newest.step, damaged) == (1, [])
    checkpoints.save(a_checkpoint(3))
    assert steps(tmp_path)[-1] == 3


def test_two_writers_leave_a_whole_one_at_every_moment(tmp_path):
    """Two runs with one name would be a mistake of the user, but not one that loses everything."""
    Checkpoints(tmp_path).save(a_checkpoint(0))
    failed, done = [], threading.Event()

    def write(start):
        try:
            checkpoints = Checkpoints(tmp_path, keep=2)
            for step in range(start, start + 60, 2):
                checkpoints.save(a_checkpoint(step, 2000))
        except BaseException as error:
            failed.append(error)

    def look():
        while not done.is_set():
            newest, _ = Checkpoints(tmp_path).newest()
            if newest is None:  # it may have listed files that were gone when it opened them: look again
                newest, _ = Checkpoints(tmp_path).newest()
            if newest is None or (newest.params["w"] != newest.step).any():
                failed.append(newest)

    writers = [threading.Thread(target=write, args=(start,)) for start in (1, 2)]
    looker = threading.Thread(target=look)
    for thread in (*writers, looker):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    looker.join()
    assert failed == []
