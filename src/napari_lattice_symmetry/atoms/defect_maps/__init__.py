"""Maps in which defects are peaks: class activation, and what is left of a lattice."""
