"""Writing a file as a whole: until it is complete nobody sees it, and an older one stays in its place."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

WAITS = (0.1, 0.2, 0.4)
"""The seconds to wait before each new attempt to move a file, which a scanner may hold for a moment."""


def check(path: Path) -> None:
    """Raise an OSError that names the file, unless `write` could write it now.

    Examples
    --------
    >>> check(Path("no/such/folder/file"))
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no/such/folder/file'
    """
    with _naming(path):
        target, mode = _target(path)
        descriptor, part = _new_part(target, mode)
        os.close(descriptor)
        part.unlink()


def write(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write pieces of bytes to a file, which gets its name when it is complete and on the disk.

    A link is followed, and a file that is replaced hands on its mode. If the complete file cannot be moved to
    its name, it stays under another one, which the error tells.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder) / "file", [b"a", b"b"])
    ...     [path.name for path in Path(folder).iterdir()]
    ['file']
    """
    with _naming(path):
        target, mode = _target(path)
        part = _write_part(target, mode, pieces)
        _move(part, target)
        _sync_folder(target.parent)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an OSError name the file that was to be written; that of a full disk would name none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _target(path: Path) -> tuple[Path, int | None]:
    """Return the file behind links, and its mode if it exists; raise an OSError if it may not be written."""
    target = Path(os.path.realpath(path))
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return target, None
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "expected a file, got a device, a pipe or a circle of links")
    if not mode & 0o222:  # whoever may write to the folder could replace it, but was asked not to
        raise OSError(errno.EACCES, "the file is read-only")
    return target, stat.S_IMODE(mode)


def _new_part(target: Path, mode: int | None) -> tuple[int, Path]:
    """Make a file beside the target, of a name that nobody can foresee; return its descriptor and name."""
    part = target.with_name(f"{target.name[:40]}.{secrets.token_hex(8)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(part, flags, 0o666 if mode is None else 0o600)
    if mode is not None:
        part.chmod(mode)
    return descriptor, part


def _write_part(target: Path, mode: int | None, pieces: Iterable[bytes | memoryview]) -> Path:
    """Write the pieces to a new file beside the target; if that fails, leave nothing behind."""
    descriptor, part = _new_part(target, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(descriptor)
    except BaseException:  # an interrupt too
        part.unlink(missing_ok=True)
        raise
    return part


def _move(part: Path, target: Path) -> None:
    """Give the complete file its name, trying again while the system refuses."""
    for wait in (*WAITS, None):
        try:
            part.replace(target)
            return
        except OSError as error:
            if wait is None:
                kept = f"{error.strerror or error}: what was to be saved is complete in {part}"
                raise OSError(error.errno, kept) from error
            time.sleep(wait)


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk; where a system cannot sync a folder, the file is complete anyway."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
