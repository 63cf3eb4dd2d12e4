"""Plane groups beyond the usual window: other pictures, two grains, averages, atoms of the cell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from group_windows import PERIODS, SEED, SIZE, Drawn, draw, draw_crystal, named
from tqdm import tqdm

import napari_lattice_symmetry as nls
from napari_lattice_symmetry.cells import PlaneGroup, plane_group, plane_groups
from napari_lattice_symmetry.crystals import project, prototypes
from napari_lattice_symmetry.lattice.basis import rotation
from napari_lattice_symmetry.lattice.drawing import count_electrons
from napari_lattice_symmetry.lattice.motifs import break_symmetry, random_cell, random_motif
from napari_lattice_symmetry.lattice.plane_groups import PLANE_GROUPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]

# What is other than usual; a background of twice the peak leaves a contrast of 20 %.
ROBUST: tuple[tuple[str, dict[str, Any]], ...] = (
    ("contrast of 20 %", {"background": 2.0}),
    ("6.2 periods", {"periods": 6.2}),
    ("atoms of half the width", {"width": 0.04}),
    ("atoms 1.5 times as wide", {"width": 0.12}),
)
COUNTS = 30
OFF = 0.003  # of the vectors of a basis that is given
_BASIS_OFF = f"basis off by {OFF:.1%}"
ANGLES, SHARES = (5, 10, 15, 20, 30), (0.5, 0.25)
AVERAGED = (
    ("p4m to p4 by 1 %", "p4m", "p4", 0.01, 10),
    ("p4m to p4 by 0.5 %", "p4m", "p4", 0.005, 30),
    ("p6m to p6 by 0.5 %", "p6m", "p6", 0.005, 30),
    ("p6m to p3m1 by 0.5 %", "p6m", "p3m1", 0.005, 10),
    ("p4m as it is", "p4m", "p4m", 0.0, 10),
    ("p6m as it is", "p6m", "p6m", 0.0, 10),
)
MANY = (1, 4, 16)
PROTOTYPES = ("NaCl", "CsCl", "GaAs", "SrTiO3", "ZnO", "MoS2", "hBN", "graphene", "Si", "Fe", "Ti")
ZONES = ((0, 0, 1), (1, 0, 0), (1, 1, 0), (1, 1, 1), (2, 1, 0))
MIN_APART = 0.15  # of the cell's side, at which columns are seen apart
_NEAR = 0.1  # of the cell's side, within which an atom is the one that was drawn
_EXACT = 1e-6
_MEDIAN, _TWO_ERRORS = 1.386, 6.18  # chi-square of two coordinates: median, and 95.4 %
# Operations that leave a place as it is, by the symbol of the International Tables.
_ORDERS = {"1": 1, "m": 2, "2": 2, "3": 3, "4": 4, "6": 6, "2mm": 4, "3m": 6, "4mm": 8, "6mm": 12}


def shares_of(found: list[PlaneGroup], groups: list[str]) -> list[str]:
    """Tell what is right of what is resolved, how much is resolved, and the usual errors."""
    resolved = [each.resolved for each in found]
    pairs = [(group, each.name) for each, group in zip(found, groups, strict=True) if each.resolved]
    right = [group == name for group, name in pairs]
    wrong = Counter(f"{group} as {name}" for group, name in pairs if group != name)
    most = ", ".join(f"{name} {times}" for name, times in wrong.most_common(3))
    return [str(len(found)), f"{np.mean(right):.1%}", f"{np.mean(resolved):.1%}", most]


def robust_rows(n: int) -> list[list[str]]:
    """Measure windows that are drawn otherwise, and lattices that are given with an error."""
    rows = []
    for title, options in tqdm((*ROBUST, (_BASIS_OFF, {})), desc="robust", leave=False):
        found, groups = [], []
        for index, group in enumerate(PLANE_GROUPS):
            rng = np.random.default_rng((SEED, 7, index))
            drawn = [draw(group, rng, COUNTS, **options) for _ in range(n)]
            if title == _BASIS_OFF:
                found += [plane_group(each.image, each.basis @ _strain(rng)) for each in drawn]
            else:
                found += named(drawn)
            groups += [group] * n
        rows.append([title, str(COUNTS), *shares_of(found, groups)])
    return rows


def _strain(rng: np.random.Generator) -> Float:
    """Draw a strain that is longer by `OFF` in a direction and shorter by it across."""
    return np.eye(2) + OFF * rotation(rng.uniform(0, 360)) @ np.diag([1, -1])


def other_rows(n: int) -> list[list[str]]:
    """Measure pictures that another generator has drawn: tabulated crystals along zone axes."""
    rng = np.random.default_rng((SEED, 8))
    found, groups, crystals = [], [], set()
    for name in PROTOTYPES:
        for zone in ZONES:
            seen = project(prototypes()[name], zone)
            side = float(np.sqrt(abs(np.linalg.det(seen.basis))))
            places = seen.columns.position
            apart = places[:, np.newaxis] - places
            fractions = apart @ np.linalg.inv(seen.basis)
            apart = np.linalg.norm((fractions - np.rint(fractions)) @ seen.basis, axis=-1)
            close = apart[~np.eye(len(places), dtype=bool)].min(initial=np.inf)
            if not seen.plane_group or close < MIN_APART * side:
                continue
            crystals.add(seen.name)
            images = [
                seen.picture(
                    seen.a * PERIODS / SIZE,
                    (SIZE, SIZE),
                    angle=rng.uniform(0, 360),
                    width=0.08 * side,
                )
                for _ in range(n)
            ]
            found += plane_groups(np.array([count_electrons(each, COUNTS, rng) for each in images]))
            groups += [seen.plane_group] * n
    title = f"{len(crystals)} views of tabulated crystals"
    return [[title, str(COUNTS), *shares_of(found, groups)]]


def grain_rows(n: int) -> list[list[str]]:
    """Measure windows that hold two grains of one crystal, by the angle between them."""
    rows = []
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    for angle in tqdm(ANGLES, desc="grains", leave=False):
        for share in SHARES:
            names: list[str] = []
            sure = 0
            for index, group in enumerate(PLANE_GROUPS):
                rng = np.random.default_rng((SEED, 9, index, angle))
                images = []
                for _ in range(n):
                    motif = random_motif(group, rng)
                    basis = random_cell(motif.family, SIZE / PERIODS, rng)
                    pair = [
                        draw_crystal(motif, turned, rng, 30).image
                        for turned in (basis, basis @ rotation(angle))
                    ]
                    way = rng.uniform(0, 2 * np.pi)
                    across = x * np.cos(way) + y * np.sin(way)
                    images.append(np.where(across < np.quantile(across, share), pair[1], pair[0]))
                for each in plane_groups(np.array(images)):
                    right = each.name == group
                    names.append("none" if not each.resolved else "right" if right else "wrong")
                    if names[-1] == "wrong" and not each.within_tolerance:
                        sure += each.probabilities[each.name or ""] > 0.9
            told = [f"{names.count(kind) / len(names):.0%}" for kind in ("none", "right", "wrong")]
            rows.append([f"{angle}°", f"{share:.0%}", str(len(names)), *told, str(sure)])
    return rows


def averaging_rows(n: int) -> list[list[str]]:
    """Measure what averaging over windows gains, where one window is not enough."""
    rows = []
    for title, higher, lower, shift, counts in tqdm(AVERAGED, desc="averages", leave=False):
        row = [title, str(counts)]
        for windows in MANY:
            rng = np.random.default_rng((SEED, 4, counts, int(1000 * shift)))
            found = 0
            for _ in range(n):
                motif = random_motif(higher, rng, special=0)
                motif = break_symmetry(motif, lower, shift, rng) if shift else motif
                basis = random_cell(motif.family, SIZE / PERIODS, rng)
                drawn = [draw_crystal(motif, basis, rng, counts).image for _ in range(windows)]
                found += nls.cells.average_cell(np.array(drawn)).group.name == lower
            row.append(f"{found} of {n}")
        rows.append(row)
    row = ["all 17 groups", "1"]
    for windows in MANY:
        right = []
        for index, group in enumerate(PLANE_GROUPS):
            rng = np.random.default_rng((SEED, 4, index, windows))
            for _ in range(n // 2):
                motif = random_motif(group, rng)
                basis = random_cell(motif.family, SIZE / PERIODS, rng)
                drawn = [draw_crystal(motif, basis, rng, 1).image for _ in range(windows)]
                right.append(_average_name(np.array(drawn)) == group)
        row.append(f"{sum(right)} of {len(right)}")
    return [*rows, row]


def _average_name(windows: Float) -> str | None:
    try:
        return nls.cells.average_cell(windows).group.name
    except nls.LatticeSymmetryError:
        return None


def motif_rows(n: int) -> list[list[str]]:
    """Compare the atoms of averaged cells with those that were drawn."""
    rows = []
    for counts in tqdm((10, 100, 1000), desc="motif", leave=False):
        found: list[_Atom] = []
        drawn_atoms = 0
        for index, group in enumerate(PLANE_GROUPS):
            rng = np.random.default_rng((SEED, 10, index, counts))
            for _ in range(n):
                drawn = draw(group, rng, counts)
                cell = nls.cells.average_cell(drawn.image)
                if cell.group.name == group:
                    found += _compared(drawn, cell)
                    drawn_atoms += len(drawn.motif.sites)
        row = [str(counts), str(drawn_atoms), f"{len(found) / drawn_atoms:.1%}"]
        row.append(f"{np.mean([each.right for each in found if not each.overlaps]):.1%}")
        for overlaps in (False, True):
            those = [each for each in found if each.free and each.overlaps == overlaps]
            off, scaled = np.array([(each.off, each.in_errors) for each in those]).T
            row += [
                str(len(those)),
                f"{np.median(off):.3f}",
                f"{np.sqrt(np.median(scaled) / _MEDIAN):.2f}",
            ]
            row.append(f"{np.mean(scaled < _TWO_ERRORS):.0%}")
        rows.append(row)
    return rows


@dataclass(frozen=True)
class _Atom:
    """How an atom was found.

    Parameters
    ----------
    off : float
        Distance from where it was drawn, in pixels.
    in_errors : float
        Sum of the squares along a and b, in standard errors.
    right : bool
        Whether its Wyckoff position is as symmetric as the atom lies.
    free, overlaps : bool
        Whether it lies on no special position, and whether it is said to overlap another.
    """

    off: float
    in_errors: float
    right: bool
    free: bool
    overlaps: bool


def _compared(drawn: Drawn, cell: nls.cells.UnitCell) -> list[_Atom]:
    motif = cell.motif()
    rotations, translations = drawn.motif.operations()
    seen = cell.origins[0] + motif.sites @ cell.basis
    atoms = []
    for site in drawn.motif.sites:
        moved = rotations @ site + translations - site
        order = int((np.abs(moved - np.rint(moved)) < _EXACT).all(axis=1).sum())
        apart = (seen - drawn.origin) @ np.linalg.inv(drawn.basis) - site
        apart = (apart - np.rint(apart)) @ drawn.basis
        off = np.linalg.norm(apart, axis=1)
        k = int(off.argmin())
        if off[k] > _NEAR * SIZE / PERIODS:
            continue
        errors = _in_errors(apart[k] @ np.linalg.inv(cell.basis), motif.site_errors[k])
        first = motif.orbit[k]
        right = _ORDERS[motif.symmetries[first].replace(".", "")] == order
        overlaps = bool(motif.remarks[first])
        squares = float(np.square(errors).sum())
        atoms.append(_Atom(float(off[k]), squares, right, order == 1, overlaps))
    return atoms


def _in_errors(off: Float, errors: Float) -> Float:
    """Tell how far coordinates are off in their errors; infinitely where symmetry fixes them."""
    return np.divide(off, errors, out=np.full_like(off, np.inf), where=errors > 0)
