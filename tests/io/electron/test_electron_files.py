"""Made files of electron microscopes, by hand or by what RosettaSciIO writes."""

from __future__ import annotations

from importlib import import_module

import h5py
import numpy as np
import pytest
from made_files import HYPERSPY_AXES, write_dm3, write_hyperspy, write_mrc, write_ser

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import read_movie

pytest.importorskip("rsciio", reason="install the extra 'em'")


MODES = {0: "i1", 1: "<i2", 2: "<f4", 6: "<u2", 12: "<f2"}


@pytest.mark.parametrize("mode", MODES)
def test_mrc_modes(tmp_path, frames, mode):
    data = (frames // 2).astype(MODES[mode])
    movie = read_movie(write_mrc(tmp_path / "a.mrc", data, mode))
    np.testing.assert_array_equal(movie.frames, data)
    assert movie.pixel_size == pytest.approx((0.03, 0.02))


@pytest.mark.parametrize("name", ["a.map", "a.img"])
def test_mrc_of_another_name(tmp_path, frames, name):
    movie = read_movie(write_mrc(tmp_path / name, frames.astype("<i2"), 1))
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.calibration_source == "scale of the MRC axes"


@pytest.mark.parametrize("name", ["a.map", "a.img"])
def test_names_that_many_formats_share(tmp_path, name):
    (tmp_path / name).write_bytes(bytes(5000))
    with pytest.raises(InputError, match=rf"^{name} is not an image of a JEOL .* nor an MRC file"):
        read_movie(tmp_path / name)


def test_mrc_of_the_other_byte_order(tmp_path, frames):
    movie = read_movie(write_mrc(tmp_path / "a.mrc", frames.astype(">i2"), 1, order=">"))
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.frames.dtype.isnative


@pytest.mark.parametrize(("kind", "size"), [(b"FEI1", 1024 * 128), (b"SERI", 160), (b"    ", 80)])
def test_mrc_with_an_extended_header(tmp_path, frames, kind, size):
    path = write_mrc(tmp_path / "a.mrc", frames.astype("<i2"), 1, extended=bytes(size), kind=kind)
    np.testing.assert_array_equal(read_movie(path).frames, frames)


@pytest.mark.parametrize("cell", [(0, 0), (-32, -24)])
def test_mrc_without_lengths(tmp_path, frames, cell):
    movie = read_movie(write_mrc(tmp_path / "a.mrc", frames.astype("<f4"), 2, cell=cell))
    assert not movie.calibrated


def test_mrc_without_a_cell(tmp_path, frames):
    path = write_mrc(tmp_path / "a.mrc", frames.astype("<f4"), 2)
    content = path.read_bytes()
    path.write_bytes(content[:28] + bytes(12) + content[40:])  # MX, MY and MZ
    assert not read_movie(path).calibrated


def test_colors_of_digital_micrograph(tmp_path):
    colors = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 4), np.uint8)
    movie = read_movie(write_dm3(tmp_path / "a.dm3", colors.view("<u4")[..., 0], 23))
    luminance = colors[..., 2::-1] @ np.array([0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose(movie.frames, luminance, atol=1e-3)
    assert movie.pixel_size == pytest.approx((0.02, 0.02))


def test_colors_as_records(tmp_path, frames):
    records = np.zeros(frames.shape, [(name, "<u2") for name in "RGBA"])
    records["G"] = frames
    write_hyperspy(tmp_path / "a.hspy", records, HYPERSPY_AXES)
    movie = read_movie(tmp_path / "a.hspy")
    np.testing.assert_allclose(movie.frames, 0.7152 * frames, rtol=1e-6)


def test_images_of_tia_without_the_file_beside_them(tmp_path, frames):
    movie = read_movie(write_ser(tmp_path / "a_1.ser", frames, 2e-11))
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.pixel_size == pytest.approx((0.02, 0.02))


def test_diffraction_of_tia_without_the_file_beside_it(tmp_path, frames):
    path = write_ser(tmp_path / "a_1.ser", frames, 4e7)
    with pytest.raises(InputError, match=r"^a_1\.ser is a diffraction pattern .* are in 1/m\)"):
        read_movie(path)


def test_spectra_along_wavelengths_are_no_depth(tmp_path, frames):
    axes = [("Wavelength", 0.1, "nm", True), ("y", 0.03, "nm", False), ("x", 0.02, "nm", False)]
    import_module("rsciio.hspy").file_writer(str(tmp_path / "a.hspy"), signal(frames, axes))
    with pytest.raises(InputError, match=r"^a\.hspy holds spectra \(along Wavelength\)"):
        read_movie(tmp_path / "a.hspy")


@pytest.mark.parametrize(
    ("mode", "dtype", "says"),
    [(4, "<c8", "complex64 values"), (101, "u1", "values of MRC mode 101; known are 0, 1, 2")],
)
def test_mrc_values_that_are_refused(tmp_path, frames, mode, dtype, says):
    path = write_mrc(tmp_path / "a.mrc", frames.astype(dtype), mode)
    with pytest.raises(InputError, match=rf"^a\.mrc holds {says}"):
        read_movie(path)


def signal(data, axes):
    """Describe an array as RosettaSciIO wants it; axes are (name, scale, unit, navigate)."""
    described = [
        {
            "name": name, "size": size, "scale": scale, "offset": 0.0, "units": unit,
            "navigate": navigate, "index_in_array": number, "is_binned": False,
            "_type": "UniformDataAxis",
        }
        for number, (size, (name, scale, unit, navigate)) in enumerate(
            zip(data.shape, axes, strict=True)
        )
    ]  # fmt: skip
    return {
        "data": data, "axes": described, "original_metadata": {}, "learning_results": {},
        "metadata": {"General": {"title": "run"}, "Signal": {"signal_type": ""}},
        "attributes": {"_lazy": False, "ragged": False}, "tmp_parameters": {}, "models": {},
        "package": "", "package_version": "", "package_info": {},
    }  # fmt: skip


MOVIE = [("time", 0.5, "s", True), ("y", 0.03, "nm", False), ("x", 0.02, "nm", False)]


@pytest.mark.parametrize(
    ("name", "module"), [("a.hspy", "hspy"), ("a.nxs", "nexus"), ("a.emd", "emd")]
)
def test_what_rosettasciio_writes(tmp_path, frames, name, module):
    import_module(f"rsciio.{module}").file_writer(str(tmp_path / name), signal(frames, MOVIE))
    movie = read_movie(tmp_path / name)
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.frame_time == pytest.approx(0.5)


def test_hyperspy_files_under_the_name_of_plain_hdf5(tmp_path, frames):
    import_module("rsciio.hspy").file_writer(str(tmp_path / "a.hspy"), signal(frames, MOVIE))
    (tmp_path / "a.hspy").rename(tmp_path / "a.hdf5")
    movie = read_movie(tmp_path / "a.hdf5")
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.frame_time == pytest.approx(0.5)


def test_metadata_that_rosettasciio_writes_are_kept(tmp_path, frames):
    original = {"Acquisition": {"dwell_times": np.arange(2.0), "detector": "HAADF", "live": True}}
    written = signal(frames, MOVIE) | {"original_metadata": original}
    import_module("rsciio.hspy").file_writer(str(tmp_path / "a.hspy"), written)
    kept = read_movie(tmp_path / "a.hspy").metadata
    assert kept["metadata"]["General"]["title"] == "run"
    facts = {"dwell_times": [0.0, 1.0], "detector": "HAADF", "live": True}
    assert kept["original_metadata"] == {"Acquisition": facts}


def test_berkeley_emd_of_spectra_is_refused(tmp_path, frames):
    axes = [("y", 0.03, "nm", True), ("x", 0.02, "nm", True), ("Energy", 0.1, "eV", False)]
    import_module("rsciio.emd").file_writer(str(tmp_path / "a.emd"), signal(frames, axes))
    with pytest.raises(InputError, match=r"a\.emd holds spectra \(along Energy\)"):
        read_movie(tmp_path / "a.emd")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_panta_rhei_packed_or_not(tmp_path, frames, save):
    save(tmp_path / "a.npz", data=frames[0], meta_data_json='[{"type": "Image"}]')
    (tmp_path / "a.npz").rename(tmp_path / "a.prz")
    np.testing.assert_array_equal(read_movie(tmp_path / "a.prz").frames, frames[:1])


def test_emd_velox_without_metadata_is_one_sentence(tmp_path, frames):
    with h5py.File(tmp_path / "a.emd", "w") as file:
        file["Data/Image/1/Data"] = frames.transpose(1, 2, 0)
    with pytest.raises(InputError, match=r"^a\.emd is not a readable EMD file"):
        read_movie(tmp_path / "a.emd")
