"""Fetching files from mirrors: each is taken up where it was cut, and trusted if its SHA-256 is right."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from ..checks import one_of
from .families import FAMILIES, cache_folder

__all__ = ["fetch"]

Progress = Callable[[int, str], AbstractContextManager[Callable[[int], object]]]
"""A function ``(bytes, label)`` that returns a context with a function to call with bytes that have come."""

TIMEOUT = 20.0
"""The seconds for which a server may send nothing at all."""

ATTEMPTS = 3
"""How often a mirror is asked to go on with a file that was cut."""

_PIECE = 1 << 16


def _silent(size: int, label: str) -> AbstractContextManager[Callable[[int], object]]:
    """Show no progress."""
    return nullcontext(lambda count: None)


def fetch(name: str, folder: str | os.PathLike[str] | None = None, progress: Progress | None = None) -> Path:
    """Make sure that the files of a data set are there, and fetch those that are not.

    A file that was cut is taken up where it ended, also by a later call. It gets its name only when its
    SHA-256 is right, so a file of the name is complete.

    Parameters
    ----------
    name : str
        ``"mnist"``, ``"fashion-mnist"``, ``"kmnist"`` or ``"cifar10"``.
    folder : str or path, optional
        Where the files are to be; by default in a folder of that name in ``$TINYGRAD_CNN_CACHE``, or in
        ``tinygrad-cnn`` in the cache that the system has for each user.
    progress : callable, optional
        A function ``(bytes, label)`` that returns a context with a function, which is called with the number
        of bytes whenever some have come, such as `train.progress_bar`.

    Returns
    -------
    path
        The folder.

    Raises
    ------
    OSError
        If no mirror gives a file; the message says why, and where to put files that were fetched otherwise.
    ValueError
        If there is no such data set, or a mirror gives another file than the one that is known.

    Examples
    --------
    >>> fetch("kmnist")  # doctest: +SKIP
    PosixPath('/home/me/.cache/tinygrad-cnn/kmnist')
    """
    one_of("fetch", "name", name, tuple(FAMILIES))
    family = FAMILIES[name]
    target = cache_folder() / name if folder is None else Path(folder)
    missing = [file for file in family.files if not (target / file).exists()]
    if missing:
        target.mkdir(parents=True, exist_ok=True)
    for file in missing:
        urls = [mirror + file for mirror in family.mirrors]
        _fetch_file(urls, target / file, family.files[file], progress or _silent)
    return target


def _fetch_file(urls: Sequence[str], path: Path, sha256: str, progress: Progress) -> None:
    """Fetch one file from the first of several addresses that has it."""
    from http.client import HTTPException  # what few programs need is imported when one does

    part = path.with_name(f"{path.name}.{sha256[:8]}.part")  # a later call takes it up
    complaints = []
    for url in urls:
        for _ in range(ATTEMPTS):
            before = _size(part)
            try:
                _append(url, part, progress)
            except (OSError, HTTPException) as error:
                complaints.append(f"{url}: {getattr(error, 'reason', None) or error or type(error).__name__}")
                if _size(part) > before:  # it was cut, but something came
                    continue
                break
            if _digest(part) == sha256:
                part.replace(path)
                return
            part.unlink()
            complaints.append(f"{url}: gives another file, whose SHA-256 is wrong")
            if not before:  # it was all from this place
                break
    told = "; ".join(dict.fromkeys(complaints))
    raise OSError(f"cannot fetch {path.name}: {told}. Put the file into {path.parent}, or name its folder")


def _append(url: str, part: Path, progress: Progress) -> None:
    """Fetch what is missing at the end of a file; raise an OSError if the connection ends too early."""
    import urllib.request
    from http import HTTPStatus
    from urllib.error import HTTPError

    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except HTTPError as error:
        if (
            error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        ):  # nothing is missing, or it is another file
            return
        raise
    with response:
        goes_on = response.status == HTTPStatus.PARTIAL_CONTENT
        length = int(response.headers.get("Content-Length") or 0)
        with (
            part.open("ab" if goes_on else "wb") as out,
            progress(length, part.name.split(".")[0]) as advance,
        ):
            came = 0
            while piece := response.read1(_PIECE):
                out.write(piece)
                came += len(piece)
                advance(len(piece))
    if length and came < length:
        raise OSError(f"the connection ended after {came} of {length} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
