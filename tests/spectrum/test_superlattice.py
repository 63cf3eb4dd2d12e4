import numpy as np
import pytest

from napari_lattice_symmetry.lattice.basis import cell, lattice_parameters, rotation
from napari_lattice_symmetry.spectrum import Flag, fit_lattice, fit_lattices


@pytest.mark.parametrize(
    ("change", "other"), [((2, 1), (12, 24, 90)), ((3, 1), (12, 36, 90)), ((2, 2), (24, 24, 90))]
)
@pytest.mark.parametrize("dimmer", [0.15, 0.4])
def test_both_cells_are_told(draw_lattice, change, other, dimmer):
    """Of every second or third atom that is dimmer spots are weak."""
    m, n = change
    sites = [(i / m, j / n) for i in range(m) for j in range(n)]
    weights = [1 - dimmer, *[1] * (m * n - 1)]
    basis = np.diag([12 * m, 12 * n]) @ rotation(21)
    rng, drawn = np.random.default_rng(0), {"sites": sites, "weights": weights, "sigma": 0.18 / m}
    fit = fit_lattice(draw_lattice(basis, rng, counts=200, **drawn))
    assert fit.flags == Flag.SUPERLATTICE
    cells = [lattice_parameters(each) for each in (fit.basis, fit.other_basis)]
    small, large = sorted(cells, key=lambda each: each[0] * each[1])
    np.testing.assert_allclose(small, (12, 12, 90), rtol=0.02)
    np.testing.assert_allclose(large, other, rtol=0.02)
    size = "larger" if cells[0] == small else "smaller"
    assert f"for a {size} cell, " in fit.remarks


def test_lengths_of_both_are_in_nm(draw_lattice):
    basis, sites = np.diag([24, 12]), [(0, 0), (0.5, 0)]
    rng = np.random.default_rng(0)
    window = draw_lattice(basis, rng, sites=sites, weights=(1, 0.8), sigma=0.09)
    fit = fit_lattice(window, pixel_size=0.02)
    areas = [abs(np.linalg.det(each)) for each in (fit.basis, fit.other_basis)]
    np.testing.assert_allclose(sorted(areas), [0.24**2, 0.24 * 0.48], rtol=0.02)
    assert "rectangular, 0.24 x 0.48 nm, 90.0°" in fit.remarks or "square, 0.24" in fit.remarks


@pytest.mark.parametrize("counts", [5, 200])
def test_plain_lattices_have_one_cell(draw_lattice, counts):
    rng = np.random.default_rng(1)
    sites = ((0, 0), (0.31, 0.12), (0.77, 0.4))
    windows = [
        draw_lattice(
            cell(a, 1.2 * a, 80) @ rotation(7 * a),
            rng,
            counts=counts,
            sites=sites[:n],
            weights=(1, 0.6, 0.3)[:n],
            disorder=0.05,
        )
        for a in (8, 11, 14)
        for n in (1, 2, 3)
    ]
    fits = fit_lattices(np.array(windows))
    assert not (fits.flags & Flag.SUPERLATTICE).any()
    assert np.isnan(fits.other_basis).all()
