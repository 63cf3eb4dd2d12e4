"""The 17 plane groups: their operations in every setting that a lattice allows.

Coordinate triplets, origins, Wyckoff letters and site symmetries are those of the International
Tables for Crystallography, volume A, chapter 2.2. Places are fractions of a cell, ``position =
fraction @ basis`` with the vectors (x, y) of the basis in rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.lattice.basis import lattice_parameters, reduce_basis

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

_TRIPLETS = {
    "p1": "x,y",
    "p2": "x,y; -x,-y",
    "pm": "x,y; -x,y",
    "pg": "x,y; -x,y+1/2",
    "cm": "x,y; -x,y",
    "pmm": "x,y; -x,-y; -x,y; x,-y",
    "pmg": "x,y; -x,-y; -x+1/2,y; x+1/2,-y",
    "pgg": "x,y; -x,-y; -x+1/2,y+1/2; x+1/2,-y+1/2",
    "cmm": "x,y; -x,-y; -x,y; x,-y",
    "p4": "x,y; -x,-y; -y,x; y,-x",
    "p4m": "x,y; -x,-y; -y,x; y,-x; -x,y; x,-y; y,x; -y,-x",
    "p4g": "x,y; -x,-y; -y,x; y,-x; -x+1/2,y+1/2; x+1/2,-y+1/2; y+1/2,x+1/2; -y+1/2,-x+1/2",
    "p3": "x,y; -y,x-y; -x+y,-x",
    "p3m1": "x,y; -y,x-y; -x+y,-x; -y,-x; -x+y,y; x,x-y",
    "p31m": "x,y; -y,x-y; -x+y,-x; y,x; x-y,-y; -x,-x+y",
    "p6": "x,y; -y,x-y; -x+y,-x; -x,-y; y,-x+y; x-y,x",
    "p6m": "x,y; -y,x-y; -x+y,-x; -x,-y; y,-x+y; x-y,x; -y,-x; -x+y,y; x,x-y; y,x; x-y,-y; -x,-x+y",
}

PLANE_GROUPS: tuple[str, ...] = tuple(_TRIPLETS)
"""Names of the 17 plane groups; the one at index ``i`` has the label value ``i + 1``."""

MIN_CELLS = 6
"""How many cells have to fit into the side of a window for its plane group to be named."""


def group_label(name: str | None) -> int:
    """Return the label value of a plane group; 0 of None."""
    return 0 if name is None else PLANE_GROUPS.index(name) + 1


_MAXIMAL_SUBGROUPS: dict[str, tuple[str, ...]] = {
    "p1": (),
    "p2": ("p1",),
    "pm": ("p1",),
    "pg": ("p1",),
    "cm": ("p1",),
    "pmm": ("p2", "pm"),
    "pmg": ("p2", "pm", "pg"),
    "pgg": ("p2", "pg"),
    "cmm": ("p2", "cm"),
    "p4": ("p2",),
    "p4m": ("p4", "pmm", "cmm"),
    "p4g": ("p4", "pgg", "cmm"),
    "p3": ("p1",),
    "p3m1": ("p3", "cm"),
    "p31m": ("p3", "cm"),
    "p6": ("p3", "p2"),
    "p6m": ("p6", "p3m1", "p31m", "cmm"),
}

_OBLIQUE, _SWAPPED = ((1, 0), (0, 1)), ((0, 1), (-1, 0))
_RHOMBUS = ((1, -1), (1, 1)), ((1, 1), (-1, 1))
# Rectangles of two cells in a hexagonal lattice, a and b at 120 degrees.
_HEXAGONAL = ((1, 0), (1, 2)), ((0, 1), (-2, -1)), ((-1, -1), (1, -1))
_HEXAGONAL_SWAPPED = tuple((b, (-a[0], -a[1])) for a, b in _HEXAGONAL)

_Changes = tuple[tuple[tuple[int, int], tuple[int, int]], ...]
_ONE: _Changes = (_OBLIQUE,)
_TWO: _Changes = (_OBLIQUE, _SWAPPED)
_EVERYWHERE: dict[str, _Changes] = {"p1": _ONE, "p2": _ONE}
_RECTANGULAR: dict[str, _Changes] = {
    **_EVERYWHERE,
    **dict.fromkeys(("pm", "pg", "pmg"), _TWO),
    **dict.fromkeys(("pmm", "pgg"), _ONE),
}
_CENTERED: dict[str, _Changes] = {**_EVERYWHERE, "cm": _RHOMBUS, "cmm": _RHOMBUS[:1]}
_SETTINGS: dict[str, dict[str, _Changes]] = {
    "oblique": _EVERYWHERE,
    "rectangular": _RECTANGULAR,
    "centered rectangular": _CENTERED,
    "square": {**_RECTANGULAR, **_CENTERED, **dict.fromkeys(("p4", "p4m", "p4g"), _ONE)},
    "hexagonal": {
        **_EVERYWHERE,
        "cm": (*_HEXAGONAL, *_HEXAGONAL_SWAPPED),
        "cmm": _HEXAGONAL,
        **dict.fromkeys(("p3", "p3m1", "p31m", "p6", "p6m"), _ONE),
    },
}

_EQUALITIES = {
    "oblique": 0,
    "rectangular": 1,
    "centered rectangular": 1,
    "square": 2,
    "hexagonal": 2,
}

_WYCKOFF: dict[str, str] = {
    "p1": "a 1 x,y",
    "p2": "a 2 0,0; b 2 0,1/2; c 2 1/2,0; d 2 1/2,1/2; e 1 x,y",
    "pm": "a .m. 0,y; b .m. 1/2,y; c 1 x,y",
    "pg": "a 1 x,y",
    "cm": "a .m. 0,y; b 1 x,y",
    "pmm": "a 2mm 0,0; b 2mm 0,1/2; c 2mm 1/2,0; d 2mm 1/2,1/2; "
    "e ..m x,0; f ..m x,1/2; g .m. 0,y; h .m. 1/2,y; i 1 x,y",
    "pmg": "a 2.. 0,0; b 2.. 0,1/2; c .m. 1/4,y; d 1 x,y",
    "pgg": "a 2.. 0,0; b 2.. 1/2,0; c 1 x,y",
    "cmm": "a 2mm 0,0; b 2mm 0,1/2; c 2.. 1/4,1/4; d ..m x,0; e .m. 0,y; f 1 x,y",
    "p4": "a 4.. 0,0; b 4.. 1/2,1/2; c 2.. 1/2,0; d 1 x,y",
    "p4m": "a 4mm 0,0; b 4mm 1/2,1/2; c 2mm. 1/2,0; d .m. x,0; e .m. x,1/2; f ..m x,x; g 1 x,y",
    "p4g": "a 4.. 0,0; b 2.mm 1/2,0; c ..m x,x+1/2; d 1 x,y",
    "p3": "a 3.. 0,0; b 3.. 1/3,2/3; c 3.. 2/3,1/3; d 1 x,y",
    "p3m1": "a 3m. 0,0; b 3m. 1/3,2/3; c 3m. 2/3,1/3; d .m. x,-x; e 1 x,y",
    "p31m": "a 3.m 0,0; b 3.. 1/3,2/3; c ..m x,0; d 1 x,y",
    "p6": "a 6.. 0,0; b 3.. 1/3,2/3; c 2.. 1/2,0; d 1 x,y",
    "p6m": "a 6mm 0,0; b 3m. 1/3,2/3; c 2mm 1/2,0; d ..m x,0; e .m. x,-x; f 1 x,y",
}


@dataclass(frozen=True, eq=False)
class Setting:
    """One way in which a plane group lies in a lattice.

    Parameters
    ----------
    group : str
        One of `PLANE_GROUPS`.
    conventional : ndarray of int, shape (2, 2)
        ``conventional @ basis`` are the vectors of the cell of the International Tables.
    rotations : ndarray of int, shape (n, 2, 2)
        The operations take the fraction x of `basis` (a column) to ``rotation @ x +
        translation``; the first is the identity.
    translations : ndarray, shape (n, 2)
        0 or 1/2.
    """

    group: str
    conventional: Integer
    rotations: Integer
    translations: Float

    @property
    def order(self) -> int:
        """Number of operations in a primitive cell."""
        return len(self.rotations)


@dataclass(frozen=True, eq=False)
class Site:
    """A Wyckoff position: places x with ``x = matrix @ (x, y) + offset`` in the standard cell.

    Parameters
    ----------
    letter, symmetry : str
        As in the International Tables.
    matrix : ndarray, shape (2, 2)
        What is free.
    offset : ndarray, shape (2,)
        What is not.
    """

    letter: str
    symmetry: str
    matrix: Float
    offset: Float


def _terms(text: str) -> tuple[list[list[float]], list[float]]:
    """Read a triplet such as "-x+1/2,y" as a matrix and an offset."""
    matrix, offset = [], []
    for row in text.split(","):
        factors, constant = {"x": 0.0, "y": 0.0}, 0.0
        for term in row.replace("-", "+-").split("+"):
            sign, name = (-1.0, term[1:]) if term.startswith("-") else (1.0, term)
            if name in factors:
                factors[name] += sign
            elif name:
                numerator, _, denominator = name.partition("/")
                constant += sign * float(numerator) / float(denominator or 1)
        matrix.append(list(factors.values()))
        offset.append(constant)
    return matrix, offset


@cache
def standard_operations(group: str) -> tuple[Float, Float]:
    """Return the operations of a group in the cell of the International Tables.

    Returns
    -------
    rotations : ndarray, shape (n, 2, 2)
    translations : ndarray, shape (n, 2)
        Without the centering (1/2, 1/2) of cm and cmm.
    """
    read = [_terms(triplet.strip()) for triplet in _TRIPLETS[group].split(";")]
    return np.array([each[0] for each in read]), np.array([each[1] for each in read])


@cache
def wyckoff_sites(group: str) -> tuple[Site, ...]:
    """List the Wyckoff positions of a group, the most special first."""
    sites = []
    for text in _WYCKOFF[group].split(";"):
        letter, symmetry, triplet = text.split()
        matrix, offset = _terms(triplet)
        sites.append(Site(letter, symmetry, np.array(matrix), np.array(offset)))
    return tuple(sites)


@cache
def settings(family: str) -> tuple[Setting, ...]:
    """List the groups that a lattice allows, in every setting, in the basis `family_basis` gives.

    Parameters
    ----------
    family : {"oblique", "rectangular", "centered rectangular", "square", "hexagonal"}
        Class of the lattice.

    Raises
    ------
    InputError
        If there is no such class.
    """
    if family not in _SETTINGS:
        raise InputError(f"{family!r} is no class of lattices; choose one of {list(_SETTINGS)}.")
    return tuple(
        _setting(group, np.array(change))
        for group, changes in sorted(
            _SETTINGS[family].items(), key=lambda item: PLANE_GROUPS.index(item[0])
        )
        for change in changes
    )


def _setting(group: str, conventional: Integer) -> Setting:
    rotations, translations = standard_operations(group)
    # A fraction f of the basis is x of the standard cell with f = conventional.T @ x.
    to_basis = conventional.T
    turned = to_basis @ rotations @ np.linalg.inv(to_basis)
    return Setting(
        group, conventional, np.rint(turned).astype(np.int64), translations @ to_basis.T % 1
    )


@cache
def allowed(family: str) -> tuple[str, ...]:
    """Name the groups that a class of lattices allows."""
    return tuple(dict.fromkeys(setting.group for setting in settings(family)))


def check_group(group: str) -> None:
    """See that a plane group is one of the 17.

    Parameters
    ----------
    group : str
        One of `PLANE_GROUPS`.

    Raises
    ------
    InputError
        If there is no such group.
    """
    if group not in PLANE_GROUPS:
        raise InputError(f"{group!r} is no plane group; choose one of {list(PLANE_GROUPS)}.")


@cache
def supergroups(group: str) -> tuple[str, ...]:
    """Name the groups of the same lattice that contain `group`, itself first.

    Raises
    ------
    InputError
        If there is no such group.
    """
    check_group(group)
    found = {group}
    while True:
        above = {name for name, lower in _MAXIMAL_SUBGROUPS.items() if found & set(lower)}
        if above <= found:
            return (group, *(name for name in PLANE_GROUPS if name in found - {group}))
        found |= above


@cache
def family_of(group: str) -> str:
    """Name the lowest class of lattices that allows a group."""
    return next(family for family, groups in _SETTINGS.items() if group in groups)


@cache
def unneeded_equalities(family: str, group: str) -> int:
    """Count what holds of the metric of a class of lattices though a group does not ask for it.

    Two of a square one (a = b, a right angle) or a hexagonal one, one of a rectangle.
    """
    return _EQUALITIES[family] - _EQUALITIES[family_of(group)]


def family_basis(basis: Float, family: str) -> Float:
    """Choose the basis of a lattice in which the operations of a class are written.

    Parameters
    ----------
    basis : ndarray, shape (2, 2)
        Any basis of the lattice, vectors (x, y) in rows.
    family : str
        Class of the lattice, as which it is to be described.

    Returns
    -------
    ndarray, shape (2, 2)
        a, b with b counterclockwise of a where y points up (from x towards y): the reduced
        cell; of a hexagonal lattice two equal vectors at 120 degrees, of a centered
        rectangle the two equal vectors of the rhombus.
    """
    u, v = reduce_basis(basis)
    if family == "centered rectangular":
        a, b, gamma = lattice_parameters(np.stack([u, v]))
        if np.log(b / a) > abs(np.cos(np.deg2rad(gamma)) - a / (2 * b)):
            u, v = v, v - u
        chosen = np.stack([u, v])
        return chosen if np.linalg.det(chosen) > 0 else chosen[::-1].copy()
    if family == "hexagonal":
        chosen = np.stack([u, v - u])
        return chosen if np.linalg.det(chosen) > 0 else np.stack([v, u - v])
    return np.stack([u, v if np.linalg.det(np.stack([u, v])) > 0 else -v])


def name_operations(rotations: Integer, translations: Float) -> str:
    """Name the plane group that a set of operations makes, from what each operation is.

    Unlike the table it knows of no origin and no setting: it counts turns and tells mirrors
    from glides.

    Parameters
    ----------
    rotations : ndarray of int, shape (n, 2, 2)
        All operations in a primitive cell (hexagonal: a and b at 120 degrees).
    translations : ndarray, shape (n, 2)
        What they shift, in fractions of the cell.
    """
    proper = np.rint(np.linalg.det(rotations)) > 0
    fold = int(proper.sum())
    kinds = sorted(
        _mirror_kind(rotation, shift)
        for rotation, shift in zip(rotations[~proper], translations[~proper], strict=True)
    )
    if not kinds:
        return f"p{fold}"
    if fold in (1, 2):
        names = {"m": "pm", "g": "pg", "c": "cm", "mm": "pmm", "gm": "pmg", "gg": "pgg"}
        return {**names, "cc": "cmm"}["".join(kinds)]
    if fold == 4:
        return "p4g" if "g" in kinds else "p4m"
    if fold == 6:
        return "p6m"
    swaps = np.all(rotations == [[0, 1], [1, 0]], axis=(1, 2)).any()
    return "p31m" if swaps else "p3m1"


def _mirror_kind(rotation: Integer, shift: Float) -> str:
    """Tell a mirror (m) from a glide (g) and from one that is both in turns (c)."""
    along = rotation + np.eye(2, dtype=np.int64)
    if (along % 2).any():
        return "c"
    glide = along @ shift / 2
    return "m" if np.allclose(glide, np.rint(glide), atol=1e-6) else "g"
