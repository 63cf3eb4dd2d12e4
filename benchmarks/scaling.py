"""How memory and time grow with windows and frames, and what a million frames take.

    python benchmarks/scaling.py --write

prints the tables; with ``--write`` they also go to ``docs/scaling.md``, with a plot. It takes some
20 minutes, most of them for a movie of 4,000 frames on the default grid of 625 windows a frame;
with ``--coarse`` long movies have 25 windows a frame, and it takes a few minutes.
"""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from metrics import markdown_table
from speed import DOCS, SAMPLES, machine, seconds

from napari_lattice_symmetry.analysis import analyze, iter_analyze
from napari_lattice_symmetry.bravais import load_model
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.lattice import simulate
from napari_lattice_symmetry.spectrum import WindowGrid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SIDE, WINDOW, STRIDE = 512, 128, 16
COARSE_STRIDE = 96
FEW, MANY = 200, 4000
STRIDES = (128, 64, 32, 16, 8)
LARGE_SIDE = 4096
MILLION = 1_000_000
GIGABIT = 125e6


@dataclass(frozen=True)
class Run:
    """What a run in a process of its own took."""

    n_frames: int
    peak_bytes: int
    frame_seconds: list[float]
    stored_bytes: int


def image(side: int, seed: int = 0) -> NDArray[np.uint8]:
    """Tile a simulated frame to that size, with noise of its own."""
    frame = simulate("two-grains").movie.frame(0).astype(np.float32)
    tiles = -(-side // frame.shape[0])
    frame = np.tile(frame, (tiles, tiles))[:side, :side]
    frame = 200 * (frame - frame.min()) / np.ptp(frame)
    noise = np.random.default_rng(seed).integers(0, 55, frame.shape)
    return (frame + noise).astype(np.uint8)


def write_movie(path: Path, n_frames: int, side: int) -> Path:
    """Write a movie frame by frame as a TIFF file."""
    import tifffile

    def frames() -> Iterator[NDArray[np.uint8]]:
        first = image(side)
        for t in range(n_frames):
            yield np.roll(first, t, axis=1)

    tifffile.imwrite(
        path,
        frames(),
        shape=(n_frames, side, side),
        dtype=np.uint8,
        photometric="minisblack",
        bigtiff=True,
    )
    return path


def run_here(path: str, stride: int) -> None:
    """Analyze a movie into a file beside it; print what it took as JSON."""
    movie = read_movie(path, lazy=True)
    output = Path(path).with_suffix(".zarr")
    size = WindowGrid(movie.shape[1:], WINDOW, stride).size
    times: list[float] = []
    analyze(
        movie,
        output=output,
        window=WINDOW,
        stride=stride,
        samples=SAMPLES,
        answer="network",
        progress=lambda done, _: done % size or times.append(perf_counter()),
    )
    stored = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
    run = Run(len(movie), peak, np.diff(times).tolist(), stored)
    print(json.dumps(vars(run)))


def run_apart(n_frames: int, stride: int, side: int = SIDE) -> Run:
    """Analyze a movie in a process of its own, so that its memory is its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_movie(Path(folder) / "movie.tif", n_frames, side)
        command = [sys.executable, __file__, "--run", str(path), "--stride", str(stride)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        return Run(**json.loads(done.stdout.splitlines()[-1]))


def settings(stride: int, samples: int) -> AnalysisParameters:
    """Ask for the network's answer, which is what the page is about."""
    return AnalysisParameters(window=WINDOW, stride=stride, samples=samples, answer="network")


def seconds_per_frame(repeats: int) -> dict[int, float]:
    """Time a frame against the number of its windows."""
    model, movie = load_model(), Movie.from_array(image(SIDE))
    times = {}
    for stride in STRIDES:
        parameters = settings(stride, SAMPLES)
        size = WindowGrid((SIDE, SIDE), WINDOW, stride).size
        times[size] = seconds(
            lambda p=parameters: list(iter_analyze(movie, p, model=model)), repeats
        )
    return times


def result_bytes() -> int:
    """Measure what a worker sends back for a frame of the default grid."""
    parameters = settings(STRIDE, 2)
    (result,) = iter_analyze(Movie.from_array(image(SIDE)), parameters)
    return len(pickle.dumps(result))


def writing_seconds(n_frames: int = 40) -> float:
    """Time the writing of a frame of the default grid, the network left out."""
    from napari_lattice_symmetry.results import open_result, provenance

    model, movie = load_model(), Movie(np.broadcast_to(image(SIDE), (n_frames, SIDE, SIDE)))
    parameters = settings(STRIDE, 2)
    frame = next(iter_analyze(movie, parameters, model=model))
    origin = provenance(model, movie, parameters)
    times = []
    with (
        tempfile.TemporaryDirectory() as folder,
        open_result(Path(folder) / "movie.zarr", movie, parameters, origin) as result,
    ):
        for t in range(n_frames):
            start = perf_counter()
            result.insert(replace(frame, position=t))
            times.append(perf_counter() - start)
    return float(np.median(times))


def stacked_seconds(n_frames: int) -> float:
    """Time to read a frame of so many lazy images that were stacked, the images being empty."""
    import dask
    import dask.array as da

    draw = dask.delayed(np.zeros)
    images = [
        da.from_delayed(draw((SIDE, SIDE), np.uint8), (SIDE, SIDE), np.uint8)
        for _ in range(n_frames)
    ]
    movie = Movie.from_array(da.stack(images))
    return seconds(lambda: movie.frame(n_frames // 2), 9)


def million(frame_seconds: float, stored: float, sent: int, writing: float) -> list[list[str]]:
    """Reckon what a million frames take, from what one takes."""
    hours = MILLION * frame_seconds / 3600
    machines = frame_seconds / writing
    frame, weights = SIDE**2, len(pickle.dumps(load_model()))
    return [
        ["hours of a machine like this", f"{hours:,.0f}", f"{frame_seconds:.3f} s a frame"],
        ["the same on 10 machines", f"{hours / 10:,.1f} h", "frames are independent"],
        [
            "machines that one writer can serve",
            f"{machines:.0f}",
            f"it writes a frame in {1e3 * writing:.1f} ms",
        ],
        ["shortest time, with that many", f"{MILLION * writing / 3600:.1f} h", ""],
        ["movie on disk (8 bit)", f"{MILLION * frame / 1e9:,.0f} GB", f"{frame:,} bytes a frame"],
        ["result on disk", f"{MILLION * stored / 1e9:,.0f} GB", f"{stored:,.0f} bytes a frame"],
        ["results over the network", f"{MILLION * sent / 1e9:,.0f} GB", f"{sent:,} bytes a frame"],
        [
            "frames over the network, read by workers or sent",
            f"{MILLION * frame / 1e9:,.0f} GB",
            f"{MILLION * frame / GIGABIT / 3600:.1f} h at 1 Gbit/s",
        ],
        ["network's weights, once a worker", f"{weights / 1e6:.1f} MB", ""],
    ]


def draw(times: dict[int, float], run: Run, path: Path) -> None:
    """Draw the time of a frame against its windows, and against the frames done."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    sizes = np.array(list(times))
    left.plot(sizes, list(times.values()), "o")
    left.plot(sizes, np.polyval(np.polyfit(sizes, list(times.values()), 1), sizes), "-", lw=1)
    left.set(xlabel="Windows a frame", ylabel="Time (s)", title="A frame, by its windows")
    parts = np.array_split(run.frame_seconds, 40)
    ends = np.cumsum([len(part) for part in parts])
    right.plot(ends, [1e3 * np.median(part) for part in parts], ".-", lw=1)
    right.set(xlabel="Frames done", ylabel="Time (ms)", title="A frame, by those before it", ylim=0)
    figure.savefig(path, dpi=120)


def report(*, coarse: bool, large: bool, repeats: int) -> tuple[str, dict[str, Any]]:
    """Measure everything; give the text, and what to draw."""
    stride = COARSE_STRIDE if coarse else STRIDE
    coarse_command = "python benchmarks/scaling.py --coarse --write"
    command = coarse_command if coarse else "make bench-scaling"
    few, many = run_apart(FEW, stride), run_apart(MANY, stride)
    times = seconds_per_frame(repeats)
    grid = WindowGrid((SIDE, SIDE), WINDOW, STRIDE)
    default = times[grid.size]
    stored = run_apart(64, STRIDE).stored_bytes / 64
    slope, offset = np.polyfit(list(times), list(times.values()), 1)
    tenths = np.array_split(many.frame_seconds, 10)
    first, last = (1e3 * np.median(tenths[k]) for k in (0, -1))
    size = WindowGrid((SIDE, SIDE), WINDOW, stride).size
    memory = [
        [f"{run.n_frames} frames, {size} windows each", "2.5 GB", f"{run.peak_bytes / 1e9:.2f} GB"]
        for run in (few, many)
    ]
    memory.append(["ratio", "1.1", f"{many.peak_bytes / few.peak_bytes:.3f}"])
    if large:
        one = run_apart(2, STRIDE, LARGE_SIDE)
        windows = WindowGrid((LARGE_SIDE, LARGE_SIDE), WINDOW, STRIDE).size
        what = f"2 frames of {LARGE_SIDE} px: {windows:,} windows in {one.frame_seconds[0]:.0f} s"
        memory.append([what, "", f"{one.peak_bytes / 1e9:.2f} GB"])
    overhead = [[str(n), f"{1e3 * stacked_seconds(n):.1f} ms"] for n in (FEW, MANY)]
    text = f"""# Scaling

Made by `{command}` on: {machine()}. Frames of {SIDE} x {SIDE} px, window {
        WINDOW
    } px, the network's answer,
{SAMPLES} MC samples; results are written to disk frame by frame.

## Memory

Frames are read one at a time and written when they are done, so what a run holds does not
depend on how many there are. Peak resident memory of the whole process, TensorFlow included:

{markdown_table(["movie", "at most", "peak"], memory)}
## Time

A frame takes {1e3 * slope:.2f} ms a window and {1e3 * max(offset, 0):.0f} ms besides. In a run of
{MANY} frames, the median frame of the first tenth took {first:.1f} ms, of the last {last:.1f} ms.

![Time of a frame against its windows and against the frames done](images/scaling.png)

A movie that was stacked of lazy images is a graph with a layer for each, and Dask goes through all
layers for every frame that is read, unless they are gathered in one, as they are here:

{markdown_table(["images stacked", "to read one that is empty"], overhead)}
## A million frames

Reckoned from the figures above for the default grid, {
        WindowGrid((SIDE, SIDE), WINDOW, STRIDE).size
    }
windows a frame. Workers of a cluster analyze; the process that sends the work out collects and
writes, which bounds how many workers it can keep busy.

{
        markdown_table(
            ["what", "takes", "since"], million(default, stored, result_bytes(), writing_seconds())
        )
    }"""
    return text, {"times": times, "run": many}


def main() -> None:
    """Print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/scaling.md and its plot")
    parser.add_argument("--coarse", action="store_true", help="long movies on a coarse grid")
    parser.add_argument("--no-large", action="store_true", help="leave the 4096 px frames out")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--stride", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run_here(options.run, options.stride)
        return
    text, figures = report(
        coarse=options.coarse, large=not options.no_large, repeats=options.repeats
    )
    print(text)
    if options.write:
        (DOCS / "scaling.md").write_text(text)
        draw(**figures, path=DOCS / "images" / "scaling.png")


if __name__ == "__main__":
    main()
