"""Parts of the command ``lattice-symmetry``."""
