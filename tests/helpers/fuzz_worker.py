"""Reads the files whose paths come on standard input, and tells as JSON how each one ended."""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import loading, read_labels, read_layer_stack, read_movies
from napari_lattice_symmetry.io.general import zarr_files

BUDGET = 32 << 20
MAX_BYTES = 16 << 30
SAVED = (".tif", ".zarr")


def restore(path):
    """Read what was saved as napari does, before it looks for movies."""
    stack = read_layer_stack(path) if path.endswith(SAVED) else None
    if stack is not None:
        for array in (*stack.images.values(), *stack.labels.values()):
            np.asarray(array[0])
            np.asarray(array[-1])


def look(path):
    """Read the first and the last frame of the first movies in a file, and of labels."""
    for movie in (*read_movies(path)[:3], *read_labels(path)):
        movie.frame(0)
        movie.frame(len(movie) - 1)


def read(path):
    """Read a file in both ways; give how that ended."""
    refused = ""
    for way in (restore, look):
        try:
            way(path)
        except InputError as error:
            refused = str(error)
            if not refused:
                return "refused", ""
        except BaseException as error:  # whatever else comes out is what is looked for
            return "not an InputError", f"{type(error).__name__}: {error}"
    return ("refused", refused) if refused else ("read", "")


def forget_peak():
    """Let the peak of memory begin anew, where the system can; else it only ever grows."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak():
    """Return the most bytes of memory that were held since that."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    loading.memory_budget = zarr_files.memory_budget = lambda: BUDGET
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    for line in sys.stdin:
        forget_peak()
        before, started = peak(), time.process_time()
        ended, says = read(line.strip())
        report = {
            "ended": ended,
            "says": says,
            "seconds": time.process_time() - started,
            "grown": peak() - before,
        }
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
