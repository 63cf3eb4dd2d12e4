"""The dock "Watch a folder", with files written beside it."""

from __future__ import annotations

import re
import threading
import time

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QShortcut
from waiting import PATIENCE

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.analysis.watch import WATCH_SETTINGS
from napari_lattice_symmetry.data.growing import GrowingMovie
from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.io.growing import open_growing
from napari_lattice_symmetry.plugin.background.run_bar import CANCEL_KEYS, RUN_KEYS
from napari_lattice_symmetry.plugin.layers.result_group import show_map
from napari_lattice_symmetry.plugin.layers.result_layers import count_labels
from napari_lattice_symmetry.plugin.readers import read_layers
from napari_lattice_symmetry.plugin.structure.selection_link import SelectionLink
from napari_lattice_symmetry.results import load_result


def press_keys(widget, keys):
    """Let a shortcut act: a test has no window manager that gives the window the keyboard."""
    (shortcut,) = (each for each in widget.findChildren(QShortcut) if each.key().toString() == keys)
    shortcut.activated.emit()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Look often, and give up soon."""
    plain = open_growing

    def open_quickly(path, **options):
        return plain(path, **options, interval=0.05, patience=0.5)

    monkeypatch.setattr("napari_lattice_symmetry.plugin.watch.widget.open_growing", open_quickly)


class Watch:
    """The dock in a viewer, and what tests do with it."""

    def __init__(self, viewer, qtbot, folder, stack):
        self.viewer, self.qtbot, self.folder, self.stack = viewer, qtbot, folder, stack
        _, self.widget = viewer.window.add_plugin_dock_widget(
            "napari-lattice-symmetry", "Watch a folder"
        )
        for name, value in {"window": 32, "stride": 8, "samples": 5}.items():
            self.widget.parameters[name].value = value
        self.widget.place.setText(str(folder))

    def write(self, *numbers):
        for number in numbers:
            frame = self.stack[number % len(self.stack)] + number
            tifffile.imwrite(self.folder / f"frame_{number}.tif", frame)

    def click(self):
        self.qtbot.mouseClick(self.widget.button, Qt.MouseButton.LeftButton)

    def wait(self, condition):
        self.qtbot.waitUntil(condition)

    def wait_for(self, n_done):
        self.wait(lambda: self.widget.run is not None and self.widget.run.n_done == n_done)
        self.wait(lambda: self.labels() is not None and len(self.labels().data) >= n_done)

    def labels(self):
        names = [layer for layer in self.viewer.layers if layer.name == "classes · frames"]
        return names[0] if names else None

    def stop(self):
        self.widget.stop()
        self.wait(lambda: self.widget.run.is_over)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    return folder


@pytest.fixture
def watch(viewer, network, qtbot, folder, stack):
    watch = Watch(viewer, qtbot, folder, stack)
    yield watch
    watch.stop() if watch.widget.is_running else None


def test_layers_and_plot_grow_with_every_frame(watch, network):
    watch.click()
    assert watch.widget.button.text() == "&Stop"
    watch.write(0, 1)
    watch.wait_for(2)
    watch.wait(lambda: len(watch.widget.canvas.figure.axes[0].lines[0].get_xdata()) == 2)
    watch.write(2, 3, 4)
    watch.wait_for(5)
    watch.wait(lambda: len(watch.widget.canvas.figure.axes[0].lines[0].get_xdata()) == 5)
    assert watch.viewer.dims.current_step[0] == 4
    assert watch.viewer.layers["frames"].data.shape == (5, *watch.stack.shape[1:])
    watch.stop()
    assert watch.widget.status.text() == "Stopped: 5 analyzed, 0 waiting."
    finished = analyze(read_movie(watch.folder), watch.widget.run.parameters, model=network)
    np.testing.assert_array_equal(watch.labels().data, finished.labels)
    np.testing.assert_array_equal(watch.viewer.layers["P(square) · frames"].data, finished.mean[0])
    np.testing.assert_array_equal(watch.widget.run.result.std, finished.std)


def test_every_row_can_be_filled(watch):
    rows = {field.name for field in watch.widget.parameters}
    assert {*WATCH_SETTINGS} - rows == {"distortion"}, "which is measured of an image that is there"
    assert rows < {*WATCH_SETTINGS}


def test_the_result_is_shared_with_other_docks(watch):
    watch.write(0)
    watch.click()
    watch.wait_for(1)
    selection = watch.widget.selection
    assert selection.result is watch.widget.run.result
    assert selection.image == watch.viewer.layers["frames"]
    assert len({len(each.data) for each in watch.viewer.layers}) == 1


def test_a_watched_result_is_saved_by_the_dock_that_analyzes(
    watch, messages, monkeypatch, tmp_path
):
    watch.write(0, 1)
    watch.click()
    watch.wait_for(2)
    _, dock = watch.viewer.window.add_plugin_dock_widget(
        "napari-lattice-symmetry", "Lattice symmetry"
    )
    path = tmp_path / "watched.zarr"
    monkeypatch.setattr(
        "napari_lattice_symmetry.plugin.analyze.widget.QFileDialog.getSaveFileName",
        lambda *_: (str(path), ""),
    )
    dock.save_button.click()
    assert messages() == [f"Saved {path}."]
    saved = load_result(path)
    np.testing.assert_array_equal(saved.labels, watch.widget.run.result.labels[:2])
    assert saved.done.all()


def test_layers_of_a_watch_are_saved_while_it_grows(watch, tmp_path, qtbot):
    watch.write(0, 1)
    watch.click()
    watch.wait_for(2)
    result, labels = watch.widget.run.result, watch.labels()
    maps, state = result.labels, result.state
    watch.stop()
    result.maps["labels"] = maps[:2]  # a frame comes in: not all maps have got longer
    result.maps["entropy"] = np.concatenate([result.entropy, result.entropy[:1]])
    watch.viewer.layers.selection = {labels}
    path = tmp_path / "watched.ome.zarr"
    watch.viewer.layers.save(str(path), selected=True, plugin="napari-lattice-symmetry")
    ((data, *_),) = read_layers(str(path))
    np.testing.assert_array_equal(data, maps)
    assert len(state) == 2


def test_hidden_layers_follow_when_they_are_shown(watch):
    watch.write(0)
    watch.click()
    watch.wait_for(1)
    watch.write(1, 2)
    watch.wait_for(3)
    hidden = watch.viewer.layers["P(noise) · frames"]
    hidden.visible = True
    watch.wait(lambda: len(hidden.data) == 3)


def test_windows_may_be_painted_meanwhile(watch, messages):
    watch.write(0)
    watch.click()
    watch.wait_for(1)
    link = SelectionLink(watch.viewer, watch.widget)
    link.open(watch.labels(), np.argwhere(watch.labels().data))
    link.paint(np.ones(len(link.lit), dtype=bool))
    painted = link.region
    link.release()
    watch.write(1)
    watch.wait_for(2)
    assert messages() == []
    np.testing.assert_array_equal(painted.data, np.ones_like(watch.labels().data[:1]))


def test_keys_alone_are_enough(watch, qtbot):
    widget = watch.widget
    widget.place.clear()
    widget.place.setFocus()
    qtbot.keyClicks(widget.place, str(watch.folder))
    chain = [widget.place]
    while (following := chain[-1].nextInFocusChain()) not in chain:
        chain.append(following)
    for control in (widget.button, widget.follow, widget.pattern, widget.folder_button):
        assert control in chain
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
    watch.write(0)
    widget.button.setFocus()
    qtbot.keyClick(widget.button, Qt.Key.Key_Space)
    watch.wait_for(1)
    qtbot.keyClick(widget.button, Qt.Key.Key_Space)
    watch.wait(lambda: widget.run.is_over)


def test_following_ends_when_the_slider_is_moved(watch):
    watch.write(0, 1, 2)
    watch.click()
    watch.wait_for(3)
    watch.wait(lambda: watch.viewer.dims.current_step[0] == 2)
    watch.viewer.dims.set_current_step(0, 1)
    watch.write(3)
    watch.wait_for(4)
    watch.wait(lambda: not watch.widget.follow.isChecked())
    assert watch.viewer.dims.current_step[0] == 1
    watch.widget.follow.setChecked(True)
    watch.write(4)
    watch.wait(lambda: watch.viewer.dims.current_step[0] == 4)


def test_backlog_is_shown_and_caught_up(watch, gate):
    watch.write(*range(6))
    watch.click()
    watch.wait(lambda: "waiting" in watch.widget.status.text())
    gate.release(2)  # the first frame is shown once the block after it is done
    watch.wait(lambda: re.search("1 analyzed, [45] waiting", watch.widget.status.text()))
    watch.wait(lambda: watch.widget.progress.value() == 1)
    assert watch.widget.progress.maximum() in (5, 6)
    gate.release(100)
    watch.wait_for(6)
    watch.wait(lambda: "6 analyzed, 0 waiting" in watch.widget.status.text())


def test_a_half_written_file_waits_and_a_bad_one_is_skipped(watch, messages):
    watch.write(0)
    (watch.folder / "frame_1.tif").write_bytes(b"II*\0 cut off")
    watch.write(2)
    watch.click()
    watch.wait(lambda: "Waiting for frame_1.tif" in watch.widget.status.text())
    watch.wait_for(2)
    watch.wait(lambda: "2 analyzed, 1 skipped" in watch.widget.status.text())
    assert any("frame_1.tif" in message for message in messages())
    np.testing.assert_array_equal(watch.widget.run.result.failed, [False, True, False])


@pytest.mark.parametrize("what", ["classes · frames", "frames"])
def test_a_layer_may_be_removed_renamed_or_edited(watch, what):
    watch.write(0, 1)
    watch.click()
    watch.wait_for(2)
    layer = watch.viewer.layers[what]
    layer.name = "something else"
    if what == "classes · frames":
        layer.paint((0, 0, 0), 3)
    watch.write(2)
    watch.wait(lambda: len(layer.data) == 3)
    watch.viewer.layers.remove(layer)
    watch.write(3)
    watch.wait(lambda: watch.widget.run.n_done == 4)
    hidden = watch.viewer.layers["P(noise) · frames"]
    hidden.visible = True
    watch.wait(lambda: len(hidden.data) == 4)
    assert layer not in watch.viewer.layers


def test_it_stops_when_all_its_layers_are_gone(watch):
    watch.write(0)
    watch.click()
    watch.wait_for(1)
    watch.viewer.layers.clear()
    watch.write(1)
    watch.wait(lambda: watch.widget.run.is_over)
    assert watch.widget.status.text() == "Stopped, since all layers of the result were removed."
    assert not watch.viewer.layers


def test_what_cannot_be_watched_is_said(watch, messages, qtbot):
    watch.widget.place.setText("/no/such/folder")
    watch.click()
    assert "/no/such/folder does not exist" in watch.widget.status.text()
    watch.widget.place.setText("")
    watch.click()
    assert messages()[-1] == "Choose a folder, a TIFF file or a Zarr folder to watch."
    watch.widget.place.setText(str(watch.folder))
    watch.widget.parameters["window"].value = 512
    watch.write(0)
    watch.click()
    watch.wait(lambda: watch.widget.run is not None and watch.widget.run.is_over)
    assert "window" in messages()[-1]
    assert watch.widget.button.text() == "&Start"


def test_a_choice_is_offered_where_files_hold_several_images(watch, messages, monkeypatch):
    boxes = watch.widget.choice.boxes
    assert all(box.isHidden() for box in boxes.values())
    for number, frame in enumerate(watch.stack[:2]):
        np.savez(watch.folder / f"{number}.npz", height=frame, current=[frame, -frame])
    watch.click()
    watch.wait(lambda: watch.widget.run is not None and watch.widget.run.is_over)
    assert "0.npz holds several datasets" in messages()[-1]
    assert watch.widget.status.text() == "Choose a dataset above, and start again."
    box = boxes["dataset"]
    assert (box.isHidden(), boxes["channel"].isHidden()) == (False, True)
    assert [box.itemText(i) for i in range(box.count())] == ["choose…", "height", "current"]
    box.setCurrentText("height")
    watch.click()
    watch.wait_for(2)
    assert not box.isEnabled()
    watch.stop()
    finished = read_movie(watch.folder, dataset="height")
    np.testing.assert_array_equal(watch.viewer.layers["frames"].data, finished.frames)
    watch.widget.place.setText("/somewhere/else")
    assert box.isHidden()
    assert watch.widget.choice.chosen("dataset") is None


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("out of memory\nat 7"), "out of memory"),
        (ZeroDivisionError("odd"), "ZeroDivisionError: odd"),
    ],
)
def test_an_error_in_the_worker_is_one_sentence(watch, messages, monkeypatch, error, line):
    def fail(*_):
        raise error

    monkeypatch.setattr(GrowingMovie, "_land", fail)
    watch.write(0)
    watch.click()
    watch.wait(lambda: watch.widget.run.is_over)
    assert messages()[-1] == f"frames: the watch failed ({line})."
    assert watch.widget.status.text() == "Stopped by an error: 0 analyzed, 0 waiting."


def test_to_the_disk_and_on(watch, network, tmp_path):
    watch.widget.output.path.setText(str(tmp_path / "result"))
    watch.write(0, 1)
    watch.click()
    watch.wait_for(2)
    watch.stop()
    watch.viewer.layers.clear()
    watch.write(2)
    watch.click()
    watch.wait_for(3)
    watch.stop()
    finished = analyze(read_movie(watch.folder), watch.widget.run.parameters, model=network)
    np.testing.assert_array_equal(load_result(tmp_path / "result.zarr").mean, finished.mean)
    np.testing.assert_array_equal(watch.labels().data, finished.labels)
    features = watch.labels().features["area share"]
    assert features.sum() == pytest.approx(1, abs=1e-3)


def test_what_is_continued_is_counted_once_and_beside_the_screen(watch, monkeypatch, tmp_path):
    path = tmp_path / "result.zarr"
    watch.widget.output.path.setText(str(path))
    watch.write(0, 1)
    watch.click()
    watch.wait_for(2)
    watch.stop()
    watch.viewer.layers.clear()
    frame = watch.stack[0].copy()
    frame[:, 20:] = 35
    tifffile.imwrite(watch.folder / "frame_2.tif", frame)
    counted = []

    def spy(labels):
        counted.append((len(labels), threading.current_thread()))
        return count_labels(labels)

    monkeypatch.setattr("napari_lattice_symmetry.plugin.runs.watch.count_labels", spy)
    watch.click()
    deadline = time.monotonic() + PATIENCE
    while load_result(path).done.sum() < 3 and time.monotonic() < deadline:
        time.sleep(0.05)  # the screen is busy, and the frame is in the result by now
    watch.wait_for(3)
    watch.stop()
    (n_before, thread), *others = counted
    assert n_before == 2
    assert thread is not threading.main_thread()
    assert len(others) == 1
    counts = np.bincount(watch.labels().data.compute().ravel(), minlength=7)[1:]
    np.testing.assert_allclose(
        watch.labels().features["area share"], counts / counts.sum(), atol=1e-4
    )


def test_closing_the_dock_stops_the_watch(watch):
    watch.write(0)
    watch.click()
    watch.wait_for(1)
    run = watch.widget.run
    watch.viewer.window.remove_dock_widget(watch.widget)
    watch.wait(lambda: run.is_over)
    n_layers = len(watch.viewer.layers)
    watch.write(1)
    watch.qtbot.wait(300)
    assert len(watch.viewer.layers) == n_layers


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_fits_a_small_screen(watch, theme):
    watch.viewer.theme = theme
    assert watch.widget.minimumSizeHint().height() <= 690
    assert watch.widget.minimumSizeHint().width() <= 480


def test_a_map_that_was_asked_for_follows_when_it_is_shown_again(watch):
    watch.write(0)
    watch.click()
    watch.wait_for(1)
    uncertainty = show_map(watch.viewer.layers, watch.labels(), "entropy")
    uncertainty.visible = False
    watch.labels().visible = True
    watch.write(1)
    watch.wait_for(2)
    watch.write(2)
    watch.wait_for(3)
    assert len(uncertainty.data) < 3
    uncertainty.visible = True
    watch.wait(lambda: len(uncertainty.data) == 3)


def test_keys_start_and_stop(watch):
    watch.widget.show()
    watch.write(0)
    press_keys(watch.widget, RUN_KEYS)
    assert watch.widget.is_running
    watch.wait_for(1)
    press_keys(watch.widget, RUN_KEYS)  # which ends nothing
    assert watch.widget.button.text() == "&Stop"
    press_keys(watch.widget, CANCEL_KEYS)
    watch.wait(lambda: watch.widget.run.is_over)
