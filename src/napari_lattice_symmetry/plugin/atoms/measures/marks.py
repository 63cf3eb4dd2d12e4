"""Layers of what was measured: arrows, tracks, defects and rings beside their atoms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Points, Tracks, Vectors
from numpy.typing import NDArray

from napari_lattice_symmetry.atoms import Atoms, DefectLives, DefectMaps, Defects, Rings
from napari_lattice_symmetry.plugin.atoms.coloring import number_colors, title_of
from napari_lattice_symmetry.plugin.atoms.layers import FoundAtoms, places_of, spacing_of
from napari_lattice_symmetry.plugin.atoms.truth import KIND, mark
from napari_lattice_symmetry.plugin.layers.legend import LEGEND_KEY, Legend
from napari_lattice_symmetry.plugin.layers.origin import SOURCE_KEY
from napari_lattice_symmetry.plugin.layers.result_layers import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Layer

LIVES_KEY = "napari-lattice-symmetry lives of defects"
"""Under this key in its metadata a layer of defects holds how they live."""

ARROWS_KEY = "napari-lattice-symmetry arrows"
"""Under this key in its metadata a layer of arrows holds its legend at their true length."""

EVIDENCE = "evidence of defects"

_SHARP = "any defect (logits)"
_WIDTH = 0.12  # spacings


@dataclass(frozen=True, eq=False)
class ShownLives:
    """Lives of the defects in a layer.

    Parameters
    ----------
    lives : DefectLives
        As they were followed.
    found : FoundAtoms
        In which atoms.
    """

    lives: DefectLives
    found: FoundAtoms


def arrows_layer(atoms: Atoms, name: str, sibling: Points, found: FoundAtoms) -> Vectors:
    """Return arrows from where atoms should be to where they are.

    Parameters
    ----------
    atoms : Atoms
        With the columns of `name`.
    name : {"displacement", "polarization"}
        What they show.
    sibling : napari.layers.Points
        The layer of the atoms.
    found : FoundAtoms
        What that was made of.
    """
    known = atoms[np.isfinite(atoms.more[name])]
    away = np.stack([known.more[f"{name}_y"], known.more[f"{name}_x"]], axis=1)
    end = places_of(known, found.source.geometry.channel_axis)
    steps = np.zeros_like(end)
    steps[:, -2:] = away
    table = known.table()
    values = table.get(f"{name}_nm", known.more[name])
    title = title_of(f"{name}_nm" if f"{name}_nm" in table else name)
    colors, legend = number_colors(values, title)
    return Vectors(
        np.stack([end - steps, steps], axis=1),
        ndim=sibling.ndim,
        name=_name(name, sibling),
        features={title: values},
        edge_color=colors,
        edge_width=_WIDTH * spacing_of(known),
        vector_style="arrow",
        metadata={ARROWS_KEY: legend, LEGEND_KEY: legend, **_kept(found)},
        **_place(sibling),
    )


def stretch_arrows(layers: Iterable[Layer], factor: float) -> None:
    """Draw all arrows so many times as long as they are, and say so in their legends."""
    for layer in layers:
        legend: Legend | None = layer.metadata.get(ARROWS_KEY)
        if legend is not None:
            layer.length = factor
            title = f"{legend.title}, arrows x {factor:g}"
            layer.metadata[LEGEND_KEY] = Legend(title, legend.keys, legend.ramp, legend.limits)
            layer.events.metadata()


def tracks_layer(atoms: Atoms, sibling: Points, found: FoundAtoms) -> Tracks:
    """Return the tracks of atoms that have the column ``track``."""
    rows = np.lexsort([atoms.frame, atoms.more["track"]])
    number = atoms.more["track"][rows]
    places = places_of(atoms[rows], found.source.geometry.channel_axis)
    return Tracks(
        np.column_stack([number, places]),
        name=_name("tracks", sibling),
        features={"track": number, "confidence": atoms.confidence[rows]},
        tail_length=max(int(np.ptp(atoms.frame)), 1),
        tail_width=2,
        metadata=_kept(found),
        **_place(sibling),
    )


def defects_layer(
    defects: Defects, lives: DefectLives | None, sibling: Points, found: FoundAtoms
) -> Points:
    """Return defects by kind, with their lives where they were followed."""
    features: dict[str, Any] = {KIND: defects.kind, "score": defects.confidence}
    if lives is not None:
        features["life"] = lives.number
        for name in ("birth", "end"):
            column = np.append(getattr(lives, name), -1)  # of those that were not followed
            features[name] = column[lives.number]
    places = places_of(defects, found.source.geometry.channel_axis)
    layer = mark(places, features, sibling, "defects")
    layer.metadata.update(_kept(found))
    if lives is not None:
        layer.metadata[LIVES_KEY] = ShownLives(lives, found)
    return layer


def evidence_layers(maps: DefectMaps, found: FoundAtoms) -> list[Image]:
    """Return the evidence for each kind of defect as images in logits, and where it comes from.

    The last one is black up to the threshold of perfect crystals, and the only one that is shown.

    Parameters
    ----------
    maps : DefectMaps
        Over the frames of the movie.
    found : FoundAtoms
        What they were made of.
    """
    place = found.source.geometry.coarser(maps.factors)
    shown = [
        *((kind, maps.evidence[:, i], 0.0) for i, kind in enumerate(maps.kinds)),
        (_SHARP, maps.sharpened, maps.threshold),
    ]
    return [
        Image(
            place.shape_maps(values),
            name=f"evidence: {kind} · {found.source.movie.name}",
            metadata={METADATA_KEY: {"kind": EVIDENCE, "class": kind, **found.source.origin}},
            colormap="magma",
            contrast_limits=(least, max(2 * least, float(values.max()), least + 1.0)),
            blending="additive",
            visible=kind == _SHARP,
            **place.layer_arguments(),
        )
        for kind, values, least in shown
    ]


def rings_layer(rings: Rings, sibling: Points, found: FoundAtoms) -> Points:
    """Return the rings that are not of the most frequent size, by their size."""
    counts = rings.counts()
    usual = max(counts, key=lambda size: counts[size]) if counts else 0
    odd = rings[rings.size != usual]
    sizes = np.array([f"ring of {size}" for size in odd.size.tolist()], dtype=str)
    places = places_of(odd, found.source.geometry.channel_axis)
    layer = mark(places, {KIND: sizes, "area": odd.area}, sibling, "rings")
    layer.metadata.update(_kept(found))
    return layer


def _name(what: str, sibling: Points) -> str:
    return f"{what} · {sibling.name.removeprefix('atoms · ')}"


def _kept(found: FoundAtoms) -> dict[str, str]:
    return {SOURCE_KEY: found.source.layer_id}


def _place(sibling: Points) -> dict[str, Any]:
    names = ("scale", "translate", "affine", "units", "axis_labels")
    return {name: getattr(sibling, name) for name in names}


def is_same(atoms: Atoms, others: Atoms) -> bool:
    """Return whether two tables have the same atoms at the same places."""

    def key(each: Atoms) -> NDArray[Any]:
        return np.stack([each.frame, each.y, each.x])

    return len(atoms) == len(others) and bool(np.array_equal(key(atoms), key(others)))
