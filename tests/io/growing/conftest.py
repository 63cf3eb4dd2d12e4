"""Growing movies that are watched impatiently."""

from __future__ import annotations

import time

import pytest

from napari_lattice_symmetry.io.growing import open_growing

INTERVAL, PATIENCE = 0.05, 0.5


@pytest.fixture
def watched():
    """Open something that grows, to be looked at often."""

    def open_quickly(path, **options):
        return open_growing(path, **{"interval": INTERVAL, "patience": PATIENCE} | options)

    return open_quickly


@pytest.fixture
def drain():
    """Take frames until `n` have landed, or nothing more comes within `seconds`."""

    def take_all(source, n=None, seconds=None):
        seconds = seconds or (3 if n is None else 60)
        landed, end = [], time.monotonic() + seconds
        while len(landed) != n and time.monotonic() < end:
            source.poll()
            frame = source.take()
            if frame is None:
                time.sleep(INTERVAL / 5)
            else:
                landed.append(frame)
        return landed

    return take_all
