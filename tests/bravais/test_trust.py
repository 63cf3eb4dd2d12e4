import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.bravais.evidence import Said, evidence, repetition, shares_by_scale
from napari_lattice_symmetry.bravais.trust import (
    SITUATIONS,
    believed,
    find_trust,
    mean_answer,
    situations,
)
from napari_lattice_symmetry.lattice.drawing import draw_atoms
from napari_lattice_symmetry.spectrum.fitting import fit_lattices

NOISE = nls.LABELS["noise"] - 1


def few_periods():
    return nls.LatticeImage(lattice="square", a=34, size=128, counts=100, orientation=17).draw()


def blobs(seed):
    rng = np.random.default_rng(seed)
    return draw_atoms(rng.uniform(0, 128, (15, 2)), np.ones(15), 6.0, (128, 128))


def test_few_periods_repeat_and_blobs_do_not():
    windows = np.stack([few_periods(), blobs(1), blobs(2)])
    repeating = repetition(windows)
    assert repeating[0] > 0.2 > repeating[1:].max()
    np.testing.assert_allclose(repetition(1000 + 7 * windows), repeating)
    assert repetition(np.ones((2, 64, 64))).tolist() == [0, 0]
    windows[1, :2] = np.nan
    assert np.isfinite(repetition(windows)).all()


@pytest.fixture(scope="module")
def seen():
    """Evidence of a lattice, of bare counts, and of few periods."""
    counts = np.random.default_rng(0).poisson(20, (128, 128))
    square = nls.LatticeImage(lattice="square", a=12, counts=200).draw()
    windows = np.stack([square, counts, few_periods()]).astype(float)
    network, fits = nls.load_model().classify(windows, samples=5), fit_lattices(windows)
    shares = shares_by_scale(windows)
    of_both = [evidence(network, fits, shares, tolerance) for tolerance in (0.04, 0)]
    return network, fits, of_both, repetition(windows)


def test_what_was_said_is_read_from_the_evidence(seen):
    network, fits, of_both, _ = seen
    for numbers, exact in zip(of_both, (False, True), strict=True):
        said = Said.in_evidence(numbers)
        np.testing.assert_array_equal(said.network, network.label - 1)
        np.testing.assert_array_equal(said.resolved, fits.resolved)
        np.testing.assert_array_equal(said.flagged, fits.flags > 0)
        assert (said.exact == exact).all()


def test_a_situation_is_what_network_fit_and_judges_say_together(seen):
    network, _, (usual, exact), repeating = seen
    answer = np.array([0, NOISE, NOISE])
    assert network.label[:2].tolist() == [1, NOISE + 1]
    assert situations(usual, answer, repeating)[:2].tolist() == [0, 2]
    assert situations(exact, answer, repeating)[:2].tolist() == [1, 2]
    assert situations(usual, answer, np.ones(3))[1] == 3  # something repeats
    assert situations(usual, np.array([3, 0, 0]), repeating).tolist()[:2] == [4, 4]


def test_trust_makes_timid_judges_as_sure_as_they_are_right():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 6, 3000)
    targets = np.eye(6)[truth]
    logits = np.stack([2 * targets + 0.3 * rng.standard_normal((3000, 6)) for _ in range(3)])
    situation = np.arange(3000) % len(SITUATIONS)
    trust = find_trust(logits, targets, np.ones(3000), situation)
    assert trust.shape == (len(SITUATIONS), 2)
    right = mean_answer(logits) == truth
    for i in range(len(SITUATIONS)):
        here = situation == i
        before = believed(logits[:, here], np.array([1.0, 0.0])).mean(axis=0).max(axis=1)
        after = believed(logits[:, here], trust[i]).mean(axis=0).max(axis=1)
        accuracy = right[here].mean()
        assert abs(after.mean() - accuracy) < abs(before.mean() - accuracy)
