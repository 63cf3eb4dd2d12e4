"""Frames of which it is known at every pixel what is there: holes, fronts and grains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_lattice_symmetry.lattice import CLASSES, LABELS
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Float64 = NDArray[np.float64]

SIDE = 352  # px of a frame
NOISE = LABELS["noise"]


@dataclass(frozen=True)
class Scene:
    """A frame (Y, X) of counts, and the label value at every pixel."""

    image: NDArray[np.uint16]
    classes: NDArray[np.uint8]

    def fractions(self) -> Float64:
        """Give the share of the frame of each class."""
        return np.array([(self.classes == LABELS[name]).mean() for name in CLASSES])


def draw_scene(kind: str, window: int, counts: float, rng: np.random.Generator) -> Scene:
    """Draw a frame with boundaries of one of `KINDS`, of a size that suits `window`."""
    regions = KINDS[kind](window, rng)
    image = np.zeros((SIDE, SIDE))
    classes = np.zeros((SIDE, SIDE), np.uint8)
    with_hole = kind in ("one hole", "holes", "edge")
    for number in range(regions.max() + 1):
        inside = regions == number
        if number and with_hole:
            classes[inside] = NOISE
            continue
        name = str(rng.choice(CLASSES[:5]))
        classes[inside] = LABELS[name]
        basis = _basis(name, window, rng)
        period = np.hypot(*basis[0])
        atoms = lattice_points(basis, (SIDE, SIDE), tuple(rng.uniform(0, SIDE, 2)), 30)
        column, row = np.clip(np.round(atoms), 0, SIDE - 1).astype(int).T
        atoms = atoms[inside[row, column]]
        shaken = atoms + rng.uniform(0, 0.03) * period * rng.standard_normal(atoms.shape)
        image += draw_atoms(
            shaken, np.ones(len(atoms)), rng.uniform(0.15, 0.25) * period, image.shape
        )
    background = rng.uniform(0.05, 0.3)
    return Scene(count_electrons(image + background, counts, rng).astype(np.uint16), classes)


def _basis(name: str, window: int, rng: np.random.Generator) -> Float64:
    """Draw a lattice of a class beyond doubt, some 7 to 12 periods of which fill a window."""
    a = window / rng.uniform(7, 12)
    sides = {
        "square": (a, a, 90),
        "rectangular": (a, a * rng.uniform(1.2, 1.5), 90),
        "centered rectangular": (a, a, rng.uniform(68, 80)),
        "hexagonal": (a, a, 60),
        "oblique": (a, a * rng.uniform(1.2, 1.4), rng.uniform(70, 80)),
    }
    return cell(*sides[name]) @ rotation(rng.uniform(0, 180))


def _grid() -> tuple[Float64, Float64]:
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    return y, x


def _discs(diameters: Float64, rng: np.random.Generator) -> NDArray[np.int_]:
    """Place ragged discs anywhere, over each other too."""
    y, x = _grid()
    inside = np.zeros(y.shape, bool)
    for diameter in diameters:
        center = rng.uniform(0, SIDE, 2)
        angle = np.arctan2(y - center[0], x - center[1])
        ragged = 1 + rng.uniform(0, 0.2) * np.cos(rng.integers(2, 5) * angle + rng.uniform(0, 6))
        inside |= np.hypot(y - center[0], x - center[1]) < diameter / 2 * ragged
    return inside.astype(int)


def _front(window: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Cut the frame along a wavy line."""
    y, x = _grid()
    turn = rng.uniform(0, 2 * np.pi)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    wave = rng.uniform(0, 0.3) * window * np.sin(2 * np.pi * along / (rng.uniform(1.5, 4) * window))
    offset = across - (SIDE / 2) * (np.cos(turn) - np.sin(turn)) + wave
    return (offset > rng.uniform(-0.4, 0.4) * SIDE).astype(int)


def _grains(window: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Cut the frame into the surroundings of three to six points."""
    y, x = _grid()
    points = rng.uniform(0, SIDE, (rng.integers(3, 7), 2))
    distances = [np.hypot(y - row, x - column) for row, column in points]
    return np.argmin(distances, axis=0)


KINDS: dict[str, Callable[[int, np.random.Generator], NDArray[np.int_]]] = {
    "one hole": lambda window, rng: _discs(window * rng.uniform(0.3, 3, 1), rng),
    "holes": lambda window, rng: _discs(window * rng.uniform(0.4, 1.5, 6), rng),
    "edge": _front,
    "front": _front,
    "grains": _grains,
}
