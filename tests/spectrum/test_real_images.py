"""Lattice parameters of real images; what they show is told in the list beside them."""

from __future__ import annotations

import numpy as np
import pytest

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.spectrum import Flag, WindowGrid

# Image, window, class, b / a, gamma and how well the latter two are known.
IMAGES = [
    ("images/STO_001_haadf_nsid.hf5", 228, "square", 1.0, 90, (0.02, 1)),
    ("images/Si_110_haadf_5nm.png", 320, "centered rectangular", 1.0, 70.5, (0.04, 1.5)),
    ("images/Fe_bcc100_grainboundary.npy", 165, "square", 1.0, 90, (0.03, 1.5)),
    ("images/LLTO_90deg_domains.jpg", 128, "rectangular", 2.0, 90, (0.1, 1.5)),
    ("images/MoS2_stem_Exp-001-5.npy", 240, "centered rectangular", 1.035, 67.5, (0.03, 1.5)),
    ("images/stm_graphite_vasudevan2018_MOESM4.tif", 170, "oblique", 1.11, 71, (0.02, 1)),
    ("simulated/ai4stem_HCP_Ti_0001.npy", 246, "hexagonal", 1.0, 60, (0.003, 0.1)),
    ("simulated/ai4stem_FCC_Cu_110.npy", 185, "centered rectangular", 1.0, 70.53, (0.003, 0.1)),
    ("simulated/ai4stem_BCC_Fe_110.npy", 120, "rectangular", 2**0.5, 90, (0.003, 0.1)),
]


def frame_and_windows(path, window):
    frame = nls.read_movie(path).frame(0)
    step = max(8, (min(frame.shape) - window) // 6)
    return frame, WindowGrid(frame.shape, window, step).windows(frame)


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image[0])
def test_lattice_parameters(shared_data, image):
    file, window, name, ratio, gamma, (ratio_error, gamma_error) = image
    fits = nls.fit_lattices(frame_and_windows(shared_data / file, window)[1])
    assert fits.resolved.mean() > 0.95
    assert np.nanmedian(fits.b / fits.a) == pytest.approx(ratio, abs=ratio_error)
    assert np.nanmedian(fits.gamma) == pytest.approx(gamma, abs=gamma_error)
    assert np.bincount(fits.label.ravel(), minlength=7).argmax() == nls.LABELS[name]


def test_amorphous_carbon_is_not_resolved(shared_data):
    path = shared_data / "images/Pt_single_atoms_on_amorphous_C.tif"
    assert nls.fit_lattices(frame_and_windows(path, 128)[1]).resolved.mean() < 0.01


def test_a_second_grain_is_seen_at_the_boundary_alone(shared_data):
    frame, _ = frame_and_windows(shared_data / "images/Fe_bcc100_grainboundary.npy", 160)
    fits = nls.fit_lattices(WindowGrid(frame.shape, 160, 22).windows(frame))
    flagged = (fits.flags & Flag.TWO_LATTICES) > 0
    assert flagged[7:10].sum() >= 10
    assert not flagged[:6].any()
    assert not flagged[11:].any()


@pytest.mark.parametrize(
    ("file", "window"),
    [
        ("images/MoS2_stem_Exp-001-5.npy", 285),
        ("images/stm_graphite_vasudevan2018_MOESM4.tif", 200),
    ],
)
def test_sheared_hexagonal_crystals_are_hexagonal_after_correction(shared_data, file, window):
    frame, windows = frame_and_windows(shared_data / file, window)
    side = min(frame.shape)
    marked = nls.fit_lattice(frame[:side, :side])
    assert marked.lattice != "hexagonal"
    distortion = nls.solve_distortion(marked.basis, "hexagonal")
    corrected = nls.fit_lattices(windows, distortion=distortion)
    assert np.median(corrected.gamma) == pytest.approx(60, abs=2)
    assert np.median(corrected.b / corrected.a) == pytest.approx(1, abs=0.02)
    assert (corrected.label == nls.LABELS["hexagonal"]).mean() > 0.75
