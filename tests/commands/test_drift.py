from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_lattice_symmetry.io import read_movie
from napari_lattice_symmetry.lattice.image import LatticeImage


@pytest.fixture
def movie():
    """A TIFF of four frames that move by (1, -2) px each."""
    image = LatticeImage(lattice="square", a=12, size=128).draw().astype(np.float32)
    frames = [image[20 - t : 116 - t, 8 + 2 * t : 104 + 2 * t] for t in range(4)]
    tifffile.imwrite("movie.tif", np.array(frames), imagej=True, metadata={"axes": "TYX"})


def test_the_drift_is_told_and_undone(movie, run):
    done = run("drift", "movie.tif", "--pixel-size", "0.1", "--frame-time", "2", "--to", "d.csv",
               "--to", "d.png", "--to", "still.tif")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "4 of 4 frames; frame 3 lies -0.6 nm along x and +0.3 along y" in done.output
    still = read_movie("still.tif")
    assert still.frame_time == 2
    assert still.pixel_size == pytest.approx((0.1, 0.1))
    seen = np.isfinite(still.frame(3))
    np.testing.assert_allclose(still.frame(3)[seen], still.frame(0)[seen], atol=1)


def test_what_cannot_be_written_is_said_before(movie, run, assert_one_sentence):
    assert_one_sentence(run("drift", "movie.tif", "--to", "d.xyz"), "d.xyz must end in")
    run("drift", "movie.tif", "--to", "d.csv")
    assert_one_sentence(run("drift", "movie.tif", "--to", "d.csv"), "d.csv")
    assert_one_sentence(run("drift", "movie.tif", "--result", "no.zarr"), "no.zarr")
