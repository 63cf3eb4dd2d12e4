"""Movie in, result out: the run loop, a frame, the cluster, correction, watching."""

from napari_lattice_symmetry.analysis.cell_windows import (
    AveragedCell,
    average_pixel_size,
    average_windows,
    places_of_class,
    places_of_frames,
)
from napari_lattice_symmetry.analysis.correction import (
    Known,
    MeasuredDistortion,
    measure_distortion,
)
from napari_lattice_symmetry.analysis.grains import grains_of, places_of_grain
from napari_lattice_symmetry.analysis.reading import read_frame
from napari_lattice_symmetry.analysis.run import Step, analyze, iter_analyze, stream
from napari_lattice_symmetry.analysis.watch import WatchStep, iter_watch
from napari_lattice_symmetry.analysis.window_choice import (
    describe_choice,
    describe_length,
    movie_period,
    too_few_or_many,
    window_warning,
)

__all__ = [
    "AveragedCell",
    "Known",
    "MeasuredDistortion",
    "Step",
    "WatchStep",
    "analyze",
    "average_pixel_size",
    "average_windows",
    "describe_choice",
    "describe_length",
    "grains_of",
    "iter_analyze",
    "iter_watch",
    "measure_distortion",
    "movie_period",
    "places_of_class",
    "places_of_frames",
    "places_of_grain",
    "read_frame",
    "stream",
    "too_few_or_many",
    "window_warning",
]
