"""Made movies, and a machine with little memory."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def frames():
    """Five frames of 24 x 32 px, uint8, no two alike."""
    return np.random.default_rng(0).integers(0, 255, (5, 24, 32), dtype=np.uint8)


@pytest.fixture
def little_memory(monkeypatch):
    """Leave room for 2000 bytes: two frames of `frames`, but not all five."""
    monkeypatch.setattr("napari_lattice_symmetry.io.loading.memory_budget", lambda: 2000)
