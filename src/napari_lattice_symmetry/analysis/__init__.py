"""Movie in, result out: the run loop, a frame, the cluster, correction, watching."""

from napari_lattice_symmetry.analysis.correction import (
    Known,
    MeasuredDistortion,
    measure_distortion,
)
from napari_lattice_symmetry.analysis.reading import read_frame
from napari_lattice_symmetry.analysis.run import analyze, insert_in_background, iter_analyze
from napari_lattice_symmetry.analysis.window_choice import (
    describe_choice,
    describe_length,
    movie_period,
)

__all__ = [
    "Known",
    "MeasuredDistortion",
    "analyze",
    "describe_choice",
    "describe_length",
    "insert_in_background",
    "iter_analyze",
    "measure_distortion",
    "movie_period",
    "read_frame",
]
