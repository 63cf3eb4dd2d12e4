"""The tab of focal series in real windows: read, proposed, named, refused."""

from __future__ import annotations

import numpy as np
import pytest
from told_columns import Told

from napari_lattice_symmetry.atoms import sample_series
from napari_lattice_symmetry.atoms.focal import columns
from napari_lattice_symmetry.plugin.atoms.layers import atoms_in
from napari_lattice_symmetry.plugin.atoms.widget import AtomsWidget

SIDE = 0.016


class FocalBench:
    """The dock in a window, at its tab of focal series."""

    def __init__(self, viewer, qtbot):
        self.viewer, self.qtbot = viewer, qtbot
        self.dock = AtomsWidget(viewer)
        viewer.window.add_dock_widget(self.dock)
        self.tab = self.dock.focal
        self.dock.tabs.setCurrentWidget(self.tab)
        self.settle()

    def settle(self):
        self.qtbot.waitUntil(lambda: not self.dock.is_busy, timeout=120_000)

    def name(self):
        self.settle()
        self.tab.bar.button.click()
        self.settle()
        return self.tab.bar.status.text()


@pytest.fixture(scope="module")
def picture():
    return sample_series()


@pytest.fixture
def viewer(make_shown_viewer, monkeypatch, picture):
    monkeypatch.setattr(columns, "load_namer", lambda network: Told(picture))
    return make_shown_viewer()


def test_columns_of_the_sample_are_points_maps_and_vacancies(viewer, qtbot, picture):
    viewer.open_sample("napari-lattice-symmetry", "focal-series")
    image = viewer.layers["MoS2 focal series"]
    viewer.layers.selection.active = image
    bench = FocalBench(viewer, qtbot)
    assert bench.tab.defoci.text() == "-3, 2, 7"
    assert bench.tab.series.text() == "3 images of MoS2 focal series"
    proposed, *words = bench.tab.proposal.text().split()
    assert float(proposed) == pytest.approx(picture.pixel_size, rel=0.01)
    assert words == ["nm,", "by", "the", "lattice"]
    status = bench.name()
    counts = {name: int((picture.atoms.label == name).sum()) for name in ("Mo", "2S", "S")}
    assert status.startswith(", ".join(f"{n} {name}" for name, n in counts.items()))
    assert "vacancies/nm²" in status
    assert status.endswith("in the order 7, 2, -3 nm would fit as well; look at their order.")
    layer = viewer.layers["atoms · MoS2 focal series"]
    assert sorted(atoms_in(layer).label) == sorted(picture.atoms.label)
    assert bench.dock.color.currentData() == "label"
    assert (layer.scale[1], layer.translate[1]) == (3, 1)  # so that all three foci show them
    assert len(viewer.layers["vacancies · MoS2 focal series"].data) == counts["S"]
    for name in counts:
        map_ = viewer.layers[f"p {name} · MoS2 focal series"]
        np.testing.assert_allclose(map_.extent.world[:, -2:], image.extent.world[:, -2:], atol=0.05)
    image.translate = (0, 1.0, 2.0)
    bench.settle()
    np.testing.assert_allclose(layer.translate[-2:], (1, 2))


def test_layers_of_single_foci_are_a_series(viewer, qtbot, picture):
    for image, focus in zip(picture.images, picture.defoci, strict=True):
        viewer.add_image(image, name=f"{focus:g} nm")
    viewer.layers.selection = set(viewer.layers)
    bench = FocalBench(viewer, qtbot)
    assert bench.tab.series.text() == "3 images of -3 nm"
    bench.tab.defoci.setText("-3, 2, 7")
    assert "pixel size is not known" in bench.name()
    bench.tab.proposal.click()
    viewer.layers.selection = set(viewer.layers)
    np.testing.assert_allclose(viewer.layers[2].scale, SIDE, rtol=0.02)
    assert "vacancies/nm²" in bench.name()


def test_series_of_times_and_wrong_foci(viewer, qtbot, picture):
    series = np.stack([picture.images, picture.images])
    viewer.add_image(
        series, name="times", scale=(1, 1, SIDE, SIDE), units=("s", "pixel", "nm", "nm")
    )
    bench = FocalBench(viewer, qtbot)
    assert bench.tab.series.text() == "2 times 3 images of times"
    bench.tab.defoci.setText("a")
    assert bench.name().startswith("The defoci 'a' are no numbers")
    bench.tab.defoci.setText("7, 2, -3")
    assert "in the order -3, 2, 7 nm" in bench.name()
    bench.tab.defoci.setText("-3, 2, 7")
    assert bench.name().count("vacancies/nm²") == 2
    frames = viewer.layers["atoms · times"].data[:, 0]
    assert np.bincount(frames.astype(int)).tolist() == [len(picture.atoms)] * 2
