"""The view as a picture, asked for in napari's menu."""

from __future__ import annotations

import numpy as np
import pytest
from napari._app_model import get_app_model
from PIL import Image
from qtpy.QtWidgets import QFileDialog

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.layers import view_export
from napari_lattice_symmetry.plugin.layers.care import scale_bar_of, take_care

COMMAND = "napari-lattice-symmetry.export_view"


@pytest.fixture
def viewer(make_shown_viewer, movie, parameters, fake_model, tmp_path):
    analyze(movie, parameters, model=fake_model).save(tmp_path / "film.zarr")
    viewer = make_shown_viewer()
    take_care(viewer)
    scale, units = (0.5, 0.02, 0.01), ("s", "nm", "nm")
    viewer.add_image(movie.frames, name="growth", scale=scale, units=units)
    viewer.open(tmp_path / "film.zarr", plugin="napari-lattice-symmetry")
    viewer.screenshot(flash=False)
    return viewer


def picture(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=int)


def test_legend_and_scale_bar_are_there_or_not(viewer, tmp_path):
    pictures = {}
    for legend in (True, False):
        for bar in (True, False):
            path = tmp_path / f"{legend}-{bar}.png"
            view_export.save_view(viewer, path, legend=legend, scale_bar=bar)
            pictures[legend, bar] = picture(path)
    assert scale_bar_of(viewer).visible
    height, width = pictures[True, True].shape[:2]
    legend = np.abs(pictures[True, False] - pictures[False, False]).sum(axis=2) > 30
    bar = np.abs(pictures[False, True] - pictures[False, False]).sum(axis=2) > 30
    assert legend[height // 2 :, : width // 2].sum() == legend.sum() > 1000  # lower left
    assert bar[height // 2 :, width // 2 :].sum() == bar.sum() > 100  # lower right


def test_it_is_asked_for_in_the_menu(viewer, tmp_path, monkeypatch):
    seen = []

    def accept(options):
        seen.append((options.legend.isChecked(), options.scale_bar.isChecked()))
        options.legend.setChecked(False)
        return options.DialogCode.Accepted

    monkeypatch.setattr(view_export.ViewOptions, "exec", accept)
    chosen = (str(tmp_path / "view"), "Image (*.jpg)")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: chosen)
    get_app_model().commands.execute_command(COMMAND).result()
    assert seen == [(True, True)]
    assert picture(tmp_path / "view.jpg").shape[2] == 3


def test_other_endings_are_refused(viewer, tmp_path):
    with pytest.raises(InputError, match=r"view\.gif must end in \.png"):
        view_export.save_view(viewer, tmp_path / "view.gif")
