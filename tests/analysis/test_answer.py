"""Whose answer an analysis gives: the verdict, or the network alone."""

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.analysis.frame import AnalysisJob
from napari_lattice_symmetry.bravais.parameters import ANSWERS, AnalysisParameters, parse_recorded
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.inspection import inspect_window
from napari_lattice_symmetry.results.maps import AGREE, DISAGREE
from napari_lattice_symmetry.spectrum.lattice_fit import Flag

SETTINGS = {"window": 96, "stride": 64, "samples": 10}
NOISE = nls.LABELS["noise"]


@pytest.fixture(scope="module")
def movie():
    """A hexagonal crystal, and sharp fringes, which the network takes for a lattice."""
    size = 160
    crystal = nls.LatticeImage(lattice="hexagonal", a=9, size=size, counts=100).draw()
    y, x = np.mgrid[:size, :size]
    fringes = np.exp(3 * np.cos(2 * np.pi * (0.94 * x + 0.34 * y) / 10)) / 20
    fringes = fringes + 0.1 * np.random.default_rng(3).standard_normal((size, size))
    return nls.Movie.from_array(np.stack([crystal, 100 * fringes]).astype(np.float32))


@pytest.fixture(scope="module")
def result(movie):
    return nls.analyze(movie, **SETTINGS)


def test_it_is_the_verdict_with_what_either_says_beside_it(movie, result):
    windows = AnalysisJob(movie, result.parameters).grid.windows(movie.frame(1))
    verdict = nls.classify(windows.reshape(-1, 96, 96), samples=10)
    for name in ("mean", "std"):
        maps = getattr(result, name)[:, 1].reshape(6, -1).T
        np.testing.assert_allclose(maps, getattr(verdict, name), atol=2e-6)
    np.testing.assert_allclose(result.entropy[1].ravel(), verdict.entropy, atol=1e-5)
    np.testing.assert_array_equal(result.network_labels[1].ravel(), verdict.network.label)
    np.testing.assert_allclose(
        result.network_mean[:, 1].reshape(6, -1).T, verdict.network.mean, atol=2e-6
    )
    np.testing.assert_array_equal(result.flags[1].ravel(), verdict.flags)
    assert result.parameters.answer == "verdict"
    assert result.provenance["verdict_sha256"] is not None
    np.testing.assert_allclose(result.fractions.sum(axis=1), 1)


def test_fringes_are_no_lattice_that_a_map_is_sure_of(result):
    assert (result.labels[0] == nls.LABELS["hexagonal"]).all()
    assert (result.agreement[0] == AGREE).all()
    sure = result.mean[:, 1].max(axis=0) > 0.9
    assert not (sure & (result.labels[1] != NOISE)).any()
    assert (result.flags[1] & Flag.ONE_DIRECTION).all()
    noise = result.network_labels[1] == NOISE
    np.testing.assert_array_equal(result.agreement[1], np.where(noise, AGREE, DISAGREE))


def test_the_network_alone_is_there_for_the_asking(movie, result):
    alone = nls.analyze(movie, **SETTINGS, answer="network")
    np.testing.assert_array_equal(alone.labels, result.network_labels)
    np.testing.assert_array_equal(alone.mean, result.network_mean)
    assert alone.flags is None
    assert alone.network_labels is None
    assert alone.provenance["verdict_sha256"] is None


def test_of_a_network_that_no_judge_knows_the_answer_is_its_own(movie, fake_model):
    published = AnalysisParameters(network="published", answer="verdict")
    assert published.answerable().answer == "network"
    assert AnalysisParameters().answerable().answer == "verdict"
    found = nls.analyze(movie, **SETTINGS, model=fake_model)
    assert found.parameters.answer == "network"
    assert found.flags is None


def test_a_result_keeps_whose_answer_it_is(result, tmp_path):
    result.save(tmp_path / "verdict.zarr")
    again = nls.load_result(tmp_path / "verdict.zarr")
    assert again.parameters == result.parameters
    np.testing.assert_array_equal(again.network_mean, result.network_mean)


def test_settings_from_before_there_was_a_choice_are_the_networks():
    assert parse_recorded({"window": 64}).answer == "network"
    assert parse_recorded({"window": 64, "answer": "verdict"}).answer == "verdict"


def test_a_verdict_is_not_continued_as_another_answer(movie, tmp_path):
    path = tmp_path / "run.zarr"
    nls.analyze(movie, **SETTINGS, last_frame=0, output=path)
    with pytest.raises(InputError, match="answer='verdict'"):
        nls.analyze(movie, **SETTINGS, last_frame=0, output=path, answer="network")


def test_a_tolerance_of_zero_is_a_verdict_too(movie):
    found = nls.analyze(movie, **SETTINGS, last_frame=0, tolerance=0)
    windows = AnalysisJob(movie, found.parameters).grid.windows(movie.frame(0))
    verdict = nls.classify(windows.reshape(-1, 96, 96), samples=10, tolerance=0)
    np.testing.assert_allclose(found.mean[:, 0].reshape(6, -1).T, verdict.mean, atol=2e-6)


def test_one_window_is_said_as_in_the_map(movie, result):
    seen = inspect_window(movie, 1, (48, 48), result.parameters)
    np.testing.assert_allclose(seen.mean, result.mean[:, 1, 0, 0], atol=2e-6)
    assert seen.network_label == result.network_labels[1, 0, 0]
    assert seen.agreement == result.agreement[1, 0, 0]
    rows = dict(seen.rows())
    assert rows["answer"] == ANSWERS["verdict"]
    assert rows["class of the network alone"] == nls.CLASSES[seen.network_label - 1]
