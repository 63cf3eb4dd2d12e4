"""Runs that write to a file: what is on the disk, and what the layers show of it."""

from __future__ import annotations

import numpy as np

from napari_lattice_symmetry.results import load_result


def test_run_into_a_file_shows_what_is_there_and_is_continued(bench, gate, stack, tmp_path):
    bench.viewer.add_image(stack, name="movie")
    path = tmp_path / "movie.zarr"
    bench.widget.destination.path.setText(str(tmp_path / "movie"))
    gate.release(4)  # the blocks of two frames; the first is shown when the second is analyzed
    bench.widget.start()
    bench.wait(lambda: bench.widget.run.n_done == 2)
    bench.widget.cancel()
    gate.release(1000)
    bench.finish()
    assert load_result(path).done.tolist() == [True, True, False, False]

    bench.run()
    result = load_result(path)
    assert result.done.all()
    assert bench.widget.run.error is None
    shown = bench.layers()
    np.testing.assert_array_equal(np.asarray(shown["classes"].data), np.asarray(result.labels))
    np.testing.assert_array_equal(np.asarray(shown["noise"].data), np.asarray(result.mean)[5])
    areas = shown["classes"].features["area share"]
    np.testing.assert_allclose(areas, np.nanmean(result.area_shares, axis=0), atol=1e-3)


def test_finished_file_is_shown_by_another_run(bench, stack, tmp_path):
    bench.viewer.add_image(stack, name="movie")
    bench.widget.destination.path.setText(str(tmp_path / "movie.zarr"))
    bench.run()
    before = bench.layers()["classes"]
    bench.run()
    again = bench.layers()["classes"]
    assert again is not before
    np.testing.assert_array_equal(np.asarray(again.data), np.asarray(before.data))


def test_file_with_other_settings_is_refused(bench, stack, tmp_path):
    bench.viewer.add_image(stack, name="movie")
    bench.widget.destination.path.setText(str(tmp_path / "movie.zarr"))
    bench.run()
    bench.set(samples=6)
    bench.run()
    assert "was made with samples=5" in str(bench.widget.run.error)


def test_missing_scheduler_is_told(bench, stack, monkeypatch):
    monkeypatch.setattr("napari_lattice_symmetry.analysis.cluster.CONNECTING", 1)
    bench.viewer.add_image(stack, name="movie")
    bench.widget.destination.scheduler.setText("tcp://127.0.0.1:9")
    bench.run()
    assert "No Dask scheduler answers" in str(bench.widget.run.error)
