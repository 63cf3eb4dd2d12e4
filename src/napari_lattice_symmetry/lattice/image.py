"""An image of a lattice of choice: every property of crystal and recording is a number."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from napari_lattice_symmetry.lattice.basis import (
    cell,
    lattice_parameters,
    lattice_points,
    reduce_basis,
    rotation,
    symmetry_distances,
)
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms, scan_jitter
from napari_lattice_symmetry.lattice.metric import metric_class
from napari_lattice_symmetry.lattice.motifs import Motif, random_motif
from napari_lattice_symmetry.lattice.plane_groups import (
    allowed,
    family_basis,
    family_of,
)
from napari_lattice_symmetry.settings import SettingsModel, setting

Float = NDArray[np.float64]

FREE_PARAMETERS: dict[str, tuple[str, ...]] = {
    "square": ("a",),
    "rectangular": ("a", "b"),
    "centered rectangular": ("a", "gamma"),
    "hexagonal": ("a",),
    "oblique": ("a", "b", "gamma"),
    "noise": ("a",),
}
"""Which lattice parameters can be chosen; the class settles the others."""

OF_THE_ATOMS = "of the atoms"
"""The plane group of a motif whose atoms are placed one by one."""

# One round atom makes a higher group of these.
_MIN_ATOMS = {"p1": 2, "pm": 2, "pg": 2, "cm": 2}

_EXACT = 1e-6
_EDGE = np.deg2rad(20)  # direction across the boundary of the second grain
_DISORDER, _VACANCIES, _JITTER, _COUNTS, _MOTIF = range(5)  # streams of random numbers


def _number(
    group: str, title: str, default: float, limits: tuple[float, float], text: str, **extra: Any
) -> Any:
    low, high = limits
    return setting(default, title, text, group=group, slider=True, ge=low, le=high, **extra)


class LatticeImage(SettingsModel):
    """What an image shows, and how it was recorded.

    Whatever is random is drawn from `seed` in a stream of its own, so that a change of one
    number changes nothing else.

    Raises
    ------
    pydantic.ValidationError
        If a value is of the wrong type or out of its range.
    """

    lattice: Literal[
        "square", "rectangular", "centered rectangular", "hexagonal", "oblique", "noise"
    ] = setting(
        "hexagonal",
        "Lattice",
        "Class of the lattice; noise has its atoms anywhere.",
        group="Lattice",
    )
    a: float = _number("Lattice", "a (px)", 12, (3, 60), "Length of the lattice vector a.")
    b: float = _number("Lattice", "b (px)", 16, (3, 60), "Length of the lattice vector b.")
    gamma: float = _number(
        "Lattice",
        "gamma (°)",
        75,
        (30, 120),
        "Angle between a and b. A centered rectangle is drawn by its rhombic cell, with b = a.",
    )
    orientation: float = _number(
        "Lattice", "Direction (°)", 10, (0, 180), "Direction of a, from x towards y."
    )
    second_grain: float = _number(
        "Lattice", "Second grain", 0, (0, 0.5), "Share of the image in which the crystal is turned."
    )
    misorientation: float = _number(
        "Lattice", "Turned by (°)", 20, (0, 180), "Angle from the first grain to the second."
    )

    plane_group: Literal[
        "of the atoms",
        "p1",
        "p2",
        "pm",
        "pg",
        "cm",
        "pmm",
        "pmg",
        "pgg",
        "cmm",
        "p4",
        "p4m",
        "p4g",
        "p3",
        "p3m1",
        "p31m",
        "p6",
        "p6m",
    ] = setting(
        OF_THE_ATOMS,
        "Plane group",
        "Place atoms at random, by the seed, so that the crystal has this plane group and no "
        "higher one.",
        group="Motif",
    )
    atoms: int = _number(
        "Motif",
        "Atoms a cell",
        1,
        (1, 3),
        "Number of atoms in a cell; with a plane group, the least number of those that symmetry "
        "does not bring about.",
    )
    x2: float = _number("Motif", "2nd: along a", 0.35, (0, 1), "Place of the second atom, in a.")
    y2: float = _number("Motif", "2nd: along b", 0.35, (0, 1), "Place of the second atom, in b.")
    brightness2: float = _number(
        "Motif", "2nd: bright", 0.5, (0, 1), "Brightness of the second atom; the first has 1."
    )
    x3: float = _number("Motif", "3rd: along a", 0.7, (0, 1), "Place of the third atom, in a.")
    y3: float = _number("Motif", "3rd: along b", 0.6, (0, 1), "Place of the third atom, in b.")
    brightness3: float = _number(
        "Motif", "3rd: bright", 0.3, (0, 1), "Brightness of the third atom; the first has 1."
    )

    width: float = _number(
        "Disorder", "Atom width", 0.18, (0.05, 0.5), "Standard deviation of an atom's peak, in a."
    )
    disorder: float = _number(
        "Disorder",
        "Disorder",
        0.03,
        (0, 0.5),
        "Standard deviation of the displacements of atoms along x and along y, in a.",
    )
    vacancies: float = _number("Disorder", "Vacancies", 0, (0, 0.95), "Share of atoms missing.")
    seed: int = _number("Disorder", "Seed", 0, (0, 9999), "Draws all that is random.")

    size: int = _number(
        "Recording",
        "Size (px)",
        128,
        (32, 1024),
        "Side of the image, all of which is the window that is classified.",
    )
    counts: float = _number(
        "Recording",
        "Dose (counts)",
        60,
        (0.01, 10_000),
        "Mean number of counts in the brightest pixel.",
        log=True,
    )
    background: float = _number(
        "Recording", "Background", 0.1, (0, 10), "Even background, as a multiple of an atom's peak."
    )
    shear: float = _number(
        "Recording", "Shear (%)", 0, (-50, 50), "Sideways drift: shift of rows, of their height."
    )
    stretch: float = _number(
        "Recording", "Stretch (%)", 0, (-50, 50), "Drift along y: how much longer y is than x."
    )
    jitter: float = _number(
        "Recording",
        "Scan jitter (px)",
        0,
        (0, 5),
        "Root-mean-square error of the sideways position of scan rows.",
    )

    @model_validator(mode="after")
    def _has_a_lattice_for_its_group(self) -> Self:
        if not allows(self.lattice, self.plane_group):
            raise ValueError(
                f"a {self.lattice} lattice has no plane group {self.plane_group}; choose a "
                f"{family_of(self.plane_group)} one"
            )
        return self

    @property
    def cell(self) -> tuple[float, float, float]:
        """Lengths a, b in pixels and the angle gamma in degrees, as the class has them."""
        b = self.b if "b" in FREE_PARAMETERS[self.lattice] else self.a
        settled = 60.0 if self.lattice == "hexagonal" else 90.0
        return self.a, b, self.gamma if "gamma" in FREE_PARAMETERS[self.lattice] else settled

    @property
    def distortion(self) -> Float:
        """What the scan does to positions (x, y), ``seen = distortion @ true``; shape (2, 2)."""
        return np.array([[1, self.shear / 100], [0, 1 + self.stretch / 100]])

    @property
    def motif(self) -> tuple[Float, Float]:
        """Sites (m, 2) as fractions of the cell, and brightness (m,), of the atoms of a cell."""
        if self.plane_group != OF_THE_ATOMS:
            atoms = max(self.atoms, _MIN_ATOMS.get(self.plane_group, 1))
            drawn = _drawn_motif(self.plane_group, self.lattice, atoms, self.seed)
            return drawn.sites, drawn.brightness
        sites = np.array([[0, 0], [self.x2, self.y2], [self.x3, self.y3]], dtype=np.float64)
        brightness = np.array([1, self.brightness2, self.brightness3], dtype=np.float64)
        present = (np.arange(3) < self.atoms) & (brightness > 0)
        return sites[present], brightness[present]

    @property
    def basis(self) -> Float:
        """Primitive, reduced lattice vectors (x, y) in rows as the image shows them, in pixels.

        A motif that looks the same from each of its atoms makes the true cell smaller than the
        one that was asked for.
        """
        return reduce_basis(_primitive(self._upright, *self.motif) @ self._seen(0))

    @property
    def group(self) -> str | None:
        """Plane group of the crystal, before the scan distorts it; None of noise.

        That of the atoms as they lie, by exact operations, wherever their mean places are.
        """
        if self.lattice == "noise":
            return None
        sites, brightness = self.motif
        basis = _primitive(self._upright, sites, brightness)
        family = metric_class(symmetry_distances(basis), _EXACT)
        basis = family_basis(basis, family)
        places = sites @ self._upright @ np.linalg.inv(basis)
        apart = _is_whole(places[:, np.newaxis] - places).all(axis=2)
        first = ~np.tril(apart, -1).any(axis=1)
        return Motif(places[first], brightness[first], family).group

    def symmetry(self, tolerance: float = _EXACT) -> str:
        """Name the class that the image shows, drift included.

        Parameters
        ----------
        tolerance : float
            Distance from a symmetry, as `symmetry_distances` measures it, that still counts.
        """
        if self.lattice == "noise":
            return "noise"
        return metric_class(symmetry_distances(self.basis), tolerance)

    def truth(self) -> dict[str, Any]:
        """Return what is true of the image, in values that JSON knows."""
        if self.lattice == "noise":
            return {"class": "noise"}
        a, b, gamma = lattice_parameters(self.basis)
        lattice = {"class": self.symmetry(), "a": a, "b": b, "gamma": gamma, "unit": "pixel"}
        return {**lattice, "plane_group": self.group}

    def draw(self) -> Float:
        """Draw the image: counts, shape (size, size), float64."""
        rng = self._random(_JITTER)
        shift = scan_jitter(self.size, self.jitter, False, rng) if self.jitter else None
        image = self._draw_grain(0, shift)
        if self.second_grain:
            y, x = np.mgrid[: self.size, : self.size]
            across = x * np.cos(_EDGE) + y * np.sin(_EDGE)
            second = across > np.quantile(across, 1 - self.second_grain)
            image = np.where(second, self._draw_grain(1, shift), image)
        image += self.background
        return count_electrons(image, self.counts, self._random(_COUNTS))

    @property
    def _upright(self) -> Float:
        """Vectors (x, y) in rows, by which sites are placed, before the turn and the scan."""
        basis = cell(*self.cell)
        return basis if self.plane_group == OF_THE_ATOMS else family_basis(basis, self.lattice)

    def _random(self, stream: int, grain: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream, grain])

    def _seen(self, grain: int) -> Float:
        """Matrix from the vectors (in rows) of an upright crystal to those of a seen grain."""
        turn = rotation(self.orientation + grain * self.misorientation)
        return np.asarray(turn @ self.distortion.T)

    def _draw_grain(self, grain: int, shift: Float | None) -> Float:
        shape, sigma = (self.size, self.size), self.width * self.a
        positions, brightness = self._atoms(grain, 4 * sigma)
        rng = self._random(_DISORDER, grain)
        positions = positions + self.disorder * self.a * rng.standard_normal(positions.shape)
        present = self._random(_VACANCIES, grain).uniform(size=len(positions)) >= self.vacancies
        return draw_atoms(positions[present], brightness[present], sigma, shape, shift)

    def _atoms(self, grain: int, reach: float) -> tuple[Float, Float]:
        """Place the atoms of a grain: positions (n, 2) in pixels and brightness (n,)."""
        sites, brightness = self.motif
        basis = self._upright @ self._seen(grain)
        pad = reach + 2 * float(np.abs(basis).sum(axis=0).max())
        middle = (self.size / 2, self.size / 2)
        points = lattice_points(basis, (self.size, self.size), middle, pad)
        if self.lattice == "noise":
            rng = self._random(_DISORDER, grain + 2)
            points = rng.uniform(-pad, self.size + pad, points.shape)
        atoms = (points[:, np.newaxis] + sites @ basis).reshape(-1, 2)
        return atoms, np.tile(brightness, len(points))


def allows(lattice: str, group: str) -> bool:
    """Return whether a class of lattices, or noise, has a plane group, or atoms set one by one."""
    return group == OF_THE_ATOMS or (lattice != "noise" and group in allowed(lattice))


@lru_cache(maxsize=64)
def _drawn_motif(group: str, family: str, atoms: int, seed: int) -> Motif:
    return random_motif(group, np.random.default_rng([seed, _MOTIF]), atoms, family=family)


def _primitive(basis: Float, sites: Float, brightness: Float) -> Float:
    """Find the smallest cell of a crystal, spanned by all translations that leave it the same."""
    basis, given = reduce_basis(basis), basis
    translations = [
        shift
        for shift in sites[1:] - sites[0]
        if not _is_whole(shift).all() and _leaves_the_same(shift, sites, brightness)
    ]
    to_reduced = given @ np.linalg.inv(basis)
    shifts = [np.zeros(2), *(shift @ to_reduced for shift in translations)]
    whole = list(product(range(-1, 2), repeat=2))
    vectors = [(shift - np.round(shift) + step) @ basis for shift in shifts for step in whole]
    vectors = sorted(vectors, key=np.linalg.norm)
    # The shortest vector, and the shortest off its line.
    first = next(vector for vector in vectors if np.linalg.norm(vector) > _EXACT)
    second = next(vector for vector in vectors if abs(np.linalg.det([first, vector])) > _EXACT)
    return np.stack([first, second])


def _leaves_the_same(shift: Float, sites: Float, brightness: Float) -> bool:
    """Return whether a motif that is moved by `shift` is the same motif."""
    apart = (sites + shift)[:, np.newaxis] - sites
    same_atom = _is_whole(apart).all(axis=2) & np.isclose(brightness[:, np.newaxis], brightness)
    return bool(same_atom.any(axis=1).all())


def _is_whole(values: Float) -> NDArray[np.bool_]:
    return np.isclose(values, np.round(values), atol=_EXACT)
