"""The network is loaded when the dock opens, and whoever needs it meanwhile waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from napari_lattice_symmetry.bravais.classifier import BLOCK
from napari_lattice_symmetry.errors import ModelError
from napari_lattice_symmetry.plugin.runs import loading
from napari_lattice_symmetry.plugin.runs.loading import last_loading, remember_loading
from napari_lattice_symmetry.plugin.runs.speed import Speed


@pytest.fixture
def door(network, monkeypatch):
    """Let networks be loaded once the door is open; those asked for stand in its list."""
    door = threading.Event()
    door.asked = []

    def load(name, engine):
        door.asked.append(name)
        door.wait(60)
        return network

    monkeypatch.setattr("napari_lattice_symmetry.bravais.load_model", load)
    yield door
    door.set()


def test_loading_begins_with_the_dock_and_is_seen(door, shown_bench):
    widget = shown_bench.widget
    shown_bench.wait(lambda: door.asked == ["compact"])
    assert widget.loading.is_busy
    assert widget.status.text().endswith("Preparing the network…")
    assert widget.progress.maximum() == 0  # busy
    door.set()
    shown_bench.wait(lambda: not widget.loading.is_busy)
    assert "Preparing" not in widget.status.text()
    assert widget.progress.maximum() == 1
    assert widget.run is None


def test_a_run_meanwhile_waits_for_the_network(door, shown_bench, stack):
    shown_bench.viewer.add_image(stack, name="movie")
    widget = shown_bench.widget
    widget.run_button.click()
    shown_bench.wait(lambda: len(door.asked) == 2)
    assert widget.status.text() == "Preparing the network…"
    assert widget.progress.maximum() == 0
    door.set()
    shown_bench.finish()
    assert widget.run.result.done.all()
    assert widget.status.text().startswith("Finished: 4 frames in ")


def test_another_network_is_loaded_when_it_is_chosen(door, bench):
    door.set()
    bench.set(network="published")
    bench.wait(lambda: door.asked == ["compact", "published"])
    bench.wait(lambda: not bench.widget.loading.is_busy)
    bench.set(stride=16)
    assert not bench.widget.loading.is_busy


def test_what_loading_still_takes_is_part_of_the_time(door, bench, stack, monkeypatch):
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)  # of another test's network
    Speed(0.001, "compact", 32, 5).remember()
    remember_loading("onnx", 7200)
    bench.viewer.add_image(stack, name="movie")
    assert bench.widget.summary.time_text.text() == "about 1 s for 4 frames"  # when it opened
    bench.close()
    bench.open()
    assert bench.widget.summary.time_text.text() == "about 2 h for 4 frames"
    door.set()
    bench.wait(lambda: not bench.widget.loading.is_busy)
    assert bench.widget.summary.time_text.text() == "about 1 s for 4 frames"


def test_only_the_first_network_of_a_session_is_timed(door, bench, monkeypatch):
    door.set()
    bench.wait(lambda: not bench.widget.loading.is_busy)
    first = last_loading("onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    bench.set(network="published")
    bench.wait(lambda: not bench.widget.loading.is_busy)
    assert last_loading("onnx") == first


@pytest.fixture(params=[ModelError("No weights."), ImportError("no engine")])
def fault(request, network, monkeypatch):
    """What goes wrong whenever a network is loaded."""

    def load(name, engine):
        raise request.param

    monkeypatch.setattr("napari_lattice_symmetry.bravais.load_model", load)
    return str(request.param)


def test_loading_that_fails_is_told_and_told_again_by_run(fault, bench, stack, messages):
    bench.viewer.add_image(stack, name="movie")
    bench.wait(lambda: not bench.widget.loading.is_busy)
    assert fault in bench.widget.loading.problem
    assert bench.widget.status.text().endswith(bench.widget.loading.problem)
    assert messages() == []
    bench.run()
    assert len(messages()) == 1
    assert fault in messages()[0]


def test_what_failed_is_loaded_again_by_run(fault, bench, stack, network, monkeypatch):
    loading = bench.widget.loading
    bench.viewer.add_image(stack, name="movie")
    bench.wait(lambda: not loading.is_busy)
    assert loading.problem
    monkeypatch.setattr("napari_lattice_symmetry.bravais.load_model", lambda *_: network)
    bench.run()
    bench.wait(lambda: not loading.is_busy)
    assert loading.problem == ""
    assert bench.widget.status.text().startswith("Finished: 4 frames in ")


def test_a_dock_may_be_closed_meanwhile(door, bench, qtbot):
    widget = bench.widget
    bench.wait(lambda: door.asked == ["compact"])
    bench.close()
    told = widget.status.text()
    with qtbot.waitSignal(widget.loading.changed):
        door.set()
    assert widget.status.text() == told


RUN = """
import sys
import napari
from qtpy.QtWidgets import QApplication
import napari_lattice_symmetry as nls

viewer = napari.Viewer(show=False)
viewer.add_image(nls.simulate("two-grains").movie.frame(0)[:160, :192])
_, dock = viewer.window.add_plugin_dock_widget("napari-lattice-symmetry", "Lattice symmetry")
dock.parameters["samples"].value = 5
dock.run_button.click()
while not dock.run.is_over:
    QApplication.processEvents()
viewer.close()
assert dock.run.result.done.all()
assert dock.run.result.parameters.is_verdict
assert not {"keras", "tensorflow"} & {*sys.modules}
"""


@pytest.mark.slow
def test_a_click_loads_no_tensorflow(tmp_path):
    settings = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", RUN], env=settings, check=True, timeout=500)


def test_what_a_run_begins_with_is_rehearsed_when_the_dock_opens(bench, network, monkeypatch):
    fitted = []
    monkeypatch.setattr(loading, "fit_lattices", fitted.append)
    classified = []
    monkeypatch.setattr(network, "classify", classified.append, raising=False)
    bench.set(network="published")
    bench.wait(lambda: bool(fitted and classified))
    assert len(classified[-1]) == len(fitted[-1]) == BLOCK  # no run will ask for more at a time


COMPILE = """
from threading import Thread
import numpy as np
from napari.layers import Labels
from numba.core.event import RecordingListener, register
from napari_lattice_symmetry.plugin.layers.result_layers import class_colors, compile_class_map

compiled = RecordingListener()
register("numba:compile", compiled)
thread = Thread(target=compile_class_map)
thread.start()
thread.join()
assert compiled.buffer
compiled.buffer.clear()
Labels(np.ones((3, 9, 9), np.uint8), colormap=class_colors())
assert not compiled.buffer
"""


@pytest.mark.slow
def test_napari_has_nothing_to_compile_for_the_first_class_map():
    pytest.importorskip("numba", reason="without numba napari compiles nothing")
    subprocess.run([sys.executable, "-c", COMPILE], check=True, timeout=500)
