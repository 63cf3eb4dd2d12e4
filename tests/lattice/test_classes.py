"""Colors that say which class it is, on a gray image and to every kind of color vision."""

from itertools import combinations

import numpy as np
import pytest
from color_vision import GRAYS, VISIONS, over, seen
from skimage.color import deltaE_ciede2000

from napari_lattice_symmetry.lattice import COLORS


@pytest.mark.parametrize("vision", VISIONS)
def test_noise_is_told_from_the_gray_image_and_from_every_class(vision):
    for gray in GRAYS:
        noise = seen(over(COLORS["noise"], gray), vision)
        assert deltaE_ciede2000(noise, seen(np.full(3, gray), vision)) > 12
        for name in COLORS:
            if name != "noise":
                assert deltaE_ciede2000(noise, seen(over(COLORS[name], gray), vision)) > 12, name


@pytest.mark.parametrize("vision", VISIONS)
def test_all_classes_are_told_apart(vision):
    for a, b in combinations(COLORS, 2):
        for gray in GRAYS:
            assert (
                deltaE_ciede2000(
                    seen(over(COLORS[a], gray), vision), seen(over(COLORS[b], gray), vision)
                )
                > 4
            )
