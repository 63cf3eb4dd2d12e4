"""From the wave behind a specimen to images of a microscope: one wave serves any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import constants
from scipy.fft import fft2, fftfreq, ifft2, irfft2, rfft2

from napari_lattice_symmetry.settings import SettingsModel, setting

Float = NDArray[np.float64]
Complex = NDArray[np.complex64]


class Microscope(SettingsModel):
    """Lenses and detector of a transmission electron microscope."""

    voltage: float = setting(
        80.0, "Voltage (kV)", "Of the electrons, in kV.", step=20, ge=20, le=1000
    )
    spherical: float = setting(
        14.29,
        "Cs (µm)",
        "Spherical aberration of third order, of the objective lens, in µm.",
        step=0.01,
        ge=-3e3,
        le=3e3,
    )
    focal_spread: float = setting(
        3.0,
        "Focal spread (nm)",
        "Standard deviation of the focus.",
        step=0.5,
        ge=0,
        le=30,
    )
    astigmatism: float = setting(
        0.0,
        "Astigmatism (nm)",
        "Twofold, in nm: half of the difference of both foci.",
        step=0.5,
        ge=0,
        le=50,
    )
    astigmatism_angle: float = setting(
        0.0,
        "Direction (°)",
        "Of the astigmatism, in °: of the line of overfocus, from x to y.",
        step=5,
        ge=-360,
        le=360,
    )
    blur: float = setting(
        0.02,
        "Blur (nm)",
        "Standard deviation of what moves the image as a whole.",
        step=0.005,
        ge=0,
        le=0.2,
    )
    mtf: float = setting(
        0.5,
        "MTF at Nyquist",
        "Share of contrast that the detector passes there.",
        step=0.05,
        gt=0,
        le=1,
    )

    @property
    def wavelength(self) -> float:
        """Of the electrons in nm, relativistic."""
        energy = constants.e * self.voltage * 1e3
        rest = constants.m_e * constants.c**2
        momentum = np.sqrt(energy * (energy + 2 * rest)) / constants.c
        return float(1e9 * constants.h / momentum)

    def phase_shift(self, shape: tuple[int, int], pixel: float, defocus: float) -> Float:
        """Return the phase shift chi of each spatial frequency in radians, shape (Y, X).

        ``chi = pi lambda k2 (-defocus + A cos 2(phi - phi_A)) + pi/2 Cs lambda3 k4``, by
        E. J. Kirkland, *Advanced Computing in Electron Microscopy* (2010), chapter 3; a positive
        defocus is underfocus.

        Parameters
        ----------
        shape : (int, int)
            Of the image in pixels.
        pixel : float
            Side of a pixel in nm.
        defocus : float
            In nm.
        """
        ky, kx = frequencies(shape, pixel)
        squared, angle = ky**2 + kx**2, np.arctan2(ky, kx)
        axis = np.deg2rad(self.astigmatism_angle)
        focus = -defocus + self.astigmatism * np.cos(2 * (angle - axis))
        chi = np.pi * self.wavelength * squared * focus
        chi += np.pi / 2 * 1e3 * self.spherical * self.wavelength**3 * squared**2
        return np.asarray(chi)

    def envelope(self, shape: tuple[int, int], pixel: float) -> Float:
        """Return what focal spread leaves of each spatial frequency of the wave, shape (Y, X)."""
        ky, kx = frequencies(shape, pixel)
        squared = ky**2 + kx**2
        return np.asarray(
            np.exp(-0.5 * np.square(np.pi * self.wavelength * self.focal_spread * squared))
        )

    def intensity(
        self, wave: Complex, pixel: float, defocus: float, drift: Sequence[float] = (0.0, 0.0)
    ) -> Float:
        """Return the image of a wave without noise, with a mean of about 1, shape (Y, X).

        Parameters
        ----------
        wave : ndarray of complex, shape (Y, X)
            Behind the specimen, periodic, 1 where there is none.
        pixel : float
            Side of a pixel in nm.
        defocus : float
            In nm.
        drift : (float, float)
            How far the specimen has moved along y and x in nm.
        """
        shape = (wave.shape[0], wave.shape[1])
        ky, kx = frequencies(shape, pixel)
        phase = self.phase_shift(shape, pixel, defocus)
        phase += 2 * np.pi * (ky * drift[0] + kx * drift[1])
        transfer = (self.envelope(shape, pixel) * np.exp(-1j * phase)).astype(np.complex64)
        image = np.square(np.abs(ifft2(fft2(wave) * transfer)))
        return _filtered(image, np.exp(-2 * np.square(np.pi * self.blur) * (ky**2 + kx**2)))

    def record(self, image: Float, pixel: float, dose: float, rng: np.random.Generator) -> Float:
        """Return an image as counts of electrons, blurred as by the detector, shape (Y, X).

        Parameters
        ----------
        image : ndarray, shape (Y, X)
            As `intensity` gives it.
        pixel : float
            Side of a pixel in nm.
        dose : float
            Electrons a square angstrom.
        rng : numpy.random.Generator
            Source of randomness.
        """
        counts = rng.poisson(np.maximum(image, 0) * dose * (10 * pixel) ** 2)
        ky, kx = frequencies((image.shape[0], image.shape[1]), pixel)
        passed = np.exp(np.log(self.mtf) * (ky**2 + kx**2) * (2 * pixel) ** 2)
        return _filtered(counts.astype(np.float32), passed)

    def record_series(
        self,
        wave: Complex,
        side: float,
        rng: np.random.Generator,
        *,
        size: int,
        defoci: Sequence[float],
        drift: Float,
        dose: float,
    ) -> Float:
        """Record images of one wave at several defoci, shape (n, size, size) in counts.

        Parameters
        ----------
        wave : ndarray of complex, shape (m, m)
            Periodic.
        side : float
            Of the wave, in nm.
        rng : numpy.random.Generator
            Draws the noise.
        size : int
            Pixels along a side of an image.
        defoci : sequence of float
            In nm.
        drift : ndarray, shape (n, 2)
            Of each image along y and x in nm.
        dose : float
            Electrons a square angstrom and image.
        """
        images = []
        for defocus, by in zip(defoci, drift, strict=True):
            image = self.intensity(wave, side / len(wave), defocus, by.tolist())
            seen = resample_periodic(image.astype(np.float32), size)
            images.append(self.record(seen, side / size, dose, rng))
        return np.stack(images)


def _filtered(image: NDArray[np.floating[Any]], passed: Float) -> Float:
    """Multiply each spatial frequency of a real image by what is passed of it, as much of -k."""
    half = passed[:, : image.shape[1] // 2 + 1].astype(np.float32)
    return np.asarray(irfft2(rfft2(image) * half, s=image.shape), dtype=np.float64)


def frequencies(shape: tuple[int, int], pixel: float) -> tuple[Float, Float]:
    """Return the spatial frequencies along y, (Y, 1), and x, (1, X), in 1/nm.

    Parameters
    ----------
    shape : (int, int)
        In pixels.
    pixel : float
        In nm.
    """
    ky, kx = (fftfreq(n, pixel) for n in shape)
    return ky[:, None], kx[None, :]


def resample_periodic(image: NDArray[Any], size: int) -> NDArray[Any]:
    """Return a periodic square image or wave on another number of pixels, through its spectrum.

    Parameters
    ----------
    image : ndarray, shape (n, n)
        Real, or complex as a wave.
    size : int
        Pixels along a side.
    """
    n = len(image)
    kept = min(n, size)
    index = fftfreq(kept, 1 / kept).astype(int)
    spectrum = np.zeros((size, size), np.complex64)
    spectrum[np.ix_(index, index)] = fft2(image)[np.ix_(index, index)]
    resampled = ifft2(spectrum) * (size / n) ** 2
    return resampled if np.iscomplexobj(image) else resampled.real
