"""Places on disk: what may be replaced, writing beside and moving, and what the system says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import ENAMETOOLONG
from os import PathLike
from pathlib import Path
from uuid import uuid4

from napari_lattice_symmetry.errors import InputError, LatticeSymmetryError

PARTIAL = ".partial"
"""Ending of a file that is not written to its end yet."""

ELSEWHERE = "choose a folder in which you may write"


def as_path(path: str | bytes | PathLike[str]) -> Path:
    """Return what names a place, as a path.

    Raises
    ------
    InputError
        If it can be the name of no file: a number, nothing, or a text with a NUL in it.
    """
    try:
        name = os.fsdecode(path)
        is_name = bool(name) and b"\0" not in os.fsencode(name)
    except (TypeError, ValueError):
        is_name = False
    if not is_name:
        raise InputError(f"{path!r} is the name of no file; give the path of one.")
    return Path(name)


def check_free(
    path: Path,
    *,
    overwrite: bool,
    kind: str = "a file",
    is_kind: Callable[[Path], bool] = Path.is_file,
) -> None:
    """Raise an error if something is in the way at `path`.

    The one rule of what is replaced: only what is asked for, and only by its like.

    Parameters
    ----------
    path : pathlib.Path
        Where something is to be written.
    overwrite : bool
        Whether what is there may be replaced.
    kind : str
        What is to be written, as in "a file".
    is_kind : callable
        Tells whether what is there is of that kind.

    Raises
    ------
    InputError
        If there is something of another kind, or something that may not be replaced.
    """
    with writing(path):
        if not as_path(path).exists():
            return
    if not is_kind(path):
        raise InputError(f"{path} exists and is not {kind}; choose another name.")
    if not overwrite:
        raise InputError(f"{path} exists; choose another name, or overwrite it.")


def check_writable(path: Path) -> None:
    """Raise an error if nothing can be written to `path`, before hours are spent on it.

    Raises
    ------
    InputError
        If it cannot; in one sentence.
    """
    with writing(as_path(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        inside = [path / f"{uuid4().hex}{PARTIAL}"] if path.is_dir() else []
        for probe in (beside(path), *inside):
            probe.mkdir()
            probe.rmdir()


@contextmanager
def writing(
    path: Path, advice: str = ELSEWHERE, error: type[LatticeSymmetryError] = InputError
) -> Iterator[None]:
    """Turn what the system says against writing `path` into one sentence.

    Parameters
    ----------
    path : pathlib.Path
        What the sentence names.
    advice : str
        How it ends: what helps, or what is saved.
    error : type
        What is raised instead of an OSError.
    """
    try:
        yield
    except OSError as reason:
        advice = "choose a shorter name" if reason.errno == ENAMETOOLONG else advice
        raise error(
            f"{path} cannot be written ({reason.strerror or reason}); {advice}."
        ) from reason


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a place beside `path` to write to, and move that to `path` in the end.

    A failure on the way leaves what was there before.

    Yields
    ------
    pathlib.Path
        With the ending of `path`, in the same folder; folders on the way are made.

    Raises
    ------
    InputError
        If the system is against it, or a device or a pipe is there, which would be replaced.
    """
    if not as_path(path).name:
        raise InputError(f"{path} is a folder; give the path of a file.")
    partial = beside(path)
    with writing(path):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise InputError(f"{path} is a device or a pipe; choose another name.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            _move(partial, path)
        finally:
            remove(partial)


def beside(path: Path) -> Path:
    """Name a hidden place beside `path` that nothing else uses, with the same ending."""
    return path.with_name(f".{uuid4().hex[:8]}.{path.name}")


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _move(partial: Path, path: Path) -> None:
    """Put `partial` in the place of `path`; a folder is kept until that is done."""
    if not (path.is_dir() and partial.is_dir()):
        partial.replace(path)  # which the system refuses for a file and a folder
        return
    old = beside(path)
    path.rename(old)
    try:
        partial.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old)
