"""One selection for all docks of a viewer: what the layer list says, and what docks make of it."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from npe2 import PluginManifest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel
from sight import bring_into_sight, is_in_sight

from napari_lattice_symmetry import load_result
from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.layers.origin import SOURCE_KEY
from napari_lattice_symmetry.plugin.layers.result_layers import result_layers as build_layers
from napari_lattice_symmetry.plugin.layers.result_layers import truth_layer
from napari_lattice_symmetry.plugin.selection.selection import selection_of
from napari_lattice_symmetry.plugin.selection.source import take_source

PLUGIN = "napari-lattice-symmetry"
SMALL = AnalysisParameters(window=32, stride=8, samples=5)
WIDGETS = PluginManifest.from_distribution(PLUGIN).contributions.widgets
OF_THEIR_OWN = {"Simulate a lattice", "Watch a folder"}
"""Docks that show nothing of what is selected: one draws its image, one names what it watches."""
DISTORTION = ((1.1, 0.0), (0.0, 0.9))


class Layers:
    """Images and results in a viewer without a window."""

    def __init__(self, viewer, model):
        self.viewer, self.model = viewer, model

    def add_result(self, image, channel=None):
        source = take_source(image, channel)
        result = analyze(source.movie, SMALL, model=self.model)
        described = build_layers(result, source.geometry, origin=source.origin)
        layers = [self.viewer.add_layer(Layer.create(*each)) for each in described]
        return result, layers

    def activate(self, layer):
        self.viewer.layers.selection.active = layer


@pytest.fixture
def layers(fake_model):
    return Layers(ViewerModel(), fake_model)


@pytest.fixture
def two(layers, stack):
    """Image A with a result, and image B without one, which is on top and active."""
    layers.a = layers.viewer.add_image(stack, name="A")
    layers.result, layers.maps = layers.add_result(layers.a)
    layers.b = layers.viewer.add_image(stack[:, :60], name="B")
    layers.selection = selection_of(layers.viewer)
    return layers


def meant(selection):
    return selection.image, selection.result


def test_the_active_layer_decides(two):
    assert meant(two.selection) == (two.b, None)
    assert two.selection.describe().startswith("B has no result yet: run an analysis")
    with pytest.raises(InputError, match="B has no result yet"):
        two.selection.require_result()
    for layer in (two.a, *two.maps):
        two.activate(two.b)
        two.activate(layer)
        assert meant(two.selection) == (two.a, two.result)
        assert two.selection.describe() == "Result of A"
        assert two.selection.layer == layer
    assert two.selection.require_result() == (two.result, two.maps[-1])


def test_an_image_stands_for_its_topmost_result(two):
    newer, maps = two.add_result(two.a)
    two.activate(two.a)
    assert two.selection.result is newer
    two.viewer.layers.move_multiple([two.viewer.layers.index(two.maps[0])], len(two.viewer.layers))
    assert two.selection.layer == two.a
    two.activate(None)
    two.activate(two.a)
    assert two.selection.result is two.result
    for layer in maps:
        two.viewer.layers.remove(layer)
    two.activate(two.a)
    assert two.selection.result is two.result


def test_a_layer_that_is_neither_leaves_the_last_choice(two):
    others = [
        two.viewer.add_shapes(name="drawn"),
        two.viewer.add_points(),
        two.viewer.add_labels(np.zeros((80, 112), np.uint8)),
    ]
    assert meant(two.selection) == (two.b, None)
    two.activate(two.maps[3])
    for other in (*others, None):
        two.activate(other)
        assert meant(two.selection) == (two.a, two.result)
    two.viewer.layers.selection = {two.a, two.b}  # several are selected, none is active
    assert meant(two.selection) == (two.a, two.result)


def test_what_is_left_is_meant_when_layers_go(two):
    shapes = two.viewer.add_shapes()
    two.activate(two.maps[-1])
    two.activate(shapes)
    two.viewer.layers.remove(two.maps[-1])
    assert meant(two.selection) == (two.a, two.result)
    for layer in two.maps[:-1]:
        two.viewer.layers.remove(layer)
    two.activate(shapes)
    assert meant(two.selection) == (two.a, None)
    two.viewer.layers.remove(two.a)
    two.activate(shapes)
    assert meant(two.selection) == (two.b, None)
    two.viewer.layers.clear()
    assert meant(two.selection) == (None, None)
    assert two.selection.describe() == "Open an image or a movie, or a saved result."
    with pytest.raises(InputError, match="Open an image"):
        two.selection.take_source()


def test_a_result_without_its_image(two):
    two.activate(two.maps[0])
    two.viewer.layers.remove(two.a)
    two.activate(two.maps[0])
    assert meant(two.selection) == (None, two.result)
    assert two.selection.describe() == "Result of A, whose image is not open"
    with pytest.raises(InputError, match="open the image first"):
        two.selection.take_source()


def test_another_image_of_the_same_name_is_not_the_analyzed_one(two):
    two.viewer.layers.remove(two.a)
    two.b.name = "A"
    two.activate(None)
    two.activate(two.b)
    assert meant(two.selection) == (two.b, None)


def test_renamed_and_duplicated_layers_keep_their_places(two):
    two.a.name = "renamed"
    two.activate(two.maps[0])
    assert two.selection.describe() == "Result of renamed"
    copies = [Layer.create(*layer.as_layer_data_tuple()) for layer in (two.a, two.maps[-1])]
    for copy in copies:
        two.viewer.add_layer(copy)
    two.activate(copies[0])
    assert meant(two.selection) == (copies[0], None)
    two.activate(copies[1])
    assert meant(two.selection) == (two.a, two.result)


def test_the_truth_of_a_sample_is_no_result(two):
    geometry = take_source(two.b).geometry
    truth = Layer.create(*truth_layer(np.ones((4, 60, 112), np.uint8), "truth", geometry))
    two.viewer.add_layer(truth)
    assert meant(two.selection) == (two.b, None)


def test_a_channel_is_meant_with_what_was_found_in_it(layers, stack):
    image = layers.viewer.add_image(np.stack([stack, stack + 20], axis=1), name="two")
    selection = selection_of(layers.viewer)
    assert selection.channel is None
    second, maps = layers.add_result(image, channel=1)
    assert (selection.channel, selection.result) == (1, second)
    layers.activate(image)
    assert selection.take_source().channel == 1
    selection.choose_channel(0)
    assert (selection.channel, selection.result) == (0, None)
    first, _ = layers.add_result(image, channel=0)
    assert (selection.channel, selection.result) == (0, first)
    layers.activate(maps[0])
    assert (selection.channel, selection.result) == (1, second)
    selection.choose_channel(0)
    assert (selection.channel, selection.result) == (0, first)


def test_several_selected_images_are_chosen_together(two):
    told = []
    two.selection.changed.connect(lambda: told.append(list(two.selection.chosen)))
    assert two.selection.chosen == [two.b]
    two.viewer.layers.selection = {two.b, two.a, two.maps[0]}
    assert told[-1] == two.selection.chosen == [two.a, two.b]
    c = two.viewer.add_image(two.b.data, name="C")
    assert told[-1] == [c]
    two.viewer.layers.selection = {two.b, two.a}
    two.viewer.layers.selection.add(c)
    assert told[-1] == [two.a, two.b, c]
    two.activate(two.maps[0])
    assert told[-1] == two.selection.chosen == [two.a]


def test_atoms_stand_for_the_image_that_they_were_found_in(two):
    atoms = two.viewer.add_points(metadata={SOURCE_KEY: str(two.a.unique_id)})
    assert meant(two.selection) == (two.a, two.result)
    two.activate(two.b)
    assert meant(two.selection) == (two.b, None)
    activated = []
    two.selection.activated.connect(lambda: activated.append(two.selection.active))
    two.activate(atoms)
    assert activated[-1] == atoms
    assert meant(two.selection) == (two.a, two.result)


def test_a_map_without_settings_stands_for_those_of_the_result(two):
    """As that of columns in a focal series."""
    about = {"kind": "probability of columns", "class": "Mo", "source_id": str(two.a.unique_id)}
    two.viewer.add_image(np.zeros((80, 112)), metadata={PLUGIN: about})
    assert two.selection.is_map
    assert two.selection.about["parameters"] == two.result.parameters.model_dump(mode="json")


def test_it_tells_once_and_only_when_something_changes(two):
    told = []
    two.selection.changed.connect(lambda: told.append(two.selection.describe()))
    two.activate(two.a)
    assert told == ["Result of A"]
    two.activate(two.maps[0])
    two.activate(two.maps[0])
    assert len(told) == 2
    two.maps[0].visible = True
    two.viewer.dims.set_current_step(0, 1)
    assert len(told) == 2
    two.a.name = "other"
    assert told[2:] == ["Result of other"]


def test_edits_of_the_image_and_the_region_are_told(two):
    told = []
    two.selection.image_edited.connect(lambda: told.append("image"))
    two.selection.region_edited.connect(lambda: told.append("region"))
    two.a.scale = (1, 2, 2)  # which is not selected
    assert told == []
    two.b.data = two.b.data + 1
    two.b.translate = (0, 1, 1)
    assert told == ["image"] * 2
    region = two.viewer.add_shapes(name="region")
    region.add_rectangles([[0, 0], [9, 9]])
    assert "region" not in told
    two.selection.choose_region(region)
    region.add_rectangles([[0, 0], [5, 5]])
    assert "region" in told
    two.viewer.layers.remove(region)
    assert two.selection.region is None


def test_each_viewer_has_one_of_its_own(two, stack):
    assert selection_of(two.viewer) is two.selection
    other = ViewerModel()
    image = other.add_image(stack, name="elsewhere")
    selection = selection_of(other)
    assert meant(selection) == (image, None)
    assert meant(two.selection) == (two.b, None)
    two.activate(two.a)
    assert meant(selection) == (image, None)


# ------------------------------------------------------------------ all docks, in a window


@pytest.fixture
def bench(shown_bench):
    """In a window that is shown, where each of these traps was met."""
    return shown_bench


def press(bench, button):
    """Click where the button is seen."""
    bench.wait(lambda: button.isEnabled() and is_in_sight(button))
    bench.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("title", [widget.display_name for widget in WIDGETS])
def test_every_dock_says_whose_result_or_image_it_shows(bench, stack, title):
    dock = bench.widget
    if title != "Lattice symmetry":
        _, dock = bench.viewer.window.add_plugin_dock_widget(PLUGIN, title)
    names = {"copper", "nickel"}

    def wait_until_it_tells(name):
        expected = {name} - ({name} if title in OF_THEIR_OWN else set())
        bench.wait(lambda: names_said(dock, names) == expected)

    bench.viewer.add_image(stack, name="copper")
    bench.run()
    wait_until_it_tells("copper")
    bench.viewer.add_image(stack[:2], name="nickel")
    wait_until_it_tells("nickel")
    bench.viewer.layers.selection.active = bench.layers()["hexagonal"]
    wait_until_it_tells("copper")


def names_said(dock, names):
    """Return which of some names stand in the lines that a dock shows."""
    texts = [label.text() for label in dock.findChildren(QLabel) if label.isVisible()]
    return {name for name in names if any(name in text for text in texts)}


@pytest.fixture
def docks(bench):
    """Docks that show results, beside the one that analyzes."""
    titles = {
        "inspect": "Inspect a window",
        "evolution": "Phase evolution",
        "structure": "Structure without labels",
    }
    return {
        name: bench.viewer.window.add_plugin_dock_widget(PLUGIN, title)[1]
        for name, title in titles.items()
    }


def test_docks_beside_each_other_show_the_same(bench, docks, stack):
    bench.viewer.add_image(stack, name="A")
    bench.run()
    evolution, structure, inspect = (docks[n] for n in ("evolution", "structure", "inspect"))
    bench.wait(lambda: bool(evolution.curves.curves))
    for dock in (evolution, structure):
        assert dock.result_text.text() == "Result of A"
    assert bench.widget.status.text().endswith("Result of A, network alone.")

    b = bench.viewer.add_image(stack[:2], name="B")
    for dock in (evolution, structure):
        assert dock.result_text.text().startswith("B has no result yet: run an analysis")
    assert bench.widget.status.text() == evolution.result_text.text()
    assert not evolution.curves.curves
    assert not evolution.curves.export_button.isEnabled()
    bench.wait(lambda: not inspect.requests.is_busy)
    assert inspect.title.text().startswith("B, frame")

    bench.viewer.layers.selection.active = bench.layers()["hexagonal"]
    bench.wait(lambda: bool(evolution.curves.curves))
    assert structure.result_text.text() == "Result of A"
    assert inspect.title.text().startswith("A, frame")
    assert bench.widget.layer_chooser.value == bench.viewer.layers["A"]
    b.name = "A"
    assert evolution.result_text.text() == "Result of A"
    assert evolution.selection.image == bench.viewer.layers[0]


def test_a_new_image_is_the_one_that_run_analyzes(bench, stack):
    """It is on top and selected, so the chooser goes there."""
    bench.viewer.add_image(stack, name="old")
    bench.viewer.add_image(stack[:2], name="new")
    assert bench.widget.layer_chooser.value == bench.viewer.layers["new"]
    bench.run()
    assert bench.layers()["classes"].metadata[PLUGIN]["source_layer"] == "new"

    bench.widget.layer_chooser.value = bench.viewer.layers["old"]  # as a person chooses it there
    assert bench.viewer.layers.selection.active == bench.viewer.layers["old"]
    bench.run()
    assert bench.layers()["classes"].metadata[PLUGIN]["source_layer"] == "old"


def test_a_new_image_has_no_status_progress_or_legend_of_the_former(bench, stack):
    bench.viewer.add_image(stack, name="old")
    bench.run()
    widget = bench.widget
    of_old = widget.status.text(), widget.legend.text(), widget.progress.value()
    assert of_old[0].startswith("Finished: 4 frames")
    assert "%" in of_old[1]
    assert of_old[2] == widget.progress.maximum() == 4

    bench.viewer.add_image(stack[:2], name="new")
    assert widget.status.text().startswith("new has no result yet")
    assert "%" not in widget.legend.text()
    assert widget.progress.value() == 0
    bench.viewer.layers.selection.active = bench.viewer.layers["old"]
    assert (widget.status.text(), widget.legend.text(), widget.progress.value()) == of_old

    bench.viewer.layers.selection.active = bench.viewer.layers["new"]
    bench.run()
    bench.viewer.layers.selection.active = bench.viewer.layers["old"]
    assert widget.status.text() == "Result of old: 4 of 4 frames analyzed, network alone."
    assert widget.legend.text() == of_old[1]


def test_a_run_goes_on_while_another_image_is_selected(bench, gate, stack):
    bench.viewer.add_image(stack, name="old")
    press(bench, bench.widget.run_button)
    new = bench.viewer.add_image(stack[:2], name="new")
    assert bench.widget.status.text().startswith("old: ")
    gate.release(100)
    bench.finish()
    assert bench.viewer.layers.selection.active == new  # the run's layers do not take it away
    assert bench.widget.status.text().startswith("new has no result yet")
    assert bench.layers()["classes"].metadata[PLUGIN]["source_layer"] == "old"


def test_a_distortion_belongs_to_the_image_it_was_measured_on(bench, stack):
    old = bench.viewer.add_image(stack, name="old")
    widget, distortion = bench.widget, bench.widget.parameters["distortion"]
    assert widget.summary.distortion_text.isHidden()
    distortion.value = DISTORTION
    assert "1.222 : 1 along 0° is undone" in widget.summary.distortion_text.text()
    assert not widget.summary.distortion_text.isHidden()

    bench.viewer.add_image(stack[:2], name="new")
    assert widget.parameters.values().distortion is None
    assert widget.summary.distortion_text.isHidden()
    bench.run()
    assert bench.widget.run.result.parameters.distortion is None
    bench.viewer.layers.selection.active = old
    assert widget.parameters.values().distortion == DISTORTION
    widget.correction.open_button.setChecked(True)
    bring_into_sight(widget.correction.clear_button)
    press(bench, widget.correction.clear_button)
    assert selection_of(bench.viewer).distortion is None


def test_a_measurement_that_ends_late_is_kept_by_its_image(bench, stack, monkeypatch):
    old = bench.viewer.add_image(stack, name="old")
    correction = bench.widget.correction
    correction._measured_image = old
    new = bench.viewer.add_image(stack[:2], name="new")

    class Found:
        rows = DISTORTION

    correction._on_measured(Found())
    assert bench.widget.parameters.values().distortion is None
    assert selection_of(bench.viewer).image == new
    bench.viewer.layers.selection.active = old
    assert bench.widget.parameters.values().distortion == DISTORTION


def test_what_is_selected_is_saved_also_by_a_dock_that_was_opened_again(
    bench, messages, monkeypatch, tmp_path, stack
):
    bench.viewer.add_image(stack, name="first")
    bench.run()
    first = bench.widget.run.result
    bench.viewer.add_image(stack[:2], name="second")
    assert not bench.widget.save_button.isEnabled()
    bench.run()
    bench.viewer.window.remove_dock_widget(bench.widget)
    _, widget = bench.viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
    assert widget.save_button.isEnabled()
    bench.viewer.layers.selection.active = bench.viewer.layers["first"]
    monkeypatch.setattr(
        "napari_lattice_symmetry.plugin.analyze.widget.QFileDialog.getSaveFileName",
        lambda _parent, _title, name, _kinds: (str(tmp_path / name), ""),
    )
    press(bench, widget.save_button)
    assert messages() == [f"Saved {tmp_path / 'first.zarr'}."]
    np.testing.assert_array_equal(load_result(tmp_path / "first.zarr").mean, first.mean)


def test_planes_that_are_no_frames_are_not_analyzed(two):
    edited = []
    two.selection.image_edited.connect(lambda: edited.append(True))
    two.viewer.dims.roll()
    assert edited
    with pytest.raises(InputError, match="'B' is seen along other axes than its last two"):
        two.selection.take_source()
    two.viewer.dims.order = (0, 2, 1)  # turned over: the planes are the same
    assert two.selection.take_source().movie.shape == (4, 60, 112)
