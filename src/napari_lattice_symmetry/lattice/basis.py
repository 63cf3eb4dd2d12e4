"""Lattice bases: reduction, distance from higher symmetry, random draws for each class.

A basis is a (2, 2) array whose rows are the two lattice vectors (x, y).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.lattice.classes import CLASSES, HIGHER

Basis = NDArray[np.float64]
_Float = TypeVar("_Float", bound=np.floating[Any])


@dataclass(frozen=True)
class CellRanges:
    """Ranges from which random cells are drawn.

    Parameters
    ----------
    spacing : (float, float)
        Shortest lattice vector in pixels, drawn log-uniformly.
    rectangular_ratio : (float, float)
        Ratio of the sides of a rectangle.
    rhombic_angle : (float, float)
        Angle of the rhombic cell of a centered rectangle, in degrees.
    oblique_ratio, oblique_angle : (float, float)
        Ratio of the sides and angle (degrees) of an oblique cell before reduction.
    margin : float
        Least distance of a cell from every higher symmetry, see `symmetry_distances`.
    """

    spacing: tuple[float, float] = (5.5, 20.0)
    rectangular_ratio: tuple[float, float] = (1.0, 2.2)
    rhombic_angle: tuple[float, float] = (36.0, 90.0)
    oblique_ratio: tuple[float, float] = (1.0, 2.0)
    oblique_angle: tuple[float, float] = (40.0, 90.0)
    margin: float = 0.0


def cell(a: float, b: float, gamma: float) -> Basis:
    """Make a basis of lengths `a`, `b` and the angle `gamma` in degrees, `a` along x."""
    angle = np.deg2rad(gamma)
    return np.array([[a, 0.0], [b * np.cos(angle), b * np.sin(angle)]])


def cell_area(basis: Basis) -> Basis:
    """Return the area of the cells of bases (..., 2, 2); NaN where there is none."""
    (ax, ay), (bx, by) = np.moveaxis(basis, (-2, -1), (0, 1))
    return np.asarray(np.abs(ax * by - ay * bx))


def inverse(basis: NDArray[_Float]) -> NDArray[_Float]:
    """Invert matrices (..., 2, 2), in a tenth of the time that a general inversion takes."""
    (ax, ay), (bx, by) = np.moveaxis(basis, (-2, -1), (0, 1))
    found = np.empty_like(basis)
    found[..., 0, 0], found[..., 0, 1], found[..., 1, 0], found[..., 1, 1] = by, -ay, -bx, ax
    found /= (ax * by - ay * bx)[..., np.newaxis, np.newaxis]
    return found


def reduce_basis(basis: Basis) -> Basis:
    """Find the shortest basis of a lattice by Lagrange-Gauss reduction.

    Parameters
    ----------
    basis : ndarray, shape (..., 2, 2)
        Any two independent lattice vectors, in rows; of one lattice or of many.

    Returns
    -------
    ndarray, shape (..., 2, 2)
        u, v with ``|u| <= |v|`` and an angle of 60 to 90 degrees.

    Raises
    ------
    ValueError
        If the vectors are parallel or not finite.
    """
    basis = np.asarray(basis, dtype=np.float64)
    if not (np.abs(np.linalg.det(basis)) > 1e-12 * np.linalg.norm(basis, axis=-1).prod(-1)).all():
        raise ValueError("The two vectors are parallel: they span no lattice.")
    length = np.linalg.norm(basis, axis=-1, keepdims=True)
    short = length[..., :1, :] > length[..., 1:, :]
    u, v = np.moveaxis(np.where(short, basis[..., ::-1, :], basis), -2, 0)
    while True:
        v = v - np.rint(_dot(u, v) / _dot(u, u)) * u
        shorter = _dot(v, v) < _dot(u, u) * (1 - 1e-12)
        if not shorter.any():
            break
        u, v = np.where(shorter, v, u), np.where(shorter, u, v)
    return np.stack([u, np.where(_dot(u, v) >= 0, v, -v)], axis=-2)


def _dot(u: Basis, v: Basis) -> Basis:
    """Scalar products (..., 1) of vectors (..., 2)."""
    return np.asarray((u * v).sum(axis=-1, keepdims=True))


def cell_parameters(basis: Basis) -> Basis:
    """Return a, b and gamma (degrees) of bases (..., 2, 2) as they stand, shape (..., 3)."""
    a, b = np.moveaxis(np.linalg.norm(basis, axis=-1), -1, 0)
    cosine = (basis[..., 0, :] * basis[..., 1, :]).sum(axis=-1) / (a * b)
    return np.stack([a, b, np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))], axis=-1)


def lattice_parameters(basis: Basis) -> tuple[float, float, float]:
    """Return lengths a, b and the angle gamma (degrees) of a basis as it stands."""
    a, b, gamma = cell_parameters(basis).tolist()
    return a, b, gamma


def departures(basis: Basis) -> Basis:
    """Measure how far lattices (..., 2, 2) are from each symmetry, as `symmetry_distances` does.

    Returns
    -------
    ndarray, shape (..., 4)
        In the order of `CLASSES`.
    """
    a, b, gamma = np.moveaxis(cell_parameters(reduce_basis(basis)), -1, 0)
    ratio, cosine = np.log(b / a), np.cos(np.deg2rad(gamma))
    return np.stack(
        [
            np.maximum(ratio, np.abs(cosine)),
            np.abs(cosine),
            np.minimum(ratio, np.abs(cosine - a / (2 * b))),
            np.maximum(ratio, np.abs(cosine - 0.5)),
        ],
        axis=-1,
    )


def symmetry_distances(basis: Basis) -> dict[str, float]:
    """Measure how far a lattice is from each symmetry, by its reduced cell.

    With the ratio of sides ``r = b / a >= 1`` and ``c = cos(gamma)``, a lattice is
    rectangular if c = 0; centered if r = 1 or 2 r c = 1 (the two ways in which a rhombus
    reduces); square and hexagonal if r = 1 and c = 0 or 1/2. Each distance is the greatest
    departure of log(r) and c from what the symmetry asks.

    Returns
    -------
    dict
        Distance for "square", "rectangular", "centered rectangular" and "hexagonal";
        0 where the lattice has the symmetry.
    """
    return dict(zip(CLASSES, departures(basis).tolist(), strict=False))


def random_basis(name: str, rng: np.random.Generator, ranges: CellRanges) -> Basis:
    """Draw a cell of class `name`, reduced, with random spacing and rotation.

    Parameters
    ----------
    name : str
        One of the five lattice classes of `CLASSES`.
    rng : numpy.random.Generator
        Source of randomness.
    ranges : CellRanges
        What to draw from.

    Returns
    -------
    ndarray, shape (2, 2)
        Reduced basis in pixels.

    Raises
    ------
    ValueError
        If `name` is not a lattice class.
    """
    if name not in HIGHER:
        raise ValueError(f"{name!r} is not a lattice class; choose one of {CLASSES[:5]}.")
    while True:
        basis = reduce_basis(_random_cell(name, rng, ranges))
        distances = symmetry_distances(basis)
        if all(distances[higher] >= ranges.margin for higher in HIGHER[name]):
            break
    spacing = np.exp(rng.uniform(*np.log(ranges.spacing)))
    turned: Basis = basis / np.hypot(*basis[0]) * spacing @ rotation(rng.uniform(0, 360))
    return turned


def _random_cell(name: str, rng: np.random.Generator, ranges: CellRanges) -> Basis:
    if name == "square":
        return cell(1, 1, 90)
    if name == "hexagonal":
        return cell(1, 1, 60)
    if name == "rectangular":
        return cell(1, rng.uniform(*ranges.rectangular_ratio), 90)
    if name == "centered rectangular":
        return cell(1, 1, rng.uniform(*ranges.rhombic_angle))
    return cell(1, rng.uniform(*ranges.oblique_ratio), rng.uniform(*ranges.oblique_angle))


def rotation(angle: float) -> Basis:
    """Matrix that turns row vectors by `angle` degrees: ``vectors @ rotation(angle)``."""
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return np.array([[c, s], [-s, c]])


def lattice_points(
    basis: Basis, shape: tuple[int, int], origin: tuple[float, float], pad: float = 0.0
) -> Basis:
    """List the lattice points inside a frame.

    Parameters
    ----------
    basis : ndarray, shape (2, 2)
        Lattice vectors (x, y) in pixels.
    shape : (int, int)
        Frame size (Y, X).
    origin : (float, float)
        A lattice point (x, y).
    pad : float
        Also list points up to this many pixels outside the frame.

    Returns
    -------
    ndarray, shape (n, 2)
        Positions (x, y) in pixels.
    """
    height, width = shape
    low, high = np.array([-pad, -pad]), np.array([width + pad, height + pad])
    corners = np.array([[x, y] for x in (low[0], high[0]) for y in (low[1], high[1])])
    indices = (corners - origin) @ np.linalg.inv(basis)
    (i0, j0), (i1, j1) = np.floor(indices.min(0)), np.ceil(indices.max(0))
    i, j = np.arange(i0, i1 + 1), np.arange(j0, j1 + 1)
    points = i[:, None, None] * basis[0] + j[None, :, None] * basis[1] + np.asarray(origin)
    points = points.reshape(-1, 2)
    inside: Basis = points[np.all((points >= low) & (points <= high), axis=1)]
    return inside
