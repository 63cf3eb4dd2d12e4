"""Atoms as a Points layer over (t, y, x) at the place of their image, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms import Atoms
from napari_lattice_symmetry.atoms.table import ATOM
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.layers.origin import SOURCE_KEY
from napari_lattice_symmetry.plugin.selection.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    from napari.layers import Layer

ATOMS_KEY = "napari-lattice-symmetry atoms"
"""Under this key in its metadata a layer of atoms holds what it was made of."""

ORIGIN = "origin"
"""The column that says who set a point."""

UNNUMBERED = -1
"""The track or grain of a point that was not asked for since it was set."""

FOUND, ADDED, MOVED = "found", "added", "moved"

_PLACE = ("frame", "y", "x")
_OWN = set(Atoms.at([], []).columns()) - set(_PLACE)
_SIZE = 0.4  # spacings
_USUAL_SPACING = 15.0  # pixels, of a lone atom
_TEXTS = {"label": ATOM, ORIGIN: ADDED}  # of a point of which nothing is known


@dataclass(frozen=True, eq=False)
class FoundAtoms:
    """What a layer of atoms was made of.

    Parameters
    ----------
    atoms : Atoms
        As they were found.
    source : Source
        In which movie, and where that lies.
    frames : tuple of int
        Which of its frames were searched.
    """

    atoms: Atoms
    source: Source
    frames: tuple[int, ...]


def spacing_of(atoms: Atoms) -> float:
    """Return the distance of neighbors in pixels: that of the search, else the median."""
    if atoms.spacing is not None:
        return atoms.spacing
    known = atoms.neighbor[np.isfinite(atoms.neighbor)]
    return float(np.median(known)) if known.size else _USUAL_SPACING


def make_layer(found: FoundAtoms) -> Points:
    """Return the layer of atoms, not yet colored.

    Parameters
    ----------
    found : FoundAtoms
        What it shows.

    Returns
    -------
    napari.layers.Points
        Over the axes of the image, with a time axis in front of a single image. Its `features`
        are the columns of the table; of a point that is added by hand nothing is known.
    """
    atoms, geometry = found.atoms, found.source.geometry
    features = features_of(atoms)
    return Points(
        places_of(atoms, geometry.channel_axis),
        ndim=len(geometry.scale),
        name=f"atoms · {found.source.movie.name}",
        features=features,
        feature_defaults=unknown_of(features),
        metadata={ATOMS_KEY: found, SOURCE_KEY: found.source.layer_id},
        size=_SIZE * spacing_of(atoms),
        border_width=0,
        opacity=0.8,
        **geometry.layer_arguments(),
    )


def unknown_of(features: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Return what each feature is of a point of which nothing is known."""
    empty = {"U": "", "O": "", "i": UNNUMBERED, "b": False}
    return {
        name: _TEXTS.get(name, empty.get(np.asarray(values).dtype.kind, np.nan))
        for name, values in features.items()
    }


def places_of(table: Any, channel_axis: int | None) -> NDArray[np.float64]:
    """Return the places of atoms or defects as a layer has them, shape (n, 3) or (n, 4)."""
    places = np.stack([np.asarray(getattr(table, name), dtype=float) for name in _PLACE], axis=1)
    return places if channel_axis is None else np.insert(places, channel_axis, 0, axis=1)


def features_of(atoms: Atoms) -> dict[str, NDArray[Any]]:
    """Return the columns of atoms but for their places, and who set them."""
    columns = {name: values for name, values in atoms.columns().items() if name not in _PLACE}
    if atoms.calibrated:
        columns["neighbor_nm"] = atoms.table()["neighbor_nm"]
    first = ("label", "confidence", "intensity", "sigma", "neighbor", "neighbor_nm")
    ordered = {name: columns[name] for name in first if name in columns} | columns
    return {ORIGIN: np.full(len(atoms), FOUND)} | ordered


def found_in(layer: Layer | None) -> FoundAtoms | None:
    """Return what a layer of atoms was made of; None for any other layer."""
    return None if layer is None else layer.metadata.get(ATOMS_KEY)


def atoms_in(layer: Points) -> Atoms:
    """Return the atoms of a layer as they are now, edited or not.

    Parameters
    ----------
    layer : napari.layers.Points
        Made by `make_layer`.

    Returns
    -------
    Atoms
        In the frames' own pixels.

    Raises
    ------
    InputError
        If its features are others altogether.
    """
    found: FoundAtoms = layer.metadata[ATOMS_KEY]
    frame, y, x = frames_and_places(layer.data, found.source.geometry.time_axis)
    known = {
        name: _column(values) for name, values in layer.features.items() if name != "neighbor_nm"
    }
    if ORIGIN not in known:
        raise InputError(f"{layer.name!r} has lost what was known of its atoms; find them anew.")
    own = {name: known.pop(name) for name in _OWN if name in known}
    return Atoms.at(
        y,
        x,
        frame=frame,
        **own,
        more=known,
        pixel_size=found.atoms.pixel_size,
        spacing=found.atoms.spacing,
        name=found.atoms.name,
    )


def frames_and_places(
    data: NDArray[Any], time_axis: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return frame, y and x of points over the axes of a layer."""
    points = np.asarray(data, dtype=np.float64)
    return np.rint(points[:, time_axis]).astype(np.int64), points[:, -2], points[:, -1]


def image_of(layer: Layer) -> str | None:
    """Return the identity of the image that atoms, or what is beside them, were found in."""
    identity: str | None = layer.metadata.get(SOURCE_KEY)
    return identity


def layers_of_atoms(layers: Iterable[Layer], image_id: str | None = None) -> list[Points]:
    """List the layers of atoms, of an image if its identity is given, bottom first."""
    return [
        layer
        for layer in layers
        if isinstance(layer, Points)
        and (found := found_in(layer)) is not None
        and image_id in (None, found.source.layer_id)
    ]


def _column(values: pd.Series) -> NDArray[Any]:
    """Return a column of features as an array of numbers or of texts."""
    array = values.to_numpy()
    if array.dtype.kind in "fiub":
        return np.asarray(array)
    return np.asarray(array.astype(str))
