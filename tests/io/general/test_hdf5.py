from __future__ import annotations

import h5py
import numpy as np
import pytest
from made_files import write_nexus, write_nsid, write_usid

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import list_datasets, read_movie


def test_the_only_image_is_taken(tmp_path, frames):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data"] = frames
        file["entry/times"] = np.arange(5.0)
        file["entry/data"].attrs["operator"] = "AB"
    movie = read_movie(tmp_path / "a.h5")
    np.testing.assert_array_equal(movie.frames, frames)
    assert (movie.metadata["dataset"], movie.metadata["operator"]) == ("/entry/data", "AB")
    assert not movie.calibrated


def test_all_that_the_file_says_is_kept(tmp_path, frames):
    (tmp_path / "secret.txt").write_bytes(b"secret")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data"] = frames
        file["entry/data"].attrs.update({"bias": [0.1, 0.2], "shared": file["entry"].ref})
        file["entry/comment"] = "five frames"
        file["entry/tip/current"] = np.float32(0.5)
        file["entry/tip/current"].attrs["units"] = np.bytes_("nA")
        file["entry/tip/on"] = [True, False]
        file["entry/tip/gains"] = np.array([(1, b"P")], [("value", "i4"), ("name", "S1")])
        file["entry/tip"].attrs["material"] = "PtIr"
        file["entry/noise"] = np.zeros(20_000)
        file["entry/again"] = file["entry"]
        file["entry/nothing"] = h5py.Empty("f4")
        file["entry/type"] = np.dtype("f4")
        file["entry/elsewhere"] = h5py.ExternalLink("b.h5", "data")
        external = [(str(tmp_path / "secret.txt"), 0, 6)]
        file.create_dataset("entry/external", (6,), "u1", external=external)
        file.attrs["creator"] = "by hand"
    assert read_movie(tmp_path / "a.h5").metadata == {
        "dataset": "/entry/data",
        "bias": [0.1, 0.2],
        "file": {
            "creator": "by hand",
            "entry": {
                "comment": "five frames",
                "data@bias": [0.1, 0.2],
                "tip": {
                    "current": 0.5,
                    "current@units": "nA",
                    "gains": {"name": ["P"], "value": [1]},
                    "material": "PtIr",
                    "on": [True, False],
                },
            },
        },
    }


def test_several_are_named_and_chosen(tmp_path, frames):
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        file["raw/data"] = frames
        file["dark"] = frames[0].astype(">f4")
    assert sorted(list_datasets(path)) == ["dark", "raw/data"]
    with pytest.raises(InputError, match=r"a\.hdf5 .*dark \(24, 32\), raw/data \(5, 24, 32\)"):
        read_movie(path)
    np.testing.assert_array_equal(read_movie(path, dataset="/raw/data").frames, frames)
    movie = read_movie(path, dataset="dark")
    np.testing.assert_array_equal(movie.frames, frames[:1])
    assert movie.frames.dtype == np.float32
    with pytest.raises(InputError, match="no dataset 'light'"):
        read_movie(path, dataset="light")


def test_nsid_movie_with_its_calibration(tmp_path, frames):
    dimensions = [
        ("time", "TEMPORAL", "ms", 40),
        ("x", "SPATIAL", "nm", -0.02),
        ("y", "SPATIAL", "pm", 30),
    ]
    movie = read_movie(write_nsid(tmp_path / "a.hf5", frames, dimensions))
    np.testing.assert_array_equal(movie.frames, frames.transpose(0, 2, 1))
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.frame_time == pytest.approx(0.04)
    assert movie.metadata["quantity"] == "intensity"


def test_nexus_signal_with_its_axes(tmp_path, frames):
    scales = {"time": (2.0, "s"), "y": (3e-11, "meter"), "x": (2e-11, "meter")}
    movie = read_movie(write_nexus(tmp_path / "a.nxs", frames, ["time", "y", "x"], **scales))
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.frame_time == pytest.approx(2)


def test_nexus_map_of_many_values_is_refused(tmp_path, frames):
    scales = {"y": (1.0, "nm"), "x": (1.0, "nm")}
    with pytest.raises(InputError, match=r"a\.nxs holds spectra"):
        read_movie(write_nexus(tmp_path / "a.nxs", frames, ["y", "x", "."], **scales))


def test_four_dimensional_data_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube/data"] = np.zeros((2, 3, 8, 8))
        for axis, unit in enumerate(["nm", "nm", "A^-1", "A^-1"]):
            file[f"cube/dim{axis}"] = [0.0, 1.0]
            file[f"cube/dim{axis}"].attrs["units"] = unit
    with pytest.raises(InputError, match=r"a\.h5 holds four-dimensional data \(2 x 3 x 8 x 8\)"):
        read_movie(tmp_path / "a.h5")


def test_usid_table_becomes_an_image(tmp_path, frames):
    y, x = np.indices((24, 32))
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    path = write_usid(tmp_path / "a.h5", frames[0].reshape(-1, 1), places, 1)
    movie = read_movie(path)
    np.testing.assert_array_equal(movie.frames, frames[:1])
    assert movie.pixel_size == pytest.approx((0.03, 0.02))
    assert movie.metadata["dataset"] == "/scan/Raw_Data"
    assert movie.metadata["file"]["scan"]["Position_Values@units"] == ["nm", "nm"]


def test_usid_spectra_and_scattered_points_are_refused(tmp_path, frames):
    places = np.argwhere(np.eye(24))
    path = write_usid(tmp_path / "a.h5", frames[0], places, 32)
    with pytest.raises(InputError, match=r"a\.h5 holds spectra \(along Bias\)"):
        read_movie(path)
    path = write_usid(tmp_path / "b.h5", frames[0, :, :1].repeat(2, 1), places, 1)
    with pytest.raises(InputError, match=r"b\.h5 holds values at scattered positions"):
        read_movie(path)


def test_nsid_spectrum_image_is_refused(tmp_path, frames):
    dimensions = [
        ("x", "SPATIAL", "nm", 1),
        ("y", "SPATIAL", "nm", 1),
        ("bias", "SPECTRAL", "V", 0.1),
    ]
    path = write_nsid(tmp_path / "a.hf5", frames, dimensions)
    with pytest.raises(InputError, match=r"a\.hf5 holds spectra \(along 'bias'\)"):
        read_movie(path)


@pytest.mark.parametrize("options", [{}, {"chunks": (1, 24, 32), "compression": "gzip"}])
def test_lazy(tmp_path, frames, little_memory, options):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=frames, **options)
    movie = read_movie(tmp_path / "a.h5")
    assert movie.frames.chunks == ((1,) * 5, (24,), (32,))
    np.testing.assert_array_equal(movie.frames.compute(), frames)


def test_a_lazy_file_is_closed_with_its_movie(tmp_path, frames, little_memory):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = frames
    movie = read_movie(tmp_path / "a.h5")
    with pytest.raises(OSError, match="already open"):
        h5py.File(tmp_path / "a.h5", "w")
    del movie
    h5py.File(tmp_path / "a.h5", "a").close()


def test_a_dataset_that_claims_ten_terabytes(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", (1000, 100_000, 100_000), "u1", chunks=(1, 1000, 1000))
    with pytest.raises(InputError, match=r"a\.h5 does not fit into memory"):
        read_movie(tmp_path / "a.h5")


def test_links_into_other_files_are_not_followed(tmp_path, frames):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = frames
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = h5py.ExternalLink("secret.h5", "data")
    with pytest.raises(InputError, match=r"a\.h5 holds no image"):
        read_movie(tmp_path / "a.h5")


def test_values_in_another_file_are_not_read(tmp_path):
    (tmp_path / "secret.txt").write_bytes(bytes(24 * 32))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        external = [(str(tmp_path / "secret.txt"), 0, 24 * 32)]
        file.create_dataset("data", (24, 32), "u1", external=external)
    with pytest.raises(InputError, match=r"a\.h5 keeps its values in another file"):
        read_movie(tmp_path / "a.h5")


def test_groups_that_contain_themselves(tmp_path, frames):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan/data"] = frames
        file["scan/up"], file["scan/lost"] = file["/"], h5py.SoftLink("/nowhere")
    np.testing.assert_array_equal(read_movie(tmp_path / "a.h5").frames, frames)


def test_not_hdf5(tmp_path):
    (tmp_path / "a.h5").write_text("not HDF5")
    with pytest.raises(InputError, match=r"^a\.h5 is not a readable H5 file"):
        read_movie(tmp_path / "a.h5")


def test_hdf4_is_named(tmp_path):
    (tmp_path / "a.hdf").write_bytes(b"\x0e\x03\x13\x01" + bytes(900))
    with pytest.raises(InputError, match=r"^a\.hdf is HDF4, .* convert it with h4toh5"):
        read_movie(tmp_path / "a.hdf")


def test_truncated_hdf5(tmp_path, frames):
    with h5py.File(tmp_path / "whole.h5", "w") as file:
        file["data"] = frames
    whole = (tmp_path / "whole.h5").read_bytes()
    for size in (10, 500, 2100, len(whole) - 10):
        (tmp_path / "a.h5").write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"^a\.h5 is not a readable H5 file"):
            read_movie(tmp_path / "a.h5")


@pytest.mark.parametrize("has_scales", [False, True])
def test_frames_lie_along_the_axis_that_is_named_so(tmp_path, frames, has_scales):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("movie", data=np.moveaxis(frames, 0, 2))
        for axis, name in enumerate(("y", "x", "time")):
            if has_scales:
                file[name] = np.arange(dataset.shape[axis])
                file[name].make_scale(name)
                dataset.dims[axis].attach_scale(file[name])
            else:
                dataset.dims[axis].label = name
    np.testing.assert_array_equal(read_movie(tmp_path / "a.h5").frames, frames)
