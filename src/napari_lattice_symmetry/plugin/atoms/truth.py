"""Atoms that are known, from another layer of points, and what a score says of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Points

from napari_lattice_symmetry.atoms import Atoms, Score, read_atoms, score
from napari_lattice_symmetry.atoms.table import ATOM
from napari_lattice_symmetry.errors import InputError
from napari_lattice_symmetry.plugin.atoms.coloring import paint
from napari_lattice_symmetry.plugin.atoms.layers import (
    FoundAtoms,
    atoms_in,
    frames_and_places,
    places_of,
)
from napari_lattice_symmetry.plugin.structure.selection_link import apply_to_all

KIND = "kind"
_SIZE = 0.7  # spacings: what is marked is still seen in it


def truth_of_layer(layer: Points, atoms_layer: Points, found: FoundAtoms) -> Atoms:
    """Return the points of a layer as atoms of the image in which others were found.

    Parameters
    ----------
    layer : napari.layers.Points
        Anywhere in the world: what counts is where its points are seen. One without a time axis
        holds for every frame.
    atoms_layer : napari.layers.Points
        The atoms that were found.
    found : FoundAtoms
        What that was made of.

    Returns
    -------
    Atoms
        In pixels, with the labels that the layer has, in the frames that were searched.

    Raises
    ------
    InputError
        If the layer has no points.
    """
    if not len(layer.data):
        raise InputError(f"{layer.name!r} has no points; choose a layer of known atoms.")
    labels = layer.features["label"].to_numpy().astype(str) if "label" in layer.features else None
    seen = apply_to_all(layer.data_to_world, np.asarray(layer.data, dtype=np.float64))
    world = np.zeros((len(seen), atoms_layer.ndim))
    n = min(seen.shape[1], atoms_layer.ndim)
    world[:, -n:] = seen[:, -n:]
    time_axis = found.source.geometry.time_axis
    frame, y, x = frames_and_places(apply_to_all(atoms_layer.world_to_data, world), time_axis)
    if labels is None:
        labels = np.full(len(y), ATOM)
    if layer.ndim < 3:
        times = len(found.frames)
        frame = np.repeat(np.array(found.frames, dtype=np.int64), len(y))
        y, x, labels = (np.tile(each, times) for each in (y, x, labels))
    return _searched(Atoms.at(y, x, label=labels, frame=frame, name=layer.name), found)


def truth_of_file(path: Path, found: FoundAtoms) -> Atoms:
    """Read known atoms, in the frames that were searched.

    Raises
    ------
    InputError
        If the file is no table of atoms, or knows none in these frames.
    """
    return _searched(read_atoms(path, found.atoms.pixel_size), found)


def _searched(truth: Atoms, found: FoundAtoms) -> Atoms:
    kept = truth[np.isin(truth.frame, found.frames)]
    if not len(kept):
        raise InputError(f"{truth.name} knows of no atoms in the frames that were searched.")
    return kept


def compare(layer: Points, found: FoundAtoms, truth: Atoms, radius: float) -> tuple[str, Points]:
    """Compare the atoms of a layer with a truth.

    Parameters
    ----------
    layer : napari.layers.Points
        The atoms as they are now.
    found : FoundAtoms
        What that was made of.
    truth : Atoms
        What is there.
    radius : float
        Within which a pair counts, in nm if the pixel size is known, else in px.

    Returns
    -------
    text : str
        What the score says, in HTML.
    marks : napari.layers.Points
        Atoms that are not there, and those that were missed.
    """
    atoms = atoms_in(layer)
    told = score(atoms, truth, radius)
    extra, missed = atoms[told.extra], truth[told.missed]
    kinds = ["extra"] * len(extra) + ["missed"] * len(missed)
    places = np.concatenate(
        [places_of(each, found.source.geometry.channel_axis) for each in (extra, missed)]
    )
    return describe_score(told), mark(places, {KIND: np.array(kinds, dtype=str)}, layer, "score")


def describe_score(told: Score) -> str:
    """Say in HTML what a score says."""
    rows = [
        ("precision", f"{told.precision:.4f}", f"{len(told.extra)} extra"),
        ("recall", f"{told.recall:.4f}", f"{len(told.missed)} missed"),
        ("F1", f"{told.f1:.4f}", f"{len(told.pairs)} pairs"),
        ("error", f"{told.error:.3g} {told.unit}", "rms"),
    ]
    classes = sorted(told.classes)
    if len(classes) > 1:
        rows += [
            (f"F1 of {name}", f"{told.classes[name].f1:.4f}", f"{told.classes[name].true} true")
            for name in classes
        ]
    cells = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    table = "<table cellspacing=3>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"
    return table + "".join(f"<p>{remark}</p>" for remark in told.remarks)


def mark(places: Any, features: dict[str, Any], sibling: Points, what: str) -> Points:
    """Return a layer that marks places beside atoms, by kind in color and symbol.

    Parameters
    ----------
    places : ndarray, shape (n, d)
        Over the axes of the atoms.
    features : dict of str to ndarray
        Of each; one is the kind.
    sibling : napari.layers.Points
        The layer of the atoms.
    what : str
        What the name begins with.
    """
    size = float(np.mean(sibling.size)) if len(sibling.size) else 6.0
    layer = Points(
        places,
        ndim=sibling.ndim,
        name=f"{what} · {sibling.name.removeprefix('atoms · ')}",
        features=features,
        size=size * _SIZE / 0.4,
        border_width=0,
        opacity=0.7,
        scale=sibling.scale,
        translate=sibling.translate,
        affine=sibling.affine,
        units=sibling.units,
        axis_labels=sibling.axis_labels,
    )
    paint(layer, KIND, what, as_marks=True)
    return layer
