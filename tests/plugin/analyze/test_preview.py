"""The live preview in the dock: it follows settings and frames, and makes way for a run."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lattice_symmetry.analysis import analyze
from napari_lattice_symmetry.plugin.layers.result_layers import METADATA_KEY


@pytest.fixture
def previewing(shown_bench, stack):
    """The dock with a movie that changes from frame to frame, and the preview ticked."""
    frames = stack + 10 * np.arange(4, dtype=np.float32)[:, None, None]
    shown_bench.viewer.add_image(frames, name="edge", scale=(2, 0.5, 0.5))
    shown_bench.viewer.dims.set_current_step(0, 0)
    shown_bench.preview = shown_bench.widget.preview
    QTest.mouseClick(shown_bench.preview.box, Qt.MouseButton.LeftButton)
    settle(shown_bench)
    return shown_bench


def settle(bench):
    bench.qtbot.waitUntil(lambda: not bench.preview._requests.is_busy)
    QTest.qWait(30)


def seen(bench):
    """The preview that is shown at the current frame; None where there is none."""
    layer = bench.preview.layer
    at = round(float(layer.translate[0] / 2))
    return layer.data[0] if layer.visible and at == bench.viewer.dims.current_step[0] else None


def test_it_shows_what_a_run_would_in_one_layer(previewing, network, stack):
    layer = previewing.preview.layer
    for settings in ({"stride": 16}, {"window": 48}, {"samples": 9}, {"seed": 3}):
        previewing.set(**settings)
        settle(previewing)
        parameters = previewing.widget.parameters.values()
        expected = analyze(previewing.viewer.layers["edge"].data, parameters, model=network)
        np.testing.assert_array_equal(seen(previewing), expected.labels[0])
        place = expected.grid.translate((0.5, 0.5))
        np.testing.assert_allclose(layer.translate[1:], place)
        np.testing.assert_allclose(layer.scale[1:], 0.5 * parameters.stride)
    assert previewing.preview.layer is layer
    assert len(previewing.viewer.layers) == 2
    assert previewing.widget.status.text().startswith("Preview of frame 0 in ")


def test_a_correction_is_taken_into_account(previewing, network, monkeypatch):
    distortions = []
    plain = network.classify_blocks

    def spying(*args, distortion=None, **keywords):
        distortions.append(distortion)
        return plain(*args, **keywords)

    monkeypatch.setattr(network, "classify_blocks", spying, raising=False)
    previewing.set(distortion=((1.0, 0.1), (0.0, 1.0)))
    settle(previewing)
    assert any(np.array_equal(each, [[1, 0.1], [0, 1]]) for each in distortions)


def test_the_time_slider_pulls_it_along(previewing):
    first = seen(previewing).copy()
    previewing.viewer.dims.set_current_step(0, 2)
    assert seen(previewing) is None  # nothing stale lies on the new frame
    settle(previewing)
    assert not np.array_equal(seen(previewing), first)
    previewing.viewer.dims.set_current_step(0, 0)
    settle(previewing)
    np.testing.assert_array_equal(seen(previewing), first)


def test_older_requests_are_dropped_inside_a_frame(previewing, gate):
    told = []
    previewing.preview.told.connect(told.append)
    previewing.set(stride=2)  # 25 x 41 windows, 2 blocks of the coarse map and 17 of the fine
    previewing.wait(lambda: previewing.preview._requests._worker is not None)
    gate.release(1)
    previewing.set(stride=8)
    gate.release(4)
    settle(previewing)  # so the first stopped after a block or two
    assert len(told) == 1
    assert seen(previewing).shape == (7, 11)


def test_a_coarse_map_comes_before_a_fine_one_and_says_so(previewing, gate, network, stack):
    told = []
    previewing.preview.told.connect(told.append)
    previewing.set(stride=2)  # 25 x 41 windows
    gate.release(2)
    previewing.wait(lambda: bool(told))
    assert "coarse: 1 of 9 windows; the rest follows" in told[0]
    coarse = seen(previewing).copy()
    scale = previewing.preview.layer.scale[1:]
    np.testing.assert_allclose(scale, 0.5 * 6)
    about = previewing.preview.layer.metadata[METADATA_KEY]
    assert about["parameters"]["stride"] == 2  # what was asked for, as *Load settings* takes it

    gate.release(100)
    settle(previewing)
    assert told[1].endswith(" s, by the network alone.")
    assert len(told) == 2
    fine = seen(previewing)
    assert fine.shape == (25, 41)
    np.testing.assert_array_equal(coarse, fine[::3, ::3])
    np.testing.assert_allclose(previewing.preview.layer.scale[1:], 0.5 * 2)


def test_a_change_drops_the_fine_map_that_was_to_follow(previewing, gate):
    told = []
    previewing.preview.told.connect(told.append)
    previewing.set(stride=2)
    gate.release(2)
    previewing.wait(lambda: bool(told))
    previewing.set(stride=8)
    gate.release(100)
    settle(previewing)
    assert len(told) == 2
    assert seen(previewing).shape == (7, 11)


def test_a_run_pauses_it_until_a_setting_changes(previewing, gate):
    QTest.mouseClick(previewing.widget.run_button, Qt.MouseButton.LeftButton)
    assert not previewing.preview.layer.visible
    previewing.viewer.dims.set_current_step(0, 1)
    assert not previewing.preview._requests.is_busy
    gate.release(100)
    previewing.finish()
    previewing.viewer.dims.set_current_step(0, 2)
    settle(previewing)
    assert not previewing.preview.layer.visible
    assert previewing.layers()["classes"].visible

    previewing.set(samples=6)
    settle(previewing)
    assert seen(previewing) is not None


def test_unticked_it_is_gone(previewing):
    previewing.preview.box.setFocus()
    QTest.keyClick(previewing.preview.box, Qt.Key.Key_Space)
    assert [layer.name for layer in previewing.viewer.layers] == ["edge"]
    previewing.set(stride=16)
    previewing.viewer.dims.set_current_step(0, 1)
    assert not previewing.preview._requests.is_busy


def test_a_layer_that_is_removed_turns_it_off(previewing, messages):
    previewing.viewer.layers.remove(previewing.preview.layer)
    assert not previewing.preview.box.isChecked()
    assert "off, since its layer was removed" in previewing.widget.status.text()
    previewing.preview.box.setChecked(True)
    settle(previewing)
    assert seen(previewing) is not None
    assert not messages()


def test_an_image_that_is_removed_leaves_an_empty_preview_and_a_sentence(
    previewing, gate, messages
):
    previewing.set(stride=4)
    previewing.viewer.layers.remove("edge")
    gate.release(100)
    settle(previewing)
    assert "Open an image" in previewing.widget.status.text()
    assert not previewing.preview.layer.data.any()
    previewing.viewer.layers.clear()
    settle(previewing)
    assert not messages()


def test_an_image_that_is_edited_or_renamed_is_followed(previewing):
    image = previewing.viewer.layers["edge"]
    image.name = "renamed"
    image.data = np.full((2, 64, 64), 25.0) + np.arange(64) % 2
    image.scale = (1, 2, 2)
    settle(previewing)
    assert previewing.preview.layer.name == "preview · renamed"
    assert np.all(previewing.preview.layer.data == 3)
    np.testing.assert_allclose(previewing.preview.layer.scale[1:], 16)
    image.data = np.full((2, 64, 64), 25.0)  # constant
    settle(previewing)
    assert "constant" in previewing.widget.status.text()
    assert not previewing.preview.layer.data.any()


def test_wrong_settings_are_a_sentence(previewing):
    previewing.set(window=100)
    settle(previewing)
    assert "100 px does not fit" in previewing.widget.status.text()
    previewing.set(window=32)
    settle(previewing)
    assert seen(previewing).any()
