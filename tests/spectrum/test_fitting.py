import numpy as np
import pytest

from napari_lattice_symmetry.bravais.training_images import INSTRUMENT, draw_window, draw_windows
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice import LABELS, correct_basis, solve_distortion
from napari_lattice_symmetry.lattice.basis import (
    CellRanges,
    cell,
    lattice_parameters,
    random_basis,
    rotation,
)
from napari_lattice_symmetry.spectrum import Flag, WindowGrid, fit_lattice, fit_lattices

NAMES = ["square", "rectangular", "centered rectangular", "hexagonal", "oblique"]


def parameters(fits):
    return np.stack([fits.a, fits.b, fits.gamma], axis=-1)


@pytest.fixture(scope="module")
def ten_periods(draw_lattice):
    """Fits at 10 periods and 30 counts a pixel, with disorder, and the true parameters."""
    rng = np.random.default_rng(0)
    ranges = CellRanges(spacing=(12.8, 12.8), margin=0.05)
    bases = [random_basis(NAMES[i % 5], rng, ranges) for i in range(150)]
    windows = [draw_lattice(basis, rng, disorder=rng.uniform(0, 0.06)) for basis in bases]
    return fit_lattices(np.array(windows)), np.array([lattice_parameters(basis) for basis in bases])


def test_accuracy_at_ten_periods_and_thirty_counts(ten_periods):
    fits, true = ten_periods
    assert fits.resolved.all()
    error = np.abs(parameters(fits) - true)
    a, b, gamma = np.median(error / [12.8, 12.8, 1], axis=0)
    assert max(a, b) < 0.003
    assert gamma < 0.3


def test_errors_are_honest(ten_periods):
    fits, true = ten_periods
    errors = np.stack([fits.a_error, fits.b_error, fits.gamma_error], axis=-1)
    normalized = np.abs(parameters(fits) - true) / errors
    within_one = np.quantile(normalized, 0.683, axis=0)
    assert ((within_one > 1 / 1.5) & (within_one < 1.5)).all()
    assert np.sqrt(np.mean(normalized**2)) == pytest.approx(1, rel=0.5)


def test_faint_peaks_do_not_spoil_what_clear_ones_say(draw_lattice):
    rng, true = np.random.default_rng(1), []
    windows = []
    for _ in range(60):
        a = rng.uniform(8, 16)
        basis = cell(a, a * rng.uniform(1.1, 1.4), rng.uniform(75, 85))
        basis = basis @ rotation(rng.uniform(0, 360))
        true.append(lattice_parameters(basis))
        windows.append(draw_lattice(basis, rng, counts=100))
    fits = fit_lattices(np.array(windows))
    off = parameters(fits) - np.array(true)
    errors = np.stack([fits.a_error, fits.b_error, fits.gamma_error], axis=-1)
    share = off / [1, 1, np.rad2deg(1)] / [*np.mean(true, axis=0)[:2], 1]
    assert np.sqrt(np.square(share).mean()) < 8e-4  # 9e-4 if all residuals count alike
    assert 0.6 < (np.abs(off) < errors).mean() < 0.75
    assert (np.abs(off) < 2 * errors).mean() > 0.9


def test_counting_noise_alone_is_told_exactly(draw_lattice):
    rng = np.random.default_rng(0)
    basis = cell(11.3, 14.2, 78) @ rotation(25)
    fits = fit_lattices(np.array([draw_lattice(basis, rng, counts=15) for _ in range(60)]))
    np.testing.assert_allclose(np.mean(parameters(fits), axis=0), (11.3, 14.2, 78), rtol=5e-4)
    for name in ("a", "b", "gamma", "orientation"):
        spread = np.std(getattr(fits, name))
        assert np.median(getattr(fits, f"{name}_error")) == pytest.approx(spread, rel=0.5)


@pytest.mark.parametrize(
    ("sites", "weights"),
    [
        # {100} ten times weaker than {110}, and {100} and {110} than {200}
        (((0, 0), (0.5, 0.5)), (1, 0.8)),
        (((0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5)), (1, 0.75, 0.8, 0.85)),
        (((0, 0), (0.31, 0.12)), (1, 0.6)),
        (((0, 0), (0.31, 0.12), (0.77, 0.4)), (1, 0.6, 0.3)),
    ],
)
@pytest.mark.parametrize("turn", [0, 28, 71])
def test_atoms_that_weaken_first_orders_do_not_mislead(draw_lattice, sites, weights, turn):
    window = draw_lattice(
        cell(16, 19, 83) @ rotation(turn),
        np.random.default_rng(turn),
        size=160,
        counts=200,
        sites=sites,
        weights=weights,
        sigma=0.1,
    )
    fit = fit_lattice(window)
    assert (fit.a, fit.b, fit.gamma) == pytest.approx((16, 19, 83), rel=5e-3)
    assert not fit.flags & ~Flag.SUPERLATTICE


def test_extra_reflections_are_left_out(draw_lattice):
    window = draw_lattice(cell(10, 13, 90) @ rotation(15), np.random.default_rng(0))
    y, x = np.mgrid[:128, :128] / 128
    moire = np.cos(2 * np.pi * (7.3 * x + 3.1 * y)) + np.cos(2 * np.pi * (21.4 * x - 17.7 * y))
    fit = fit_lattice(window + 0.1 * window.std() * moire)
    assert (fit.a, fit.b, fit.gamma) == pytest.approx((10, 13, 90), rel=5e-3)
    assert 0.5 < fit.quality < 1


def test_instrument_windows_are_resolved_and_named_and_noise_is_not():
    windows, labels = draw_windows(360, INSTRUMENT, seed=(77, 1))
    fits = fit_lattices(windows)
    lattices = labels != LABELS["noise"]
    assert fits.resolved[lattices].mean() > 0.95
    assert (fits.label == labels)[lattices].mean() > 0.9
    assert not (fits.flags[lattices] & Flag.TWO_LATTICES).any()

    rng = np.random.default_rng(78)
    noise = np.array([draw_window(LABELS["noise"], INSTRUMENT, rng) for _ in range(240)])
    assert fits.resolved[~lattices].sum() + fit_lattices(noise).resolved.sum() < 3


def test_fringes_are_no_lattice():
    rng = np.random.default_rng(0)
    phase = 2 * np.pi * np.arange(128) / 9.3
    fringes = 1 + 0.6 * np.cos(phase) + 0.3 * np.cos(2 * phase)
    fit = fit_lattice(rng.poisson(20 * np.tile(fringes, (128, 1))))
    assert fit.remarks == "not resolved: all spots lie on one line, as those of fringes do"
    assert fit.flags == Flag.ONE_DIRECTION
    assert fit.lattice is None
    assert fit.nearest_higher is None
    assert np.isnan([fit.a, fit.b, fit.gamma, fit.orientation, fit.a_error]).all()


@pytest.mark.parametrize(
    ("spacing", "flag", "sentence"),
    [
        (32, Flag.FEW_PERIODS, "not resolved: 4.0 periods in the window, fewer than 5"),
        (2.6, Flag.COARSE_SAMPLING | Flag.MANY_PERIODS, "not resolved: 2.6 px a period"),
        (4.2, Flag.MANY_PERIODS, "30.5 periods in the window, more than 25"),
        (10, 0, ""),
    ],
)
def test_a_window_is_judged_by_its_periods(draw_lattice, spacing, flag, sentence):
    basis = cell(spacing, spacing, 90) @ rotation(20)
    fit = fit_lattice(draw_lattice(basis, np.random.default_rng(0), counts=200))
    assert fit.flags == flag
    assert fit.remarks.startswith(sentence)
    assert fit.periods == pytest.approx(128 / spacing, rel=0.02)


def test_blank_and_missing_windows_are_not_resolved():
    windows = np.zeros((3, 64, 64))
    windows[1] = np.random.default_rng(0).normal(size=(64, 64))
    windows[2, :8] = np.nan
    fits = fit_lattices(windows)
    missing = Flag.MISSING_PIXELS
    np.testing.assert_array_equal(fits.flags, [missing, Flag.NO_SPOTS, missing])
    assert "5% of the pixels are missing or padding" in fits[2].remarks
    assert not fits.label.any()


@pytest.mark.parametrize("gamma", [90, 60])
def test_two_grains_are_flagged_and_either_is_measured(draw_lattice, gamma):
    rng = np.random.default_rng(0)
    flags, sides = [], []
    for _ in range(20):
        basis = cell(9, 9, gamma) @ rotation(rng.uniform(0, 360))
        left = draw_lattice(basis, rng, within=lambda atoms: atoms[:, 0] < 64)
        right = draw_lattice(basis @ rotation(20), rng, within=lambda atoms: atoms[:, 0] >= 64)
        fit = fit_lattice(left + right)
        flags.append(fit.flags)
        sides.append((fit.a, fit.b))
    assert (np.array(flags) == Flag.TWO_LATTICES).mean() > 0.9
    np.testing.assert_allclose(np.median(sides, axis=0), 9, rtol=0.02)
    assert fit.remarks == "a second lattice in the window"


@pytest.mark.parametrize(
    ("basis", "turn", "orientation"),
    [
        (cell(10, 10, 90), 100, 10),
        (cell(10, 10, 60), 130, 10),
        (cell(10, 13, 90), 190, 10),
        (cell(10, 12, 80), 100, 100),
        # of the two equal sides of a rhombus neither is chosen, but its shorter diagonal
        (cell(10, 10, 76), 0, 128),
    ],
)
def test_orientation_is_folded_by_the_symmetry(draw_lattice, basis, turn, orientation):
    fit = fit_lattice(draw_lattice(basis @ rotation(turn), np.random.default_rng(0)))
    assert fit.orientation == pytest.approx(orientation, abs=0.5)


def test_lengths_are_those_of_the_sample(draw_lattice):
    basis = cell(10, 12, 75) @ rotation(30)
    window = draw_lattice(basis, np.random.default_rng(0), counts=200)
    fit = fit_lattice(window, pixel_size=0.02)
    assert fit.unit == "nm"
    assert (fit.a, fit.b, fit.gamma) == pytest.approx((0.2, 0.24, 75), rel=3e-3)

    # The same sample, seen with pixels that are not square.
    squeezed = draw_lattice(basis * [1, 0.8], np.random.default_rng(0), counts=200)
    same = fit_lattice(squeezed, pixel_size=(0.025, 0.02))
    assert (same.a, same.b, same.gamma) == pytest.approx((0.2, 0.24, 75), rel=3e-3)
    assert lattice_parameters(same.basis) == pytest.approx((same.a, same.b, same.gamma))


def test_a_distortion_is_undone(draw_lattice):
    distortion = np.array([[1.02, 0.13], [0.0, 0.95]])
    basis = cell(11, 11, 60) @ rotation(12)
    window = draw_lattice(basis @ distortion.T, np.random.default_rng(0), counts=200)
    seen, true = fit_lattice(window), fit_lattice(window, distortion=distortion)
    assert seen.lattice == "oblique"
    assert true.lattice == "hexagonal"
    assert (true.a, true.b, true.gamma) == pytest.approx((11, 11, 60), rel=3e-3)
    assert 0.5 < true.a_error / seen.a_error < 2
    solved = correct_basis(seen.basis, solve_distortion(seen.basis, "hexagonal"))
    assert lattice_parameters(solved)[2] == pytest.approx(60)


def test_distances_to_higher_symmetries(draw_lattice):
    window = draw_lattice(cell(10, 10.8, 90), np.random.default_rng(0), counts=200)
    fit = fit_lattice(window)
    name, distortion = fit.nearest_higher
    assert (fit.lattice, name) == ("rectangular", "square")
    assert distortion == pytest.approx(100 * np.log(1.08), abs=0.5)
    assert fit_lattice(window, tolerance=0.1).lattice == "square"
    assert fit_lattice(window, tolerance=0.1).nearest_higher is None


def test_maps_hold_the_fits_of_single_windows(draw_lattice):
    rng = np.random.default_rng(0)
    frame = draw_lattice(cell(9, 11, 80), rng, size=200)
    windows = WindowGrid(frame.shape, 100, 20).windows(frame)
    maps = fit_lattices(windows)
    assert maps.a.shape == (6, 6)
    assert maps.basis.shape == (6, 6, 2, 2)
    alone, mapped = fit_lattice(windows[4, 3]), maps[4, 3]
    assert alone.a == pytest.approx(mapped.a, rel=1e-6)
    assert alone.orientation == pytest.approx(mapped.orientation, rel=1e-6)
    assert (alone.label, alone.peaks, alone.flags) == (mapped.label, mapped.peaks, mapped.flags)
    assert fit_lattices(windows[:0]).gamma.shape == (0, 6)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"window": np.zeros((64, 60))}, "square, not 64 x 60"),
        ({"window": np.zeros((16, 16))}, "16 px is too small"),
        ({"window": np.zeros((2, 64, 64))}, "not one window"),
        ({"pixel_size": 0.0}, "pixel size of 0.0"),
        ({"tolerance": 0.0}, "tolerance of 0.0"),
        ({"distortion": np.zeros((2, 2))}, "distortion matrix"),
    ],
)
def test_impossible_settings_are_refused(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_lattice(**{"window": np.zeros((64, 64)), **settings})


def test_a_list_of_windows_is_taken_and_one_window_alone_is_refused():
    assert fit_lattices(np.zeros((2, 64, 64)).tolist()).a.shape == (2,)
    with pytest.raises(InputError, match=r"shape \(64, 64\) holds no windows \(\.\.\., w, w\)"):
        fit_lattices(np.zeros((64, 64)))
