"""What the dock measures on atoms: defects, displacements, tracks, rings, and their layers."""
