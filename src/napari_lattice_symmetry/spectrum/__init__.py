"""Window grid, apodized FFT amplitude, log-polar and Cartesian spectra, lattice fits."""

from napari_lattice_symmetry.spectrum.fitting import fit_lattice, fit_lattices
from napari_lattice_symmetry.spectrum.grid import WindowGrid
from napari_lattice_symmetry.spectrum.lattice_fit import Flag, LatticeFit, LatticeFits

__all__ = ["Flag", "LatticeFit", "LatticeFits", "WindowGrid", "fit_lattice", "fit_lattices"]
