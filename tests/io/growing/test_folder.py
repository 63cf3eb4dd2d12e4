"""Images that are written to a folder one by one."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from waiting import PATIENCE

from napari_lattice_symmetry.errors import ChoiceError, InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.growing import open_growing


def write(folder, number, image, suffix="tif"):
    path = folder / f"frame_{number}.{suffix}"
    iio.imwrite(path, image)
    return path


def images(landed):
    return np.stack([frame.image for frame in landed])


def test_files_land_in_natural_order_and_once(tmp_path, frames, watched, drain):
    for number in (10, 9, 2, 1, 0):
        write(tmp_path, number, frames[number % 5])
    source = watched(tmp_path)
    landed = drain(source, 5)
    assert [frame.name for frame in landed] == [f"frame_{n}.tif" for n in (0, 1, 2, 9, 10)]
    assert [frame.row for frame in landed] == [0, 1, 2, 3, 4]
    assert drain(source, seconds=0.3) == []
    np.testing.assert_array_equal(images(landed), read_movie(tmp_path).frames)


def test_the_movie_so_far_is_lazy_and_calibrated(tmp_path, frames, watched, drain):
    source = watched(tmp_path)
    assert source.movie() is None
    for number, frame in enumerate(frames[:3]):
        tifffile.imwrite(
            tmp_path / f"{number}.tif",
            frame,
            imagej=True,
            resolution=(50, 50),
            metadata={"unit": "nm"},
        )
    drain(source, 3)
    movie = source.movie()
    assert movie.shape == (3, 24, 32)
    assert movie.pixel_size == pytest.approx((0.02, 0.02))
    assert movie.frames.chunks[0] == (1, 1, 1)
    np.testing.assert_array_equal(movie.frames, frames[:3])
    (tmp_path / "1.tif").unlink()
    np.testing.assert_array_equal(movie.frames[1], np.zeros((24, 32)))
    np.testing.assert_array_equal(movie.frames[2], frames[2])


@pytest.mark.parametrize("suffix", ["tif", "png", "bmp", "npy"])
def test_a_half_written_file_waits_and_holds_up_the_next(tmp_path, frames, watched, drain, suffix):
    whole = tmp_path / f"whole.{suffix}"
    np.save(whole, frames[0]) if suffix == "npy" else iio.imwrite(whole, frames[0])
    data = whole.read_bytes()
    whole.unlink()
    half = tmp_path / f"a.{suffix}"
    half.write_bytes(data[: len(data) // 2])
    write(tmp_path, 1, frames[1])
    source = watched(tmp_path, patience=30)
    assert drain(source, seconds=0.4) == []
    assert source.held_up_by == half.name
    assert source.backlog == 2
    half.write_bytes(data)
    landed = drain(source, 2)
    assert [frame.name for frame in landed] == [half.name, "frame_1.tif"]
    np.testing.assert_array_equal(images(landed), frames[:2])


def test_a_file_is_not_read_while_it_changes(tmp_path, frames, watched, drain):
    path = write(tmp_path, 0, frames[0])
    source = watched(tmp_path, interval=0.3, patience=30)
    end = time.monotonic() + 1
    while time.monotonic() < end:  # whole, but a program still writes to it
        os.utime(path)
        source.poll()
        assert source.take() is None
        assert source.backlog == 0
        time.sleep(0.02)
    assert len(drain(source, 1)) == 1


def test_a_bad_file_is_given_up_and_read_when_it_has_changed(tmp_path, frames, watched, drain):
    (tmp_path / "frame_0.tif").write_bytes(b"II*\0 not much of an image")
    write(tmp_path, 1, frames[1])
    source = watched(tmp_path)
    bad, good = drain(source, 2)
    assert "frame_0.tif" in bad.failure
    assert (bad.image, bad.row, good.failure, good.row) == (None, 0, "", 1)
    np.testing.assert_array_equal(source.movie().frames, [0 * frames[0], frames[1]])

    write(tmp_path, 0, frames[0])
    (again,) = drain(source, 1)
    assert (again.row, again.again, again.failure) == (0, True, "")
    np.testing.assert_array_equal(source.movie().frames, frames[:2])


def test_a_late_file_takes_its_place(tmp_path, frames, watched, drain):
    source = watched(tmp_path)
    for number in (0, 2, 3):
        write(tmp_path, number, frames[number])
    drain(source, 3)
    write(tmp_path, 1, frames[1])
    (late,) = drain(source, 1)
    assert (late.row, late.again) == (1, False)
    assert source.names == [f"frame_{n}.tif" for n in range(4)]
    np.testing.assert_array_equal(source.movie().frames, frames[:4])


def test_a_file_that_is_written_for_ever_lets_others_pass(tmp_path, frames, watched, drain):
    restless = write(tmp_path, 0, frames[0])
    write(tmp_path, 1, frames[1])
    source, landed = watched(tmp_path, interval=0.4, patience=0.5), []
    end = time.monotonic() + PATIENCE
    while not landed and time.monotonic() < end:
        os.utime(restless)
        landed += drain(source, seconds=0.03)
    assert [frame.name for frame in landed] == ["frame_1.tif"]
    assert drain(source, 1)[0].row == 0


def test_files_of_another_size_or_with_several_frames_are_bad(tmp_path, frames, watched, drain):
    write(tmp_path, 0, frames[0])
    write(tmp_path, 1, frames[1][:10])
    tifffile.imwrite(tmp_path / "frame_2.tif", frames)
    _, small, stack = drain(watched(tmp_path), 3)
    assert small.failure == "frame_1.tif has 10 x 32 px, the frames before it have 24 x 32 px."
    assert stack.failure.startswith("frame_2.tif holds 5 frames")


def test_only_images_that_fit_the_pattern_count(tmp_path, frames, watched, drain):
    (tmp_path / "notes.txt").write_text("started at noon")
    (tmp_path / ".frame_0.tif").write_bytes(b"hidden")
    (tmp_path / "result.zarr").mkdir()
    write(tmp_path, 1, frames[1], "png")
    write(tmp_path, 2, frames[2])
    assert [frame.name for frame in drain(watched(tmp_path, pattern="*.tif"), seconds=0.3)] == [
        "frame_2.tif"
    ]


@pytest.mark.parametrize(
    "real",
    [
        ("multi_signal.dm3", {}),
        ("nanonis_constheight_multichannel.sxm", {"dataset": "Current backward"}),
    ],
)
def test_real_files_as_when_the_folder_is_opened_later(tmp_path, shared_data, watched, drain, real):
    file, choice = real
    source = watched(tmp_path, **choice)
    for number in (1, 2):
        shutil.copy(shared_data / "formats" / file, tmp_path / f"{number}{Path(file).suffix}")
    landed, later = drain(source, 2, seconds=20), read_movie(tmp_path, **choice)
    np.testing.assert_array_equal(images(landed), later.frames)
    ours = source.movie()
    assert (ours.pixel_size, ours.unit, ours.frame_time) == (
        later.pixel_size,
        later.unit,
        later.frame_time,
    )


def test_a_choice_that_is_missing_is_asked_for_at_once(tmp_path, frames, watched, drain):
    np.savez(tmp_path / "0.npz", raw=frames[0], flat=frames[1])
    with pytest.raises(ChoiceError, match="several datasets") as asked:
        drain(watched(tmp_path, patience=30), 1)
    for error in (asked.value, pickle.loads(pickle.dumps(asked.value))):
        assert (error.keyword, error.choices) == ("dataset", ("raw", "flat"))
    with pytest.raises(ChoiceError, match="no dataset 'raw frames'"):
        drain(watched(tmp_path, patience=30, dataset="raw frames"), 1)
    np.savez(tmp_path / "1.npz", flat=frames[2])
    good, odd = drain(watched(tmp_path, dataset="raw"), 2)
    np.testing.assert_array_equal(good.image, frames[0])
    assert "no dataset 'raw'" in odd.failure


def test_a_folder_that_is_gone_for_a_while(tmp_path, frames, watched, drain):
    folder = tmp_path / "share"
    folder.mkdir()
    write(folder, 0, frames[0])
    source = watched(folder)
    drain(source, 1)
    write(folder, 1, frames[1])
    source.poll()
    folder.rename(tmp_path / "elsewhere")
    assert drain(source, seconds=0.8) == []
    assert "cannot be reached" in source.trouble
    (tmp_path / "elsewhere").rename(folder)
    (landed,) = drain(source, 1)
    assert (landed.row, landed.failure, source.trouble) == (1, "", "")


def test_resuming_takes_what_is_new_and_what_had_failed(tmp_path, frames, watched, drain):
    for number in range(4):
        write(tmp_path, number, frames[number])
    source = watched(tmp_path)
    source.resume(["frame_1.tif", "frame_2.tif"], failed=["frame_2.tif"])
    time.sleep(2 * source.interval)
    assert source.backlog == 3
    landed = drain(source, 3)
    assert [(frame.name, frame.row, frame.again) for frame in landed] == [
        ("frame_0.tif", 0, False),
        ("frame_2.tif", 2, True),
        ("frame_3.tif", 3, False),
    ]
    np.testing.assert_array_equal(source.movie().frames, frames[:4])


def test_a_folder_that_is_used_again_ends_the_movie(tmp_path, frames, watched, drain):
    for number in range(3):
        write(tmp_path, number, frames[number])
    source = watched(tmp_path)
    drain(source, 3)
    write(tmp_path, 0, frames[0])  # as a copy is made
    write(tmp_path, 1, frames[4])
    assert drain(source, seconds=0.2) == []
    write(tmp_path, 0, frames[3])
    with pytest.raises(
        InputError, match=r"frame_0\.tif is not the frame that was analyzed; choose"
    ):
        source.poll()


def test_a_frame_that_shows_nothing_is_taken_again_when_its_pixels_come(
    tmp_path, frames, watched, drain
):
    write(tmp_path, 0, 0 * frames[0])
    write(tmp_path, 1, frames[1])
    source = watched(tmp_path)
    assert not drain(source, 2)[0].image.any()
    tifffile.memmap(tmp_path / "frame_0.tif")[...] = frames[0]
    (again,) = drain(source, 1)
    assert (again.name, again.row, again.again) == ("frame_0.tif", 0, True)
    np.testing.assert_array_equal(again.image, frames[0])


WRITER = """
import sys, time
import numpy as np
from pathlib import Path
folder, source, n = Path(sys.argv[1]), np.load(sys.argv[2]), int(sys.argv[3])
import io, tifffile
for i in range(n):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, source[i % len(source)] + np.uint8(i // len(source)))
    data = buffer.getvalue()
    with open(folder / f"frame_{i}.tif", "wb", buffering=0) as file:
        for start in range(0, len(data), 300):
            file.write(data[start:start + 300])
            time.sleep(0.002)
    print(i, flush=True)
"""


@pytest.fixture
def start_writer(tmp_path, frames):
    np.save(tmp_path / "source.npy", frames)
    (tmp_path / "folder").mkdir()
    started = []

    def start(n):
        arguments = [tmp_path / "folder", tmp_path / "source.npy", str(n)]
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True
        )
        started.append(writer)
        return writer

    yield start
    for writer in started:
        writer.kill()
        writer.communicate()


def test_a_writer_that_is_faster_than_its_reader(tmp_path, start_writer, watched):
    source = watched(tmp_path / "folder", patience=30)
    writer = start_writer(60)
    landed, backlogs, end = [], [], time.monotonic() + PATIENCE
    while len(landed) < 60:
        assert time.monotonic() < end
        source.poll()
        backlogs.append(source.backlog)
        frame = source.take()
        if frame is not None:
            landed.append(frame)
        time.sleep(0.05)  # the analysis
    assert writer.wait(timeout=PATIENCE) == 0
    assert max(backlogs) > 5
    assert [frame.row for frame in landed] == list(range(60))
    assert not any(frame.failure for frame in landed)
    np.testing.assert_array_equal(images(landed), read_movie(tmp_path / "folder").frames)


def test_a_writer_that_is_killed(tmp_path, start_writer, watched, drain):
    folder = tmp_path / "folder"
    source, writer = watched(folder), start_writer(1000)
    for _ in range(10):
        writer.stdout.readline()
    writer.kill()
    writer.wait()
    for path in folder.iterdir():
        if path.stat().st_size < 1000:
            path.unlink()  # so that exactly one is cut off
    cut = folder / "frame_10.tif"
    cut.write_bytes((folder / "frame_9.tif").read_bytes()[:700])
    landed = drain(source, 11)
    assert [frame.name for frame in landed if frame.failure] == ["frame_10.tif"]
    assert [frame.row for frame in landed] == list(range(11))


def test_what_cannot_grow(tmp_path, frames):
    with pytest.raises(InputError, match="does not exist"):
        open_growing(tmp_path / "nowhere")
    iio.imwrite(tmp_path / "a.png", frames[0])
    with pytest.raises(InputError, match=r"a\.png cannot be watched while it grows"):
        open_growing(tmp_path / "a.png")
    os.mkfifo(tmp_path / "pipe.tif")
    with pytest.raises(InputError, match=r"pipe\.tif cannot be watched while it grows"):
        open_growing(tmp_path / "pipe.tif")
