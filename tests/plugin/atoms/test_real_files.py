"""Real images in a real window: opened, searched with the shipped network, measured."""

from __future__ import annotations

import numpy as np
import pytest
from atoms_bench import AtomsBench

from napari_lattice_symmetry.atoms import find_atoms

GRAPHENE, MOS2 = 0.0078125, 0.01367
BOND = 0.142


@pytest.fixture
def open_file(make_shown_viewer, qtbot, shared_data):
    """Open a file of the shared data, calibrated, with the dock beside it."""

    def open_it(name, pixel):
        viewer = make_shown_viewer()
        (layer,) = viewer.open(str(shared_data / name), plugin="napari-lattice-symmetry")
        layer.scale = [*([1] * (layer.ndim - 2)), pixel, pixel]
        layer.units = [*(["pixel"] * (layer.ndim - 2)), "nm", "nm"]
        return AtomsBench(viewer, qtbot, find_atoms)

    return open_it


def measure(bench, kind):
    bench.press(bench.widget.measures.buttons[kind])
    return bench.widget.measures.told.text()


def test_a_grain_boundary_shows_its_rings(open_file):
    bench = open_file("atoms/graphene_stem_grainboundary_4nm.npy", GRAPHENE)
    bench.find(spacing=BOND / GRAPHENE)
    assert len(bench.layer.data) == pytest.approx(611, rel=0.03)
    assert "of 6" in measure(bench, "rings")
    (marks,) = [each for each in bench.viewer.layers if each.name.startswith("rings")]
    kinds = marks.features["kind"].to_numpy()
    odd = marks.data[np.isin(kinds, ["ring of 5", "ring of 7"])]
    assert (kinds == "ring of 7").sum() >= 6
    # The boundary runs through the middle, and up at the right.
    along = (abs(odd[:, -2] - 265) < 60) | (odd[:, -1] > 450)
    assert along.mean() > 0.8


def test_a_silicon_atom_is_the_brightest(open_file):
    bench = open_file("atoms/graphene_stem_Si_2nm.npy", GRAPHENE)
    bench.find(spacing=BOND / GRAPHENE)
    brightest = bench.layer.data[np.nanargmax(bench.layer.features["intensity"])]
    assert brightest[-2:] == pytest.approx((138, 96), abs=4)


def test_a_layer_with_vacancies_shows_its_classes_and_its_holes(open_file):
    bench = open_file("images/MoS2_stem_Exp-001-5.npy", MOS2)
    bench.find()
    bench.widget.measures.form["names"].value = "S2, Mo"
    assert "Mo" in measure(bench, "label")
    labels = bench.layer.features["label"].to_numpy()
    assert 0.8 < (labels == "Mo").sum() / 566 < 1.05
    assert "missing" in measure(bench, "defects")
    (marks,) = [each for each in bench.viewer.layers if each.name.startswith("defects")]
    missing = marks.data[marks.features["kind"] == "missing"][:, -2:]
    for dark in ((174, 157), (340, 376)):  # holes that are seen
        assert np.linalg.norm(missing - dark, axis=1).min() < 8
