from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry import load_result
from napari_lattice_symmetry.lattice.basis import cell, lattice_points
from napari_lattice_symmetry.lattice.drawing import draw_atoms

DISTORTION = np.array([[1.05, 0.06], [0.06, 0.96]]) / np.sqrt(1.05 * 0.96 - 0.06**2)


@pytest.fixture
def run(run, stand_in):
    """Analyze a file with a sheared hexagonal lattice, in a folder of its own."""
    atoms = lattice_points(cell(11, 11, 60) @ DISTORTION.T, (160, 160), (80, 80), 20)
    np.save("sheared.npy", draw_atoms(atoms, np.ones(len(atoms)), 2.0, (160, 160)))
    settings = ["--window", "96", "--stride", "32", "--samples", "3", "--no-plots"]
    return lambda *more: run("analyze", "sheared.npy", *settings, *more)


@pytest.mark.parametrize("known", ["hexagonal", "11,11,60"])
def test_a_known_lattice_is_measured_and_undone(run, known):
    done = run("--known", known)
    assert done.exit_code == 0, done.output
    assert "frame 0: stretched 1.1" in done.output
    result = load_result("sheared.zarr")
    np.testing.assert_allclose(result.parameters.distortion, DISTORTION, atol=0.01)
    assert np.asarray(result.apparent_labels).all()


def test_another_command_goes_on_with_it(run):
    assert run("--known", "hexagonal").exit_code == 0
    again = run("--known", "hexagonal")
    assert again.exit_code == 0, again.output
    assert "(1 of them before)" in again.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--known", "cubic"], "'cubic' is not 'square', 'hexagonal' or A,B,GAMMA"),
        (["--known", "square", "--distortion", *"1001"], "either --known or --distortion"),
        (["--known", "1,2,190"], "There is no cell with a = 1.0, b = 2.0, gamma = 190.0"),
    ],
)
def test_what_cannot_be_is_told(run, options, sentence):
    failed = run(*options)
    assert failed.exit_code != 0
    assert sentence in failed.output
