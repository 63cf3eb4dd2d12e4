"""Frames analyzed as they land, by a real writer, compared with the finished movie."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tifffile
import zarr
from stand_in import FakeClassifier, SlowClassifier

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.analysis.watch import iter_watch
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.growing import open_growing
from napari_lattice_symmetry.results import load_result

INTERVAL, PATIENCE = 0.05, 0.5


@pytest.fixture
def watched():
    def open_quickly(path, **options):
        return open_growing(path, **{"interval": INTERVAL, "patience": PATIENCE} | options)

    return open_quickly


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    return folder


def write(folder, number, frame):
    tifffile.imwrite(folder / f"frame_{number}.tif", frame.astype(np.float32))


@pytest.fixture
def follow(parameters, fake_model):
    """Run to the end; give the steps and the result."""

    def run(movie, output=None, **options):
        options = {"parameters": parameters, "model": fake_model, "stop_after": 0.5} | options
        steps = []
        for step in iter_watch(movie, output=output, **options):
            if output is None:
                step.insert()
            steps.append(step)
        results = [step.result for step in steps if step.result is not None]
        return steps, results[-1] if results else None

    return run


@pytest.fixture
def finish(parameters, fake_model):
    """Analyze the finished movie."""
    return lambda path: analyze(read_movie(path), parameters, model=fake_model)


def assert_same(one, other):
    for name in [*other.maps, "state", "frame_indices"]:
        ours, theirs = (np.asarray(getattr(result, name)) for result in (one, other))
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


WRITER = """
import sys, time
from pathlib import Path
import numpy as np, tifffile, zarr
kind, path, source = sys.argv[1], Path(sys.argv[2]), np.load(sys.argv[3])
print("ready", flush=True)
for i, frame in enumerate(source):
    if kind == "folder":
        tifffile.imwrite(path / f"frame_{i}.tif", frame)
    elif kind == "tiff":
        tifffile.imwrite(path, frame, append=path.exists())
    else:
        array = zarr.open_array(path, mode="r+")
        array.resize((i + 1, *array.shape[1:]))
        array[i] = frame
"""


@pytest.fixture(params=["folder", "tiff", "zarr"])
def writing(request, tmp_path, frames):
    """Start a process that writes 30 frames, and say where."""
    stack = np.concatenate([frames + n for n in range(5)]).astype(np.float32)
    path = tmp_path / {"folder": "frames", "tiff": "a.tif", "zarr": "a.zarr"}[request.param]
    if request.param == "folder":
        path.mkdir()
    elif request.param == "tiff":
        tifffile.imwrite(path, stack[0])
        stack = stack[1:]
    else:
        shape = (0, *stack.shape[1:])
        zarr.create_array(path, shape=shape, chunks=(1, *shape[1:]), dtype=np.float32)
    np.save(tmp_path / "source.npy", stack)
    arguments = [request.param, str(path), str(tmp_path / "source.npy")]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE
    ) as writer:
        writer.stdout.readline()
        yield path
    assert writer.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("to_disk", [False, True], ids=["memory", "disk"])
def test_the_result_is_that_of_the_finished_movie(watched, follow, finish, writing, to_disk):
    """A process writes faster than frames are analyzed; nothing is lost, nothing twice."""
    movie, output = watched(writing, patience=30), None
    if to_disk:
        output = writing.with_name("result.zarr")
    steps, result = follow(movie, output, model=SlowClassifier(0.03), stop_after=3)
    backlogs = [step.backlog for step in steps if step.frame is not None]
    assert (len(backlogs), backlogs[-1]) == (30, 0)
    assert max(backlogs) > 2
    assert_same(load_result(output) if to_disk else result, finish(writing))


def test_a_late_and_a_bad_file(folder, frames, watched, follow, finish):
    for number in (0, 2, 3):
        write(folder, number, frames[number])
    (folder / "frame_4.tif").write_bytes(b"II*\0 cut off")
    source = watched(folder)
    written = threading.Event()

    def write_late():
        while source.names[-1:] != ["frame_4.tif"]:
            time.sleep(0.01)
        write(folder, 1, frames[1])
        written.set()

    writer = threading.Thread(target=write_late)
    writer.start()
    steps, result = follow(source, stop_after=1)
    writer.join()
    assert written.is_set()
    assert result.failed.tolist() == [False, False, False, False, True]
    assert "frame_4.tif" in next(s.frame.failure for s in steps if s.frame and s.frame.failure)
    (folder / "frame_4.tif").unlink()
    np.testing.assert_array_equal(result.mean[:, :4], finish(folder).mean)
    assert result.names == [f"frame_{n}.tif" for n in range(5)]


def test_bad_files_before_the_first_good_one(folder, frames, watched, follow):
    (folder / "frame_0.tif").write_bytes(b"no image at all")
    write(folder, 1, frames[1])
    steps, result = follow(watched(folder))
    assert result.failed.tolist() == [True, False]
    assert "frame_0.tif" in " ".join(step.message for step in steps)


def test_a_black_frame_is_done_but_not_analyzed(folder, frames, watched, follow):
    write(folder, 0, frames[0])
    write(folder, 1, 0 * frames[1])
    _, result = follow(watched(folder))
    assert result.done.all()
    assert np.isnan(result.mean[:, 1]).all()


def test_continuing_on_disk(folder, frames, watched, follow, finish):
    output = folder.with_name("result.zarr")
    for number in (0, 2):
        write(folder, number, frames[number])
    (folder / "frame_3.tif").write_bytes(b"cut off")
    _, before = follow(watched(folder), output)
    assert before.state.tolist() == [1, 1, 2]
    for number in (1, 3, 4, 5):
        write(folder, number, frames[number])
    steps, after = follow(watched(folder), output)
    assert [step.landed.name for step in steps if step.landed] == [
        f"frame_{n}.tif" for n in (1, 3, 4, 5)
    ]
    assert_same(load_result(output), finish(folder))
    assert after.names == [f"frame_{n}.tif" for n in range(6)]


@pytest.mark.parametrize("kind", ["folder", "tiff", "zarr"])
def test_pixels_that_come_while_nobody_watches(folder, frames, watched, follow, *, finish, kind):
    path = folder if kind == "folder" else folder.with_name(f"a.{kind}")
    if kind == "zarr":
        written = zarr.create_array(path, data=0 * frames, chunks=(1, *frames.shape[1:]))
        written[1:] = frames[1:]
    elif kind == "tiff":
        tifffile.imwrite(path, 0 * frames)
    else:
        for number, frame in enumerate(frames):
            write(folder, number, min(number, 1) * frame)
    output = folder.with_name("result.zarr")
    follow(watched(path), output)
    if kind == "zarr":
        written[0] = frames[0]
    elif kind == "tiff":
        tifffile.memmap(path)[:] = frames
    else:
        write(folder, 0, frames[0])
    follow(watched(path), output)
    assert_same(load_result(output), finish(path))
    steps, _ = follow(watched(path), output)
    assert [step.landed for step in steps if step.landed] == []


def test_a_folder_that_is_used_again_does_not_continue_it(folder, frames, watched, follow):
    output = folder.with_name("result.zarr")
    for number in range(3):
        write(folder, number, frames[number])
    follow(watched(folder), output)
    before = {file: file.read_bytes() for file in output.rglob("*") if file.is_file()}
    (folder / "frame_0.tif").unlink()  # what was moved away is no other movie
    write(folder, 2, frames[3])
    with pytest.raises(
        InputError, match=r"frame_2\.tif is not the frame that was analyzed; choose"
    ):
        follow(watched(folder), output)
    assert before == {file: file.read_bytes() for file in output.rglob("*") if file.is_file()}


def test_another_dataset_does_not_continue_it(folder, frames, watched, follow):
    output = folder.with_name("result.zarr")
    np.savez(folder / "0.npz", height=frames[0], current=frames[1])
    follow(watched(folder, dataset="height"), output)
    with pytest.raises(InputError, match=r"result of another movie \(.*frames, height\)"):
        follow(watched(folder, dataset="current"), output)


def test_told_to_stop_within_a_frame(folder, frames, parameters, watched):
    write(folder, 0, frames[0])
    write(folder, 1, np.tile(frames[1], (3, 3))[:48, :80])
    output, stop, begun = folder.with_name("result.zarr"), threading.Event(), []

    class Stopping(FakeClassifier):
        """Is told to stop in the first block of the second frame."""

        def classify_blocks(self, windows, samples=100, seed=0, distortion=None, peaks=False):
            begun.append(windows)
            for n, block in enumerate(super().classify_blocks(windows, samples, seed)):
                if stop.is_set():
                    raise AssertionError(n)
                if len(begun) == 2:
                    stop.set()
                yield block

    small = parameters.model_copy(update={"stride": 2})  # several blocks a frame
    steps = iter_watch(
        watched(folder), small, model=Stopping(), output=output, should_stop=stop.is_set
    )
    assert sum(step.frame is not None for step in steps) == 1
    assert load_result(output).done.tolist() == [True]


def test_messages_tell_what_is_waited_for(folder, frames, watched, follow):
    write(folder, 0, frames[0])
    data = (folder / "frame_0.tif").read_bytes()
    (folder / "frame_1.tif").write_bytes(data[:1000])
    steps, _ = follow(watched(folder))
    assert "Waiting for frame_1.tif, which is not complete." in [step.message for step in steps]


def test_what_cannot_be_done_is_told_at_once(folder, frames, watched, follow):
    with pytest.raises(InputError, match="all frames are analyzed"):
        iter_watch(watched(folder), AnalysisParameters(frame_step=2))
    (notes := folder.with_name("notes.txt")).write_text("")
    with pytest.raises(InputError, match="is not a result"):
        iter_watch(watched(folder), output=notes)
    write(folder, 0, frames[0])
    with pytest.raises(InputError, match="window"):
        follow(watched(folder), parameters=AnalysisParameters(window=128))


def test_frames_of_another_size_are_not_added(folder, frames, watched, follow):
    output = folder.with_name("result.zarr")
    write(folder, 0, frames[0])
    follow(watched(folder), output)
    (folder / "frame_0.tif").unlink()
    write(folder, 1, frames[0][:40])
    with pytest.raises(InputError, match="40 x 80 px, its result those of 48 x 80 px"):
        follow(watched(folder), output)


def test_network_that_fails(folder, frames, watched, follow):
    class Failing(FakeClassifier):
        def classify_blocks(self, windows, samples=100, seed=0, distortion=None, peaks=False):
            raise RuntimeError("out of memory")

    write(folder, 0, frames[0])
    with pytest.raises(AnalysisError, match=r"frame_0\.tif: the analysis failed \(out of memory\)"):
        follow(watched(folder), model=Failing())
