"""Distortion correction in the dock: mark, measure, run, write to the layer, clear."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
import pytest
from superqt import QCollapsible

from napari_lattice_symmetry.lattice.basis import cell, lattice_points
from napari_lattice_symmetry.lattice.drawing import draw_atoms
from napari_lattice_symmetry.plugin.layers.result_group import show_map

SHAPE = (160, 200)
DISTORTION = np.array([[1.05, 0.06], [0.06, 0.96]]) / np.sqrt(1.05 * 0.96 - 0.06**2)


def lattice(basis):
    atoms = lattice_points(basis @ DISTORTION.T, SHAPE, (100, 80), 20)
    return draw_atoms(atoms, np.ones(len(atoms)), 2.0, SHAPE)


@pytest.fixture
def image(bench):
    """Hexagonal on the left and something else on the right, on the second of two frames."""
    frame = lattice(cell(11, 11, 60))
    frame[:, 125:] = lattice(cell(11, 16, 75))[:, 125:]
    return bench.viewer.add_image(
        np.stack([np.zeros_like(frame), frame]),
        name="sheared",
        scale=(1, 0.02, 0.02),
        units=("pixel", "nm", "nm"),
    )


@pytest.fixture
def panel(bench, image):
    bench.viewer.dims.set_current_step(0, 1)
    bench.widget.correction.open_button.click()
    return bench.widget.correction


def mark(panel, corners):
    panel.mark_button.click()
    panel.region.value.add_rectangles(np.array(corners))


def measure(bench, panel):
    panel.measure_button.click()
    bench.wait(lambda: panel.told.text() != "Measuring…")


def distortion(bench):
    return np.array(bench.widget.parameters.values().distortion)


LEFT = [[[2, 2], [2, 118], [157, 118], [157, 2]]]


def test_a_marked_region_tells_the_distortion(bench, panel):
    mark(panel, LEFT)
    measure(bench, panel)
    np.testing.assert_allclose(distortion(bench), DISTORTION, atol=0.01)
    assert panel.told.text().startswith("It is stretched 1.1")
    assert ": 1 along" in bench.widget.parameters["distortion"].native.text()
    assert panel.write_button.isEnabled()


def test_a_region_of_another_scale_is_where_it_is_seen(bench, panel, image):
    corners = 0.02 * np.array(LEFT[0]) + image.translate[-2:]
    bench.viewer.add_shapes([corners], shape_type="polygon", name="mine", units="nm")
    panel.region.value = bench.viewer.layers["mine"]
    measure(bench, panel)
    np.testing.assert_allclose(distortion(bench), DISTORTION, atol=0.01)


def test_what_is_written_to_the_layer_is_saved_with_the_result(bench, image, panel, tmp_path):
    bench.run()
    bench.widget.parameters["distortion"].value = ((1.1, 0.1), (0, 0.9))
    panel.write_button.click()
    bench.widget._save(bench.widget.selection.result, str(tmp_path / "sheared.zarr"))
    maps = bench.layers()["classes"]
    assert not np.allclose(maps.affine.affine_matrix, np.eye(4))
    (again, *_) = bench.viewer.open(tmp_path / "sheared.zarr", plugin="napari-lattice-symmetry")
    for name in ("scale", "translate", "affine.affine_matrix"):
        get = attrgetter(name)
        np.testing.assert_allclose(get(again), get(maps), err_msg=name)


def test_a_cell_can_be_typed_in_nanometers(bench, panel):
    mark(panel, LEFT)
    assert not panel.known["a"].native.isVisibleTo(panel)  # which hexagonal leaves open
    panel.known.update(lattice="typed cell", a=0.22, b=0.22, gamma=60)
    assert panel.known["a"].native.isVisibleTo(panel)
    assert panel.known["a"].native.text() == "0.22 nm"
    measure(bench, panel)
    np.testing.assert_allclose(distortion(bench), DISTORTION, atol=0.015)


def test_the_layer_and_its_maps_are_written_and_cleared(bench, panel, image):
    bench.widget.parameters["distortion"].value = tuple(map(tuple, DISTORTION.tolist()))
    bench.run()
    before = bench.layers()["classes"]
    panel.write_button.click()
    bench.run()
    after = bench.layers()["classes"]
    assert after is not before
    assert show_map(bench.viewer.layers, after, "apparent_labels").data.any()
    for maps in (before, after):
        world = maps.data_to_world((1, 2, 3))
        seen = image.data_to_world((1, 2 * 8 + 15.5, 3 * 8 + 15.5))
        np.testing.assert_allclose(world, seen)
    # Two lattice vectors are of one length again where they are shown.
    u, v = (
        np.subtract(image.data_to_world((1, *vector[::-1])), image.data_to_world((1, 0, 0)))
        for vector in cell(11, 11, 60) @ DISTORTION.T
    )
    np.testing.assert_allclose(np.linalg.norm([u, v], axis=1), 0.22)

    panel.clear_button.click()
    assert bench.widget.parameters.values().distortion is None
    for layer in (image, before, after):
        np.testing.assert_allclose(layer.affine.affine_matrix, np.eye(4))


def test_an_affine_of_another_origin_is_not_cleared(bench, panel, image):
    own = np.diag([1, 2.0, 2.0, 1])
    image.affine = own
    bench.widget.parameters["distortion"].value = tuple(map(tuple, DISTORTION.tolist()))
    panel.clear_button.click()
    np.testing.assert_allclose(image.affine.affine_matrix, own)


def test_what_cannot_be_measured_is_told_in_the_panel(bench, panel, image):
    panel.mark_button.click()
    panel.measure_button.click()
    assert panel.told.text() == "'known lattice' holds no rectangle, ellipse or polygon; draw one."
    panel.region.value = None
    bench.viewer.dims.set_current_step(0, 0)
    measure(bench, panel)
    assert "No lattice is seen" in panel.told.text()
    assert bench.widget.parameters.values().distortion is None
    bench.viewer.layers.remove(image)
    panel.measure_button.click()
    assert panel.told.text() == "Open an image or a movie first."


def test_the_panel_is_open_on_request_alone(shown_bench):
    panel = shown_bench.widget.correction
    shown_bench.widget.findChild(QCollapsible).expand(animate=False)
    assert not panel.isVisible()
    assert not panel.write_button.isEnabled()
    panel.open_button.click()
    assert panel.isVisible()
