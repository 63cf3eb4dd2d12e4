"""The dock of unit cells: plane group, strain and pixel size."""
