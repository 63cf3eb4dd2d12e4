"""Pictures in the documentation that show what they say."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from napari_lattice_symmetry.lattice import COLORS

IMAGES = Path(__file__).parents[1] / "docs" / "images"


@pytest.mark.parametrize("name", COLORS)
def test_a_report_shows_each_class_in_its_color(name):
    picture = iio.imread(IMAGES / "report.png", mode="RGB")
    color = tuple(bytes.fromhex(COLORS[name].removeprefix("#")))
    assert (picture == np.array(color)).all(axis=2).sum() >= 100  # the square in the legend
