from __future__ import annotations

import h5py
import numpy as np
import pytest

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io import list_datasets, read_movie


def write_nsid(path, data, dimensions):
    """Write a dataset and its dimension scales: (name, kind, unit, step) of each."""
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("channel/image/image", data=data)
        dataset.attrs["quantity"] = "intensity"
        for axis, (name, kind, unit, step) in enumerate(dimensions):
            scale = file.create_dataset(
                f"channel/image/{name}", data=np.arange(data.shape[axis]) * step
            )
            scale.make_scale(name)
            scale.attrs.update({"name": name, "dimension_type": kind, "units": unit})
            dataset.dims[axis].attach_scale(scale)
    return path


def test_the_only_image_is_taken(tmp_path, frames):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data"] = frames
        file["entry/times"] = np.arange(5.0)
        file["entry/comment"] = "five frames"
        file["entry/data"].attrs["operator"] = "AB"
    movie = read_movie(tmp_path / "a.h5")
    np.testing.assert_array_equal(movie.frames, frames)
    assert movie.metadata == {"dataset": "/entry/data", "operator": "AB"}
    assert not movie.calibrated


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


def test_nsid_spectrum_image_is_refused(tmp_path, frames):
    dimensions = [
        ("x", "SPATIAL", "nm", 1),
        ("y", "SPATIAL", "nm", 1),
        ("bias", "SPECTRAL", "V", 0.1),
    ]
    path = write_nsid(tmp_path / "a.hf5", frames, dimensions)
    with pytest.raises(InputError, match=r"a\.hf5 is not a movie .* 'bias' is spectral"):
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
    with pytest.raises(InputError, match=r"a\.h5 is damaged or truncated"):
        read_movie(tmp_path / "a.h5")


def test_links_into_other_files_are_not_followed(tmp_path, frames):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = frames
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = h5py.ExternalLink("secret.h5", "data")
    with pytest.raises(InputError, match=r"a\.h5 holds no image"):
        read_movie(tmp_path / "a.h5")


def test_not_hdf5(tmp_path):
    (tmp_path / "a.h5").write_text("not HDF5")
    with pytest.raises(InputError, match=r"^a\.h5 is not a readable H5 file"):
        read_movie(tmp_path / "a.h5")


def test_truncated_hdf5(tmp_path, frames):
    with h5py.File(tmp_path / "whole.h5", "w") as file:
        file["data"] = frames
    whole = (tmp_path / "whole.h5").read_bytes()
    for size in (10, 500, 2100, len(whole) - 10):
        (tmp_path / "a.h5").write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"^a\.h5 is not a readable H5 file"):
            read_movie(tmp_path / "a.h5")
