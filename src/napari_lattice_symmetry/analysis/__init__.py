"""Movie in, result out: parameters, the frame loop, phase fractions, saving, tables, figures."""

from napari_lattice_symmetry.analysis.correction import (
    Known,
    MeasuredDistortion,
    measure_distortion,
)
from napari_lattice_symmetry.analysis.run import analyze, inserting, iter_analyze
from napari_lattice_symmetry.analysis.frame import read_frame
from napari_lattice_symmetry.results.provenance import provenance, versions
from napari_lattice_symmetry.bravais.parameters import (
    AnalysisParameters,
    parse_parameters,
    suggest_window,
)
from napari_lattice_symmetry.results.plots import plot_fractions, plot_maps
from napari_lattice_symmetry.results.result import FrameResult, MovieResult
from napari_lattice_symmetry.results.store import is_result, load_result, save_result
from napari_lattice_symmetry.results.on_disk import check_target, open_result
from napari_lattice_symmetry.results.tables import write_fractions
from napari_lattice_symmetry.analysis.window_choice import (
    describe_choice,
    describe_length,
    movie_period,
)

__all__ = [
    "AnalysisParameters",
    "FrameResult",
    "Known",
    "MeasuredDistortion",
    "MovieResult",
    "analyze",
    "check_target",
    "describe_choice",
    "describe_length",
    "inserting",
    "is_result",
    "iter_analyze",
    "load_result",
    "measure_distortion",
    "movie_period",
    "open_result",
    "parse_parameters",
    "plot_fractions",
    "plot_maps",
    "provenance",
    "read_frame",
    "save_result",
    "suggest_window",
    "versions",
    "write_fractions",
]
