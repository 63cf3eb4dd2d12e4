from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from napari_lattice_symmetry.analysis import analyze, iter_analyze
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.results import MovieResult, provenance


def test_empty_result_holds_nothing(movie, parameters):
    result = MovieResult.empty(movie, parameters)
    assert (result.labels == 0).all()
    for name in ("mean", "std", "entropy", "mutual_information", "fractions", "fractions_std"):
        assert np.isnan(getattr(result, name)).all(), name
    assert np.isnan(result.area_shares).all()
    assert not result.done.any()


def test_shapes_and_types(movie, parameters, fake_model):
    result = analyze(movie, parameters, model=fake_model)
    assert result.labels.dtype == np.uint8
    assert result.labels.shape == result.entropy.shape == (6, 3, 7)
    assert result.mean.shape == result.std.shape == (6, 6, 3, 7)
    for maps in (result.mean, result.std, result.entropy, result.mutual_information):
        assert maps.dtype == np.float32
    assert result.fractions.shape == result.fractions_std.shape == (6, 6)
    np.testing.assert_allclose(result.fractions.sum(axis=1), 1)


def test_inserted_frame_lands_in_its_row_alone(movie, parameters, fake_model):
    result = MovieResult.empty(movie, parameters)
    frames = list(iter_analyze(movie, parameters, model=fake_model))
    result.insert(frames[3])
    assert result.done.tolist() == [False, False, False, True, False, False]
    np.testing.assert_array_equal(result.mean[:, 3], frames[3].mean)
    np.testing.assert_array_equal(result.labels[3], frames[3].labels)
    assert (np.delete(result.labels, 3, axis=0) == 0).all()


def test_area_shares_count_the_analyzed_windows(movie, parameters):
    result = MovieResult.empty(movie, parameters)
    result.labels[1] = 1
    result.labels[1, 0] = 6
    result.labels[1, 1] = 0
    np.testing.assert_allclose(result.area_shares[1], [0.5, 0, 0, 0, 0, 0.5])


def test_times_are_those_of_the_analyzed_frames(movie, frames, parameters):
    every_second = parameters.model_copy(update={"first_frame": 1, "frame_step": 2})
    timed = MovieResult.empty(movie, every_second)
    np.testing.assert_allclose(timed.times, [0.5, 1.5, 2.5])
    untimed = MovieResult.empty(type(movie)(frames), every_second)
    np.testing.assert_allclose(untimed.times, [1, 3, 5])


def test_window_that_does_not_fit_is_told(movie, parameters):
    with pytest.raises(InputError, match="does not fit"):
        MovieResult.empty(movie, parameters.model_copy(update={"window": 64}))


def test_provenance_says_all_and_is_json(movie, parameters, fake_model):
    told = provenance(fake_model, movie, parameters)
    assert json.loads(json.dumps(told)) == told
    assert told["network"] == "fake"
    assert told["weights_sha256"] == fake_model.sha256
    assert told["seed"] == 3
    assert told["source"] == "/data/growth.tif"
    assert told["versions"]["numpy"] == np.__version__
    assert told["source_bytes"] is told["source_modified"] is None  # it is not there


def test_provenance_knows_the_file_by_size_and_time(movie, parameters, fake_model, tmp_path):
    file = tmp_path / "growth.tif"
    file.write_bytes(b"12345")
    os.utime(file, (0, 86_400))
    told = provenance(fake_model, replace(movie, source=str(file)), parameters)
    assert (told["source_bytes"], told["source_modified"]) == (5, "1970-01-02T00:00:00+00:00")
