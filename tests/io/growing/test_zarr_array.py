"""A Zarr array that is made longer and filled."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import zarr

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.growing import waiting

INTERVAL = 0.05


def make(path, n=0, chunks=(1, 24, 32), **options):
    return zarr.create_array(path, shape=(n, 24, 32), chunks=chunks, dtype=np.uint8, **options)


def add(array, frame):
    array.resize((array.shape[0] + 1, *array.shape[1:]))
    array[-1] = frame


def images(landed):
    return np.stack([frame.image for frame in landed])


LAYOUTS = [
    {"zarr_format": 2},
    {"zarr_format": 3},
    {"chunks": (1, 12, 16)},
    {"chunks": (3, 24, 32)},
    {"shards": (2, 24, 32)},
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_frames_land_as_the_array_grows(tmp_path, frames, watched, drain, layout):
    array = make(tmp_path / "a.zarr", **layout)
    source = watched(tmp_path / "a.zarr")
    assert drain(source, seconds=0.1) == []
    landed = []
    for frame in frames:
        add(array, frame)
        landed += drain(source, 1)
    assert [(frame.name, frame.row) for frame in landed] == [(str(n), n) for n in range(5)]
    assert not any(frame.again for frame in landed)
    np.testing.assert_array_equal(images(landed), frames)
    np.testing.assert_array_equal(source.movie().frames, frames)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_an_unwritten_chunk_is_not_a_frame_yet(tmp_path, frames, watched, drain, layout):
    array = make(tmp_path / "a.zarr", 1000, **layout)  # made as long as it will ever be
    source = watched(tmp_path / "a.zarr")
    array[0] = frames[0]
    array[1] = frames[1]
    landed = drain(source, seconds=1.2)
    assert (len(landed), source.backlog) == (2, 0)
    array[2] = frames[2]
    landed += drain(source, 1)
    np.testing.assert_array_equal(images(landed), frames[:3])


def test_frames_that_wait_are_left_alone_at_the_same_time(tmp_path, frames, watched):
    zarr.create_array(tmp_path / "a.zarr", data=frames, chunks=(1, 24, 32))
    source = watched(tmp_path / "a.zarr", interval=0.5)
    source.poll()
    time.sleep(0.6)
    source.poll()
    landed = [source.take() for _ in frames]  # at once
    np.testing.assert_array_equal(images(landed), frames)


def test_a_half_written_frame_waits_and_is_taken_as_it_is(tmp_path, frames, watched, drain):
    array = make(tmp_path / "a.zarr", 5, chunks=(1, 12, 32))
    array[0, :12] = frames[0, :12]
    array[1] = frames[1]
    source = watched(tmp_path / "a.zarr")
    assert drain(source, seconds=0.3) == []
    assert (source.held_up_by, source.backlog) == ("frame 0", 2)
    landed = drain(source, 2)
    np.testing.assert_array_equal(landed[0].image[12:], 0)
    np.testing.assert_array_equal(landed[1].image, frames[1])
    array[0, 12:] = frames[0, 12:]
    (again,) = drain(source, 1)
    assert (again.row, again.again) == (0, True)
    np.testing.assert_array_equal(again.image, frames[0])


def test_a_black_frame_that_no_chunk_is_written_for(tmp_path, frames, watched, drain):
    array = make(tmp_path / "a.zarr", 5)
    array[0], array[1], array[2] = frames[0], 0, frames[2]
    landed = drain(watched(tmp_path / "a.zarr"), 3)
    np.testing.assert_array_equal(images(landed), [frames[0], 0 * frames[1], frames[2]])


@pytest.mark.parametrize("n_black", [15, 20, 100])
def test_many_black_frames_wait_together_for_one_after_them(
    tmp_path, frames, watched, drain, n_black
):
    array, n = make(tmp_path / "a.zarr", 400), 2 * n_black + 2
    array[0], array[n_black + 1 : n] = frames[0], frames[:1].repeat(n_black + 1, axis=0)
    source = watched(tmp_path / "a.zarr", patience=1)
    landed = drain(source, n, seconds=9)  # not a second for each
    shown = [bool(frame.image.any()) for frame in landed]
    assert shown == [True] + n_black * [False] + (n_black + 1) * [True]
    assert drain(source, seconds=0.2) == []


def test_a_chunk_cut_off_is_read_when_it_is_whole(tmp_path, frames, watched, drain):
    array = make(tmp_path / "a.zarr")
    add(array, frames[0])
    chunk = tmp_path / "a.zarr" / "c" / "0" / "0" / "0"
    data = chunk.read_bytes()
    chunk.write_bytes(data[:100])
    source = watched(tmp_path / "a.zarr", patience=30)
    assert drain(source, seconds=0.3) == []
    chunk.write_bytes(data)
    np.testing.assert_array_equal(drain(source, 1)[0].image, frames[0])


def test_ome_zarr_with_calibration_and_channels(tmp_path, frames, watched, drain):
    axes = [{"name": "t", "type": "time", "unit": "second"}, {"name": "c", "type": "channel"}]
    axes += [{"name": axis, "type": "space", "unit": "nanometer"} for axis in "yx"]
    scale = [{"type": "scale", "scale": [0.5, 1, 0.02, 0.01]}]
    image = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    ome = {"version": "0.5", "multiscales": [image]}
    group = zarr.create_group(tmp_path / "a.ome.zarr", attributes={"ome": ome})
    array = group.create_array("0", shape=(0, 2, 24, 32), chunks=(1, 1, 24, 32), dtype=np.uint8)
    source = watched(tmp_path / "a.ome.zarr", channel="1")
    for frame in frames[:3]:
        add(array, np.stack([frame, 255 - frame]))
    landed = drain(source, 3)
    np.testing.assert_array_equal(images(landed), 255 - frames[:3])
    movie = source.movie()
    assert (movie.pixel_size, movie.unit, movie.frame_time) == ((0.02, 0.01), "nm", 0.5)


def test_it_is_opened_while_a_writer_is_at_it(tmp_path, frames, watched, drain):
    array, stop = make(tmp_path / "a.zarr"), threading.Event()

    def write():
        while not stop.is_set():
            array.resize((5, 24, 32))
            array[:] = frames

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        sources = [watched(tmp_path / "a.zarr") for _ in range(50)]
        stop.set()
    assert writing.exception() is None
    np.testing.assert_array_equal(images(drain(sources[-1], 5)), frames)


def test_opening_is_tried_again_but_not_for_ever(tmp_path, frames, watched, drain):
    zarr.create_array(tmp_path / "a.zarr", data=frames, chunks=(1, 24, 32))
    about = tmp_path / "a.zarr" / "zarr.json"
    whole = about.read_text()
    about.write_text(whole[:100])
    with pytest.raises(InputError, match=r"a\.zarr is not a readable ZARR file"):
        watched(tmp_path / "a.zarr", patience=0.1)
    writer = threading.Timer(0.3, lambda: about.write_text(whole))
    writer.start()
    source = watched(tmp_path / "a.zarr", patience=30)
    writer.join()
    np.testing.assert_array_equal(images(drain(source, 5)), frames)


def test_what_has_no_time_to_grow_along(tmp_path, frames, watched):
    zarr.create_array(tmp_path / "a.zarr", data=frames[0])
    with pytest.raises(InputError, match=r"should be \(T, Y, X\)"):
        watched(tmp_path / "a.zarr")
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(InputError, match="not a Zarr folder"):
        watched(tmp_path / "b.zarr")


def test_resuming(tmp_path, frames, watched, drain):
    zarr.create_array(tmp_path / "a.zarr", data=frames, chunks=(1, 24, 32))
    source = watched(tmp_path / "a.zarr")
    source.resume(["0", "1", "2"], failed=["1"])
    landed = drain(source, 3)
    assert [(frame.row, frame.again) for frame in landed] == [(1, True), (3, False), (4, False)]


def test_frames_that_failed_come_first_however_long_a_look_takes(
    tmp_path, frames, watched, drain, monkeypatch
):
    zarr.create_array(tmp_path / "a.zarr", data=frames, chunks=(1, 24, 32))
    for seed in range(20):
        steps = np.random.default_rng(seed).exponential(INTERVAL / 3, 10_000)
        clock = SimpleNamespace(monotonic=iter(steps.cumsum().tolist()).__next__)
        monkeypatch.setattr(waiting, "time", clock)
        source = watched(tmp_path / "a.zarr", interval=INTERVAL, patience=60)
        source.resume(["0", "1", "2"], failed=["1"])
        assert [frame.row for frame in drain(source, 3)] == [1, 3, 4], seed


WRITER = """
import sys
import numpy as np, zarr
frames = np.load(sys.argv[2])
array = zarr.open_array(sys.argv[1], mode="r+")
for i in range(int(sys.argv[3])):
    array.resize((i + 1, *array.shape[1:]))
    array[i] = frames[i % 5] + np.uint8(i // 5)
    print(i, flush=True)
"""


@pytest.mark.parametrize("killed", [False, True])
def test_a_writer_that_is_faster_than_its_reader(tmp_path, frames, watched, drain, killed):
    np.save(tmp_path / "source.npy", frames)
    n = 100_000 if killed else 100
    make(tmp_path / "a.zarr", chunks=(1, 12, 32))
    arguments = [str(tmp_path / "a.zarr"), str(tmp_path / "source.npy"), str(n)]
    source, landed, backlogs = watched(tmp_path / "a.zarr"), [], []
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True
    ) as writer:
        while len(landed) < 10:
            source.poll()
            backlogs.append(source.backlog)
            frame = source.take()
            landed += [] if frame is None else [frame]
            time.sleep(0.02)
        if killed:
            writer.kill()
        writer.communicate()
    landed += drain(source, None if killed else n - 10, seconds=3 if killed else 60)
    whole = read_movie(tmp_path / "a.zarr").frames
    assert not any(frame.failure for frame in landed)
    assert [frame.row for frame in landed] == list(range(len(landed)))
    np.testing.assert_array_equal(images(landed), whole[: len(landed)])
    if not killed:
        assert len(landed) == n
