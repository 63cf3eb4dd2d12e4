"""Colors that say which class it is, on a gray image and to every kind of color vision."""

from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from napari_lattice_symmetry.lattice import COLORS

OPACITY = 0.5  # of class maps
GRAYS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)

# Machado, Oliveira and Fernandes, IEEE Trans. Vis. Comput. Graph. 15, 1291 (2009).
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def seen(rgb, vision):
    """CIELAB values of a color (sRGB, 0 to 1) as it is seen."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(VISIONS[vision]) @ linear, 0, 1)
    return rgb2lab(
        np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    )


def over(name, gray):
    rgb = np.array([int(COLORS[name][i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return OPACITY * rgb + (1 - OPACITY) * gray


@pytest.mark.parametrize("vision", VISIONS)
def test_noise_is_told_from_the_gray_image_and_from_every_class(vision):
    for gray in GRAYS:
        noise = seen(over("noise", gray), vision)
        assert deltaE_ciede2000(noise, seen(np.full(3, gray), vision)) > 12
        for name in COLORS:
            if name != "noise":
                assert deltaE_ciede2000(noise, seen(over(name, gray), vision)) > 12, name


@pytest.mark.parametrize("vision", VISIONS)
def test_all_classes_are_told_apart(vision):
    for a, b in combinations(COLORS, 2):
        for gray in GRAYS:
            assert deltaE_ciede2000(seen(over(a, gray), vision), seen(over(b, gray), vision)) > 4
