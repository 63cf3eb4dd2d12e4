"""The simulated movies as napari samples, each with its truth as a labels layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.types import LayerData


_GEOMETRY = ("scale", "translate", "units", "axis_labels")


def growing_holes() -> list[LayerData]:
    """Make a monolayer whose holes grow, of as many frames as the user waits for."""
    from napari_lattice_symmetry.plugin.widgets.progress_dialog import with_dialog

    text = "Simulating the growing holes…\nCancel keeps the frames so far."
    return _simulated("growing-holes", track=partial(with_dialog, text))


def square_to_hexagonal() -> list[LayerData]:
    """Make a lattice that slowly turns from square to hexagonal."""
    return _simulated("square-to-hexagonal")


def two_grains() -> list[LayerData]:
    """Make two grains with an amorphous strip."""
    return _simulated("two-grains")


def gallery() -> list[LayerData]:
    """Make a gallery of the six classes."""
    return _simulated("gallery")


def plane_groups() -> list[LayerData]:
    """Make a gallery of the 17 plane groups."""
    return _simulated("plane-groups")


def atoms() -> list[LayerData]:
    """Make a layer of MoS2 that loses atoms, and its atoms as points."""
    from napari import current_viewer

    from napari_lattice_symmetry.atoms import sample_movie
    from napari_lattice_symmetry.plugin.layers.care import take_care
    from napari_lattice_symmetry.plugin.readers import movie_layer

    take_care(current_viewer())
    sample = sample_movie()
    image = movie_layer(sample.movie)
    true = sample.atoms
    points = {
        "name": f"{sample.movie.name} · truth",
        "features": {"label": true.label.tolist(), "occupancy": true.more["occupancy"].tolist()},
        "size": 5,
        "face_color": "transparent",
        "border_color": "label",
        "visible": False,
        **{key: image[1][key] for key in _GEOMETRY if key in image[1]},
    }
    return [image, (np.stack([true.frame, true.y, true.x], axis=1), points, "points")]


def focal_series() -> list[LayerData]:
    """Show a focal series of MoS2 with vacancies, and its columns as points."""
    from napari import current_viewer

    from napari_lattice_symmetry.atoms import sample_series
    from napari_lattice_symmetry.plugin.layers.care import take_care

    take_care(current_viewer())
    picture = sample_series()
    side, true = picture.pixel_size, picture.atoms
    image = {
        "name": "MoS2 focal series",
        "metadata": {"defoci": list(picture.defoci)},
        "scale": (1, side, side),
        "units": ("pixel", "nm", "nm"),
        "axis_labels": ("focus", "y", "x"),
    }
    points = {
        "name": "MoS2 focal series · truth",
        "features": {"label": true.label.tolist()},
        "size": 8,
        "face_color": "transparent",
        "border_color": "label",
        "visible": False,
        "scale": (side, side),
        "units": ("nm", "nm"),
        "axis_labels": ("y", "x"),
    }
    return [(picture.images, image, "image"), (true.positions, points, "points")]


def _simulated(name: str, **options: Any) -> list[LayerData]:
    from napari import current_viewer

    from napari_lattice_symmetry.lattice import simulate
    from napari_lattice_symmetry.plugin.layers.care import take_care
    from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
    from napari_lattice_symmetry.plugin.layers.result_layers import truth_layer
    from napari_lattice_symmetry.plugin.readers import movie_layer

    take_care(current_viewer())
    simulated = simulate(name, **options)
    geometry = LayerGeometry.of_calibration(simulated.movie)
    truth = truth_layer(simulated.classes, f"{simulated.movie.name} · truth", geometry)
    return [movie_layer(simulated.movie), truth]
