"""An averaged unit cell: image, noise, structure factors, what is left of the windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.cells.answer import PlaneGroup
from napari_lattice_symmetry.cells.factors import basis_covariance, structure_factors
from napari_lattice_symmetry.cells.transform import NODES, centered
from napari_lattice_symmetry.lattice.basis import lattice_parameters
from napari_lattice_symmetry.lattice.plane_groups import Setting
from napari_lattice_symmetry.spectrum.lattice_fit import (
    SENTENCES,
    TOLERANCE,
    Flag,
    words_of_cells,
)

if TYPE_CHECKING:
    from napari_lattice_symmetry.cells.motif import CellMotif

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Index = NDArray[np.intp]

MAX_SIDE = 256
"""Greatest number of points along a side of the image."""

MIN_HEIGHT = 0.08
"""Least height of an atom over the lowest point, as a share of that of the highest."""

# Standard deviation in degrees of a phase of which nothing is known.
_NO_PHASE = 360 / 12**0.5
# Points of the image a pixel of the windows; nodes beyond this many times the noise power count.
_FINER, _STANDS_OUT = 3.0, 9.0
# How much farther out nodes are kept than the farthest clear one, lest its cut be seen.
_FARTHER = 1.3
# Windows in which the noise is looked at, and the least that it can be beside its mean.
_MAX_SCATTER, _MIN_NOISE = 8, 0.05


@dataclass(frozen=True, eq=False)
class FactorTable:
    """Structure factors on the nodes of the conventional cell, one of each Friedel pair.

    Parameters
    ----------
    indices : ndarray of int, shape (n, 2)
        h and k.
    values : ndarray, shape (n,), complex128
        F with the origin of the plane group, in the unit of the image.
    error : ndarray, shape (n,)
        Standard error of the amplitude.
    """

    indices: NDArray[np.int64]
    values: Complex
    error: Float

    @property
    def amplitude(self) -> Float:
        """Modulus of F."""
        return np.asarray(np.abs(self.values))

    @property
    def phase(self) -> Float:
        """Phase of F in degrees, -180 to 180."""
        return np.asarray(np.rad2deg(np.angle(self.values)))

    @property
    def phase_error(self) -> Float:
        """Standard error of the phase in degrees, at most that of no knowledge."""
        known = np.rad2deg(self.error / np.maximum(self.amplitude, 1e-300))
        return np.asarray(np.minimum(known, _NO_PHASE))


@dataclass(frozen=True, eq=False)
class UnitCell:
    """The mean unit cell of windows, in the setting and with the origin of its plane group.

    Parameters
    ----------
    group : PlaneGroup
        Of the averaged structure factors.
    setting : Setting
        How the conventional cell lies in the primitive one; that of p1 where there is no group.
    primitive : ndarray, shape (2, 2)
        Primitive cell, vectors (x, y) in rows, in `unit`.
    other : ndarray, shape (2, 2)
        Reduced cell that speaks against it where there is a superlattice, in `unit`; NaN if none.
    values, symmetric : ndarray, shape (289,), complex128
        Structure factors at `NODES` of the primitive cell with the origin of the group, as
        measured and averaged over its operations.
    variance : ndarray, shape (289,)
        Expected squared modulus of their noise.
    mean : float
        Mean of the image.
    unit : {"nm", "pixel"}
        Unit of lengths.
    pixel_size : (float, float)
        Of the windows, along y and x, in `unit`.
    windows : ndarray, shape (n, w, w)
        The windows that were averaged.
    places : ndarray of int, shape (n,)
        Which of the given windows these are.
    origins : ndarray, shape (n, 2)
        Where the origin lies in each, (x, y) in pixels.
    """

    group: PlaneGroup
    setting: Setting
    primitive: Float
    other: Float
    values: Complex
    symmetric: Complex
    variance: Float
    mean: float
    unit: str
    pixel_size: tuple[float, float]
    windows: NDArray[Any]
    places: Index
    origins: Float

    @property
    def basis(self) -> Float:
        """Conventional cell, vectors (x, y) in rows, in `unit`."""
        return np.asarray(self.setting.conventional @ self.primitive)

    @property
    def a(self) -> float:
        """Length of the vector a of the conventional cell."""
        return lattice_parameters(self.basis)[0]

    @property
    def b(self) -> float:
        """Length of the vector b of the conventional cell."""
        return lattice_parameters(self.basis)[1]

    @property
    def gamma(self) -> float:
        """Angle from a to b in degrees."""
        return lattice_parameters(self.basis)[2]

    @property
    def remarks(self) -> str:
        """What other cell spots of most of the windows speak for; empty if none."""
        if not np.isfinite(self.other).all():
            return ""
        words = words_of_cells(self.primitive, self.other, self.unit, TOLERANCE)
        return SENTENCES[Flag.SUPERLATTICE].format(**words)

    @property
    def errors(self) -> tuple[float, float, float]:
        """Standard errors of a, b and gamma (degrees) by noise, not by drift of the scan."""
        (ax, ay), (bx, by) = self.basis
        a, b = self.a, self.b
        turn_a, turn_b = np.array([-ay, ax]) / a**2, np.array([-by, bx]) / b**2
        none = np.zeros(2)
        gradients = np.array(
            [
                [*(self.basis[0] / a), *none],
                [*none, *(self.basis[1] / b)],
                np.rad2deg([*-turn_a, *turn_b]),
            ]
        )
        along_a, along_b, angle = np.sqrt(
            np.einsum("ki,ij,kj->k", gradients, self.covariance, gradients)
        )
        return float(along_a), float(along_b), float(angle)

    @cached_property
    def covariance(self) -> Float:
        """Of the vectors (ax, ay, bx, by) of the conventional cell, by noise; shape (4, 4)."""
        pixel = np.array(self.pixel_size[::-1])
        seen = basis_covariance(
            self.values, self.variance, self.primitive / pixel, self.windows.shape[-1]
        )
        change = np.kron(self.setting.conventional, np.diag(pixel))
        return np.asarray(change @ seen @ change.T)

    @property
    def n_cells(self) -> float:
        """Number of conventional cells in all windows together."""
        pixels = self.windows.size * self.pixel_size[0] * self.pixel_size[1]
        return float(pixels / abs(np.linalg.det(self.basis)))

    @property
    def significant(self) -> NDArray[np.bool_]:
        """Nodes not much farther out than the farthest one that stands out of the noise."""
        length = np.linalg.norm(NODES @ np.linalg.inv(self.primitive).T, axis=1)
        clear = np.abs(self.values) ** 2 > _STANDS_OUT * self.variance
        clear &= self.variance > 0
        farthest = length[clear].max(initial=0.0)
        return np.asarray((length <= _FARTHER * farthest) & (self.variance > 0))

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Points of the image along b and along a."""
        pixel = float(np.sqrt(np.prod(self.pixel_size)))
        sides = [
            int(np.clip(np.ceil(_FINER * side / pixel), 8, MAX_SIDE)) for side in (self.b, self.a)
        ]
        return sides[0], sides[1]

    @cached_property
    def image(self) -> Float:
        """Mean of the windows over one conventional cell, shape (points along b, along a)."""
        return self._drawn(self.values)

    @cached_property
    def symmetrized(self) -> Float:
        """The image averaged over the operations of the group."""
        return self._drawn(self.symmetric)

    @cached_property
    def error(self) -> Float:
        """Standard error of every point of the image, more where atoms are: see `noise_at`."""
        rows, columns = self.shape
        y, x = np.meshgrid(np.arange(rows) / rows, np.arange(columns) / columns, indexing="ij")
        power = self.variance[self.significant].sum() * self.noise_at(np.stack([x, y], axis=-1))
        return np.asarray(np.sqrt(power))

    def noise_at(self, fractions: Float) -> Float:
        """Compare the noise power at places (..., 2) of the conventional cell with its mean.

        Counts scatter more where there are more of them, and disorder shows on flanks of atoms:
        the square of what is left of the windows is averaged over cells as they are.
        """
        chosen = self.significant
        waves = np.exp(2j * np.pi * (fractions @ self.setting.conventional) @ NODES[chosen].T)
        return np.asarray(np.maximum(1 + (waves @ self._scatter[chosen]).real, _MIN_NOISE))

    @cached_property
    def _scatter(self) -> Complex:
        """Structure factors of the squared residual over its mean, shape (nodes,)."""
        total = np.zeros(len(NODES), dtype=np.complex128)
        mean = 0.0
        basis = self.primitive / np.array(self.pixel_size[::-1])
        center = (self.windows.shape[-1] - 1) / 2
        for i in range(min(len(self.windows), _MAX_SCATTER)):
            squared = np.square(self.residual(i))[np.newaxis]
            factors = structure_factors(squared, basis[np.newaxis], refine=False)
            from_origin = (self.origins[i] - center) @ np.linalg.inv(basis)
            total += factors.values[0] * np.exp(2j * np.pi * NODES @ from_origin)
            mean += float(factors.mean[0])
        return np.asarray(total / max(mean, 1e-300))

    @property
    def structure_factors(self) -> FactorTable:
        """Structure factors of the conventional cell, the strong spatial frequencies first."""
        conventional = NODES @ self.setting.conventional.T
        h, k = conventional.T
        one_of_two = self.significant & ((h > 0) | ((h == 0) & (k > 0)))
        length = np.linalg.norm(NODES @ np.linalg.inv(self.primitive).T, axis=1)
        order = np.flatnonzero(one_of_two)[np.argsort(length[one_of_two], kind="stable")]
        return FactorTable(
            conventional[order], self.values[order], np.sqrt(self.variance[order] / 2)
        )

    def residual(self, window: int = 0) -> Float:
        """Take the mean cell off one of the windows.

        Parameters
        ----------
        window : int
            Which of `windows`.

        Returns
        -------
        ndarray, shape (w, w), float64
            What is not periodic: defects, strain and noise.
        """
        pixels, _, deviation = centered(self.windows[window][np.newaxis])
        size = pixels.shape[-1]
        place = np.arange(size)
        basis = self.primitive / np.array(self.pixel_size[::-1])
        nodes = np.flatnonzero(self.significant)
        frequency = NODES[nodes] @ np.linalg.inv(basis).T
        x, y = (
            np.exp(2j * np.pi * np.outer(frequency[:, k], place - self.origins[window, k]))
            for k in range(2)
        )
        model = ((self.values[nodes, np.newaxis] * y).T @ x).real
        return np.asarray(deviation[0] * pixels[0] - model, dtype=np.float64)

    def motif(self, *, min_height: float = MIN_HEIGHT) -> CellMotif:
        """Find the atoms of the cell; see `find_motif`."""
        if min_height == MIN_HEIGHT:
            return self._motif
        from napari_lattice_symmetry.cells.motif import find_motif

        return find_motif(self, min_height=min_height)

    @cached_property
    def _motif(self) -> CellMotif:
        """The atoms that lists and pictures of the cell ask for again and again."""
        from napari_lattice_symmetry.cells.motif import find_motif

        return find_motif(self, min_height=MIN_HEIGHT)

    def at(self, fractions: Float, values: Complex | None = None) -> Float:
        """Return the image at places (..., 2), fractions of the conventional cell."""
        chosen = self.significant
        waves = np.exp(2j * np.pi * (fractions @ self.setting.conventional) @ NODES[chosen].T)
        values = self.values if values is None else values
        return np.asarray(self.mean + (waves @ values[chosen]).real)

    def _drawn(self, values: Complex) -> Float:
        rows, columns = self.shape
        chosen = self.significant
        h, k = (NODES[chosen] @ self.setting.conventional.T).T
        along_a = np.exp(2j * np.pi * np.outer(h, np.arange(columns) / columns))
        along_b = np.exp(2j * np.pi * np.outer(k, np.arange(rows) / rows))
        return np.asarray(self.mean + ((values[chosen, np.newaxis] * along_b).T @ along_a).real)
