"""Strain of a film against its substrate.

The film has the substrate's spacing along x and is stretched by 3 % along y. The lattice of every
window is fitted, and compared with that of the windows that lie in the substrate alone.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import napari_lattice_symmetry as nls

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

crystal = {"orientation": 0, "disorder": 0.01, "size": 384, "counts": 200}
substrate = nls.LatticeImage(lattice="square", a=12, **crystal).draw()
film = nls.LatticeImage(lattice="rectangular", a=12, b=12 * 1.03, **crystal).draw()
frame = np.vstack([film[:192], substrate[192:]])

result = nls.analyze(frame, window=96, stride=16, samples=20, lattice_maps=True)
rows = result.grid.stride * np.arange(result.grid.shape[0])  # where windows begin
reference = np.repeat(rows[:, np.newaxis] >= 192, result.grid.shape[1], axis=1)
strain = result.strain(reference)  # in percent; x to the right, y down
in_film = rows + result.grid.window <= 192
print(f"film: exx {np.nanmedian(strain.exx[0, in_film]):+.2f} %, "
      f"eyy {np.nanmedian(strain.eyy[0, in_film]):+.2f} %")  # fmt: skip

figure = Figure(figsize=(9, 3), layout="constrained")
for axes, name in zip(figure.subplots(1, 3), ("exx", "eyy", "exy"), strict=True):
    image = axes.imshow(getattr(strain, name)[0], cmap="RdBu_r", vmin=-4, vmax=4)
    axes.set(title=name, xticks=[], yticks=[])
figure.colorbar(image, ax=axes, label="%")
figure.savefig(folder / "strain.png", dpi=100)
