"""A TIFF file that gets page after page."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
from waiting import PATIENCE

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie


def append(path, frame, **options):
    tifffile.imwrite(path, frame, append=path.exists(), **options)


def images(landed):
    return np.stack([frame.image for frame in landed])


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"bigtiff": True}])
def test_pages_land_one_by_one(tmp_path, frames, watched, drain, options):
    path = tmp_path / "a.tif"
    append(path, frames[0], **options)
    source = watched(path)
    landed = drain(source, 1)
    for frame in frames[1:]:
        append(path, frame, **options)
        landed += drain(source, 1)
    assert [(frame.name, frame.row) for frame in landed] == [(str(n), n) for n in range(5)]
    assert drain(source, seconds=0.2) == []
    np.testing.assert_array_equal(images(landed), frames)
    np.testing.assert_array_equal(source.movie().frames, frames)
    np.testing.assert_array_equal(read_movie(path).frames, frames)


def test_calibration_of_the_first_page(tmp_path, frames, watched, drain):
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "TYX", "PhysicalSizeX": 0.02, "PhysicalSizeXUnit": "nm"}
    metadata |= {"PhysicalSizeY": 0.03, "PhysicalSizeYUnit": "nm", "TimeIncrement": 0.5}
    tifffile.imwrite(path, frames, metadata=metadata, contiguous=False)
    source = watched(path)
    assert len(drain(source, 5)) == 5
    movie = source.movie()
    assert (movie.pixel_size, movie.frame_time, movie.name) == ((0.03, 0.02), 0.5, "a")


@pytest.mark.parametrize("cut", [1, 100, 24 * 32 + 60])
def test_a_truncated_page_is_not_a_frame_yet(tmp_path, frames, watched, drain, cut):
    whole, path = tmp_path / "whole.tif", tmp_path / "a.tif"
    for frame in frames[:3]:
        append(whole, frame)
    data = whole.read_bytes()
    path.write_bytes(data[:-cut])
    source = watched(path)
    landed = drain(source, seconds=1.2)  # far longer than the patience
    assert len(landed) == 2
    path.write_bytes(data)
    landed += drain(source, 1)
    np.testing.assert_array_equal(images(landed), frames[:3])


def test_every_truncation_gives_no_more_than_what_is_there(tmp_path, frames, watched):
    whole, path = tmp_path / "whole.tif", tmp_path / "a.tif"
    for frame in frames[:3, :8, :8]:
        append(whole, frame, compression="zlib")
    data = whole.read_bytes()
    for size in range(0, len(data), 7):
        path.write_bytes(data[:size])
        source = watched(path, interval=0.0)
        source.poll()
        landed = []
        while (frame := source.take()) is not None:
            landed.append(frame)
        assert not any(frame.failure for frame in landed)
        for frame in landed:
            np.testing.assert_array_equal(frame.image, frames[frame.row, :8, :8])


def test_a_file_without_a_page_yet(tmp_path, frames, watched, drain):
    path = tmp_path / "a.tif"
    path.touch()
    source = watched(path)
    assert drain(source, seconds=0.2) == []
    assert source.trouble == "a.tif has no page yet."
    tifffile.imwrite(path, frames[0])
    assert len(drain(source, 1)) == 1
    assert source.trouble == ""


def test_a_damaged_page_in_the_middle_is_given_up(tmp_path, frames, watched, drain):
    path = tmp_path / "a.tif"
    for frame in frames:
        append(path, frame, compression="zlib")
    with tifffile.TiffFile(path) as tif:
        (start,), (size,) = tif.pages[2].dataoffsets, tif.pages[2].databytecounts
    data = bytearray(path.read_bytes())
    data[start : start + size] = bytes(size)
    path.write_bytes(data)
    source = watched(path)
    landed = drain(source, 5)
    assert [bool(frame.failure) for frame in landed] == [False, False, True, False, False]
    np.testing.assert_array_equal(source.movie().frames[3], frames[3])


def test_another_movie_in_its_place(tmp_path, frames, watched, drain):
    path = tmp_path / "a.tif"
    for frame in frames:
        append(path, frame)
    source = watched(path)
    drain(source, 5)
    path.unlink()
    source.poll()
    assert "cannot be reached" in source.trouble
    append(path, frames[0])
    assert drain(source, seconds=0.2) == []
    assert "holds another movie" in source.trouble


def test_another_movie_of_as_many_pages_is_not_added(tmp_path, frames, watched, drain):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, frames)
    source = watched(path)
    drain(source, 5)
    tifffile.imwrite(tmp_path / "b.tif", frames[::-1])
    (tmp_path / "b.tif").replace(path)
    with pytest.raises(InputError, match=r"a\.tif: 0 is not the frame that was analyzed; choose"):
        source.poll()


@pytest.mark.parametrize("patience", [0.2, 30])
def test_pages_that_were_laid_out_before_wait_for_their_pixels(
    tmp_path, frames, watched, drain, patience
):
    path, is_patient = tmp_path / "a.tif", patience > 1
    tifffile.imwrite(path, 0 * frames)
    source = watched(path, patience=patience)
    landed = drain(source, seconds=1)
    assert [frame.name for frame in landed] == ([] if is_patient else list("01234"))
    assert not np.any([frame.image for frame in landed])
    for n, frame in enumerate(frames):
        tifffile.memmap(path)[n, :12] = frame[:12]
        tifffile.memmap(path)[n] = frame
        (again,) = drain(source, 1)
        assert (again.name, again.row, again.again) == (str(n), n, not is_patient)
        np.testing.assert_array_equal(again.image, frame)
    assert drain(source, seconds=0.3) == []
    assert len(source.names) == 5


def test_many_blank_pages_do_not_hold_up_what_is_recorded_after_them(
    tmp_path, frames, watched, drain
):
    """The beam was off for a while, in a file that was laid out before and is written on."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((200, 24, 32), np.uint8))
    source = watched(path, patience=300)
    tifffile.memmap(path)[[0, *range(50, 100)]] = frames[1]
    landed = drain(source, 99)
    assert [bool(frame.image.any()) for frame in landed] == [True] + 49 * [False] + 49 * [True]


def test_blank_pages_are_not_read_again_and_again(tmp_path, watched, drain, monkeypatch):
    path, n = tmp_path / "a.tif", 40
    tifffile.imwrite(path, np.zeros((n, 24, 32), np.uint8))
    source, read = watched(path, patience=0.3), []
    reading = source._read
    monkeypatch.setattr(source, "_read", lambda name: read.append(name) or reading(name))
    drain(source, 1)
    read.clear()
    assert len(drain(source, n - 1)) == n - 1
    assert len(read) < 2 * n  # to look at, and to take


def test_channels_in_pages_are_refused(tmp_path, frames, watched, drain):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, frames[:4].reshape(2, 2, 24, 32), imagej=True, metadata={"axes": "TCYX"})
    with pytest.raises(InputError, match="holds 2 channels"):
        drain(watched(path), 1)


def test_resuming(tmp_path, frames, watched, drain):
    path = tmp_path / "a.tif"
    for frame in frames:
        append(path, frame)
    source = watched(path)
    source.resume(["0", "1", "2"], failed=["1"])
    landed = drain(source, 3)
    assert [(frame.row, frame.again) for frame in landed] == [(1, True), (3, False), (4, False)]
    np.testing.assert_array_equal(source.movie().frames, frames)


WRITER = """
import sys
import numpy as np, tifffile
frames = np.load(sys.argv[2])
with tifffile.TiffWriter(sys.argv[1]) as writer:
    for i in range(int(sys.argv[3])):
        writer.write(frames[i % 5] + np.uint8(i // 5), contiguous=False, compression="zlib")
        print(i, flush=True)
"""


@pytest.mark.parametrize("killed", [False, True])
def test_a_writer_that_is_faster_than_its_reader(tmp_path, frames, watched, killed):
    np.save(tmp_path / "source.npy", frames)
    path, n = tmp_path / "a.tif", 100_000 if killed else 200
    arguments = [str(path), str(tmp_path / "source.npy"), str(n)]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True
    ) as writer:
        writer.stdout.readline()
        source, landed, backlogs = watched(path), [], []
        while len(landed) < 20 and writer.stdout.readline():
            source.poll()
            backlogs.append(source.backlog)
            frame = source.take()
            landed += [] if frame is None else [frame]
        if killed:
            writer.kill()
        writer.communicate()
    end = time.monotonic() + PATIENCE
    n_before, quiet_since = len(landed), time.monotonic()
    while time.monotonic() < end and time.monotonic() - quiet_since < 1:
        source.poll()
        if (frame := source.take()) is not None:
            landed.append(frame)
            quiet_since = time.monotonic()
    assert len(landed) > n_before
    assert not any(frame.failure for frame in landed)
    assert [frame.row for frame in landed] == list(range(len(landed)))
    expected = [frames[i % 5] + np.uint8(i // 5 % 256) for i in range(len(landed))]
    np.testing.assert_array_equal(images(landed), expected)
    if not killed:
        assert len(landed) == n
