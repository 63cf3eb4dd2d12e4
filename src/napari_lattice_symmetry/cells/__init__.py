"""Unit cells: structure factors, plane groups, the averaged cell and its motif."""

from napari_lattice_symmetry.cells.naming import (
    GroupRow,
    PlaneGroup,
    plane_group,
    plane_groups,
)

__all__ = ["GroupRow", "PlaneGroup", "plane_group", "plane_groups"]
