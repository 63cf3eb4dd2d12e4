"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from stand_in import FakeClassifier


@pytest.fixture
def fake_model():
    """A deterministic stand-in for a network; see `FakeClassifier`."""
    return FakeClassifier()


@pytest.fixture
def shared_data():
    """Folder of the real images, or a skip that says how to get them."""
    folder = os.environ.get("LATTICE_SYMMETRY_DATA")
    if not folder:
        pytest.skip("set LATTICE_SYMMETRY_DATA to the folder of real test images")
    return Path(folder)
