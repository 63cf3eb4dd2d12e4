"""A viewer with the widget in it, a stand-in network, and settings that no test leaves behind."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from waiting import PATIENCE

from napari_lattice_symmetry.bravais.registry import REGISTRY


@pytest.fixture(autouse=True)
def _forgetful(forgetful):
    pass


@pytest.fixture(autouse=True)
def network(fake_model, monkeypatch):
    """The stand-in network under every name, which docks load when they open.

    Its ``classify_blocks`` may be replaced.
    """
    monkeypatch.setattr("napari_lattice_symmetry.bravais.load_model", lambda *_: fake_model)
    monkeypatch.delitem(REGISTRY.entries["compact"], "verdict")  # no verdict knows a stand-in
    return fake_model


@pytest.fixture
def gate(network, monkeypatch):
    """Let the network do as many blocks of windows as the gate was released for."""
    gate = threading.Semaphore(0)
    plain = network.classify_blocks

    def waiting(*args, **keywords):
        for block in plain(*args, **keywords):
            assert gate.acquire(timeout=PATIENCE), "the test let no further block through"
            yield block

    monkeypatch.setattr(network, "classify_blocks", waiting, raising=False)
    yield gate
    gate.release(1000)


@pytest.fixture
def messages():
    """Ask for the text of every notification since the test began."""
    start = len(notification_manager.records)
    return lambda: [record.message for record in notification_manager.records[start:]]


@pytest.fixture
def stack():
    """Four frames, 80 x 112, of "square" gray with "hexagonal" gray from column 76 on."""
    frames = np.full((4, 80, 112), 5.0, np.float32)
    frames[..., 76:] = 35
    return frames


@pytest.fixture
def result_layers():
    """Find the layers of results in a viewer: by what they show, the newest of each."""

    def find(viewer):
        titles = {"labels": "classes", "entropy": "uncertainty"}
        titles |= {"apparent_labels": "apparent classes"}
        found = {}
        for layer in viewer.layers:
            about = layer.metadata.get("napari-lattice-symmetry")
            if about is not None:
                kind = about["kind"]
                found[about["class"] or titles.get(kind, kind)] = layer
        return found

    return find


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


class Bench:
    """The widget in a viewer, and what tests do with it."""

    def __init__(self, viewer, qtbot, find_layers):
        self.viewer, self.qtbot, self._find_layers = viewer, qtbot, find_layers
        self.open()

    def open(self):
        _, self.widget = self.viewer.window.add_plugin_dock_widget(
            "napari-lattice-symmetry", "Lattice symmetry"
        )
        self.set(window=32, stride=8, samples=5)

    def close(self):
        self.viewer.window.remove_dock_widget(self.widget.parent())

    def set(self, **settings):
        for name, value in settings.items():
            self.widget.parameters[name].value = value

    def wait(self, condition):
        self.qtbot.waitUntil(condition)

    def finish(self):
        self.wait(lambda: self.widget.run is not None and self.widget.run.is_over)

    def run(self):
        self.widget.run_button.click()
        self.finish()

    def layers(self):
        return self._find_layers(self.viewer)


@pytest.fixture
def bench(viewer, network, qtbot, result_layers):
    """The widget, set to make small maps, in a viewer without layers."""
    return Bench(viewer, qtbot, result_layers)


@pytest.fixture
def shown_bench(make_shown_viewer, network, qtbot, result_layers):
    """The same in a window that is shown and laid out, so that clicks meet what they aim at."""
    bench = Bench(make_shown_viewer(), qtbot, result_layers)
    bench.wait(
        lambda: bench.widget.run_button.height() == bench.widget.run_button.sizeHint().height()
    )
    return bench
