"""The worker and the run: done, cancelled, failed, and layers that vanish meanwhile."""

from __future__ import annotations

import threading

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_lattice_symmetry import AnalysisParameters
from napari_lattice_symmetry.analysis import Step
from napari_lattice_symmetry.lattice.strain import StrainMaps
from napari_lattice_symmetry.plugin.cells.layers import STRAIN, strain_layers
from napari_lattice_symmetry.plugin.layers.result_group import add_made_of_result
from napari_lattice_symmetry.plugin.layers.result_layers import count_labels, layer_maps
from napari_lattice_symmetry.plugin.runs.analysis import AnalysisRun
from napari_lattice_symmetry.plugin.runs.speed import last_speed
from napari_lattice_symmetry.plugin.selection.source import take_source
from napari_lattice_symmetry.plugin.structure.selection_link import SelectionLink

N_WINDOWS, N_BLOCKS = 13 * 21, 5  # of a frame of `stack`
N_LAYERS = 7  # of a result: the classes, and the probability of each
SMALL = {"window": 32, "stride": 4, "samples": 5}


class Runs:
    """Runs in a viewer without a window."""

    def __init__(self, qtbot, find_layers):
        self.viewer, self.qtbot, self._find_layers = ViewerModel(), qtbot, find_layers
        self.begun = []

    def begin(self, frames, settings=None, **image_options):
        source = take_source(self.viewer.add_image(frames, name="movie", **image_options))
        parameters = AnalysisParameters(**(SMALL | (settings or {})))
        return self.start(AnalysisRun(self.viewer, source, parameters))

    def start(self, run):
        self.begun.append(run)
        run.start()
        return run

    def wait(self, condition):
        self.qtbot.waitUntil(condition)

    def layers(self):
        return self._find_layers(self.viewer)


@pytest.fixture
def runs(network, qtbot, result_layers):
    runs = Runs(qtbot, result_layers)
    yield runs
    for run in runs.begun:
        run.abandon()
        runs.wait(lambda run=run: run.is_over)


def test_done(runs, stack):
    run = runs.begin(stack)
    runs.wait(lambda: run.is_over)
    assert run.result.done.all()
    assert run.error is None
    assert run.describe_end().startswith("Finished: 4 frames in ")
    assert run.speed.seconds_per_window > 0
    assert last_speed() == run.speed
    labels = runs.layers()["classes"]
    assert np.all(labels.data > 0)
    for layer in run.layers:
        np.testing.assert_array_equal(layer.data, layer_maps(layer, run.result))


def test_the_worker_keeps_off_the_gui(runs, network, monkeypatch, stack):
    workers, receivers = set(), []
    plain = network.classify_blocks

    def spying(*args, **keywords):
        workers.add(threading.current_thread())
        return plain(*args, **keywords)

    monkeypatch.setattr(network, "classify_blocks", spying, raising=False)
    run = runs.begin(stack)
    run.frame_done.connect(lambda _: receivers.append(threading.current_thread()))
    runs.wait(lambda: run.is_over)
    assert workers
    assert threading.main_thread() not in workers
    assert receivers == [threading.main_thread()] * len(stack)


def test_progress_is_counted_in_windows(runs, gate, stack):
    run = runs.begin(stack)
    seen = []
    run.progressed.connect(lambda done, total: seen.append((done, total)))
    gate.release(N_BLOCKS + 1)
    runs.wait(lambda: len(seen) == N_BLOCKS + 1)
    assert seen[-1] == (N_WINDOWS + 64, 4 * N_WINDOWS)
    text = run.describe_progress(*seen[-1])
    assert text.startswith("Frame 2 of 4, about ")
    assert text.endswith(" left")


def test_strain_that_is_mapped_meanwhile_is_not_filled(runs, gate, stack):
    run = runs.begin(stack)
    gate.release(N_BLOCKS)
    runs.wait(lambda: bool(run.layers))
    maps = StrainMaps(*np.zeros((4, *run.result.labels.shape)), None, np.eye(2))
    made = strain_layers(maps, run.layers[0], with_errors=False)
    add_made_of_result(runs.viewer.layers, run.layers[0], STRAIN, made)
    gate.release(1000)
    runs.wait(lambda: run.is_over)
    assert run.result.done.all()
    for layer in run.layers:
        np.testing.assert_array_equal(layer.data, layer_maps(layer, run.result))


def test_cancel_bites_inside_a_frame_and_keeps_what_is_finished(runs, gate, stack):
    run = runs.begin(stack)
    seen = []
    run.progressed.connect(lambda done, total: seen.append(done))
    gate.release(N_BLOCKS + 1)
    runs.wait(lambda: len(seen) == N_BLOCKS + 1)
    run.cancel()
    gate.release()  # without the cancelling, another block would wait, and fail
    runs.wait(lambda: run.is_over)
    assert len(seen) <= N_BLOCKS + 2
    assert run.describe_end() == "Cancelled: 1 of 4 frames kept."
    layers = runs.layers()
    assert np.all(layers["classes"].data[0] > 0)
    assert np.all(layers["classes"].data[1:] == 0)
    assert np.isnan(layers["noise"].data[1:]).all()
    assert np.isnan(layers["hexagonal"].data[1:]).all()


def test_a_frame_that_is_written_while_cancel_is_pressed_is_shown(
    runs, network, monkeypatch, stack, tmp_path
):
    stack[1, :, 40:] = 35  # which the legend tells
    source = take_source(runs.viewer.add_image(stack, name="movie"))
    run = AnalysisRun(
        runs.viewer, source, AnalysisParameters(**SMALL), output=tmp_path / "movie.zarr"
    )
    insert, classify, begun = Step.insert, network.classify_blocks, []
    third = threading.Event()

    def classify_blocks(*args, **keywords):
        begun.append(args)
        if len(begun) == 3:  # so that the second frame waits to be written
            third.set()
        return classify(*args, **keywords)

    def insert_late(step):
        if step.frame is not None and step.frame.position == 0 and not step.in_result:
            third.wait(1)  # it does not come where the first frame is waited for
            run.cancel()
        insert(step)

    monkeypatch.setattr(network, "classify_blocks", classify_blocks, raising=False)
    monkeypatch.setattr(Step, "insert", insert_late)
    runs.start(run)
    runs.wait(lambda: run.is_over)
    assert run.n_done == 2
    layer = runs.layers()["classes"]
    shown = np.any(np.asarray(layer.data) > 0, axis=(1, 2))
    np.testing.assert_array_equal(shown, run.result.done)
    counts = count_labels(run.result.labels)
    np.testing.assert_allclose(layer.features["area share"], counts / counts.sum(), atol=1e-4)


def test_cancel_before_the_first_frame_adds_nothing(runs, gate, stack):
    run = runs.begin(stack)
    run.cancel()
    gate.release()
    runs.wait(lambda: run.is_over)
    assert len(runs.viewer.layers) == 1
    assert run.describe_end() == "Cancelled: 0 of 4 frames kept."


@pytest.mark.parametrize("error", [ValueError("bad shape"), RuntimeError("out of memory")])
def test_an_error_is_told_once_and_frames_are_kept(runs, network, messages, stack, error):
    plain, calls = network.classify_blocks, []

    def failing(*args, **keywords):
        calls.append(args)
        if len(calls) > 2:
            raise error
        return plain(*args, **keywords)

    network.classify_blocks = failing
    run = runs.begin(stack)
    runs.wait(lambda: run.is_over)
    assert len(messages()) == 1
    assert messages()[0].startswith("movie")
    assert str(error) in messages()[0]
    assert run.describe_end() == "Stopped by an error: 2 of 4 frames kept."
    assert np.all(runs.layers()["classes"].data[:2] > 0)


def test_a_runtime_error_outside_the_network_is_told_too(runs, monkeypatch, messages, stack):
    def provenance(*_):
        raise RuntimeError("no such thing")

    monkeypatch.setattr("napari_lattice_symmetry.analysis.run.provenance", provenance)
    run = runs.begin(stack)
    runs.wait(lambda: run.is_over)
    assert messages() == ["movie: the analysis failed (no such thing)."]


def test_the_source_layer_may_go(runs, gate, stack):
    run = runs.begin(stack)
    gate.release(N_BLOCKS)
    runs.wait(lambda: run.n_done == 1)
    runs.viewer.layers.remove("movie")
    gate.release(3 * N_BLOCKS)
    runs.wait(lambda: run.is_over)
    assert np.all(runs.layers()["classes"].data > 0)


def test_some_result_layers_may_go(runs, gate, stack):
    run = runs.begin(stack)
    gate.release(N_BLOCKS)
    runs.wait(lambda: len(run.layers) == N_LAYERS)
    layers = runs.layers()
    runs.viewer.layers.remove(layers["classes"])
    runs.viewer.layers.remove(layers["noise"])
    gate.release(3 * N_BLOCKS)
    runs.wait(lambda: run.is_over)
    assert run.error is None
    assert np.isfinite(layers["hexagonal"].data).all()
    assert len(runs.viewer.layers) == 1 + N_LAYERS - 2


def test_windows_may_be_painted_meanwhile(runs, gate, stack, messages):
    run = runs.begin(stack)
    gate.release(2 * N_BLOCKS)
    runs.wait(lambda: run.n_done == 2 and len(run.layers) == N_LAYERS)
    link = SelectionLink(runs.viewer, run)
    link.open(run.layers[0], np.argwhere(run.result.labels[:1]))
    link.paint(np.ones(len(link.lit), dtype=bool))
    gate.release(1000)
    runs.wait(lambda: run.is_over)
    assert run.n_done == 4
    assert messages() == []
    assert np.all(link.region.data[0] == 1)
    assert not link.region.data[1:].any()
    link.release()


def test_classes_are_shown_first_and_stay_on_top(runs, stack):
    added = []
    runs.viewer.layers.events.inserted.connect(lambda event: added.append(event.value.name))
    run = runs.begin(stack)
    runs.wait(lambda: run.is_over)
    assert len(added) == 1 + N_LAYERS
    assert [layer.name for layer in runs.viewer.layers] == [added[0], *added[:0:-1]]
    assert runs.viewer.layers[-1] is runs.layers()["classes"]
    assert runs.viewer.layers.selection.active is runs.layers()["classes"]


def test_layers_of_a_result_that_was_removed_do_not_follow(runs, stack):
    run = runs.begin(stack)
    run.frame_done.connect(lambda _: runs.viewer.layers.pop())
    runs.wait(lambda: run.is_over)
    assert [layer.name for layer in runs.viewer.layers] == ["movie"]
    assert len(run.layers) == 1


def test_without_result_layers_the_run_stops(runs, messages, gate, stack):
    run = runs.begin(stack)
    gate.release(N_BLOCKS)
    runs.wait(lambda: len(run.layers) == N_LAYERS)
    for layer in run.layers:
        runs.viewer.layers.remove(layer)
    gate.release(N_BLOCKS)
    runs.wait(lambda: run.cancelled)
    gate.release()
    runs.wait(lambda: run.is_over)
    assert run.describe_end() == "Stopped, since all layers of the result were removed."
    assert not run.result.done.all()
    assert messages() == []


def test_an_abandoned_run_leaves_the_viewer_alone(runs, gate, stack):
    run = runs.begin(stack)
    gate.release(N_BLOCKS)
    runs.wait(lambda: run.n_done == 1)
    n_layers = len(runs.viewer.layers)
    run.abandon()
    gate.release(N_BLOCKS)
    runs.wait(lambda: run.is_over)
    assert run.n_done == 1
    assert len(runs.viewer.layers) == n_layers


def test_the_viewer_follows_until_the_user_looks_elsewhere(runs, gate, stack):
    run = runs.begin(stack)
    gate.release(2 * N_BLOCKS)
    runs.wait(lambda: run.n_done == 2)
    assert runs.viewer.dims.current_step[0] == 1
    runs.viewer.dims.set_current_step(0, 0)
    gate.release(2 * N_BLOCKS)
    runs.wait(lambda: run.is_over)
    assert runs.viewer.dims.current_step[0] == 0


def test_an_earlier_result_of_the_layer_is_hidden(runs, stack):
    run = runs.begin(stack)
    runs.wait(lambda: run.is_over)
    earlier = runs.layers()["classes"]
    assert earlier.visible
    again = runs.start(AnalysisRun(runs.viewer, run.source, run.parameters))
    runs.wait(lambda: again.is_over)
    assert not earlier.visible
    assert runs.layers()["classes"].visible


def test_the_result_lies_on_the_edge(runs, stack):
    run = runs.begin(
        stack,
        settings={"stride": 8, "samples": 20},
        scale=(2.5, 0.5, 0.25),
        translate=(10, 3, -7),
        units=("s", "nm", "nm"),
        axis_labels=("time", "y", "x"),
    )
    runs.wait(lambda: run.is_over)
    image, labels = runs.viewer.layers["movie"], runs.layers()["classes"]
    right = labels.data[0, 0] > 2  # more than half of the window lies beyond the edge
    first = int(np.argmax(right))
    assert first > 0
    between = labels.data_to_world((2, 0, first - 0.5))
    np.testing.assert_allclose(between[2], image.data_to_world((2, 0, 75.5))[2])
    np.testing.assert_allclose(between[0], image.data_to_world((2, 0, 0))[0])
    top = labels.data_to_world((0, 0, 0))[1]
    np.testing.assert_allclose(top, image.data_to_world((0, 15.5, 0))[1])
    for layer in runs.layers().values():
        assert layer.axis_labels == ("time", "y", "x")
        assert layer.units == image.units
        np.testing.assert_array_equal(layer.scale, labels.scale)
        np.testing.assert_array_equal(layer.translate, labels.translate)


def test_some_frames_keep_their_time(runs, stack):
    run = runs.begin(
        np.concatenate([stack, stack]),
        settings={"first_frame": 1, "last_frame": 6, "frame_step": 2},
        scale=(2, 1, 1),
        translate=(1, 0, 0),
    )
    runs.wait(lambda: run.is_over)
    image, labels = runs.viewer.layers["movie"], runs.layers()["classes"]
    assert len(labels.data) == 3
    for position, frame in enumerate((1, 3, 5)):
        expected = image.data_to_world((frame, 0, 0))[0]
        assert labels.data_to_world((position, 0, 0))[0] == expected


def test_an_image_is_a_movie_of_one_frame(runs, stack):
    run = runs.begin(stack[0], scale=(0.5, 0.25), units="nm")
    runs.wait(lambda: run.is_over)
    labels = runs.layers()["classes"]
    assert labels.data.shape == (1, 13, 21)
    np.testing.assert_allclose(labels.scale, (1, 2, 1))
    assert str(labels.units[-1]) == "nanometer"


def test_colors_become_gray(runs, stack):
    run = runs.begin(np.repeat(stack[..., np.newaxis].astype(np.uint8), 3, axis=-1), rgb=True)
    runs.wait(lambda: run.is_over)
    labels = runs.layers()["classes"]
    assert labels.data.shape == (4, 13, 21)
    assert np.all(labels.data[..., 0] == 1)
    assert np.all(labels.data[..., -1] == 4)


def test_frames_that_cannot_be_read_are_told_of_once(runs, messages, stack):
    def read(frame, block_info=None):
        if block_info[0]["chunk-location"][0] in (2, 3):
            raise OSError("disk gone")
        return frame

    lazy = da.from_array(stack, chunks=(1, 80, 112)).map_blocks(read, meta=np.empty((0, 0, 0)))
    run = runs.begin(lazy, contrast_limits=(0, 60))
    runs.wait(lambda: run.is_over)
    assert len(messages()) == 1
    assert "frame 2 cannot be read (disk gone)" in messages()[0]
    assert run.describe_end().startswith("Finished: 2 frames in ")
    assert run.describe_end().endswith(", 2 could not be read.")
    labels = runs.layers()["classes"]
    assert labels.data.any(axis=(1, 2)).tolist() == [True, True, False, False]
    assert runs.viewer.dims.current_step[0] == 1
