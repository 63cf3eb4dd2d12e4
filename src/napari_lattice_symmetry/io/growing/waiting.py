"""How long something waits: files until they are left alone, others for what is not complete."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import TypeAlias, TypeVar

from napari_lattice_symmetry.errors import InputError

T = TypeVar("T")

_DENSE = 16  # frames after one of which all are looked at

Stamp: TypeAlias = tuple[int, int, int]
"""What changes when a file is written to: its inode, size in bytes and time in ns."""


class Quiet:
    """For how long files have been left alone."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Hashable, float]] = {}

    def note(self, key: str, stamp: Hashable) -> None:
        """Take note of what a file, or several, are like now."""
        if key not in self._seen or self._seen[key][0] != stamp:
            self._seen[key] = stamp, time.monotonic()

    def seconds(self, key: str, stamp: Hashable) -> float:
        """Return the time since a file changed; 0 if it is not as it was noted last."""
        seen, since = self._seen.get(key, (None, 0.0))
        return time.monotonic() - since if seen == stamp else 0.0

    def forget(self, key: str) -> None:
        """Drop a file that is gone or done."""
        self._seen.pop(key, None)


class Delay:
    """Lets something wait, but not for ever."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._since: dict[str, float] = {}

    def is_over(self, key: str) -> bool:
        """Return whether `key` was asked about first longer ago than there is patience."""
        return time.monotonic() - self._since.setdefault(key, time.monotonic()) >= self._patience

    def forget(self, key: str) -> None:
        """Drop what need not wait any more."""
        self._since.pop(key, None)


def further(index: int, end: int) -> Iterator[int]:
    """Give places after `index` to look for what was written later: all at first, then ever fewer.

    However many frames in a row are blank, the next one is found once as many follow them.
    """
    yield from range(index + 1, min(index + _DENSE, end))
    step = _DENSE
    while index + step < end:
        yield index + step
        step *= 2


def stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of a file; None if there is none, or it cannot be reached.

    It asks for the file itself, since a folder on Windows may list an old size of a file that
    is still open.
    """
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def insist(action: Callable[[], T], errors: tuple[type[Exception], ...], seconds: float) -> T:
    """Return what `action` gives; if it raises one of `errors`, try again for so many seconds."""
    end = time.monotonic() + seconds
    while True:
        try:
            return action()
        except InputError:  # a sentence, which waiting does not change
            raise
        except errors:
            if time.monotonic() >= end:
                raise
        time.sleep(0.02)
