from __future__ import annotations

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.atoms import AtomImage, find_defects
from napari_lattice_symmetry.atoms.defect_maps.bragg import lattice_average, noise_score
from napari_lattice_symmetry.atoms.defect_maps.peaks import confidence_of, find_peaks
from napari_lattice_symmetry.atoms.score import match

BASIS = np.array([[3.3, 10.1], [9.4, -2.2]])


def wave(shape=(96, 110)):
    """An image that BASIS repeats, of wavelengths that pixels hold."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    first, second = 2 * np.pi * np.tensordot(np.linalg.inv(BASIS).T, np.stack([y, x]), 1)
    return 5 + np.cos(first) + 0.7 * np.sin(second) + 0.4 * np.cos(first + second)


def test_the_average_over_lattice_vectors_is_the_periodic_part_up_to_the_border():
    image = wave()
    known = np.ones(image.shape, bool)
    assert lattice_average(image, BASIS, known, 1.2) == pytest.approx(image, abs=0.1)
    assert lattice_average(image, BASIS, known, 1.2)[10:-10, 10:-10] == pytest.approx(
        image[10:-10, 10:-10], abs=0.03
    )
    spike = np.zeros(image.shape)
    spike[48, 55] = 1
    average = lattice_average(spike, BASIS, known, 1.2)
    assert abs(average[48, 55]) < 0.01  # what is asked of a pixel is not asked of itself
    known[40:60, 45:65] = False
    assert not lattice_average(spike, BASIS, known, 1.2).any()


def test_the_score_of_noise_has_variance_one_wherever_noise_is_strong():
    gray = wave((140, 140))
    rng = np.random.default_rng(1)
    score = noise_score(rng.poisson(4 * gray).astype(float), BASIS)
    bright = gray > np.quantile(gray, 0.8)
    assert score[bright].std() == pytest.approx(1, abs=0.08)
    assert score[~bright].std() == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("material", ["graphene", "SrTiO3 [110]"])
def test_the_residual_tells_what_is_missing_and_what_is_brighter(material):
    picture = AtomImage(
        material=material, spacing=12, size=200, vacancies=0.02, heavier=0.02, seed=2, counts=60
    ).draw()
    found = find_defects(picture.image, picture.atoms, method="bragg")
    for kind, told in (("vacancy", "missing"), ("heavier", "brighter")):
        true, own = (
            np.stack([each.y, each.x], axis=1)[each.kind == name]
            for each, name in ((picture.defects, kind), (found, told))
        )
        inner = ((true > 12) & (true < 187)).all(axis=1)
        assert inner.sum() > 1
        _, columns = match(own, true, 4)
        assert np.isin(np.flatnonzero(inner), columns).all()
    assert len(found) <= len(picture.defects) + 2
    assert (found.confidence > 0.5).mean() > 0.8


def test_a_perfect_crystal_has_about_as_many_false_alarms_as_is_said():
    false = sites = 0
    for seed in range(4):
        picture = AtomImage(
            material="Au [001]", spacing=8, size=200, counts=20, displacement=0, seed=seed
        ).draw()
        false += len(find_defects(picture.image, picture.atoms, method="bragg"))
        sites += len(picture.atoms)
    assert sites > 2000
    assert false <= 3 * sites / 1000  # one of 1,000 is meant


def test_peaks_are_placed_between_pixels_and_surer_the_higher_they_are():
    y, x = np.mgrid[:30, :40]
    image = 4 * np.exp(-((y - 10.3) ** 2 + (x - 20.4) ** 2) / 18)
    image += 3 * np.exp(-((y - 12) ** 2 + (x - 31) ** 2) / 18)
    places, heights = find_peaks(image, 1.0, 4)
    assert places == pytest.approx(np.array([[10.3, 20.4], [12, 31]]), abs=0.2)
    assert find_peaks(image, 1.0, 20)[0] == pytest.approx(places[:1])
    sure = confidence_of(heights, lambda h: 500 * np.exp(-2 * h), 100)
    assert sure == pytest.approx([1 - 50 * np.exp(-8), 1 - 50 * np.exp(-6) / 2], abs=0.02)


def test_a_way_that_is_none_is_said():
    with pytest.raises(nls.LatticeSymmetryError, match="'fourier' is no way to find defects"):
        find_defects(np.ones((50, 50)), nls.atoms.Atoms.at([1], [3]), method="fourier")
