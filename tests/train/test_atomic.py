"""A file that is saved is there as a whole or not at all, and nothing beside it is touched."""

import errno
import os
import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from tinygrad_cnn.train import atomic, load, save


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own_without_waiting(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(atomic, "WAITS", (0, 0))


def here():
    return sorted(path.name for path in Path().iterdir())


def mode(path):
    return stat.S_IMODE(Path(path).stat().st_mode)


def test_what_stands_at_the_names_of_parts_is_left_alone(monkeypatch):
    Path("victim").write_text("mine")
    Path("file.part").symlink_to("victim")
    save("file", 1)
    assert (here(), Path("victim").read_text()) == (["file", "file.part", "victim"], "mine")
    monkeypatch.setattr(atomic.secrets, "token_hex", lambda count: "guessed")
    Path("file.guessed.part").symlink_to("victim")
    with pytest.raises(FileExistsError):
        save("file", 2)
    assert (load("file"), Path("victim").read_text()) == (1, "mine")


@pytest.mark.parametrize("bits", [0o600, 0o644, 0o660])
def test_a_file_keeps_its_mode_and_a_new_one_gets_that_of_new_files(bits):
    Path("new").touch()
    save("file", 1)
    assert mode("file") == mode("new")
    Path("file").chmod(bits)
    save("file", 2)
    assert (load("file"), mode("file")) == (2, bits)


@pytest.mark.parametrize("exists", [False, True])
def test_a_link_stays_a_link_and_its_file_is_written(exists):
    Path("folder").mkdir()
    if exists:
        Path("folder/file").touch()
    Path("link").symlink_to("folder/file")
    save("link", 1)
    assert Path("link").is_symlink()
    assert (load("folder/file"), len(list(Path("folder").iterdir())), here()) == (
        1,
        1,
        ["folder", "link"],
    )


@pytest.mark.parametrize("refusals", [2, 3])
def test_a_move_that_is_refused_is_tried_again_and_then_the_complete_file_is_kept(refusals, monkeypatch):
    left, replace = [PermissionError(errno.EACCES, "held by a scanner")] * refusals, os.replace

    def refusing(source, target):
        if left:
            raise left.pop()
        replace(source, target)

    monkeypatch.setattr(os, "replace", refusing)
    if refusals == 2:
        save("file", 1)
        assert (here(), load("file")) == (["file"], 1)
        return
    with pytest.raises(PermissionError, match="held by a scanner") as caught:
        save("file", 1)
    (part,) = here()
    assert caught.value.filename == "file"
    assert str(Path(part).resolve()) in caught.value.strerror
    assert load(part) == 1


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_save_that_fails_leaves_the_older_file_and_nothing_else(error, monkeypatch):
    save("file", 1)

    def failing(descriptor):
        raise error

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(type(error), match="No space.*'file'" if isinstance(error, OSError) else None):
        save("file", 2)
    assert (here(), load("file")) == (["file"], 1)


def test_writers_to_one_file_do_not_disturb_each_other():
    trees = [{"writer": n, "array": np.full(1000, n)} for n in range(4)]
    failed = []

    def writing(tree):
        try:
            for _ in range(5):
                save("file", tree)
                found = load("file")
                assert (found["array"] == found["writer"]).all()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=writing, args=(tree,)) for tree in trees]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failed, here()) == ([], ["file"])


def read_only():
    Path("file").touch(0o444)
    return "file"


def circle():
    Path("a").symlink_to("b")
    Path("b").symlink_to("a")
    return "a"


def in_a_file():
    Path("file").touch()
    return "file/x"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (lambda: "none/file", "No such file or directory"),
        (in_a_file, "Not a directory"),
        (lambda: ".", "Is a directory"),
        (lambda: "/dev/null", "got a device, a pipe or a circle of links"),
        (circle, "got a device, a pipe or a circle of links"),
        (read_only, "the file is read-only"),
        (lambda: "n" * 256, "File name too long"),
    ],
)
def test_what_cannot_be_written_is_refused_by_name_before_and_when_it_is_written(where, said):
    path = where()
    before = here()
    for write in (lambda: atomic.check(Path(path)), lambda: save(path, 1)):
        with pytest.raises(OSError, match=said) as caught:
            write()
        assert caught.value.filename == path
    assert here() == before


def test_a_name_of_any_length_that_a_folder_can_hold_is_written():
    for name in ("n" * 255, "é" * 127):
        atomic.check(Path(name))
        assert here() == []
        save(name, 1)
        assert here() == [name]
        Path(name).unlink()
