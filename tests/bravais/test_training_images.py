import numpy as np
import pytest

from napari_lattice_symmetry.bravais.training_images import INSTRUMENT, PAPER, TRACKS, draw_windows


@pytest.mark.parametrize("track", TRACKS)
def test_a_seed_fixes_the_windows_and_classes_are_balanced(track):
    windows, labels = draw_windows(36, TRACKS[track], seed=7, size=64)
    again, _ = draw_windows(36, TRACKS[track], seed=7, size=64)
    other, _ = draw_windows(36, TRACKS[track], seed=8, size=64)
    np.testing.assert_array_equal(windows, again)
    assert not np.array_equal(windows, other)
    np.testing.assert_array_equal(np.bincount(labels), [0, 6, 6, 6, 6, 6, 6])
    assert np.isfinite(windows).all()


def test_instrument_windows_are_counts_and_paper_windows_are_not():
    counts, _ = draw_windows(12, INSTRUMENT, seed=0)
    bare, _ = draw_windows(12, PAPER, seed=0)
    np.testing.assert_array_equal(counts, np.round(counts))
    assert not np.array_equal(bare, np.round(bare))
