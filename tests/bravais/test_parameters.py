from __future__ import annotations

import pytest
from pydantic import ValidationError

from napari_lattice_symmetry.bravais.parameters import (
    AnalysisParameters,
    parse_parameters,
    suggest_window,
)
from napari_lattice_symmetry.errors import InputError


def test_every_field_can_be_shown_to_a_person():
    for name, field in AnalysisParameters.model_fields.items():
        assert field.title, name
        assert field.description, name


def test_parameters_are_frozen():
    with pytest.raises(ValidationError):
        AnalysisParameters().window = 64


def test_frame_range_includes_its_last_frame():
    chosen = AnalysisParameters(first_frame=2, last_frame=8, frame_step=3)
    assert list(chosen.frame_indices(20)) == [2, 5, 8]
    assert list(chosen.frame_indices(7)) == [2, 5]
    assert list(AnalysisParameters().frame_indices(3)) == [0, 1, 2]


@pytest.mark.parametrize("settings", [{"first_frame": 10}, {"first_frame": 5, "last_frame": 4}])
def test_empty_frame_range_is_told(settings):
    with pytest.raises(InputError, match=r"the movie has the frames 0 to 9\.$"):
        AnalysisParameters(**settings).frame_indices(10)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"stride": 0}, "stride=0: input should be greater than or equal to 1"),
        ({"window": "wide"}, "window='wide': input should be a valid integer"),
        ({"samples": 5001}, "samples=5001: input should be less than or equal to 5000"),
        ({"speed": 9}, "speed=9: extra inputs are not permitted"),
    ],
)
def test_wrong_settings_are_told_in_one_sentence(settings, says):
    with pytest.raises(InputError, match=says) as caught:
        parse_parameters(**settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("period", "frame_shape", "window"),
    [(12.9, (512, 512), 128), (30, (512, 200), 200), (3.2, (512, 512), 64), (1.5, (512, 512), 40)],
)
def test_suggested_window_holds_ten_periods_and_fits(period, frame_shape, window):
    assert suggest_window(period, frame_shape) == window


@pytest.mark.parametrize(("least", "window"), [(90, 120), (200, 200), (400, 304)])
def test_a_weak_lattice_needs_a_larger_window(least, window):
    assert suggest_window(12.2, (600, 500), least) == window
