"""Defects whose lives are known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lattice_symmetry.atoms import Atoms, Defects, follow_defects


@pytest.fixture
def lives():
    y, x = np.mgrid[0:100:20, 0:100:20].reshape(2, -1)
    atoms = Atoms.at(
        np.tile(y, 5), np.tile(x, 5), frame=np.repeat(np.arange(5), len(y)), spacing=20.0
    )
    frame = [0, 1, 3, 4, 2]
    missing = Defects.at(["missing"] * 5, [30] * 4 + [50], [30] * 5, frame=frame)
    return follow_defects(missing, atoms)
