"""Name the 2D Bravais lattice under every window of an atomically resolved movie.

The names below are imported from their modules when they are first used, so that
``import napari_lattice_symmetry`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import napari_lattice_symmetry.cells  # noqa: F401
    from napari_lattice_symmetry.analysis import (
        MeasuredDistortion,
        analyze,
        iter_analyze,
        measure_distortion,
    )
    from napari_lattice_symmetry.bravais import load_model
    from napari_lattice_symmetry.bravais.parameters import AnalysisParameters
    from napari_lattice_symmetry.data.movie import Movie
    from napari_lattice_symmetry.errors import LatticeSymmetryError
    from napari_lattice_symmetry.io import read_movie
    from napari_lattice_symmetry.lattice import (
        CLASSES,
        COLORS,
        LABELS,
        correct_basis,
        simulate,
        solve_distortion,
    )
    from napari_lattice_symmetry.results import FrameResult, MovieResult, load_result
    from napari_lattice_symmetry.spectrum import (
        LatticeFit,
        LatticeFits,
        WindowGrid,
        fit_lattice,
        fit_lattices,
    )

    __version__: str

__all__ = [
    "CLASSES",
    "COLORS",
    "LABELS",
    "AnalysisParameters",
    "FrameResult",
    "LatticeFit",
    "LatticeFits",
    "LatticeSymmetryError",
    "MeasuredDistortion",
    "Movie",
    "MovieResult",
    "WindowGrid",
    "__version__",
    "analyze",
    "correct_basis",
    "fit_lattice",
    "fit_lattices",
    "iter_analyze",
    "load_model",
    "load_result",
    "measure_distortion",
    "read_movie",
    "simulate",
    "solve_distortion",
]

_MODULE_OF = {
    "CLASSES": "lattice",
    "COLORS": "lattice",
    "LABELS": "lattice",
    "AnalysisParameters": "bravais.parameters",
    "FrameResult": "results",
    "LatticeFit": "spectrum",
    "LatticeFits": "spectrum",
    "LatticeSymmetryError": "errors",
    "MeasuredDistortion": "analysis",
    "Movie": "data.movie",
    "MovieResult": "results",
    "WindowGrid": "spectrum",
    "analyze": "analysis",
    "correct_basis": "lattice",
    "fit_lattice": "spectrum",
    "fit_lattices": "spectrum",
    "iter_analyze": "analysis",
    "load_model": "bravais",
    "load_result": "results",
    "measure_distortion": "analysis",
    "read_movie": "io",
    "simulate": "lattice",
    "solve_distortion": "lattice",
}


_ROOMS = ("cells",)
"""Packages whose names are used too, as in ``napari_lattice_symmetry.cells.plane_group``."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("napari-lattice-symmetry")
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
