"""Probability maps and vacancies of a named series as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image, Points
from napari.utils import Colormap

from napari_lattice_symmetry.atoms import Atoms, vacancies
from napari_lattice_symmetry.plugin.atoms.layers import places_of
from napari_lattice_symmetry.plugin.layers.origin import SOURCE_KEY
from napari_lattice_symmetry.plugin.layers.result_layers import METADATA_KEY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_lattice_symmetry.plugin.selection.source import Source

PROBABILITY = "probability of columns"

_COLORS = ("#56B4E9", "#F0E442", "#D55E00")  # of metal, pair and single
_RING = "#FF3B30"
_WIDE = 0.3  # nm


def make_maps(
    maps: NDArray[np.float32], names: list[str], source: Source, frame: tuple[int, int]
) -> list[Image]:
    """Return an image a class of how probable it is, over the series.

    Parameters
    ----------
    maps : ndarray, shape (t, classes, y, x)
        Without the background.
    names : list of str
        Of the classes.
    source : Source
        Where the series lies.
    frame : (int, int)
        Pixels of its images along y and x.
    """
    factors = (frame[0] / maps.shape[2], frame[1] / maps.shape[3])
    place = source.geometry.coarser(factors)
    return [
        Image(
            place.shape_maps(maps[:, i]),
            name=f"p {name} · {source.movie.name}",
            metadata={METADATA_KEY: {"kind": PROBABILITY, "class": name, **source.origin}},
            colormap=Colormap(["black", color], name=f"probability of {name}"),
            contrast_limits=(0.0, 1.0),
            blending="additive",
            visible=False,
            **place.layer_arguments(),
        )
        for i, (name, color) in enumerate(zip(names, _COLORS, strict=True))
    ]


def make_vacancies(atoms: Atoms, source: Source) -> Points:
    """Return rings around the columns that lack an atom, with how sure each is."""
    gone = vacancies(atoms)
    geometry = source.geometry
    features: dict[str, Any] = {"confidence": gone.confidence, "label": gone.label}
    return Points(
        places_of(gone, geometry.channel_axis),
        ndim=len(geometry.scale),
        name=f"vacancies · {source.movie.name}",
        features=features,
        metadata={SOURCE_KEY: source.layer_id},
        symbol="disc",
        face_color="transparent",
        border_color=_RING,
        border_width=0.12,
        size=_WIDE / geometry.pixel_size[1],
        **geometry.layer_arguments(),
    )
