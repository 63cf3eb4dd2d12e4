"""Maps of a result as layers when they are asked for, their legends, and all of them at once."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels, Layer
from napari.layers._layer_actions import _convert
from qtpy.QtWidgets import QLabel

from napari_lattice_symmetry.lattice import CLASSES, COLORS
from napari_lattice_symmetry.plugin.layers.care import scale_bar_of
from napari_lattice_symmetry.plugin.layers.legend import legend_of, legends_of
from napari_lattice_symmetry.plugin.layers.legend_box import LegendBox
from napari_lattice_symmetry.plugin.layers.result_group import layers_of_result
from napari_lattice_symmetry.plugin.layers.result_layers import (
    list_maps,
    map_title,
    result_metadata,
)


def kinds(layers):
    return [result_metadata(layer)["kind"] for layer in layers if result_metadata(layer)]


def choose(bench, title):
    box = bench.widget.maps.chooser
    box.activated.emit(box.findText(title))


def test_a_run_writes_the_classes_and_six_probabilities(bench, stack):
    bench.viewer.add_image(stack, name="movie")
    bench.run()
    assert kinds(bench.viewer.layers) == ["mean"] * 6 + ["labels"]
    assert bench.viewer.layers[-1].name == "classes · movie"
    assert {layer.name for layer in bench.viewer.layers[1:-1]} == {
        f"P({name}) · movie" for name in CLASSES
    }


def test_a_map_is_made_once_when_it_is_asked_for_and_shown_alone(bench, stack):
    bench.viewer.add_image(stack, name="movie")
    bench.run()
    for _ in range(2):
        choose(bench, "uncertainty")
        (layer,) = [each for each in bench.viewer.layers if each.name == "uncertainty · movie"]
        np.testing.assert_array_equal(layer.data, bench.widget.run.result.entropy)
        results = layers_of_result(bench.viewer.layers, layer)
        assert [each for each in results if each.visible] == [layer]
        assert bench.viewer.layers.selection.active is layer
        assert not layer.editable


def test_the_next_run_leaves_of_the_former_its_classes_and_what_was_renamed(bench, stack):
    bench.viewer.add_image(stack, name="movie")
    bench.run()
    first = bench.widget.run
    kept = next(layer for layer in first.layers if layer.name.startswith("P(hexagonal)"))
    kept.name = "my favorite"
    bench.run()
    left = layers_of_result(bench.viewer.layers, first.layers[0])
    assert [layer.name for layer in left] == ["my favorite", "classes · movie"]
    assert not any(layer.visible for layer in left)
    bench.viewer.layers.selection.active = left[1]
    choose(bench, "P(noise)")
    np.testing.assert_array_equal(
        bench.viewer.layers.selection.active.data, first.result.mean[CLASSES.index("noise")]
    )


def test_a_run_folds_no_results_of_another_image_that_had_its_name(bench, stack):
    image = bench.viewer.add_image(stack, name="movie")
    bench.run()
    first = bench.widget.run
    image.name = "before"
    bench.viewer.add_image(stack, name="movie")
    bench.run()
    assert bench.widget.run is not first
    left = layers_of_result(bench.viewer.layers, first.layers[0])
    assert sorted(left, key=str) == sorted(first.layers, key=str)
    assert first.layers[0].visible
    bench.viewer.layers.selection.active = image  # called otherwise by now
    bench.run()
    left = layers_of_result(bench.viewer.layers, first.layers[0])
    assert left == first.layers[:1]
    assert not first.layers[0].visible


def test_a_class_map_may_become_an_image(bench, stack, gate):
    """By "Convert to Image" in the list of layers, while a run goes on and after it."""
    image = bench.viewer.add_image(stack, name="movie")
    gate.release(2)  # the blocks of a frame
    bench.widget.start()
    bench.wait(lambda: bench.widget.run.n_done == 1 and len(bench.viewer.layers) == 8)
    layers = bench.viewer.layers
    layers.selection = {layers["classes · movie"]}
    _convert(layers, "image")
    gate.release(1000)
    bench.finish()
    assert bench.widget.run.n_done == 4
    (converted,) = [layer for layer in layers if layer.name == "classes · movie"]
    assert isinstance(converted, Image)
    for layer in (image, converted):
        layers.selection.active = layer
        assert "%" not in bench.widget.legend.text()
    choose(bench, "classes")
    shown = layers.selection.active
    assert isinstance(shown, Labels)
    np.testing.assert_array_equal(shown.data, bench.widget.run.result.labels)
    assert shown.features["area share"].sum() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("damaged", [("entropy", "uncertainty"), ("flags", "flags")])
def test_a_damaged_map_is_one_sentence(bench, stack, tmp_path, messages, damaged):
    name, title = damaged
    bench.viewer.add_image(stack, name="movie")
    bench.set(lattice_maps=True)
    bench.run()
    path = tmp_path / "run.zarr"
    bench.widget.run.result.save(path)
    bench.viewer.layers.clear()
    for chunk in (path / name / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(chunk.read_bytes()[:20])
    bench.viewer.open(path, plugin="napari-lattice-symmetry")
    before = [(layer, layer.visible) for layer in bench.viewer.layers]
    choose(bench, title)
    (message,) = messages()
    assert message.startswith(f"{path} is damaged")
    assert [(layer, layer.visible) for layer in bench.viewer.layers] == before
    choose(bench, "classes")  # all others can be seen


def test_one_action_hides_and_one_removes_all_layers_of_a_result(bench, stack):
    image = bench.viewer.add_image(stack, name="movie")
    bench.run()
    bench.widget.maps.hide_button.click()
    assert [layer for layer in bench.viewer.layers if layer.visible] == [image]
    bench.widget.maps.remove_button.click()
    assert list(bench.viewer.layers) == [image]


def test_layers_go_in_one_batch_after_which_napari_cleans_up_once(bench, stack):
    bench.viewer.add_image(stack, name="movie")
    bench.run()
    batches, gone = [], []
    bench.viewer.layers.events.begin_batch.connect(batches.append)
    bench.viewer.layers.events.removed.connect(gone.append)
    bench.run()
    assert len(gone) == 6
    assert len(batches) == 1


def test_every_map_has_a_legend(bench, stack):
    bench.viewer.add_image(stack, name="movie")
    bench.set(lattice_maps=True)
    bench.run()
    titles = {}
    for kind, part in list_maps(bench.widget.run.result):
        choose(bench, map_title(kind, part, "pixel"))
        assert result_metadata(bench.viewer.layers.selection.active)["kind"] == kind
        legend = legend_of(bench.viewer.layers.selection.active)
        titles[legend.title] = legend
    assert {meaning: color for color, meaning in titles["classes"].keys} == COLORS
    assert ("#009E73", "agree") in titles["agreement"].keys
    assert ("transparent", "one has no answer") in titles["agreement"].keys
    assert ("#D55E00", "two lattices") in titles["flags"].keys
    assert len(titles["flags"].keys) == 9
    assert titles["uncertainty"].limits == ("0", "1.79")
    assert titles["gamma (°)"].limits == ("60", "90")
    assert titles["P(noise)"].ramp[-1] == COLORS["noise"].lower()
    assert {"a (px)", "b (px)", "orientation (°)"} <= set(titles)


def test_the_canvas_explains_what_is_seen_also_of_an_opened_result(
    bench, stack, make_napari_viewer, tmp_path, qtbot
):
    bench.viewer.add_image(stack, name="movie")
    bench.run()
    bench.widget.run.result.save(tmp_path / "run.zarr")
    viewer = make_napari_viewer()
    viewer.open(tmp_path / "run.zarr", plugin="napari-lattice-symmetry")
    box = viewer.window._qt_viewer.canvas.native.findChild(LegendBox)
    qtbot.waitUntil(lambda: [legend.title for legend in box.shown] == ["classes"])
    assert box.isVisibleTo(box.parentWidget())
    for layer in viewer.layers:
        layer.visible = layer.name.startswith("P(")
    assert len(legends_of(viewer.layers)) == 6
    qtbot.waitUntil(lambda: len(box.shown) == 6)
    parts = box.findChildren(QLabel)
    assert {"0", "1"} <= {part.text() for part in parts if part.isVisibleTo(box)}
    assert box.height() > 6 * box.fontMetrics().height()
    box.parentWidget().resize(400, box.height() // 2)
    box.refresh()  # a window that is not shown has no event for it
    assert any(" more" in part.text() and part.isVisibleTo(box) for part in parts)
    assert box.height() <= box.parentWidget().height()
    viewer.layers.clear()
    qtbot.waitUntil(lambda: not box.isVisibleTo(box.parentWidget()))


@pytest.mark.parametrize(("unit", "shown"), [("nm", True), ("pixel", False)])
def test_a_calibrated_layer_gets_a_scale_bar(bench, stack, unit, shown):
    bench.viewer.add_layer(Layer.create(stack, {"units": ("s", unit, unit)}, "image"))
    bar = scale_bar_of(bench.viewer)
    assert bar.visible == shown
    bar.visible = False
    bench.viewer.add_image(stack, units=("s", "nm", "nm"))
    assert bar.visible != shown  # shown once: it may be hidden
