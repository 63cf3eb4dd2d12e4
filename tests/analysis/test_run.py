from __future__ import annotations

import threading
import time
from itertools import islice
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
import tifffile
from stand_in import BLOCK

import napari_lattice_symmetry
from napari_lattice_symmetry.analysis import analyze, iter_analyze, stream
from napari_lattice_symmetry.analysis.frame import AnalysisJob, iter_frame
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import AnalysisError, InputError
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.results import load_result
from napari_lattice_symmetry.results.on_disk import StreamedResult

MAPS = ("mean", "std", "entropy", "mutual_information", "fractions", "fractions_std")


def assert_same_maps(one, other):
    for name in MAPS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_maps_show_where_the_phases_are(movie, parameters, fake_model):
    result = analyze(movie, parameters, model=fake_model)
    assert result.labels.shape == (6, 3, 7)
    # frame 3: the edge is at x = 48; windows start at 0, 8, ..., 48 and are 32 wide
    assert (result.labels[3, :, :3] == LABELS["square"]).all()
    assert (result.labels[3, :, 3:6] != LABELS["square"]).all()
    assert (result.labels[3, :, 6] == LABELS["hexagonal"]).all()
    hexagonal = result.fractions[:, LABELS["hexagonal"] - 1]
    assert (np.diff(hexagonal) > 0).all()


def test_uncertainties_are_those_of_the_thinned_networks(movie, parameters, fake_model):
    (frame,) = iter_analyze(
        movie, parameters.model_copy(update={"last_frame": 0}), model=fake_model
    )
    windows = np.lib.stride_tricks.sliding_window_view(movie.frame(0), (32, 32))[::8, ::8]
    thinned = fake_model._probabilities(windows.reshape(-1, 32, 32).astype(float), 7, seed=3)
    np.testing.assert_allclose(frame.mean.reshape(6, -1).T, thinned.mean(0), rtol=1e-5)
    np.testing.assert_allclose(frame.std.reshape(6, -1).T, thinned.std(0), rtol=1e-4)
    np.testing.assert_allclose(frame.fractions, thinned.mean(axis=(0, 1)))
    np.testing.assert_allclose(frame.fractions_std, thinned.mean(axis=1).std(axis=0))
    assert (frame.fractions_std > 0).all()


def test_map_larger_than_a_block_keeps_its_order(frames, fake_model):
    settings = AnalysisParameters(window=32, stride=1, samples=2)
    steps = []
    (frame,) = iter_analyze(
        Movie.from_array(frames[2]),
        settings,
        model=fake_model,
        progress=lambda done, total: steps.append((done, total)),
    )
    total = 17 * 49
    assert frame.labels.shape == (17, 49)
    assert len(steps) > 10
    assert steps == [(min(64 * i, total), total) for i in range(1, len(steps) + 1)]
    (coarse,) = iter_analyze(
        Movie.from_array(frames[2]),
        settings.model_copy(update={"stride": 8}),
        model=fake_model,
    )
    np.testing.assert_array_equal(frame.mean[:, ::8, ::8], coarse.mean)


def test_progress_covers_all_frames_dark_ones_too(frames, parameters, fake_model):
    frames[[0, 3]] = 7.0
    seen = []
    for _ in iter_analyze(
        Movie(frames),
        parameters,
        model=fake_model,
        progress=lambda done, total: seen.append((done, total)),
    ):
        pass
    assert seen == [(21 * (t + 1), 6 * 21) for t in range(6)]


def test_frames_do_not_depend_on_each_other(movie, parameters, fake_model):
    whole = list(iter_analyze(movie, parameters, model=fake_model))
    part = parameters.model_copy(update={"first_frame": 1, "last_frame": 5, "frame_step": 2})
    few = list(iter_analyze(movie, part, model=fake_model))
    assert [(frame.index, frame.position) for frame in few] == [(1, 0), (3, 1), (5, 2)]
    for frame in few:
        assert_same_maps(frame, whole[frame.index])

    reverse = Movie(movie.frames[::-1])
    for frame in iter_analyze(reverse, parameters, model=fake_model):
        assert_same_maps(frame, whole[5 - frame.index])


def test_seed_matters(movie, parameters, fake_model):
    other = analyze(movie, parameters, seed=4, model=fake_model)
    assert not np.array_equal(other.mean, analyze(movie, parameters, model=fake_model).mean)


@pytest.mark.parametrize("make", [np.asarray, da.from_array])
def test_arrays_are_movies(frames, movie, parameters, fake_model, make):
    expected = analyze(movie, parameters, model=fake_model)
    stack = analyze(make(movie.frames), parameters, model=fake_model)
    assert_same_maps(stack, expected)
    image = analyze(make(movie.frames[4]), parameters, model=fake_model)
    np.testing.assert_array_equal(image.labels[0], expected.labels[4])


def test_time_to_read_a_frame_does_not_grow_with_the_arrays_stacked():
    def seconds(n_frames):
        """Least time to read a frame of so many arrays."""
        image = dask.delayed(lambda k: np.full((8, 8), k))
        stack = da.stack([da.from_delayed(image(k), (8, 8), int) for k in range(n_frames)])
        movie = Movie.from_array(stack)
        times = []
        for k in (0, 5, n_frames - 1):
            start = time.process_time()
            np.testing.assert_array_equal(movie.frame(k), k)
            times.append(time.process_time() - start)
        return min(times)

    assert seconds(3000) < 10 * seconds(100)


def test_single_settings_take_precedence(frames, parameters, fake_model):
    result = analyze(frames, parameters, model=fake_model, stride=16)
    assert result.parameters == parameters.model_copy(update={"stride": 16})
    assert result.labels.shape == (6, 2, 4)


def test_dark_frame_is_left_out_and_the_rest_analyzed(frames, parameters, fake_model):
    expected = analyze(frames.copy(), parameters, model=fake_model)
    frames[0] = 0
    frames[2] = np.nan
    result = analyze(frames, parameters, model=fake_model)
    for dark in (0, 2):
        assert (result.labels[dark] == 0).all()
        assert np.isnan(result.mean[:, dark]).all()
        assert np.isnan(result.fractions[dark]).all()
    assert result.done.all()
    bright = [1, 3, 4, 5]
    np.testing.assert_array_equal(result.mean[:, bright], expected.mean[:, bright])


def test_windows_of_nan_do_not_count(frames, parameters, fake_model):
    frames[:, :, :40] = np.nan
    result = analyze(frames, parameters, model=fake_model)
    # windows start at 0, 8, ..., 48; those from 40 on are whole
    assert (result.labels[:, :, :5] == 0).all()
    assert (result.labels[:, :, 5:] > 0).all()
    np.testing.assert_allclose(
        result.fractions, result.mean[..., 5:].mean(axis=(2, 3)).T, rtol=1e-5
    )


class CountingFrames:
    """Lazy frames that note each reading."""

    def __init__(self, frames):
        self.frames, self.shape, self.dtype, self.read = frames, frames.shape, frames.dtype, []

    def __getitem__(self, index):
        self.read.append(index)
        return self.frames[index]


def test_frames_are_read_one_at_a_time_and_once(frames, parameters, fake_model):
    frames[0] = 0
    lazy = CountingFrames(frames)
    iterator = iter_analyze(Movie(lazy), parameters, model=fake_model)
    assert lazy.read == []
    next(iterator)
    assert lazy.read == [0, 1]  # 1 shows something; 0 does not
    list(iterator)
    assert lazy.read == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("blocks", [0, 1, 4])
def test_stop_bites_between_blocks_and_keeps_finished_frames(frames, fake_model, blocks):
    parameters = AnalysisParameters(window=32, stride=2, samples=1)  # 225 windows, 4 blocks
    done = []
    result = analyze(
        frames,
        parameters,
        model=fake_model,
        progress=lambda windows, total: done.append(windows),
        should_stop=lambda: len(done) >= blocks,
    )
    assert len(done) == blocks
    assert result.done.tolist() == [blocks == 4] + [False] * 5
    assert (result.labels[~result.done] == 0).all()
    assert np.isnan(result.entropy[~result.done]).all()


@pytest.mark.parametrize("value", [0, np.nan])
@pytest.mark.parametrize("shape", [(40, 40), (3, 40, 40)])
def test_stack_that_shows_nothing_is_refused_before_a_network_is_loaded(
    monkeypatch, parameters, shape, value
):
    monkeypatch.setattr("napari_lattice_symmetry.bravais.load_model", pytest.fail)
    movie = Movie.from_array(np.full(shape, value), name="dark.tif")
    with pytest.raises(InputError, match=r"^dark.tif: every frame .* is constant or NaN"):
        next(iter_analyze(movie, parameters))


def test_movie_without_one_whole_window_is_told(frames, parameters, fake_model):
    frames[:, ::8] = np.nan
    with pytest.raises(InputError, match="not one window could be analyzed"):
        analyze(frames, parameters, model=fake_model)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"window": 49}, "A window of 49 px does not fit into frames of 48 x 80 px"),
        ({"first_frame": 6}, "nothing to analyze from frame 6 to the end"),
    ],
)
def test_bad_geometry_is_told_by_the_call_itself(movie, parameters, settings, says):
    with pytest.raises(InputError, match=says):
        iter_analyze(movie, parameters.model_copy(update=settings))


def test_bad_settings_and_arrays_are_told(frames, fake_model):
    with pytest.raises(InputError, match="stride=0"):
        analyze(frames, stride=0, model=fake_model)
    with pytest.raises(InputError, match="the stack is empty"):
        analyze(np.zeros((0, 64, 64)), model=fake_model)


def movie_with_gaps(frames, *gaps, **keywords):
    """Make a lazy movie some of whose frames cannot be read."""

    def read(block_info=None):
        index = block_info[None]["chunk-location"][0]
        if index in gaps:
            raise OSError("file is truncated\nat byte 99")
        return frames[index : index + 1]

    chunks = ((1,) * len(frames), (48,), (80,))
    lazy = da.map_blocks(read, chunks=chunks, dtype=float, meta=np.empty(0))
    return Movie(lazy, name="cut", **keywords)


def test_frame_that_cannot_be_read_is_skipped_marked_and_told(
    frames, parameters, fake_model, caplog
):
    expected = analyze(frames, parameters, model=fake_model)
    movie = movie_with_gaps(frames, 0, 2)
    failures = [frame.failure for frame in iter_analyze(movie, parameters, model=fake_model)]
    assert failures[2] == "cut: frame 2 cannot be read (file is truncated)."
    assert not any(failures[1:2] + failures[3:])

    result = analyze(movie, parameters, model=fake_model)
    assert result.failed.tolist() == [True, False, True, False, False, False]
    assert (result.done == ~result.failed).all()
    assert (result.labels[result.failed] == 0).all()
    for name in ("mean", "std"):
        values = getattr(result, name)
        assert np.isnan(values[:, result.failed]).all()
        np.testing.assert_array_equal(
            values[:, result.done], getattr(expected, name)[:, result.done]
        )
    assert failures[2] in caplog.messages


def test_run_ends_after_frames_in_a_row_that_cannot_be_read(frames, parameters, fake_model):
    many = np.concatenate([frames, frames])
    movie = movie_with_gaps(many, 1, 2, 3, 4, *range(6, 12))
    iterator = iter_analyze(movie, parameters, model=fake_model)
    assert [frame.index for frame in islice(iterator, 10)] == list(range(10))
    with pytest.raises(AnalysisError, match=r"5 frames in a row cannot be read; .*: frame 10"):
        next(iterator)


@pytest.mark.parametrize("n", [3, 6])
def test_movie_of_which_no_frame_can_be_read_is_told(frames, parameters, monkeypatch, n):
    monkeypatch.setattr("napari_lattice_symmetry.bravais.load_model", pytest.fail)
    movie = movie_with_gaps(frames[:n], *range(n))
    with pytest.raises(AnalysisError, match=r"be read; the last: cut: frame \d cannot"):
        next(iter_analyze(movie, parameters))


def test_file_that_vanishes_ends_the_run_at_once(frames, parameters, fake_model, tmp_path):
    source = tmp_path / "growth.raw"
    source.touch()
    iterator = iter_analyze(
        movie_with_gaps(frames, 2, source=str(source)), parameters, model=fake_model
    )
    assert [next(iterator).index, next(iterator).index] == [0, 1]
    source.unlink()
    with pytest.raises(AnalysisError, match=r"growth\.raw is gone"):
        next(iterator)


@pytest.mark.parametrize("kind", ["npy", "tif"])
@pytest.mark.parametrize("change", ["replaced", "rewritten", "touched"])
def test_file_that_becomes_another_movie_ends_the_run(
    frames, parameters, fake_model, tmp_path, kind, *, change
):
    """A TIFF that is open goes on being read where another takes its name, as it is the same."""

    def write(path, values):
        np.save(path, values) if kind == "npy" else tifffile.imwrite(path, values)

    path, output = tmp_path / f"growth.{kind}", tmp_path / "run.zarr"
    write(path, frames)
    steps = stream(read_movie(path, lazy=True), parameters, output=output, model=fake_model)
    assert [step.frame and step.frame.index for step in islice(steps, 3)] == [None, 0, 1]
    place = tmp_path / f"new.{kind}" if change == "replaced" else path
    write(place, frames if change == "touched" else frames[::-1])
    place.replace(path)
    if change == "touched" or (kind, change) == ("tif", "replaced"):
        assert len(list(steps)) == 4
    else:
        with pytest.raises(AnalysisError, match=rf"growth\.{kind} became another movie while it"):
            list(steps)
    result, expected = load_result(output), analyze(frames, parameters, model=fake_model)
    assert result.done[:2].all()
    for name in ("labels", "checksum"):
        ours, theirs = (np.asarray(each.maps[name])[result.done] for each in (result, expected))
        np.testing.assert_array_equal(ours, theirs)


def test_finished_frames_are_left_out(frames, parameters, fake_model):
    whole = list(iter_analyze(Movie(frames), parameters, model=fake_model))
    frames[0] = np.nan  # not even looked at
    done = np.array([True, False, True, True, False, True])
    progress = []
    rest = list(
        iter_analyze(
            Movie(frames),
            parameters,
            done=done,
            model=fake_model,
            progress=lambda windows, total: progress.append((windows, total)),
        )
    )
    assert [frame.position for frame in rest] == [1, 4]
    for frame in rest:
        assert_same_maps(frame, whole[frame.position])
    assert progress == [(5 * 21, 6 * 21), (6 * 21, 6 * 21)]


@pytest.mark.parametrize("failure", [RuntimeError("no kernel"), MemoryError()])
def test_failure_of_the_engine_is_told(movie, parameters, fake_model, monkeypatch, failure):
    def fail(*arguments):
        raise failure

    monkeypatch.setattr(fake_model, "_probabilities", fail)
    with pytest.raises(AnalysisError, match="growth, frame 0: the analysis failed") as caught:
        analyze(movie, parameters, model=fake_model)
    assert caught.value.__cause__ is failure


def test_steps_are_inserted_by_whoever_takes_them(movie, parameters, fake_model):
    progress = []
    first, *steps = stream(
        movie, parameters, model=fake_model, progress=lambda *windows: progress.append(windows)
    )
    assert first.frame is None
    assert not first.result.done.any()
    assert [step.frame.position for step in steps] == list(range(6))
    assert {id(step.result) for step in steps} == {id(first.result)}
    assert first.result.provenance["weights_sha256"] == fake_model.sha256
    assert progress[-1] == (6 * 21, 6 * 21)
    for step in steps:
        assert not first.result.done[step.frame.position]
        step.insert()
    assert_same_maps(first.result, analyze(movie, parameters, model=fake_model))


def test_steps_to_the_disk_are_there_already(movie, parameters, fake_model, tmp_path):
    output = tmp_path / "run.zarr"
    steps = stream(movie, parameters, output=output, model=fake_model)
    assert not output.exists()
    assert not next(steps).result.done.any()
    for n, step in enumerate(steps, 1):
        assert load_result(output).done[step.frame.position]
        assert step.result.done.sum() >= n
        step.insert()  # does nothing
        if n == 4:
            break
    steps.close()
    kept = load_result(output).done
    assert kept[:4].all()
    (first, *rest) = stream(movie, parameters, output=output, model=fake_model)
    assert first.result.done.tolist()[: kept.sum()] == [True] * kept.sum()
    assert len(rest) == 6 - kept.sum()
    assert_same_maps(load_result(output), analyze(movie, parameters, model=fake_model))


def test_a_frame_is_written_while_the_next_is_analyzed(
    movie, parameters, fake_model, tmp_path, monkeypatch
):
    analyzed, written = [], []
    insert, classify = StreamedResult.insert, fake_model.classify_blocks

    def note_insert(result, frame):
        insert(result, frame)
        written.append((frame.position, threading.current_thread()))

    def note_classify(windows, **keywords):
        analyzed.append(threading.current_thread())
        return classify(windows, **keywords)

    monkeypatch.setattr(StreamedResult, "insert", note_insert)
    monkeypatch.setattr(fake_model, "classify_blocks", note_classify)
    analyze(movie, parameters, output=tmp_path / "run.zarr", model=fake_model)
    assert [position for position, _ in written] == list(range(6))
    assert set(analyzed) == {threading.current_thread()}
    assert threading.current_thread() not in {thread for _, thread in written}


def test_places_and_settings_are_told_by_the_call_itself(movie, parameters, tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(InputError, match="is not a result"):
        stream(movie, parameters, output=tmp_path / "notes")
    with pytest.raises(InputError, match="does not fit"):
        stream(movie, parameters.model_copy(update={"window": 49}))


def test_a_frame_is_analyzed_alike_wherever_it_comes_from(frames, parameters, fake_model):
    """For a movie, a watch and a worker, which are told of blocks and may be stopped between."""
    settings = parameters.model_copy(update={"stride": 1})
    job = AnalysisJob(Movie.from_array(frames), settings)
    told = []

    def analyze_it(frame, stop_at=None, failure=""):
        told.clear()
        return list(
            iter_frame(
                job.windows,
                fake_model,
                frame,
                "frame 2",
                index=2,
                position=2,
                failure=failure,
                advance=told.append,
                should_stop=lambda: len(told) == stop_at,
            )
        )

    *moments, found = analyze_it(frames[2])
    n_blocks = len(told)
    assert n_blocks > 2
    assert moments == [None] * n_blocks
    assert (told[0], told[-1]) == (BLOCK, job.grid.size)
    (whole,) = iter_analyze(
        Movie.from_array(frames),
        settings.model_copy(update={"first_frame": 2, "last_frame": 2}),
        model=fake_model,
    )
    assert_same_maps(found, whole)

    assert analyze_it(frames[2], stop_at=2) == [None]
    assert analyze_it(frames[2], stop_at=n_blocks)[-1] is not None  # it is done: that counts
    for unseen, failure in ((np.zeros_like(frames[2]), ""), (None, "gone")):
        (empty,) = analyze_it(unseen, failure=failure)
        assert told == [job.grid.size]
        assert (empty.labels == 0).all()
        assert empty.failure == failure


def test_there_is_one_loop_over_the_blocks_of_a_frame():
    source = Path(napari_lattice_symmetry.__file__).parent
    loops = [file.name for file in source.rglob("*.py") if "FrameMaps(" in file.read_text("utf-8")]
    assert loops == ["frame.py"]
