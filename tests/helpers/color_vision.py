"""Colors as they are seen half transparent on gray, by every kind of color vision."""

from __future__ import annotations

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

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


def over(color, gray):
    """A color such as "#E69F00", as of a class map, on a gray image."""
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return OPACITY * rgb + (1 - OPACITY) * gray


def least_difference(first, second, vision):
    """Least difference (CIEDE2000) of two colors on any gray."""
    return min(
        deltaE_ciede2000(seen(over(first, gray), vision), seen(over(second, gray), vision))
        for gray in GRAYS
    )
