from __future__ import annotations

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.bravais.parameters import suggest_window
from napari_lattice_symmetry.lattice import simulate
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms
from napari_lattice_symmetry.spectrum.period import dominant_period, measure_period

# What the list beside the images says of them, in pixels: graphite has a = 0.246 nm, and
# strontium and titanium columns are a / sqrt 2 apart.
PERIODS = {
    "images/Cu2Te.tif": 37.2,
    "images/DyScO3_haadf_8nm.png": 50.0,
    "images/Fe_bcc100_grainboundary.npy": 16.5,
    "images/LLTO_90deg_domains.jpg": 9.65,
    "images/MoS2_stem_Exp-001-5.npy": 23.7,
    "images/STO_001_haadf_nsid.hf5": 26.8,
    "images/Si_110_haadf_5nm.png": 36.7,
    "images/perovskite_110_ADF_atomap.hdf5": 29.5,
    "images/stm_HOPG_step_11p5nm_iso28600.spm": 10.5,
    "images/stm_graphite_vasudevan2018_MOESM4.tif": 17.0,
    "movies/faststm_hex_10frames.npy": 5.0,
    "movies/graphene_hrtem_Dyna1_all.tif": 5.3,
    "simulated/ai4stem_BCC_Fe_110.npy": 11.96,
    "simulated/ai4stem_FCC_Cu_110.npy": 18.5,
    "simulated/ai4stem_HCP_Ti_0001.npy": 24.6,
}


def crystal(basis, shape, counts=20, sites=((0, 0, 1.0),)):
    spacing = np.linalg.norm(basis, axis=1).min()
    points = lattice_points(basis, shape, (shape[1] / 2, shape[0] / 2), 2 * spacing)
    atoms = np.concatenate([points + np.array([u, v]) @ basis for u, v, _ in sites])
    weights = np.repeat([weight for *_, weight in sites], len(points))
    image = draw_atoms(atoms, weights, 0.18 * spacing, shape)
    return count_electrons(image + 0.1, counts, np.random.default_rng(0))


@pytest.mark.parametrize("file", PERIODS)
def test_real_images(shared_data, file):
    movie = nls.read_movie(shared_data / file)
    for frame in range(0, len(movie), 4):
        assert dominant_period(movie.frame(frame)) == pytest.approx(PERIODS[file], rel=0.025)


def test_amorphous_carbon_has_none(shared_data):
    movie = nls.read_movie(shared_data / "images/Pt_single_atoms_on_amorphous_C.tif")
    assert dominant_period(movie.frame(0)[:512, :512]) is None


def test_a_weak_lattice_is_seen_in_larger_windows_alone(shared_data):
    adlayer = nls.read_movie(shared_data / "movies/faststm_hex_10frames.npy").frame(0)
    graphene = nls.read_movie(shared_data / "movies/graphene_hrtem_Dyna1_all.tif").frame(0)
    assert measure_period([adlayer]).min_window > 80
    assert measure_period([graphene]).min_window == 0


@pytest.mark.parametrize("shape", [(90, 90), (256, 300)])
def test_the_period_is_the_shortest_lattice_vector(shape):
    period = measure_period([crystal(cell(9, 14, 80) @ rotation(31), shape)])
    assert period.length == pytest.approx(9, rel=0.01)
    assert period.fitted
    assert period.agreeing == period.windows


def test_a_weak_second_site_tells_the_cell_from_its_half():
    frame = crystal(cell(26, 26, 90), (400, 400), sites=((0, 0, 1.0), (0.5, 0.5, 0.6)))
    assert dominant_period(frame) == pytest.approx(26, rel=0.01)


def test_frames_and_grains_are_asked_for_their_consent():
    movie = simulate("two-grains").movie
    period = measure_period([movie.frame(0), np.zeros(movie.shape[1:]), movie.frame(0)])
    assert period.length == pytest.approx(12, rel=0.02)
    assert period.windows / 3 < period.agreeing < period.windows


def test_with_too_few_periods_for_a_fit_the_repetition_counts():
    period = measure_period([crystal(cell(29, 29, 90), (128, 128))])
    assert period.length == pytest.approx(29, rel=0.02)
    assert not period.fitted


def test_pixels_that_are_not_square():
    frame = crystal(cell(10, 10, 90) @ rotation(20), (256, 256))
    stretched = np.repeat(frame, 2, axis=0)[:256]
    period = measure_period([stretched], distortion=np.diag([0.5**0.5, 2**0.5]))
    assert period.length == pytest.approx(10 * 2**0.5, rel=0.02)


Y, X = np.mgrid[:256, :256]
ALONG = 2 * np.pi * (0.94 * X + 0.34 * Y)
HUM = 2 * np.pi * (X + 256 * 1.13 * Y) / 17.3  # the scan goes on while a line is left
RING = np.hypot(np.fft.fftfreq(256)[:, np.newaxis], np.fft.fftfreq(256))
APERIODIC = {
    "fringes": np.sin(ALONG / 10),
    "harmonics": np.exp(3 * np.cos(ALONG / 10)) / 5,
    "hum": np.sin(HUM) + 0.5 * np.sin(2 * HUM),
    "rows": np.sin(2 * np.pi * Y / 9.1) + 0.5 * np.sin(2 * np.pi * Y / 4.55),
    "circles": np.sin(2 * np.pi * np.hypot(X + 40, Y + 30) / 9),
    **{
        f"{2 * n} fold": sum(
            np.cos(2 * np.pi * (np.cos(turn) * X + np.sin(turn) * Y) / 8)
            for turn in np.arange(n) * np.pi / n
        )
        for n in (4, 5, 6)
    },
    **{
        f"noise, {width}": 3
        * np.fft.ifft2(
            np.fft.fft2(np.random.default_rng(1).standard_normal((256, 256)))
            * (np.abs(RING - 0.1) < width)
        ).real
        for width in (0.003, 0.01)
    },
}


@pytest.mark.parametrize("shown", APERIODIC)
def test_what_is_no_lattice_has_no_period(shown):
    noise = np.random.default_rng(0).normal(0, 0.5, (256, 256))
    assert measure_period([APERIODIC[shown] + noise]) is None


def test_short_periods_are_found_and_get_a_window_that_holds_them():
    for length in (3.3, 3.7, 4.2):
        frame = crystal(cell(length, length, 60) @ rotation(11), (256, 256))
        period = measure_period([frame])
        assert period.length == pytest.approx(length, rel=0.02)
        assert suggest_window(period.length, (256, 256), period.min_window) == 64


@pytest.mark.parametrize("side", [20, 128])
def test_nothing_has_no_period(side):
    noise = np.random.default_rng(0).poisson(5, (side, side))
    for frame in (noise, np.full((side, side), np.nan), np.ones((side, side))):
        assert measure_period([frame]) is None
