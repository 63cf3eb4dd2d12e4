"""Files as layers: movies, folders of images, and saved results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from napari_lattice_symmetry.data.movie import Movie
from napari_lattice_symmetry.errors import InputError, guard

if TYPE_CHECKING:
    from napari.types import LayerData

    Reader: TypeAlias = Callable[[str], list[LayerData]]

_WRITTEN = (".zarr", ".tif", ".tiff")


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Choose the reader for a path by its name; None if it is not for us."""
    from napari_lattice_symmetry.io import SUFFIXES

    if not isinstance(path, str):
        return None
    known = Path(path).is_dir() or path.lower().endswith(SUFFIXES)
    return read_layers if known else None


def read_layers(path: str) -> list[LayerData]:
    """Read a saved result, layers that were saved, or each movie in a file or folder, as layers."""
    from napari import current_viewer

    from napari_lattice_symmetry.plugin.layers.care import take_care
    from napari_lattice_symmetry.results import is_result

    take_care(current_viewer())
    if Path(path).is_dir() and is_result(path):
        return read_result(path)
    return read_saved_layers(path) or [*read_movie_layers(path), *read_labels_layers(path)]


def read_movie_layers(path: str) -> list[LayerData]:
    """Read each movie in a file, with what a result is to say of its origin in the metadata."""
    from napari_lattice_symmetry.io import read_movies
    from napari_lattice_symmetry.plugin.selection.source import calibration_of
    from napari_lattice_symmetry.results.provenance import CHOICE

    movies = read_movies(path)
    layers = [movie_layer(movie) for movie in movies]
    for movie, (_, arguments, _) in zip(movies, layers, strict=True):
        arguments["metadata"]["calibration"] = calibration_of(movie)
        arguments["metadata"] |= {name: getattr(movie, name) for name in CHOICE}
    return layers


def read_labels_layers(path: str) -> list[LayerData]:
    """Read the labels that lie beside an image, as layers in napari's own colors."""
    from napari_lattice_symmetry.io import read_labels

    layers = [movie_layer(labels) for labels in read_labels(path)]
    return [(data, arguments, "labels") for data, arguments, _ in layers]


def read_saved_layers(path: str) -> list[LayerData]:
    """Read the layers, or the whole result, in a file that was written here; none of any other."""
    from napari_lattice_symmetry.io import read_layer_stack
    from napari_lattice_symmetry.results.export import layer_stack_result

    if not path.lower().endswith(_WRITTEN):
        return []
    stack = read_layer_stack(path)
    if stack is None:
        return []
    from napari_lattice_symmetry.plugin.layers.saved_layers import (
        restore_layers,
        restore_result_layers,
    )

    damaged = f"{Path(path).name} is damaged: what it says of its layers is not readable"
    with guard(damaged, InputError):
        result = layer_stack_result(stack)
        if result is None:
            return restore_layers(stack)
        return restore_result_layers(result, stack)


def read_result(path: str) -> list[LayerData]:
    """Read a saved result as its layers."""
    from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry
    from napari_lattice_symmetry.plugin.layers.result_layers import result_layers
    from napari_lattice_symmetry.results import load_result
    from napari_lattice_symmetry.results.store import reading

    result = load_result(path)
    with reading(Path(path)):
        geometry = LayerGeometry.of_result(result)
    return result_layers(result, geometry)


def movie_layer(movie: Movie) -> LayerData:
    """Build the image layer of a movie, with what its file says in the layer's metadata."""
    from napari_lattice_symmetry.plugin.layers.geometry import LayerGeometry

    place = LayerGeometry.of_calibration(movie).layer_arguments()
    about = {
        "original_metadata": dict(movie.metadata),
        "calibration_source": movie.calibration_source,
    }
    return movie.frames, {"name": movie.name, "metadata": about, **place}, "image"
