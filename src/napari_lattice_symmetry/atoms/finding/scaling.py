"""Frames as the finder's network sees them: neighbors a fixed number of pixels apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]

SPACING = 8.0
"""Pixels between neighbors in the middle of what the network is trained on."""

SPACINGS = (0.65, 1.6)
"""How much closer or farther than that neighbors may be."""

COARSE = 6.7
"""Pixels between neighbors in what it is shown of unclear frames: fewer average more noise."""

CHANNELS = 2
_NEIGHBORHOOD = 2.5 * SPACING
_LIMIT = 8.0


@dataclass(frozen=True)
class Resampling:
    """From the pixels of a frame to those that the network sees, and back.

    Parameters
    ----------
    shape, seen : (int, int)
        Rows and columns of both.
    """

    shape: tuple[int, int]
    seen: tuple[int, int]

    @classmethod
    def to_spacing(
        cls, shape: tuple[int, int], spacing: float, seen: float = SPACING
    ) -> Resampling:
        """Plan that neighbors `spacing` pixels apart become `seen` pixels apart."""
        height, width = (max(1, round(n * seen / spacing)) for n in shape)
        return cls(shape, (height, width))

    @property
    def factors(self) -> Float:
        """Pixels of the frame a pixel that is seen, along y and x."""
        return np.asarray(np.array(self.shape) / np.array(self.seen), dtype=np.float64)

    def to_seen(self, places: Float) -> Float:
        """Take places (n, 2) of the frame, y before x, to what is seen."""
        return np.asarray((places + 0.5) / self.factors - 0.5)

    def to_frame(self, places: Float) -> Float:
        """Take places (n, 2) of what is seen, y before x, to the frame."""
        return np.asarray((places + 0.5) * self.factors - 0.5)

    def resample(self, frame: NDArray[Any]) -> Float:
        """Resample a frame without gaps; where it becomes smaller, noise is averaged."""
        if self.shape == self.seen:
            return np.asarray(frame, dtype=np.float64)
        from skimage.transform import resize

        smaller = bool((self.factors > 1).any())
        return np.asarray(
            resize(
                np.asarray(frame, dtype=np.float64),
                self.seen,
                order=1 if smaller else 3,
                mode="reflect",
                anti_aliasing=smaller,
                preserve_range=True,
            )
        )


def normalize(image: Float) -> Float32:
    """Return what the network sees of a resampled image (Y, X), shape (Y, X, 2).

    First the difference from the mean of the neighborhood, in its standard deviations, which
    leaves out background and thickness; then that from the mean of the image, in its standard
    deviations, which tells crystal from vacuum.
    """
    deviation = float(image.std()) or 1.0
    image = (image - image.mean()) / deviation
    mean = gaussian_filter(image, _NEIGHBORHOOD)
    variance = gaussian_filter(np.square(image - mean), _NEIGHBORHOOD)
    local = (image - mean) / np.sqrt(variance + 0.01)
    return np.clip(np.stack([local, image], axis=-1), -_LIMIT, _LIMIT).astype(np.float32)


def fill_gaps(frame: NDArray[Any]) -> Float:
    """Fill missing pixels with the median of the others."""
    values = np.asarray(frame, dtype=np.float64)
    missing = ~np.isfinite(values)
    if missing.any():
        values = np.where(missing, np.median(values[~missing]) if not missing.all() else 0, values)
    return values
