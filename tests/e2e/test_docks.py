"""Every other dock as a user has it: a real window, the network that is shipped, real images."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication
from scipy.spatial import cKDTree

from napari_lattice_symmetry import AnalysisParameters, analyze, read_movie
from napari_lattice_symmetry.lattice import CLASSES, LABELS

PLUGIN = "napari-lattice-symmetry"
TIMEOUT = 200_000  # the network loads, and the libraries for embedding compile


@pytest.fixture
def show(make_shown_viewer):
    """Show napari with a dock."""

    def show_dock(title):
        viewer = make_shown_viewer()
        return viewer, viewer.window.add_plugin_dock_widget(PLUGIN, title)[1]

    return show_dock


@pytest.fixture
def click(qtbot):
    """Click, and wait for what comes of it."""

    def click_and_wait(button, condition):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(condition, timeout=TIMEOUT)

    return click_and_wait


@pytest.fixture
def graphene(shared_data):
    return shared_data / "movies" / "graphene_hrtem_Dyna1_all.tif"


def test_a_watch_shows_a_real_movie_as_it_is_written(show, click, qtbot, graphene, tmp_path):
    frames = np.asarray(read_movie(graphene).frames[:2])
    tifffile.imwrite(tmp_path / "frame_0.tif", frames[0])
    viewer, dock = show("Watch a folder")
    settings = AnalysisParameters(window=128, stride=64, samples=5)
    dock.parameters.set_values(settings)
    dock.place.setText(str(tmp_path))
    click(dock.button, lambda: dock.run.n_done == 1)
    tifffile.imwrite(tmp_path / "frame_1.tif", frames[1])
    qtbot.waitUntil(lambda: dock.run.n_done == 2, timeout=TIMEOUT)
    click(dock.button, lambda: dock.run.is_over)
    classes = viewer.layers[f"classes · {tmp_path.name}"]
    assert (classes.data == LABELS["hexagonal"]).any()
    np.testing.assert_array_equal(classes.data, analyze(read_movie(tmp_path), settings).labels)


def test_a_report_on_a_real_movie(show, click, graphene, tmp_path, monkeypatch):
    page = tmp_path / "graphene.html"
    monkeypatch.setattr(
        "napari_lattice_symmetry.plugin.evolution.report_button.QFileDialog.getSaveFileName",
        lambda *_: (str(page), ""),
    )
    result = analyze(read_movie(graphene), window=128, stride=64, samples=5, last_frame=1)
    result.save(tmp_path / "result.zarr")
    viewer, dock = show("Phase evolution")
    viewer.open([str(graphene)], plugin=PLUGIN)
    viewer.open([str(tmp_path / "result.zarr")], plugin=PLUGIN)
    button = dock.report_button
    click(button, lambda: page.exists() and not button.is_busy)
    text = page.read_text(encoding="utf-8")
    assert "2 of 2 finished" in text
    assert str(graphene) in text
    assert "Point at a map of classes to see the frame under it." in text


def test_unmixing_finds_two_grains_of_one_class(show, click, shared_data):
    viewer, dock = show("Structure without labels")
    viewer.open(str(shared_data / "images" / "Fe_bcc100_grainboundary.npy"), plugin=PLUGIN)
    tab = dock.unmixing
    tab.parameters["stride"].value = 64
    tab.parameters["components"].value = 2
    click(tab.task.button, lambda: not tab.task.is_running)
    assert all(name.startswith("square") for name in tab.unmixing.names)
    top, bottom = tab.unmixing.abundances[0, 0, [0, -1]].mean(axis=-1)
    assert abs(top - bottom) > 0.7
    layers = [layer for layer in viewer.layers if layer.name.startswith("abundance: square")]
    assert len(layers) == 2


def test_embedding_keeps_the_grains_of_the_sample_apart(show, click):
    viewer, dock = show("Structure without labels")
    image, _ = viewer.open_sample(PLUGIN, "two-grains")
    _, analysis = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    analysis.layer_chooser.value = image
    analysis.parameters.set_values(AnalysisParameters(window=128, stride=24, samples=5))
    click(analysis.run_button, lambda: analysis.run is not None and analysis.run.is_over)
    tab = dock.embedding
    dock.tabs.setCurrentWidget(tab)
    click(tab.task.button, lambda: not tab.task.is_running)
    points, places = tab.embedded.embedding.points, tab.embedded.embedding.places
    labels = np.asarray(analysis.run.result.labels)[tuple(places.T)]
    grains = np.isin(labels, [LABELS["square"], LABELS["hexagonal"]])
    _, nearest = cKDTree(points[grains]).query(points[grains], k=2)
    assert len({*labels[grains]}) == 2
    assert (labels[grains][nearest[:, 1]] == labels[grains]).mean() > 0.9


def test_a_simulated_lattice_is_named(show, qtbot):
    _, dock = show("Simulate a lattice")
    for name in ("hexagonal", "square"):
        dock.parameters["lattice"].native.setFocus()
        qtbot.keyClicks(dock.parameters["lattice"].native, name[0])
        assert dock.parameters.values().lattice == name
        image = dock.parameters.values().draw()
        qtbot.waitUntil(
            lambda drawn=image: (
                dock.verdict is not None and np.array_equal(dock.verdict.pixels, drawn)
            ),
            timeout=TIMEOUT,
        )
        assert dock.verdict.label == LABELS[name]
        assert dock.verdict.mean[CLASSES.index(name)] > 0.8
        # Letters typed soon after each other are one word.
        qtbot.wait(QApplication.keyboardInputInterval() + 100)
