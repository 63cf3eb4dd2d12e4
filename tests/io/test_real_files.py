"""Files of real instruments and other people's programs."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "mean"),
    [
        ("images/Cu2Te.tif", (1, 1024, 1024), "uint8", 93.986),
        ("images/Pt_single_atoms_on_amorphous_C.tif", (1, 1024, 1024), "uint8", 109.683),
        ("images/stm_graphite_vasudevan2018_MOESM4.tif", (1, 319, 329), "float32", 122.286),
        ("images/Si_110_haadf_5nm.png", (1, 512, 512), "uint8", 98.312),
        ("images/DyScO3_haadf_8nm.png", (1, 1024, 1024), "uint8", 78.107),
        ("images/LLTO_90deg_domains.jpg", (1, 512, 512), "float32", 71.4),
        ("images/Fe_bcc100_grainboundary.npy", (1, 512, 512), "uint8", 114.598),
        ("images/MoS2_stem_Exp-001-5.npy", (1, 512, 512), "float64", 0.234),
        ("movies/faststm_hex_10frames.npy", (10, 105, 105), "int16", 99.989),
        ("movies/graphene_hrtem_Dyna1_all.tif", (5, 256, 256), "uint8", 119.248),
        ("formats/graphene_hrtem_D4_001.ome.tif", (3, 256, 256), "uint8", 110.826),
        ("graphene_hrtem", (36, 256, 256), "uint8", 75.426),
    ],
)
def test_uncalibrated_files(shared_data, name, shape, dtype, mean):
    movie = read_movie(shared_data / name)
    assert (movie.shape, movie.frames.dtype) == (shape, dtype)
    assert np.mean(movie.frames) == pytest.approx(mean, abs=0.05)
    assert not movie.calibrated
    assert movie.frame_time is None


def test_strontium_titanate_has_its_lattice_constant(shared_data):
    """Columns of Sr and of Ti-O are a / sqrt 2 = 0.276 nm apart; scans are true to some 5 %."""
    movie = read_movie(shared_data / "images/STO_001_haadf_nsid.hf5")
    assert (movie.shape, movie.unit) == ((1, 470, 453), "nm")
    image = movie.frame(0)[:448, :448]
    window = np.hanning(448)
    amplitude = np.abs(np.fft.rfft2((image - image.mean()) * window * window[:, None]))
    amplitude[:5, :5] = amplitude[-5:, :5] = 0
    row, column = np.unravel_index(amplitude.argmax(), amplitude.shape)
    period = 1 / np.hypot(np.fft.fftfreq(448)[row], column / 448) * movie.pixel_size[0]
    assert period == pytest.approx(0.3905 / np.sqrt(2), rel=0.05)


def test_a_spectrum_image_is_refused(shared_data):
    with pytest.raises(InputError, match="is spectral"):
        read_movie(shared_data / "formats/nsid_spectral_bfo_iv.hf5")
