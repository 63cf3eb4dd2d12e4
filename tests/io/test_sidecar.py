from __future__ import annotations

import json

import numpy as np
import pytest

from napari_lattice_symmetry.io import read_movie


@pytest.mark.parametrize(
    "facts",
    [
        {"pixel_size": 0.02, "pixel_size_units": "nm"},
        {"pixel_size_y": 20, "pixel_size_x": 20, "pixel_size_unit": "pm"},
        {"scan": [{"field_of_view_y": 0.48, "field_of_view_x": 0.64, "field_of_view_units": "nm"}]},
    ],
)
def test_pixel_size_from_json_beside_the_image(tmp_path, frames, facts):
    np.save(tmp_path / "a.npy", frames)
    (tmp_path / "a.json").write_text(json.dumps(facts))
    movie = read_movie(tmp_path / "a.npy")
    assert movie.pixel_size == pytest.approx((0.02, 0.02))
    assert movie.calibration_source == "a.json"
    assert movie.metadata["sidecar"] == facts


@pytest.mark.parametrize(
    "text",
    [
        *["not JSON", "[]", "3", '{"pixel_size": 0.02}', '{"pixel_size": "0.02 nm"}', "\x00"],
        '{"pixel_size": true, "pixel_size_units": "nm"}',
        f'{{"pixel_size": 1{"0" * 400}, "pixel_size_units": "nm"}}',
        '{"pixel_size": 1, "pixel_size_units": "\\ud800"}',
    ],
)
def test_json_that_says_nothing_is_passed_over(tmp_path, frames, text):
    np.save(tmp_path / "a.npy", frames)
    (tmp_path / "a.json").write_text(text)
    assert not read_movie(tmp_path / "a.npy").calibrated


@pytest.mark.parametrize("size", [1e17, 1e-6])
def test_pixels_that_no_microscope_has_are_no_calibration(tmp_path, frames, size):
    np.save(tmp_path / "a.npy", frames)
    (tmp_path / "a.json").write_text(json.dumps({"pixel_size": size, "pixel_size_units": "nm"}))
    movie = read_movie(tmp_path / "a.npy")
    assert not movie.calibrated
    assert movie.pixel_size == (1, 1)
    assert f"{size:.3g} nm are declared" in movie.calibration_source


def test_json_that_is_too_deep_is_passed_over(tmp_path, frames):
    np.save(tmp_path / "a.npy", frames)
    (tmp_path / "a.json").write_text(100_000 * "[" + 100_000 * "]")
    assert not read_movie(tmp_path / "a.npy").calibrated
