"""Files as layers: movies, folders of images, and saved results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from napari.types import LayerData

    from napari_lattice_symmetry.movie import Movie

    Reader: TypeAlias = Callable[[str], list[LayerData]]


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Choose the reader for a path, without looking into files; None if it is not for us."""
    from napari_lattice_symmetry.io import SUFFIXES

    if not isinstance(path, str):
        return None
    folder = Path(path).is_dir()
    if folder and Path(path).suffix == ".zarr":
        return read_result
    return read_movie_layer if folder or path.lower().endswith(tuple(SUFFIXES)) else None


def read_movie_layer(path: str) -> list[LayerData]:
    """Read a file or a folder of images as an image layer."""
    from napari_lattice_symmetry.io import read_movie

    return [movie_layer(read_movie(path))]


def read_result(path: str) -> list[LayerData]:
    """Read a saved result as its layers."""
    from napari import current_viewer

    from napari_lattice_symmetry.analysis import load_result
    from napari_lattice_symmetry.plugin.geometry import LayerGeometry
    from napari_lattice_symmetry.plugin.hover import show_probability_in_status
    from napari_lattice_symmetry.plugin.layers import result_layers

    result = load_result(path)
    viewer = current_viewer()
    if viewer is not None:
        show_probability_in_status(viewer.layers)
    return result_layers(result, LayerGeometry.of_calibration(result))


def movie_layer(movie: Movie) -> LayerData:
    """Build the image layer of a movie."""
    from napari_lattice_symmetry.plugin.geometry import LayerGeometry

    geometry = LayerGeometry.of_calibration(movie)
    return movie.frames, {"name": movie.name, **geometry.layer_arguments()}, "image"
