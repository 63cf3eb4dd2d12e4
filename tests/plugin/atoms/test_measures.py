"""What the dock measures, in real windows, on sample movies whose atoms are known."""

from __future__ import annotations

import numpy as np
import pytest
from atoms_bench import AtomsBench
from napari.layers import Tracks, Vectors
from qtpy.QtWidgets import QFileDialog

from napari_lattice_symmetry.atoms import AtomImage, read_atoms, sample_movie
from napari_lattice_symmetry.plugin.atoms.layers import atoms_in
from napari_lattice_symmetry.plugin.evolution.widget import EvolutionWidget
from napari_lattice_symmetry.plugin.layers.legend import legend_of
from napari_lattice_symmetry.plugin.readers import movie_layer

N_FRAMES = 4


@pytest.fixture(scope="session")
def lossy():
    """A layer of MoS2 that loses atoms, shaken, and its atoms."""
    sample = sample_movie(frames=N_FRAMES, size=160)
    return sample.movie, sample.atoms


def knowing(true):
    """Stand in for the finder: it finds what is there, in the order of frames."""
    calls = iter(range(10_000))

    def find(movie, **settings):
        some = true[true.frame == next(calls) % (int(true.frame.max()) + 1)]
        return some.with_columns(
            frame=np.zeros(len(some), np.int64), label=np.full(len(some), "atom")
        )

    return find


@pytest.fixture
def lossy_bench(make_shown_viewer, qtbot, lossy):
    movie, true = lossy
    viewer = make_shown_viewer()
    data, about, _ = movie_layer(movie)
    viewer.add_image(data, **about)
    bench = AtomsBench(viewer, qtbot, knowing(true))
    bench.widget.searching.frames.setCurrentText("all frames")
    bench.find()
    bench.widget.tabs.setCurrentWidget(bench.widget.measures)
    bench.true = true
    return bench


def measure(bench, kind):
    tab = bench.widget.measures
    bench.press(tab.buttons[kind])
    return tab.told.text()


def layer_of(bench, what):
    return bench.viewer.layers[f"{what} · {bench.layer.name.removeprefix('atoms · ')}"]


def test_missing_atoms_are_marked_followed_and_counted_over_time(lossy_bench, qtbot, tmp_path):
    bench = lossy_bench
    text = measure(bench, "defects")
    assert "missing" in text
    assert "were followed" in text
    marks = layer_of(bench, "defects")
    assert {"kind", "score", "life", "birth", "end"} <= set(marks.features.columns)
    assert any("missing" in key[1] for key in legend_of(marks).keys)
    np.testing.assert_allclose(marks.scale, bench.layer.scale)
    assert bench.viewer.layers.selection.active != marks
    evolution = EvolutionWidget(bench.viewer)
    bench.viewer.window.add_dock_widget(evolution, name="Evolution")
    evolution.tabs.setCurrentWidget(evolution.lives)
    shown = evolution.lives.shown
    missing = marks.features["kind"] == "missing"
    per_frame = np.bincount(marks.data[missing][:, 0].astype(int), minlength=N_FRAMES)
    assert shown.lives.visible.tolist() == per_frame.tolist()
    assert (np.diff(shown.lives.alive) >= 0).all()  # a vacancy of this sample stays
    (axes,) = evolution.lives.canvas.figure.axes
    assert axes.get_ylabel() == "Atoms missing"
    assert axes.get_xlabel() == "Time (s)"
    bench.viewer.layers.remove(marks)
    assert evolution.lives.shown is None


def test_the_count_over_time_is_exported(lossy_bench, monkeypatch, tmp_path):
    bench = lossy_bench
    measure(bench, "defects")
    evolution = EvolutionWidget(bench.viewer)
    bench.viewer.window.add_dock_widget(evolution, name="Evolution")
    evolution.tabs.setCurrentWidget(evolution.lives)
    path = tmp_path / "lives.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    evolution.lives.export_button.click()
    lines = path.read_text().splitlines()
    assert lines[0] == "time_s,frame,visible,alive,count,count_error,born,ended"
    assert len(lines) == 1 + N_FRAMES


def test_atoms_are_followed_through_the_movie(lossy_bench):
    bench = lossy_bench
    assert "tracks" in measure(bench, "track")
    tracks = layer_of(bench, "tracks")
    assert isinstance(tracks, Tracks)
    assert len(tracks.data) == len(bench.layer.data)
    assert bench.widget.color.currentData() == "track"
    numbers = bench.layer.features["track"].to_numpy()
    assert len(np.unique(numbers)) < 0.35 * len(numbers)
    assert "track" in atoms_in(bench.layer).more
    bench.layer.add([0, 40.3, 40.7])
    bench.settle()
    assert bench.layer.features["track"].iloc[-1] == -1  # nobody has followed it


def test_displacements_and_polarization_are_arrows_with_a_factor(lossy_bench):
    bench = lossy_bench
    tab = bench.widget.measures
    tab.form["names"].value = "S, Mo"
    assert "Mo" in measure(bench, "label")
    labels = bench.layer.features["label"].to_numpy()
    assert (labels == bench.true.label).mean() > 0.9
    assert list(tab.form["label"].choices) == ["Mo", "S"]
    assert "pm" in measure(bench, "displacement")
    arrows = layer_of(bench, "displacement")
    assert isinstance(arrows, Vectors)
    tab.form["stretch"].value = 20
    assert arrows.length == 20
    assert legend_of(arrows).title == "displacement (nm), arrows x 20"
    atoms = atoms_in(bench.layer)
    known = np.isfinite(atoms.more["displacement"])
    np.testing.assert_allclose(arrows.data.sum(axis=1)[:, 1:], atoms.positions[known])
    tab.form["label"].value = "S"
    tab.form["count"].value = 3
    assert "polarization" in measure(bench, "polarization")
    told = bench.layer.features["polarization"].to_numpy()
    assert np.isnan(told[labels == "Mo"]).all()
    assert len(layer_of(bench, "polarization").data) == np.isfinite(told).sum()


def test_grains_and_rings_are_told(make_shown_viewer, qtbot):
    picture = AtomImage(spacing=16, size=288, second_grain=0.5, rotated_bond=True).draw()
    viewer = make_shown_viewer()
    viewer.add_image(picture.image, name="graphene")
    bench = AtomsBench(viewer, qtbot, knowing(picture.atoms))
    bench.find()
    assert measure(bench, "grain").startswith("Atoms of the grains: ")
    assert set(bench.layer.features["grain"]) == {0, 1, 2}
    assert legend_of(bench.layer).title == "grain"
    text = measure(bench, "rings")
    assert "of 6" in text
    marks = layer_of(bench, "rings")
    assert "ring of 6" not in set(marks.features["kind"])
    assert {"ring of 5", "ring of 7"} <= set(marks.features["kind"])


def test_activation_maps_are_images_beside_their_image(make_shown_viewer, qtbot):
    picture = AtomImage(spacing=10, size=200, vacancies=0.03, seed=4).draw()
    viewer = make_shown_viewer()
    image = viewer.add_image(picture.image, name="sheet", scale=(0.02, 0.02), units=("nm", "nm"))
    bench = AtomsBench(viewer, qtbot, knowing(picture.atoms))
    bench.find()
    bench.widget.measures.form["method"].value = "activation"
    assert "missing" in measure(bench, "defects")
    sharp = bench.viewer.layers["evidence: any defect (logits) · sheet"]
    marks = layer_of(bench, "defects")
    assert sharp.visible
    assert not bench.viewer.layers["evidence: missing · sheet"].visible
    assert legend_of(sharp).title == "evidence: any defect (logits)"
    for place in marks.data:
        pixel = np.round(sharp.world_to_data(marks.data_to_world(place))).astype(int)
        assert sharp.data[tuple(pixel)] > sharp.contrast_limits[0]  # black is no defect
    low, high = sharp.extent.world[:, -2:]
    np.testing.assert_allclose([low, high], image.extent.world, atol=0.02 * 10)
    assert bench.widget.selection.image is image  # maps are not to be analyzed
    measure(bench, "defects")
    assert sum("any defect" in each.name for each in bench.viewer.layers) == 1


def test_what_cannot_be_measured_is_said_in_one_sentence(make_shown_viewer, qtbot, lossy):
    movie, true = lossy
    viewer = make_shown_viewer()
    viewer.add_image(movie.frame(0), name="layer")
    bench = AtomsBench(viewer, qtbot, knowing(true[true.frame == 0]))
    tab = bench.widget.measures
    assert not tab.buttons["defects"].isEnabled()
    tab.ask("defects")
    assert tab.told.text() == "Find atoms first."
    bench.find()
    assert measure(bench, "track").startswith("Atoms are followed through several frames")
    assert measure(bench, "polarization").startswith("Atoms of the class 'atom' and of others")
    assert measure(bench, "lattice_class").startswith("The image has no result yet")
    tab.form["names"].value = "S, S"
    assert "have to be different" in measure(bench, "label")
    bench.layer.selected_data = set(range(len(bench.layer.data)))
    bench.layer.remove_selected()
    bench.settle()
    assert measure(bench, "defects").endswith("has no atoms left; find atoms anew.")


def test_points_follow_their_image(lossy_bench):
    bench = lossy_bench
    measure(bench, "displacement")
    image = bench.viewer.layers[0]
    before = bench.layer.features["neighbor_nm"].median()
    image.scale = (1, *(2 * image.scale[1:]))
    image.translate = (0, 3, 4)
    bench.settle()
    for layer in (bench.layer, layer_of(bench, "displacement")):
        np.testing.assert_allclose(layer.scale, image.scale)
        np.testing.assert_allclose(layer.translate, image.translate)
    assert bench.layer.features["neighbor_nm"].median() == pytest.approx(2 * before)
    size = atoms_in(bench.layer).pixel_size
    assert size == pytest.approx(tuple(image.scale[1:]))


def test_known_bonds_are_drawn_and_what_is_shown_is_exported(lossy_bench, monkeypatch, tmp_path):
    bench = lossy_bench
    plots = bench.widget.plots
    bench.widget.tabs.setCurrentWidget(plots)
    plots.material.setCurrentText("MoS2")
    for quantity, header in (
        ("bond lengths", "frame,first,second,length_nm"),
        ("bond angles", "frame,atom,angle"),
        ("rings", "frame,size,y,x,area_nm2"),
    ):
        plots.quantity.setCurrentText(quantity)
        (axes,) = plots.canvas.figure.axes
        if quantity != "rings":
            assert axes.get_legend().get_texts()[0].get_text() == "MoS2"
        path = tmp_path / f"{quantity}.csv"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, p=path: (str(p), ""))
        bench.press(plots.export_button)
        assert path.read_text().splitlines()[0] == header


def test_a_class_is_typed_for_points_and_undone(lossy_bench, tmp_path):
    bench = lossy_bench
    review = bench.widget.review
    review.label.setText("adatom")
    review.label.returnPressed.emit()
    assert review.edited.text().startswith("Select the points first")
    bench.layer.selected_data = {2, 5}
    review.label.returnPressed.emit()
    labels = bench.layer.features["label"]
    assert np.flatnonzero(labels == "adatom").tolist() == [2, 5]
    atoms_in(bench.layer).save(tmp_path / "a.extxyz")
    back = read_atoms(tmp_path / "a.extxyz", atoms_in(bench.layer).pixel_size)
    assert (back.label == "adatom").sum() == 2
    bench.press(review.undo_button)
    assert not (bench.layer.features["label"] == "adatom").any()
