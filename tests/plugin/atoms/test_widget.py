"""The dock of atoms in real windows: found, colored, replaced, refused."""

from __future__ import annotations

import re
import threading

import numpy as np
import pytest
from atoms_bench import FAINT, MISSING, SITES, AtomsBench, find_peaks
from cut_off import texts_cut_off
from waiting import PATIENCE

from napari_lattice_symmetry.atoms import AtomImage, find_atoms, score
from napari_lattice_symmetry.plugin.atoms.layers import atoms_in
from napari_lattice_symmetry.plugin.layers.legend import legend_of
from napari_lattice_symmetry.plugin.layers.legend_box import LegendBox

PIXEL = 0.01


def test_atoms_of_the_frame_become_points_over_time_y_and_x(bench):
    bench.find(samples=3)
    layer = bench.layer
    assert layer.name == "atoms · film"
    assert layer.data.shape == (len(SITES), 3)
    order = np.lexsort(SITES.T[::-1])
    found = layer.data[np.lexsort(layer.data[:, 1:].T)]
    np.testing.assert_allclose(found[:, :0:-1], SITES[order], atol=1)
    assert (layer.data[:, 0] == 0).all()
    assert (
        bench.status == f"{len(SITES)} atoms in frame 0, 1 of confidence below 0.9; spacing 16 px."
    )
    assert layer.border_width.max() == 0
    assert layer.size.max() == pytest.approx(0.4 * 16)
    faint = layer.features["confidence"].to_numpy().argmin()
    np.testing.assert_allclose(layer.data[faint, :0:-1], SITES[FAINT], atol=1)
    nearest = layer.features["neighbor"].to_numpy()
    np.testing.assert_allclose(nearest, 16, atol=1.5)


def test_all_frames_are_one_layer_and_empty_ones_are_named(bench):
    bench.widget.searching.frames.setCurrentText("all frames")
    bench.find()
    counts = np.bincount(bench.layer.data[:, 0].astype(int), minlength=3)
    assert counts.tolist() == [len(SITES), len(SITES) - 1, 0]
    assert bench.status.endswith("Constant or NaN, so left out: frame 2.")
    gone = SITES[MISSING][::-1]
    distance = np.linalg.norm(bench.layer.data[bench.layer.data[:, 0] == 1, 1:] - gone, axis=1)
    assert distance.min() > 10


def test_the_next_search_replaces_the_layer_and_keeps_the_color(bench):
    bench.find()
    first = bench.layer
    bench.widget.color.setCurrentIndex(bench.widget.color.findData("neighbor"))
    bench.widget.color.activated.emit(bench.widget.color.currentIndex())
    bench.find(confidence=0.9)
    assert first not in bench.viewer.layers
    assert len(bench.viewer.layers) == 2
    assert len(bench.layer.data) == len(SITES) - 1
    assert legend_of(bench.layer).title == "nearest neighbor (px)"
    assert bench.widget.color.currentData() == "neighbor"


def test_colors_stand_for_what_the_legend_says(bench):
    bench.find()
    layer, color = bench.layer, bench.widget.color
    assert legend_of(layer).title == "confidence"
    faint = layer.features["confidence"].to_numpy().argmin()
    assert len(np.unique(layer.face_color, axis=0)) > 1
    assert (layer.face_color[faint] != layer.face_color[faint - 1]).any()
    box = bench.viewer.window._qt_viewer.canvas.native.findChild(LegendBox)
    bench.qtbot.waitUntil(lambda: box.shown == [legend_of(layer)])
    color.setCurrentIndex(color.findData("label"))
    color.activated.emit(color.currentIndex())
    legend = legend_of(layer)
    assert legend.keys == (("#E69F00", "● atom"),)
    assert len(np.unique(layer.face_color, axis=0)) == 1
    color.setCurrentIndex(color.findData("intensity_error"))  # which the stand-in does not know
    color.activated.emit(color.currentIndex())
    assert legend_of(layer).keys[0][1] == "not known"
    assert len(np.unique(layer.face_color, axis=0)) == 1


def test_points_lie_on_a_calibrated_image_that_is_moved_and_stretched(bench):
    film = bench.viewer.layers["film"]
    film.scale, film.translate = (1, 2 * PIXEL, PIXEL), (0, 5, 7)
    film.units = ("pixel", "nm", "nm")
    film.affine = np.array([[1, 0, 0, 0], [0, 1, 0.1, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    bench.settle()
    bench.find()
    layer = bench.layer
    point = layer.data[5]
    np.testing.assert_allclose(layer.data_to_world(point), film.data_to_world(point))
    atoms = atoms_in(layer)
    assert atoms.pixel_size == (2 * PIXEL, PIXEL)
    nearest = layer.features["neighbor_nm"].to_numpy()
    np.testing.assert_allclose(nearest, 16 * PIXEL, atol=1.5 * PIXEL)


def test_an_image_of_one_plane_and_one_of_channels(make_shown_viewer, qtbot, film):
    viewer = make_shown_viewer()
    viewer.add_image(film[0], name="plane")
    bench = AtomsBench(viewer, qtbot)
    bench.find()
    assert bench.layer.data.shape == (len(SITES), 3)
    viewer.layers.clear()
    bench.settle()
    assert bench.layer is None
    assert not bench.widget.color.isEnabled()
    viewer.add_image(np.stack([film[:2], film[:2]], axis=1), name="channels")
    bench.find()
    assert "channels; choose one" in bench.status
    bench.widget.selection.choose_channel(1)
    bench.find()
    assert bench.layer.data.shape == (len(SITES), 4)


def test_a_spacing_is_handed_on_from_frame_to_frame(make_shown_viewer, qtbot, film):
    told = []

    def finder(movie, **settings):
        told.append((movie, settings))
        return find_peaks(movie, **settings)

    viewer = make_shown_viewer()
    viewer.add_image(film, name="film")
    bench = AtomsBench(viewer, qtbot, finder)
    tab = bench.widget.searching
    assert re.fullmatch(r"1[56](\.\d)? px", tab.period.text())
    assert tab.form["spacing"].native.text() == "measured"
    tab.frames.setCurrentText("all frames")
    bench.find(samples=7)
    assert [settings["spacing"] for _, settings in told] == [None, 16]
    assert {settings["samples"] for _, settings in told} == {7}
    assert told[0][0].name == "film"
    tab.form["spacing"].value = 15
    bench.find()
    assert told[-1][1]["spacing"] == 15


def test_the_network_finds_them_and_refuses_too_small_a_spacing(make_shown_viewer, qtbot):
    picture = AtomImage(material="graphene", spacing=16, size=96).draw()
    viewer = make_shown_viewer()
    viewer.add_image(picture.image, name="graphene")
    bench = AtomsBench(viewer, qtbot, find_atoms)
    tab = bench.widget.searching
    tab.form["spacing"].value = 16
    bench.find()
    told = score(atoms_in(bench.layer), picture.atoms, radius=5, ignore=picture.faint)
    assert told.recall > 0.95
    assert told.precision > 0.85  # of few atoms, some of which are half in the picture
    tab.form["spacing"].value = 3
    bench.find()
    assert bench.status.startswith("graphene: neighboring atoms are 3.0 px apart, and at least 4")


def test_what_shows_nothing_is_refused_in_one_sentence(bench):
    bench.viewer.dims.set_current_step(0, 2)
    bench.find()
    assert bench.status == "film: frame 2 is constant or NaN; choose one that shows atoms."
    assert bench.layer is None
    bench.viewer.layers.clear()
    bench.find()
    assert bench.status == "Open an image or a movie first."


def test_it_can_be_cancelled(make_shown_viewer, qtbot, film):
    gate = threading.Semaphore(0)

    def finder(movie, **settings):
        assert gate.acquire(timeout=PATIENCE)
        return find_peaks(movie, **settings)

    viewer = make_shown_viewer()
    viewer.add_image(film, name="film")
    bench = AtomsBench(viewer, qtbot, finder)
    tab = bench.widget.searching
    tab.frames.setCurrentText("all frames")
    tab.bar.button.click()
    assert tab.bar.button.text() == "Cancel"
    gate.release(1)
    qtbot.waitUntil(lambda: tab.bar.status.text() == "33%")
    tab.bar.button.click()
    assert tab.bar.status.text() == "Cancelled."
    gate.release(10)
    bench.settle()
    assert bench.layer is None


def test_another_images_atoms_stay(bench, film):
    bench.find()
    first = bench.layer
    bench.viewer.add_image(film[:2], name="other")
    assert bench.layer is None
    bench.find()
    assert first in bench.viewer.layers
    assert bench.layer is not first
    bench.viewer.layers.selection.active = first
    assert bench.layer is first


def test_the_dock_is_narrow_and_cuts_no_text(bench):
    bench.find()
    bench.qtbot.waitUntil(lambda: not texts_cut_off(bench.widget))
    assert bench.dock.width() <= 275


def test_closing_the_dock_gives_everything_back(bench):
    bench.find()
    bench.viewer.window.remove_dock_widget(bench.dock)
    bench.viewer.theme = "light"
    bench.viewer.layers.clear()


def test_the_dock_says_whose_atoms_it_shows(bench):
    film, whose = bench.viewer.layers["film"], bench.widget.whose
    assert whose.text() == "film has no atoms yet: find them."
    bench.find()
    atoms = bench.layer
    assert whose.text() == "Atoms of film"
    other = bench.viewer.add_image(film.data[:, :60], name="other")
    bench.settle()
    assert whose.text() == "other has no atoms yet: find them."
    bench.viewer.layers.selection.active = atoms  # which are looked for in their own image
    bench.settle()
    assert whose.text() == "Atoms of film"
    assert bench.widget.searching.request().source.layer_id == str(film.unique_id)
    film.name = "renamed"
    assert whose.text() == "Atoms of renamed"
    bench.viewer.layers.remove(film)
    bench.viewer.layers.selection.active = atoms
    bench.settle()
    assert whose.text() == "Atoms of film, whose image is not open"
    bench.viewer.layers.remove(atoms)
    bench.viewer.layers.remove(other)
    assert whose.text() == "Open an image or a movie."
