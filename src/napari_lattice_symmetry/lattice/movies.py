"""Simulated movies whose symmetry is known at every pixel, to try, to teach and to test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.data.movie import NANOMETER, Movie
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import cell, lattice_points, rotation
from napari_lattice_symmetry.lattice.classes import CLASSES, LABELS
from napari_lattice_symmetry.lattice.drawing import count_electrons, draw_atoms, scan_jitter
from napari_lattice_symmetry.lattice.motifs import draw_motif, random_cell, random_motif
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS

Float = NDArray[np.float64]

FULL_BRIGHTNESS_COUNTS = 60.0


@dataclass(frozen=True, eq=False)
class SimulatedMovie:
    """A movie and the truth about it.

    Parameters
    ----------
    movie : Movie
        uint16 counts, calibrated.
    classes : ndarray, shape (T, Y, X), uint8
        True label value at every pixel.
    parameters : dict
        The numbers that made it; for a growing fraction also its course.
    """

    movie: Movie
    classes: NDArray[np.uint8]
    parameters: dict[str, Any]


def simulate(name: str, seed: int = 0, **options: Any) -> SimulatedMovie:
    """Simulate one of the sample movies.

    Parameters
    ----------
    name : str
        One of `SIMULATIONS`: "growing-holes", "square-to-hexagonal", "two-grains", "gallery",
        "plane-groups".
    seed : int
        Draws everything that is random.
    **options
        ``frames`` and ``size`` (pixels) where the movie has them, and what else the function
        behind the name takes.

    Returns
    -------
    SimulatedMovie

    Raises
    ------
    InputError
        If there is no such movie, or it has no such option.

    Examples
    --------
    >>> import napari_lattice_symmetry as nls
    >>> simulated = nls.simulate("two-grains", size=256)
    >>> simulated.movie.shape, simulated.movie.pixel_size, simulated.movie.unit
    ((1, 256, 256), (0.025, 0.025), 'nm')
    """
    if name not in SIMULATIONS:
        raise InputError(
            f"There is no simulation {name!r}; choose one of {', '.join(SIMULATIONS)}."
        )
    try:
        return SIMULATIONS[name](seed=seed, **options)
    except TypeError as error:
        raise InputError(f"The simulation {name!r} does not take these options: {error}") from None


def growing_holes(
    *,
    seed: int = 0,
    frames: int = 90,
    size: int = 512,
    a0: float = 1.85e-5,
    rho: float = 0.0478,
    c: float = 0.059,
    track: Callable[[range], Iterable[int]] = iter,
) -> SimulatedMovie:
    """Simulate a WS2-like monolayer in which the beam opens holes.

    The hole fraction follows ``A0 exp(rho t) + C`` with the A0 and C of Vasudevan et al.,
    npj Comput. Mater. 4, 30 (2018), and a rho in 1/s with which their curve ends where theirs
    does: small holes come and go (C) while one grows without end (A0, rho).

    Parameters
    ----------
    seed : int
        Draws atoms, holes and counts.
    frames : int
        Number of frames, 2.25 s apart.
    size : int
        Side of a frame in pixels.
    a0, rho, c : float
        Initial fraction, rate in 1/s, and constant fraction of the growth law.
    track : callable
        What follows the progress, as `tqdm` does; the movie ends where its steps do.
    """
    rng = np.random.default_rng(seed)
    frame_time, lattice_constant, pixels_per_cell = 2.25, 0.316, 12.0
    times = np.arange(frames) * frame_time
    fraction = np.minimum(a0 * np.exp(rho * times) + c, 0.9)

    basis = cell(pixels_per_cell, pixels_per_cell, 60) @ rotation(rng.uniform(0, 60))
    metal = lattice_points(basis, (size, size), (size / 2, size / 2), 2 * pixels_per_cell)
    # Two sulfur atoms, one above the other, sit in every second hollow; Z contrast ~ Z^1.7.
    sulfur = metal + (basis[0] + basis[1]) / 3
    atoms = np.concatenate([metal, sulfur])
    brightness = np.repeat([1.0, 0.12], len(metal))

    holes = _Holes(size, rng)
    stack = np.empty((frames, size, size), dtype=np.uint16)
    classes = np.full(stack.shape, LABELS["hexagonal"], dtype=np.uint8)
    n_done = 0
    for t in track(range(frames)):
        mask = holes.mask(growing=fraction[t] - c, flickering=c)
        classes[t][mask] = LABELS["noise"]
        column, row = np.clip(np.round(atoms), 0, size - 1).astype(int).T
        present = ~mask[row, column]
        image = _film(atoms[present], brightness[present], 0.18 * pixels_per_cell, size, rng)
        stack[t] = _exposed(image, rng)
        n_done = t + 1
    stack, classes = stack[:n_done], classes[:n_done]
    movie = Movie(
        stack,
        name="growing holes",
        pixel_size=(lattice_constant / pixels_per_cell,) * 2,
        unit=NANOMETER,
        frame_time=frame_time,
        source=f"simulation growing-holes, seed {seed}",
    )
    parameters = {
        "A0": a0,
        "rho": rho,
        "C": c,
        "hole_fraction": (classes == LABELS["noise"]).mean(axis=(1, 2)).tolist(),
    }
    return SimulatedMovie(movie, classes, parameters)


class _Holes:
    """Holes of a given total area: one that grows, some that open and heal."""

    N_FLICKERING = 4

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.size, self.rng = size, rng
        self.y, self.x = np.ogrid[:size, :size]
        self.center = size * rng.uniform(0.62, 0.72, 2)
        angle = np.arctan2(self.y - self.center[0], self.x - self.center[1])
        phases = rng.uniform(0, 2 * np.pi, 3)
        # A ragged edge: the shape stays, the area is set by a threshold on this distance.
        ragged = sum(0.08 / k * np.cos((k + 1) * angle + p) for k, p in enumerate(phases, start=1))
        distance = np.hypot(self.y - self.center[0], self.x - self.center[1])
        self.distance = distance * (1 + ragged)
        self.sorted_distance = np.sort(self.distance, axis=None)

    def mask(self, growing: float, flickering: float) -> NDArray[np.bool_]:
        """Open holes that cover the fractions `growing` and `flickering` of the frame."""
        n_pixels = self.size**2
        grown = self.distance < self.sorted_distance[min(round(growing * n_pixels), n_pixels - 1)]
        nearest = np.full(grown.shape, np.inf)
        for y, x in self.rng.uniform(0, self.size, (self.N_FLICKERING, 2)):
            np.minimum(nearest, np.hypot(self.y - y, self.x - x), out=nearest)
        # Only area outside the growing hole counts, so that the two fractions add up.
        nearest[grown] = np.inf
        opened = min(round(flickering * n_pixels), int((~grown).sum()) - 1)
        threshold = np.partition(nearest, opened, axis=None)[opened]
        return np.asarray(grown | (nearest < threshold))


def square_to_hexagonal(*, seed: int = 0, frames: int = 31, size: int = 256) -> SimulatedMovie:
    """Simulate a lattice that turns slowly from square to hexagonal.

    The angle of the rhombic cell falls evenly from 90 to 60 degrees; in between the lattice
    is centered rectangular. Compare Supplementary Figure 5 of Vasudevan et al. 2018.
    """
    rng = np.random.default_rng(seed)
    angles = np.linspace(90, 60, frames)
    turn = rotation(rng.uniform(0, 90))
    stack = np.empty((frames, size, size), dtype=np.uint16)
    classes = np.full(stack.shape, LABELS["centered rectangular"], dtype=np.uint8)
    classes[0], classes[-1] = LABELS["square"], LABELS["hexagonal"]
    for t, angle in enumerate(angles):
        basis = cell(12, 12, float(angle)) @ turn
        atoms = lattice_points(basis, (size, size), (size / 2, size / 2), 30)
        stack[t] = _exposed(_film(atoms, np.ones(len(atoms)), 2.2, size, rng), rng)
    movie = Movie(
        stack,
        name="square to hexagonal",
        pixel_size=(0.025, 0.025),
        unit=NANOMETER,
        frame_time=1.0,
        source=f"simulation square-to-hexagonal, seed {seed}",
    )
    return SimulatedMovie(movie, classes, {"angle": angles.tolist()})


def two_grains(*, seed: int = 0, size: int = 512) -> SimulatedMovie:
    """Simulate a square and a hexagonal grain with an amorphous strip between them."""
    rng = np.random.default_rng(seed)
    half_strip = size / 10
    y, x = np.mgrid[:size, :size]
    side = (x - size / 2) + 0.25 * (y - size / 2)
    classes = np.where(side < 0, LABELS["square"], LABELS["hexagonal"]).astype(np.uint8)
    classes[np.abs(side) < half_strip] = LABELS["noise"]

    grains = []
    for label, gamma, turn in ((LABELS["square"], 90, 17), (LABELS["hexagonal"], 60, 41)):
        atoms = lattice_points(cell(12, 12, gamma) @ rotation(turn), (size, size), (0, 0), 12)
        grains.append(_inside(atoms, classes == label))
    density = 1 / 12**2
    scattered = rng.uniform(0, size, (round(density * size**2), 2))
    grains.append(_inside(scattered, classes == LABELS["noise"]))
    atoms = np.concatenate(grains)
    image = _film(atoms, np.ones(len(atoms)), 2.2, size, rng)
    movie = Movie(
        _exposed(image, rng)[np.newaxis],
        name="two grains",
        pixel_size=(0.025, 0.025),
        unit=NANOMETER,
        source=f"simulation two-grains, seed {seed}",
    )
    return SimulatedMovie(movie, classes[np.newaxis], {"strip_width": 2 * half_strip})


def gallery(*, seed: int = 0, size: int = 256) -> SimulatedMovie:
    """Simulate the six classes, one a frame, in the order of `CLASSES`."""
    rng = np.random.default_rng(seed)
    cells = {
        "square": cell(13, 13, 90),
        "rectangular": cell(11, 17, 90),
        "centered rectangular": cell(13, 13, 74),
        "hexagonal": cell(13, 13, 60),
        "oblique": cell(11, 15, 76),
    }
    stack = np.empty((len(CLASSES), size, size), dtype=np.uint16)
    for frame, name in zip(stack, CLASSES, strict=True):
        if name == "noise":
            atoms = rng.uniform(-10, size + 10, (round((size + 20) ** 2 / 13**2), 2))
        else:
            basis = cells[name] @ rotation(rng.uniform(0, 180))
            atoms = lattice_points(basis, (size, size), (size / 2, size / 2), 30)
        frame[:] = _exposed(_film(atoms, np.ones(len(atoms)), 2.2, size, rng), rng)
    labels = np.arange(1, len(CLASSES) + 1, dtype=np.uint8)
    movie = Movie(
        stack,
        name="gallery",
        pixel_size=(0.025, 0.025),
        unit=NANOMETER,
        source=f"simulation gallery, seed {seed}",
    )
    classes = np.broadcast_to(labels[:, None, None], stack.shape).copy()
    return SimulatedMovie(movie, classes, {})


def plane_groups(*, seed: int = 0, size: int = 256) -> SimulatedMovie:
    """Simulate the 17 plane groups, one a frame, in the order of `PLANE_GROUPS`.

    The group is that of the drawn atoms by exact operations.
    """
    stack = np.empty((len(PLANE_GROUPS), size, size), dtype=np.uint16)
    classes = np.empty(stack.shape, dtype=np.uint8)
    for i, group in enumerate(PLANE_GROUPS):
        rng = np.random.default_rng([seed, i])
        # Any two atoms nearly make an inversion: only their brightness breaks it.
        motif = random_motif(group, rng, atoms=3 if group == "p1" else 2)
        basis = random_cell(motif.family, 20, rng)
        stack[i] = draw_motif(motif, basis, size, rng, counts=FULL_BRIGHTNESS_COUNTS)
        classes[i] = LABELS[motif.family]
    movie = Movie(
        stack,
        name="plane groups",
        pixel_size=(0.02, 0.02),
        unit=NANOMETER,
        source=f"simulation plane-groups, seed {seed}",
    )
    return SimulatedMovie(movie, classes, {"plane_groups": list(PLANE_GROUPS)})


def _inside(atoms: Float, region: NDArray[np.bool_]) -> Float:
    """Keep the atoms (x, y) that lie in a region of the frame."""
    column, row = np.round(atoms).astype(int).T
    height, width = region.shape
    within = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    within[within] = region[row[within], column[within]]
    kept: Float = atoms[within]
    return kept


def _film(
    atoms: Float, brightness: Float, sigma: float, size: int, rng: np.random.Generator
) -> Float:
    """Draw atoms with thermal disorder of 0.35 px and a slow scan jitter of 0.15 px."""
    shaken = atoms + 0.35 * rng.standard_normal(atoms.shape)
    shift = scan_jitter(size, 0.15, True, rng)
    return draw_atoms(shaken, brightness, sigma, (size, size), shift) + 0.08


def _exposed(image: Float, rng: np.random.Generator) -> NDArray[np.uint16]:
    return count_electrons(image, FULL_BRIGHTNESS_COUNTS, rng).astype(np.uint16)


SIMULATIONS: dict[str, Callable[..., SimulatedMovie]] = {
    "growing-holes": growing_holes,
    "square-to-hexagonal": square_to_hexagonal,
    "two-grains": two_grains,
    "gallery": gallery,
    "plane-groups": plane_groups,
}
