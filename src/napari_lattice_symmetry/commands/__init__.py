"""The command ``lattice-symmetry``: a module a verb."""
