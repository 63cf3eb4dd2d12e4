"""A sample that takes a while: it is seen how far it is, and nobody has to wait for its end."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QProgressDialog

from napari_lattice_symmetry.lattice import simulate

N_FRAMES = 12


@pytest.fixture
def dialog(monkeypatch):
    """A short movie, and what happens when its dialog is seen."""
    monkeypatch.setattr(
        "napari_lattice_symmetry.lattice.simulate",
        lambda name, **options: simulate(name, frames=N_FRAMES, size=128, **options),
    )
    monkeypatch.setattr("napari_lattice_symmetry.plugin.widgets.progress_dialog._SHORT", 0)
    seen = []

    def look():
        shown = QApplication.activeModalWidget()
        if isinstance(shown, QProgressDialog):
            seen.append((shown.value(), shown.maximum(), shown.labelText()))
            dialog.seen_by(shown)

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(0)
    dialog = timer
    dialog.seen, dialog.seen_by = seen, lambda _shown: None
    yield dialog
    timer.stop()


def test_a_sample_tells_how_far_it_is(make_shown_viewer, dialog):
    viewer = make_shown_viewer()
    movie, truth = viewer.open_sample("napari-lattice-symmetry", "growing-holes")
    plain = simulate("growing-holes", frames=N_FRAMES, size=128)
    np.testing.assert_array_equal(movie.data, plain.movie.frames)
    np.testing.assert_array_equal(truth.data, plain.classes)
    done = [value for value, _, _ in dialog.seen]
    assert len(set(done)) > 2
    assert done == sorted(done)
    assert {maximum for _, maximum, _ in dialog.seen} == {N_FRAMES}
    assert dialog.seen[0][2].startswith("Simulating the growing holes…")
    assert QApplication.activeModalWidget() is None


def test_cancel_keeps_the_frames_so_far(make_shown_viewer, dialog, messages):
    viewer = make_shown_viewer()
    dialog.seen_by = lambda shown: shown.cancel()
    movie, truth = viewer.open_sample("napari-lattice-symmetry", "growing-holes")
    assert 1 <= len(movie.data) < N_FRAMES
    assert truth.data.shape == movie.data.shape
    whole = simulate("growing-holes", frames=N_FRAMES, size=128)
    np.testing.assert_array_equal(movie.data, whole.movie.frames[: len(movie.data)])
    assert messages() == []
