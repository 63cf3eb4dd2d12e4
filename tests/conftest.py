"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from stand_in import FakeClassifier


@pytest.fixture
def fake_model():
    """A deterministic stand-in for a network; see `FakeClassifier`."""
    return FakeClassifier()


@pytest.fixture
def shared_data():
    """Folder of the real images, or a skip that says how to get them."""
    folder = os.environ.get("LATTICE_SYMMETRY_DATA")
    if not folder:
        pytest.skip("set LATTICE_SYMMETRY_DATA to the folder of real test images")
    return Path(folder)


@pytest.fixture
def make_shown_viewer(make_napari_viewer):
    """Make a viewer whose window is really shown."""

    def make():
        viewer = make_napari_viewer(show=True)
        # Software OpenGL crashes where a layer goes that was never drawn.
        viewer.layers.events.removing.connect(lambda _event: viewer.screenshot(flash=False))
        return viewer

    return make
