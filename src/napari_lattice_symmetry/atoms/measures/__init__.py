"""What atoms say together: tracks, lives of defects, displacements, bonds and rings."""
