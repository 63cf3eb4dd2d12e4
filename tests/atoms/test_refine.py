from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.atoms import AtomImage
from napari_lattice_symmetry.atoms.bound import cramer_rao
from napari_lattice_symmetry.atoms.refine import refine


def fitted(spacing, counts, probe, **settings):
    """Refined columns that are not at the border, their truth, and the picture."""
    image = AtomImage(
        spacing=spacing,
        size=160 + round(6 * spacing),
        counts=counts,
        probe=probe,
        tails=0,
        **settings,
    )
    picture = image.draw()
    atoms = picture.atoms
    start = np.random.default_rng(0).normal(0, 0.08 * spacing, (2, len(atoms)))
    found = refine(picture.image, atoms.y + start[0], atoms.x + start[1], spacing)
    edge = 1.5 * spacing
    inner = ((atoms.positions > edge) & (atoms.positions < image.size - 1 - edge)).all(axis=1)
    return found, atoms, inner, picture


@pytest.mark.parametrize(("spacing", "counts"), [(6, 100), (12, 10), (18, 100), (44, 3)])
def test_places_are_near_the_bound_and_errors_hold(spacing, counts):
    found, atoms, inner, picture = fitted(spacing, counts, 0.2)
    assert found.succeeded[inner].mean() > 0.99
    kept = inner & found.succeeded
    off = np.concatenate([(found.y - atoms.y)[kept], (found.x - atoms.x)[kept]])
    error = np.concatenate([found.y_error[kept], found.x_error[kept]])
    bound = cramer_rao(counts, picture.sigma, 0.2 * counts, 3 * spacing)
    assert 0.85 * bound < off.std() < 1.3 * bound
    assert 0.85 < (off / error).std() < 1.25
    assert np.median(found.sigma[kept]) == pytest.approx(picture.sigma, rel=0.05)
    assert np.median(found.intensity[kept]) == pytest.approx(counts, rel=0.1)


def test_gain_and_offset_of_the_detector_change_nothing():
    picture = AtomImage(spacing=12, size=96, counts=50, seed=2).draw()
    y, x = picture.atoms.positions.T
    one = refine(picture.image, y, x, 12)
    other = refine(7 * picture.image - 300, y, x, 12)
    assert other.y == pytest.approx(one.y, abs=1e-3)
    assert other.y_error == pytest.approx(one.y_error, rel=0.02)
    assert other.intensity == pytest.approx(7 * one.intensity, rel=0.02)


def test_overlapping_columns_are_fitted_jointly():
    found, atoms, inner, picture = fitted(12, 200, 0.3, displacement=0.03)
    off = np.hypot(found.y - atoms.y, found.x - atoms.x)[inner]
    assert np.sqrt((off**2).mean() / 2) < 2 * cramer_rao(200, picture.sigma, 40, 36)
    assert np.median(off / np.hypot(found.y_error, found.x_error)[inner]) < 1.2


def test_where_there_is_no_column_the_place_stays_and_has_no_error():
    image = np.random.default_rng(0).poisson(20, (64, 64)).astype(float)
    found = refine(image, np.array([20.25, 40]), np.array([30.5, 10]), 14)
    lost = ~found.succeeded
    assert np.isnan(found.y_error[lost]).all()
    assert np.array_equal(found.y[lost], np.array([20.25, 40])[lost])
    assert (found.intensity[~lost] < 3 * found.intensity_error[~lost]).all()


def test_nothing_to_fit():
    assert not len(refine(np.ones((9, 9)), np.empty(0), np.empty(0), 8).y)


def test_the_bound_is_the_textbook_one():
    # Without background and with all pixels it is sigma over the root of all counts.
    assert cramer_rao(1000, 2.5, 1e-9, 20) == pytest.approx(
        2.5 / np.sqrt(2 * np.pi * 2.5**2 * 1000), rel=1e-3
    )


def test_columns_at_the_very_border_are_borne():
    image = AtomImage(spacing=45, size=128, counts=50).draw().image
    found = refine(image, np.array([127.0, 0, 60]), np.array([127.0, 0, 126.9]), 45)
    assert np.isfinite(found.y).all()
    assert ((found.y >= 0) & (found.y <= 127)).all()
