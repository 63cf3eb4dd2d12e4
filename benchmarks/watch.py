"""How long a frame takes from the microscope's disk to its result: a folder, a TIFF, a Zarr.

    python benchmarks/watch.py --write

prints a table; with ``--write`` it also goes to ``docs/watch-speed.md``. A process of its own
writes 256 x 256 frames; a frame is late by the time between the return of the writer's last call
for it and the step that has its maps.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import zarr
from metrics import markdown_table
from speed import machine

from napari_lattice_symmetry import AnalysisParameters, load_model, simulate
from napari_lattice_symmetry.analysis.watch import iter_watch
from napari_lattice_symmetry.data.growing import INTERVAL
from napari_lattice_symmetry.io.growing import open_growing
from napari_lattice_symmetry.spectrum import WindowGrid

DOCS = Path(__file__).parents[1] / "docs"
SETTINGS = AnalysisParameters(window=96, stride=16, samples=100, answer="network")
NAMES = {"folder": "frames", "TIFF": "movie.tif", "Zarr": "movie.zarr"}

WRITER = """
import sys, time
from pathlib import Path
import numpy as np, tifffile, zarr
kind, path, source, n, pause = sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]
frames = np.load(source)
sys.stdin.readline()
for i in range(int(n)):
    frame = frames[i % len(frames)]
    if kind == "folder":
        tifffile.imwrite(path / f"frame_{i}.tif", frame)
    elif kind == "TIFF":
        tifffile.imwrite(path, frame, append=path.stat().st_size > 0)
    else:
        array = zarr.open_array(path, mode="r+")
        array.resize((i + 1, *array.shape[1:]))
        array[i] = frame
    print(time.time(), flush=True)
    time.sleep(float(pause))
"""


def measure(kind: str, frames: np.ndarray, n_frames: int, pause: float) -> tuple[np.ndarray, int]:
    """Give how late each of `n_frames` frames was, in seconds, and the longest backlog."""
    with tempfile.TemporaryDirectory() as place:
        path, source = Path(place) / NAMES[kind], Path(place) / "source.npy"
        np.save(source, frames)
        if kind == "folder":
            path.mkdir()
        elif kind == "TIFF":
            path.touch()
        else:
            shape = frames.shape[1:]
            zarr.create_array(path, shape=(0, *shape), chunks=(1, *shape), dtype=frames.dtype)
        arguments = [kind, str(path), str(source), str(n_frames), str(pause)]
        done, backlog = [], 0
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            steps = iter_watch(
                open_growing(path),
                SETTINGS,
                model=load_model(SETTINGS.network),
                should_stop=lambda: len(done) == n_frames,
            )
            writer.stdin.write("go\n")
            writer.stdin.flush()
            for step in steps:
                step.insert()
                backlog = max(backlog, step.backlog)
                done += [time.time()] * (step.frame is not None)
            written = [float(line) for line in writer.stdout]
    return np.array(done) - written, backlog


def main() -> None:
    """Measure at a leisurely pace, and as fast as files can be written; print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--write", action="store_true", help="write docs/watch-speed.md")
    options = parser.parse_args()
    frames = np.asarray(simulate("growing-holes", frames=10).movie.frames)[:, :256, :256]
    measure("folder", frames, 2, 0)  # compiles the network
    rows = []
    for pause in (1.0, 0.0):
        for kind in NAMES:
            late, backlog = measure(kind, frames, options.frames, pause)
            figures = [f"{np.median(late):.2f} s", f"{late.max():.2f} s", str(backlog)]
            rows.append([kind, f"{pause:.0f} s" if pause else "none", *figures])
    header = ["what", "pause between frames", "median", "longest", "longest backlog"]
    n_windows = WindowGrid((256, 256), SETTINGS.window, SETTINGS.stride).size
    text = f"""# How soon a frame is analyzed

Made by `make bench-watch` on: {machine()}; {os.getloadavg()[0]:.1f} programs at
work. {options.frames} frames each of 256 x 256 px, {n_windows} windows, {SETTINGS.samples} samples,
the network's answer.

From the return of the writer's last call for a frame to its maps; {INTERVAL} s of it are the time
for which a file has to be left alone before it is read:

{markdown_table(header, rows)}"""
    print(text)
    if options.write:
        (DOCS / "watch-speed.md").write_text(text)


if __name__ == "__main__":
    main()
