"""A Zarr store on disk that a power cut leaves whole."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from zarr.storage import LocalStore

from napari_lattice_symmetry.errors import AnalysisError
from napari_lattice_symmetry.files import PARTIAL

if TYPE_CHECKING:
    from zarr.core.buffer import Buffer


_FIRST = "zarr.json"
"""What is written before all else."""


class DurableStore(LocalStore):
    """A folder in which each file is replaced as a whole, once the new one is on the disk.

    One that was removed meanwhile is not made again, since what was written earlier is lost.
    """

    async def set(self, key: str, value: Buffer) -> None:
        """Write `value` under `key`."""
        if key != _FIRST and not (self.root / _FIRST).exists():
            raise AnalysisError(
                f"{self.root} was removed while it was written; run the same command again."
            )
        await asyncio.to_thread(_replace, self.root / key, value)


def _replace(path: Path, value: Buffer) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid4().hex}{PARTIAL}")
    try:
        with partial.open("wb") as file:
            file.write(value.as_buffer_like())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    if sys.platform == "win32":  # where no folder can be opened; its names are written at once
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
