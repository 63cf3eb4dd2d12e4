"""Damaged HDF5 is met by a process that may die: libhdf5 can crash, hang and take all memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.loading import memory_budget

_TRIAL = Path(__file__).with_name("hdf5_trial.py")
_START, _SILENCE, _PAUSE = 60.0, 4.0, 0.01  # s
_MAX_MEMORY = 1 << 29
_PROBLEM = "the HDF5 library {} when it reads it"


def check_hdf5(path: Path) -> None:
    """Let another process look into a file before this one does; once, until the file changes.

    Raises
    ------
    InputError
        If that process crashes, hangs or takes too much memory.
    """
    facts = path.stat()
    problem = _try(path.absolute(), facts.st_size, facts.st_mtime_ns)
    if problem:
        raise InputError(f"{path.name} is damaged: {problem}.")


@lru_cache(maxsize=1024)
def _try(path: Path, _size: int, _changed: int) -> str:
    """Say what goes wrong when a process touches all that is in a file; nothing if all is well."""
    import psutil

    from napari_lattice_symmetry.io.general.hdf5_trial import BOMB

    # -P: modules beside the script must not hide those of the same name elsewhere.
    command = [sys.executable, "-P", str(_TRIAL), str(path)]
    with subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        import h5py  # noqa: F401, which the caller needs next, and takes as long as the process

        os.set_blocking(process.stdout.fileno(), False)
        chunk, rest, budget = 0, b"", memory_budget()
        watched, until = psutil.Process(process.pid), time.monotonic() + _START
        while process.poll() is None:
            if told := process.stdout.read(1 << 16):  # it has come to the next object
                until = time.monotonic() + _SILENCE
                whole, _, rest = (rest + told).rpartition(b"\n")  # a number may come in parts
                chunk = max([chunk, *map(int, whole.split())])
            problem = _PROBLEM.format("hangs") if time.monotonic() > until else ""
            with suppress(psutil.Error):  # it may have ended this instant
                if watched.memory_info().rss > _MAX_MEMORY + 2 * min(chunk, budget):
                    problem = _PROBLEM.format("takes too much memory")
            if problem:
                process.kill()
                return problem
            time.sleep(_PAUSE)
    if process.returncode == BOMB:
        return "its chunks unpack into more than it declares"
    return _PROBLEM.format("crashes") if process.returncode else ""
