from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_lattice_symmetry.analysis.frame import AnalysisJob
from napari_lattice_symmetry.analysis.steps import Steps, StoppedError
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.structure.chosen_windows import BLOCK, choose_windows, read_windows


def test_few_windows_are_all_taken():
    known = np.zeros((2, 3, 4), dtype=bool)
    known[0, 1, 2] = known[1, 0, 0] = True
    np.testing.assert_array_equal(choose_windows(known, 10), [[0, 1, 2], [1, 0, 0]])


def test_many_are_drawn_evenly_and_always_alike():
    known = np.ones((10, 20, 20), dtype=bool)
    known[3] = False
    places = choose_windows(known, 900)
    assert places.shape == (900, 3)
    assert len(np.unique(places, axis=0)) == 900
    assert (np.diff(np.ravel_multi_index(tuple(places.T), known.shape)) > 0).all()
    counts = np.bincount(places[:, 0], minlength=10)
    assert counts[3] == 0
    assert counts[counts > 0].min() > 70
    np.testing.assert_array_equal(places, choose_windows(known, 900))
    assert not np.array_equal(places, choose_windows(known, 900, seed=1))


def test_windows_come_in_blocks_of_one_frame(movie, parameters):
    job = AnalysisJob(movie, parameters.model_copy(update={"stride": 1, "first_frame": 2}))
    places = choose_windows(np.ones((4, *job.grid.shape), dtype=bool), 1500)
    seen = np.zeros(len(places), dtype=int)
    for part, windows in read_windows(job, places):
        assert len(windows) <= BLOCK
        assert len(set(places[part, 0])) == 1
        for (time, row, column), window in zip(places[part], windows, strict=True):
            expected = movie.frames[time + 2, row : row + 32, column : column + 32]
            np.testing.assert_array_equal(window, expected)
        seen[part] += 1
    assert (seen == 1).all()


def test_a_frame_that_cannot_be_read_is_left_out(movie, parameters):
    def read(block_info):
        (index, _), *_ = block_info[None]["array-location"]
        if index == 1:
            raise OSError("bad sector")
        return movie.frames[index : index + 1]

    chunks = ((1,) * 6, (48,), (80,))
    broken = Movie(da.map_blocks(read, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0, 0))))
    places = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 1], [2, 0, 0]])
    parts = [part for part, _ in read_windows(AnalysisJob(broken, parameters), places)]
    assert parts == [slice(0, 1), slice(3, 4)]


def test_steps_are_counted_until_somebody_says_stop():
    told, answers = [], iter([False, False, True])
    steps = Steps(10, lambda *numbers: told.append(numbers), lambda: next(answers))
    steps.advance()
    steps.advance(4)
    with pytest.raises(StoppedError):
        steps.advance()
    assert told == [(1, 10), (5, 10)]
