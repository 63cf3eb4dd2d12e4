"""Files of real instruments and other people's programs."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie, read_movies


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


CALIBRATED = [
    # file, dataset, shape, dtype, nm along y and x, seconds
    ("dmTest_3D_int16.dm3", None, (66, 65, 64), "int16", (3, 0.002), None),
    ("dmTest_3D_int16.dm4", None, (66, 65, 64), "int16", (3, 0.002), None),
    ("multi_signal.dm3", None, (1, 512, 512), "uint16", 0.01775, None),
    ("velox_haadf_128.emd", None, (1, 128, 128), "uint16", 87.37, None),
    ("velox_multi_image.emd", "iDPC", (1, 2, 2), "float32", 0.09962, None),
    ("velox_tem_stack.emd", None, (2, 3, 3), "int16", 0.008173, 0.8),
    ("tia_stack5_1.ser", None, (5, 128, 128), "uint16", 0.3844, None),
    ("tia_stack5.emi", None, (5, 128, 128), "uint16", 0.3844, None),
    ("HAADFscan.mrc", None, (1, 16, 16), "uint16", 5.679, None),
    ("ncem_temp_3frames.mrc", None, (3, 128, 128), "float32", 0.2, None),
    ("panta_rhei_sample.prz", None, (1, 16, 16), "uint16", 7.796, None),
    ("jeol_view.img", None, (1, 512, 512), "uint8", 8.691, None),
    ("stm_nexus.nxs", "entry/current_forward/current", (1, 256, 256), "float32", 0.01569, None),
    (
        "nanonis_constheight_multichannel.sxm",
        "Frequency_Shift forward",
        (1, 192, 96),
        "float32",
        0.02083,
        None,
    ),
    ("20201111--4_1.Z_mtrx", "Z forward/up", (1, 400, 400), "float64", 0.25, None),
    ("asylum_afm.ibw", "HeightTrace", (1, 256, 256), "float32", 78.43, None),
    ("rhk_2023-03-17-0114.SM4", "Topography", (1, 256, 256), "int32", 0.02344, None),
    ("stm-nanosurf-nid.nid", "Z-Axis Scan forward", (1, 256, 256), "int16", 0.07813, None),
    ("wsxm_afm.top", None, (1, 512, 512), "int16", 0.9766, None),
    ("../images/stm_HOPG_step_11p5nm_iso28600.spm", None, (1, 512, 512), "float64", 0.02242, None),
    ("../images/MoS2_stem_Exp-001-5.npy", None, (1, 512, 512), "float64", 0.01367, None),
]


@pytest.mark.parametrize("expected", CALIBRATED, ids=lambda expected: expected[0])
def test_calibrated_files(shared_data, expected):
    name, dataset, shape, dtype, pixel_size, frame_time = expected
    movie = read_movie(shared_data / "formats" / name, dataset=dataset)
    assert (movie.shape, movie.frames.dtype) == (shape, dtype)
    assert movie.unit == "nm"
    assert movie.calibration_source
    assert movie.pixel_size == pytest.approx(np.broadcast_to(pixel_size, 2), rel=1e-3)
    assert movie.frame_time == frame_time
    values = movie.frame(0)[np.isfinite(movie.frame(0))]
    assert values.size > 0
    assert values.min() < values.max()


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "frame_time"),
    [
        ("berkeley_example_image.emd", (1, 3, 3), "int32", None),
        ("deCamera_movie_348frames.mrc", (348, 16, 16), "uint16", None),  # -10 angstrom
        ("gwyddion_synthetic.gwy", (1, 128, 128), "float64", None),
        ("stm_drift_annotated_49frames.gif", (49, 256, 256), "float32", 0.2),
        ("rendered_45frames.mp4", (146, 368, 640), "uint8", 1 / 24),
    ],
)
def test_formats_without_a_length(shared_data, name, shape, dtype, frame_time):
    movie = read_movie(shared_data / "formats" / name)
    assert (movie.shape, movie.frames.dtype) == (shape, dtype)
    assert not movie.calibrated
    assert movie.frame_time == pytest.approx(frame_time)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("eels_1d_carbon.dm3", r"holds spectra \(along Energy loss\)"),
        ("test_diffraction_pattern.dm3", "is a diffraction pattern .* 1/nm"),
        ("velox_complex_fft.emd", "is a diffraction pattern or a Fourier transform"),
        ("test1.blo", r"holds four-dimensional data \(3 x 2 x 144 x 144\)"),
        ("py4DSTEM_size2x3x4x5.h5", r"holds four-dimensional data \(2 x 3 x 4 x 5\)"),
        ("nexus_dls_example.nxs", "holds spectra"),
        ("nsid_spectral_bfo_iv.hf5", "holds spectra"),
        ("usid_sparse_sampling.h5", r"holds spectra \(along Frequency\)"),
        ("20201111_0001.mtrx", "holds the parameters of an experiment"),
    ],
)
def test_what_is_no_image_is_refused(shared_data, name, says):
    with pytest.raises(InputError, match=f"^{name} {says}"):
        read_movie(shared_data / "formats" / name)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("velox_multi_image.emd", 8),  # and a complex one
        ("multi_signal.dm3", 1),  # and a curve
        ("nanonis_constheight_multichannel.sxm", 18),
        ("asylum_afm.ibw", 6),
        ("stm_nexus.nxs", 4),
        ("rhk_2023-03-17-0114.SM4", 4),
    ],
)
def test_several_signals_are_several_movies(shared_data, name, count):
    movies = read_movies(shared_data / "formats" / name)
    assert len({movie.name for movie in movies}) == len(movies) == count


def test_all_that_a_nexus_file_says_is_kept(shared_data):
    (movie, *_) = read_movies(shared_data / "formats/stm_nexus.nxs")
    entry = movie.metadata["file"]["entry"]
    assert entry["definition"] == "NXstm"
    with h5py.File(shared_data / "formats/stm_nexus.nxs") as file:
        scalars = []
        file.visititems(lambda name, node: scalars.append(name) if _is_scalar(node) else None)
    assert len(scalars) > 100
    for name in scalars:
        *groups, last = name.split("/")
        branch = movie.metadata["file"]
        for group in groups:
            branch = branch[group]
        assert last in branch


def _is_scalar(node):
    return isinstance(node, h5py.Dataset) and node.shape == ()


def test_files_beside_the_file_are_asked_for(shared_data, tmp_path):
    for name, missing in {
        "tia_stack5.emi": "tia_stack5_1.ser",
        "20201111--4_1.Z_mtrx": "20201111_0001.mtrx",
    }.items():
        shutil.copy(shared_data / "formats" / name, tmp_path)
        with pytest.raises(InputError, match=f"^{name} .*{missing}"):
            read_movie(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "forward", "backward"),
    [
        ("nanonis_constheight_multichannel.sxm", "Current forward", "Current backward"),
        ("20201111--4_1.Z_mtrx", "Z forward/up", "Z backward/up"),
        ("stm-nanosurf-nid.nid", "Tip Current Scan forward", "Tip Current Scan backward"),
    ],
)
def test_the_way_back_is_not_mirrored(shared_data, name, forward, backward):
    path = shared_data / "formats" / name
    one, two = (read_movie(path, dataset=way).frame(0).astype(float) for way in (forward, backward))
    assert likeness(one, two) > 1.3 * likeness(one, two[:, ::-1])


def likeness(one, two):
    """Give the highest cross-correlation at any shift, with the mean of each line taken off."""
    one, two = (image - image.mean(axis=1, keepdims=True) for image in (one, two))
    correlation = np.fft.ifft2(np.fft.fft2(one) * np.fft.fft2(two).conj()).real
    return correlation.max() / np.sqrt((one**2).sum() * (two**2).sum())
