"""What an analysis finds: in memory, on disk, as tables, exports and figures."""

from napari_lattice_symmetry.results.map_spec import MapSpec
from napari_lattice_symmetry.results.maps import MAPS
from napari_lattice_symmetry.results.on_disk import check_target, open_result
from napari_lattice_symmetry.results.plots import plot_fractions, plot_maps
from napari_lattice_symmetry.results.provenance import provenance, versions
from napari_lattice_symmetry.results.result import FrameResult, MovieResult, load_result
from napari_lattice_symmetry.results.store import is_result, save_result
from napari_lattice_symmetry.results.tables import write_fractions

__all__ = [
    "MAPS",
    "FrameResult",
    "MapSpec",
    "MovieResult",
    "check_target",
    "is_result",
    "load_result",
    "open_result",
    "plot_fractions",
    "plot_maps",
    "provenance",
    "save_result",
    "versions",
    "write_fractions",
]
