from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from stand_in import FakeClassifier

from napari_lattice_symmetry.analysis import analyze, iter_analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.results import load_result, open_result, provenance


@pytest.fixture
def path(tmp_path):
    return tmp_path / "growth.zarr"


@pytest.fixture
def opened(movie, parameters, fake_model):
    """Open a result of the movie, of which single things may differ."""

    def open_it(path, movie=movie, parameters=parameters, model=fake_model, **keywords):
        return open_result(
            path, movie, parameters, provenance(model, movie, parameters), **keywords
        )

    return open_it


def stop_after(n_frames):
    """Make an `analyze` keyword that stops a run after so many frames of one block each."""
    blocks = []
    return {
        "progress": lambda done, total: blocks.append(done),
        "should_stop": lambda: len(blocks) >= n_frames,
    }


def array_files(path):
    """Give the bytes of every file that belongs to an array."""
    files = (file for file in path.rglob("*") if file.is_file() and file.parent != path)
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def assert_same_arrays(one, other):
    for name in (*one.maps, "state", "frame_indices"):
        a, b = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
        assert a.dtype == b.dtype, name
        np.testing.assert_array_equal(a, b, err_msg=name)


def test_result_on_disk_is_the_one_in_memory(movie, parameters, fake_model, path):
    expected = analyze(movie, parameters, model=fake_model)
    streamed = analyze(movie, parameters, model=fake_model, output=path)
    assert_same_arrays(streamed, expected)
    assert_same_arrays(load_result(path), expected)
    assert load_result(path).provenance == streamed.provenance
    np.testing.assert_array_equal(streamed.area_shares, expected.area_shares)
    assert [entry.name for entry in path.parent.iterdir()] == ["growth.zarr"]


def test_saved_copy_is_the_streamed_one(movie, parameters, fake_model, path):
    streamed = analyze(movie, parameters, model=fake_model, output=path)
    streamed.save(path.with_name("copy.zarr"))
    assert array_files(path.with_name("copy.zarr")) == array_files(path)


def test_maps_are_read_when_they_are_asked_for(movie, parameters, opened, fake_model, path):
    with opened(path) as result:
        for frame in iter_analyze(movie, parameters, model=fake_model):
            assert (np.asarray(result.labels[frame.position]) == 0).all()
            result.insert(frame)
            np.testing.assert_array_equal(result.labels[frame.position], frame.labels)
            np.testing.assert_array_equal(result.mean[:, frame.position], frame.mean)
            np.testing.assert_array_equal(load_result(path).done, result.done)


class Drawn:
    """Frames of a megabyte that are drawn when they are read."""

    dtype, chunks = np.dtype(np.float32), None

    def __init__(self, n_frames):
        self.shape = (n_frames, 512, 512)

    def __getitem__(self, index):
        return np.random.default_rng(index).normal(20, 12, self.shape[1:]).astype(np.float32)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_movie(fake_model, tmp_path):
    def peak(n_frames):
        """Most memory that Python's objects and arrays took in a run."""
        tracemalloc.start()
        try:
            analyze(
                Movie(Drawn(n_frames)),
                model=fake_model,
                output=tmp_path / "drawn.zarr",
                overwrite=True,
                window=128,
                stride=64,
                samples=3,
            )
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # whatever is imported and kept
    assert peak(100) < 1.1 * peak(10)


@pytest.mark.parametrize("n_frames", [1, 3, 5])
def test_unfinished_result_is_continued(movie, parameters, fake_model, tmp_path, n_frames):
    one, other = tmp_path / "one.zarr", tmp_path / "other.zarr"
    analyze(movie, parameters, model=fake_model, output=one)
    part = analyze(movie, parameters, model=fake_model, output=other, **stop_after(n_frames))
    assert part.done.sum() == n_frames
    seen = []
    whole = analyze(
        movie,
        parameters,
        model=fake_model,
        output=other,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert whole.done.all()
    assert seen == [(21 * (t + 1), 126) for t in range(n_frames, 6)]
    assert array_files(other) == array_files(one)


def test_finished_result_stays_as_it_is(movie, parameters, fake_model, path, monkeypatch):
    analyze(movie, parameters, model=fake_model, output=path)
    before = array_files(path)
    monkeypatch.setattr(fake_model, "classify_blocks", pytest.fail)
    analyze(movie, parameters, model=fake_model, output=path)
    assert array_files(path) == before


def test_half_written_frame_is_done_again(movie, parameters, fake_model, opened, tmp_path):
    whole, half = tmp_path / "whole.zarr", tmp_path / "half.zarr"
    analyze(movie, parameters, model=fake_model, output=whole)
    with opened(half) as result:
        frames = iter_analyze(movie, parameters, model=fake_model)
        result.insert(next(frames))
        result.arrays["mean"][:, 1] = 0.5  # and then the power was gone
        result.arrays["labels"][1] = 3
        (half / "std/c/0.1234.partial").write_bytes(b"half a chunk")
    assert load_result(half).done.tolist() == [True] + [False] * 5
    analyze(movie, parameters, model=fake_model, output=half)
    assert array_files(half) == array_files(whole)


def test_frames_that_failed_are_tried_again(movie, frames, parameters, fake_model, tmp_path):
    class Flaky:
        shape, dtype, broken = frames.shape, np.dtype(np.float32), {0, 1, 4}

        def __getitem__(self, index):
            if index in self.broken:
                raise OSError("bad sector")
            return movie.frames[index]

    flaky = Movie(Flaky(), name="growth")
    one, other = tmp_path / "one.zarr", tmp_path / "other.zarr"
    part = analyze(flaky, parameters, model=fake_model, output=one)
    assert part.failed.tolist() == [True, True, False, False, True, False]
    assert (np.asarray(load_result(one).labels)[part.failed] == 0).all()
    Flaky.broken = set()
    analyze(flaky, parameters, model=fake_model, output=one)
    analyze(movie, parameters, model=fake_model, output=other)
    assert array_files(one) == array_files(other)


def test_other_analyses_are_not_continued(movie, frames, parameters, fake_model, path):
    analyze(movie, parameters, model=fake_model, output=path, **stop_after(2))
    before = array_files(path)
    other = parameters.model_copy(update={"stride": 16, "seed": 4})
    with pytest.raises(InputError, match=r"growth.zarr was made with stride=8, seed=3; use that"):
        analyze(movie, other, model=fake_model, output=path)
    with pytest.raises(InputError, match=r"frame 0 of .* is not the one that was analyzed"):
        analyze(frames + 1, parameters, model=fake_model, output=path)
    newer = FakeClassifier()
    newer.sha256 = "1" * 64
    with pytest.raises(InputError, match="other weights of the network 'fake'"):
        analyze(movie, parameters, model=newer, output=path)
    assert array_files(path) == before
    result = analyze(movie, other, model=fake_model, output=path, overwrite=True)
    assert load_result(path).parameters == other
    assert result.done.all()
    assert [entry.name for entry in path.parent.iterdir()] == ["growth.zarr"]


def test_run_without_a_finished_frame_leaves_what_was_there(movie, parameters, fake_model, path):
    analyze(movie, parameters, model=fake_model, output=path, **stop_after(0))
    assert list(path.parent.iterdir()) == []
    analyze(movie, parameters, model=fake_model, output=path, **stop_after(2))
    before = array_files(path)
    dark = Movie(np.zeros((2, 48, 80)), name="dark")
    with pytest.raises(InputError, match="constant or NaN"):
        analyze(dark, parameters, model=fake_model, output=path, overwrite=True)
    assert array_files(path) == before
    assert [entry.name for entry in path.parent.iterdir()] == ["growth.zarr"]


def test_second_run_into_the_same_result_is_refused(opened, path):
    refused = pytest.raises(InputError, match=r"growth\.zarr is being written by another run")
    with opened(path), refused, opened(path, overwrite=True):
        pytest.fail("opened twice")
    with opened(path):
        pass


HOLD = """
import sys, time, filelock
lock = filelock.FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_lock_of_a_killed_run_is_no_lock(opened, path):
    lock = path.with_name(".growth.zarr.lock")
    with subprocess.Popen([sys.executable, "-c", HOLD, lock], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="another run"), opened(path):
            pytest.fail("opened twice")
        other.kill()
    assert lock.exists()
    with opened(path):
        pass
    assert not lock.exists()


def test_chunks_hold_several_frames_of_small_maps_and_one_of_large_ones(opened, path):
    many = Movie(np.zeros((200, 64, 64), np.uint8))
    with opened(path, many, AnalysisParameters(window=32, stride=8)) as result:
        assert result.arrays["mean"].chunks == (6, 64, 5, 5)
        assert result.arrays["labels"].chunks == (64, 5, 5)
    wide = Movie(np.broadcast_to(np.uint8(0), (3, 4096, 4096)))
    with opened(path, wide, AnalysisParameters()) as result:
        assert result.grid.size == 62_001
        assert result.arrays["mean"].chunks == (6, 1, 249, 249)


@pytest.fixture
def mounted(tmp_path):
    """Mount small disks; only root may, so others skip."""
    places = []

    def mount(options, name="disk"):
        place = tmp_path / name
        place.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root can mount a small disk")
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def assert_continues(movie, parameters, fake_model):
    """Check a run whose disk is filled in the third frame, and has room again later."""

    def check(path, fill, make_room):
        expected = analyze(movie, parameters, model=fake_model)
        with pytest.raises(AnalysisError, match=r"growth\.zarr cannot be written \(No space left"):
            analyze(
                movie,
                parameters,
                model=fake_model,
                output=path,
                progress=lambda done, total: done > 50 and fill(),
            )
        # The second frame may still have been on its way to the disk.
        first, _, *others = load_result(path).done
        assert first
        assert not any(others)
        make_room()
        assert_same_arrays(analyze(movie, parameters, model=fake_model, output=path), expected)

    return check


def test_full_disk_ends_a_run_that_can_be_continued(assert_continues, mounted):
    disk = mounted("size=1m")
    ballast = disk / "ballast"

    def fill():
        with pytest.raises(OSError, match="No space"):
            ballast.write_bytes(bytes(2**21))

    assert_continues(disk / "growth.zarr", fill, ballast.unlink)


def test_write_that_fails_ends_a_run_that_can_be_continued(assert_continues, path):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        assert_continues(path, lambda: patch.setattr(os, "fsync", fail), patch.undo)
    assert not list(path.rglob("*.partial"))


def test_result_that_is_removed_ends_the_run(movie, parameters, fake_model, path):
    with pytest.raises(AnalysisError, match=r"growth\.zarr was removed while it was written; run"):
        analyze(
            movie,
            parameters,
            model=fake_model,
            output=path,
            progress=lambda *_: shutil.rmtree(path, ignore_errors=True),
        )
    assert not path.exists()


@pytest.mark.parametrize("leftover", ["probe.partial", "mean/old.partial"])
def test_leftovers_are_in_no_ones_way(movie, parameters, fake_model, path, leftover):
    analyze(movie, parameters, model=fake_model, output=path, **stop_after(2))
    (path / leftover).mkdir()
    assert analyze(movie, parameters, model=fake_model, output=path).done.all()
    assert not list(path.rglob("*.partial"))


def test_read_only_target_is_told_before_a_frame_is_read(movie, parameters, mounted, monkeypatch):
    monkeypatch.setattr("napari_lattice_symmetry.bravais.load_model", pytest.fail)
    disk = mounted("ro,size=1m")
    with pytest.raises(InputError, match=r"growth\.zarr cannot be written \(Read-only file system"):
        analyze(movie, parameters, output=disk / "growth.zarr")


def test_result_that_became_read_only_is_told(movie, parameters, fake_model, mounted):
    disk = mounted("size=1m")
    path = disk / "growth.zarr"
    analyze(movie, parameters, model=fake_model, output=path, **stop_after(2))
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(InputError, match=r"growth\.zarr cannot be written \(Read-only file system"):
        analyze(movie, parameters, model=fake_model, output=path)
    assert load_result(path).done.sum() == 2


def test_name_alone_does_not_make_the_same_movie(movie, frames):
    assert replace(movie, name="other").fingerprint == movie.fingerprint
    changed = movie.frames.copy()
    changed[5, 0, 0] += 1
    assert Movie(changed).fingerprint != movie.fingerprint


def test_two_acquisitions_of_the_same_shape_are_not_mixed(movie, parameters, fake_model, path):
    analyze(movie, parameters, model=fake_model, output=path, **stop_after(3))
    frames = movie.frames.copy()
    frames[1] = frames[1][::-1]  # none of the frames by which files are told apart elsewhere
    before = array_files(path)
    with pytest.raises(InputError, match=r"growth\.zarr: frame 1 of /data/growth\.tif is not the"):
        analyze(replace(movie, frames=frames), parameters, model=fake_model, output=path)
    assert array_files(path) == before
    frames[1], frames[5] = movie.frames[1], 7 * movie.frames[5]  # not analyzed yet
    whole = analyze(replace(movie, frames=frames), parameters, model=fake_model, output=path)
    assert whole.done.all()


@pytest.fixture
def go_on(movie, parameters, fake_model, path):
    return lambda **options: analyze(movie, parameters, model=fake_model, output=path, **options)


def test_going_on_with_other_versions_is_told_and_kept(go_on, path, monkeypatch, caplog):
    go_on(**stop_after(3))
    module = sys.modules["napari_lattice_symmetry.results.provenance"]  # not the function
    monkeypatch.setattr(module, "_installed", lambda package: "99.0")
    go_on()
    go_on()
    told = [each.getMessage() for each in caplog.records if "was begun with" in each.getMessage()]
    assert len(told) == 1
    assert "now 99.0" in told[0]
    origin = load_result(path).provenance
    assert origin["versions"]["numpy"] == np.__version__
    assert [each["numpy"] for each in origin["continued_with"]] == ["99.0"]


def test_another_engine_goes_on_with_a_result_and_is_noted(movie, parameters, fake_model, path):
    analyze(movie, parameters, model=fake_model, output=path, **stop_after(3))
    fake_model.engine = "slide rule"
    other = parameters.model_copy(update={"engine": "tensorflow"})
    assert analyze(movie, other, model=fake_model, output=path).done.all()
    origin = load_result(path).provenance
    assert origin["versions"]["engine"] == "arithmetic"
    assert [each["engine"] for each in origin["continued_with"]] == ["slide rule"]


def test_looking_through_kept_frames_can_be_stopped(go_on, path, monkeypatch):
    go_on(**stop_after(3))
    looked = []
    loop = sys.modules["napari_lattice_symmetry.analysis.run"]
    monkeypatch.setattr(loop, "window_warning", lambda movie, window: "")  # it looks at some, too
    monkeypatch.setattr(Movie, "frame", lambda movie, index: looked.append(index))
    before = array_files(path)
    go_on(should_stop=lambda: len(looked) > 0)
    assert looked == [0]
    assert array_files(path) == before


def test_a_result_goes_on_with_the_calibration_that_was_set_by_hand(frames, fake_model, path):
    settings = AnalysisParameters(window=32, stride=8, samples=7, lattice_maps=True)
    plain = Movie(frames.astype(np.float32))
    by_hand = plain.recalibrated((0.02, 0.03))
    whole = analyze(by_hand, settings, model=fake_model)
    analyze(by_hand, settings, model=fake_model, output=path, **stop_after(2))
    result = analyze(plain, settings, model=fake_model, output=path)
    assert result.unit == "nm"
    for name in ("a", "b", "gamma", "labels"):
        np.testing.assert_array_equal(result.maps[name], whole.maps[name], err_msg=name)


@pytest.mark.parametrize("other", [{"pixel_size": (1, 1.5)}, {"unit": "nm"}])
def test_pixels_of_another_shape_or_unit_are_not_mixed(frames, parameters, fake_model, path, other):
    plain = Movie(frames.astype(np.float32))
    analyze(plain, parameters, model=fake_model, output=path, **stop_after(2))
    with pytest.raises(InputError, match=r"made with another calibration \(1 x 1 px \(y, x\)"):
        analyze(replace(plain, **other), parameters, model=fake_model, output=path)


def test_an_interruption_waits_for_what_is_written_and_leaves_nothing(opened, path):
    def write_late():
        for number in range(20):
            time.sleep(0.01)
            (path / "std" / str(number)).mkdir(parents=True, exist_ok=True)

    def interrupted():
        with opened(path) as result:
            result.writers.submit(write_late)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not path.exists()
