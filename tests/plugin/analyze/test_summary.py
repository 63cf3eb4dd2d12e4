"""What is said before a run."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.lattice import CLASSES, COLORS
from napari_lattice_symmetry.plugin.analyze.summary import (
    Summary,
    describe_classes,
    describe_duration,
    describe_time,
    describe_window,
)
from napari_lattice_symmetry.plugin.memory import stored
from napari_lattice_symmetry.plugin.runs.loading import last_loading
from napari_lattice_symmetry.plugin.runs.speed import Speed, Stopwatch, last_speed
from napari_lattice_symmetry.spectrum.period import Period

FRAMES = np.zeros((2, 200, 300))
PIXELS = Movie(FRAMES)
NANOMETERS = Movie(FRAMES, pixel_size=(0.1, 0.1), unit="nm")


def fitted(length):
    return None if length is None else Period(length, 9, 9, fitted=True)


@pytest.mark.parametrize(
    ("movie", "period", "text"),
    [
        (PIXELS, 12.8, "period 12.8 px, 10.0 periods in 128 px"),
        (PIXELS, None, "no clear period"),
        (
            NANOMETERS,
            12.8,
            "12.8 nm, period 1.28 nm = 12.8 px, 10.0 periods in 128 px",
        ),
        (
            Movie(FRAMES, pixel_size=(0.1, 0.2), unit="nm"),
            None,
            "12.8 x 25.6 nm, no clear period",
        ),
        (PIXELS, 4, "period 4.0 px, 32.0 periods in 128 px: too many"),
        (PIXELS, 64, "period 64.0 px, 2.0 periods in 128 px: too few"),
    ],
)
def test_window(movie, period, text):
    assert describe_window(movie, 128, fitted(period)) == text


@pytest.mark.parametrize(
    ("period", "better"), [(None, None), (12.8, None), (15, 152), (2.6, 64), (64, 200)]
)
def test_a_better_window_is_suggested(period, better):
    assert Summary.of(PIXELS, AnalysisParameters(), fitted(period)).better_window == better


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (34.4, "34 s"), (55, "1 min"), (1000, "17 min"), (7800, "2 h 10 min")],
)
def test_duration(seconds, text):
    assert describe_duration(seconds) == text


def test_time_is_not_guessed():
    assert describe_time(AnalysisParameters(), 625, 90, None) == "not measured yet"


def test_time_goes_by_the_last_run():
    speed = Speed(0.001, "compact", 128, 100)
    assert describe_time(AnalysisParameters(), 625, 90, speed) == "about 1 min for 90 frames"
    other = describe_time(AnalysisParameters(samples=1000), 625, 90, speed)
    assert other.startswith("roughly 1 min for 90 frames, going by the last run (compact, 128 px")


def test_speed_is_remembered():
    assert last_speed() is None
    speed = Speed(0.25, "published", 64, 10)
    speed.remember()
    assert last_speed() == speed


@pytest.mark.parametrize("found", ["nan", "inf", "-1", "1e300", "soon"])
def test_a_damaged_memory_of_the_speed_is_none(found):
    Speed(0.25, "published", 64, 10).remember()
    stored("speed").setValue("seconds_per_window", found)
    stored("speed").setValue("loading onnx", found)
    assert last_speed() is None
    assert last_loading("onnx") == 0
    parameters = AnalysisParameters()
    summary = Summary.of(PIXELS, parameters, None, last_loading("onnx"))
    assert summary.time == "not measured yet"


def test_the_first_block_is_not_timed():
    stopwatch = Stopwatch()
    stopwatch.tick(100.0, 64)
    assert stopwatch.seconds_per_window is None
    stopwatch.tick(101.0, 128)
    stopwatch.tick(104.0, 256)
    assert stopwatch.seconds_per_window == pytest.approx(4 / 192)


def test_classes_stand_in_their_colors():
    plain, shared = describe_classes(), describe_classes([0.5, 0.25, 0.25, 0, 0, 0])
    for name in CLASSES:
        assert COLORS[name] in plain
        assert name.replace(" ", "&nbsp;") in plain
    assert "square&nbsp;50%" in shared
    assert "%" not in plain


def test_a_closed_dock_measures_no_longer(bench, monkeypatch, stack):
    go, said = threading.Event(), []
    place = "napari_lattice_symmetry.plugin.analyze.summary_box.movie_period"
    monkeypatch.setattr(place, lambda _movie: go.wait(60))
    bench.viewer.add_image(stack)
    summary = bench.widget.summary
    summary.measured.connect(lambda: said.append(True))
    bench.wait(lambda: summary._measuring.is_busy)
    bench.close()
    go.set()
    bench.wait(lambda: not summary._measuring.is_busy)
    assert said == []
