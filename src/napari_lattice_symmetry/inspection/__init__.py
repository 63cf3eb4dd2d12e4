"""A close look at one window or one simulated lattice, and its figure."""
