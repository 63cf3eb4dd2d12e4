"""Which of some candidate crystals a frame shows, and along which axis.

The candidates are tabulated crystals here; `nls.crystals.read_structure` takes files of your own.
Lengths decide, so the pixel size has to be right. The extra `crystals` is needed.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import napari_lattice_symmetry as nls

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

frame = nls.LatticeImage(lattice="square", a=12, size=256, counts=100).draw()
movie = nls.Movie(frame[np.newaxis], pixel_size=(0.3905 / 12, 0.3905 / 12), unit="nm")
result = nls.analyze(movie, window=128, stride=32, samples=20, lattice_maps=True)

candidates = [nls.crystals.prototype(name) for name in ("Si", "SrTiO3", "Cu")]
found = nls.crystals.match(result, candidates, zones=2)
shares = np.ravel(found.fractions)
for name, share in sorted(zip(found.names, shares, strict=True), key=lambda each: -each[1]):
    print(f"{name}: {share:.0%} of the windows")

figure = Figure(figsize=(8, 3), layout="constrained")
image, bars = figure.subplots(1, 2)
image.imshow(frame, cmap="gray")
image.set(title="frame", xticks=[], yticks=[])
bars.barh(found.names, shares, color=[color for _, color in found.values.values()])
bars.set(xlabel="share of the windows", xlim=(0, 1))
figure.savefig(folder / "which_crystal.png", dpi=100)
