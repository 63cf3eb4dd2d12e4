"""Foci that files say, and the series that are read with them."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_lattice_symmetry.atoms.focal.reading import read_series
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.io.foci import find_defoci


@pytest.mark.parametrize(
    "metadata",
    [
        {"defoci": [-3, 2, 7]},
        {"original_metadata": {"Microscope": {"Defocus (nm)": (-3.0, 2.0, 7.0)}}},
        {"defocus_m": np.array([-3e-9, 2e-9, 7e-9])},
        {"Defocus_A": "-30, 20, 70"},
        {"axes": [{"name": "defocus", "scale": 5, "offset": -3, "units": "nm", "size": 3}]},
        {"axes": [{"name": "z", "scale": 0.005, "offset": -0.003, "units": "µm", "size": 3}]},
    ],
)
def test_foci_are_found_where_they_stand(metadata):
    assert find_defoci(metadata, 3) == pytest.approx((-3, 2, 7))


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"defocus": -3},
        {"defoci": [1, 2]},
        {"defoci": [1, 1, 1]},
        {"defoci": [1, 2, float("nan")]},
        {"focus mode": "automatic"},
        {"axes": [{"name": "z", "scale": 1, "units": "s", "size": 3}]},
        {"axes": [{"name": "t", "scale": 1, "units": "nm", "size": 3}]},
    ],
)
def test_what_is_no_focus_of_each_image_is_none(metadata):
    assert find_defoci(metadata, 3) is None


def test_frames_of_a_file_are_the_images_of_series(tmp_path):
    images = np.arange(6 * 40 * 48, dtype=np.uint16).reshape(6, 40, 48)
    tifffile.imwrite(tmp_path / "series.tif", images)
    read = read_series(tmp_path / "series.tif")
    series = read.told((-3, 2, 7), 0.01)
    assert np.asarray(series.images).shape == (2, 3, 40, 48)
    np.testing.assert_array_equal(series.images[1, 0], images[3])
    with pytest.raises(InputError, match="series does not say at which defoci"):
        read.told(None, 0.01)
    with pytest.raises(InputError, match="how large its pixels are"):
        read.told((-3, 2, 7), None)
    with pytest.raises(InputError, match="holds 6 images, and 4 defoci were given"):
        read.told((-3, 2, 7, 9), 0.01)


def test_channels_of_a_file_are_the_images_of_series(tmp_path):
    images = np.arange(2 * 3 * 40 * 48, dtype=np.uint16).reshape(2, 3, 40, 48)
    tifffile.imwrite(tmp_path / "times.tif", images, imagej=True, metadata={"axes": "TCYX"})
    series = read_series(tmp_path / "times.tif").told((-3, 2, 7), 0.01)
    np.testing.assert_array_equal(series.images, images)
