"""Figures compared with the images stored beside a test."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from matplotlib.testing.compare import compare_images

TOLERANCE = 4  # root mean square of 255: fonts differ a little; without error bands it is 10


def assert_as_stored(figure, stored: Path, folder: Path) -> None:
    """Compare a figure with a stored PNG, or store it anew where STORE_FIGURES=1 is set."""
    drawn = folder / stored.name
    figure.savefig(drawn, dpi=60)
    if os.environ.get("STORE_FIGURES"):
        stored.parent.mkdir(exist_ok=True)
        shutil.copy(drawn, stored)
    difference = compare_images(str(stored), str(drawn), TOLERANCE)
    assert difference is None, difference
