"""Plane groups, strain and cells of what an analysis in the same window has found."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_lattice_symmetry.lattice import LABELS
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS
from napari_lattice_symmetry.plugin.layers.legend import legend_of
from napari_lattice_symmetry.plugin.layers.legend_box import LegendBox

PLUGIN = "napari-lattice-symmetry"


@pytest.fixture
def analyze_in(qtbot):
    """Run the analysis dock of a viewer with some settings, and return it."""

    def run(viewer, **settings):
        _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Lattice symmetry")
        for name, value in ({"samples": 3} | settings).items():
            widget.parameters[name].value = value
        widget.run_button.click()
        qtbot.waitUntil(lambda: widget.run is not None and widget.run.is_over)
        return widget

    return run


def show(widget, title):
    box = widget.maps.chooser
    box.activated.emit(box.findText(title))


def test_a_run_with_plane_groups_shows_them_with_their_legend(
    make_shown_viewer, analyze_in, frames, qtbot
):
    viewer = make_shown_viewer()
    viewer.add_image(frames, name="film")
    widget = analyze_in(viewer, window=96, stride=52, plane_groups=True)
    show(widget, "plane groups")
    layer = viewer.layers.selection.active
    assert isinstance(layer, Labels)
    number = PLANE_GROUPS.index("p3m1") + 1
    assert (layer.data[:, :, :2] == number).all(), "the crystal"
    assert (layer.data[:, :, -1] == 0).all(), "noise"
    keys = {meaning: color for color, meaning in legend_of(layer).keys}
    assert set(PLANE_GROUPS) <= set(keys)
    drawn = layer.colormap.map(number)
    assert (
        "#{:02x}{:02x}{:02x}".format(*np.rint(255 * drawn[:3]).astype(int)) == keys["p3m1"].lower()
    )
    box = viewer.window._qt_viewer.canvas.native.findChild(LegendBox)
    qtbot.waitUntil(lambda: [each.title for each in box.shown] == ["plane groups"])
    assert box.isVisibleTo(box.parentWidget())
    show(widget, "P(plane group)")
    probability = viewer.layers.selection.active
    assert np.nanmin(probability.data[:, :, :2]) > 0.5


def test_a_real_crystal_has_maps_of_its_group_and_of_what_breaks_it(
    make_shown_viewer, analyze_in, shared_data
):
    viewer = make_shown_viewer()
    viewer.open(str(shared_data / "images" / "STO_001_haadf_nsid.hf5"), plugin=PLUGIN)
    widget = analyze_in(viewer, window=200, stride=60, plane_groups=True)
    show(widget, "plane groups")
    groups = viewer.layers.selection.active
    assert isinstance(groups, Labels)
    assert np.mean(np.asarray(groups.data) == PLANE_GROUPS.index("p4m") + 1) > 0.9
    assert legend_of(groups).title == "plane groups"
    show(widget, "R (%)")
    departure = viewer.layers.selection.active
    broken = np.asarray(departure.data)
    assert departure.name.startswith("R (%)")
    assert ((broken > 5) & (broken < 20)).mean() > 0.9, "within the tolerance, not within noise"
    np.testing.assert_allclose(departure.scale, groups.scale)
    show(widget, "P(plane group) within noise")
    assert np.isnan(np.asarray(viewer.layers.selection.active.data)).all()


def test_strain_of_a_real_crystal_is_that_of_its_errors(
    make_shown_viewer, open_dock, analyze_in, shared_data
):
    viewer = make_shown_viewer()
    viewer.open(str(shared_data / "images" / "STO_001_haadf_nsid.hf5"), plugin=PLUGIN)
    analyze_in(viewer, window=160, stride=52, lattice_maps=True)
    dock = open_dock(viewer)
    dock.widget.tabs.setCurrentWidget(dock.widget.strain)
    tab = dock.widget.strain
    tab.form["errors"].value = True
    dock.press(tab.bar.button)
    maps = {layer.name.split(" \u00b7 ")[0]: layer.data for layer in viewer.layers}
    assert np.isfinite(maps["exx (%)"]).mean() > 0.9
    for name in ("exx (%)", "eyy (%)", "exy (%)", "rotation (°)"):
        error = float(np.nanmedian(maps[f"error of {name}"]))
        assert error < 0.4
        spread = float(np.nanstd(maps[name]))
        assert spread < 3 * error, "a single crystal: the drift of its scan, and noise"
    tab.form["reference"].value = "known lattice"
    tab.form["lattice"].value = "SrTiO3 [001]"
    dock.press(tab.bar.button)
    maps = {layer.name.split(" \u00b7 ")[0]: layer.data for layer in viewer.layers}
    for name in ("exx (%)", "eyy (%)"):
        assert abs(np.nanmean(maps[name])) < 1, "its file knows the pixel size"


def test_the_grains_of_a_sample_have_their_cells(make_shown_viewer, open_dock):
    viewer = make_shown_viewer()
    viewer.open_sample(PLUGIN, "two-grains")
    dock = open_dock(viewer)
    for place, group, gamma in (((256, 100), "p4m", 90), ((256, 420), "p6m", 120)):
        dock.click(*place)
        cell = dock.averaged.cell
        assert cell.group.name == group
        assert (cell.a, cell.b) == pytest.approx((0.3, 0.3), rel=5e-3)
        assert cell.gamma == pytest.approx(gamma, abs=0.2)
    dock.click(256, 256)
    assert dock.answer.startswith("No window has a lattice to average"), "the amorphous strip"


def test_a_sample_movie_is_averaged_frame_by_frame(make_shown_viewer, open_dock):
    viewer = make_shown_viewer()
    viewer.open_sample(PLUGIN, "square-to-hexagonal")
    dock = open_dock(viewer)
    for frame, group in ((0, "p4m"), (15, "cmm"), (30, "p6m")):
        viewer.dims.set_current_step(0, frame)
        dock.settle()
        assert dock.averaged.places[0, 0] == frame
        assert dock.averaged.cell.group.name == group


def test_a_sample_movie_has_its_strain_and_its_pixel_size(make_shown_viewer, open_dock, analyze_in):
    """Its rhombus leans by one degree more from frame to frame, its sides stay as long."""
    viewer = make_shown_viewer()
    viewer.open_sample(PLUGIN, "square-to-hexagonal")
    analyze_in(viewer, window=128, stride=64, lattice_maps=True, last_frame=2)
    image = next(layer for layer in viewer.layers if layer.name.startswith("square"))
    viewer.layers.selection.active = image
    viewer.dims.set_current_step(0, 0)
    dock = open_dock(viewer)
    dock.widget.tabs.setCurrentWidget(dock.widget.strain)
    square = {"lattice": "typed cell", "a": 0.3, "b": 0.3, "gamma": 90}
    strain = dock.widget.strain
    strain.form["reference"].value = "known lattice"
    for name, value in square.items():
        strain.form[name].value = value
    dock.press(strain.bar.button)
    maps = {layer.name.split(" \u00b7 ")[0]: layer.data for layer in viewer.layers}
    for frame in range(3):
        exx, eyy, exy = (np.nanmean(maps[f"{name} (%)"][frame]) for name in ("exx", "eyy", "exy"))
        # Leaning by an angle stretches the diagonals by half of it.
        shear = np.hypot((exx - eyy) / 2, exy)
        assert shear == pytest.approx(100 * np.deg2rad(frame) / 2, abs=0.1)
        assert exx + eyy == pytest.approx(0, abs=0.15)

    tab = dock.widget.pixel
    dock.widget.tabs.setCurrentWidget(tab)
    for name, value in square.items():
        tab.form[name].value = 2 * value if name in "ab" else value
    dock.press(tab.bar.button)
    assert (tab.found.y, tab.found.x) == pytest.approx((0.05, 0.05), rel=5e-3)
    dock.press(tab.write_button)
    np.testing.assert_allclose(image.scale[-2:], 0.05, rtol=5e-3)


@pytest.fixture
def dying_grain(frames):
    """A film whose only grain is gone in the second frame."""
    rng = np.random.default_rng(1)
    return np.stack([frames[0], rng.permutation(frames[1].ravel()).reshape(frames[1].shape)])


def test_a_grain_that_is_gone_in_a_frame_gets_one_sentence(
    make_shown_viewer, open_dock, dying_grain
):
    viewer = make_shown_viewer()
    viewer.add_image(dying_grain, name="film")
    viewer.add_shapes(np.array([[5, 5], [5, 190], [195, 190], [195, 5]]), name="grain")
    viewer.layers.selection.active = viewer.layers["film"]
    viewer.dims.set_current_step(0, 0)
    dock = open_dock(viewer)
    dock.widget.chooser.form["window"].value = 80
    dock.choose("region grain")
    assert dock.averaged.cell.group.name == "p3m1"
    viewer.dims.set_current_step(0, 1)
    dock.settle()
    assert dock.averaged is None
    assert dock.answer.startswith("No window has a lattice to average:")
    assert dock.answer.count(". ") == 0
    frames = dock.widget.chooser.frames
    frames.setCurrentIndex(1)
    frames.activated.emit(1)
    dock.press(dock.widget.cell.bar.button)
    assert "4 of 8 windows" in dock.answer, "those of the first frame"
    assert (dock.averaged.places[:, 0] == 0).all()


def test_a_class_that_is_gone_in_a_frame_gets_one_sentence(analyzed):
    analyzed.widget.selection.result.labels[1] = LABELS["noise"]
    analyzed.choose("class hexagonal")
    assert analyzed.averaged.cell.group.name == "p3m1"
    analyzed.viewer.dims.set_current_step(0, 1)
    analyzed.settle()
    assert analyzed.averaged is None
    assert analyzed.answer == "No window of the class hexagonal was found in frame 1."
