"""Atoms scored, saved and counted in real windows."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from atoms_bench import FAINT, MISSING, SITES, AtomsBench
from qtpy.QtWidgets import QFileDialog

from napari_lattice_symmetry.atoms import Defects, read_atoms, sample_movie
from napari_lattice_symmetry.plugin.atoms.layers import found_in
from napari_lattice_symmetry.plugin.atoms.measures.marks import defects_layer
from napari_lattice_symmetry.plugin.layers.legend import legend_of

PIXEL = 0.01
N = len(SITES)


@pytest.fixture
def found(bench):
    """The atoms of the first two frames, with a pixel size."""
    film = bench.viewer.layers["film"]
    film.scale, film.translate, film.units = (1, PIXEL, PIXEL), (0, 5, 7), ("pixel", "nm", "nm")
    bench.settle()
    bench.widget.searching.frames.setCurrentText("all frames")
    bench.find()
    bench.widget.tabs.setCurrentWidget(bench.widget.check)
    return bench


def told(bench):
    return bench.widget.check.told.text()


def test_a_layer_in_other_units_is_the_truth_by_where_it_is_seen(found):
    check = found.widget.check
    assert check.radius.suffix() == " nm"
    assert check.radius.value() == pytest.approx(0.35 * 16 * PIXEL)
    world = SITES[:, ::-1] * PIXEL + (5, 7)
    found.viewer.add_points(world / 2, scale=(2, 2), units=("nm", "nm"), name="known")
    found.viewer.layers.selection.active = found.viewer.layers["atoms \u00b7 film"]
    check.truth.value = found.viewer.layers["known"]
    found.press(check.score_button)
    assert f"{2 * N - 1} pairs" in told(found)
    assert "0 extra" in told(found)
    assert "1 missed" in told(found)  # in the second of two frames; the third shows nothing
    marks = found.viewer.layers["score \u00b7 film"]
    assert marks.features["kind"].tolist() == ["missed"]
    np.testing.assert_allclose(marks.data, [[1, *SITES[MISSING][::-1]]], atol=1e-6)
    assert legend_of(marks).keys[0][1] == "\u25a0 missed"
    found.press(check.score_button)
    assert len(found.viewer.layers) == 4


def test_a_file_is_the_truth_or_is_refused_in_one_sentence(found, tmp_path):
    check = found.widget.check
    path = tmp_path / "truth.csv"
    rows = [f"0,{x * PIXEL},{y * PIXEL}" for x, y in np.delete(SITES, FAINT, axis=0)]
    path.write_text("\n".join(["frame,x_nm,y_nm", *rows]))
    check.score_file(path)
    assert "1 extra" not in told(found)  # frames without truth count as extra
    assert f"{N} extra" in told(found)
    assert "0 missed" in told(found)
    other = path.with_suffix(".xyz")
    other.write_text("1\nby another program\nC 1.0 2.0 0.0\n")
    check.score_file(other)
    assert "may be in angstrom" in told(found)
    path.write_text("frame,y,x,y_nm,x_nm\n0,8,8,0.16,0.16\n0,24,8,0.48,0.16\n")
    check.score_file(path)
    assert told(found).startswith("truth.csv was made with pixels of 0.02 x 0.02 nm")
    path.write_text("a,b\n1,2\n")
    check.score_file(path)
    assert told(found).startswith("truth.csv has no columns y and x")
    path.write_text("frame,y,x\n7,1,2\n")
    check.score_file(path)
    assert told(found) == "truth knows of no atoms in the frames that were searched."
    found.press(check.score_button)
    assert told(found) == "Choose the layer of known atoms, or a file of them."


@pytest.mark.parametrize("ending", ["csv", "xyz", "extxyz", "png"])
def test_atoms_are_saved_as_they_are_now(found, monkeypatch, tmp_path, ending):
    found.layer.add([1, 40, 40])
    found.settle()
    path = tmp_path / f"atoms.{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    found.press(found.widget.export_button)
    if ending == "csv":
        atoms = read_atoms(path)
        assert len(atoms) == 2 * N
        assert atoms.frame.tolist() == [0] * N + [1] * N
        assert atoms.more["origin"].tolist()[-2:] == ["found", "added"]
        with path.open(newline="") as file:
            assert "neighbor_nm" in next(csv.reader(file))
    elif ending == "png":
        assert path.stat().st_size > 1000
    else:
        assert path.read_text().count(f"{N}\n") == 2


def test_xyz_without_a_pixel_size_is_refused(bench, monkeypatch, tmp_path, messages):
    assert not bench.widget.export_button.isEnabled()
    bench.find()
    path = tmp_path / "atoms.xyz"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    bench.press(bench.widget.export_button)
    assert messages()[-1].startswith("atoms.xyz holds lengths in nm, and the pixel size is not")
    assert not list(tmp_path.iterdir())


def test_distances_are_drawn_and_follow_edits(found):
    (axes,) = found.widget.plots.canvas.figure.axes
    assert axes.get_xlabel() == "Nearest neighbor (nm)"
    assert axes.get_title().startswith(f"{2 * N - 1} atoms\nmedian 0.16 nm")
    found.layer.add([1, 40, 40])
    found.settle()
    (axes,) = found.widget.plots.canvas.figure.axes
    assert axes.get_title().startswith(f"{2 * N} atoms")


def test_kinds_of_defects_are_told_by_color_and_symbol(found):
    defects = Defects.at(["vacancy", "adatom", "vacancy"], [8, 8, 24], [8, 24, 8], frame=[0, 0, 1])
    layer = defects_layer(defects, None, found.layer, found_in(found.layer))
    assert layer.symbol[0] == layer.symbol[2] != layer.symbol[1]
    assert (layer.face_color[0] != layer.face_color[1]).any()
    assert [key[1] for key in legend_of(layer).keys] == ["\u25a0 adatom", "\u25b2 vacancy"]


def test_the_sample_is_checked_class_by_class(make_shown_viewer, qtbot):
    viewer = make_shown_viewer()
    image, truth = viewer.open_sample("napari-lattice-symmetry", "atoms")
    viewer.dims.set_current_step(0, 0)
    true = sample_movie().atoms
    known = true[true.frame == 0]
    plain = known.with_columns(label=np.full(len(known), "atom"))
    for found, said in ((known, "F1 of Mo"), (plain, "classify them first")):
        bench = AtomsBench(viewer, qtbot, lambda _movie, found=found, **_: found)
        viewer.layers.selection.active = image
        bench.settle()
        bench.find()
        bench.widget.tabs.setCurrentWidget(bench.widget.check)
        bench.widget.check.truth.value = truth
        bench.press(bench.widget.check.score_button)
        assert "0 missed" in told(bench)
        assert said in told(bench)
    assert "F1 of" not in told(bench)
