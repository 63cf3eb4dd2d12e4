"""What an averaged cell leaves: at the places of all windows, in every frame."""

from __future__ import annotations

import numpy as np

from napari_lattice_symmetry.analysis.cell_windows import AveragedCell
from napari_lattice_symmetry.analysis.residuals import Residuals
from napari_lattice_symmetry.cells import average_cell


def residual_layer(dock):
    dock.press(dock.widget.cell.layers_button)
    (layer,) = (each for each in dock.viewer.layers if each.name.startswith("residual"))
    return layer


def test_all_windows_of_a_frame_are_in_one_layer(dock):
    dock.widget.chooser.form["window"].value = 100
    dock.choose("whole frame")
    averaged = dock.averaged
    layer, film = residual_layer(dock), dock.viewer.layers["film"]
    assert layer.data.shape == (200, 200)
    for i, (_, top, left) in enumerate(averaged.places.tolist()):
        y, x = np.rint(layer.world_to_data(film.data_to_world((0, top, left))[-2:])).astype(int)
        seen = layer.data[y : y + 100, x : x + 100]
        np.testing.assert_allclose(seen, averaged.cell.residual(i), rtol=1e-5, atol=1e-4)


def test_the_residual_follows_the_frames_of_a_movie(dock):
    dock.widget.chooser.form["window"].value = 100
    dock.choose("whole frame")
    frames = dock.widget.chooser.frames
    frames.setCurrentIndex(1)
    frames.activated.emit(1)
    dock.press(dock.widget.cell.bar.button)
    averaged = dock.averaged
    layer, film = residual_layer(dock), dock.viewer.layers["film"]
    assert layer.data.shape == (2, 200, 200)
    np.testing.assert_allclose(layer.data_to_world((1, 0, 0)), film.data_to_world((1, 0, 0)))
    layer.visible = True
    for step in (0, 1):
        dock.viewer.dims.set_current_step(0, step)
        dock.settle()
        (i,) = np.flatnonzero((averaged.places == (step, 0, 0)).all(axis=1))
        shown = np.asarray(layer._data_view)[:100, :100]
        np.testing.assert_allclose(shown, averaged.cell.residual(i), rtol=1e-5, atol=1e-4)


def test_windows_that_overlap_give_their_mean_and_none_gives_nothing(frames):
    places = np.array([(3, 10, 20), (3, 10, 60), (5, 30, 20)])
    windows = np.stack([frames[0][y : y + 96, x : x + 96] for _, y, x in places])
    averaged = AveragedCell(average_cell(windows), places, 3, 3)
    residuals = Residuals(averaged)
    assert (residuals.frames, residuals.corner) == (range(3, 6), (10, 20))
    first = residuals.of_frame(3)
    left, right = averaged.cell.residual(0), averaged.cell.residual(1)
    np.testing.assert_allclose(first[:96, :40], left[:, :40], rtol=1e-5, atol=1e-4)
    both = (left[:, 40:] + right[:, :56]) / 2
    np.testing.assert_allclose(first[:96, 40:96], both, rtol=1e-5, atol=1e-4)
    assert np.isnan(first[96:]).all()
    movie = residuals.of_all_frames()
    assert movie.shape == (3, 116, 136)
    assert np.isnan(movie[1].compute()).all()
    np.testing.assert_array_equal(movie[2].compute(), residuals.of_frame(5))
