"""A dense layer in all turns of an image at once, in as few products as there can be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


def turn_products(n_angles: int) -> tuple[Float32, Float32, Float32]:
    """Return what takes images and kernels to products, and products to turns.

    All turns of an image against a kernel are a circular correlation along the angle: in Fourier
    space one product for each frequency. A complex product is done in three real ones, after
    C. F. Gauss; the lowest frequency and, of an even number, the highest have no imaginary part. So
    12 turns take 17 products instead of 144.

    Parameters
    ----------
    n_angles : int
        Number of turns.

    Returns
    -------
    of_image, of_kernel : ndarray, shape (products, n_angles), float32
        Factors of every product, as sums over the angles of an image and of a kernel.
    of_turns : ndarray, shape (n_angles, products), float32
        Every turn, as a sum over products.

    Examples
    --------
    >>> image, kernel = np.random.default_rng(0).normal(size=(2, 12))
    >>> of_image, of_kernel, of_turns = turn_products(12)
    >>> turns = of_turns @ ((of_image @ image) * (of_kernel @ kernel))
    >>> bool(np.isclose(turns[3], np.roll(image, -3) @ kernel, atol=1e-5))
    True
    """
    turns = 2 * np.pi * np.arange(n_angles) / n_angles
    lone = [0] if n_angles % 2 else [0, n_angles // 2]
    of_image = [np.cos(frequency * turns) for frequency in lone]
    of_kernel, of_turns = [*of_image], [each / n_angles for each in of_image]
    for frequency in range(1, (n_angles + 1) // 2):
        cos, sin = np.cos(frequency * turns), np.sin(frequency * turns)
        of_image += [cos - sin, cos, -sin]
        of_kernel += [cos, sin - cos, cos + sin]
        of_turns += [2 * each / n_angles for each in (cos - sin, -sin, -cos)]
    first, second, third = (np.array(each, np.float32) for each in (of_image, of_kernel, of_turns))
    return first, second, np.ascontiguousarray(third.T)
