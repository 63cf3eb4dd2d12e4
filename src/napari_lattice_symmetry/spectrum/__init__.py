"""Window grid, apodised FFT amplitude, log-polar and Cartesian spectra."""

from napari_lattice_symmetry.spectrum.grid import WindowGrid

__all__ = ["WindowGrid"]
