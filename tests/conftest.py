"""What all tests share."""

from __future__ import annotations

import gc
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from stand_in import FakeClassifier
from waiting import PATIENCE

from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
from napari_lattice_symmetry.data.movie import Movie

SQUARE_GRAY, HEXAGONAL_GRAY = 5, 35  # what the stand-in network calls square and hexagonal


HERE = Path(__file__).parent

LONGEST = (
    "plugin/evolution/test_widget.py",
    "io/test_fuzz.py",
    "plugin/inspect/test_widget.py",
    "plugin/structure/test_widget.py",
    "plugin/watch/test_widget.py",
    "test_kill.py",
    "plugin/analyze/test_widget.py",
    "bravais/test_training.py",
    "plugin/evolution/test_growing.py",
)
"""Files that workers take first, lest the last of them is waited for."""

NEEDS = {
    "gui": {"qtbot", "qapp", "make_napari_viewer", "viewer"},
    "data": {"shared_data"},
    "cluster": {"client"},
}
"""Markers that follow from the fixtures of a test."""

if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the processor, and so do their networks
    n_workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    threads = str(max((os.cpu_count() or 1) // n_workers, 1))
    for library in ("TF_NUM_INTRAOP", "TF_NUM_INTEROP", "OMP_NUM", "OPENBLAS_NUM", "NUMBA_NUM"):
        os.environ.setdefault(f"{library}_THREADS", threads)


def pytest_collection_modifyitems(items):
    """Mark tests by what they need, and put the files first that take the longest.

    The others go by name, however they were asked for: software OpenGL crashes in a process that
    has run `structure` before its first window.
    """
    for item in items:
        parts = item.path.relative_to(HERE).parts
        for marker, fixtures in NEEDS.items():
            if fixtures & set(item.fixturenames):
                item.add_marker(marker)
        if parts[0] == "plugin":
            item.add_marker("gui")
        if parts[0] == "e2e":
            item.add_marker("slow")
    order = {name: i for i, name in enumerate(LONGEST)}

    def place(item):
        name = item.path.relative_to(HERE).as_posix()
        return order.get(name, len(order)), name

    items.sort(key=place)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Let collections look only at what the test makes, not through all libraries each time.

    napari's viewers need one at the end of each test, which took a fifth to a half of its time.
    """
    gc.collect()
    gc.freeze()


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
def forgetful(tmp_path):
    """Keep what is remembered between sessions away from the user's settings."""
    from qtpy.QtCore import QSettings

    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path))


@pytest.fixture(scope="session")
def found_plugins():
    from npe2 import PluginManifest

    return list(PluginManifest.discover())


@pytest.fixture
def make_napari_viewer(make_napari_viewer, found_plugins, monkeypatch):
    """Make viewers as napari does, but look for plugins among all packages only once."""
    monkeypatch.setattr("npe2.PluginManifest.discover", lambda paths=(): iter(found_plugins))
    return make_napari_viewer


@pytest.fixture
def qtbot(qtbot):
    """Wait longer than the 5 s of its own, after which a busy machine has failed for no fault."""
    for name in ("waitUntil", "waitSignal"):
        setattr(qtbot, name, partial(getattr(qtbot, name), timeout=1000 * PATIENCE))
    return qtbot


@pytest.fixture
def make_shown_viewer(make_napari_viewer):
    """Make a viewer whose window is really shown."""

    def make():
        viewer = make_napari_viewer(show=True)
        # Software OpenGL crashes where a layer goes that was never drawn.
        viewer.layers.events.removing.connect(lambda _event: viewer.screenshot(flash=False))
        return viewer

    return make


@pytest.fixture
def parameters():
    return AnalysisParameters(window=32, stride=8, samples=7, seed=3, answer="network")


@pytest.fixture
def frames():
    """Six frames 48 x 80 in which the hexagonal part (on the right) gains 8 px a frame."""
    noise = np.random.default_rng(0).normal(0, 1, (6, 48, 80))
    edge = np.arange(72, 24, -8)[:, None, None]
    return np.where(np.arange(80) < edge, SQUARE_GRAY, HEXAGONAL_GRAY) + noise


@pytest.fixture
def movie(frames):
    return Movie(
        frames.astype(np.float32),
        name="growth",
        pixel_size=(0.02, 0.01),
        unit="nm",
        frame_time=0.5,
        source="/data/growth.tif",
    )
