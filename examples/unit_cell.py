"""The averaged unit cell and its plane group.

All windows of an image are brought to one origin and averaged: what one cell hides in its noise,
the mean of hundreds shows. The two atoms of this hexagonal cell differ, as those of MoS2 do, so
that it is p3m1 and not p6m.
"""

import sys
from pathlib import Path

import napari_lattice_symmetry as nls

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

image = nls.LatticeImage(
    lattice="hexagonal", a=18, atoms=2, x2=1 / 3, y2=1 / 3, brightness2=0.4, size=512, counts=30
).draw()
windows = nls.WindowGrid(image.shape, 128, 128).windows(image)

cell = nls.cells.average_cell(windows)
print(f"a = {cell.a:.3f} px, gamma = {cell.gamma:.2f} degrees, {cell.n_cells:.0f} cells")
print(cell.group.remarks)
print("a window alone:", nls.cells.plane_group(windows[0, 0]).remarks)
nls.cells.plot_cell(cell).savefig(folder / "unit_cell.png", dpi=100)
