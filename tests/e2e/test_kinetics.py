"""The growth law of the sample movie, given back from its images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.evolution.brightness import (
    Brightness,
    brightness_curve,
    measure_brightness,
)
from napari_lattice_symmetry.evolution.curves import class_curves
from napari_lattice_symmetry.evolution.holes import hole_curve
from napari_lattice_symmetry.evolution.kinetics import compare_laws, fit_growth
from napari_lattice_symmetry.evolution.laws import EXPONENTIAL
from napari_lattice_symmetry.lattice import simulate
from napari_lattice_symmetry.results import MovieResult

INITIAL_END = 100  # s, as in the paper


@pytest.fixture(scope="module")
def simulated():
    return simulate("growing-holes")


@pytest.fixture
def assert_given_back(simulated):
    def check(fit):
        truth = simulated.parameters
        y, x = simulated.movie.shape[1:]
        area = y * x * np.prod(simulated.movie.pixel_size)
        truths = {"A0, area": truth["A0"] * area, "rho": truth["rho"], "C": truth["C"]}
        for name, true in truths.items():
            estimate = fit.estimates[name]
            assert estimate.low <= true <= estimate.high, name
        # Intervals that hold anything would say nothing.
        rho = fit.estimates["rho"]
        assert rho.high - rho.low < 0.35 * rho.value

    return check


def test_the_brightness_gives_back_the_law(simulated, assert_given_back):
    movie = simulated.movie
    result = MovieResult.empty(movie, AnalysisParameters())
    rows = list(measure_brightness(movie, np.arange(len(movie))))
    curve = brightness_curve(result, Brightness(np.array(rows)))
    fits = compare_laws(curve, INITIAL_END)
    assert fits[0].law is EXPONENTIAL
    assert fits[1].aic - fits[0].aic > 10
    assert_given_back(fits[0])
    rho = fits[0].estimates["rho"]
    assert rho.high - rho.low < 0.05 * rho.value


def test_the_network_gives_back_the_law(simulated, assert_given_back):
    result = analyze(simulated.movie, window=64, stride=24, samples=30)
    assert_given_back(fit_growth(hole_curve(result), INITIAL_END))
    noise = fit_growth(class_curves(result)["noise"], INITIAL_END)
    # A window says noise only where it sees nearly no lattice: less than the area of the holes.
    assert noise.estimates["C"].high < simulated.parameters["C"]
