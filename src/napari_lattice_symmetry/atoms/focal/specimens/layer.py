"""Layers MX2 with defects, bare or on graphene: where every atom is, and what columns they form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.settings import SettingsModel, setting

if TYPE_CHECKING:
    from ase import Atoms as Structure

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

LAYERS = {
    "MoS2": (0.3161, 0.3130),
    "MoSe2": (0.3290, 0.3340),
    "MoTe2": (0.3520, 0.3600),
    "WS2": (0.3180, 0.3140),
    "WSe2": (0.3280, 0.3340),
    "WTe2": (0.3550, 0.3600),
}
"""Lattice constant and thickness, from chalcogen to chalcogen, of layers 2H in nm, rounded."""

GRAPHENE = 0.246
"""Lattice constant in nm."""

METAL, PAIR, SINGLE = 0, 1, 2
"""What a column is: a metal atom, two chalcogen atoms over each other, or one of them."""

_GAP = 0.35  # nm from graphene to the nearer chalcogens
_MARGIN = 0.3  # nm beyond the field, so that its border has neighbors


class Specimen(SettingsModel):
    """A layer MX2 and what is wrong with it."""

    material: str = setting(
        "MoS2", "Material", "A layer of the polytype 2H.", choices=tuple(LAYERS)
    )
    substrate: Literal["none", "graphene"] = setting("none", "Substrate", "What it lies on.")
    orientation: float = setting(10.0, "Direction (°)", "Of a, from x towards y.", ge=-360, le=360)
    twist: float = setting(
        17.0, "Twist (°)", "Of the substrate against the layer.", ge=-360, le=360
    )
    tilt: float = setting(0.0, "Tilt (°)", "Of the layer out of the plane.", ge=0, le=10)
    tilt_axis: float = setting(0.0, "Tilt axis (°)", "From x towards y.", ge=-360, le=360)
    vacancies: float = setting(
        0.03, "Vacancies", "Share of chalcogen columns that lack one atom.", ge=0, le=0.5
    )
    double_vacancies: float = setting(
        0.0, "Double vacancies", "Share of chalcogen columns that lack both.", ge=0, le=0.5
    )
    metal_vacancies: float = setting(
        0.0, "Metal vacancies", "Share of metal atoms that are missing.", ge=0, le=0.5
    )
    holes: int = setting(0, "Holes", "Number of holes, 0.3 to 0.8 nm in radius.", ge=0, le=20)
    edge: float = setting(
        0.0, "Edge", "Share of the field beyond the edge of the layer.", ge=0, le=0.9
    )
    seed: int = setting(0, "Seed", "Draws where defects are.", ge=0)

    def build(self, side: float) -> Sheet:
        """Place the atoms of a field.

        Parameters
        ----------
        side : float
            Of the square field, in nm.

        Returns
        -------
        Sheet

        Raises
        ------
        InputError
            If there is no such material.
        """
        if self.material not in LAYERS:
            raise InputError(
                f"{self.material!r} is no layer that can be drawn; choose one of "
                f"{', '.join(LAYERS)}."
            )
        rng = np.random.default_rng((self.seed, 41))
        a, thickness = LAYERS[self.material]
        names = column_names(self.material)
        metal, chalcogen = names[METAL], names[SINGLE]
        sites, of_metal = _honeycomb(a, side, self.orientation)
        there = self._present(sites, side, rng)
        kind = np.where(of_metal, METAL, PAIR)
        drawn = rng.uniform(size=len(sites))
        kind[~of_metal & (drawn < self.vacancies)] = SINGLE
        gone = ~of_metal & (drawn > 1 - self.double_vacancies)
        gone |= of_metal & (drawn < self.metal_vacancies)
        kept = there & ~gone
        sites, kind = sites[kept], kind[kept]
        # A lone chalcogen is as often the upper as the lower one.
        upper = (kind == PAIR) | ((kind == SINGLE) & (rng.uniform(size=len(kind)) < 0.5))
        lower = (kind == PAIR) | ((kind == SINGLE) & ~upper)
        middle = kind == METAL
        places, numbers, columns = [], [], []
        for chosen, height, symbol in (
            (middle, 0.0, metal),
            (upper, thickness / 2, chalcogen),
            (lower, -thickness / 2, chalcogen),
        ):
            rows = np.flatnonzero(chosen)
            places.append(np.column_stack([sites[rows], np.full(len(rows), height)]))
            numbers.append(np.full(len(rows), _atomic_number(symbol)))
            columns.append(rows)
        if self.substrate == "graphene":
            ground, _ = _honeycomb(GRAPHENE, side, self.orientation + self.twist)
            depth = np.full(len(ground), -thickness / 2 - _GAP)
            places.append(np.column_stack([ground, depth]))
            numbers.append(np.full(len(ground), 6))
            columns.append(np.full(len(ground), -1))
        sheet = Sheet(
            np.concatenate(places),
            np.concatenate(numbers).astype(np.int64),
            np.concatenate(columns).astype(np.int64),
            kind,
            names,
            side,
        )
        return sheet.tilted(self.tilt, self.tilt_axis)

    def _present(self, sites: Float, side: float, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return which sites are neither in a hole nor beyond the edge."""
        there = np.ones(len(sites), bool)
        for _ in range(self.holes):
            center, radius = rng.uniform(0, side, 2), rng.uniform(0.3, 0.8)
            there &= np.linalg.norm(sites - center, axis=1) > radius
        if self.edge:
            angle = rng.uniform(0, 2 * np.pi)
            along = (sites - side / 2) @ [np.sin(angle), np.cos(angle)]
            inside = ((sites >= 0) & (sites < side)).all(axis=1)
            there &= along <= np.quantile(along[inside], 1 - self.edge)
        return there


@dataclass(frozen=True, eq=False)
class Sheet:
    """Atoms of a field, and the columns that they form.

    Parameters
    ----------
    places : ndarray, shape (n, 3)
        y, x and height in nm; the field is a square from 0 to `side`, and atoms reach beyond it.
    numbers : ndarray of int, shape (n,)
        Atomic numbers.
    columns : ndarray of int, shape (n,)
        To which column each atom belongs; -1 of the substrate.
    kind : ndarray of int, shape (m,)
        `METAL`, `PAIR` or `SINGLE` of each column.
    names : (str, str, str)
        Of these kinds, such as Mo, 2S, S.
    side : float
        Of the field in nm.
    """

    places: Float
    numbers: Integer
    columns: Integer
    kind: Integer
    names: tuple[str, str, str]
    side: float

    @property
    def column_places(self) -> Float:
        """Mean y and x of the atoms of each column in nm, shape (m, 2)."""
        of_layer = self.columns >= 0
        index, places = self.columns[of_layer], self.places[of_layer]
        count = np.bincount(index, minlength=len(self.kind))
        sums = [np.bincount(index, places[:, i], len(self.kind)) for i in (0, 1)]
        return np.stack(sums, axis=1) / count[:, None]

    def tilted(self, angle: float, axis: float) -> Sheet:
        """Return the sheet turned by an angle in degrees about an axis in its plane."""
        if not angle:
            return self
        tilt, direction = np.deg2rad([angle, axis])
        middle = np.array([self.side / 2, self.side / 2, 0])
        unit = np.array([np.sin(direction), np.cos(direction), 0])
        across = np.array([unit[1], -unit[0], 0])
        apart = self.places - middle
        distance = apart @ across
        turned = (
            apart
            + np.outer(distance * (np.cos(tilt) - 1) + apart[:, 2] * np.sin(tilt), across)
            + np.outer(apart[:, 2] * (np.cos(tilt) - 1) - distance * np.sin(tilt), [0.0, 0.0, 1.0])
        )
        return Sheet(turned + middle, self.numbers, self.columns, self.kind, self.names, self.side)

    def moved(self, by: Float) -> Sheet:
        """Return the sheet with every atom moved, (n, 3) in nm; columns stay named as they are."""
        return Sheet(self.places + by, self.numbers, self.columns, self.kind, self.names, self.side)

    def structure(self, margin: float = 0.2) -> Structure:
        """Return what lies in the field as an `ase.Atoms` in angstrom, periodic along y and x.

        Parameters
        ----------
        margin : float
            Vacuum below and above, in nm.
        """
        from ase import Atoms

        inside = ((self.places[:, :2] >= 0) & (self.places[:, :2] < self.side)).all(axis=1)
        y, x, z = self.places[inside].T
        z = z.max() - z + margin if len(z) else z  # the beam comes from above
        height = float(z.max()) + margin if len(z) else 2 * margin
        return Atoms(
            numbers=self.numbers[inside],
            positions=10 * np.stack([x, y, z], axis=1),
            cell=10 * np.array([self.side, self.side, height]),
            pbc=(True, True, False),
        )


def _honeycomb(a: float, side: float, orientation: float) -> tuple[Float, NDArray[np.bool_]]:
    """Return the sites (n, 2) of a honeycomb over a field, and which are of the first kind."""
    angle = np.deg2rad(orientation)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # of (y, x)
    basis = a * np.array([[0.0, 1.0], [np.sqrt(3) / 2, 0.5]])  # rows are (y, x)
    reach = int(np.ceil(1.5 * side / a)) + 2
    steps = np.stack(np.meshgrid(*2 * [np.arange(-reach, reach + 1)]), axis=-1).reshape(-1, 2)
    points = np.concatenate([steps @ basis, (steps + [1 / 3, 1 / 3]) @ basis])
    first = np.arange(len(points)) < len(steps)
    points = points @ turn.T + side / 2
    near = ((points > -_MARGIN) & (points < side + _MARGIN)).all(axis=1)
    return points[near], first[near]


def column_names(material: str) -> tuple[str, str, str]:
    """Return how `METAL`, `PAIR` and `SINGLE` columns of a layer are called.

    Parameters
    ----------
    material : str
        Such as MoS2.

    Examples
    --------
    >>> column_names("MoS2")
    ('Mo', '2S', 'S')
    """
    metal, chalcogen = re.findall("[A-Z][a-z]?", material)
    return metal, f"2{chalcogen}", chalcogen


def _atomic_number(symbol: str) -> int:
    from ase.data import atomic_numbers

    return int(atomic_numbers[symbol])


def random_specimen(rng: np.random.Generator, **fixed: Any) -> Specimen:
    """Draw a specimen to train on.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    **fixed
        Fields that are given.
    """

    def sometimes(chance: float, low: float, high: float) -> float:
        value = rng.uniform(low, high)
        return float(value) if rng.uniform() < chance else 0.0

    drawn = {
        "orientation": rng.uniform(0, 360),
        "twist": rng.uniform(0, 60),
        "substrate": "graphene" if rng.uniform() < 0.5 else "none",
        "tilt": sometimes(0.5, 0, 4),
        "tilt_axis": rng.uniform(0, 360),
        # Many more than a user sees, so that what is rare is learned, too.
        "vacancies": rng.uniform(0.02, 0.3),
        "double_vacancies": sometimes(0.7, 0, 0.15),
        "metal_vacancies": sometimes(0.3, 0, 0.04),
        "holes": int(rng.integers(1, 3)) if rng.uniform() < 0.25 else 0,
        "edge": sometimes(0.25, 0.1, 0.7),
        "seed": int(rng.integers(2**31)),
    }
    return Specimen(**(drawn | fixed))
